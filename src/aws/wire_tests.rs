//! What goes over the wire and what comes back: every operation against raw bytes, the ways a
//! call can fail, and how it is tried again. In process under paused time, except where a socket
//! is what is tested.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_types::retry::RetryConfig;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::clients::Clients;
use super::*;

/// The facts of an API; STS has none, it does not speak JSON.
pub fn model(api: Api) -> Option<Value> {
    let text = match api {
        Api::Ecs => include_str!("../../model/ecs.json"),
        Api::Ecr => include_str!("../../model/ecr.json"),
        Api::Autoscaling => include_str!("../../model/application-autoscaling.json"),
        Api::Tagging => include_str!("../../model/resourcegroupstaggingapi.json"),
        Api::Sts => return None,
    };
    Some(serde_json::from_str(text).unwrap())
}

/// What the other side does with one request.
#[derive(Clone)]
pub enum Reply {
    Answer(u16, String),
    Broken(io::ErrorKind),
    Never,
}

pub fn ok(document: &Value) -> Reply {
    Reply::Answer(200, document.to_string())
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::Answer(status, json!({"__type": code, "message": message}).to_string())
}

/// The other side: answers in turn, the last one for ever, and keeps what it was asked.
#[derive(Clone)]
pub struct Scripted {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    requests: Arc<Mutex<Vec<http::Request<Bytes>>>>,
}

impl Scripted {
    pub async fn new(replies: impl IntoIterator<Item = Reply>) -> (Self, Aws) {
        let other =
            Self { replies: Arc::new(Mutex::new(replies.into_iter().collect())), requests: Arc::default() };
        let call: Exchange = {
            let other = other.clone();
            Arc::new(move |request| Box::pin(other.clone().exchange(request)))
        };
        let aws = Aws::connect(Connection::InProcess { call, region: "eu-central-1".into() }).await;
        (other, aws)
    }

    async fn exchange(self, request: http::Request<Bytes>) -> io::Result<http::Response<Bytes>> {
        self.requests.lock().unwrap().push(request);
        let reply = {
            let mut replies = self.replies.lock().unwrap();
            let last = replies.len() == 1;
            if last { replies.front().cloned() } else { replies.pop_front() }
        };
        match reply.unwrap() {
            Reply::Answer(status, body) => {
                let answer = http::Response::builder().status(status).header("x-amzn-requestid", "1f-2e");
                Ok(answer.body(Bytes::from(body)).unwrap())
            }
            Reply::Broken(kind) => Err(kind.into()),
            Reply::Never => std::future::pending().await,
        }
    }

    fn requests(&self) -> Vec<http::Request<Bytes>> {
        self.requests.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    pub fn bodies(&self) -> Vec<Value> {
        self.requests().iter().map(|request| serde_json::from_slice(request.body()).unwrap()).collect()
    }
}

fn header<'a>(request: &'a http::Request<Bytes>, name: &str) -> &'a str {
    request.headers().get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
}

/// Numbers, time stamps and text as AWS and people write them.
fn odd_values() -> Value {
    json!({
        "unheardOf": {
            "integers": [0, -1, 9_007_199_254_740_993_i64, i64::MIN, u64::MAX],
            "floats": [0.1, 70.0, -0.0, 1e300, 5e-324, f64::MAX, 0.1 + 0.2],
            "times": [1_700_000_000, 1_700_000_000.123, 1_479_948_549.893],
            "text": "ü \u{1F680} \" \\ / \u{0} \u{7f} \r\n\t",
            "nothing": null, "yes": true, "empty": [{}, [], ""],
        }
    })
}

