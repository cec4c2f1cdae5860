//! Ctrl-C: the first one ends the waiting, the second one the process.

use super::failure::Exit;
use tokio::sync::watch;

/// Heard once, by all who ask.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// From now on the process does not end by itself when it is interrupted.
    pub fn listen() -> Self {
        let (heard, receiver) = watch::channel(false);
        tokio::spawn(async move {
            while signal().await {
                if heard.send_replace(true) {
                    std::process::exit(Exit::No.code().into());
                }
            }
        });
        Self(receiver)
    }

    /// Ends when the process is asked to stop.
    pub async fn heard(&self) {
        if self.0.clone().wait_for(|heard| *heard).await.is_err() {
            // Nobody listens any more: nothing will be heard.
            std::future::pending::<()>().await;
        }
    }
}

/// Waits for SIGINT or SIGTERM; false where signals cannot be had.
async fn signal() -> bool {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else { return false };
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted.is_ok(),
            terminated = terminate.recv() => terminated.is_some(),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.is_ok()
}
