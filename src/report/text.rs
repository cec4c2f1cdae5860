//! Plans, outcomes and status as people read them at a glance.
//!
//! A plan: account and Region, then each object that differs with the fields that differ, then how many there are of
//! each. Values are shortened unless the text is verbose; verbose also lists the undeclared paths and the calls.

use super::value::{LIMIT, flow, pair, shortened, tame};
use super::view::{DifferenceView, ErrorView, HoldView, ObjectView, Result, RolloutState, RolloutView, View};
use super::words::{BOLD, CYAN, DIM, GREEN, MAGENTA, RED, VERDICTS, YELLOW, change, words};
use crate::plan::Verdict;
use anstyle::Style;
use serde_json::Value;

/// Longer names and paths do not push the column after them further to the right.
const WIDEST: usize = 72;
/// The longest word for a state: `not adopted`.
const STATE: usize = 11;

/// The holds that say that what is wanted was tried and failed, and how such a state is called.
const FAILURES: [(&str, &str); 3] =
    [("RolledBack", "rolled back"), ("RollingBack", "going back"), ("RolloutFailed", "failed")];

impl View {
    /// Where this is about: the first line of every text.
    pub fn heading(&self) -> String {
        let place = format!("{BOLD}{} {}{BOLD:#}", self.account, self.regions.join(", "));
        let place = if self.objects.is_empty() { "no objects".to_owned() } else { place };
        let revision = self.revision.as_ref().map(|revision| format!(" @ {}", short(&tame(revision))));
        let source = tame(&self.source) + &revision.unwrap_or_default();
        let parts = [place, format!("owner {}", tame(&self.owner)), source];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(" · ") + "\n"
    }

    /// What would change.
    pub fn plan_text(&self, verbose: bool) -> String {
        let shown = self.clone().only(|object| verbose || object.is_told());
        let width = shown.label_width();
        shown.objects.iter().map(|object| object.plan_text(&shown.label(object), width, verbose)).collect()
    }

    /// What became of pruning, on one line and why it is refused: nothing where it was not asked for.
    pub fn prune_text(&self) -> String {
        let Some(prune) = &self.prune else { return String::new() };
        let hold = prune.hold.iter().map(HoldView::text).collect::<String>();
        if prune.owned == 0 && prune.hold.is_some() {
            return format!("prune: refused\n{hold}");
        }
        let regions = prune.regions.join(", ");
        format!("prune: {} of {} owned in {regions} would go\n{hold}", prune.going, prune.owned)
    }

    /// Where rollbacks stand: the services, the revisions and tasks that they run, and why tasks stopped.
    pub fn rollback_text(&self) -> String {
        let width = self.label_width();
        let text = |object: &ObjectView| {
            let state = match object.rollout.as_ref().map(|rollout| rollout.state) {
                Some(RolloutState::RolledBack) => ('✓', GREEN, "rolled back"),
                Some(RolloutState::RollingBack) => ('…', CYAN, "going back"),
                _ => object.state(),
            };
            let rollout = object.rollout.as_ref().map(RolloutView::text);
            let notes: String =
                object.notes.iter().map(|note| line(&format!("    {}", tame(note)))).collect();
            stated(state, &self.label(object), width, rollout) + &notes + &object.causes()
        };
        self.objects.iter().map(text).collect()
    }

    /// `2 to create, 1 to change, 14 unchanged`.
    pub fn summary_text(&self) -> String {
        let counted = |(count, what): (usize, &str)| (count > 0).then(|| format!("{count} {what}"));
        let verdicts = VERDICTS.map(words).map(|words| {
            let count = self.summary.verdicts.get(words.name).copied().unwrap_or_default();
            (count, words.counted)
        });
        let not_owned = self.summary.verdicts.get(words(Verdict::NotOwned).name).copied().unwrap_or_default();
        let holds =
            [(self.summary.waiting, "waiting"), (self.summary.blocked.saturating_sub(not_owned), "blocked")];
        let parts: Vec<String> = verdicts.into_iter().chain(holds).filter_map(counted).collect();
        if parts.is_empty() { "nothing declared\n".to_owned() } else { parts.join(", ") + "\n" }
    }

