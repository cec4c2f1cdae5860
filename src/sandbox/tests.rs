//! Raw bytes against the whole sandbox, and the client that the tests of the APIs share.

#![allow(clippy::needless_pass_by_value)] // inputs are written where they are sent

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::{Chances, Clock, Count, Fault, FaultKind, Options, Outcome, Rates, Sandbox};

/// Speaks awsJson to a sandbox with a stepped clock.
pub struct Client {
    pub sandbox: Sandbox,
    pub region: &'static str,
}

pub fn options() -> Options {
    Options { seed: 7, clock: Clock::Stepped, rates: Rates::Unlimited, ..Options::default() }
}

pub fn request(region: &str, service: &str, target: &str, body: &str) -> Request<Bytes> {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/{region}/{service}/aws4_request, SignedHeaders=host;x-amz-date, Signature=00"
    );
    Request::post("/")
        .header("x-amz-target", target)
        .header("content-type", "application/x-amz-json-1.1")
        .header("authorization", authorization)
        .body(Bytes::from(body.to_owned()))
        .unwrap()
}

impl Client {
    pub fn new() -> Self {
        Self { sandbox: Sandbox::new(options()), region: "eu-central-1" }
    }

    pub fn send(&self, service: &str, target: &str, input: &Value) -> std::io::Result<(u16, Value)> {
        let response = self.sandbox.call(request(self.region, service, target, &input.to_string()))?;
        assert!(response.headers().contains_key("x-amzn-requestid"));
        assert_eq!(response.headers()["content-type"], "application/x-amz-json-1.1");
        Ok((response.status().as_u16(), serde_json::from_slice(response.body()).unwrap()))
    }

    /// An answer of ECS.
    #[track_caller]
    pub fn ecs(&self, operation: &str, input: Value) -> Value {
        let (status, answer) = self.send("ecs", &format!("{ECS}.{operation}"), &input).unwrap();
        assert_eq!(status, 200, "{operation}: {answer}");
        answer
    }

    /// A refusal of ECS: code and message.
    #[track_caller]
    pub fn refused(&self, operation: &str, input: Value) -> (String, String) {
        let (status, answer) = self.send("ecs", &format!("{ECS}.{operation}"), &input).unwrap();
        assert_eq!(status, 400, "{operation} was to be refused: {answer}");
        let text = |member: &str| answer[member].as_str().unwrap().to_owned();
        (text("__type"), text("message"))
    }

    pub fn pass(&self, seconds: u64) {
        self.sandbox.advance(Duration::from_secs(seconds));
    }
}

pub const ECS: &str = "AmazonEC2ContainerServiceV20141113";

#[test]
fn an_unsigned_request_is_refused() {
    let client = Client::new();
    let unsigned =
        Request::post("/").header("x-amz-target", format!("{ECS}.ListClusters")).body(Bytes::new()).unwrap();
    let response = client.sandbox.call(unsigned).unwrap();
    assert_eq!(response.status(), 400);
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(body["__type"], "MissingAuthenticationTokenException");
}

#[test]
fn a_signature_for_another_service_is_refused() {
    let client = Client::new();
    let (status, answer) = client.send("ecr", &format!("{ECS}.ListClusters"), &json!({})).unwrap();
    assert_eq!((status, &answer["__type"]), (400, &json!("InvalidSignatureException")));
}

#[test]
fn a_body_that_is_not_a_json_object_is_refused() {
    let client = Client::new();
    for body in ["{", "[]", "7", "\u{0}"] {
        let response = client
            .sandbox
            .call(request("eu-central-1", "ecs", &format!("{ECS}.ListClusters"), body))
            .unwrap();
        assert_eq!(response.status(), 400);
        let answer: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(answer["__type"], "SerializationException", "{body}");
    }
}

#[test]
fn an_operation_that_is_not_here_is_said_so() {
    let client = Client::new();
    let (code, message) = client.refused("PutAttributes", json!({"attributes": [{"name": "a"}]}));
    assert_eq!(code, "UnknownOperationException");
    assert!(message.contains("PutAttributes"), "{message}");
    assert_eq!(client.refused("MakeCoffee", json!({})).0, "UnknownOperationException");
    let (status, answer) = client.send("s3", "AmazonS3.ListBuckets", &json!({})).unwrap();
    assert_eq!((status, &answer["__type"]), (400, &json!("UnknownOperationException")));
}

