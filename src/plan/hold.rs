//! Why nothing, or not all, is done about an object: waiting (time will fix it) or blocked (a person must act).
//! Both are closed: a new reason is a new variant, and the compiler shows every place that must know it.

use crate::rollout::Failure;
use std::fmt;

/// The reason, of one of two kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    Waiting(Waiting),
    Blocked(Blocked),
}

/// Time will fix it: the next pass looks again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// The cluster is not ACTIVE yet, or is to be made first.
    Cluster { name: String },
    /// A capacity provider is not ACTIVE yet, or is to be made first.
    CapacityProvider { name: String },
    /// The cluster is still attaching its capacity providers.
    Attachments { cluster: String },
    /// A service of the same name is still stopping its tasks.
    Draining,
    /// The deployment has begun, and AWS still describes the service as it was before.
    Deployment,
    /// A cluster can only be deleted when nothing is left in it.
    NotEmpty { inside: String },
    /// A capacity provider that goes is used by something that goes, too.
    InUse { by: String },
    /// A capacity provider that goes is being taken from a cluster.
    Detaching { cluster: String },
    /// AWS is deleting it.
    Deleting,
}

/// A person must act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocked {
    /// It exists, and this operator did not make it. `owner` is who its tag names.
    NotOwned { owner: Option<String> },
    /// The API cannot change these members: a new resource would be needed.
    ReplacementNeeded { members: Vec<String> },
    /// Under this deployment controller UpdateService cannot change these members.
    DeploymentController { controller: String, members: Vec<String> },
    /// Something that the manifest names and does not declare is not there.
    Missing { what: String },
    /// Something that the manifest names cannot be used: the cluster is being deleted, the revision is INACTIVE …
    Unusable { what: String, why: String },
    /// Another object that this one needs is blocked or could not be read.
    Dependency { on: String },
    /// There is nothing to go back to.
    NothingGood { why: String },
    /// What the manifest wants was tried, failed and went back, or a person sent it back: it is not tried again.
    RolledBack(Failure),
    /// The same while AWS is still going back.
    RollingBack(Failure),
    /// What the manifest wants was tried and failed, and nothing brings it back.
    RolloutFailed(Failure),
    /// It would be deleted, and something that stays is in it.
    NotEmpty { inside: String },
    /// It would be deleted, and something that stays uses it.
    InUse { by: String },
    /// It would be deleted, and that needs a word more. `object` is its name on the command line.
    Unconfirmed { object: String, what: String },
    /// It would be deleted, and pruning as a whole is refused: for which of the three reasons below the plan says once.
    PruneRefused,
    /// Nothing is pruned: the source may declare more than is known.
    PruneSource { why: &'static str },
    /// Nothing is pruned: what is owned could not be listed.
    PruneSearch { cause: String },
    /// Nothing is pruned: too much would go at once.
    PruneLimit { going: usize, owned: usize, allowed: usize, confirmation: String },
}

