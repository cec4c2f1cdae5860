//! `plan`: what would change.

use super::ViewFormat;
use super::connection::ConnectArgs;
use super::failure::{Exit, Failure};
use super::load::LoadArgs;
use super::pass::{PassArgs, PruneArgs, judged};
use super::ui::Ui;
use crate::report::{ObjectView, View, json};

/// Show what would change, and change nothing.
///
/// Each object that differs is shown with its symbol (+ create, ~ change, ! drift, = adopt, - delete, x blocked,
/// … waiting, ? unreadable), what the change does, and the fields that differ. Exits with 1 when something is blocked, with
/// --check also when anything would change.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub load: LoadArgs,
    /// Exit with 1 when anything would change
    #[arg(long)]
    check: bool,
    /// Show secret values, on a terminal only
    #[arg(long)]
    show_values: bool,
    /// How to print the result
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: ViewFormat,
    #[command(flatten)]
    pass: PassArgs,
    #[command(flatten)]
    prune: PruneArgs,
    #[command(flatten)]
    pub connect: ConnectArgs,
}

pub async fn run(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    if args.show_values && (args.output != ViewFormat::Text || !Ui::may_reveal()) {
        return Err(Failure::input("`--show-values` is for a terminal only")
            .hint("JSON, Markdown and files never hold secrets"));
    }
    args.connect
        .connected(async |aws, _| {
            let (loaded, session) = args.pass.begin_pruning(&args.prune, &args.load, aws, ui)?;
            let planned = ui.during(&session.aws, session.plan(&loaded.desired)).await?;
            args.connect.check_account(&planned.plan.account)?;
            let view = View::of(&planned.plan, &loaded.source, args.show_values);
            match args.output {
                ViewFormat::Json => ui.result(&json(&view)),
                ViewFormat::Markdown => ui.result(&view.plan_markdown(ui.verbose)),
                ViewFormat::Text => {
                    ui.result(
                        &[view.heading(), view.plan_text(ui.verbose), view.prune_text(), view.summary_text()]
                            .concat(),
                    );
                }
            }
            let changes = view.objects.iter().any(ObjectView::is_noteworthy);
            let check = if args.check && changes { Exit::No } else { Exit::Done };
            Ok(judged(&view).worst(check).worst(loaded.exit))
        })
        .await
}
