//! How many calls AWS gets, and how long they take at its rates. In process, under paused time.

use crate::fleet::{self, Fleet, REGION, Size, perform};
use crate::world::{is_empty, of, told};
use bytes::Bytes;
use ecs_operator::aws::{Aws, Exchange, Operation, Priority, Share};
use ecs_operator::model::desired::Desired;
use ecs_operator::model::names::{self, Key, Kind};
use ecs_operator::plan::Verdict;
use ecs_operator::reconcile::Session;
use futures::FutureExt;
use futures::future::join_all;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// The two reads of a repository that a sweep makes for some of them only.
const POLICIES: [&str; 2] = ["GetLifecyclePolicy", "GetRepositoryPolicy"];

fn thousand() -> Size {
    Size { services: 1_000, scaled: 1_000, repositories: 1_000, own_definitions: true }
}

/// A sweep that finds nothing to do.
async fn sweep(session: &Session, desired: &Desired) {
    let plan = session.sweep(desired).await.unwrap().plan;
    let is_still = is_empty(&plan);
    assert!(is_still, "{}", told(&plan).chars().take(2_000).collect::<String>());
}

fn table(calls: &BTreeMap<String, usize>) -> String {
    let lines: Vec<String> =
        calls.iter().map(|(operation, count)| format!("{count:>6} {operation}")).collect();
    lines.join("\n")
}

fn key(kind: Kind, cluster: Option<&str>, name: &str) -> Key {
    let cluster = cluster.map(str::to_owned);
    Key { kind, region: REGION.to_owned(), cluster, name: name.to_owned() }
}

