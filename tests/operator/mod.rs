//! The loop against the sandbox: days of it, under paused time.

mod day;
mod files;
pub mod life;
#[cfg(unix)]
mod process;
mod prune;
mod rollback;
mod stories;
mod trouble;
