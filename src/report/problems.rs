//! The problems of manifests, as JSON and as text.

use super::text::counted;
use super::view::VERSION;
use super::words::{GREEN, RED};
use crate::manifest::problem::{Place, Problem, Severity};
use schemars::JsonSchema;
use serde::Serialize;

/// What is wrong with manifests (`validate`).
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Validated {
    pub version: u32,
    pub files: usize,
    /// Objects that can be used.
    pub objects: usize,
    pub errors: usize,
    pub warnings: usize,
    pub problems: Vec<ProblemView>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProblemView {
    pub severity: SeverityView,
    #[serde(flatten)]
    pub place: PlaceView,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// `KIND/NAME` of the object at fault; the file is where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Other places that matter, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
    /// As people read it, with the line shown.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SeverityView {
    Error,
    Warning,
    Note,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PlaceView {
    pub path: String,
    /// From 1; 0 is the file as a whole.
    pub line: u32,
    pub column: u32,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Related {
    #[serde(flatten)]
    pub place: PlaceView,
    pub why: String,
}

impl Validated {
    pub fn of(files: usize, objects: usize, problems: &[Problem]) -> Self {
        let count = |severity| problems.iter().filter(|problem| problem.severity == severity).count();
        Self {
            version: VERSION,
            files,
            objects,
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            problems: problems.iter().map(ProblemView::of).collect(),
        }
    }

    /// Each problem with its line, then how many there are. Notes only when verbose.
    pub fn text(&self, verbose: bool) -> String {
        let told = self.problems.iter().filter(|problem| verbose || problem.severity != SeverityView::Note);
        let problems: String = told.flat_map(|problem| [problem.text.as_str(), "\n"]).collect();
        let warnings = if self.warnings > 0 {
            format!(", {}", counted(self.warnings, "warning"))
        } else {
            String::new()
        };
        let files = counted(self.files, "file");
        let line = if self.errors > 0 {
            format!("{RED}{}{RED:#}{warnings} in {files}", counted(self.errors, "error"))
        } else {
            format!("{GREEN}ok:{GREEN:#} {} in {files}{warnings}", counted(self.objects, "object"))
        };
        format!("{problems}{line}\n")
    }
}

impl ProblemView {
    fn of(problem: &Problem) -> Self {
        let severity = match problem.severity {
            Severity::Error => SeverityView::Error,
            Severity::Warning => SeverityView::Warning,
            Severity::Note => SeverityView::Note,
        };
        let related = problem.related.iter();
        Self {
            severity,
            place: PlaceView::of(&problem.place),
            message: problem.message.clone(),
            hint: problem.hint.clone(),
            object: problem.object.as_ref().map(ToString::to_string),
            related: related
                .map(|(place, why)| Related { place: PlaceView::of(place), why: why.clone() })
                .collect(),
            text: problem.to_string(),
        }
    }
}

impl PlaceView {
    fn of(place: &Place) -> Self {
        Self { path: place.path.clone(), line: place.line, column: place.column }
    }
}
