//! `validate`: every problem of the manifests.

use super::Format;
use super::failure::{Exit, Failure};
use super::load;
use super::ui::Ui;
use crate::report::{Validated, json};
use std::path::PathBuf;

/// Check manifests, without AWS.
///
/// Every problem is shown with its file, line and column, and what to do about it. Exits with 2 when there are errors.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files, directories, or - for stdin
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How to print the result
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
}

pub fn run(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    let (snapshot, resolved) = load::read(&args.paths, None);
    let found = Validated::of(snapshot.files.len(), resolved.desired.objects.len(), &resolved.problems);
    ui.result(&match args.output {
        Format::Json => json(&found),
        Format::Text => found.text(ui.verbose),
    });
    Ok(if found.errors > 0 { Exit::Input } else { Exit::Done })
}