#[test]
fn a_region_knows_nothing_of_another() {
    let client = Client::new();
    client.ecs("CreateCluster", json!({"clusterName": "shop"}));
    let elsewhere = Client { sandbox: client.sandbox.clone(), region: "us-west-2" };
    assert_eq!(elsewhere.ecs("ListClusters", json!({})), json!({"clusterArns": []}));
    let arn = "arn:aws:ecs:eu-central-1:123456789012:cluster/shop";
    assert_eq!(client.ecs("ListClusters", json!({})), json!({"clusterArns": [arn]}));
}

#[test]
fn scripted_faults_are_used_up_and_change_nothing() {
    let client = Client::new();
    let refused = FaultKind::Refused {
        code: "LimitExceededException".to_owned(),
        message: "The limit for your account has been exceeded.".to_owned(),
    };
    let kinds = [
        (FaultKind::Throttled, 400, "ThrottlingException"),
        (FaultKind::TooManyRequests, 429, "ThrottlingException"),
        (FaultKind::ThrottledAsClientException, 400, "ClientException"),
        (FaultKind::ServerError, 500, "ServerException"),
        (FaultKind::Unavailable, 503, "ServiceUnavailableException"),
        (FaultKind::Denied, 400, "AccessDeniedException"),
        (refused.clone(), 400, "LimitExceededException"),
    ];
    for (kind, _, _) in &kinds {
        client.sandbox.script(Fault::new("CreateCluster", kind.clone()));
    }
    for (_, status, code) in kinds {
        assert_eq!(client.ecs("ListClusters", json!({})), json!({"clusterArns": []}));
        let answer = client.send("ecs", &format!("{ECS}.CreateCluster"), &json!({})).unwrap();
        assert_eq!((answer.0, &answer.1["__type"]), (status, &json!(code)));
    }
    client.ecs("CreateCluster", json!({}));
}

#[test]
fn a_lost_answer_was_done_and_a_lost_request_was_not() {
    let client = Client::new();
    let create =
        |name: &str| client.send("ecs", &format!("{ECS}.CreateCluster"), &json!({"clusterName": name}));
    client.sandbox.script(Fault::new("CreateCluster", FaultKind::LostRequest));
    client.sandbox.script(Fault::new("CreateCluster", FaultKind::LostAnswer));
    assert!(create("never").is_err());
    assert!(create("there").is_err());
    let arns = client.ecs("ListClusters", json!({}));
    assert_eq!(arns, json!({"clusterArns": ["arn:aws:ecs:eu-central-1:123456789012:cluster/there"]}));
    let outcomes: Vec<Outcome> = client.sandbox.calls().into_iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, [Outcome::Lost, Outcome::Lost, Outcome::Answered]);
}

#[test]
fn a_bucket_runs_empty_and_fills_with_time() {
    let sandbox = Sandbox::new(Options { rates: Rates::Aws, ..options() });
    let client = Client { sandbox, region: "eu-central-1" };
    for _ in 0..50 {
        client.ecs("DescribeClusters", json!({}));
    }
    let throttle = ("ThrottlingException".to_owned(), "Rate exceeded".to_owned());
    assert_eq!(client.refused("ListClusters", json!({})), throttle);
    client.pass(1);
    client.ecs("ListClusters", json!({}));
    let count = client.sandbox.counts()["ecs:ListClusters"];
    assert_eq!(count, Count { calls: 2, done: 1 });
}

