//! What plan, apply and status have in common: whose objects, which confirmations, and how a view is judged.

use super::failure::{Exit, Failure};
use super::load::{LoadArgs, Loaded};
use super::ui::Ui;
use crate::aws::Aws;
use crate::execute::Outcome;
use crate::plan::{Options, Plan, Verdict};
use crate::reconcile::Session;
use crate::report::{ObjectView, View};

/// What is asked of a pass beyond the manifests.
#[derive(Debug, Clone, clap::Args)]
pub struct PassArgs {
    /// The operator instance whose objects these are: what another one owns is never touched
    #[arg(long, default_value = "default")]
    owner: String,
    /// Take over whatever exists without an owner
    #[arg(long)]
    adopt: bool,
    /// Confirm the replacement or deletion of an object; may be repeated
    #[arg(long, value_name = "KIND/NAME")]
    confirm: Vec<String>,
}

impl PassArgs {
    /// Loads the manifests and begins a session with AWS.
    pub fn begin(&self, load: &LoadArgs, aws: Aws, ui: &Ui) -> Result<(Loaded, Session), Failure> {
        let loaded = load.load(aws.default_region(), ui)?;
        let known = |name: &&String| {
            loaded.desired.objects.values().any(|object| object.origin.to_string() == **name)
        };
        if let Some(unknown) = self.confirm.iter().find(|name| !known(name)) {
            return Err(Failure::input(format!("`--confirm {unknown}` names no object of these manifests"))
                .hint("write it as the plan shows it, such as `EcsService/checkout`"));
        }
        let options =
            Options { owner: self.owner.clone(), adopt: self.adopt, confirmed: self.confirm.clone() };
        ui.waiting_for("reading what runs");
        Ok((loaded, Session::new(aws, options)))
    }
}

/// Carries out a plan: it is not interrupted.
pub async fn execute(session: &Session, plan: &Plan) -> Result<Outcome, Failure> {
    session.execute(plan).await.map_err(|broken| {
        let mut failure =
            Failure::world("the plan breaks a rule that every plan keeps; nothing of it was done");
        failure.error.caused_by = broken;
        failure.hint("this is a defect of ecs-operator: please report it with these lines")
    })
}

/// What a view says by itself.
pub fn judged(view: &View) -> Exit {
    view.objects.iter().map(judged_one).fold(Exit::Done, Exit::worst)
}

/// Something unreadable is the world's failure, something that a person must act on is a no.
pub fn judged_one(object: &ObjectView) -> Exit {
    match (object.verdict, &object.hold) {
        (Verdict::Unreadable, _) => Exit::World,
        (_, Some(hold)) if hold.blocked => Exit::No,
        _ => Exit::Done,
    }
}
