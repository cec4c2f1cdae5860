//! What is owned and not declared any more: what goes, in which order, and what never does.

use crate::world::{
    ACCOUNT, Applied, REGION, World, annotated, cluster, count, desired, manifest, of, operations, paths,
    service, told, with,
};
use bytes::Bytes;
use ecs_operator::aws::{Aws, Connection, Exchange, Operation, Patience};
use ecs_operator::model::desired::Desired;
use ecs_operator::model::names::tag;
use ecs_operator::plan::{Blocked, Hold, Limit, Plan, Prune, Verdict, Waiting};
use ecs_operator::reconcile::Session;
use ecs_operator::sandbox::{Clock, FaultKind, Options, Sandbox};
use futures::FutureExt;
use http::{Request, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::{cmp, io};

/// A world in which these have been applied, and from now on pruning is asked for.
async fn having(manifests: &[Value]) -> World {
    let mut world = World::new().await;
    world.applies(manifests).await;
    world.settle().await;
    world.session.options.prune = Some(Prune { regions: [REGION.to_owned()].into(), ..Prune::default() });
    world
}

/// A request as the SDK would send it.
fn request(api: &str, target: &str, input: &Value) -> Request<Bytes> {
    let credential = format!(
        "AWS4-HMAC-SHA256 Credential=X/20260101/{REGION}/{api}/aws4_request, SignedHeaders=host, Signature=0"
    );
    Request::post(format!("http://{api}.{REGION}.amazonaws.com/"))
        .header("x-amz-target", target)
        .header("content-type", "application/x-amz-json-1.1")
        .header("authorization", credential)
        .body(Bytes::from(input.to_string()))
        .unwrap()
}

/// The operation that a request asks for.
fn asked(request: &Request<Bytes>) -> &str {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
    target.and_then(|target| target.split_once('.')).map_or("", |(_, operation)| operation)
}

/// A session that meets the same AWS with nothing remembered, through `call`.
async fn meets(
    world: &mut World,
    patience: Patience,
    call: impl Fn(&Sandbox, Request<Bytes>) -> io::Result<Response<Bytes>> + Send + Sync + 'static,
) {
    let sandbox = world.sandbox.clone();
    let call: Exchange = Arc::new(move |request| std::future::ready(call(&sandbox, request)).boxed());
    let aws = Aws::connect(Connection::InProcess { call, region: REGION.to_owned() }).await;
    world.session = Session::new(aws.with_patience(patience), world.session.options.clone());
}

/// From now on the tagging API lists what it lists now, until it is thawed.
async fn freeze(world: &mut World) -> Arc<AtomicBool> {
    let input = json!({"TagFilters": [{"Key": tag::OWNER, "Values": ["default"]}], "ResourcesPerPage": 100});
    let listed = request("tagging", "ResourceGroupsTaggingAPI_20170126.GetResources", &input);
    let listed = world.sandbox.call(listed).unwrap().into_body();
    let frozen = Arc::new(AtomicBool::new(true));
    let is_frozen = Arc::clone(&frozen);
    meets(world, Patience::default(), move |sandbox, request| {
        if asked(&request) == "GetResources" && is_frozen.load(Ordering::Relaxed) {
            return Ok(Response::new(listed.clone()));
        }
        sandbox.call(request)
    })
    .await;
    frozen
}

/// The process dies before its write number `at`, counted from 0, or after it.
async fn dying(world: &mut World, at: usize, after: bool) {
    let writes = AtomicUsize::new(0);
    meets(world, Patience::NONE, move |sandbox, request| {
        // Who we are is asked without a name.
        let operation = asked(&request);
        let is_read = operation.is_empty()
            || ["Describe", "List", "Get"].iter().any(|start| operation.starts_with(start));
        let number =
            if is_read { writes.load(Ordering::Relaxed) } else { writes.fetch_add(1, Ordering::Relaxed) };
        let lost = || Err(io::Error::from(io::ErrorKind::ConnectionReset));
        match number.cmp(&at) {
            cmp::Ordering::Less => sandbox.call(request),
            cmp::Ordering::Equal if is_read => sandbox.call(request),
            cmp::Ordering::Equal if after => sandbox.call(request).and_then(|_| lost()),
            cmp::Ordering::Equal | cmp::Ordering::Greater => lost(),
        }
    })
    .await;
}

fn push(world: &World, repository: &str, tag: &str) {
    let manifest = json!({"config": {"size": 3}, "layers": [{"size": 4, "digest": format!("sha256:{tag}")}]});
    let input = json!({"repositoryName": repository, "imageTag": tag, "imageManifest": manifest.to_string()});
    let target = "AmazonEC2ContainerRegistry_V20150921.PutImage";
    let answer = world.sandbox.call(request("ecr", target, &input)).unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
}

fn web(name: &str) -> Value {
    service(name, json!({}), json!({}))
}

fn scaled(name: &str) -> Value {
    let policy = json!({"policyName": "cpu", "policyType": "TargetTrackingScaling", "targetTrackingScalingPolicyConfiguration":
        {"targetValue": 60, "predefinedMetricSpecification": {"predefinedMetricType": "ECSServiceAverageCPUUtilization"}}});
    let action = json!({"scheduledActionName": "night", "schedule": "cron(0 20 * * ? *)", "scalableTargetAction": {"minCapacity": 1}});
    let scaling =
        json!({"minCapacity": 2, "maxCapacity": 4, "policies": [policy], "scheduledActions": [action]});
    with(web(name), "/spec/autoscaling", scaling)
}

/// With its deletion policy, so that it goes with its manifest.
fn going(manifest: Value) -> Value {
    annotated(manifest, "deletion-policy", "delete")
}

fn hold(plan: &Plan) -> Option<Hold> {
    plan.prune.as_ref().unwrap().hold.clone()
}

/// Nothing is there to be pruned any more.
async fn is_over(world: &World, manifests: &[Value]) {
    let plan = world.plan(manifests).await;
    let left = |plan: &Plan| plan.objects.iter().filter(|object| object.verdict == Verdict::Delete).count();
    assert_eq!((left(&plan), operations(&plan)), (0, vec![]), "{}", told(&plan));
    assert_eq!(world.apply(manifests).await.changes, [""; 0]);
}

fn clean(applied: Applied) -> Vec<String> {
    assert_eq!(applied.failures, [""; 0]);
    applied.changes
}

#[tokio::test(start_paused = true)]
async fn a_service_that_nobody_declares_any_more_goes_after_its_scalable_target_and_its_revisions_stay() {
    let world = having(&[cluster("shop"), web("web"), scaled("old")]).await;
    let rest = [cluster("shop"), web("web")];
    let plan = world.plan(&rest).await;
    let old = of(&plan, "old");
    assert_eq!((old.verdict, old.origin.to_string()), (Verdict::Delete, "EcsService/shop/old".to_owned()));
    assert_eq!(
        old.notes[1..],
        [
            "stops 2 tasks",
            "its scalable target (2–4) goes along, with 1 policy (`cpu`) and 1 scheduled action (`night`)"
        ]
    );
    assert!(old.notes[0].starts_with("it was declared in "), "{:?}", old.notes);
    let changes = clean(world.apply(&rest).await);
    assert_eq!(changes, ["DeregisterScalableTarget", "DeleteService"]);
    assert_eq!(world.service("shop", "old").await["status"], "INACTIVE");
    assert_eq!(world.service("shop", "web").await["status"], "ACTIVE");
    assert_eq!(world.revisions("old").await.len(), 1);
    is_over(&world, &rest).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_looked_for_unless_it_is_asked_for() {
    let mut world = having(&[cluster("shop"), web("web"), web("old")]).await;
    world.session.options.prune = None;
    let rest = [cluster("shop"), web("web")];
    world.sandbox.forget_calls();
    assert_eq!(world.plan(&rest).await.objects.len(), 2);
    assert!(world.sandbox.calls().iter().all(|call| call.operation != "GetResources"));
}

#[tokio::test(start_paused = true)]
async fn as_long_as_all_is_declared_looking_costs_one_call() {
    let manifests = [cluster("shop"), web("web"), manifest("EcrRepository", "web", json!({}))];
    let mut world = having(&manifests).await;
    let prune = world.session.options.prune.take();
    world.sandbox.forget_calls();
    world.plan(&manifests).await;
    let without = world.sandbox.calls().len();
    world.session.options.prune = prune;
    world.sandbox.forget_calls();
    world.plan(&manifests).await;
    assert_eq!(world.sandbox.calls().len(), without + 1);
}

#[tokio::test(start_paused = true)]
async fn what_another_owner_or_nobody_has_is_untouched_even_of_the_same_name() {
    let mut world = having(&[cluster("shop"), web("web")]).await;
    let prune = world.session.options.prune.take();
    world.session.options.owner = "other".to_owned();
    let theirs = [
        cluster("theirs"),
        with(web("web"), "/spec/service/cluster", json!("theirs")),
        going(cluster("more")),
    ];
    world.applies(&theirs).await;
    world.behind(Operation::CreateCluster, json!({"clusterName": "nobodys"})).await;
    world.session.options.owner = "default".to_owned();
    world.session.options.prune = prune;
    let rest = [cluster("shop")];
    let plan = world.plan(&rest).await;
    let keys: Vec<String> = plan.objects.iter().map(|object| object.key.to_string()).collect();
    assert_eq!(keys, ["EcsCluster/shop", "EcsService/shop/web"]);
    assert_eq!(clean(world.apply(&rest).await), ["DeleteService"]);
    assert_eq!(world.service("theirs", "web").await["status"], "ACTIVE");
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_lags_deletes_nothing_that_its_own_api_does_not_confirm() {
    let manifests = [cluster("shop"), web("web"), web("taken"), web("lost"), web("gone")];
    let mut world = having(&manifests).await;
    let rest = [cluster("shop"), web("web")];
    freeze(&mut world).await;
    for (name, operation) in [("taken", Operation::EcsTagResource), ("lost", Operation::EcsUntagResource)] {
        let arn = world.service("shop", name).await["serviceArn"].clone();
        let input = match operation {
            Operation::EcsTagResource => {
                json!({"resourceArn": arn, "tags": [{"key": tag::OWNER, "value": "other"}]})
            }
            _ => json!({"resourceArn": arn, "tagKeys": [tag::OWNER]}),
        };
        world.behind(operation, input).await;
    }
    let delete = json!({"cluster": "shop", "service": "gone", "force": true});
    world.behind(Operation::DeleteService, delete).await;
    world.settle().await;
    let plan = world.plan(&rest).await;
    assert_eq!((plan.objects.len(), operations(&plan)), (2, vec![]), "{}", told(&plan));
}

#[tokio::test(start_paused = true)]
async fn what_the_listing_does_not_know_yet_goes_when_it_does() {
    let mut world = having(&[cluster("shop"), web("web")]).await;
    let frozen = freeze(&mut world).await;
    let prune = world.session.options.prune.take();
    world.apply(&[cluster("shop"), web("web"), web("new")]).await;
    world.session.options.prune = prune;
    let rest = [cluster("shop"), web("web")];
    assert_eq!(operations(&world.plan(&rest).await), [""; 0]);
    frozen.store(false, Ordering::Relaxed);
    assert_eq!(clean(world.apply(&rest).await), ["DeleteService"]);
}

#[tokio::test(start_paused = true)]
async fn without_the_permission_to_list_nothing_is_pruned_and_all_else_goes_on() {
    let world = having(&[cluster("shop"), web("web"), web("old")]).await;
    let rest = [cluster("shop"), with(web("web"), "/spec/service/desiredCount", json!(2))];
    world.script("GetResources", FaultKind::Denied, 1);
    let pass = world.pass(&rest).await;
    let Some(Hold::Blocked(Blocked::PruneSearch { cause })) = hold(&pass.last) else {
        panic!("{:?}", pass.last)
    };
    assert!(cause.contains("tag:GetResources"), "{cause}");
    assert_eq!(clean(pass), ["TagResource", "UpdateService", "TagResource"]);
    assert_eq!(clean(world.apply(&rest).await), ["DeleteService"]);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_described_is_never_deleted() {
    let mut world = having(&[cluster("shop"), scaled("old")]).await;
    world.impatient().await;
    let rest = [cluster("shop")];
    for operation in ["DescribeServices", "DescribeScalableTargets"] {
        world.script(operation, FaultKind::ServerError, 1);
        let plan = world.plan(&rest).await;
        assert_eq!(
            (of(&plan, "old").verdict, operations(&plan)),
            (Verdict::Unreadable, vec![]),
            "{operation}"
        );
    }
    assert_eq!(of(&world.plan(&rest).await, "old").verdict, Verdict::Delete);
}

#[tokio::test(start_paused = true)]
async fn an_empty_source_and_one_with_an_error_prune_nothing() {
    let world = having(&[cluster("shop"), web("web"), web("old")]).await;
    let nothing = Desired { source: Some(Arc::default()), ..Desired::default() };
    let plan = world.session.plan(&nothing).await.unwrap().plan;
    assert!(matches!(hold(&plan), Some(Hold::Blocked(Blocked::PruneSource { .. }))));
    assert_eq!(operations(&plan), [""; 0]);
    let mut faulty = desired(&[cluster("shop"), web("web")]);
    Arc::make_mut(faulty.source.as_mut().unwrap()).errors = 1;
    let plan = world.session.plan(&faulty).await.unwrap().plan;
    assert!(matches!(hold(&plan), Some(Hold::Blocked(Blocked::PruneSource { .. }))));
    assert_eq!((plan.objects.len(), operations(&plan)), (2, vec![]));
    // Where only a part is looked at, pruning is not spoken of.
    faulty.source = None;
    let plan = world.session.plan(&faulty).await.unwrap().plan;
    assert_eq!((plan.prune, plan.objects.len(), plan.actions), (None, 2, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_part_of_the_source_that_is_looked_at_alone_is_not_all_that_is_declared() {
    let world = having(&[cluster("shop"), web("web"), web("old")]).await;
    let beside = desired(&[cluster("shop"), web("web")]).beside();
    let plan = world.session.plan(&beside).await.unwrap().plan;
    let keys: Vec<String> = plan.objects.iter().map(|object| object.key.to_string()).collect();
    assert_eq!((keys, operations(&plan)), (vec!["EcsService/shop/old".to_owned()], vec!["DeleteService"]));
}

#[tokio::test(start_paused = true)]
async fn more_than_the_limit_goes_only_when_just_that_is_confirmed() {
    let names = ["a", "b", "c", "d"];
    let all: Vec<Value> = [cluster("shop"), web("web")].into_iter().chain(names.map(web)).collect();
    let mut world = having(&all).await;
    let rest = [cluster("shop"), web("web")];
    let plan = world.plan(&rest).await;
    let Some(Hold::Blocked(Blocked::PruneLimit { going, owned, allowed, confirmation })) = hold(&plan) else {
        panic!("{}", told(&plan))
    };
    assert_eq!((going, owned, allowed, operations(&plan)), (4, 6, 3, vec![]));
    for name in names {
        assert_eq!(of(&plan, name).hold, Some(Hold::Blocked(Blocked::PruneRefused)));
    }
    // Another one of them is another plan.
    world.session.options.confirmed = vec![confirmation.clone()];
    let fewer = world.plan(&[cluster("shop")]).await;
    assert!(matches!(hold(&fewer), Some(Hold::Blocked(Blocked::PruneLimit { going: 5, .. }))));
    assert_eq!(operations(&fewer), [""; 0]);
    // One confirmed by its name does not count.
    world.session.options.confirmed = vec!["EcsService/shop/a".to_owned()];
    assert_eq!((hold(&world.plan(&rest).await), operations(&world.plan(&rest).await).len()), (None, 4));
    world.session.options.confirmed = vec![];
    world.session.options.prune.as_mut().unwrap().limit = Limit::Count(4);
    assert_eq!(operations(&world.plan(&rest).await).len(), 4);
    world.session.options.prune.as_mut().unwrap().limit = Limit::Count(0);
    assert_eq!(operations(&world.plan(&rest).await), [""; 0]);
    world.session.options.confirmed = vec![confirmation];
    assert_eq!(clean(world.apply(&rest).await), ["DeleteService"; 4]);
    is_over(&world, &rest).await;
}

#[tokio::test(start_paused = true)]
async fn clusters_providers_and_repositories_are_retained_and_that_is_no_difference() {
    let all = [cluster("shop"), cluster("old"), manifest("EcrRepository", "old", json!({}))];
    let world = having(&all).await;
    let rest = [cluster("shop")];
    let plan = world.plan(&rest).await;
    assert_eq!(operations(&plan), [""; 0]);
    for object in &plan.objects[1..] {
        assert_eq!((object.verdict, object.differs(), object.hold.clone()), (Verdict::Retained, false, None));
    }
    assert_eq!(plan.objects.len(), 3);
    is_over(&world, &rest).await;
}

#[tokio::test(start_paused = true)]
async fn a_deletion_policy_is_written_when_it_changes_and_remembered_when_the_manifest_is_gone() {
    let kept = annotated(web("kept"), "deletion-policy", "retain");
    let mut world = having(&[cluster("shop"), cluster("old"), web("kept"), going(cluster("soon"))]).await;
    let prune = world.session.options.prune.take();
    let changed = [cluster("shop"), going(cluster("old")), kept, cluster("soon")];
    let plan = world.plan(&changed).await;
    assert_eq!(paths(&plan), ["deletion-policy"; 3]);
    assert_eq!(clean(world.applies(&changed).await), ["TagResource"; 3]);
    world.session.options.prune = prune;
    let rest = [cluster("shop")];
    let plan = world.plan(&rest).await;
    let verdicts = ["old", "kept", "soon"].map(|name| of(&plan, name).verdict);
    assert_eq!(verdicts, [Verdict::Delete, Verdict::Retained, Verdict::Retained]);
    assert_eq!(clean(world.apply(&rest).await), ["DeleteCluster"]);
    is_over(&world, &rest).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_manifest_still_names_stays() {
    let provider = going(manifest("EcrRepository", "web", json!({})));
    let all = [going(cluster("shop")), web("web"), provider];
    let world = having(&all).await;
    let image = json!("123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:1");
    let rest = [with(web("web"), "/spec/taskDefinition/containerDefinitions/0/image", image)];
    let rest =
        rest.map(|one| with(one, "/spec/taskDefinition/executionRoleArn", json!("ecsTaskExecutionRole")));
    let plan = world.plan(&rest).await;
    for (object, kind) in plan.objects[1..].iter().zip(["EcsCluster", "EcrRepository"]) {
        assert_eq!((object.verdict, object.key.kind.name()), (Verdict::Retained, kind));
        assert!(object.notes.contains(&"a manifest still names it".to_owned()));
    }
    assert_eq!(plan.objects.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_service_whose_state_tag_is_lost_may_have_been_retained_and_needs_a_word() {
    let mut world = having(&[cluster("shop"), annotated(web("old"), "deletion-policy", "retain")]).await;
    let arn = world.service("shop", "old").await["serviceArn"].clone();
    world.behind(Operation::EcsUntagResource, json!({"resourceArn": arn, "tagKeys": [tag::STATE]})).await;
    let rest = [cluster("shop")];
    let plan = world.plan(&rest).await;
    assert!(matches!(of(&plan, "old").hold, Some(Hold::Blocked(Blocked::Unconfirmed { .. }))));
    assert_eq!(operations(&plan), [""; 0]);
    world.session.options.confirmed = vec!["EcsService/shop/old".to_owned()];
    assert_eq!(clean(world.apply(&rest).await), ["DeleteService"]);
}

#[tokio::test(start_paused = true)]
async fn a_repository_with_images_goes_only_when_it_is_confirmed() {
    let repository = |name: &str| going(manifest("EcrRepository", name, json!({})));
    let mut world = having(&[cluster("shop"), repository("full"), repository("empty")]).await;
    push(&world, "full", "1");
    push(&world, "full", "2");
    let rest = [cluster("shop")];
    let plan = world.plan(&rest).await;
    assert_eq!(operations(&plan), ["DeleteRepository"]);
    let held = of(&plan, "full").hold.clone().unwrap();
    assert_eq!(held.to_string(), "it holds 2 images");
    assert!(held.hint().unwrap().contains("--confirm EcrRepository/full"));
    assert_eq!(clean(world.apply(&rest).await), ["DeleteRepository"]);
    world.session.options.confirmed = vec!["EcrRepository/full".to_owned()];
    let plan = world.plan(&rest).await;
    assert_eq!(plan.actions[0].input["force"], true);
    assert_eq!(clean(world.apply(&rest).await), ["DeleteRepository"]);
    is_over(&world, &rest).await;
}

#[tokio::test(start_paused = true)]
async fn an_image_pushed_meanwhile_keeps_its_repository() {
    let world = having(&[cluster("shop"), going(manifest("EcrRepository", "empty", json!({})))]).await;
    let rest = [cluster("shop")];
    let plan = world.plan(&rest).await;
    push(&world, "empty", "1");
    world.sandbox.forget_calls();
    let outcome = world.session.execute(&plan).await.unwrap();
    assert!(!outcome.is_done());
    assert_eq!(world.changed(), ["DeleteRepository (RepositoryNotEmptyException)"]);
}

const GROUP: &str = "arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:1f0c0000-0000-4000-8000-000000000000:autoScalingGroupName/shop";

fn provider() -> Value {
    let group =
        json!({"autoScalingGroupArn": GROUP, "managedScaling": {"status": "ENABLED", "targetCapacity": 90}});
    manifest("EcsCapacityProvider", "shop-ec2", json!({"autoScalingGroupProvider": group}))
}

fn with_provider(name: &str) -> Value {
    let strategy = json!([{"capacityProvider": "FARGATE", "base": 1, "weight": 1}]);
    let spec =
        json!({"capacityProviders": ["FARGATE", "shop-ec2"], "defaultCapacityProviderStrategy": strategy});
    manifest("EcsCluster", name, spec)
}

#[tokio::test(start_paused = true)]
async fn a_cluster_goes_when_its_services_have_drained_and_what_was_confirmed_stays_confirmed() {
    let all = [cluster("rest"), going(cluster("shop")), scaled("a"), web("b")];
    let mut world = having(&all).await;
    world.session.options.prune.as_mut().unwrap().limit = Limit::Count(0);
    let rest = [cluster("rest")];
    let plan = world.plan(&rest).await;
    world.session.options.confirmed = vec![plan.prune.unwrap().confirmation];
    let plan = world.plan(&rest).await;
    assert_eq!(hold(&plan), None);
    let inside = "2 services and 3 tasks".to_owned();
    assert_eq!(of(&plan, "shop").hold, Some(Hold::Waiting(Waiting::NotEmpty { inside })), "{}", told(&plan));
    let mut changes = clean(world.apply(&rest).await);
    changes[..3].sort();
    assert_eq!(changes, ["DeleteService", "DeleteService", "DeregisterScalableTarget", "DeleteCluster"]);
    is_over(&world, &rest).await;
}

#[tokio::test(start_paused = true)]
async fn a_provider_goes_after_its_cluster_which_goes_after_its_instances() {
    let world = having(&[cluster("rest"), going(provider()), going(with_provider("shop"))]).await;
    let rest = [cluster("rest")];
    let plan = world.plan(&rest).await;
    // The group keeps an instance: a person's matter, and so is all that comes after.
    let inside = "1 container instance".to_owned();
    assert_eq!(of(&plan, "shop").hold, Some(Hold::Blocked(Blocked::NotEmpty { inside })));
    let by = "EcsCluster/shop".to_owned();
    assert_eq!(of(&plan, "shop-ec2").hold, Some(Hold::Blocked(Blocked::InUse { by })));
    assert_eq!(operations(&plan), [""; 0]);
    let world = having(&[cluster("rest"), going(provider()), going(cluster("shop"))]).await;
    let mut changes = clean(world.apply(&rest).await);
    changes.sort();
    assert_eq!(changes, ["DeleteCapacityProvider", "DeleteCluster"]);
    is_over(&world, &rest).await;
}

#[tokio::test(start_paused = true)]
async fn a_provider_is_taken_from_a_cluster_of_ours_that_stays() {
    let world = having(&[cluster("rest"), going(provider()), with_provider("shop")]).await;
    let rest = [cluster("rest")];
    let plan = world.plan(&rest).await;
    assert_eq!(of(&plan, "shop").verdict, Verdict::Retained);
    assert_eq!(clean(world.apply(&rest).await), ["PutClusterCapacityProviders", "DeleteCapacityProvider"]);
    let live = world.behind(Operation::DescribeClusters, json!({"clusters": ["shop"]})).await;
    assert_eq!(live["clusters"][0]["capacityProviders"], json!(["FARGATE"]));
    is_over(&world, &rest).await;
}

#[tokio::test(start_paused = true)]
async fn a_provider_waits_for_the_declared_cluster_that_drops_it_and_is_blocked_by_one_that_is_not_ours() {
    let world = having(&[with_provider("shop"), going(provider())]).await;
    let dropped = [manifest(
        "EcsCluster",
        "shop",
        json!({"capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "base": 1, "weight": 1}]}),
    )];
    let plan = world.plan(&dropped).await;
    let waiting = Waiting::Detaching { cluster: "shop".to_owned() };
    assert_eq!(of(&plan, "shop-ec2").hold, Some(Hold::Waiting(waiting)), "{}", told(&plan));
    let input = json!({"clusterName": "theirs", "capacityProviders": ["shop-ec2"]});
    world.behind(Operation::CreateCluster, input).await;
    let last = world.apply(&dropped).await.last;
    let by = "EcsCluster/theirs".to_owned();
    assert_eq!(of(&last, "shop-ec2").hold, Some(Hold::Blocked(Blocked::InUse { by })));
    let none = json!({"cluster": "theirs", "capacityProviders": [], "defaultCapacityProviderStrategy": []});
    world.behind(Operation::PutClusterCapacityProviders, none).await;
    assert_eq!(clean(world.apply(&dropped).await), ["DeleteCapacityProvider"]);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_in_which_somebody_else_runs_something_is_blocked() {
    let world = having(&[cluster("rest"), going(cluster("shop")), web("old")]).await;
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-0aa"], "securityGroups": ["sg-0bb"]}});
    let input = json!({"cluster": "shop", "serviceName": "theirs", "taskDefinition": "old", "desiredCount": 1, "launchType": "FARGATE", "networkConfiguration": network});
    world.behind(Operation::CreateService, input).await;
    world.settle().await;
    let rest = [cluster("rest")];
    let applied = world.apply(&rest).await;
    let held = of(&applied.last, "shop").hold.clone().unwrap();
    assert_eq!(held.to_string(), "1 service in it that nobody deletes");
    assert_eq!(clean(applied), ["DeleteService"]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_or_a_failure_between_two_steps_is_gone_on_from() {
    for fault in [FaultKind::Denied, FaultKind::LostAnswer, FaultKind::ServerError] {
        let mut world = having(&[cluster("shop"), scaled("old")]).await;
        let rest = [cluster("shop")];
        world.impatient().await;
        world.script("DeleteService", fault.clone(), 1);
        let failed = world.pass(&rest).await;
        assert_eq!(failed.failures.len(), 1);
        let changes = clean(world.apply(&rest).await);
        let again = usize::from(fault != FaultKind::LostAnswer);
        assert_eq!((count(&changes, "DeleteService"), changes.len()), (again, again), "{fault:?}");
        is_over(&world, &rest).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_declared_again_while_it_drains_waits_and_is_made_anew() {
    let all = [cluster("shop"), web("old")];
    let world = having(&all).await;
    assert_eq!(clean(world.pass(&[cluster("shop")]).await), ["DeleteService"]);
    let plan = world.plan(&all).await;
    assert_eq!(of(&plan, "old").hold, Some(Hold::Waiting(Waiting::Draining)));
    let changes = clean(world.applies(&all).await);
    assert_eq!((count(&changes, "CreateService"), count(&changes, "DeleteService")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_confirmed_replacement_deletes_as_pruning_does() {
    let mut world = having(&[cluster("shop"), scaled("web")]).await;
    world.session.options.prune = None;
    let replaced = with(scaled("web"), "/spec/service/launchType", json!("EXTERNAL"));
    let replaced = with(replaced, "/spec/service/schedulingStrategy", Value::Null);
    let changed = [cluster("shop"), with(replaced, "/spec/service/launchType", json!("EC2"))];
    let plan = world.plan(&changed).await;
    assert!(
        matches!(of(&plan, "web").hold, Some(Hold::Blocked(Blocked::ReplacementNeeded { .. }))),
        "{}",
        told(&plan)
    );
    world.session.options.confirmed = vec!["EcsService/web".to_owned()];
    let plan = world.plan(&changed).await;
    assert_eq!(operations(&plan), ["DeregisterScalableTarget", "DeleteService"]);
    assert!(of(&plan, "web").notes.iter().any(|note| note.contains("1 policy (`cpu`)")));
}

/// Everything of a fleet but one cluster goes, with a death before and after every write on the way.
#[tokio::test(start_paused = true)]
async fn a_death_before_or_after_any_write_changes_nothing_about_the_end() {
    const WRITES: usize = 7;
    let repository = going(manifest("EcrRepository", "old", json!({})));
    let all = [
        cluster("rest"),
        going(provider()),
        with_provider("kept"),
        going(cluster("shop")),
        scaled("a"),
        web("b"),
        repository,
    ];
    let rest = [cluster("rest")];
    let mut world = having(&all).await;
    world.session.options.prune.as_mut().unwrap().limit = Limit::Count(10);
    let options = Options { clock: Clock::Tokio, account: ACCOUNT.to_owned(), ..Options::default() };
    let begun = world.sandbox.world();
    for (at, after) in (0..=WRITES).flat_map(|at| [(at, false), (at, true)]) {
        world.sandbox = Sandbox::restore(begun.clone(), options.clone()).unwrap();
        dying(&mut world, at, after).await;
        let died = world.apply(&rest).await;
        assert_eq!(died.failures.is_empty(), at == WRITES, "{at}: {:?}", died.failures);
        let first = died.changes;
        meets(&mut world, Patience::default(), Sandbox::call).await;
        let second = clean(world.apply(&rest).await);
        let mut changes = [first, second].concat();
        changes.sort();
        let once = [
            "DeleteCapacityProvider",
            "DeleteCluster",
            "DeleteRepository",
            "DeleteService",
            "DeleteService",
            "DeregisterScalableTarget",
            "PutClusterCapacityProviders",
        ];
        assert_eq!(changes, once, "death at {at}, after: {after}");
        is_over(&world, &rest).await;
    }
}
