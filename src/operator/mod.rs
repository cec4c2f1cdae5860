//! The loop: what is declared is made so, and kept so.
//!
//! ```text
//!   source changed ──► load ──► what is declared, each object in its last valid form
//!   interval, asked ─► sweep ─► what differs of all that      reads everything, slowly, never writes
//!   changed, found, under way ─► pass: read, decide, write    of a few objects and what they depend on
//! ```
//!
//! One pass at a time, and a sweep beside it: a change never waits for a sweep, and whatever is written was read just
//! before. What to do next is decided in [`Kept`], on values; here it is only done. Where objects come from is a
//! [`Source`], where what is known goes a [`Publish`]. The loop must never write when it is to stop, for an account
//! that is not the one it began with, or for what it could not read. Tests: `tests/operator`.

mod agenda;
mod declared;
mod kept;
mod publish;
mod standing;
mod wake;

pub use kept::Kept;
pub use publish::{Form, Log, Publish};
pub use wake::Wake;

use crate::aws::CallError;
use crate::execute::Outcome;
use crate::plan::Plan;
use crate::reconcile::{Planned, Session};
use crate::report::{Event, Happening, counted};
use crate::resolve::{Options, resolve};
use crate::source::Source;
use agenda::{Pace, jittered};
use kept::Turn;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};
use wake::{Panicked, Slot};

/// Sweeps come up to this much sooner or later, so that many operators do not come at once.
const JITTER: f64 = 0.1;
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
    sweep: Slot<(Instant, Result<Planned, CallError>)>,
    pass: Slot<Step>,
    next_sweep: Instant,
    /// In a row.
    failed_sweeps: u32,
    /// The account that it began with.
    account: Option<String>,
    /// The last sweep was of that account: only then there are passes.
    may_pass: bool,
    /// Why AWS cannot be asked, as it was told.
    unreachable: Option<String>,
}

/// A pass, step by step: between reading and writing it is decided what may be written now.
enum Step {
    Read(Turn, Result<Planned, CallError>),
    Wrote(Turn, Box<Planned>, Plan, Result<Outcome, Vec<String>>),
}

impl<S: Source, P: Publish> Operator<S, P> {
    pub fn new(settings: Settings, session: Session, source: S, publish: P) -> Self {
        Self {
            kept: Kept::new(Pace(settings.poll)),
            settings,
            session: Arc::new(session),
            source,
            publish,
            sweep: Slot::free(),
            pass: Slot::free(),
            next_sweep: Instant::now(),
            failed_sweeps: 0,
            account: None,
            may_pass: false,
            unreachable: None,
        }
    }

    /// Goes on until it is asked to stop.
    pub async fn run(mut self, wake: Wake) {
        self.start().await;
        loop {
            let next = self.begin(Instant::now()).await;
            tokio::select! {
                biased;
                () = wake.stopped() => break,
                () = self.source.changed() => self.load().await,
                () = wake.asked() => self.look_now(),
                swept = self.sweep.done() => self.swept(swept).await,
                step = self.pass.done() => self.stepped(step).await,
                () = sleep_until(next) => {}
            }
        }
        self.stop().await;
    }

    async fn start(&mut self) {
        self.load().await;
        let declared = &self.kept.declared;
        let revision = declared.revision.as_ref().map(|revision| format!(" @ {revision}"));
        let message = format!(
            "{} in {} of {}{}",
            counted(declared.desired.objects.len(), "object"),
            counted(declared.files, "file"),
            self.source.place(),
            revision.unwrap_or_default()
        );
        self.tell(vec![Event::of_all(Happening::Started, message)]).await;
    }

    /// Begins what is due, and says when something will be due next.
    async fn begin(&mut self, now: Instant) -> Instant {
        if self.sweep.is_free() && self.next_sweep <= now {
            // What the watcher may have missed.
            self.load().await;
            let (session, desired) = (Arc::clone(&self.session), Arc::clone(&self.kept.declared.desired));
            self.sweep.begin(async move { (now, session.sweep(&desired).await) });
        }
        if self.pass.is_free()
            && self.may_pass
            && let Some(turn) = self.kept.turn(now)
        {
            let session = Arc::clone(&self.session);
            self.pass.begin(async move {
                let planned = session.plan(&turn.desired).await;
                Step::Read(turn, planned)
            });
        }
        let sweep = Some(self.next_sweep).filter(|_| self.sweep.is_free());
        let pass = self.kept.next().filter(|_| self.pass.is_free() && self.may_pass);
        [sweep, pass].into_iter().flatten().fold(now + HEARTBEAT, Instant::min)
    }

