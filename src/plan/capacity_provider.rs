//! Capacity providers: of an Auto Scaling group, or of Managed Instances in a cluster.

use super::object::{Steps, Work, document, projected};
use super::{Blocked, Draft, Hold, Waiting};
use crate::model::described;
use crate::model::facts::operation;
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
        update(draft, work, live);
        Ok(())
    },
};

fn create<'a>(draft: &mut Draft<'a>, work: &mut Work<'a>) {
    let mut input = work.object.spec.clone();
    input.remove("region");
    input.insert("tags".to_owned(), work.new_tags(draft, work.object.spec.get("tags"), true));
    // A provider of Managed Instances lives in a cluster, which is planned later: it waits until that is there.
    if let Some(name) = &work.object.key.cluster {
        let key = work.object.key.of_cluster(name);
        let cluster = draft.observed.find(&key);
        let is_there = matches!(cluster, Some(Sighting::Present(cluster)) if !cluster.is_inactive());
        if !is_there {
            work.plan.hold = Some(if draft.desired.objects.contains_key(&key) {
                Hold::Waiting(Waiting::Cluster { name: name.clone() })
            } else {
                Hold::Blocked(Blocked::Missing { what: format!("cluster `{name}`") })
            });
            return;
        }
    }
    work.act(draft, "ecs", "CreateCapacityProvider", input);
}

fn update<'a>(draft: &mut Draft<'a>, work: &mut Work<'a>, live: &'a Resource) {
    let described = described::plain(live);
    let Some(desired) = work.compare_whole(&described) else { return };
    let spec = Kind::EcsCapacityProvider.spec();
    let members = work.members("");
    work.tag_ahead(draft, work.object.spec.get("tags"), !members.is_empty());
    if members.is_empty() {
        return;
    }
    let mut input = document([("name", json!(work.object.key.name))]);
    input.extend(work.object.key.cluster.as_ref().map(|cluster| ("cluster".to_owned(), json!(cluster))));
    let changed = merged(spec, &members, &desired, &described, work.account);
    if let Some(update) = operation("ecs", "UpdateCapacityProvider").and_then(|operation| operation.input) {
        input.extend(projected(update.shape(), &changed));
    }
    work.act(draft, "ecs", "UpdateCapacityProvider", input);
    work.settle(draft, None);
}
