//! `apply`: passes until nothing more can be written now, and with `--wait` until the rollouts are done.
//!
//! A pass is never planned again while it is carried out. Writing stops when a plan holds nothing that was not already
//! tried: what AWS does not keep as it was written would otherwise be written for ever. Once it waits for rollouts it
//! only looks: what rolls back is told and noted down, not deployed again.

use super::Format;
use super::connection::ConnectArgs;
use super::failure::{Exit, Failure};
use super::load::LoadArgs;
use super::pass::{PassArgs, PruneArgs, execute, judged, judged_one};
use super::ui::Ui;
use super::wait::{Ended, Wait, WaitArgs};
use crate::model::desired::Desired;
use crate::model::names::{Key, Kind};
use crate::plan::{Action, Hold, ObjectPlan, Plan, Verdict, Waiting};
use crate::reconcile::{Planned, Session};
use crate::report::{
    Applied, ObjectView, Result as Became, RolloutState, Source, VERSION, View, counted, json,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How often a plan that holds nothing new is looked at again: reads may be a little behind writes.
const LOOKS: u32 = 3;

/// Make AWS what the manifests say.
///
/// Repeats until nothing more can be written now. Deployments then go on by themselves; --wait stays until they are
/// done. Ctrl-C ends the waiting, not the deployments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    load: LoadArgs,
    #[command(flatten)]
    waiting: WaitArgs,
    /// How to print the result
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
    #[command(flatten)]
    pass: PassArgs,
    #[command(flatten)]
    prune: PruneArgs,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub async fn run(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    args.connect
        .connected(async |aws, poll| {
            let (loaded, session) = args.pass.begin_pruning(&args.prune, &args.load, aws, ui)?;
            let mut run = Run {
                args,
                ui,
                wait: Wait::begin(&args.waiting, poll),
                session: &session,
                source: &loaded.source,
                told: BTreeSet::new(),
                failed: BTreeMap::new(),
                passes: Vec::new(),
            };
            let written = run.write(&loaded.desired).await?;
            let exit = run.follow(&loaded.desired, written).await?;
            Ok(exit.worst(loaded.exit))
        })
        .await
}

/// One apply on its way.
struct Run<'a> {
    args: &'a Args,
    ui: &'a Ui,
    wait: Wait,
    session: &'a Session,
    source: &'a Source,
    /// What was told of objects.
    told: BTreeSet<String>,
    /// Objects whose last calls did not all succeed.
    failed: BTreeMap<Key, Exit>,
    passes: Vec<View>,
}

/// What is known when nothing more can be written.
enum Written {
    /// The last look was at everything.
    Seen(Box<Planned>),
    /// Something has changed since, or the last look was at a part.
    Unseen,
    Early(Ended),
}