    /// What became of the objects that had calls.
    pub fn outcome_text(&self) -> String {
        self.objects.iter().filter_map(|object| object.outcome_text(&self.label(object))).collect()
    }

    /// What runs against what is declared.
    pub fn status_text(&self, verbose: bool) -> String {
        let width = self.label_width();
        self.objects.iter().map(|object| object.status_text(&self.label(object), width, verbose)).collect()
    }

    /// What is left when all is written: the objects that are not as they should be, and one closing line.
    pub fn closing_text(&self, rolling_is_fine: bool) -> String {
        let is_fine = |object: &ObjectView| {
            object.is_ready() || (rolling_is_fine && object.is_as_declared() && object.rolling().is_some())
        };
        let all = self.objects.iter().filter(|object| object.verdict != Verdict::Retained).count();
        let rest = self.clone().only(|object| !is_fine(object));
        let rolling = self.objects.iter().filter(|object| object.rolling().is_some()).count();
        let line = match (rest.objects.len(), rolling) {
            (0, 0) => format!("{GREEN}done:{GREEN:#} {} as declared", counted(all, "object")),
            (0, rolling) => format!(
                "{GREEN}done:{GREEN:#} {} as declared; {rolling} still rolling out (`--wait` waits for that, `status` shows it)",
                counted(all, "object")
            ),
            (left, _) => format!("{RED}not done:{RED:#} {left} of {}", counted(all, "object")),
        };
        let width = rest.label_width();
        rest.objects.iter().map(|object| object.closing_text(&rest.label(object), width)).collect::<String>()
            + &line
            + "\n"
    }

    fn label_width(&self) -> usize {
        let widths = self.objects.iter().map(|object| self.label(object).chars().count());
        widths.max().unwrap_or(0).min(WIDEST)
    }

    /// `EcsService/checkout`, with the AWS name where it is another, and the Region where there are several.
    pub(super) fn label(&self, object: &ObjectView) -> String {
        let mut label = tame(&object.object);
        if !object.object.ends_with(&format!("/{}", object.name)) {
            label += &format!(" ({})", tame(&object.name));
        }
        if self.regions.len() > 1 {
            label += &format!(" {}", object.region);
        }
        label
    }
}

impl ObjectView {
    /// Whether a plan tells of it unasked.
    pub fn is_told(&self) -> bool {
        self.is_noteworthy() || self.verdict == Verdict::Retained
    }

    /// Whether anything about it would change, or should. That something is noted down about what is as declared is no news.
    pub fn is_noteworthy(&self) -> bool {
        !matches!(self.verdict, Verdict::Unchanged | Verdict::Suspended | Verdict::Retained)
            || self.hold.is_some()
    }

    /// What would become of it: the class of its change, or its verdict.
    pub(super) fn gist(&self) -> (char, Style, &'static str) {
        let words = words(self.verdict);
        let class = match (self.verdict, self.change) {
            (Verdict::Change | Verdict::Drift, Some(class)) => change(class),
            (Verdict::NotOwned, _) => "not owned",
            _ => words.name,
        };
        let (symbol, style) = match &self.hold {
            Some(hold) if self.calls.is_empty() => (if hold.blocked { 'x' } else { '…' }, hold.style()),
            _ => (words.symbol, words.style),
        };
        (symbol, style, class)
    }

    fn plan_text(&self, label: &str, width: usize, verbose: bool) -> String {
        let (symbol, style, class) = self.gist();
        let mut text = line(&format!(
            "{style}{symbol}{style:#} {BOLD}{label:<width$}{BOLD:#}  {style}{class}{style:#} {DIM}· {}{DIM:#}",
            self.why
        ));
        let paths = self.differences.iter().map(|difference| difference.path.chars().count());
        let column = paths.filter(|width| *width <= WIDEST).max().unwrap_or(0);
        let mixed = self.verdict == Verdict::Change && self.differences.iter().any(|one| one.drift);
        let left = if self.failure().is_some() {
            "(not tried again)"
        } else {
            "(left alone: its manifest says only to report it)"
        };
        for difference in &self.differences {
            text += &difference.text(column, (mixed, left), verbose);
        }
        text.extend(self.notes.iter().map(|note| line(&format!("    {}", tame(note)))));
        text.extend(self.hold.iter().map(HoldView::text));
        if verbose {
            let undeclared = self.undeclared.iter();
            text.extend(undeclared.map(|path| line(&format!("    {DIM}undeclared {}{DIM:#}", tame(path)))));
            for call in &self.calls {
                text += &line(&format!("    {DIM}call {} {}{DIM:#}", call.operation, flow(&call.input)));
            }
        }
        text
    }

