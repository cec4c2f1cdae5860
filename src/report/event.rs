//! What happens, as it happens: one line each. Transitions only: what stays as it is was told when it began.
//!
//! An event has no time of its own: who publishes it says when that was. Tests: at the end.

use super::value::tame;
use super::view::{ObjectView, VERSION};
use super::words::{BOLD, CYAN, DIM, GREEN, MAGENTA, RED, YELLOW, change};
use crate::plan::Verdict;
use anstyle::Style;
use schemars::JsonSchema;
use serde::Serialize;

/// Longer lists of paths are cut.
const PATHS: usize = 5;

/// Something that happened to an object, to the source, or to the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// `KIND/NAME`, or the file; none where it is about the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    #[serde(rename = "event")]
    pub what: Happening,
    /// What else there is to say, in one line.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The paths that it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// What a person can do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A line of the log (`run -o json`).
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    pub version: u32,
    /// RFC 3339, UTC.
    pub time: String,
    #[serde(flatten)]
    pub event: Event,
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Happening {
    /// The operator's own pages are there.
    Listening,
    /// The operator began.
    Started,
    /// The operator ends.
    Stopped,
    /// The source is another than before.
    Loaded,
    /// A manifest cannot be used: what runs of it is kept as it was last valid.
    Invalid,
    /// A manifest can be used again.
    Valid,
    /// No manifest declares it any more.
    Undeclared,
    /// AWS cannot be asked: nothing is concluded from that.
    Unreachable,
    /// AWS answers again.
    Reachable,
    Created,
    Changed,
    /// Drift was taken back.
    Healed,
    Adopted,
    Deleted,
    /// A call failed; it is tried again later.
    Failed,
    /// AWS does not keep what was written, or somebody takes it back.
    NotKept,
    /// AWS changed behind the manifest's back, and the manifest says only to report it.
    Drifted,
    /// A person must act.
    Blocked,
    /// Time will fix it.
    Waiting,
    /// It could not be read.
    Unreadable,
    Suspended,
    /// A deployment began.
    Rolling,
    /// A deployment is done.
    RolledOut,
    /// A deployment failed, and nothing brings it back.
    RolloutFailed,
    /// A deployment failed, and is going back.
    RollingBack,
    /// A deployment failed and went back, or somebody sent it back.
    RolledBack,
    /// It is as declared again.
    Ready,
}

impl Happening {
    /// Its symbol and style, and the word for people.
    fn words(self) -> (char, Style, &'static str) {
        match self {
            Self::Listening => ('•', BOLD, "listening"),
            Self::Started => ('•', BOLD, "started"),
            Self::Stopped => ('•', BOLD, "stopped"),
            Self::Loaded => ('•', BOLD, "loaded"),
            Self::Invalid => ('x', RED, "invalid"),
            Self::Valid => ('✓', GREEN, "valid again"),
            Self::Undeclared => ('-', YELLOW, "no longer declared"),
            Self::Unreachable => ('?', RED, "AWS cannot be asked"),
            Self::Reachable => ('✓', GREEN, "AWS answers again"),
            Self::Created => ('+', GREEN, "created"),
            Self::Changed => ('~', YELLOW, "changed"),
            Self::Healed => ('!', MAGENTA, "healed"),
            Self::Adopted => ('=', CYAN, "adopted"),
            Self::Deleted => ('-', RED, "deleted"),
            Self::Failed => ('✗', RED, "failed"),
            Self::NotKept => ('✗', RED, "not kept"),
            Self::Drifted => ('!', MAGENTA, "drifted"),
            Self::Blocked => ('x', RED, "blocked"),
            Self::Waiting => ('…', CYAN, "waiting"),
            Self::Unreadable => ('?', RED, "unreadable"),
            Self::Suspended => ('.', DIM, "suspended"),
            Self::Rolling => ('…', CYAN, "rolling out"),
            Self::RolledOut => ('✓', GREEN, "rolled out"),
            Self::RolloutFailed => ('✗', RED, "rollout failed"),
            Self::RollingBack => ('✗', RED, "rolling back"),
            Self::RolledBack => ('✗', RED, "rolled back"),
            Self::Ready => ('✓', GREEN, "ready"),
        }
    }

