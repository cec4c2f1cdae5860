//! `crds`: the custom resource definitions.

use super::failure::{Exit, Failure};
use super::ui::Ui;
use crate::manifest::crd;
use crate::model::names::Kind;
use clap::builder::PossibleValuesParser;

/// Print the custom resource definitions, for `kubectl apply -f -`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Of this kind only
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(Kind::ALL.map(Kind::name)))]
    kind: Option<String>,
}

pub fn run(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    let kinds =
        Kind::ALL.into_iter().filter(|kind| args.kind.as_ref().is_none_or(|name| name == kind.name()));
    ui.result(&kinds.map(crd::yaml).collect::<Vec<_>>().join("---\n"));
    Ok(Exit::Done)
}
