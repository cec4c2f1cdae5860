//! What verdicts and classes of change are called, in one table each: every text and the JSON output use these.

use crate::model::semantics::Change;
use crate::plan::Verdict;
use anstyle::{AnsiColor, Style};

pub const BOLD: Style = Style::new().bold();
pub const DIM: Style = Style::new().dimmed();
pub const RED: Style = AnsiColor::Red.on_default();
pub const GREEN: Style = AnsiColor::Green.on_default();
pub const YELLOW: Style = AnsiColor::Yellow.on_default();
pub const MAGENTA: Style = AnsiColor::Magenta.on_default();
pub const CYAN: Style = AnsiColor::Cyan.on_default();

/// How a verdict is told.
pub struct Words {
    /// For machines.
    pub name: &'static str,
    pub symbol: char,
    pub style: Style,
    /// With a number before it.
    pub counted: &'static str,
    /// In one line.
    pub why: &'static str,
    /// When all of it has been done.
    pub done: &'static str,
}

/// In the order of the summary line.
pub const VERDICTS: [Verdict; 11] = [
    Verdict::Create,
    Verdict::Change,
    Verdict::Drift,
    Verdict::Adopt,
    Verdict::Rollback,
    Verdict::Delete,
    Verdict::Retained,
    Verdict::NotOwned,
    Verdict::Unreadable,
    Verdict::Suspended,
    Verdict::Unchanged,
];

#[rustfmt::skip]
pub const fn words(verdict: Verdict) -> Words {
    let (name, symbol, style, counted, why, done) = match verdict {
        Verdict::Create => ("create", '+', GREEN, "to create", "it does not exist", "created"),
        Verdict::Change => ("change", '~', YELLOW, "to change", "it is not what the manifest says", "changed"),
        Verdict::Drift => ("drift", '!', MAGENTA, "drifted", "AWS changed, the manifest did not", "healed"),
        Verdict::Adopt => ("adopt", '=', CYAN, "to adopt", "it exists without an owner and is taken over", "adopted"),
        Verdict::Rollback => ("rollback", '<', YELLOW, "to roll back", "it goes back to what ran well before", "is going back"),
        Verdict::Delete => ("delete", '-', RED, "to delete", "no manifest declares it any more", "deleted"),
        Verdict::Retained => ("retained", '.', DIM, "retained", "no manifest declares it any more, and it is kept", "left alone"),
        Verdict::NotOwned => ("notOwned", 'x', RED, "not owned", "it exists and is not ours", "left alone"),
        Verdict::Unreadable => ("unreadable", '?', RED, "unreadable", "it could not be read, so nothing is done", "left alone"),
        Verdict::Suspended => ("suspended", '.', DIM, "suspended", "its manifest asks to be left alone", "left alone"),
        Verdict::Unchanged => ("unchanged", ' ', DIM, "unchanged", "it is what the manifest says", "unchanged"),
    };
    Words { name, symbol, style, counted, why, done }
}

/// For machines.
pub const fn verdict_name(verdict: Verdict) -> &'static str {
    words(verdict).name
}

/// What a change does, mildest first.
pub const CHANGES: [Change; 5] = [
    Change::InPlace,
    Change::LaterTasks,
    Change::NewDeployment,
    Change::ForcedDeployment,
    Change::Replacement,
];

pub const fn change(change: Change) -> &'static str {
    match change {
        Change::InPlace => "in place",
        Change::LaterTasks => "tasks started later",
        Change::NewDeployment => "new deployment",
        Change::ForcedDeployment => "forced deployment",
        Change::Replacement => "replacement",
    }
}