    /// For machines.
    pub fn name(self) -> String {
        let name = serde_json::to_value(self).ok();
        name.as_ref().and_then(|name| name.as_str()).unwrap_or_default().to_owned()
    }

    /// Whether somebody should look at it.
    pub fn is_bad(self) -> bool {
        self.words().1 == RED
    }
}

impl Event {
    /// About everything.
    pub fn of_all(what: Happening, message: impl Into<String>) -> Self {
        Self { object: None, what, message: message.into(), paths: Vec::new(), hint: None }
    }

    /// About one object or file.
    pub fn of(object: impl ToString, what: Happening, message: impl Into<String>) -> Self {
        Self { object: Some(object.to_string()), ..Self::of_all(what, message) }
    }

    /// What was done to an object; nothing, where something was only noted down in its tags.
    pub fn done(view: &ObjectView) -> Option<Self> {
        let written: Vec<_> = view.differences.iter().filter(|difference| !difference.held_back).collect();
        let is_drift = !written.is_empty() && written.iter().all(|difference| difference.drift);
        let what = match view.verdict {
            Verdict::Create => Happening::Created,
            Verdict::Adopt => Happening::Adopted,
            Verdict::Delete => Happening::Deleted,
            _ if is_drift => Happening::Healed,
            _ if written.is_empty()
                && view.calls.iter().all(|call| call.operation.ends_with(":TagResource")) =>
            {
                return None;
            }
            _ => Happening::Changed,
        };
        let class = written.iter().map(|difference| difference.change).max();
        let class = class.filter(|_| matches!(what, Happening::Changed | Happening::Healed));
        let paths = written.iter().map(|difference| difference.path.clone()).collect();
        Some(Self::of(&view.object, what, class.map(change).unwrap_or_default()).at(paths))
    }

    #[must_use]
    pub fn at(self, paths: Vec<String>) -> Self {
        Self { paths, ..self }
    }

    #[must_use]
    pub fn with_hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }

    /// One line: the time, the object, what happened to it and where.
    pub fn text(&self, time: &str) -> String {
        let (symbol, style, word) = self.what.words();
        let object = self.object.iter().map(|object| format!("{BOLD}{}{BOLD:#} ", tame(object)));
        let object: String = object.collect();
        let more = self.paths.len().saturating_sub(PATHS);
        let mut paths: Vec<String> = self.paths.iter().take(PATHS).map(|path| tame(path)).collect();
        paths.extend((more > 0).then(|| format!("{more} more")));
        let parts = [tame(&self.message), paths.join(", ")];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let told = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(": ")) };
        let hint = self.hint.iter().map(|hint| format!(" {DIM}(hint: {}){DIM:#}", tame(hint)));
        let hint: String = hint.collect();
        format!("{DIM}{time}{DIM:#} {style}{symbol}{style:#} {object}{style}{word}{style:#}{told}{hint}\n")
    }

    /// One line of JSON.
    pub fn json(&self, time: &str) -> String {
        let told = Told { version: VERSION, time: time.to_owned(), event: self.clone() };
        // Strings and lists of strings: there is nothing in them that could fail.
        serde_json::to_string(&told).unwrap_or_default() + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_in_both_forms() {
        let paths = ["a", "b", "c", "d", "e", "f"].map(str::to_owned).to_vec();
        let event = Event::of("EcsService/web", Happening::Healed, "two\nlines").at(paths);
        let text = anstream::adapter::strip_str(&event.text("12:00:00Z")).to_string();
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        assert!(text.starts_with("12:00:00Z ! EcsService/web healed: two"), "{text}");
        assert!(text.ends_with("a, b, c, d, e, 1 more\n"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&event.json("12:00:00Z")).unwrap();
        assert_eq!((&json["event"], &json["object"]), (&"healed".into(), &"EcsService/web".into()));
        assert_eq!(json["time"], "12:00:00Z");
    }
}
