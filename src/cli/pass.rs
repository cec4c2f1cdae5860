//! What plan, apply and status have in common: whose objects, which confirmations, and how a view is judged.

use super::failure::{Exit, Failure};
use super::load::{LoadArgs, Loaded};
use super::ui::Ui;
use crate::aws::Aws;
use crate::execute::Outcome;
use crate::plan::{Limit, Options, Plan, Prune, Verdict};
use crate::reconcile::Session;
use crate::report::{ObjectView, View};

/// The owner of what is made without one being named.
pub const DEFAULT_OWNER: &str = "default";

/// What is asked of a pass beyond the manifests.
#[derive(Debug, Clone, clap::Args)]
pub struct PassArgs {
    /// The operator instance whose objects these are: what another one owns is never touched
    ///
    /// `default` when it is not given.
    #[arg(long)]
    owner: Option<String>,
    /// Take over whatever exists without an owner
    #[arg(long)]
    adopt: bool,
    /// Confirm the replacement or deletion of an object, or all that a plan prunes; may be repeated
    ///
    /// The plan shows what to write: `KIND/NAME` for one object, `prune/HASH` for just what would be pruned and no more.
    #[arg(long, value_name = "KIND/NAME")]
    confirm: Vec<String>,
}

/// What is asked of pruning.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Prune")]
pub struct PruneArgs {
    /// Delete what the owner has in AWS and no manifest declares any more; needs --owner
    ///
    /// Services go unless their manifest was annotated with `ecs-operator.dev/deletion-policy: retain`; clusters, capacity
    /// providers and repositories stay unless it said `delete`. Nothing goes when the manifests have errors, and nothing
    /// that another owner has.
    #[arg(long)]
    prune: bool,
    /// Look in this Region, too; may be repeated [default: those of the manifests and of the AWS settings]
    #[arg(long, value_name = "REGION", requires = "prune")]
    prune_region: Vec<String>,
    /// Prune nothing when more than this would go: a number, or a share of what is owned (3 may always go)
    #[arg(long, value_name = "N|N%", default_value_t, requires = "prune")]
    prune_limit: Limit,
}

impl PassArgs {
    /// Loads the manifests and begins a session with AWS that prunes nothing.
    pub fn begin(&self, load: &LoadArgs, aws: Aws, ui: &Ui) -> Result<(Loaded, Session), Failure> {
        self.begin_pruning(&PruneArgs::default(), load, aws, ui)
    }

    /// Loads the manifests and begins a session with AWS.
    pub fn begin_pruning(
        &self,
        prune: &PruneArgs,
        load: &LoadArgs,
        aws: Aws,
        ui: &Ui,
    ) -> Result<(Loaded, Session), Failure> {
        let prune = prune.asked(self.owner.as_deref(), aws.default_region())?;
        let loaded = load.load(aws.default_region(), ui)?;
        // What would be pruned is known later, and by no manifest.
        let known = |name: &&String| {
            prune.is_some()
                || loaded.desired.objects.values().any(|object| object.origin.to_string() == **name)
        };
        if let Some(unknown) = self.confirm.iter().find(|name| !known(name)) {
            return Err(Failure::input(format!("`--confirm {unknown}` names no object of these manifests"))
                .hint("write it as the plan shows it, such as `EcsService/checkout`"));
        }
        ui.waiting_for("reading what runs");
        Ok((loaded, Session::new(aws, self.options(prune))))
    }

    /// Begins a session with AWS before anything is loaded.
    pub fn session(&self, prune: &PruneArgs, aws: Aws) -> Result<Session, Failure> {
        let prune = prune.asked(self.owner.as_deref(), aws.default_region())?;
        Ok(Session::new(aws, self.options(prune)))
    }

    fn options(&self, prune: Option<Prune>) -> Options {
        let owner = self.owner.clone().unwrap_or_else(|| DEFAULT_OWNER.to_owned());
        Options { owner, adopt: self.adopt, confirmed: self.confirm.clone(), prune }
    }
}

impl PruneArgs {
    /// What to prune; an owner that nobody named may be anybody's.
    pub fn asked(&self, owner: Option<&str>, default_region: Option<&str>) -> Result<Option<Prune>, Failure> {
        if self.prune && owner.is_none() {
            return Err(Failure::input("`--prune` needs an explicit `--owner`").hint(format!(
                "everything of that owner that these manifests do not declare would go: name the owner of just these, or \
                 `--owner {DEFAULT_OWNER}` if nobody else applies without one"
            )));
        }
        let regions = self.prune_region.iter().cloned().chain(default_region.map(str::to_owned)).collect();
        let asked = Prune { regions, limit: self.prune_limit, ..Prune::default() };
        Ok(self.prune.then_some(asked))
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
    let pruning = match view.prune.as_ref().and_then(|prune| prune.hold.as_ref()) {
        None => Exit::Done,
        Some(hold) if hold.reason == "PruneSearch" => Exit::World,
        Some(_) => Exit::No,
    };
    view.objects.iter().map(judged_one).fold(pruning, Exit::worst)
}

/// Something unreadable is the world's failure, something that a person must act on is a no.
pub fn judged_one(object: &ObjectView) -> Exit {
    match (object.verdict, &object.hold) {
        (Verdict::Unreadable, _) => Exit::World,
        (_, Some(hold)) if hold.blocked => Exit::No,
        _ => Exit::Done,
    }
}
