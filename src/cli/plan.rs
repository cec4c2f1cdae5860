//! `plan`: what would change.

use super::Format;
use super::connection::ConnectArgs;
use super::failure::{Exit, Failure};
use super::load::LoadArgs;
use super::pass::{PassArgs, judged};
use super::ui::Ui;
use crate::report::{ObjectView, View, json};

/// Show what would change, and change nothing.
///
/// Each object that differs is shown with its symbol (+ create, ~ change, ! drift, = adopt, - delete, x blocked,
/// … waiting, ? unreadable), what the change does, and the fields that differ.
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
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,
    #[command(flatten)]
    pass: PassArgs,
    #[command(flatten)]
    pub connect: ConnectArgs,
}

pub async fn run(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    if args.show_values && (args.output == Format::Json || !Ui::may_reveal()) {
        return Err(Failure::input("`--show-values` is for a terminal only")
            .hint("JSON and files never hold secrets"));
    }
    args.connect
        .connected(async |aws, _| {
            let (loaded, session) = args.pass.begin(&args.load, aws, ui)?;
            let planned = ui.during(&session.aws, session.plan(&loaded.desired)).await?;
            args.connect.check_account(&planned.plan.account)?;
            let view = View::of(&planned.plan, &loaded.source, args.show_values);
            match args.output {
                Format::Json => ui.result(&json(&view)),
                Format::Text => {
                    ui.result(&[view.heading(), view.plan_text(ui.verbose), view.summary_text()].concat());
                }
            }
            let changes = view.objects.iter().any(ObjectView::is_noteworthy);
            let check = if args.check && changes { Exit::No } else { Exit::Done };
            Ok(judged(&view).worst(check).worst(loaded.exit))
        })
        .await
}