    fn outcome_text(&self, label: &str) -> Option<String> {
        let only_notes = self.calls.iter().all(|call| call.operation == "ecs:TagResource");
        Some(match self.result.as_ref()? {
            Result::Done
                if only_notes && (self.verdict == Verdict::Unchanged || self.failure().is_some()) =>
            {
                return None;
            }
            Result::Done => {
                // What waits to be deleted is not deleted yet.
                let begun = self.verdict == Verdict::Delete && self.hold.is_some();
                let done = if begun { "on its way" } else { words(self.verdict).done };
                let later = self.hold.as_ref().map(|hold| format!("; {}", hold.message)).unwrap_or_default();
                line(&format!("{GREEN}✓{GREEN:#} {label} {done}{later}"))
            }
            Result::Failed { error, .. } => {
                line(&format!("{RED}✗{RED:#} {label} failed: {}", tame(&error.message))) + &error.rest("    ")
            }
            Result::NotOwned => {
                line(&format!("{RED}✗{RED:#} {label} left alone: somebody else made it in the meantime"))
            }
            Result::Skipped => {
                line(&format!("{YELLOW}-{YELLOW:#} {label} skipped: what it comes after failed"))
            }
        })
    }

    fn status_text(&self, label: &str, width: usize, verbose: bool) -> String {
        let mut text = self.state_line(label, width, self.rollout.as_ref().map(RolloutView::text));
        if self.verdict == Verdict::Unreadable || verbose {
            text.extend(self.notes.iter().map(|note| line(&format!("    {}", tame(note)))));
        }
        let paths: Vec<String> = self.differences.iter().map(|one| tame(&one.path)).collect();
        let paths = if verbose || paths.len() <= 3 {
            paths.join(", ")
        } else {
            format!("{} and {} more", paths[..3].join(", "), paths.len() - 3)
        };
        if !paths.is_empty() {
            text += &line(&format!("    {DIM}differs: {paths}{DIM:#}"));
        }
        let reason =
            self.rollout.as_ref().filter(|_| self.failure().is_none()).and_then(|one| one.reason.as_ref());
        text.extend(reason.map(|reason| line(&format!("    {}", tame(reason)))));
        text.extend(self.hold.iter().map(HoldView::what));
        text += &self.causes();
        text.extend(self.hold.iter().map(HoldView::advice));
        text
    }

    /// What keeps it from being done, on one line: more has been told before, but for a deployment that failed.
    fn closing_text(&self, label: &str, width: usize) -> String {
        let hold = self.hold.as_ref().map(|hold| hold.message.clone());
        let reason = || self.rollout.as_ref()?.reason.clone();
        let rollout = || self.rollout.as_ref().map(RolloutView::text);
        let advice = self.failure().map(HoldView::advice).unwrap_or_default();
        self.state_line(label, width, hold.or_else(reason).or_else(rollout)) + &self.causes() + &advice
    }

    /// Why the tasks of its deployment stopped.
    fn causes(&self) -> String {
        let causes = self.rollout.iter().flat_map(|rollout| &rollout.causes);
        causes.map(|cause| line(&format!("    {}", tame(&cause.message)))).collect()
    }

    /// The hold, if it is that what is wanted was tried and failed.
    fn failure(&self) -> Option<&HoldView> {
        self.hold.as_ref().filter(|hold| FAILURES.iter().any(|(reason, _)| *reason == hold.reason))
    }

    fn state_line(&self, label: &str, width: usize, more: Option<String>) -> String {
        stated(self.state(), label, width, more)
    }

