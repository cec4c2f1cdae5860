//! The way to AWS, or to a sandbox that lives as long as the command.
//!
//! A sandbox with a file begins with the world kept there and keeps it again however the command ends; the file is
//! replaced whole, never half.

use super::failure::Failure;
use crate::aws::{Aws, Connection, Exchange, Share};
use crate::sandbox::{Clock, Options, RestoreError, Sandbox};
use std::fs;
use std::future::ready;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A rollout of the sandbox takes as long as AWS says; nobody wants to wait for that in a demo.
const SPEED: f64 = 20.0;
/// Between two commands a kept world goes on at its speed, at most for this long: whatever was under way ends, and a world
/// that was left for days is not weeks older.
const CATCH_UP: Duration = Duration::from_hours(1);
/// Where a sandbox is when nothing says another Region.
pub const SANDBOX_REGION: &str = "eu-central-1";
/// Between two looks at something that is on its way: AWS's own tools wait 15 seconds, people less.
const POLL: Duration = Duration::from_secs(5);

/// How to reach AWS.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "AWS")]
pub struct ConnectArgs {
    /// The Region of what declares none; default: the AWS settings' (AWS_REGION, the profile)
    #[arg(long)]
    pub region: Option<String>,
    /// Refuse to work on any other account than this one
    #[arg(long, value_name = "ACCOUNT")]
    pub expect_account: Option<String>,
    /// How much of AWS's call rates to use, 1% to 100%: the rest is for the account's other tools
    #[arg(long, value_name = "SHARE", default_value_t)]
    pub budget: Share,
    /// Use a small AWS inside this process instead; with FILE its world is kept there
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    #[allow(clippy::option_option)] // clap's way to say "given without a value"
    pub sandbox: Option<Option<PathBuf>>,
}

impl ConnectArgs {
    /// Does `work` with AWS, or with the sandbox, which is kept also when `work` fails.
    pub async fn connected<T>(
        &self,
        work: impl AsyncFnOnce(Aws, Duration) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Some(file) = &self.sandbox else {
            let aws = Aws::connect(Connection::Ambient { region: self.region.clone() }).await;
            return work(aws.with_budget(self.budget), POLL).await;
        };
        let clock = Clock::Real { speed: SPEED };
        let sandbox = begin(file.as_deref(), Options { clock, ..Options::default() })?;
        sandbox.advance(file.as_deref().and_then(age).unwrap_or_default().mul_f64(SPEED).min(CATCH_UP));
        let region = self.region.clone().unwrap_or_else(|| SANDBOX_REGION.to_owned());
        let aws = in_process(&sandbox, region).await.with_budget(self.budget);
        let done = work(aws, poll(SPEED)).await;
        let kept = file.as_deref().map_or(Ok(()), |file| keep(&sandbox, file));
        let done = done?;
        kept.map(|()| done)
    }

    /// Refuses an account that is not the expected one; it is empty when nothing had to be asked of any.
    pub fn check_account(&self, account: &str) -> Result<(), Failure> {
        match &self.expect_account {
            Some(expected) if expected != account && !account.is_empty() => Err(Failure::input(format!(
                "these are credentials for account `{account}`, and `--expect-account` says `{expected}`"
            ))
            .hint("set AWS_PROFILE, or correct the account")),
            _ => Ok(()),
        }
    }
}

/// The way to a sandbox in this process.
pub async fn in_process(sandbox: &Sandbox, region: String) -> Aws {
    let answering = sandbox.clone();
    let call: Exchange = Arc::new(move |request| Box::pin(ready(answering.call(request))));
    Aws::connect(Connection::InProcess { call, region }).await
}

/// Between two looks where time goes so many times as fast.
pub fn poll(speed: f64) -> Duration {
    POLL.div_f64(speed)
}

/// How long ago a file was written.
fn age(file: &Path) -> Option<Duration> {
    fs::metadata(file).ok()?.modified().ok()?.elapsed().ok()
}

/// The world of `file`, or a new one where there is none yet.
pub fn begin(file: Option<&Path>, options: Options) -> Result<Sandbox, Failure> {
    let Some(file) = file else { return Ok(Sandbox::new(options)) };
    let text = match fs::read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && folder(file).is_dir() => {
            return Ok(Sandbox::new(options));
        }
        Err(error) => return Err(unusable(file).caused_by(&error)),
    };
    let world = serde_json::from_slice(&text).map_err(|error| {
        unusable(file)
            .caused_by(&error)
            .hint("it is damaged, or no sandbox wrote it: move it away for a new world")
    })?;
    Sandbox::restore(world, options).map_err(|error| {
        let hint = match &error {
            RestoreError::NotAWorld(_) => "name a file that a sandbox wrote, or one that does not exist yet",
            RestoreError::Version { .. } => "move it away for a new world",
        };
        unusable(file).caused_by(&error).hint(hint)
    })
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn unusable(file: &Path) -> Failure {
    Failure::input(format!("the sandbox's world `{}` cannot be read", file.display()))
}

/// Writes the world beside its file, then puts it in its place.
pub fn keep(sandbox: &Sandbox, file: &Path) -> Result<(), Failure> {
    let write = || -> io::Result<()> {
        let mut name = std::ffi::OsString::from(".");
        name.push(file.file_name().ok_or(io::ErrorKind::InvalidInput)?);
        name.push(format!(".{}", std::process::id()));
        let beside = folder(file).join(name);
        let mut new = fs::File::create(&beside)?;
        let world = serde_json::to_vec_pretty(&sandbox.world())?;
        new.write_all(&world)
            .and_then(|()| new.sync_all())
            .and_then(|()| fs::rename(&beside, file))
            .inspect_err(|_| {
                // The error that is told is the one that led here.
                let _ = fs::remove_file(&beside);
            })
    };
    write().map_err(|error| {
        Failure::world(format!("the sandbox's world `{}` could not be kept", file.display()))
            .caused_by(&error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_is_kept_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("w.json");
        let sandbox = begin(Some(&file), Options::default()).unwrap();
        keep(&sandbox, &file).unwrap();
        begin(Some(&file), Options::default()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_is_no_world_is_an_input_error_with_a_hint_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "{", "[]", "{\"version\": 99}"] {
            let file = folder.path().join("w.json");
            fs::write(&file, text).unwrap();
            let failure = begin(Some(&file), Options::default()).unwrap_err();
            assert_eq!((failure.exit.code(), failure.error.hints.len()), (2, 1), "{text}: {failure:?}");
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
    }
}
