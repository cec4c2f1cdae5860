//! `run`: the loop over a directory.

use super::Format;
use super::connection::ConnectArgs;
use super::failure::{Exit, Failure};
use super::interrupt::Interrupt;
use super::pass::PassArgs;
use super::ui::Ui;
use crate::operator::{Form, Log, Operator, Settings, Wake};
use crate::reconcile::Session;
use crate::source::Directory;
use std::path::PathBuf;
use std::time::Duration;

/// Keep AWS what the manifests say.
///
/// Watches the files, heals drift on an interval, and follows deployments until they are done. SIGHUP looks now, SIGTERM
/// and Ctrl-C stop: calls under way are finished, new ones are not begun.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files or directories
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Between two looks at everything, such as 30s, 5m
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = super::apply::duration)]
    interval: Duration,
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
    #[command(flatten)]
    pass: PassArgs,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub async fn run(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    if args.paths.iter().any(|path| path.as_os_str() == "-") {
        return Err(Failure::input("`run` cannot watch `-`").hint("name files or directories"));
    }
    args.connect
        .connected(async |aws, poll| {
            let settings = Settings {
                interval: args.interval,
                poll,
                expect_account: args.connect.expect_account.clone(),
            };
            let form = match args.output {
                Format::Text => Form::Text,
                Format::Json => Form::Json,
            };
            let session = Session::new(aws, args.pass.options());
            let log = Log::new(form, |line: &str| ui.result(line));
            let wake = Wake::default();
            listen(&wake);
            Operator::new(settings, session, Directory::new(&args.paths), log).run(wake).await;
            Ok(Exit::Done)
        })
        .await
}

/// Signals wake the loop, or end it; a second one to end ends the process.
fn listen(wake: &Wake) {
    let (interrupt, stop) = (Interrupt::listen(), wake.clone());
    tokio::spawn(async move {
        interrupt.heard().await;
        stop.stop();
    });
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let ask = wake.clone();
        if let Ok(mut hangup) = signal(SignalKind::hangup()) {
            tokio::spawn(async move {
                while hangup.recv().await.is_some() {
                    ask.ask();
                }
            });
        }
    }
}
