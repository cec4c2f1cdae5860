//! `sandbox`: the small AWS on a socket.

use super::connection::{SANDBOX_REGION, begin, keep};
use super::failure::{Exit, Failure};
use super::interrupt::Interrupt;
use super::ui::Ui;
use crate::sandbox::{Clock, Options, Rates, server};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long calls under way may take once the sandbox is asked to stop.
const LAST_CALLS: Duration = Duration::from_secs(2);

/// What can be done to it while it runs.
const CONTROL: &str = r#"While it runs, plain JSON to its URL directs it, without a signature:
  POST   /_sandbox/faults   {"calls": "UpdateService", "kind": "Throttled", "after": 1, "times": 2}
  POST   /_sandbox/faults   {"seed": 7, "rate": 0.1, "kinds": ["Denied"], "calls": "ecs:writes"}
  DELETE /_sandbox/faults   nothing goes wrong any more
  POST   /_sandbox/resume   a world that a fault has halted goes on
  POST   /_sandbox/advance  {"seconds": 3600}
  POST   /_sandbox/scale    {"region": "eu-central-1", "cluster": "a", "service": "b", "count": 7}
  GET    /_sandbox/calls    what was called, and how often
  DELETE /_sandbox/calls    forget the calls, not how many there were

Calls are named by operation, `reads`, `writes` or `*`; with `ecs:`, `ecr:` … before it, of that service only.

Kinds of faults: Throttled, TooManyRequests, ThrottledAsClientException, ServerError, Unavailable, Denied, {"Refused": {"code": "…", "message": "…"}}, {"StaleRead": {"seconds": 5}}, LostRequest, LostAnswer, Unanswered, HaltBefore, HaltAfter."#;

/// Run a small AWS on this machine: ECS, ECR and Application Auto Scaling, in memory.
///
/// The first line on stdout is its URL; set AWS_ENDPOINT_URL to it, or evaluate what --env prints.
#[derive(Debug, clap::Args)]
#[command(after_long_help = CONTROL)]
pub struct Args {
    /// Where to listen: an address of this machine; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4577", value_parser = loopback)]
    listen: SocketAddr,
    /// Keep the world in this file
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Ids follow from it
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// How many times faster than real its clock runs
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// How many times AWS's rates of calls it takes; 0: any number of calls
    #[arg(long, value_name = "N", default_value = "1", value_parser = rates)]
    rates: Rates,
    /// Print the exports to use it, and end
    #[arg(long)]
    env: bool,
}

/// Anybody who reaches the sandbox may do anything with it.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "this is not an address such as 127.0.0.1:4577")?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("the sandbox listens on this machine only".to_owned())
    }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(speed) if (0.001..=100_000.0).contains(&speed) => Ok(speed),
        _ => Err("this is not a number between 0.001 and 100000".to_owned()),
    }
}

fn rates(text: &str) -> Result<Rates, String> {
    match text.parse() {
        Ok(0.0) => Ok(Rates::Unlimited),
        Ok(times) if (0.001..=100_000.0).contains(&times) => Ok(Rates::Times(times)),
        _ => Err("this is not 0, nor a number between 0.001 and 100000".to_owned()),
    }
}

pub async fn run(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    if args.env && args.listen.port() == 0 {
        return Err(Failure::input("`--env` needs a port that is known: give one with `--listen`"));
    }
    if args.env {
        ui.result(&exports(args.listen));
        return Ok(Exit::Done);
    }
    let clock = Clock::Real { speed: args.speed };
    let options = Options { seed: args.seed, clock, rates: args.rates, ..Options::default() };
    let sandbox = begin(args.state.as_deref(), options)?;
    let failed = |what: &str, error: &std::io::Error| {
        Failure::world(format!("the sandbox {what} `{}`", args.listen)).caused_by(error)
    };
    let listener = TcpListener::bind(args.listen).await.map_err(|error| {
        failed("cannot listen on", &error).hint("`--listen 127.0.0.1:0` takes any free port")
    })?;
    let address = listener.local_addr().map_err(|error| failed("cannot listen on", &error))?;
    let interrupt = Interrupt::listen();
    ui.result(&format!("http://{address}\n"));
    let stop = interrupt.clone();
    let served = tokio::select! {
        served = server::serve(listener, sandbox.clone(), async move { stop.heard().await }) => served,
        // A client that does not hang up must not keep the world from being kept.
        () = async { interrupt.heard().await; tokio::time::sleep(LAST_CALLS).await } => Ok(()),
    };
    args.state.as_deref().map_or(Ok(()), |file| keep(&sandbox, file))?;
    served.map_err(|error| failed("stopped listening on", &error))?;
    Ok(Exit::Done)
}

/// For a shell's `eval`. The credentials open nothing.
fn exports(address: SocketAddr) -> String {
    let variables = [
        ("AWS_ENDPOINT_URL", format!("http://{address}")),
        ("AWS_REGION", SANDBOX_REGION.to_owned()),
        // The name that boto3 knows.
        ("AWS_DEFAULT_REGION", SANDBOX_REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", "sandbox".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "sandbox".to_owned()),
    ];
    variables.map(|(name, value)| format!("export {name}={value}\n")).concat()
}
