//! Names: kinds, keys of AWS resources, manifests' names, tags and annotations of ours.

use serde::Serialize;
use std::fmt;

/// The API group of the kinds, and the prefix of every tag and annotation of ours.
pub const GROUP: &str = "ecs-operator.dev";
/// The version of the kinds.
pub const VERSION: &str = "v1alpha1";

/// Tags that the operator writes on AWS resources.
pub mod tag {
    /// The operator instance that owns the resource.
    pub const OWNER: &str = "ecs-operator.dev/owner";
    /// Where the manifest is, in at most 256 characters.
    pub const SOURCE: &str = "ecs-operator.dev/source";
    /// On a service: hashes of the manifest attempted, applied, last good, rejected.
    pub const STATE: &str = "ecs-operator.dev/state";
    /// On a task definition revision: the hash of its body.
    pub const CONTENT: &str = "ecs-operator.dev/content";
}

/// Annotations that people write on manifests.
pub mod annotation {
    pub const ADOPT: &str = "ecs-operator.dev/adopt";
    pub const CONFIRM: &str = "ecs-operator.dev/confirm";
    pub const DELETION_POLICY: &str = "ecs-operator.dev/deletion-policy";
    pub const DRIFT: &str = "ecs-operator.dev/drift";
    pub const IGNORE: &str = "ecs-operator.dev/ignore";
    pub const RETRY: &str = "ecs-operator.dev/retry";
    pub const SUSPEND: &str = "ecs-operator.dev/suspend";
    /// All of them, for "did you mean".
    pub const ALL: [&str; 7] = [ADOPT, CONFIRM, DELETION_POLICY, DRIFT, IGNORE, RETRY, SUSPEND];
}

/// What can be declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Kind {
    EcsCapacityProvider,
    EcsCluster,
    EcrRepository,
    EcsService,
}

impl Kind {
    pub const ALL: [Self; 4] =
        [Self::EcsCapacityProvider, Self::EcsCluster, Self::EcrRepository, Self::EcsService];

    /// As written under `kind:`, which is also the name of its shape in `model/kinds.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::EcsCapacityProvider => "EcsCapacityProvider",
            Self::EcsCluster => "EcsCluster",
            Self::EcrRepository => "EcrRepository",
            Self::EcsService => "EcsService",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The shape of `spec`.
    pub fn spec(self) -> &'static super::facts::Shape {
        super::facts::kind_shape(self.name())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The AWS resource that an object stands for, within one account. Two manifests with one key are an error.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Key {
    pub kind: Kind,
    pub region: String,
    /// The cluster's name, for services and for capacity providers that belong to a cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The AWS name: `serviceName`, `clusterName`, `name`, `repositoryName`.
    pub name: String,
}

impl Key {
    /// The cluster `name` beside this resource.
    #[must_use]
    pub fn of_cluster(&self, name: &str) -> Self {
        Self { kind: Kind::EcsCluster, region: self.region.clone(), cluster: None, name: name.to_owned() }
    }

    /// The capacity provider `name` beside this resource, of an Auto Scaling group.
    #[must_use]
    pub fn of_provider(&self, name: &str) -> Self {
        Self { kind: Kind::EcsCapacityProvider, cluster: None, ..self.of_cluster(name) }
    }

    /// The cluster that a service runs in.
    #[must_use]
    pub fn its_cluster(&self) -> Self {
        self.of_cluster(self.cluster.as_deref().unwrap_or("default"))
    }
}

impl fmt::Display for Key {
    /// `EcsService/shop/checkout`, `EcsCluster/shop`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.cluster {
            Some(cluster) => write!(f, "{}/{cluster}/{}", self.kind, self.name),
            None => write!(f, "{}/{}", self.kind, self.name),
        }
    }
}

/// The part of an ARN after its last `/`, or the whole of a plain name: cluster, service, role, provider.
pub fn last_segment(name_or_arn: &str) -> &str {
    if name_or_arn.starts_with("arn:") {
        name_or_arn.rsplit('/').next().unwrap_or(name_or_arn)
    } else {
        name_or_arn
    }
}

/// A repository of a private registry, as an image names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registered<'a> {
    pub account: &'a str,
    pub region: &'a str,
    pub repository: &'a str,
}

/// `123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/web:1`, or the same at the dual-stack endpoint
/// (`123456789012.dkr-ecr.eu-central-1.on.aws`); `None` for an image from elsewhere.
pub fn registered(image: &str) -> Option<Registered<'_>> {
    let (host, path) = image.split_once('/')?;
    let (account, rest) = host.split_once('.')?;
    let region = rest.strip_prefix("dkr.ecr.").or_else(|| rest.strip_prefix("dkr-ecr."))?;
    let (region, _) = region.split_once('.')?;
    Some(Registered { account, region, repository: path.split(['@', ':']).next().unwrap_or(path) })
}

/// `family:revision` of a task definition's ARN; a plain name stays.
pub fn family_and_revision(name_or_arn: &str) -> &str {
    name_or_arn.rsplit('/').next().unwrap_or(name_or_arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_ends_in_its_name() {
        assert_eq!(last_segment("arn:aws:iam::123456789012:role/service-role/web"), "web");
        assert_eq!(last_segment("web"), "web");
        assert_eq!(
            family_and_revision("arn:aws:ecs:eu-central-1:123456789012:task-definition/web:3"),
            "web:3"
        );
    }

    #[test]
    fn every_kind_has_a_shape() {
        for kind in Kind::ALL {
            assert!(kind.spec().member("region").is_some(), "{kind}");
            assert_eq!(Kind::find(kind.name()), Some(kind));
        }
    }
}
