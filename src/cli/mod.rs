//! The command line: one file per command; a doc comment is its help text.
//!
//! [`failure`] is the one table from errors to exit codes, [`ui`] the only place that prints. A command takes its
//! arguments and the [`Ui`], and answers with an [`Exit`] or a [`Failure`]. Here, and not below, are the clock, the
//! environment and signals. Tests: `tests/cli/*.trycmd`, whole commands with their output and exit codes.

#![allow(clippy::unnecessary_wraps)] // Every command has the same signature.

mod apply;
mod completions;
mod connection;
mod crds;
mod demo;
mod failure;
mod import;
mod interrupt;
mod load;
mod pass;
mod plan;
mod rollback;
mod run;
mod sandbox;
mod schema;
mod status;
mod ui;
mod validate;
mod wait;

use clap::{Args, Parser, Subcommand, ValueEnum};
use failure::{Exit, Failure};
use std::process::ExitCode;
use ui::Ui;

/// Makes Amazon ECS, ECR and Application Auto Scaling match what is declared in YAML files.
///
/// Exit codes: 0 done · 1 the answer is no (changes with --check, not ready, blocked) · 2 fix your input ·
/// 3 the world failed (AWS, network, partly applied).
#[derive(Debug, Parser)]
#[command(name = "ecs-operator", version, max_term_width = 110, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

const EXAMPLES: &str = "\
Examples:
  ecs-operator demo                         the tour, in a minute
  ecs-operator plan deploy                  what would change
  ecs-operator apply deploy --wait          make it so, and wait until the tasks run
  ecs-operator apply deploy --sandbox       the same against a small AWS on this machine
  ecs-operator import --cluster shop        manifests for what runs already";

#[derive(Debug, Subcommand)]
enum Command {
    Validate(validate::Args),
    Plan(plan::Args),
    Apply(apply::Args),
    Run(run::Args),
    Status(status::Args),
    Rollback(rollback::Args),
    Import(import::Args),
    Schema(schema::Args),
    Crds(crds::Args),
    Sandbox(sandbox::Args),
    Demo(demo::Args),
    Completions(completions::Args),
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

/// How a plan or a status is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ViewFormat {
    Text,
    Json,
    /// For a comment on a pull request: at most 65,536 characters
    Markdown,
}

/// Runs the command of the process's arguments.
pub fn main() -> ExitCode {
    // Prints help and usage errors itself, and ends with 0 and 2.
    let cli = Cli::parse();
    let ui = Ui::new(&cli.global);
    let done = match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let done = runtime.block_on(run(cli.command, &ui));
            // A read of a file that never ends keeps no command from ending.
            runtime.shutdown_background();
            done
        }
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
        Command::Run(args) => run::run(&args, ui).await,
        Command::Status(args) => status::run(&args, ui).await,
        Command::Rollback(args) => rollback::run(&args, ui).await,
        Command::Import(args) => import::run(&args, ui).await,
        Command::Schema(args) => schema::run(&args, ui),
        Command::Crds(args) => crds::run(&args, ui),
        Command::Sandbox(args) => sandbox::run(&args, ui).await,
        Command::Demo(args) => demo::run(&args, ui).await,
        Command::Completions(args) => completions::run(&args, ui),
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

    #[test]
    fn the_call_budget_is_half_unless_said() {
        let budget = |line: &str| match Cli::try_parse_from(line.split(' ')).map(|cli| cli.command) {
            Ok(Command::Status(args)) => Ok(args.connect.budget.to_string()),
            other => Err(other.unwrap_err().to_string()),
        };
        assert_eq!(budget("ecs-operator status shop"), Ok("50%".to_owned()));
        assert_eq!(budget("ecs-operator status shop --budget 100%"), Ok("100%".to_owned()));
        assert!(budget("ecs-operator status shop --budget 0%").unwrap_err().contains("from 1% to 100%"));
    }
}