impl Hold {
    /// `CamelCase`, for machines.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Waiting(waiting) => match waiting {
                Waiting::Cluster { .. } => "WaitingForCluster",
                Waiting::CapacityProvider { .. } => "WaitingForCapacityProvider",
                Waiting::Attachments { .. } => "WaitingForAttachments",
                Waiting::Draining => "WaitingForDraining",
                Waiting::Deployment => "WaitingForDeployment",
                Waiting::NotEmpty { .. } => "WaitingUntilEmpty",
                Waiting::InUse { .. } => "WaitingUntilUnused",
                Waiting::Detaching { .. } => "WaitingForDetachment",
                Waiting::Deleting => "WaitingForDeletion",
            },
            Self::Blocked(blocked) => match blocked {
                Blocked::NotOwned { .. } => "NotOwned",
                Blocked::ReplacementNeeded { .. } => "ReplacementNeeded",
                Blocked::DeploymentController { .. } => "DeploymentController",
                Blocked::Missing { .. } => "Missing",
                Blocked::Unusable { .. } => "Unusable",
                Blocked::Dependency { .. } => "DependencyBlocked",
                Blocked::NothingGood { .. } => "NothingGood",
                Blocked::RolledBack(_) => "RolledBack",
                Blocked::RollingBack(_) => "RollingBack",
                Blocked::RolloutFailed(_) => "RolloutFailed",
                Blocked::NotEmpty { .. } => "NotEmpty",
                Blocked::InUse { .. } => "InUse",
                Blocked::Unconfirmed { .. } => "Unconfirmed",
                Blocked::PruneRefused => "PruneRefused",
                Blocked::PruneSource { .. } => "PruneSource",
                Blocked::PruneSearch { .. } => "PruneSearch",
                Blocked::PruneLimit { .. } => "PruneLimit",
            },
        }
    }

    /// What a person can do; `None` where waiting is all.
    pub fn hint(&self) -> Option<String> {
        let Self::Blocked(blocked) = self else { return None };
        Some(match blocked {
            Blocked::NotOwned { owner: None } => {
                "to take it over, annotate the manifest with `ecs-operator.dev/adopt: \"true\"`, or pass `--adopt`".to_owned()
            }
            Blocked::NotOwned { owner: Some(owner) } => {
                format!("run with `--owner {owner}`, or remove its tag `ecs-operator.dev/owner` before adopting it")
            }
            Blocked::ReplacementNeeded { .. } => {
                "declare it under a new name beside the old one, or put the members back".to_owned()
            }
            Blocked::DeploymentController { controller, .. } if controller == "CODE_DEPLOY" => {
                "deploy these through CodeDeploy, or move the service to the ECS deployment controller".to_owned()
            }
            Blocked::DeploymentController { .. } => "change these through the controller's task sets".to_owned(),
            Blocked::Missing { what } => format!("declare {what} in a manifest, make it, or correct the name"),
            Blocked::Unusable { .. } => "make it usable, or name another".to_owned(),
            Blocked::Dependency { on } => format!("look at {on} first"),
            Blocked::NothingGood { .. } => "declare the version that is wanted, and apply it".to_owned(),
            Blocked::RolledBack(_) | Blocked::RollingBack(_) | Blocked::RolloutFailed(_) => {
                "correct the manifest; to try the same again, give it a new word in the annotation `ecs-operator.dev/retry`"
                    .to_owned()
            }
            Blocked::NotEmpty { .. } => "delete or move what is in it, or declare it again".to_owned(),
            Blocked::InUse { by } => format!("take it from {by}, or declare it again"),
            Blocked::Unconfirmed { object, .. } => {
                format!("to delete it all the same, pass `--confirm {object}`")
            }
            Blocked::PruneRefused => return None,
            Blocked::PruneSource { .. } => "correct the source; what it does declare goes on".to_owned(),
            Blocked::PruneSearch { .. } => "what is declared goes on without it".to_owned(),
            Blocked::PruneLimit { confirmation, .. } => format!(
                "to delete just these, pass `--confirm {confirmation}`; `--prune-limit` allows more at once"
            ),
        })
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Waiting(waiting) => waiting.fmt(f),
            Self::Blocked(blocked) => blocked.fmt(f),
        }
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Cluster { name } => write!(f, "cluster `{name}` is not active yet"),
            Self::CapacityProvider { name } => write!(f, "capacity provider `{name}` is not active yet"),
            Self::Attachments { cluster } => {
                write!(f, "cluster `{cluster}` is attaching its capacity providers")
            }
            Self::Draining => f.write_str("a service of this name is still draining"),
            Self::Deployment => f.write_str("a deployment has begun that AWS does not show yet"),
            Self::NotEmpty { inside } => write!(f, "{inside} still in it"),
            Self::InUse { by } => write!(f, "{by} still uses it"),
            Self::Detaching { cluster } => write!(f, "it is being detached from cluster `{cluster}`"),
            Self::Deleting => f.write_str("AWS is deleting it"),
        }
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NotOwned { owner: None } => f.write_str("it exists and nobody's tag is on it"),
            Self::NotOwned { owner: Some(owner) } => write!(f, "it belongs to owner `{owner}`"),
            Self::ReplacementNeeded { members } => {
                write!(f, "{} cannot be changed on what exists", listed(members))
            }
            Self::DeploymentController { controller, members } => {
                write!(
                    f,
                    "under the {controller} deployment controller UpdateService cannot change {}",
                    listed(members)
                )
            }
            Self::Missing { what } => write!(f, "{what} does not exist"),
            Self::Unusable { what, why } => write!(f, "{what} cannot be used: {why}"),
            Self::Dependency { on } => write!(f, "it needs {on}, which is held up"),
            Self::NothingGood { why } => write!(f, "there is nothing to go back to: {why}"),
            Self::RolledBack(failure) => told(f, "was rolled back", failure),
            Self::RollingBack(failure) => told(f, "is being rolled back", failure),
            Self::RolloutFailed(failure) => write!(f, "`{}` failed: {failure}", failure.from),
            Self::NotEmpty { inside } => write!(f, "{inside} in it that nobody deletes"),
            Self::InUse { by } => write!(f, "{by} uses it and stays"),
            Self::Unconfirmed { what, .. } => f.write_str(what),
            Self::PruneRefused => f.write_str("nothing is pruned in this pass"),
            Self::PruneSource { why } => write!(f, "nothing is pruned: {why}"),
            Self::PruneSearch { cause } => {
                write!(f, "nothing is pruned: what is owned could not be listed: {cause}")
            }
            Self::PruneLimit { going, owned, allowed, .. } => {
                write!(
                    f,
                    "nothing is pruned: {going} of {owned} owned would go, and no more than {allowed} may at once"
                )
            }
        }
    }
}

/// `web:2 was rolled back to web:1: AWS's words`.
fn told(f: &mut fmt::Formatter, what: &str, failure: &Failure) -> fmt::Result {
    match &failure.to {
        Some(to) if *to == failure.from => write!(f, "a change beside `{to}` {what}")?,
        Some(to) => write!(f, "`{}` {what} to `{to}`", failure.from)?,
        None => write!(f, "`{}` {what}", failure.from)?,
    }
    write!(f, ": {failure}")
}

fn listed(members: &[String]) -> String {
    members.iter().map(|member| format!("`{member}`")).collect::<Vec<_>>().join(", ")
}
