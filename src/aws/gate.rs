//! Whether writes may be sent. A process that is to end closes it: what is under way is answered, and nothing is begun.
//!
//! Tests: at the end, and in `tests/operator`.

use std::sync::Arc;
use tokio::sync::watch;

/// Open at first; once closed it stays so. Clones are the same gate.
#[derive(Debug, Clone)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Gate {
    pub fn close(&self) {
        self.0.send_replace(true);
    }

    /// What comes of `wait`, unless the gate is closed or closes before.
    pub async fn unless_closed<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        let mut closed = self.0.subscribe();
        tokio::select! {
            biased;
            // The sender is in `self`: it cannot be gone.
            _ = closed.wait_for(|closed| *closed) => None,
            done = wait => Some(done),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use std::time::Duration;
    use tokio::time::{Instant, sleep};

    #[tokio::test(start_paused = true)]
    async fn who_waits_at_a_gate_that_closes_goes_home_at_once() {
        let gate = Gate::default();
        assert_eq!(gate.unless_closed(async { 1 }).await, Some(1));
        let (began, closing) = (Instant::now(), gate.clone());
        let close = async {
            sleep(Duration::from_secs(1)).await;
            closing.close();
        };
        let (waited, ()) = tokio::join!(gate.unless_closed(pending::<()>()), close);
        assert_eq!((waited, began.elapsed()), (None, Duration::from_secs(1)));
        assert_eq!(gate.unless_closed(async { 1 }).await, None, "and nobody is let in afterwards");
    }
}
