//! `status`: what runs against what is declared.

use super::ViewFormat;
use super::connection::ConnectArgs;
use super::failure::{Exit, Failure};
use super::load::LoadArgs;
use super::pass::{PassArgs, judged};
use super::ui::Ui;
use crate::report::{ObjectView, View, json};

/// Show what runs against what is declared, and why nothing happens.
///
/// Exits with 1 unless every object is as declared and every deployment is done.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    load: LoadArgs,
    /// How to print the result
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: ViewFormat,
    #[command(flatten)]
    pass: PassArgs,
    #[command(flatten)]
    pub connect: ConnectArgs,
}

pub async fn run(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    args.connect
        .connected(async |aws, _| {
            let (loaded, session) = args.pass.begin(&args.load, aws, ui)?;
            let planned = ui.during(&session.aws, session.plan(&loaded.desired)).await?;
            args.connect.check_account(&planned.plan.account)?;
            let view = View::of(&planned.plan, &loaded.source, false);
            let view = view.with_rollouts(&planned.plan, &planned.observed);
            match args.output {
                ViewFormat::Json => ui.result(&json(&view)),
                ViewFormat::Markdown => ui.result(&view.status_markdown(ui.verbose)),
                ViewFormat::Text => ui.result(&[view.heading(), view.status_text(ui.verbose)].concat()),
            }
            let ready = view.objects.iter().all(ObjectView::is_ready);
            let ready = if ready { Exit::Done } else { Exit::No };
            Ok(judged(&view).worst(ready).worst(loaded.exit))
        })
        .await
}
