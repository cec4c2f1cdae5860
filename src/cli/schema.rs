//! `schema`: JSON Schemas.

use super::failure::{Exit, Failure};
use super::ui::Ui;
use crate::manifest::schema::schema;
use crate::report::{self, json};

/// Print the JSON Schema of manifests, for editors.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The schema of what `-o json` prints instead
    #[arg(long)]
    output: bool,
}

pub fn run(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    ui.result(&if args.output { report::schema() } else { json(&schema()) });
    Ok(Exit::Done)
}
