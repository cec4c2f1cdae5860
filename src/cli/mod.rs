//! The command line: one file per command; a doc comment is its help text.
//!
//! [`failure`] is the one table from errors to exit codes, [`ui`] the only place that prints. A command takes its
//! arguments and the [`Ui`], and answers with an [`Exit`] or a [`Failure`]. Here, and not below, are the clock, the
//! environment and signals. Tests: `tests/cli/*.trycmd`, whole commands with their output and exit codes.

#![allow(clippy::unnecessary_wraps)] // Every command has the same signature.

mod apply;
mod connection;
mod crds;
mod failure;
mod import;
mod interrupt;
mod load;
mod pass;
mod plan;
mod sandbox;
mod schema;
mod status;
mod ui;
mod validate;

use clap::{Args, Parser, Subcommand, ValueEnum};
use failure::{Exit, Failure};
use std::process::ExitCode;
use ui::Ui;

/// Makes Amazon ECS, ECR and Application Auto Scaling match what is declared in YAML files.
///
/// Exit codes: 0 done · 1 the answer is no (changes with --check, not ready, blocked) · 2 fix your input ·
/// 3 the world failed (AWS, network, partly applied).
#[derive(Debug, Parser)]
#[command(name = "ecs-operator", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

#[derive(Debug, Subcommand)]
enum Command {
    Validate(validate::Args),
    Plan(plan::Args),
    Apply(apply::Args),
    Status(status::Args),
    Import(import::Args),
    Schema(schema::Args),
    Crds(crds::Args),
    Sandbox(sandbox::Args),
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
struct Global {
    /// Tell more: all fields and values, and each call to AWS on stderr; twice for debugging
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Runs the command of the process's arguments.
pub fn main() -> ExitCode {
    // Prints help and usage errors itself, and ends with 0 and 2.
    let cli = Cli::parse();
    let ui = Ui::new(&cli.global);
    let done = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(run(cli.command, &ui)),
        Err(error) => Err(Failure::world("the process could not start its threads").caused_by(&error)),
    };
    let exit = done.unwrap_or_else(|failure| {
        ui.fail(&failure);
        failure.exit
    });
    exit.worst(ui.finish()).into()
}

async fn run(command: Command, ui: &Ui) -> Result<Exit, Failure> {
    match command {
        Command::Validate(args) => validate::run(&args, ui),
        Command::Plan(args) => plan::run(&args, ui).await,
        Command::Apply(args) => apply::run(&args, ui).await,
        Command::Status(args) => status::run(&args, ui).await,
        Command::Import(args) => import::run(&args, ui).await,
        Command::Schema(args) => schema::run(&args, ui),
        Command::Crds(args) => crds::run(&args, ui),
        Command::Sandbox(args) => sandbox::run(&args, ui).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_parser_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_sandbox_takes_a_file_only_after_an_equals_sign() {
        let parsed = |line: &str| match Cli::try_parse_from(line.split(' ')).unwrap().command {
            Command::Plan(args) => (args.connect.sandbox, args.load.paths),
            _ => unreachable!(),
        };
        assert_eq!(parsed("ecs-operator plan --sandbox shop"), (Some(None), vec!["shop".into()]));
        assert_eq!(parsed("ecs-operator plan --sandbox=w.json shop").0, Some(Some("w.json".into())));
        assert_eq!(parsed("ecs-operator plan shop").0, None);
    }
}
