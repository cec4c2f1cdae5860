//! The bundle: what a service revision holds and a deployment brings as a whole, the task definition with the settings
//! beside it. Counts, deployment settings, placement, tags and scaling are not in it.

use crate::model::desired::Document;
use crate::model::diff::{Difference, diff};
use crate::model::facts::{kind_shape, shape};
use crate::model::names::family_and_revision;
use crate::model::reduce::reduce;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The members of a service that its revision holds, the task definition apart: those that both shapes have.
static MEMBERS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let revision = shape("ecs", "ServiceRevision");
    let members = kind_shape("Service").members().iter().map(|member| member.name.as_str());
    let held = |name: &&str| revision.is_some_and(|revision| revision.member(name).is_some());
    members.filter(|name| *name != "taskDefinition").filter(held).collect()
});

/// Whether a service revision holds this member of a service. The task definition has many spellings and is told apart.
pub fn holds(member: &str) -> bool {
    MEMBERS.contains(member)
}

/// What of a document belongs to the bundle, the task definition apart.
pub fn of(document: &Document) -> Document {
    document
        .iter()
        .filter(|(name, _)| holds(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The task definition of a service revision, as `family:revision`.
pub fn task_definition(revision: &Document) -> &str {
    family_and_revision(revision.get("taskDefinition").and_then(Value::as_str).unwrap_or_default())
}

/// Whether two service revisions are one but for their names and times.
pub fn is_same(one: &Document, other: &Document, account: &str) -> bool {
    let least = |revision| reduce(kind_shape("Service"), &of(revision), account);
    task_definition(one) == task_definition(other) && least(one) == least(other)
}

/// How `live` differs from the bundle of `wanted`, the task definition apart. What `wanted` is silent about and AWS
/// decides is not compared.
pub fn difference(wanted: &Document, live: &Document, account: &str) -> Vec<Difference> {
    let shape = kind_shape("Service");
    let least = |document| reduce(shape, &of(document), account);
    diff(shape, "service", &least(wanted), &least(live), account).differences
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_bundle_is_what_starts_a_deployment_and_nothing_of_what_does_not() {
        for member in [
            "networkConfiguration",
            "loadBalancers",
            "capacityProviderStrategy",
            "launchType",
            "platformVersion",
        ] {
            assert!(holds(member), "{member}");
        }
        for member in
            ["taskDefinition", "desiredCount", "deploymentConfiguration", "placementStrategy", "tags"]
        {
            assert!(!holds(member), "{member}");
        }
    }

    #[test]
    fn two_revisions_are_one_whatever_they_are_called_and_in_whatever_order() {
        let revision = |name: &str, subnets: Value| {
            let network = json!({"awsvpcConfiguration": {"subnets": subnets, "assignPublicIp": "DISABLED"}});
            let revision = json!({"serviceRevisionArn": name, "taskDefinition": format!("arn:aws:ecs:r:1:task-definition/{name}"),
                "networkConfiguration": network, "launchType": "FARGATE"});
            revision.as_object().unwrap().clone()
        };
        let web = revision("web:1", json!(["a", "b"]));
        let mut again = revision("web:1", json!(["b", "a"]));
        again.insert("serviceRevisionArn".into(), json!("another"));
        assert!(is_same(&web, &again, ""));
        assert!(!is_same(&web, &revision("web:2", json!(["a", "b"])), ""));
        assert!(!is_same(&web, &revision("web:1", json!(["a"])), ""));
    }
}
