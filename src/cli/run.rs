//! `run`: the loop over files and directories.

use super::Format;
use super::connection::ConnectArgs;
use super::failure::{Exit, Failure};
use super::interrupt::Interrupt;
use super::pass::{PassArgs, PruneArgs};
use super::ui::Ui;
use crate::aws::Aws;
use crate::operator::{Form, Log, Operator, Settings, Wake, health};
use crate::report::{Event, Happening};
use crate::source::Directory;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use tokio::net::TcpListener;

/// Keep AWS what the manifests say.
///
/// Writes what changes in the files, heals what changes in AWS, and follows deployments until they are done: one line
/// for each thing that happens. SIGHUP looks at everything now; SIGTERM and Ctrl-C end it: calls under way are finished,
/// no others begun, and deployments go on by themselves.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files or directories
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How often to look at everything, such as 30s, 5m
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = interval)]
    interval: Duration,
    /// Where to answer /healthz, /readyz, /metrics and POST /reconcile: port 0 takes any free one, off is nowhere
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4578")]
    listen: Listen,
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
    #[command(flatten)]
    pass: PassArgs,
    #[command(flatten)]
    prune: PruneArgs,
    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listen {
    At(SocketAddr),
    Off,
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            _ => text
                .parse()
                .map(Self::At)
                .map_err(|_| "write an address such as 127.0.0.1:4578, or off".to_owned()),
        }
    }
}

/// More often than every second would only wait for the call budget.
fn interval(text: &str) -> Result<Duration, String> {
    let interval = super::wait::duration(text)?;
    if interval < Duration::from_secs(1) { Err("at least 1s".to_owned()) } else { Ok(interval) }
}

pub async fn run(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    if args.paths.iter().any(|path| path.as_os_str() == "-") {
        return Err(Failure::input("standard input cannot be watched").hint("name files or directories"));
    }
    let listener = match args.listen {
        Listen::Off => None,
        Listen::At(address) => Some(listen(address).await?),
    };
    args.connect
        .connected(async |aws, poll| {
            check_account(args, &aws).await?;
            let session = args.pass.session(&args.prune, aws)?;
            let wake = Wake::default();
            hear(&wake);
            let form = if args.output == Format::Json { Form::Json } else { Form::Text };
            let mut log = Log::new(form, |line: &str| ui.result(line));
            let address = listener.as_ref().and_then(|listener| listener.local_addr().ok());
            if let Some(address) = address {
                log.tell(&[Event::of_all(Happening::Listening, format!("http://{address}"))]);
            }
            let expect_account = args.connect.expect_account.clone();
            let settings = Settings { interval: args.interval, poll, expect_account };
            let operator = Operator::new(settings, session, Directory::new(&args.paths), log);
            let pages = listener.map(|listener| health::serve(listener, operator.vitals(), wake.clone()));
            let pages = pages.map(tokio::spawn);
            operator.run(wake).await;
            pages.inspect(tokio::task::JoinHandle::abort);
            Ok(Exit::Done)
        })
        .await
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::world(format!("cannot listen on `{address}`"))
            .caused_by(&error)
            .hint("`--listen 127.0.0.1:0` takes any free port, `--listen off` none")
    })
}

/// The wrong account is said at once. One that cannot be asked yet is for the loop.
async fn check_account(args: &Args, aws: &Aws) -> Result<(), Failure> {
    let Some(region) = aws.default_region().filter(|_| args.connect.expect_account.is_some()) else {
        return Ok(());
    };
    match aws.account_id(region).await {
        Ok(account) => args.connect.check_account(account),
        Err(_) => Ok(()),
    }
}

/// Signals wake the loop, or end it; a second one to end ends the process.
fn hear(wake: &Wake) {
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
