//! `completions`: the command line for shells to complete, from its declaration here.

use super::Cli;
use super::failure::{Exit, Failure};
use super::ui::Ui;
use clap::CommandFactory;
use clap_complete::{Shell, generate};

/// Print a script that lets a shell complete commands and options.
#[derive(Debug, clap::Args)]
#[command(after_help = INSTALL)]
pub struct Args {
    shell: Shell,
}

const INSTALL: &str = "\
Install, with one line in the shell's startup file:
  bash        source <(ecs-operator completions bash)
  zsh         source <(ecs-operator completions zsh)
  fish        ecs-operator completions fish | source
  elvish      eval (ecs-operator completions elvish | slurp)
  powershell  ecs-operator completions powershell | Out-String | Invoke-Expression";

pub fn run(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    ui.result(&script(args.shell));
    Ok(Exit::Done)
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "ecs-operator", &mut script);
    // Under a name with a hyphen clap_complete's bash looks for states that it never enters (clap#6421).
    String::from_utf8_lossy(&script).replace("ecs__subcmd__operator", "ecs__operator")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn every_shell_learns_every_command() {
        let root = Cli::command();
        for shell in Shell::value_variants() {
            let script = script(*shell);
            for command in root.get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
            }
        }
    }
}
