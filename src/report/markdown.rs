//! Plans and status as Markdown: the comment on a pull request, the summary of a job.
//!
//! The counts come first and are true whatever else is left out. Then the objects: those that a person must look at
//! before those that change, and these before the ones that are as declared; the details of each are folded away. What
//! does not fit into a comment is left out in whole objects, from the end, and counted.
//!
//! Text that comes from elsewhere (names, values, words of AWS) stands in code, where GitHub makes no mention, no
//! reference and no link of it: in `<code>` within a block of HTML, or in a fence longer than any run of backticks in
//! it. It must never stand anywhere else, and letters that do not show themselves are written out.
//!
//! Tests: below what people read, `tests/markdown.rs` what a parser makes of it, whatever the names and values.

use super::text::counted;
use super::value::{flow, pair, shortened};
use super::view::{CallView, DifferenceView, HoldView, ObjectView, RolloutState, RolloutView, View};
use super::words::change;
use crate::plan::Verdict;
use anstyle::Style;
use serde_json::Value;
use std::cmp::Reverse;

/// A comment holds 65,536 characters. Counted are bytes, of which a text never has fewer, and some are left for what a
/// workflow writes around it.
const LIMIT: usize = 64_000;
/// For what stands around the objects.
const FRAME: usize = 512;
/// Longer values are shortened, unless all is asked for: images with their digests are below it.
const VALUE: usize = 400;
/// Longer names are shortened.
const NAME: usize = 256;