/// The signature by the rules of `SigV4`, from the request alone.
fn signature(request: &http::Request<Bytes>, secret: &str) -> String {
    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }
    fn hmac(key: &[u8], message: &str) -> Vec<u8> {
        let padded = |pad: u8| (0..64).map(|i| key.get(i).copied().unwrap_or(0) ^ pad).collect::<Vec<u8>>();
        let inner = Sha256::digest([padded(0x36), message.as_bytes().to_vec()].concat());
        Sha256::digest([padded(0x5c), inner.to_vec()].concat()).to_vec()
    }
    let authorization = header(request, "authorization");
    let part = |name: &str| {
        let rest = &authorization[authorization.find(name).unwrap() + name.len()..];
        rest.split(',').next().unwrap()
    };
    let scope = part("Credential=").split_once('/').unwrap().1;
    let signed = part("SignedHeaders=");
    let host = request.uri().host().unwrap();
    let value = |name: &str| if name == "host" { host } else { header(request, name).trim() };
    let headers =
        signed.split(';').fold(String::new(), |text, name| format!("{text}{name}:{}\n", value(name)));
    let body = hex(&Sha256::digest(request.body()));
    let canonical = format!("POST\n/\n\n{headers}\n{signed}\n{body}");
    let digest = hex(&Sha256::digest(canonical.as_bytes()));
    let to_sign = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{digest}", header(request, "x-amz-date"));
    let start = format!("AWS4{secret}").into_bytes();
    let key = scope.split('/').fold(start, |key, part| hmac(&key, part));
    let signature = hex(&hmac(&key, &to_sign));
    assert_eq!(part("Signature="), signature);
    scope.to_owned()
}

fn modelled() -> impl Iterator<Item = Operation> {
    Operation::ALL.iter().copied().filter(|operation| operation.api() != Api::Sts)
}

