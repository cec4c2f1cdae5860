//! `demo`: the tour, told as it happens.
//!
//! It is the product and no film: manifests in a directory, the loop of `run` over them, and a sandbox in this process
//! whose API is called where somebody works behind the operator's back. Here all of it is set up and taken down;
//! [`tour`] tells the story, and must say nothing that did not happen: what it tells it waits for. Tests: `tests/demo.rs`.

mod page;
mod stage;
mod tour;

use super::connection::{SANDBOX_REGION, in_process, keep, poll};
use super::failure::{Exit, Failure};
use super::interrupt::Interrupt;
use super::pass::DEFAULT_OWNER;
use super::ui::Ui;
use crate::aws::Aws;
use crate::operator::{Operator, Settings, Wake};
use crate::plan::Options;
use crate::reconcile::Session;
use crate::sandbox::{self, Clock, Sandbox};
use crate::source::Directory;
use stage::{Block, Stage, Teller};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::oneshot;

/// So fast that a deployment does not bore, and so slow that it can be watched.
const PACE: Pace = Pace { speed: 6.0, interval: Duration::from_secs(2) };
const IN_A_HURRY: Pace = Pace { speed: 20.0, interval: Duration::from_secs(1) };

/// Take the tour: deploy, drift, heal, a bad image, rollback, fix
///
/// It lasts about a minute and needs no account and no network: a small AWS runs inside the process. Nothing is left
/// behind, unless it is to be kept. Ctrl-C ends it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Do not wait for somebody to read along
    #[arg(long)]
    fast: bool,
    /// Leave the manifest and the small AWS in this new directory, to play on
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// How fast the time of the sandbox goes, and how often the loop looks at everything.
#[derive(Debug, Clone, Copy)]
struct Pace {
    speed: f64,
    interval: Duration,
}

pub async fn run(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    let interrupt = Interrupt::listen();
    let place = Place::make(args.keep.as_deref())?;
    let pace = if args.fast { IN_A_HURRY } else { PACE };
    let clock = Clock::Real { speed: pace.speed };
    let sandbox = Sandbox::new(sandbox::Options { clock, ..sandbox::Options::default() });
    let aws = in_process(&sandbox, SANDBOX_REGION.to_owned()).await;
    let (teller, events) = Teller::new();
    let settings = Settings { interval: pace.interval, poll: poll(pace.speed), expect_account: None };
    let source = Directory::new(&[place.manifests()]);
    let operator = Operator::new(settings, session(aws.clone()), source, teller);
    let (begin, begun) = oneshot::channel();
    let mut stage = Stage {
        ui,
        last: Block::Text,
        sandbox: sandbox.clone(),
        session: session(aws),
        begin: Some(begin),
        events,
        lately: Vec::new(),
        manifests: place.manifests(),
        has_reader: !args.fast && Ui::is_watched(),
        pace,
    };
    let wake = Wake::default();
    let tour = async {
        let toured = tokio::select! {
            toured = tour::tour(&mut stage) => toured.map(|()| Exit::Done),
            () = interrupt.heard() => Ok(Exit::No),
        };
        // What has not begun never will.
        stage.begin = None;
        wake.stop();
        toured
    };
    let run = async {
        if begun.await.is_ok() {
            operator.run(wake.clone()).await;
        }
    };
    let (toured, ()) = tokio::join!(tour, run);
    stage.tell_rest();
    let left = place.leave(&sandbox)?;
    if matches!(toured, Ok(Exit::No)) {
        ui.say("the tour ends here\n");
    }
    ui.result(&format!("\n{left}"));
    toured
}

fn session(aws: Aws) -> Session {
    let options = Options { owner: DEFAULT_OWNER.to_owned(), ..Options::default() };
    Session::new(aws, options)
}

/// Where the manifests are, and the world once it is kept.
enum Place {
    /// Gone with this value.
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Place {
    fn make(keep: Option<&Path>) -> Result<Self, Failure> {
        let place = match keep {
            None => tempfile::Builder::new().prefix("ecs-operator-").tempdir().map(Self::Temporary),
            Some(keep) => match fs::create_dir(keep) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(Failure::input(format!("`{}` is there already", keep.display()))
                        .hint("name a directory that does not exist yet"));
                }
                made => made.map(|()| Self::Kept(keep.to_owned())),
            },
        };
        let made = place.and_then(|place| fs::create_dir(place.manifests()).map(|()| place));
        made.map_err(|error| Failure::input("there is no place for the manifest").caused_by(&error))
    }

    fn root(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(folder) => folder,
        }
    }

    /// Without the world: what is JSON there would be read as manifests.
    fn manifests(&self) -> PathBuf {
        self.root().join("shop")
    }

    /// Takes down what was put up, or keeps it; says which.
    fn leave(self, sandbox: &Sandbox) -> Result<String, Failure> {
        let folder = match self {
            Self::Temporary(folder) => {
                let path = folder.path().display().to_string();
                return match folder.close() {
                    Ok(()) => {
                        Ok("Nothing is left behind. With `--keep DIR` it stays there, to play on.\n"
                            .to_owned())
                    }
                    Err(error) => {
                        Err(Failure::world(format!("`{path}` could not be removed")).caused_by(&error))
                    }
                };
            }
            Self::Kept(folder) => folder,
        };
        keep(sandbox, &folder.join("world.json"))?;
        let folder = folder.display();
        let again = ["status", "plan", "run"]
            .map(|command| format!("  ecs-operator {command} {folder}/shop --sandbox={folder}/world.json\n"));
        Ok(format!(
            "It is all in {folder}. To play on, edit {folder}/shop/shop.yaml, and\n\n{}",
            again.concat()
        ))
    }
}
