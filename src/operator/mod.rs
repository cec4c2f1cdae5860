//! The loop: what is declared is made so, and kept so.
//!
//! ```text
//!   source changed ──► load ──► what is declared, each object in its last valid form
//!   interval, asked ─► sweep ─► what differs of all that          reads everything, slowly, never writes
//!   changed, found, under way ─► pass: read, decide, write        of a few objects and what they depend on
//! ```
//!
//! One pass at a time, and a sweep beside it: a change never waits for a sweep, and whatever is written was read just
//! before. What to do next is decided in [`Kept`], on values; here it is only done. Where objects come from is a
//! [`Source`], where what is known goes a [`Publish`]. The loop must never write when it is to stop, in an account that
//! is not the one it began with, or about what it could not read. Tests: `tests/operator`.

mod agenda;
mod declared;
pub mod health;
mod kept;
mod metrics;
mod pass;
mod publish;
mod seen;
mod standing;
mod sweep;
mod undeclared;
mod vitals;
mod wake;

pub use kept::Kept;
pub use publish::{Form, Log, Publish};
pub use vitals::Vitals;
pub use wake::Wake;

use crate::reconcile::Session;
use crate::report::{Event, Happening, counted, short};
use crate::resolve::{Options, resolve};
use crate::source::Source;
use agenda::Pace;
use pass::Step;
use std::sync::Arc;
use std::time::Duration;
use sweep::{Sweeps, Swept};
use tokio::time::{Instant, sleep_until, timeout};
use wake::Slot;

/// The loop turns at least this often, so that somebody can see that it does.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// Calls under way when it is to stop may take this long; the process is given 10 seconds.
const LAST_CALLS: Duration = Duration::from_secs(8);

/// How the loop runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Between two sweeps.
    pub interval: Duration,
    /// Between two looks at something under way.
    pub poll: Duration,
    /// The only account that anything may be done in.
    pub expect_account: Option<String>,
}

/// The loop, and all that it knows.
pub struct Operator<S, P> {
    settings: Settings,
    session: Arc<Session>,
    source: S,
    publish: P,
    kept: Kept,
    sweeps: Sweeps,
    sweep: Slot<Swept>,
    pass: Slot<Step>,
    vitals: Arc<Vitals>,
}

impl<S: Source, P: Publish> Operator<S, P> {
    pub fn new(settings: Settings, session: Session, source: S, publish: P) -> Self {
        Self {
            kept: Kept::new(Pace(settings.poll), session.options.prune.is_some()),
            sweeps: Sweeps::new(),
            sweep: Slot::free(),
            pass: Slot::free(),
            vitals: Arc::new(Vitals::new(&session.aws, settings.interval)),
            session: Arc::new(session),
            settings,
            source,
            publish,
        }
    }

    /// How it is, for whoever asks while it runs.
    pub fn vitals(&self) -> Arc<Vitals> {
        Arc::clone(&self.vitals)
    }

    /// Goes on until it is asked to stop.
    pub async fn run(mut self, wake: Wake) {
        tokio::select! {
            biased;
            () = wake.stopped() => {}
            () = self.turn(&wake) => {}
        }
        self.stop().await;
    }

    /// For ever. It may be dropped wherever it waits: what is under way is not its own.
    async fn turn(&mut self, wake: &Wake) {
        self.start().await;
        loop {
            let next = self.begin(Instant::now()).await;
            tokio::select! {
                biased;
                () = self.source.changed() => self.reload().await,
                () = wake.asked() => self.look_now(),
                swept = self.sweep.done() => self.swept(swept).await,
                step = self.pass.done() => self.stepped(step).await,
                () = sleep_until(next) => {}
            }
        }
    }

    async fn start(&mut self) {
        self.load().await;
        let declared = &self.kept.declared;
        let (objects, files) = (declared.desired.objects.len(), declared.files);
        let mut message = format!(
            "{} in {} of {}",
            counted(objects, "object"),
            counted(files, "file"),
            self.source.place()
        );
        message.extend(declared.revision.iter().map(|revision| format!(" @ {}", short(revision))));
        self.tell(vec![Event::of_all(Happening::Started, message)]).await;
    }

    /// Begins what is due, and says when something will be due next.
    async fn begin(&mut self, now: Instant) -> Instant {
        self.vitals.turned();
        if self.sweep.is_free() && self.sweeps.next <= now {
            // What the source has not told.
            self.load().await;
            self.sweeps.began = Some(now);
            let (session, desired) = (Arc::clone(&self.session), Arc::clone(&self.kept.declared.desired));
            self.sweep.begin(async move {
                let planned = session.sweep(&desired).await;
                Swept { began: now, desired, planned }
            });
        }
        let may_pass = self.pass.is_free() && self.sweeps.may_pass;
        if may_pass && let Some(turn) = self.kept.turn(now) {
            self.read(turn);
        }
        let sweep = Some(self.sweeps.next).filter(|_| self.sweep.is_free());
        let pass = self.kept.next().filter(|_| self.pass.is_free() && self.sweeps.may_pass);
        [sweep, pass].into_iter().flatten().fold(now + HEARTBEAT, Instant::min)
    }

    /// Something has happened to the source. When it says what it said before, somebody asks by touching it.
    async fn reload(&mut self) {
        if !self.load().await && self.sweeps.began.is_none_or(|began| began.elapsed() > HEARTBEAT) {
            self.sweeps.next = Instant::now();
        }
    }

    /// Reads the source; whether it says anything new.
    async fn load(&mut self) -> bool {
        let Some(snapshot) = self.source.load().await else { return false };
        let default_region = self.session.aws.default_region().map(str::to_owned);
        let resolved = resolve(&snapshot, &Options { default_region });
        let now = Instant::now();
        if self.kept.declared.desired.objects.is_empty() {
            // Nobody was asked yet whose account this is.
            self.sweeps.next = now;
        }
        let events = self.kept.loaded(&snapshot, resolved, now);
        let is_news = !events.is_empty();
        self.tell(events).await;
        is_news
    }

    /// Somebody asks.
    fn look_now(&mut self) {
        self.kept.asked(Instant::now());
        self.sweeps.next = Instant::now();
    }

    /// No new calls; writes under way are waited for.
    async fn stop(mut self) {
        self.session.aws.close();
        self.sweep.abort();
        if !self.pass.is_free()
            && let Ok(wrote @ Ok(Step::Wrote(_))) = timeout(LAST_CALLS, self.pass.done()).await
        {
            self.stepped(wrote).await;
        }
        self.tell(vec![Event::of_all(Happening::Stopped, "")]).await;
    }

    async fn tell(&mut self, events: Vec<Event>) {
        self.vitals.update(&self.kept, self.sweeps.unreachable.as_ref());
        if !events.is_empty() {
            self.vitals.metrics.happened(&events);
            self.publish.publish(&events, &self.kept).await;
        }
    }
}