#[tokio::test(start_paused = true)]
async fn every_operation_sends_our_bytes_signed_and_brings_back_aws_s() {
    let answer = odd_values();
    let (other, aws) = Scripted::new([ok(&answer)]).await;
    for operation in modelled() {
        let model = model(operation.api()).unwrap();
        let input = odd_values();
        let answer = aws.call("us-west-2", operation, &input).await.unwrap();
        assert_eq!(Value::Object(answer.document), odd_values(), "{operation}");
        assert_eq!(answer.request_id.as_deref(), Some("1f-2e"));

        let requests = other.requests();
        let request = requests.last().unwrap();
        assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/"), "{operation}");
        assert!(request.uri().host().unwrap().contains("us-west-2"), "{operation}: {}", request.uri());
        let target = format!("{}.{}", model["targetPrefix"].as_str().unwrap(), operation.name());
        assert_eq!(header(request, "x-amz-target"), target);
        assert_eq!(header(request, "content-type"), "application/x-amz-json-1.1");
        assert_eq!(request.body().as_ref(), input.to_string().as_bytes(), "{operation}");
        assert_eq!(header(request, "content-length"), request.body().len().to_string());
        let scope = signature(request, "in-process");
        let signing = model["signingName"].as_str().unwrap();
        assert!(scope.ends_with(&format!("/us-west-2/{signing}/aws4_request")), "{operation}: {scope}");
    }
    assert_eq!(other.count(), modelled().count());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_the_sdk_cannot_read_comes_back_as_it_is() {
    for operation in modelled() {
        let model = model(operation.api()).unwrap();
        let output = model["operations"][operation.name()]["output"].as_str().unwrap();
        let members = model["shapes"][output]["members"].as_object().unwrap();
        // No member of any output is a bare `7.5` inside a list inside a list.
        let strange: Map<String, Value> = members.keys().map(|name| (name.clone(), json!([[7.5]]))).collect();
        let (other, aws) = Scripted::new([ok(&Value::Object(strange.clone()))]).await;
        let answer = aws.call("eu-central-1", operation, &json!({})).await.unwrap();
        assert_eq!(answer.document, strange, "{operation}");
        assert_eq!(other.count(), 1, "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn numbers_and_times_keep_their_value_both_ways() {
    let numbers = r#"{"int":3,"long":9007199254740993,"unsigned":18446744073709551615,"float":70.0,"tiny":5e-324,"time":1700000000.123,"java":1.479948549893E9}"#;
    let (other, aws) = Scripted::new([Reply::Answer(200, numbers.into())]).await;
    let input: Value = serde_json::from_str(numbers).unwrap();
    let answer = aws.call("eu-central-1", Operation::DescribeServices, &input).await.unwrap();
    let sent = String::from_utf8(other.requests()[0].body().to_vec()).unwrap();
    assert_eq!(sent, numbers.replace("1.479948549893E9", "1479948549.893"));
    assert_eq!(Value::Object(answer.document), input);
}

#[tokio::test(start_paused = true)]
async fn no_input_is_an_empty_document() {
    let (other, aws) = Scripted::new([ok(&json!({}))]).await;
    aws.call("eu-central-1", Operation::ListClusters, &Value::Null).await.unwrap();
    assert_eq!(other.requests()[0].body().as_ref(), b"{}");
}

#[tokio::test(start_paused = true)]
async fn the_account_is_asked_for_once() {
    let xml = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
               <Arn>arn:aws:iam::123456789012:user/x</Arn><UserId>AIDA</UserId><Account>123456789012</Account>\
               </GetCallerIdentityResult><ResponseMetadata><RequestId>1f</RequestId></ResponseMetadata></GetCallerIdentityResponse>";
    let (other, aws) = Scripted::new([Reply::Answer(200, xml.into())]).await;
    for _ in 0..2 {
        assert_eq!(aws.account_id("eu-central-1").await.unwrap(), "123456789012");
    }
    assert_eq!(other.count(), 1);
    let request = &other.requests()[0];
    assert_eq!(request.body().as_ref(), b"Action=GetCallerIdentity&Version=2011-06-15");
    assert!(signature(request, "in-process").ends_with("/eu-central-1/sts/aws4_request"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_in_the_xml_of_sts_is_understood() {
    let xml = |code: &str| {
        format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>no</Message></Error><RequestId>1f</RequestId></ErrorResponse>"
        )
    };
    let (other, aws) =
        Scripted::new([Reply::Answer(400, xml("Throttling")), Reply::Answer(403, xml("ExpiredToken"))]).await;
    let error = aws.account_id("eu-central-1").await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Denied, "ExpiredToken"), "{error}");
    assert_eq!(other.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn throttling_in_every_form_is_waited_for() {
    let forms = [
        error(400, "ThrottlingException", "Rate exceeded"),
        error(400, "ClientException", "Request is throttled"),
        error(400, "TooManyRequestsException", ""),
        error(400, "RequestLimitExceeded", "Request limit exceeded."),
        error(503, "ServiceUnavailable", "Slow down"),
        Reply::Answer(429, "slow down".into()),
        error(400, "com.amazonaws.x#ThrottlingException", "Rate exceeded"),
    ];
    // Also what must not be done twice: a throttled request was not carried out.
    for operation in [Operation::DescribeServices, Operation::RegisterTaskDefinition] {
        let replies = forms.iter().cloned().chain([ok(&json!({"done": true}))]);
        let (other, aws) = Scripted::new(replies).await;
        let began = Instant::now();
        aws.call("eu-central-1", operation, &json!({})).await.unwrap();
        assert_eq!(other.count(), forms.len() + 1);
        assert!(began.elapsed() > Duration::from_secs(20), "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn thirty_seconds_of_throttling_are_survived_and_two_minutes_are_not() {
    let (other, aws) = Scripted::new([error(400, "ThrottlingException", "Rate exceeded")]).await;
    let began = Instant::now();
    let error = aws.call("eu-central-1", Operation::CreateService, &json!({})).await.unwrap_err();
    assert_eq!((error.kind, error.unclear), (ErrorKind::Throttled, false));
    let waited = began.elapsed();
    assert!(Duration::from_mins(1) < waited && waited <= Duration::from_secs(121), "{waited:?}");
    assert_eq!(usize::try_from(error.attempts).unwrap(), other.count());
    assert!(error.to_string().ends_with("attempts)"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_passing_error_is_tried_five_times() {
    for (reply, kind) in [
        (error(500, "ServerException", "Service Unavailable"), ErrorKind::Passing),
        (error(400, "UpdateInProgressException", ""), ErrorKind::Passing),
        (Reply::Broken(io::ErrorKind::ConnectionReset), ErrorKind::Passing),
    ] {
        let (other, aws) = Scripted::new([reply]).await;
        let error = aws.call("eu-central-1", Operation::DeleteCluster, &json!({})).await.unwrap_err();
        assert_eq!((error.kind, other.count()), (kind, 5));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_repeated_only_where_that_makes_no_second() {
    let token = json!({"clientToken": "t"});
    let forced = json!({"forceNewDeployment": true});
    for (operation, input, repeated) in [
        (Operation::DescribeServices, json!({}), true),
        (Operation::CreateService, token.clone(), true),
        (Operation::CreateService, json!({}), false),
        (Operation::RunTask, token, true),
        (Operation::RegisterTaskDefinition, json!({}), false),
        (Operation::UpdateService, json!({}), true),
        (Operation::UpdateService, forced, false),
    ] {
        for lost in
            [Reply::Broken(io::ErrorKind::ConnectionReset), Reply::Never, error(500, "ServerException", "")]
        {
            let (other, aws) = Scripted::new([lost, ok(&json!({"done": true}))]).await;
            let outcome = aws.call("eu-central-1", operation, &input).await;
            assert_eq!(
                (outcome.is_ok(), other.count()),
                (repeated, 1 + usize::from(repeated)),
                "{operation} {input}"
            );
            assert!(outcome.is_ok_and(|answer| answer.document["done"] == true) == repeated);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn once_unclear_a_write_stays_unclear() {
    let replies =
        [Reply::Never, error(400, "InvalidParameterException", "Creation of service was not idempotent.")];
    let (_, aws) = Scripted::new(replies).await;
    let began = Instant::now();
    let error =
        aws.call("eu-central-1", Operation::CreateService, &json!({"clientToken": "t"})).await.unwrap_err();
    assert_eq!((error.kind, error.unclear, error.attempts), (ErrorKind::Refused, true, 2));
    assert!(began.elapsed() >= Duration::from_secs(30), "the attempt's time-out");
    let (_, aws) = Scripted::new([Reply::Never]).await;
    let error = aws.call("eu-central-1", Operation::RegisterTaskDefinition, &json!({})).await.unwrap_err();
    assert_eq!(
        (error.kind, error.code.as_str(), error.unclear),
        (ErrorKind::Passing, "AnswerLost", true),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_role_just_made_is_waited_for_by_minutes() {
    let role = error(400, "InvalidParameterException", "Unable to assume the service linked role.");
    let (other, aws) = Scripted::new((0..8).map(|_| role.clone()).chain([ok(&json!({}))])).await;
    let began = Instant::now();
    aws.call("eu-central-1", Operation::CreateService, &json!({})).await.unwrap();
    assert_eq!(other.count(), 9);
    assert!(began.elapsed() > Duration::from_mins(1));
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_is_unreachable_and_nothing_is_unclear() {
    let (other, aws) = Scripted::new([Reply::Broken(io::ErrorKind::ConnectionRefused)]).await;
    let error = aws.call("eu-central-1", Operation::RegisterTaskDefinition, &json!({})).await.unwrap_err();
    assert_eq!((error.kind, error.unclear, other.count()), (ErrorKind::Unreachable, false, 3));
}

#[tokio::test(start_paused = true)]
async fn a_no_and_a_garbage_answer_are_not_asked_for_again() {
    for (reply, kind) in [
        (error(400, "AccessDeniedException", "no"), ErrorKind::Denied),
        (error(400, "ClusterNotFoundException", "Cluster not found."), ErrorKind::NotFound),
        (error(400, "ClientException", "no"), ErrorKind::Refused),
        (Reply::Answer(200, "<html>welcome to the hotel</html>".into()), ErrorKind::Garbage),
        (Reply::Answer(200, "\u{feff}".into()), ErrorKind::Garbage),
        (Reply::Answer(302, String::new()), ErrorKind::Garbage),
    ] {
        let (other, aws) = Scripted::new([reply]).await;
        let error = aws.call("eu-central-1", Operation::DescribeServices, &json!({})).await.unwrap_err();
        assert_eq!((error.kind, other.count(), error.attempts), (kind, 1, 1), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_region_that_is_none_is_said_before_anything_is_sent() {
    let (other, aws) = Scripted::new([ok(&json!({}))]).await;
    for (region, code) in
        [("", "NoRegion"), ("eu central", "InvalidRegion"), ("a.evil.example/", "InvalidRegion")]
    {
        let error = aws.call(region, Operation::ListClusters, &json!({})).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unreachable, code));
        assert!(error.hint().is_some());
    }
    assert_eq!(other.count(), 0);
    assert_eq!(aws.default_region(), Some("eu-central-1"));
}

#[test]
fn what_is_logged_holds_no_body() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let writer = {
        let log = Arc::clone(&log);
        move || Log(Arc::clone(&log))
    };
    let filter = tracing_subscriber::EnvFilter::new("ecs_operator=trace");
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false).finish();
    // With one subscriber alone tracing asks whichever thread comes first whether an event is
    // wanted, and other tests want none; with two it asks the subscribers.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    tracing::subscriber::with_default(subscriber, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let input =
                json!({"containerDefinitions": [{"environment": [{"name": "P", "value": "hunter2"}]}]});
            let replies = [ok(&input), error(400, "ClientException", "hunter2")];
            let (_, aws) = Scripted::new(replies).await;
            aws.call("eu-central-1", Operation::RegisterTaskDefinition, &input).await.unwrap();
            aws.call("eu-central-1", Operation::DescribeTaskDefinition, &input).await.unwrap_err();
        });
    });
    let log = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    assert!(log.contains("operation=ecs:RegisterTaskDefinition region=\"eu-central-1\" ms="), "{log}");
    assert!(log.contains("outcome=Refused code=\"ClientException\" request=\"1f-2e\""), "{log}");
    assert_eq!(log.lines().count(), 2, "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}

struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The SDK's real HTTP client, against a socket of this machine.
fn over_socket(endpoint: &str, credentials: bool) -> Aws {
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .retry_config(RetryConfig::disabled())
        .region(Region::new("eu-central-1"))
        .endpoint_url(endpoint);
    if credentials {
        let nobody = Credentials::new("A", "S", None, None, "test");
        config = config.credentials_provider(SharedCredentialsProvider::new(nobody));
    }
    Aws::of(Clients::of(config.build())).with_patience(Patience::NONE)
}

/// Answers one connection with these bytes, then closes it.
async fn answering(bytes: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        // Until the body is there, or a TLS greeting that there is no answer to.
        while !request.ends_with(b"{\"a\":1}") && request.first() != Some(&0x16) {
            socket.read_buf(&mut request).await.unwrap();
        }
        socket.write_all(bytes.as_bytes()).await.unwrap();
        socket.shutdown().await.unwrap();
    });
    format!("http://{address}")
}

#[tokio::test]
async fn a_request_that_cannot_be_addressed_is_not_quoted() {
    let error = over_socket("nonsense", true).account_id("eu-central-1").await.unwrap_err();
    assert_eq!(error.code, "BadEndpoint");
    assert_eq!(error.message, "failed to apply endpoint `nonsense`: endpoint must contain scheme");
}

#[tokio::test]
async fn over_a_socket_an_answer_comes_back() {
    let endpoint =
        answering("HTTP/1.1 200 OK\r\nx-amzn-RequestId: 1f\r\ncontent-length: 7\r\n\r\n{\"b\":2}").await;
    let answer =
        over_socket(&endpoint, true).call("eu-central-1", Operation::ListClusters, &json!({"a": 1})).await;
    let answer = answer.unwrap();
    assert_eq!((Value::Object(answer.document), answer.request_id.as_deref()), (json!({"b": 2}), Some("1f")));
}

#[tokio::test]
async fn over_a_socket_every_failure_on_the_way_is_told_apart() {
    let closed = "http://127.0.0.1:1".to_owned();
    let no_tls = answering("HTTP/1.1 400 Bad Request\r\n\r\n").await.replace("http:", "https:");
    let half = answering("HTTP/1.1 200 OK\r\ncontent-length: 70\r\n\r\n{\"b\":").await;
    let (unreachable, passing) = (ErrorKind::Unreachable, ErrorKind::Passing);
    for (endpoint, credentials, kind, code, unclear) in [
        (closed.clone(), true, unreachable, "ConnectionFailed", false),
        (answering("").await, true, passing, "AnswerLost", true),
        (half, true, passing, "AnswerLost", true),
        (no_tls, true, unreachable, "ConnectionFailed", false),
        (closed, false, unreachable, "NoCredentials", false),
        (":::".to_owned(), true, unreachable, "BadEndpoint", false),
    ] {
        let aws = over_socket(&endpoint, credentials);
        let error = aws.call("eu-central-1", Operation::CreateCluster, &json!({"a": 1})).await.unwrap_err();
        assert_eq!(
            (error.kind, error.code.as_str(), error.unclear),
            (kind, code, unclear),
            "{endpoint}: {error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttle_of_one_call_makes_the_others_of_its_class_wait_and_is_counted() {
    let throttle = error(400, "ThrottlingException", "Rate exceeded");
    let (other, aws) = Scripted::new([throttle, ok(&json!({}))]).await;
    let began = Instant::now();
    let input = json!({});
    let sweep = aws.with_priority(Priority::Sweep);
    let first = async {
        aws.call("eu-central-1", Operation::DescribeServices, &input).await.unwrap();
    };
    let second = async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        sweep.call("eu-central-1", Operation::ListServices, &input).await.unwrap();
        began.elapsed()
    };
    let elsewhere = async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        aws.call("us-east-1", Operation::ListServices, &input).await.unwrap();
        aws.call("eu-central-1", Operation::ListClusters, &input).await.unwrap();
        began.elapsed()
    };
    let ((), second, elsewhere) = futures::join!(first, second, elsewhere);
    assert!(second >= Duration::from_millis(900), "{second:?}");
    assert!(elsewhere < Duration::from_millis(50), "{elsewhere:?}");
    let counters = aws.counters();
    assert_eq!((counters.total(), counters.throttles(), other.count()), (5, 1, 5));
    assert_eq!(counters.calls[&(Operation::DescribeServices, Ended::Ok)], 1);
    assert_eq!(counters.calls[&(Operation::DescribeServices, Ended::Failed(ErrorKind::Throttled))], 1);
    assert!(counters.waited[&RateClass::ServiceRead] >= Duration::from_millis(900));
}

#[tokio::test(start_paused = true)]
async fn a_write_goes_before_reads_whatever_it_is_called_by() {
    let (other, aws) = Scripted::new([ok(&json!({}))]).await;
    let aws = aws.with_budget("1%".parse().unwrap());
    let sweep = aws.with_priority(Priority::Sweep);
    let call =
        async |aws: &Aws, operation| drop(aws.call("eu-central-1", operation, &json!({})).await.unwrap());
    call(&aws, Operation::DescribeRepositories).await;
    let seen = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        aws.waiting()
    };
    let ((), (), (), seen) = futures::join!(
        call(&sweep, Operation::DescribeRepositories),
        call(&aws, Operation::DescribeImages),
        call(&sweep, Operation::PutLifecyclePolicy),
        seen
    );
    let target = |request: &http::Request<Bytes>| {
        header(request, "x-amz-target").rsplit('.').next().unwrap().to_owned()
    };
    let order: Vec<String> = other.requests().iter().map(target).collect();
    assert_eq!(
        order,
        ["DescribeRepositories", "PutLifecyclePolicy", "DescribeImages", "DescribeRepositories"]
    );
    assert_eq!((seen.len(), seen[0].calls, seen[0].class), (1, 3, RateClass::Registry));
    assert_eq!(seen[0].class.to_string(), "ECR");
}