#[test]
fn a_stale_read_does_not_know_of_the_last_seconds() {
    let client = Client::new();
    client.ecs("CreateCluster", json!({"clusterName": "old"}));
    let stale = FaultKind::StaleRead { seconds: 5 };
    client.sandbox.leave_to_chance(Chances::new(0, 1.0, &[stale]));
    let names = || {
        let arns = client.ecs("ListClusters", json!({}));
        let arns = arns["clusterArns"].as_array().unwrap().iter();
        arns.map(|arn| arn.as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(), ["old"], "nothing has changed since");
    client.ecs("CreateCluster", json!({"clusterName": "mid"}));
    client.pass(3);
    client.ecs("CreateCluster", json!({"clusterName": "new"}));
    assert_eq!(names(), ["old"]);
    client.pass(2);
    assert_eq!(names(), ["mid", "old"]);
    client.pass(3);
    assert_eq!(names(), ["mid", "new", "old"]);
    client.ecs("DeleteCluster", json!({"cluster": "old"}));
    client.sandbox.clear_faults();
    assert_eq!(names(), ["mid", "new"]);
}

#[test]
fn what_a_halted_world_was_asked_is_done_or_not_and_never_answered() {
    let create = |client: &Client, name: &str| {
        client.send("ecs", &format!("{ECS}.CreateCluster"), &json!({"clusterName": name}))
    };
    for (kind, there) in [(FaultKind::HaltBefore, vec!["one"]), (FaultKind::HaltAfter, vec!["one", "two"])] {
        let client = Client::new();
        client.sandbox.script(Fault::new("writes", kind).after(1));
        assert!(create(&client, "one").is_ok());
        assert!(create(&client, "two").is_err());
        assert!(client.send("ecs", &format!("{ECS}.ListClusters"), &json!({})).is_err());
        client.sandbox.resume();
        let arns = client.ecs("ListClusters", json!({}));
        assert_eq!(arns["clusterArns"].as_array().unwrap().len(), there.len());
        assert_eq!(client.sandbox.counts()["ecs:CreateCluster"].done, there.len() as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_waits_for_ever_where_the_world_halts() {
    let sandbox = Sandbox::new(Options { clock: Clock::Tokio, ..options() });
    let list = || request("eu-central-1", "ecs", &format!("{ECS}.ListClusters"), "{}");
    sandbox.script(Fault::new("*", FaultKind::HaltBefore).after(1));
    sandbox.script(Fault::new("*", FaultKind::Unanswered));
    let day = Duration::from_hours(24);
    assert!(tokio::time::timeout(day, sandbox.exchange(list())).await.is_err(), "unanswered");
    assert!(tokio::time::timeout(day, sandbox.halted()).await.is_err(), "not halted yet");
    tokio::select! {
        answer = sandbox.exchange(list()) => panic!("{answer:?}"),
        () = sandbox.halted() => {}
    }
    sandbox.resume();
    assert!(sandbox.exchange(list()).await.is_ok());
}

#[test]
fn somebody_elses_calls_meet_no_faults_and_are_not_counted() {
    let client = Client::new();
    client.sandbox.script(Fault::new("*", FaultKind::Denied).times(9));
    let perform = |input: &Value| client.sandbox.perform(client.region, "ecs", "CreateCluster", input);
    assert_eq!(perform(&json!({"clusterName": "shop"})).unwrap()["cluster"]["status"], "ACTIVE");
    assert_eq!(perform(&json!({"clusterNam": "shop"})).unwrap_err().code, "SerializationException");
    assert!(client.sandbox.perform(client.region, "s3", "ListBuckets", &json!({})).is_err());
    assert!(client.sandbox.calls().is_empty() && client.sandbox.counts().is_empty());
}

#[test]
fn the_calls_are_remembered_until_they_are_forgotten() {
    let client = Client::new();
    client.ecs("CreateCluster", json!({"clusterName": "shop"}));
    client.refused("DescribeServices", json!({"cluster": "none", "services": ["web"]}));
    let calls = client.sandbox.calls();
    assert_eq!(calls[0].operation, "CreateCluster");
    assert_eq!((calls[0].service.as_str(), calls[0].region.as_str()), ("ecs", "eu-central-1"));
    assert_eq!(calls[0].input["clusterName"], "shop");
    assert_eq!(calls[1].outcome, Outcome::Refused("ClusterNotFoundException".to_owned()));
    assert_eq!([&calls[0], &calls[1]].map(|call| (call.changes, call.done)), [(true, true), (false, false)]);
    client.sandbox.forget_calls();
    assert!(client.sandbox.calls().is_empty());
    assert_eq!(client.sandbox.counts()["ecs:DescribeServices"], Count { calls: 1, done: 0 });
}

#[test]
fn a_kept_world_goes_on_where_it_was() {
    let client = Client::new();
    client.ecs("CreateCluster", json!({"clusterName": "shop"}));
    client.pass(3600);
    let kept = client.sandbox.world();
    let text = kept.to_string();
    let restored = Sandbox::restore(serde_json::from_str(&text).unwrap(), options()).unwrap();
    assert_eq!(restored.world(), kept);
    let again = Client { sandbox: restored, region: client.region };
    assert_eq!(again.ecs("ListClusters", json!({})), client.ecs("ListClusters", json!({})));
}

#[test]
fn a_world_of_another_version_or_none_at_all_is_refused() {
    for (world, words) in
        [(json!({"version": 99}), "version 99"), (json!([]), "not a world"), (json!({}), "not a world")]
    {
        let error = Sandbox::restore(world, options()).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn the_same_seed_and_calls_make_the_same_world() {
    let story = || {
        let client = Client::new();
        client.ecs("CreateCluster", json!({}));
        client.ecs(
            "CreateCapacityProvider",
            json!({"name": "big", "autoScalingGroupProvider": {"autoScalingGroupArn": "big"}}),
        );
        client.pass(10);
        client.sandbox.world()
    };
    assert_eq!(story(), story());
}