impl Run<'_> {
    /// Passes until nothing more can be written.
    async fn write(&mut self, desired: &Desired) -> Result<Written, Failure> {
        let mut open = desired.clone();
        let mut tried = BTreeSet::new();
        let mut looks = 0;
        loop {
            let Some(planned) = self.look(&open).await? else {
                return Ok(Written::Early(Ended::Interrupted));
            };
            let view = View::of(&planned.plan, self.source, false);
            self.tell(&view);
            let new: Vec<String> = planned.plan.actions.iter().map(fingerprint).collect();
            let all_tried = new.iter().all(|action| tried.contains(action));
            tried.extend(new);
            if !all_tried {
                self.execute(&planned.plan, view).await?;
                looks = 0;
                continue;
            }
            let whole = open.objects.len() == desired.objects.len();
            // Nothing depends on a service: once it is as declared it is left alone, even if it rolls back.
            let settled = settled(&planned.plan);
            open.objects.retain(|key, _| !settled.contains(key));
            let again = self.not_kept(&planned.plan);
            let holds = self.passing_holds(&planned.plan);
            looks += 1;
            if holds.is_empty() && (again.is_empty() || looks > LOOKS) {
                return Ok(if whole { Written::Seen(Box::new(planned)) } else { Written::Unseen });
            }
            self.ui.waiting_for(&listed(holds.iter().chain(&again)));
            if let Some(ended) = self.wait.rest().await {
                return Ok(Written::Early(ended));
            }
        }
    }

    /// Looks at the deployments, with `--wait` until they are done, and closes.
    async fn follow(&mut self, desired: &Desired, written: Written) -> Result<Exit, Failure> {
        let (mut seen, mut ended) = match written {
            Written::Seen(planned) => (Some(*planned), None),
            Written::Unseen => (None, None),
            Written::Early(ended) => (None, Some(ended)),
        };
        let after = loop {
            let looked = match seen.take() {
                None => self.look(desired).await?,
                seen => seen,
            };
            let Some(planned) = looked else {
                ended = Some(Ended::Interrupted);
                break None;
            };
            let view = View::of(&planned.plan, self.source, false);
            let view = view.with_rollouts(&planned.plan, &planned.observed);
            let rolling: Vec<String> = view.objects.iter().filter_map(ObjectView::rolling).collect();
            if rolling.is_empty() || !self.args.waiting.wait || ended.is_some() {
                self.note_down(&planned.plan).await?;
                break Some(view);
            }
            self.ui.waiting_for(&listed(&rolling));
            ended = self.wait.rest().await;
        };
        let exit = self.judged(after.as_ref(), ended);
        let passes = std::mem::take(&mut self.passes);
        if self.args.output == Format::Json {
            self.ui.result(&json(&Applied { version: VERSION, passes, after }));
        } else if let Some(after) = &after {
            self.ui.result(&after.closing_text(!self.args.waiting.wait));
        }
        if let Some(ended) = ended {
            self.wait.tell(ended, self.ui);
        }
        Ok(exit)
    }

    /// The first half of a pass; nothing when interrupted.
    async fn look(&mut self, desired: &Desired) -> Result<Option<Planned>, Failure> {
        let planned = self.ui.during(&self.session.aws, self.session.plan(desired));
        let planned = self.wait.unless_interrupted(planned).await;
        let Some(planned) = planned.transpose()? else { return Ok(None) };
        self.args.connect.check_account(&planned.plan.account)?;
        Ok(Some(planned))
    }

    /// The second half: it is not interrupted.
    async fn execute(&mut self, plan: &Plan, view: View) -> Result<(), Failure> {
        self.ui.waiting_for(&format!("making {}", counted(plan.actions.len(), "call")));
        let outcome = self.ui.during(&self.session.aws, execute(self.session, plan)).await?;
        let view = view.with_outcome(plan, &outcome);
        for (object, planned) in view.objects.iter().zip(&plan.objects) {
            match &object.result {
                Some(Became::Done) => drop(self.failed.remove(&planned.key)),
                Some(Became::NotOwned) => drop(self.failed.insert(planned.key.clone(), Exit::No)),
                Some(Became::Failed { .. } | Became::Skipped) => {
                    self.failed.insert(planned.key.clone(), Exit::World);
                }
                None => {}
            }
        }
        if self.args.output == Format::Text {
            self.ui.result(&view.outcome_text());
        }
        self.passes.push(view.only(|object| object.result.is_some()));
        Ok(())
    }

    /// Notes down what was rejected, so that nobody tries it again.
    async fn note_down(&mut self, plan: &Plan) -> Result<(), Failure> {
        let notes = plan.notes_of_rejections();
        if notes.actions.is_empty() {
            return Ok(());
        }
        let view = View::of(&notes, self.source, false);
        self.execute(&notes, view).await
    }

    /// Tells the plan, and of later ones what is about to be done and was not told before. What waits meanwhile is
    /// progress.
    fn tell(&mut self, view: &View) {
        if self.args.output == Format::Json {
            return;
        }
        let (first, verbose) = (self.told.is_empty(), self.ui.verbose);
        let told = &mut self.told;
        let new = view.clone().only(|object| {
            let is_news = first || !object.calls.is_empty() || judged_one(object) != Exit::Done;
            is_news && object.is_told() && told.insert(gist(object, verbose))
        });
        let text = new.plan_text(verbose);
        if first {
            told.insert(String::new());
            self.ui.result(&[view.heading(), text, view.prune_text(), view.summary_text()].concat());
        } else {
            self.ui.result(&text);
        }
    }

    /// Objects that AWS still describes as they were before they were written.
    fn not_kept(&self, plan: &Plan) -> Vec<String> {
        let open = plan.objects.iter().filter(|object| !object.actions.is_empty());
        let open = open.filter(|object| !self.failed.contains_key(&object.key));
        open.map(|object| format!("{} to be as written", object.origin)).collect()
    }

    /// What time will fix: not what waits for something that could not be made.
    fn passing_holds(&self, plan: &Plan) -> Vec<String> {
        let failed =
            |kind: Kind, name: &str| self.failed.keys().any(|key| key.kind == kind && key.name == name);
        let passes = |waiting: &Waiting| match waiting {
            Waiting::Cluster { name } => !failed(Kind::EcsCluster, name),
            Waiting::CapacityProvider { name } => !failed(Kind::EcsCapacityProvider, name),
            // What goes waits for others that go.
            Waiting::NotEmpty { .. } | Waiting::InUse { .. } => !plan
                .objects
                .iter()
                .any(|object| object.verdict == Verdict::Delete && self.failed.contains_key(&object.key)),
            Waiting::Attachments { .. }
            | Waiting::Draining
            | Waiting::Deployment
            | Waiting::Detaching { .. }
            | Waiting::Deleting => true,
        };
        let held = plan.objects.iter().filter_map(|object| match &object.hold {
            Some(Hold::Waiting(waiting)) if passes(waiting) => Some(format!("{}: {waiting}", object.origin)),
            _ => None,
        });
        held.collect()
    }

    fn judged(&self, after: Option<&View>, ended: Option<Ended>) -> Exit {
        let no = |is_no: bool| if is_no { Exit::No } else { Exit::Done };
        let failed = self.failed.values().copied().fold(Exit::Done, Exit::worst);
        let after = after.map_or(Exit::Done, |after| {
            let is_no = |object: &ObjectView| {
                !object.is_as_declared()
                    || match object.rollout.as_ref().map(|rollout| rollout.state) {
                        Some(RolloutState::Failed | RolloutState::RolledBack | RolloutState::RollingBack) => {
                            true
                        }
                        Some(RolloutState::Rolling) => self.args.waiting.wait,
                        Some(RolloutState::Done) | None => false,
                    }
            };
            judged(after).worst(no(after.objects.iter().any(is_no)))
        });
        failed.worst(after).worst(no(ended.is_some()))
    }
}