    /// In one word: the hold, the verdict, or where the rollout stands.
    pub(super) fn state(&self) -> (char, Style, &'static str) {
        match (self.verdict, &self.hold, self.rollout.as_ref().map(|rollout| rollout.state)) {
            (Verdict::NotOwned, ..) => ('x', RED, "not owned"),
            (Verdict::Unreadable, ..) => ('?', RED, "unreadable"),
            (_, Some(hold), _)
                if let Some((_, state)) = FAILURES.iter().find(|(reason, _)| *reason == hold.reason) =>
            {
                ('✗', RED, state)
            }
            (_, Some(hold), _) if hold.blocked => ('x', RED, "blocked"),
            (_, Some(_), _) => ('…', CYAN, "waiting"),
            (Verdict::Create, ..) => ('+', YELLOW, "missing"),
            (Verdict::Drift, ..) => ('!', MAGENTA, "drifted"),
            (Verdict::Change, ..) => ('~', YELLOW, "differs"),
            (Verdict::Adopt, ..) => ('=', CYAN, "not adopted"),
            (Verdict::Rollback, ..) => ('<', YELLOW, "to go back"),
            (Verdict::Delete, ..) => ('-', YELLOW, "to delete"),
            (_, _, Some(RolloutState::Failed)) => ('✗', RED, "failed"),
            (_, _, Some(RolloutState::RolledBack)) => ('✗', RED, "rolled back"),
            (_, _, Some(RolloutState::RollingBack)) => ('✗', RED, "going back"),
            (_, _, Some(RolloutState::Rolling)) => ('…', CYAN, "rolling out"),
            (Verdict::Suspended, ..) => ('.', DIM, "suspended"),
            (Verdict::Retained, ..) => ('.', DIM, "retained"),
            (Verdict::Unchanged, ..) => ('✓', GREEN, "ready"),
        }
    }

    /// Whether it is as declared, wherever its deployment stands.
    pub fn is_as_declared(&self) -> bool {
        matches!(self.verdict, Verdict::Unchanged | Verdict::Suspended | Verdict::Retained)
            && self.hold.is_none()
    }

    /// Whether it is as declared, and its deployment done.
    pub fn is_ready(&self) -> bool {
        let done = |rollout: &RolloutView| rollout.state == RolloutState::Done;
        self.is_as_declared() && self.rollout.as_ref().is_none_or(done)
    }

    /// What its deployment is waited for with, while it is on its way.
    pub fn rolling(&self) -> Option<String> {
        let rollout = self.rollout.as_ref()?;
        match rollout.state {
            RolloutState::Rolling => Some(format!("{} {}", self.object, rollout.tasks())),
            RolloutState::RollingBack => Some(format!("{} to go back: {}", self.object, rollout.tasks())),
            RolloutState::Done | RolloutState::RolledBack | RolloutState::Failed => None,
        }
    }
}

impl HoldView {
    fn style(&self) -> Style {
        if self.blocked { RED } else { CYAN }
    }

    fn text(&self) -> String {
        self.what() + &self.advice()
    }

    fn what(&self) -> String {
        let (style, word) = (self.style(), if self.blocked { "blocked" } else { "waiting" });
        line(&format!("    {style}{word}:{style:#} {}", tame(&self.message)))
    }

    fn advice(&self) -> String {
        self.hint.iter().map(|hint| line(&format!("    {DIM}hint: {}{DIM:#}", tame(hint)))).collect()
    }
}

impl RolloutView {
    /// `checkout:7  1/2 running, 1 pending`.
    pub fn text(&self) -> String {
        let revision = self.revision.as_ref().map(|revision| format!("{revision}  ")).unwrap_or_default();
        format!("{revision}{}", self.tasks())
    }

    pub fn tasks(&self) -> String {
        let mut text = format!("{}/{} running", self.running, self.desired);
        // Of a deployment that failed they are told with the failure.
        let failed = if self.state == RolloutState::Rolling { self.failed } else { 0 };
        for (count, what) in [(self.pending, "pending"), (failed, "failed to start")] {
            if count > 0 {
                text += &format!(", {count} {what}");
            }
        }
        text
    }
}

impl ErrorView {
    /// What stands below an error's message: `caused by:` lines, then `hint:` lines.
    pub fn rest(&self, indent: &str) -> String {
        let causes = self.caused_by.iter().map(|cause| line(&format!("{indent}caused by: {}", tame(cause))));
        let hints = self.hints.iter().map(|hint| line(&format!("{indent}{DIM}hint: {}{DIM:#}", tame(hint))));
        causes.chain(hints).collect()
    }
}

