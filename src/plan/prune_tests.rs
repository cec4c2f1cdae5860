//! Pruning on plain values: what the sandbox cannot be brought to answer. The stories are in `tests/scenarios/prune.rs`.

use super::*;
use crate::model::desired::{Declared, DeletionPolicy};
use crate::model::names::tag;
use crate::model::observed::{Owned, Parts, Resource, Sighting, Tags};
use crate::model::state::State;
use serde_json::{Value, json};
use std::sync::Arc;

const REGION: &str = "eu-central-1";

fn key(kind: Kind, cluster: Option<&str>, name: &str) -> Key {
    Key { kind, region: REGION.to_owned(), cluster: cluster.map(str::to_owned), name: name.to_owned() }
}

/// Something of ours that goes with its manifest.
fn going(kind: Kind, body: Value) -> Resource {
    let deletion = (kind != Kind::EcsService).then_some(DeletionPolicy::Delete);
    let state = State { deletion, ..State::default() }.to_string();
    let tags = Tags::from([(tag::OWNER.to_owned(), "default".to_owned()), (tag::STATE.to_owned(), state)]);
    Resource { arn: "arn".to_owned(), body: body.as_object().unwrap().clone(), tags, parts: Parts::default() }
}

struct World {
    desired: Desired,
    observed: Observed,
    options: Options,
}

impl World {
    /// One cluster is declared, and this is owned beside it.
    fn with(others: impl IntoIterator<Item = (Key, Resource)>) -> Self {
        let declared = key(Kind::EcsCluster, None, "declared");
        let source = Declared { keys: [declared].into(), ..Declared::default() };
        let others = others.into_iter().map(|(key, live)| (key, Sighting::Present(live))).collect();
        let owned = Sighting::Present(Owned { declared: 1, others });
        Self {
            desired: Desired { source: Some(Arc::new(source)), ..Desired::default() },
            observed: Observed { owned: [(REGION.to_owned(), owned)].into(), ..Observed::default() },
            options: Options {
                owner: "default".to_owned(),
                prune: Some(Prune::default()),
                ..Options::default()
            },
        }
    }

    fn has_cluster(mut self, name: &str, seen: Sighting<Resource>) -> Self {
        self.observed.external.insert(key(Kind::EcsCluster, None, name), seen);
        self
    }

    fn plan(&self) -> Plan {
        let plan = plan(&self.desired, &self.observed, &self.options);
        assert_eq!(lint::lint(&plan), Vec::<String>::new());
        plan
    }
}

fn operations(plan: &Plan) -> Vec<&str> {
    plan.actions.iter().map(|action| action.operation).collect()
}

#[test]
fn a_share_always_leaves_room_for_a_few_and_a_number_is_that_number() {
    let limit = |text: &str| text.parse::<Limit>();
    for (text, owned, allowed) in
        [("20%", 10, 3), ("20%", 100, 20), ("0%", 100, 3), ("7", 5, 7), ("0", 100, 0)]
    {
        assert_eq!(limit(text).unwrap().allowed(owned), allowed, "{text} of {owned}");
        assert_eq!(limit(text).unwrap().to_string(), text);
    }
    for text in ["", "%", "101%", "-1", "many"] {
        assert!(limit(text).is_err(), "{text}");
    }
    assert_eq!(Limit::default(), limit("20%").unwrap());
}

#[test]
fn a_target_that_is_left_of_a_draining_service_goes_and_the_rest_is_waited_for() {
    let mut service = going(Kind::EcsService, json!({"status": "DRAINING", "runningCount": 1}));
    service.parts.target = Some(Sighting::Present(Document::new()));
    let world = World::with([(key(Kind::EcsService, Some("shop"), "old"), service)]);
    let plan = world.plan();
    assert_eq!(operations(&plan), ["DeregisterScalableTarget"]);
    assert_eq!(plan.objects[0].hold, Some(Hold::Waiting(Waiting::Draining)));
    assert!(plan.objects[0].notes.contains(&"stops 1 task".to_owned()));
}

#[test]
fn what_aws_is_deleting_is_waited_for_and_what_it_could_not_delete_is_tried_again() {
    let cluster = going(Kind::EcsCluster, json!({"status": "DEPROVISIONING"}));
    let provider = |status: &str| {
        let body = json!({"status": "ACTIVE", "updateStatus": status, "updateStatusReason": "it is in use"});
        going(Kind::EcsCapacityProvider, body)
    };
    let one = key(Kind::EcsCapacityProvider, None, "one");
    let two = key(Kind::EcsCapacityProvider, None, "two");
    let world = World::with([
        (key(Kind::EcsCluster, None, "old"), cluster),
        (one, provider("DELETE_IN_PROGRESS")),
        (two, provider("DELETE_FAILED")),
    ]);
    let plan = world.plan();
    let holds: Vec<_> = plan.objects.iter().map(|object| object.hold.clone()).collect();
    let deleting = || Some(Hold::Waiting(Waiting::Deleting));
    assert_eq!(holds, [deleting(), None, deleting()]);
    assert_eq!(operations(&plan), ["DeleteCapacityProvider"]);
    assert_eq!(plan.objects[1].notes, ["AWS could not delete it before: it is in use"]);
}

