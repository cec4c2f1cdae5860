//! Where an object stands, as far as people were told; what is told when it stands elsewhere. Pure. Tests: at the end.

use crate::model::names::family_and_revision;
use crate::model::observed::Resource;
use crate::plan::{ObjectPlan, Verdict};
use crate::report::{Event, Happening, HoldView, ObjectView, RolloutState, verdict_name};

/// What is known of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    pub verdict: Verdict,
    pub hold: Option<HoldView>,
    /// Drift that its manifest says only to report, by path.
    pub drift: Vec<String>,
    /// Why it could not be read.
    pub unreadable: Option<String>,
    /// The last call that failed, or that was not kept.
    pub trouble: Option<Trouble>,
    pub rollout: Option<Rollout>,
    /// The revision that was tried and failed.
    pub tried: Option<String>,
    /// Why its tasks stopped.
    pub causes: Vec<String>,
}

/// Calls that do not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub what: Happening,
    /// The same for the same trouble.
    pub gist: String,
    pub message: String,
    pub hint: Option<String>,
}

/// A service's newest deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// The deployment's id.
    pub id: String,
    pub state: RolloutState,
    /// `family:revision`.
    pub revision: String,
    pub reason: String,
}

impl Standing {
    /// As a look has found it. Troubles are of writes: the looks before them know nothing of those.
    pub fn of(
        object: &ObjectPlan,
        view: &ObjectView,
        live: Option<&Resource>,
        trouble: Option<Trouble>,
    ) -> Self {
        let causes = view.rollout.iter().flat_map(|rollout| &rollout.causes);
        let held_back = view.differences.iter().filter(|difference| difference.drift && difference.held_back);
        Self {
            verdict: view.verdict,
            hold: view.hold.clone(),
            drift: held_back.map(|difference| difference.path.clone()).collect(),
            unreadable: (view.verdict == Verdict::Unreadable).then(|| object.notes.join("; ")),
            trouble,
            rollout: live.and_then(|live| Rollout::of(live, view)),
            tried: view.rollout.as_ref().and_then(|rollout| rollout.tried.clone()),
            causes: causes.map(|cause| cause.message.clone()).collect(),
        }
    }

    /// Of something that was not looked at closely.
    pub fn found(verdict: Verdict) -> Self {
        Self {
            verdict,
            hold: None,
            drift: Vec::new(),
            unreadable: None,
            trouble: None,
            rollout: None,
            tried: None,
            causes: Vec::new(),
        }
    }

    /// For machines.
    pub fn verdict_name(&self) -> &'static str {
        verdict_name(self.verdict)
    }

    /// Whether nothing is amiss, wherever its rollout stands.
    fn is_fine(&self) -> bool {
        self.hold.is_none() && self.drift.is_empty() && self.unreadable.is_none() && self.trouble.is_none()
    }

    /// What is to be told of `object`, which stood there before, or was not known.
    pub fn news(&self, object: &str, before: Option<&Self>) -> Vec<Event> {
        let was = |same: &dyn Fn(&Self) -> bool| before.is_some_and(same);
        let mut events = Vec::new();
        let mut tell = |what, message: &str| events.push(Event::of(object, what, message));
        let failure = self.hold.as_ref().and_then(failure);
        if let Some(rollout) =
            self.rollout.as_ref().filter(|rollout| failure.is_none() || !rollout.has_failed())
        {
            let is_new = was(&|before| before.verdict == Verdict::Create);
            rollout.news(before.and_then(|before| before.rollout.as_ref()), is_new, &mut tell);
        }
        if self.verdict == Verdict::Suspended && !was(&|before| before.verdict == Verdict::Suspended) {
            tell(Happening::Suspended, "its manifest asks to be left alone");
        }
        if let Some(cause) = self.unreadable.as_ref().filter(|_| !was(&|before| before.unreadable.is_some()))
        {
            tell(Happening::Unreadable, cause);
        }
        let is_over = self.is_fine() && self.verdict == Verdict::Unchanged;
        if is_over && was(&|before| !before.is_fine() || before.verdict == Verdict::Suspended) {
            tell(Happening::Ready, "");
        }
        if !self.drift.is_empty() && !was(&|before| before.drift == self.drift) {
            let drifted = Event::of(object, Happening::Drifted, "its manifest says only to report it");
            events.push(drifted.at(self.drift.clone()));
        }
        // What is waited for may change; that it waits was told. So may what AWS counts of a failure.
        let told = |hold: &HoldView| {
            let fails_as = |before: &Self, old: &HoldView| {
                failure.is_some() && old.reason == hold.reason && before.tried == self.tried
            };
            was(&|before| {
                before
                    .hold
                    .as_ref()
                    .is_some_and(|old| old == hold || !(old.blocked || hold.blocked) || fails_as(before, old))
            })
        };
        if let Some(hold) = self.hold.as_ref().filter(|hold| !told(hold)) {
            let what = if hold.blocked { Happening::Blocked } else { Happening::Waiting };
            let causes = self.causes.iter().filter(|_| failure.is_some());
            let words: Vec<&str> = [&hold.message].into_iter().chain(causes).map(String::as_str).collect();
            let event = Event::of(object, failure.unwrap_or(what), words.join("; "));
            // While AWS goes back there is more to come.
            let hint = hold.hint.clone().filter(|_| failure != Some(Happening::RollingBack));
            events.push(event.with_hint(hint));
        }
        if let Some(trouble) = &self.trouble {
            let known = |before: &Self| before.trouble.as_ref().is_some_and(|was| was.gist == trouble.gist);
            if !was(&known) {
                let event = Event::of(object, trouble.what, &trouble.message);
                events.push(event.with_hint(trouble.hint.clone()));
            }
        }
        events
    }
}