impl DifferenceView {
    /// `left` says why a difference is held back.
    fn text(&self, column: usize, (mark_drift, left): (bool, &str), verbose: bool) -> String {
        let mark = match (mark_drift, self.drift) {
            (false, _) => String::new(),
            (true, true) => format!("{MAGENTA}!{MAGENTA:#} "),
            (true, false) => "  ".to_owned(),
        };
        let margin = " ".repeat(4 + if mark_drift { 2 } else { 0 });
        let first = format!("    {mark}{:<column$}  ", tame(&self.path));
        let next = format!("{margin}{:<column$}  ", "");
        let mut values = self.values(if verbose { usize::MAX } else { LIMIT });
        if let Some(last) = values.last_mut() {
            if self.by_default && self.desired.is_some() {
                *last += " (default)";
            }
            if self.held_back {
                *last += &format!(" {DIM}{left}{DIM:#}");
            }
        }
        let starts = std::iter::once(&first).chain(std::iter::repeat(&next));
        starts.zip(&values).map(|(start, value)| line(&format!("{start}{value}"))).collect()
    }

    /// One line, or one for each element of a set.
    fn values(&self, limit: usize) -> Vec<String> {
        let gone = |value: &str| format!("{RED}- {value}{RED:#}");
        let new = |value: &str| format!("{GREEN}+ {value}{GREEN:#}");
        if self.secret {
            return vec![match (&self.live, &self.desired) {
                (Some(_), None) => gone("(hidden)"),
                (None, Some(_)) => new("(hidden)"),
                _ => "(changed, hidden)".to_owned(),
            }];
        }
        if let Some((old, added)) = self.elements(limit) {
            let shown = |value: &Value| shortened(&flow(value), limit);
            return old
                .iter()
                .map(|value| gone(&shown(value)))
                .chain(added.iter().map(|value| new(&shown(value))))
                .collect();
        }
        vec![match (self.live.as_ref().map(flow), self.desired.as_ref().map(flow)) {
            (Some(old), Some(added)) => {
                let (old, added) = pair(&old, &added, limit);
                format!("{RED}{old}{RED:#} → {GREEN}{added}{GREEN:#}")
            }
            (Some(old), None) => gone(&shortened(&old, limit)),
            (None, added) => new(&shortened(&added.unwrap_or_default(), limit)),
        }]
    }

    /// Lists that have nothing in common are told element by element; so is a list that does not fit on a line.
    pub(super) fn elements(&self, limit: usize) -> Option<(&[Value], &[Value])> {
        let (old, added) = (elements(self.live.as_ref())?, elements(self.desired.as_ref())?);
        let apart = !old.iter().any(|value| added.contains(value));
        let one_sided = self.live.is_none() || self.desired.is_none();
        let fits = || [&self.live, &self.desired].iter().all(|side| fits(side.as_ref(), limit));
        (apart && !(one_sided && fits())).then_some((old, added))
    }
}

/// An object and its state on one line.
fn stated(
    (symbol, style, state): (char, Style, &str),
    label: &str,
    width: usize,
    more: Option<String>,
) -> String {
    let more = more.map(|more| format!("{:pad$}  {}", "", tame(&more), pad = STATE - state.len()));
    format!("{style}{symbol}{style:#} {label:<width$}  {style}{state}{style:#}{}\n", more.unwrap_or_default())
}

/// The elements of a list, none of nothing; `None` of anything else.
fn elements(side: Option<&Value>) -> Option<&[Value]> {
    side.map_or(Some(&[]), |value| value.as_array().map(Vec::as_slice))
}

/// A commit as people write it, with what comes after it.
pub fn short(revision: &str) -> String {
    let commit = revision.find(|letter: char| !letter.is_ascii_hexdigit()).unwrap_or(revision.len());
    let (commit, rest) = revision.split_at(commit);
    if commit.len() < 40 { revision.to_owned() } else { format!("{}{rest}", &commit[..12]) }
}

/// `1 object`, `2 objects`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn fits(value: Option<&Value>, limit: usize) -> bool {
    value.is_none_or(|value| flow(value).chars().count() <= limit)
}

/// Ends a line, without what is left of an empty column.
fn line(text: &str) -> String {
    format!("{}\n", text.trim_end())
}