#[test]
fn a_provider_of_managed_instances_goes_before_its_cluster_and_names_it() {
    let provider = key(Kind::EcsCapacityProvider, Some("shop"), "managed");
    let live = going(Kind::EcsCapacityProvider, json!({"status": "ACTIVE"}));
    let cluster = (key(Kind::EcsCluster, None, "shop"), going(Kind::EcsCluster, json!({"status": "ACTIVE"})));
    let mut world = World::with([(provider.clone(), live.clone()), cluster.clone()]);
    let plan = world.plan();
    assert_eq!(operations(&plan), ["DeleteCapacityProvider"]);
    assert_eq!(plan.actions[0].input["cluster"], "shop");
    let inside = "1 cluster-scoped capacity provider".to_owned();
    assert_eq!(plan.objects[1].hold, Some(Hold::Waiting(Waiting::NotEmpty { inside: inside.clone() })));
    // One that stays keeps its cluster.
    let mut kept = live;
    kept.tags.insert(tag::STATE.to_owned(), "v1".to_owned());
    world = World::with([(provider, kept), cluster]);
    assert_eq!(world.plan().objects[1].hold, Some(Hold::Blocked(Blocked::NotEmpty { inside })));
}

#[test]
fn two_providers_leave_a_cluster_by_one_call_and_one_of_managed_instances_is_not_in_its_set() {
    let names = ["a", "b"];
    let provider = |name: &str| {
        (key(Kind::EcsCapacityProvider, None, name), going(Kind::EcsCapacityProvider, json!({})))
    };
    let managed = key(Kind::EcsCapacityProvider, Some("shop"), "managed");
    let mut kept = going(Kind::EcsCapacityProvider, json!({}));
    kept.tags.insert(tag::STATE.to_owned(), "v1".to_owned());
    let body = json!({
        "status": "ACTIVE", "capacityProviders": ["FARGATE", "a", "managed", "b"],
        "defaultCapacityProviderStrategy": [{"capacityProvider": "a"}, {"capacityProvider": "FARGATE"}],
    });
    let mut cluster = going(Kind::EcsCluster, body);
    cluster.tags.insert(tag::STATE.to_owned(), "v1".to_owned());
    let shop = key(Kind::EcsCluster, None, "shop");
    let world =
        World::with(names.map(provider).into_iter().chain([(managed, kept), (shop, cluster.clone())]))
            .has_cluster("shop", Sighting::Present(cluster));
    let plan = world.plan();
    assert_eq!(operations(&plan), ["PutClusterCapacityProviders"]);
    assert_eq!(plan.actions[0].input["capacityProviders"], json!(["FARGATE"]));
    let strategy = &plan.actions[0].input["defaultCapacityProviderStrategy"];
    assert_eq!(*strategy, json!([{"capacityProvider": "FARGATE"}]));
    for object in &plan.objects[..2] {
        let waiting = Waiting::Detaching { cluster: "shop".to_owned() };
        assert_eq!(object.hold, Some(Hold::Waiting(waiting)), "{}", object.key);
    }
}

#[test]
fn a_provider_stays_when_a_cluster_that_may_have_it_could_not_be_read() {
    let provider = key(Kind::EcsCapacityProvider, None, "one");
    let world = World::with([(provider, going(Kind::EcsCapacityProvider, json!({})))])
        .has_cluster("theirs", Sighting::Unreadable("denied".to_owned()));
    let plan = world.plan();
    assert_eq!((plan.objects[0].verdict, operations(&plan)), (Verdict::Unreadable, vec![]));
}

#[test]
fn what_is_declared_is_never_pruned_even_if_only_a_part_of_the_source_is_looked_at() {
    let declared = key(Kind::EcsCluster, None, "declared");
    let provider = key(Kind::EcsCapacityProvider, Some("shop"), "managed");
    let mut world = World::with([
        (declared.clone(), going(Kind::EcsCluster, json!({}))),
        (key(Kind::EcsCapacityProvider, None, "managed"), going(Kind::EcsCapacityProvider, json!({}))),
    ]);
    world.desired.source =
        Some(Arc::new(Declared { keys: [declared, provider].into(), ..Declared::default() }));
    assert_eq!(world.plan().objects, []);
}

#[test]
fn a_region_that_was_not_looked_at_prunes_nothing_anywhere() {
    let service = going(Kind::EcsService, json!({"status": "ACTIVE"}));
    let mut world = World::with([(key(Kind::EcsService, Some("shop"), "old"), service)]);
    world.options.prune = Some(Prune { regions: ["us-east-1".to_owned()].into(), ..Prune::default() });
    let plan = world.plan();
    assert_eq!((plan.objects.len(), plan.actions.len()), (0, 0));
    assert!(matches!(plan.prune.unwrap().hold, Some(Hold::Blocked(Blocked::PruneSearch { .. }))));
}

#[test]
fn a_plan_that_deletes_what_is_to_stay_breaks_a_rule() {
    let service = going(Kind::EcsService, json!({"status": "ACTIVE"}));
    let sound = World::with([(key(Kind::EcsService, Some("shop"), "old"), service)]).plan();
    assert_eq!(operations(&sound), ["DeleteService"]);
    let mut broken = sound.clone();
    broken.objects[0].verdict = Verdict::Change;
    assert_eq!(lint::lint(&broken).len(), 1);
    broken = sound.clone();
    broken.objects[0].verdict = Verdict::Retained;
    assert_eq!(lint::lint(&broken).len(), 2);
    broken = sound;
    broken.prune.as_mut().unwrap().hold = Some(Hold::Blocked(Blocked::PruneRefused));
    assert_eq!(lint::lint(&broken).len(), 1);
}
