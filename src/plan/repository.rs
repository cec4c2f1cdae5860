//! ECR repositories: the repository, its settings, its two policies.

use super::object::{Steps, Work, document};
use super::{Binding, Draft};
use crate::model::described;
use crate::model::merge::merged;
use crate::model::names::Kind;
use crate::model::observed::{Resource, Sighting};
use serde_json::json;

pub(super) const STEPS: Steps = Steps {
    create: |draft, work| {
        create(draft, work);
        Ok(())
    },
    update: |draft, work, live| {
        if let Some(cause) = unreadable(live) {
            return Err(cause.to_owned());
        }
        update(draft, work, live);
        Ok(())
    },
};

fn unreadable(live: &Resource) -> Option<&str> {
    let parts = [live.parts.lifecycle_policy.as_ref(), live.parts.repository_policy.as_ref()];
    parts.into_iter().flatten().find_map(Sighting::cause)
}

fn create<'a>(draft: &mut Draft<'a>, work: &mut Work<'a>) {
    let policies = ["lifecyclePolicy", "repositoryPolicy"];
    let mut input = work.object.spec.clone();
    input.retain(|name, _| name != "region" && !policies.contains(&name.as_str()));
    let with_policies = policies.iter().any(|policy| work.object.spec.contains_key(*policy));
    input.insert("tags".to_owned(), work.new_tags(draft, work.object.spec.get("tags"), !with_policies));
    work.act(draft, "ecr", "CreateRepository", input);
    let created = work.plan.actions[0];
    for policy in policies.into_iter().filter(|policy| work.object.spec.contains_key(*policy)) {
        write_policy(draft, work, policy);
    }
    if with_policies {
        work.settle(
            draft,
            Some(Binding { action: created, from: "/repository/repositoryArn", to: "resourceArn" }),
        );
    }
}

fn update<'a>(draft: &mut Draft<'a>, work: &mut Work<'a>, live: &'a Resource) {
    let described = described::repository(live);
    let Some(desired) = work.compare_whole(&described) else { return };
    let spec = Kind::EcrRepository.spec();
    let members = work.members("");
    work.tag_ahead(draft, work.object.spec.get("tags"), !members.is_empty());
    let settings = merged(spec, &members, &desired, &described, work.account);
    let mutability = ["imageTagMutability", "imageTagMutabilityExclusionFilters"];
    if mutability.iter().any(|name| settings.contains_key(*name)) {
        let both = merged(spec, mutability, &desired, &described, work.account);
        let filters =
            both.get(mutability[1]).filter(|filters| !filters.as_array().is_some_and(Vec::is_empty));
        let mode = both.get(mutability[0]).cloned().unwrap_or_else(|| json!("MUTABLE"));
        let mut input = document([("repositoryName", json!(work.object.key.name)), (mutability[0], mode)]);
        input.extend(filters.map(|filters| (mutability[1].to_owned(), filters.clone())));
        work.act(draft, "ecr", "PutImageTagMutability", input);
    }
    if let Some(scanning) = settings.get("imageScanningConfiguration") {
        let input = document([
            ("repositoryName", json!(work.object.key.name)),
            ("imageScanningConfiguration", scanning.clone()),
        ]);
        work.act(draft, "ecr", "PutImageScanningConfiguration", input);
    }
    for policy in ["lifecyclePolicy", "repositoryPolicy"] {
        if members.iter().any(|member| member == policy) {
            write_policy(draft, work, policy);
        }
    }
    if !members.is_empty() {
        work.settle(draft, None);
    }
}

/// Puts the declared policy, or deletes the one that is declared no more: never delete, then put.
fn write_policy<'a>(draft: &mut Draft<'a>, work: &mut Work<'a>, policy: &str) {
    let declared = work.object.spec.get(policy).filter(|value| !crate::model::semantics::is_nothing(value));
    let (operation, text) = match (policy, declared) {
        ("lifecyclePolicy", Some(declared)) => {
            ("PutLifecyclePolicy", Some(("lifecyclePolicyText", declared)))
        }
        ("lifecyclePolicy", None) => ("DeleteLifecyclePolicy", None),
        (_, Some(declared)) => ("SetRepositoryPolicy", Some(("policyText", declared))),
        (_, None) => ("DeleteRepositoryPolicy", None),
    };
    let mut input = document([("repositoryName", json!(work.object.key.name))]);
    input.extend(text.map(|(member, declared)| (member.to_owned(), json!(declared.to_string()))));
    work.act(draft, "ecr", operation, input);
}