/// How an object is told in a word or two, with its symbol.
type Gist = fn(&ObjectView) -> (char, Style, &'static str);

impl View {
    /// What would change.
    pub fn plan_markdown(&self, verbose: bool) -> String {
        self.markdown(ObjectView::gist, self.summary_text().trim_end(), verbose)
    }

    /// What runs against what is declared.
    pub fn status_markdown(&self, verbose: bool) -> String {
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for (.., state) in self.in_order().into_iter().map(ObjectView::state) {
            match counts.iter_mut().find(|(counted, _)| *counted == state) {
                Some((_, count)) => *count += 1,
                None => counts.push((state, 1)),
            }
        }
        let counts: Vec<String> = counts.iter().map(|(state, count)| format!("{count} {state}")).collect();
        let counts = if counts.is_empty() { "nothing declared".to_owned() } else { counts.join(", ") };
        self.markdown(ObjectView::state, &counts, verbose)
    }

    fn markdown(&self, gist: Gist, counts: &str, verbose: bool) -> String {
        let mut entries: Vec<Entry> = self
            .in_order()
            .into_iter()
            .map(|object| object.entry(&self.headline(object, gist), verbose))
            .collect();
        let heading = format!("### {counts}\n\n<p>{}</p>\n\n", self.about());
        fit(&mut entries, LIMIT.saturating_sub(heading.len() + FRAME));
        let objects: String = entries.iter().filter(|entry| !entry.quiet).map(Entry::text).collect();
        heading + &cut(&entries) + &objects + &as_declared(&entries)
    }

    /// The most important first.
    fn in_order(&self) -> Vec<&ObjectView> {
        let mut objects: Vec<&ObjectView> = self.objects.iter().collect();
        objects.sort_by_key(|object| (object.rank(), Reverse(object.change)));
        objects
    }

    /// Account, Regions, owner, source, and how many calls there would be.
    fn about(&self) -> String {
        let name = |text: &str| code(&shortened(text, NAME));
        let place = format!("{} {}", name(&self.account), name(&self.regions.join(", ")));
        let revision = self.revision.as_ref().map(|revision| format!(" at {}", name(revision)));
        let source = format!("{}{}", name(&self.source), revision.unwrap_or_default());
        let calls = self.objects.iter().map(|object| object.calls.len()).sum();
        let parts = [
            (!self.objects.is_empty()).then_some(place),
            Some(format!("owner {}", name(&self.owner))),
            (!self.source.is_empty()).then_some(source),
            (calls > 0).then(|| counted(calls, "call")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }

    /// One object on one line, as HTML.
    fn headline(&self, object: &ObjectView, gist: Gist) -> String {
        let (symbol, _, word) = gist(object);
        let rollout = object.rollout.as_ref().map(RolloutView::told);
        let hold = object.hold.as_ref().map(|hold| hold.told(word));
        let why = match (&hold, &rollout, object.verdict) {
            (None, None, verdict) if verdict != Verdict::Unchanged => Some(prose(&object.why)),
            _ => None,
        };
        let more: String =
            [hold, rollout, why].into_iter().flatten().flat_map(|more| [" · ".to_owned(), more]).collect();
        format!("{symbol} {} <b>{word}</b>{more}", code(&self.label(object))).trim_start().to_owned()
    }
}

impl ObjectView {
    /// How early it is shown.
    fn rank(&self) -> u8 {
        let failed = self.rollout.as_ref().is_some_and(|rollout| rollout.state == RolloutState::Failed);
        match (self.verdict, &self.hold) {
            (Verdict::Unreadable, _) => 0,
            (_, Some(hold)) if hold.blocked => 1,
            _ if failed => 2,
            (Verdict::Delete, _) => 3,
            (Verdict::Suspended | Verdict::Unchanged, None) if self.is_ready() => 6,
            (Verdict::Suspended | Verdict::Unchanged, _) => 5,
            _ => 4,
        }
    }

    fn entry(&self, headline: &str, verbose: bool) -> Entry {
        let quiet = self.rank() == 6 && self.calls.is_empty() && !verbose;
        let line = if quiet { format!("<li>{headline}</li>\n") } else { format!("<p>{headline}</p>\n\n") };
        let whole = match self.details(verbose) {
            details if quiet || details.is_empty() => line.clone(),
            details => format!("<details><summary>{headline}</summary>\n\n{details}</details>\n\n"),
        };
        Entry { quiet, whole, line, shown: Shown::Nothing }
    }

    /// What is folded away: the differences, then what helps, and what would be done.
    fn details(&self, verbose: bool) -> String {
        let limit = if verbose { usize::MAX } else { VALUE };
        let differences: Vec<String> =
            self.differences.iter().flat_map(|difference| difference.lines(limit)).collect();
        let hint = self.hold.iter().filter_map(|hold| Some(format!("hint: {}", prose(hold.hint.as_ref()?))));
        let reason = self.rollout.iter().filter_map(|rollout| Some(prose(rollout.reason.as_ref()?)));
        let notes = self.notes.iter().map(|note| prose(note));
        let undeclared =
            self.undeclared.iter().filter(|_| verbose).map(|path| format!("undeclared: {}", code(path)));
        let calls: Vec<String> = self.calls.iter().map(|call| code(&call.operation)).collect();
        let calls =
            (!calls.is_empty()).then(|| format!("{}: {}", counted(calls.len(), "call"), calls.join(", ")));
        let place = (!self.place.is_empty()).then(|| format!("manifest: {}", code(&self.place)));
        let items = hint.chain(reason).chain(notes).chain(undeclared).chain(calls).chain(place);
        let items: String = items.flat_map(|item| ["<li>".to_owned(), item, "</li>\n".to_owned()]).collect();
        let items = if items.is_empty() { items } else { format!("<ul>\n{items}</ul>\n\n") };
        let inputs = self.calls.iter().filter(|_| verbose).map(CallView::input);
        fence("diff", &differences) + &items + &inputs.collect::<String>()
    }
}

impl RolloutView {
    fn told(&self) -> String {
        let revision = self.revision.as_ref().map(|revision| code(revision) + " ").unwrap_or_default();
        revision + &prose(&self.tasks())
    }
}

impl HoldView {
    /// Why it is held, and of what kind the hold is where `said` does not say so.
    fn told(&self, said: &str) -> String {
        let kind = if self.blocked { "blocked" } else { "waiting" };
        let kind = if said == kind { String::new() } else { format!("{kind}: ") };
        kind + &prose(&self.message)
    }
}

impl CallView {
    fn input(&self) -> String {
        let input = serde_json::to_string_pretty(&self.input).unwrap_or_default();
        let lines = std::iter::once(visible(&self.operation)).chain(input.lines().map(visible));
        fence("", &lines.collect::<Vec<_>>())
    }
}

impl DifferenceView {
    /// As lines of a diff: where and what changing it does, what is there, what shall be.
    fn lines(&self, limit: usize) -> Vec<String> {
        let marks = [
            (self.drift, "drift"),
            (self.by_default && self.desired.is_some(), "default"),
            (self.held_back, "left alone: its manifest says only to report it"),
        ];
        let marks = marks.into_iter().filter_map(|(applies, mark)| applies.then_some(mark));
        let marks: String = std::iter::once(change(self.change)).chain(marks).collect::<Vec<_>>().join(" · ");
        let (old, new) = self.sides(limit);
        let line = |mark: char, value: &String| format!("{mark} {}", visible(value));
        let mut lines = vec![format!("@@ {} @@ {marks}", visible(&self.path))];
        if self.secret && self.live.is_some() && self.desired.is_some() {
            lines.push("! (changed, hidden)".to_owned());
            return lines;
        }
        lines.extend(old.iter().map(|value| line('-', value)));
        lines.extend(new.iter().map(|value| line('+', value)));
        lines
    }

    /// What is there and what shall be, each on a line or, of a set, on as many as it has elements.
    fn sides(&self, limit: usize) -> (Vec<String>, Vec<String>) {
        if self.secret {
            let hidden = |side: &Option<Value>| side.iter().map(|_| "(hidden)".to_owned()).collect();
            return (hidden(&self.live), hidden(&self.desired));
        }
        let shown = |value: &Value| shortened(&flow(value), limit);
        if let Some((old, new)) = self.elements(limit) {
            return (old.iter().map(shown).collect(), new.iter().map(shown).collect());
        }
        if let (Some(old), Some(new)) = (&self.live, &self.desired) {
            let (old, new) = pair(&flow(old), &flow(new), limit);
            return (vec![old], vec![new]);
        }
        (self.live.iter().map(shown).collect(), self.desired.iter().map(shown).collect())
    }
}

/// How much of an object is shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shown {
    Nothing,
    Line,
    Whole,
}

/// An object in each length.
struct Entry {
    /// It is as declared: a line says all.
    quiet: bool,
    line: String,
    whole: String,
    shown: Shown,
}

impl Entry {
    fn at(&self, shown: Shown) -> &str {
        match shown {
            Shown::Nothing => "",
            Shown::Line => &self.line,
            Shown::Whole => &self.whole,
        }
    }

    fn text(&self) -> &str {
        self.at(self.shown)
    }
}

/// Shows what there is room for. Lines come before details, but take half the room at most; whose details are too long
/// for what is left does without them; what is as declared comes last.
fn fit(entries: &mut [Entry], mut room: usize) {
    for (goal, spare, quiet) in
        [(Shown::Line, room / 2, false), (Shown::Whole, 0, false), (Shown::Line, 0, true)]
    {
        for entry in entries.iter_mut().filter(|entry| entry.shown < goal && (quiet || !entry.quiet)) {
            let more = entry.at(goal).len() - entry.text().len();
            if more + spare <= room {
                room -= more;
                entry.shown = goal;
            }
        }
    }
}

/// What was left out.
fn cut(entries: &[Entry]) -> String {
    let count = |wanted: &dyn Fn(&&Entry) -> bool| entries.iter().filter(wanted).count();
    let not_shown = count(&|entry| entry.shown == Shown::Nothing);
    let quiet = count(&|entry| entry.shown == Shown::Nothing && entry.quiet);
    let short = count(&|entry| entry.shown == Shown::Line && entry.line != entry.whole);
    let parts = [
        (not_shown, format!("{} not shown ({quiet} as declared)", counted(not_shown, "object"))),
        (short, format!("{} without details", counted(short, "object"))),
    ];
    let parts: Vec<String> =
        parts.into_iter().filter_map(|(count, part)| (count > 0).then_some(part)).collect();
    if parts.is_empty() {
        return String::new();
    }
    format!("> **Cut to the length of a comment:** {}. The counts above are of all.\n\n", parts.join(", "))
}

/// What is as declared, folded away.
fn as_declared(entries: &[Entry]) -> String {
    let quiet: Vec<&Entry> = entries.iter().filter(|entry| entry.quiet).collect();
    if quiet.is_empty() {
        return String::new();
    }
    let lines: String = quiet.iter().map(|entry| entry.text()).collect();
    let hidden = quiet.iter().filter(|entry| entry.shown == Shown::Nothing).count();
    let more = if hidden > 0 { format!("<li>{hidden} more</li>\n") } else { String::new() };
    format!("<details><summary>{} as declared</summary>\n<ul>\n{lines}{more}</ul>\n</details>\n", quiet.len())
}

/// Literal text within HTML.
fn code(text: &str) -> String {
    let escaped = visible(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<code>{escaped}</code>")
}

/// A sentence within HTML: what stands in backticks, and every word that is not plain letters, is code.
fn prose(text: &str) -> String {
    let mut html = String::new();
    for (at, part) in text.split('`').enumerate() {
        if at % 2 == 1 {
            html += &code(part);
            continue;
        }
        for word in part.split_inclusive(' ') {
            let core = word.trim_start_matches('(');
            let (before, core) =
                (&word[..word.len() - core.len()], core.trim_end_matches([' ', ')', ',', '.', ';', ':']));
            let after = &word[before.len() + core.len()..];
            html += &[before, &if is_plain(core) { core.to_owned() } else { code(core) }, after].concat();
        }
    }
    html
}

/// Whether no renderer could take it for anything but letters.
fn is_plain(word: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphabetic() || "'-".contains(letter);
    !word.starts_with(['-', '\'']) && word.chars().all(plain)
}

/// Lines as they are.
fn fence(language: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let runs = lines.iter().flat_map(|line| line.split(|letter| letter != '`').map(str::len));
    let fence = "`".repeat(runs.max().unwrap_or_default().max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n\n", lines.join("\n"))
}

/// On one line, with what does not show itself (control, zero-width, right-to-left, blank letters) written out.
fn visible(text: &str) -> String {
    /// Letters to Unicode, nothing to the eye.
    const BLANK: [char; 5] = ['\u{115f}', '\u{1160}', '\u{2800}', '\u{3164}', '\u{ffa0}'];
    let shown = |letter: char| match letter {
        _ if letter.is_control() || BLANK.contains(&letter) => letter.escape_default().collect(),
        '\'' | '"' | '\\' => letter.to_string(),
        _ => letter.escape_debug().collect::<String>(),
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_show_itself_is_written_out() {
        let text = "a\u{200b}b\u{202e}c\nd\re\u{7}f\u{2028}g\u{3164}h\u{a0}i";
        assert_eq!(visible(text), r"a\u{200b}b\u{202e}c\nd\re\u{7}f\u{2028}g\u{3164}h\u{a0}i");
        assert_eq!(visible("it's \"größer\" C:\\ → 日本 🌈"), "it's \"größer\" C:\\ → 日本 🌈");
    }

    #[test]
    fn only_plain_words_stand_outside_code() {
        assert_eq!(
            prose("cluster `shop` (of @octocat) is not active yet, see https://example.com and #12: <b>"),
            "cluster <code>shop</code> (of <code>@octocat</code>) is not active yet, see \
             <code>https://example.com</code> and <code>#12</code>: <code>&lt;b&gt;</code>"
        );
        assert_eq!(
            prose("3 of `a`b, :tada: **x**\n\n"),
            "<code>3</code> of <code>a</code>b, <code>:tada</code>: <code>**x**\\n\\n</code>"
        );
    }

    #[test]
    fn a_fence_is_longer_than_any_run_of_backticks_in_it() {
        assert_eq!(fence("diff", &["- ````".to_owned()]), "`````diff\n- ````\n`````\n\n");
        assert_eq!(fence("diff", &["- a".to_owned()]), "```diff\n- a\n```\n\n");
    }
}