/// The services that are as declared.
fn settled(plan: &Plan) -> BTreeSet<Key> {
    let is_settled = |object: &&ObjectPlan| {
        let is_service = object.key.kind == Kind::EcsService;
        is_service && object.verdict == Verdict::Unchanged && object.hold.is_none()
    };
    plan.objects.iter().filter(is_settled).map(|object| object.key.clone()).collect()
}

/// What is told of an object, but for what it waits for.
fn gist(object: &ObjectView, verbose: bool) -> String {
    let hold = object.hold.clone().filter(|hold| hold.blocked);
    let calls = if verbose { object.calls.clone() } else { Vec::new() };
    json(&ObjectView { hold, calls, ..object.clone() })
}

/// The same for the same call, whatever its place in a plan.
fn fingerprint(action: &Action) -> String {
    format!("{} {} {}", action.object, action.operation, Value::Object(action.input.clone()))
}

/// The first few, on one line.
fn listed<'a>(what: impl IntoIterator<Item = &'a String>) -> String {
    const SHOWN: usize = 3;
    let what: Vec<&str> = what.into_iter().map(String::as_str).collect();
    let shown = what[..what.len().min(SHOWN)].join("; ");
    let more = what.len().saturating_sub(SHOWN);
    if more > 0 { format!("waiting for {shown}; {more} more") } else { format!("waiting for {shown}") }
}
