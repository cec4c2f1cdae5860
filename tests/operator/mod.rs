//! The loop against the sandbox: days of it, under paused time.

mod files;
mod life;
mod stories;
mod trouble;