/// The holds that say that what is wanted was tried and failed.
fn failure(hold: &HoldView) -> Option<Happening> {
    match hold.reason {
        "RolledBack" => Some(Happening::RolledBack),
        "RollingBack" => Some(Happening::RollingBack),
        "RolloutFailed" => Some(Happening::RolloutFailed),
        _ => None,
    }
}

impl Rollout {
    fn of(service: &Resource, view: &ObjectView) -> Option<Self> {
        let deployments = service.body.get("deployments")?.as_array()?;
        let primary = deployments.iter().find(|deployment| deployment["status"] == "PRIMARY")?;
        let text = |name: &str| primary[name].as_str().unwrap_or_default().to_owned();
        let judged = view.rollout.as_ref()?;
        // Tasks that come and go under a deployment that is done are no rollout.
        let state = match (judged.state, text("rolloutState").as_str()) {
            (RolloutState::Rolling, "COMPLETED") => RolloutState::Done,
            (state, _) => state,
        };
        Some(Self {
            id: text("id"),
            state,
            revision: family_and_revision(primary["taskDefinition"].as_str().unwrap_or_default()).to_owned(),
            reason: judged.reason.clone().unwrap_or_default(),
        })
    }

    /// For machines.
    pub fn state_name(&self) -> &'static str {
        match self.state {
            RolloutState::Done => "done",
            RolloutState::Rolling => "rolling",
            RolloutState::RollingBack => "rollingBack",
            RolloutState::RolledBack => "rolledBack",
            RolloutState::Failed => "failed",
        }
    }

    /// Whether time alone will bring it somewhere else.
    pub fn is_under_way(&self) -> bool {
        matches!(self.state, RolloutState::Rolling | RolloutState::RollingBack)
    }

    fn has_failed(&self) -> bool {
        !matches!(self.state, RolloutState::Rolling | RolloutState::Done)
    }

    /// Which revision, and why.
    fn told(&self) -> String {
        let parts = [self.revision.as_str(), &self.reason];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
    }

    /// A rollout is told when it begins and when it ends; of one that was over when it was first seen only that it
    /// failed, unless the service was just made.
    fn news(&self, before: Option<&Self>, is_new: bool, tell: &mut impl FnMut(Happening, &str)) {
        let same = before.filter(|before| before.id == self.id);
        if same.is_some_and(|before| before.state == self.state) {
            return;
        }
        match self.state {
            RolloutState::Rolling => tell(Happening::Rolling, &self.revision),
            RolloutState::Done if before.is_none() && !is_new => {}
            RolloutState::Done => tell(Happening::RolledOut, &self.revision),
            RolloutState::RollingBack => tell(Happening::RollingBack, &self.told()),
            RolloutState::RolledBack => tell(Happening::RolledBack, &self.told()),
            RolloutState::Failed => tell(Happening::RolloutFailed, &self.told()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fine(verdict: Verdict) -> Standing {
        Standing::found(verdict)
    }

    fn rolling(id: &str, state: RolloutState) -> Standing {
        let reason = if state == RolloutState::Failed { "tasks failed".to_owned() } else { String::new() };
        let rollout = Rollout { id: id.to_owned(), state, revision: "web:2".to_owned(), reason };
        Standing { rollout: Some(rollout), ..fine(Verdict::Unchanged) }
    }

    /// What is told of a row of standings, the first of which is the first that is seen.
    fn told(standings: &[Standing]) -> Vec<String> {
        let mut told = Vec::new();
        let mut before = None;
        for standing in standings {
            let news = standing.news("EcsService/web", before);
            assert_eq!(standing.news("EcsService/web", Some(standing)), [], "nothing has happened");
            told.extend(
                news.iter()
                    .map(|event| format!("{} {}{}", event.what.name(), event.message, event.paths.join(","))),
            );
            before = Some(standing);
        }
        told
    }

    #[test]
    fn a_rollout_is_told_when_it_begins_and_when_it_ends() {
        use RolloutState::{Done, Failed, Rolling};
        let old = rolling("a", Done);
        assert_eq!(
            told(&[old.clone(), rolling("b", Rolling), rolling("b", Done)]),
            ["rolling web:2", "rolledOut web:2"]
        );
        assert_eq!(told(&[old.clone(), rolling("b", Done)]), ["rolledOut web:2"], "it was quick");
        assert_eq!(
            told(&[fine(Verdict::Create), rolling("a", Done)]),
            ["rolledOut web:2"],
            "so was the first one"
        );
        assert_eq!(told(&[rolling("a", Done)]), [""; 0], "it was there before");
        assert_eq!(told(&[old, rolling("b", Failed)]), ["rolloutFailed web:2: tasks failed"]);
        assert_eq!(
            told(&[rolling("b", Failed)]),
            ["rolloutFailed web:2: tasks failed"],
            "a person should know"
        );
    }

    #[test]
    fn what_keeps_it_from_being_ready_is_told_once_and_so_is_its_end() {
        let hold = |message: &str, blocked| {
            let hold = HoldView { blocked, reason: "Missing", message: message.to_owned(), hint: None };
            Standing { hold: Some(hold), ..fine(Verdict::Change) }
        };
        let unreadable =
            |cause: &str| Standing { unreadable: Some(cause.to_owned()), ..fine(Verdict::Unreadable) };
        let drift = Standing { drift: vec!["service.desiredCount".to_owned()], ..fine(Verdict::Drift) };
        let ready = fine(Verdict::Unchanged);
        assert_eq!(
            told(&[hold("a", false), hold("b", true), ready.clone(), ready.clone()]),
            ["waiting a", "blocked b", "ready "]
        );
        assert_eq!(
            told(&[unreadable("request 1"), unreadable("request 2"), ready.clone()]),
            ["unreadable request 1", "ready "]
        );
        assert_eq!(
            told(&[ready.clone(), drift, ready.clone()]),
            ["drifted its manifest says only to report itservice.desiredCount", "ready "]
        );
        assert_eq!(
            told(&[ready.clone(), fine(Verdict::Suspended), ready]),
            ["suspended its manifest asks to be left alone", "ready "]
        );
    }

    #[test]
    fn a_failure_is_told_once_whatever_aws_counts_of_it_and_again_of_another_revision() {
        let failed = |reason, message: &str, tried: &str| {
            let hint = Some("correct it".to_owned());
            let hold = HoldView { blocked: true, reason, message: message.to_owned(), hint };
            let causes = vec!["3 tasks: exited".to_owned()];
            Standing { hold: Some(hold), tried: Some(tried.to_owned()), causes, ..fine(Verdict::Unchanged) }
        };
        let standings = [
            failed("RollingBack", "it goes back", "web:2"),
            failed("RolledBack", "it went back (3 of 3)", "web:2"),
            failed("RolledBack", "it went back (3 of 4)", "web:2"),
            failed("RolledBack", "it went back (3 of 3)", "web:3"),
        ];
        assert_eq!(
            told(&standings),
            [
                "rollingBack it goes back; 3 tasks: exited",
                "rolledBack it went back (3 of 3); 3 tasks: exited",
                "rolledBack it went back (3 of 3); 3 tasks: exited",
            ]
        );
        let hints =
            standings.each_ref().map(|standing| standing.news("EcsService/web", None)[0].hint.is_some());
        assert_eq!(hints, [false, true, true, true], "while it goes back there is more to come");
    }
}
