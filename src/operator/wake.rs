//! What wakes the loop from outside: a request to look now, and a request to stop. And what is under way meanwhile.
//!
//! Tests: `tests/operator`.

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// The loop's ears. Clones hear the same.
#[derive(Debug, Clone)]
pub struct Wake {
    asked: Arc<Notify>,
    stop: Arc<watch::Sender<bool>>,
}

impl Default for Wake {
    fn default() -> Self {
        Self { asked: Arc::default(), stop: Arc::new(watch::Sender::new(false)) }
    }
}

impl Wake {
    /// Asks for everything to be looked at now.
    pub fn ask(&self) {
        self.asked.notify_one();
    }

    /// Asks the loop to end.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    pub(super) async fn asked(&self) {
        self.asked.notified().await;
    }

    pub(super) async fn stopped(&self) {
        // The sender is in `self`: it cannot be gone.
        let _ = self.stop.subscribe().wait_for(|stop| *stop).await;
    }
}

/// Room for one thing under way. It goes on while it is waited for, beside what else the loop waits for.
pub(super) struct Slot<T>(Option<LocalBoxFuture<'static, Result<T, Panicked>>>);

/// A defect: what was under way has ended in the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a defect of ecs-operator ended it in the middle: please report it with the lines before this one")]
pub(super) struct Panicked;

impl<T: 'static> Slot<T> {
    pub fn free() -> Self {
        Self(None)
    }

    pub fn is_free(&self) -> bool {
        self.0.is_none()
    }

    pub fn begin(&mut self, work: impl Future<Output = T> + 'static) {
        let work = AssertUnwindSafe(work).catch_unwind();
        self.0 = Some(work.map(|done| done.map_err(|_| Panicked)).boxed_local());
    }

    /// What came of it; never, while there is nothing. Nothing is lost when it is dropped before.
    pub async fn done(&mut self) -> Result<T, Panicked> {
        let Some(under_way) = &mut self.0 else { return pending().await };
        let done = under_way.await;
        self.0 = None;
        done
    }

    /// Ends it where it stands.
    pub fn abort(&mut self) {
        self.0 = None;
    }
}