fn listed(calls: &BTreeMap<String, usize>) -> Vec<String> {
    calls.iter().map(|(operation, count)| format!("{count} {operation}")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_warm_sweep_of_a_thousand_services_makes_at_most_036_calls_for_each_and_a_change_adds_its_own() {
    let fleet = Fleet::new(thousand()).await;
    let session = fleet.session(Share::default()).await;
    sweep(&session, &fleet.desired).await;
    let cold = fleet.calls();
    sweep(&session, &fleet.desired).await;
    let mut warm = fleet.calls();
    let policies: usize = POLICIES.iter().filter_map(|operation| warm.remove(*operation)).sum();
    let all: usize = warm.values().sum();
    assert!(all <= 360, "{all} calls:\n{}", table(&warm));
    assert!((150..250).contains(&policies), "a tenth of the repositories, not {policies} calls");
    assert_eq!(cold["DescribeTaskDefinition"], 1_000, "{}", table(&cold));

    // A pass over one changed service reads it and what it depends on.
    let mut changed = fleet.desired.clone();
    let service = key(Kind::EcsService, Some("shop"), "s00500");
    let spec = &mut changed.objects.get_mut(&service).unwrap().spec;
    spec["taskDefinition"]["containerDefinitions"][0]["image"] = json!("nginx:2");
    let around = changed.around([&service]);
    let planned = session.plan(&around).await.unwrap();
    assert_eq!(
        listed(&fleet.calls()),
        [
            "1 DescribeClusters",
            "1 DescribeScalableTargets",
            "1 DescribeScalingPolicies",
            "1 DescribeScheduledActions",
            "1 DescribeServices",
            "1 ListTaskDefinitions",
        ]
    );
    session.execute(&planned.plan).await.unwrap();
    assert_eq!(listed(&fleet.calls()), ["1 RegisterTaskDefinition", "2 TagResource", "1 UpdateService"]);

    // The next sweep reads what the service runs now, once, and nothing else that is new.
    let sweep_again = session.sweep(&changed).await.unwrap();
    let mut again = fleet.calls();
    again.retain(|operation, _| !POLICIES.contains(&operation.as_str()));
    assert_eq!(again.remove("DescribeTaskDefinition"), Some(1));
    assert_eq!(again, warm, "{}", told(&sweep_again.plan));
    assert_eq!(session.aws.counters().throttles(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_sweep_of_ten_thousand_services_takes_at_most_a_minute_at_the_published_rates() {
    let size = Size { services: 10_000, scaled: 3_000, repositories: 0, own_definitions: false };
    let fleet = Fleet::new(size).await;
    let session = fleet.session(Share::WHOLE).await;
    // What a process knows from the beginning: whose credentials they are, and the one task definition.
    sweep(&session, &fleet.desired.around([&key(Kind::EcsService, Some("shop"), "s09999")])).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    fleet.calls();
    let began = Instant::now();
    sweep(&session, &fleet.desired).await;
    let took = began.elapsed();
    let calls = fleet.calls();
    assert!(took <= Duration::from_mins(1), "{took:?}:\n{}", table(&calls));
    assert_eq!(session.aws.counters().throttles(), 0);
}

fn thirty() -> Size {
    Size { services: 0, scaled: 0, repositories: 30, own_definitions: false }
}

fn count(calls: &BTreeMap<String, usize>, operation: &str) -> usize {
    calls.get(operation).copied().unwrap_or_default()
}

/// A repository's tag, written by somebody else.
fn tag(fleet: &Fleet, repository: &str, key: &str, value: &str) {
    let arn = format!("arn:aws:ecr:{REGION}:123456789012:repository/{repository}");
    let input = json!({"resourceArn": arn, "tags": [{"Key": key, "Value": value}]});
    perform(&fleet.sandbox, "ecr", "TagResource", &input);
    fleet.calls();
}

#[tokio::test(start_paused = true)]
async fn the_policies_of_a_repository_are_read_on_one_of_ten_sweeps_and_when_its_manifest_changes_or_was_written()
 {
    let fleet = Fleet::new(thirty()).await;
    let session = fleet.session(Share::default()).await;
    sweep(&session, &fleet.desired).await;
    assert_eq!(count(&fleet.calls(), "GetLifecyclePolicy"), 30);
    let mut read = Vec::new();
    for _ in 0..10 {
        sweep(&session, &fleet.desired).await;
        read.push(count(&fleet.calls(), "GetLifecyclePolicy"));
    }
    assert_eq!(read.iter().sum::<usize>(), 30, "{read:?}");
    assert!(read.iter().all(|read| *read < 15), "{read:?}");

    let mut changed = fleet.desired.clone();
    let repository = key(Kind::EcrRepository, None, "r00007");
    let rules = json!({"rules": [{"rulePriority": 1, "action": {"type": "expire"},
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 9}}]});
    changed.objects.get_mut(&repository).unwrap().spec.insert("lifecyclePolicy".to_owned(), rules);
    let policies_of_it = |fleet: &Fleet| {
        let calls = fleet.sandbox.calls();
        let of_it = calls.iter().filter(|call| call.operation == "GetLifecyclePolicy");
        of_it.filter(|call| call.input["repositoryName"] == "r00007").count()
    };
    let found = session.sweep(&changed).await.unwrap().plan;
    assert_eq!((policies_of_it(&fleet), found.actions.is_empty()), (1, false));
    fleet.calls();
    let planned = session.plan(&changed.around([&repository])).await.unwrap();
    assert_eq!(
        listed(&fleet.calls()),
        ["1 DescribeRepositories", "1 GetLifecyclePolicy", "1 GetRepositoryPolicy", "1 ListTagsForResource"]
    );
    session.execute(&planned.plan).await.unwrap();
    fleet.calls();
    sweep(&session, &changed).await;
    assert_eq!(policies_of_it(&fleet), 1, "what we have written is read again");
    // Our own write is not in the tagging API yet: the repository is asked itself.
    assert_eq!(count(&fleet.calls(), "ListTagsForResource"), 1);
}

#[tokio::test(start_paused = true)]
async fn that_a_repository_is_not_ours_is_never_concluded_from_the_tagging_api_alone() {
    let fleet = Fleet::new(thirty()).await;
    let session = fleet.session(Share::default()).await;
    sweep(&session, &fleet.desired).await;
    let calls = fleet.calls();
    assert_eq!((count(&calls, "GetResources"), count(&calls, "ListTagsForResource")), (1, 0));
    tag(&fleet, "r00003", names::tag::OWNER, "another");
    tokio::time::sleep(Duration::from_mins(30)).await;
    let plan = session.sweep(&fleet.desired).await.unwrap().plan;
    assert_eq!(count(&fleet.calls(), "ListTagsForResource"), 1);
    assert_eq!(of(&plan, "r00003").verdict, Verdict::NotOwned);
}

#[tokio::test(start_paused = true)]
async fn where_the_tagging_api_is_denied_or_unknown_each_repository_is_asked() {
    let fleet = Fleet::new(thirty()).await;
    for (status, code) in [(400, "AccessDeniedException"), (404, "UnknownOperationException")] {
        let sandbox = fleet.sandbox.clone();
        let call: Exchange = Arc::new(move |request| {
            let target = request.headers().get("x-amz-target").map(|target| target.to_str().unwrap());
            let is_tagging = target.is_some_and(|target| target.ends_with(".GetResources"));
            let refusal = Bytes::from(json!({"__type": code, "message": "no"}).to_string());
            let refused = http::Response::builder().status(status).body(refusal).unwrap();
            let answer = if is_tagging { Ok(refused) } else { sandbox.call(request) };
            std::future::ready(answer).boxed()
        });
        let session = fleet::session(Share::default(), call).await;
        sweep(&session, &fleet.desired).await;
        assert_eq!(count(&fleet.calls(), "ListTagsForResource"), 30, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn service_revisions_are_described_twenty_at_a_time() {
    let size = Size { services: 45, scaled: 0, repositories: 0, own_definitions: false };
    let mut fleet = Fleet::new(size).await;
    for object in fleet.desired.objects.values_mut().filter(|object| object.key.kind == Kind::EcsService) {
        object.spec["service"]["monitoring"] = json!({});
    }
    let session = fleet.session(Share::default()).await;
    let observed = session.sweep(&fleet.desired).await.unwrap().observed;
    assert_eq!(count(&fleet.calls(), "DescribeServiceRevisions"), 3);
    let services =
        observed.resources.values().filter_map(|seen| seen.present()?.parts.service_revision.as_ref());
    assert_eq!(services.filter(|revision| revision.present().is_some()).count(), 45);
}

#[tokio::test(start_paused = true)]
async fn what_belongs_to_others_is_not_paged_through_when_naming_ours_needs_fewer_calls() {
    let size = Size { services: 60, scaled: 60, repositories: 0, own_definitions: false };
    let fleet = Fleet::new(size).await;
    let ours: Vec<Key> = (0..6).map(|at| key(Kind::EcsService, Some("shop"), &format!("s{at:05}"))).collect();
    let ours = fleet.desired.around(&ours);
    let session = fleet.session(Share::default()).await;
    sweep(&session, &ours).await;
    let cold = fleet.calls();
    // Six pages of the account, then six services; twelve pages are there.
    assert_eq!(count(&cold, "DescribeScalingPolicies"), 12, "{}", table(&cold));
    sweep(&session, &ours).await;
    let warm = fleet.calls();
    assert_eq!(count(&warm, "DescribeScalingPolicies"), 6, "{}", table(&warm));
    assert_eq!(count(&warm, "DescribeScheduledActions"), 1, "{}", table(&warm));
}

/// The sandbox behind a token bucket of AWS's that holds less than AWS publishes: another tool has the rest.
async fn behind_a_bucket(fleet: &Fleet, share: Share, (burst, rate): (f64, f64)) -> Aws {
    let sandbox = fleet.sandbox.clone();
    let bucket = Mutex::new((burst, Instant::now()));
    let call: Exchange = Arc::new(move |request| {
        let (tokens, filled) = &mut *bucket.lock().unwrap();
        *tokens = (*tokens + filled.elapsed().as_secs_f64() * rate).min(burst);
        *filled = Instant::now();
        let answer = if *tokens < 1.0 {
            let throttle = json!({"__type": "ThrottlingException", "message": "Rate exceeded"});
            Ok(http::Response::builder().status(400).body(Bytes::from(throttle.to_string())).unwrap())
        } else {
            *tokens -= 1.0;
            sandbox.call(request)
        };
        std::future::ready(answer).boxed()
    });
    fleet::session(share, call).await.aws
}

#[tokio::test(start_paused = true)]
async fn of_a_thousand_reads_at_once_none_fails_whoever_else_draws_from_the_buckets() {
    let size = Size { services: 10, scaled: 0, repositories: 0, own_definitions: false };
    let fleet = Fleet::new(size).await;
    let input = json!({"cluster": "shop", "services": ["s00001"]});
    // All of what is published, at half and at all of it; then a quarter, which is less than we think is ours.
    for (share, burst, rate, most) in
        [("50%", 100.0, 20.0, 0), ("100%", 100.0, 20.0, 0), ("50%", 25.0, 5.0, 100), ("100%", 10.0, 5.0, 100)]
    {
        let aws = behind_a_bucket(&fleet, share.parse().unwrap(), (burst, rate)).await;
        let sweep = aws.with_priority(Priority::Sweep);
        let began = Instant::now();
        let reads = (0..1_000).map(|index| {
            let aws = if index % 2 == 0 { &aws } else { &sweep };
            aws.call(REGION, Operation::DescribeServices, &input)
        });
        let failed: Vec<String> =
            join_all(reads).await.into_iter().filter_map(|read| Some(read.err()?.to_string())).collect();
        assert_eq!(failed, Vec::<String>::new());
        let throttles = aws.counters().throttles();
        let took = began.elapsed().as_secs_f64();
        assert!(throttles <= most, "{throttles} throttles");
        assert!(took <= 1_000.0 / rate * 2.5, "{took} s");
    }
}
