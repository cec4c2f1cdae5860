//! Waiting for what goes on in AWS: in steps, until a deadline or an interrupt, neither of which ends it there.

use super::interrupt::Interrupt;
use super::ui::Ui;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long a command waits.
#[derive(Debug, Clone, clap::Args)]
pub struct WaitArgs {
    /// Wait until every deployment is done
    #[arg(long)]
    pub wait: bool,
    /// How long to wait, such as 90s, 5m, 1h
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = duration)]
    timeout: Duration,
}

pub fn duration(text: &str) -> Result<Duration, String> {
    let span = text.parse::<jiff::SignedDuration>().ok();
    span.and_then(|span| Duration::try_from(span).ok())
        .ok_or_else(|| "write a time such as 90s, 5m or 1h30m".to_owned())
}

/// A wait on its way.
pub struct Wait {
    poll: Duration,
    timeout: Duration,
    deadline: Instant,
    interrupt: Interrupt,
}

/// Why a wait came to an end before there was nothing left to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    TimedOut,
    Interrupted,
}

impl Wait {
    /// Looks every `poll`.
    pub fn begin(args: &WaitArgs, poll: Duration) -> Self {
        let deadline = Instant::now() + args.timeout;
        Self { poll, timeout: args.timeout, deadline, interrupt: Interrupt::listen() }
    }

    /// Waits a moment.
    pub async fn rest(&self) -> Option<Ended> {
        let until = self.deadline.min(Instant::now() + self.poll);
        tokio::select! {
            () = sleep_until(until) => (Instant::now() >= self.deadline).then_some(Ended::TimedOut),
            () = self.interrupt.heard() => Some(Ended::Interrupted),
        }
    }

    /// What `work` gives; nothing when interrupted.
    pub async fn unless_interrupted<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.interrupt.heard() => None,
            done = work => Some(done),
        }
    }

    /// Says why the waiting ended, and that nothing else did.
    pub fn tell(&self, ended: Ended, ui: &Ui) {
        ui.say(&match ended {
            Ended::Interrupted => "stopped waiting; what was begun goes on in AWS\n".to_owned(),
            Ended::TimedOut => format!(
                "stopped waiting after {:#}; what was begun goes on in AWS\n",
                jiff::SignedDuration::try_from(self.timeout).unwrap_or_default()
            ),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_write_them() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_mins(90)));
        for wrong in ["-5m", "5", "", "soon"] {
            assert_eq!(duration(wrong), Err("write a time such as 90s, 5m or 1h30m".to_owned()));
        }
    }
}
