//! How many calls AWS gets, and how long they take at its rates. In process, under paused time.

use crate::fleet::{Fleet, REGION, Size};
use crate::world::{is_empty, told};
use bytes::Bytes;
use ecs_operator::aws::{Aws, Connection, Exchange, Operation, Priority, Share};
use ecs_operator::model::desired::Desired;
use ecs_operator::model::names::{Key, Kind};
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
    let t = std::time::Instant::now();
    let fleet = Fleet::new(thousand()).await;
    eprintln!("{:?}", t.elapsed());
    let session = fleet.session(Share::default()).await;
    sweep(&session, &fleet.desired).await;
    eprintln!("{:?}", t.elapsed());
    let cold = fleet.calls();
    sweep(&session, &fleet.desired).await;
    eprintln!("{:?}", t.elapsed());
    let mut warm = fleet.calls();
    eprintln!("{}", table(&warm));
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
    assert_eq!(listed(&fleet.calls()), ["1 RegisterTaskDefinition", "1 TagResource", "1 UpdateService"]);

    // The next sweep reads what the service runs now, once, and nothing else that is new.
    let sweep_again = session.sweep(&changed).await.unwrap();
    let mut again = fleet.calls();
    again.retain(|operation, _| !POLICIES.contains(&operation.as_str()));
    assert_eq!(again.remove("DescribeTaskDefinition"), Some(1));
    assert_eq!(again, warm, "{}", told(&sweep_again.plan));
}

#[tokio::test(start_paused = true)]
async fn a_sweep_of_ten_thousand_services_takes_at_most_a_minute_at_the_published_rates() {
    let t = std::time::Instant::now();
    let size = Size { services: 10_000, scaled: 3_000, repositories: 0, own_definitions: false };
    let fleet = Fleet::new(size).await;
    eprintln!("{:?}", t.elapsed());
    let session = fleet.session(Share::WHOLE).await;
    // What a process knows from the beginning: whose credentials they are, and the one task definition.
    sweep(&session, &fleet.desired.around([&key(Kind::EcsService, Some("shop"), "s09999")])).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    fleet.calls();
    let began = Instant::now();
    sweep(&session, &fleet.desired).await;
    eprintln!("{:?}", t.elapsed());
    let took = began.elapsed();
    let calls = fleet.calls();
    eprintln!("{took:?}:\n{}", table(&calls));
    assert!(took <= Duration::from_mins(1), "{took:?}:\n{}", table(&calls));
    assert_eq!(session.aws.counters().throttles(), 0);
}

/// The sandbox behind a token bucket of AWS's that holds less than AWS publishes: another tool has the rest.
async fn behind_a_bucket(fleet: &Fleet, burst: f64, rate: f64) -> Aws {
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
    Aws::connect(Connection::InProcess { call, region: REGION.to_owned() }).await
}

#[tokio::test(start_paused = true)]
async fn of_a_thousand_reads_at_once_none_fails_whoever_else_draws_from_the_buckets() {
    let size = Size { services: 10, scaled: 0, repositories: 0, own_definitions: false };
    let fleet = Fleet::new(size).await;
    let input = json!({"cluster": "shop", "services": ["s00001"]});
    // All of what is published, at half and at all of it; then a quarter, which is less than we think is ours.
    for (share, burst, rate, most) in
        [("50%", 100.0, 20.0, 0), ("100%", 100.0, 20.0, 0), ("50%", 25.0, 5.0, 100), ("100%", 5.0, 2.0, 100)]
    {
        let aws = behind_a_bucket(&fleet, burst, rate).await.with_budget(share.parse().unwrap());
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
        eprintln!("{share} of {burst}/{rate}: {took} s, {throttles} throttles");
        assert!(throttles <= most, "{throttles} throttles");
        assert!(took <= 1_000.0 / rate * 2.5, "{took} s");
    }
}