    async fn load(&mut self) {
        let snapshot = self.source.load().await;
        let default_region = self.session.aws.default_region().map(str::to_owned);
        let resolved = resolve(&snapshot, &Options { default_region });
        let was_empty = self.kept.declared.desired.objects.is_empty();
        let events = self.kept.loaded(&snapshot, resolved, Instant::now());
        if was_empty {
            // Nobody was asked yet whose account this is.
            self.next_sweep = Instant::now();
        }
        self.tell(events).await;
    }

    fn look_now(&mut self) {
        self.kept.asked(Instant::now());
        self.next_sweep = Instant::now();
    }

    async fn swept(&mut self, swept: Result<(Instant, Result<Planned, CallError>), Panicked>) {
        let now = Instant::now();
        let planned = match swept {
            Ok((began, Ok(planned))) => self.check_account(&planned).map(|()| (began, planned)),
            Ok((_, Err(error))) => Err(error.to_string()),
            Err(panic) => Err(panic.to_string()),
        };
        let events = match planned {
            Ok((began, planned)) => {
                self.failed_sweeps = 0;
                self.next_sweep = now + jittered(self.settings.interval, JITTER);
                let mut events = self.reached();
                events.extend(self.kept.swept(&planned, began, now));
                events
            }
            Err(cause) => {
                self.failed_sweeps += 1;
                let wait = Pace(self.settings.poll).backoff(self.failed_sweeps).min(self.settings.interval);
                self.next_sweep = now + jittered(wait, JITTER);
                self.not_reached(cause)
            }
        };
        self.tell(events).await;
    }

    async fn stepped(&mut self, step: Result<Step, Panicked>) {
        let now = Instant::now();
        let events = match step {
            Ok(Step::Read(turn, Ok(_))) if !self.may_pass => {
                self.kept.failed(&turn, now);
                Vec::new()
            }
            Ok(Step::Read(turn, Ok(planned))) => {
                let plan = self.kept.allowed(&planned.plan, &turn, now);
                if !plan.actions.is_empty() {
                    return self.write(turn, planned, plan);
                }
                let mut events = self.reached();
                events.extend(self.kept.passed(&turn, &planned, &plan, &Outcome::default(), now));
                events
            }
            Ok(Step::Read(turn, Err(error))) => {
                self.kept.failed(&turn, now);
                self.not_reached(error.to_string())
            }
            Ok(Step::Wrote(turn, planned, plan, Ok(outcome))) => {
                self.kept.passed(&turn, &planned, &plan, &outcome, now)
            }
            Ok(Step::Wrote(turn, _, _, Err(broken))) => {
                self.kept.failed(&turn, now);
                vec![Event::of_all(Happening::Failed, format!("a plan breaks a rule: {}", broken.join("; ")))]
            }
            Err(panic) => vec![Event::of_all(Happening::Failed, panic.to_string())],
        };
        self.tell(events).await;
    }

    fn write(&mut self, turn: Turn, planned: Planned, plan: Plan) {
        let session = Arc::clone(&self.session);
        self.pass.begin(async move {
            let outcome = session.execute(&plan).await;
            Step::Wrote(turn, Box::new(planned), plan, outcome)
        });
    }

    /// Whether a sweep was of the account that it should be of: its resources are nobody else's absences.
    fn check_account(&mut self, planned: &Planned) -> Result<(), String> {
        let account = &planned.plan.account;
        // Nothing is declared, so nobody was asked.
        if account.is_empty() {
            return Ok(());
        }
        let expected = self.settings.expect_account.as_ref().or(self.account.as_ref()).unwrap_or(account);
        self.may_pass = expected == account;
        if !self.may_pass {
            return Err(format!(
                "these are credentials for account `{account}`, and it should be `{expected}`"
            ));
        }
        self.account = Some(account.clone());
        Ok(())
    }

    fn reached(&mut self) -> Vec<Event> {
        self.unreachable.take().map(|_| Event::of_all(Happening::Reachable, "")).into_iter().collect()
    }

    fn not_reached(&mut self, cause: String) -> Vec<Event> {
        match self.unreachable.replace(cause.clone()) {
            None => vec![Event::of_all(Happening::Unreachable, cause)],
            Some(_) => Vec::new(),
        }
    }

    /// No new calls; those under way are waited for.
    async fn stop(mut self) {
        self.session.aws.close();
        self.sweep.abort();
        if !self.pass.is_free()
            && let Ok(wrote @ Ok(Step::Wrote(..))) = timeout(LAST_CALLS, self.pass.done()).await
        {
            self.stepped(wrote).await;
        }
        self.tell(vec![Event::of_all(Happening::Stopped, "")]).await;
    }

    async fn tell(&mut self, events: Vec<Event>) {
        if !events.is_empty() {
            self.publish.publish(&events, &self.kept).await;
        }
    }
}
