//! What the tour has at hand: the page that it writes on, the file, the small AWS, and the events of the loop.
//!
//! Whoever waits is told what happens meanwhile, in its order; a wait that lasts too long is a failure.

use super::Pace;
use super::page::{command, edited, set_in, wrapped};
use crate::cli::connection::SANDBOX_REGION;
use crate::cli::failure::Failure;
use crate::cli::load::LoadArgs;
use crate::cli::ui::Ui;
use crate::operator::{Kept, Publish};
use crate::reconcile::Session;
use crate::report::{Event, View};
use crate::sandbox::{CallRecord, Sandbox};
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

const TITLE: Style = AnsiColor::Cyan.on_default().bold();
const QUIET: Style = Style::new().dimmed();
const GONE: Style = AnsiColor::Red.on_default();
const NEW: Style = AnsiColor::Green.on_default();

/// Nothing in the tour takes so long, on a machine under load either.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two looks at what no event tells.
const TICK: Duration = Duration::from_millis(100);
/// For each word that is read; the eye is elsewhere when something moves.
const READING: Duration = Duration::from_millis(110);

/// What the loop has told, and when that was since the beginning.
pub type Told = (Duration, Event);

/// Hands on what the loop tells.
pub struct Teller {
    /// With the first thing that it told.
    began: Option<Instant>,
    to: UnboundedSender<Told>,
}

impl Teller {
    pub fn new() -> (Self, UnboundedReceiver<Told>) {
        let (to, events) = unbounded_channel();
        (Self { began: None, to }, events)
    }
}

impl Publish for Teller {
    async fn publish(&mut self, events: &[Event], _: &Kept) {
        let at = self.began.get_or_insert_with(Instant::now).elapsed();
        for event in events {
            // Nobody listens any more when the tour is over.
            let _ = self.to.send((at, event.clone()));
        }
    }
}

/// What can stand on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    Heading,
    Text,
    Shown,
    Events,
}

/// What the tour works with.
pub struct Stage<'a> {
    pub ui: &'a Ui,
    /// What was put on the page last.
    pub last: Block,
    pub sandbox: Sandbox,
    /// For plans and status beside the loop.
    pub session: Session,
    /// Has the loop begin.
    pub begin: Option<oneshot::Sender<()>>,
    pub events: UnboundedReceiver<Told>,
    /// What the loop has told since something was last done to it.
    pub lately: Vec<Event>,
    /// The directory.
    pub manifests: PathBuf,
    pub has_reader: bool,
    pub pace: Pace,
}

/// Where the manifest is.
pub fn file(manifests: &Path) -> PathBuf {
    manifests.join("shop.yaml")
}

