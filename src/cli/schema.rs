//! `schema`: JSON Schemas.

use super::failure::{Exit, Failure};
use super::ui::Ui;
use crate::report;

/// Print the JSON Schema of manifests, for editors
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The schema of what `-o json` prints instead
    #[arg(long, required = true)]
    output: bool,
}

pub fn run(_: &Args, ui: &Ui) -> Result<Exit, Failure> {
    ui.result(&report::schema());
    Ok(Exit::Done)
}