impl Stage<'_> {
    /// Puts something on the page, apart from what it does not belong to.
    fn put(&mut self, block: Block, text: &str) {
        let belongs =
            matches!((self.last, block), (Block::Heading, Block::Text) | (Block::Events, Block::Events));
        self.ui.result(&format!("{}{text}", if belongs { "" } else { "\n" }));
        self.last = block;
    }

    pub fn heading(&mut self, text: &str) {
        self.put(Block::Heading, &format!("{TITLE}{text}{TITLE:#}\n"));
    }

    /// A paragraph, and the time to read it.
    pub async fn say(&mut self, text: &str) {
        self.put(Block::Text, &wrapped(text, "", 0));
        self.pause(text.split_whitespace().count()).await;
    }

    /// Text as it is, set in; what does not fit is broken.
    pub async fn show(&mut self, text: &str) {
        let lines: String = text.lines().map(|line| set_in(line, 4)).collect();
        self.put(Block::Shown, &lines);
        self.pause(text.split_whitespace().count() / 2).await;
    }

    /// The time to read so many words; what happens meanwhile is told.
    async fn pause(&mut self, words: usize) {
        if !self.has_reader {
            return;
        }
        let end = Instant::now() + READING * u32::try_from(words).unwrap_or(u32::MAX);
        loop {
            tokio::select! {
                Some(told) = self.events.recv() => self.tell(told),
                () = sleep_until(end) => return,
            }
        }
    }

    fn tell(&mut self, (at, event): Told) {
        let time = format!("{:2}:{:02}", at.as_secs() / 60, at.as_secs() % 60);
        self.put(Block::Events, &wrapped(&event.text(&time), "  ", 10));
        self.lately.push(event);
    }

    /// Tells what is left to tell.
    pub fn tell_rest(&mut self) {
        self.ui.rest();
        while let Ok(told) = self.events.try_recv() {
            self.tell(told);
        }
    }

    /// Tells what happens, until `is_over`.
    pub async fn wait(&mut self, what: &str, is_over: impl Fn(&Self) -> bool) -> Result<(), Failure> {
        let end = Instant::now() + PATIENCE;
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !is_over(self) {
            if Instant::now() > end {
                let patience = PATIENCE.as_secs();
                return Err(Failure::world(format!("the tour waited {patience} s for {what} in vain")));
            }
            tokio::select! {
                told = self.events.recv() => match told {
                    Some(told) => self.tell(told),
                    None => return Err(Failure::world("the loop has ended in the middle of the tour")),
                },
                _ = ticks.tick() => self.ui.waiting_for(&deployments(&self.sandbox)),
            }
        }
        self.ui.rest();
        Ok(())
    }

    /// From now on the loop runs.
    pub fn begin(&mut self) {
        // It can only be gone when the tour is.
        let _ = self.begin.take().map(|begin| begin.send(()));
    }

    /// Makes the file what it shall be at first.
    pub async fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.save(text)?;
        self.show(&format!("{QUIET}{}{QUIET:#}\n{text}", file(&self.manifests).display())).await;
        Ok(())
    }

    /// Changes the file as a person would, and shows what has changed.
    pub async fn edit(&mut self, from: &str, to: &str) -> Result<(), Failure> {
        let path = file(&self.manifests);
        let before = fs::read_to_string(&path).map_err(|error| unusable(&path, &error))?;
        let after = before.replace(from, to);
        let (gone, new) = edited(&before, &after);
        let gone = gone.into_iter().map(|line| format!("{GONE}-{line}{GONE:#}\n"));
        let new = new.into_iter().map(|line| format!("{NEW}+{line}{NEW:#}\n"));
        let diff: String = gone.chain(new).collect();
        self.show(&format!("{QUIET}{}{QUIET:#}\n{diff}", path.display())).await;
        self.lately.clear();
        self.save(&after)
    }

    fn save(&self, text: &str) -> Result<(), Failure> {
        let path = file(&self.manifests);
        // As editors do: nobody reads half of it.
        let new = self.manifests.join(".shop.yaml.new");
        fs::write(&new, text).and_then(|()| fs::rename(&new, &path)).map_err(|error| unusable(&path, &error))
    }

    /// Calls AWS as somebody else would, and says so.
    pub async fn behind_the_back(&mut self, operation: &str, input: Value) -> Result<(), Failure> {
        self.show(&command("ecs", operation, &input)).await;
        self.lately.clear();
        self.sandbox
            .perform(SANDBOX_REGION, "ecs", operation, &input)
            .map(drop)
            .map_err(|refusal| Failure::world(format!("the sandbox refused ecs:{operation}: {refusal:?}")))
    }

    /// What `plan` says now.
    pub async fn plan(&mut self) -> Result<(), Failure> {
        let (view, _) = self.view().await?;
        self.show(&[view.heading(), view.plan_text(false), view.summary_text()].concat()).await;
        Ok(())
    }

    /// What `status` says now.
    pub async fn status(&mut self) -> Result<(), Failure> {
        let (view, text) = self.view().await?;
        self.show(&[view.heading(), text].concat()).await;
        Ok(())
    }

    async fn view(&self) -> Result<(View, String), Failure> {
        let load = LoadArgs { paths: vec![self.manifests.clone()], keep_going: false };
        let loaded = load.load(Some(SANDBOX_REGION), self.ui)?;
        let planned = self.session.plan(&loaded.desired).await?;
        let view = View::of(&planned.plan, &loaded.source, false);
        let view = view.with_rollouts(&planned.plan, &planned.observed);
        let status = view.status_text(false);
        Ok((view, status))
    }

    /// The operator's calls that changed something.
    pub fn changes(&self) -> Vec<CallRecord> {
        self.sandbox.calls().into_iter().filter(|call| call.changes && call.done).collect()
    }
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::world(format!("`{}` cannot be used", path.display())).caused_by(error)
}

/// The service as AWS describes it; null while it does not exist.
pub fn service(sandbox: &Sandbox) -> Value {
    let input = json!({"cluster": "shop", "services": ["web"]});
    let answer = sandbox.perform(SANDBOX_REGION, "ecs", "DescribeServices", &input);
    answer.map(|mut answer| answer["services"][0].take()).unwrap_or_default()
}

/// `web:2 1/3 running, 2 failed · web:1 3/3 running`.
fn deployments(sandbox: &Sandbox) -> String {
    let service = service(sandbox);
    let one = |deployment: &Value| {
        let count = |name: &str| deployment[name].as_i64().unwrap_or_default();
        let revision = deployment["taskDefinition"].as_str().unwrap_or_default();
        let revision = revision.rsplit('/').next().unwrap_or_default();
        let failed = match count("failedTasks") {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        format!("{revision} {}/{} running{failed}", count("runningCount"), count("desiredCount"))
    };
    let all = service["deployments"].as_array().into_iter().flatten();
    all.map(one).collect::<Vec<_>>().join(" · ")
}
