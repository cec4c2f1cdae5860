//! The sandbox's own paths, `/_sandbox/…`, beside AWS's one: what a test does by methods of
//! [`Sandbox`], a shell does with plain JSON over the same socket, unsigned.
//!
//! | request | what it does |
//! |---|---|
//! | `POST /_sandbox/faults` | scripts a [`Fault`] or [`Chances`], or a list of them |
//! | `DELETE /_sandbox/faults` | takes them all back |
//! | `POST /_sandbox/resume` | lets a halted world go on |
//! | `POST /_sandbox/advance` | moves the clock on: `{"seconds": 60}` |
//! | `POST /_sandbox/scale` | has auto scaling move a service: `{"region": …, "cluster": …, "service": …, "count": 3}` |
//! | `GET /_sandbox/calls` | the last calls, oldest first, and how many there were of each operation |
//! | `DELETE /_sandbox/calls` | forgets the calls; the counts stay |
//!
//! An input that is not understood changes nothing. Tests: in this file.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Chances, Fault, Sandbox};

/// What the paths begin with.
pub(super) const PREFIX: &str = "/_sandbox/";

/// Answers one request to `path`.
pub(super) fn answer(sandbox: &Sandbox, method: &Method, path: &str, body: &[u8]) -> Response<Bytes> {
    let (status, answer) = match respond(sandbox, method, path, body) {
        Ok(answer) => (StatusCode::OK, answer),
        Err((status, why)) => (status, json!({"error": why})),
    };
    let mut response = Response::new(Bytes::from(format!("{answer}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}

type Answer = Result<Value, (StatusCode, String)>;

fn respond(sandbox: &Sandbox, method: &Method, path: &str, body: &[u8]) -> Answer {
    match (method.as_str(), path.strip_prefix(PREFIX).unwrap_or_default()) {
        ("POST", "faults") => script(sandbox, body)?,
        ("DELETE", "faults") => sandbox.clear_faults(),
        ("POST", "resume") => sandbox.resume(),
        ("POST", "advance") => advance(sandbox, body)?,
        ("POST", "scale") => return scale(sandbox, body),
        ("GET", "calls") => return Ok(json!({"calls": sandbox.calls(), "counts": sandbox.counts()})),
        ("DELETE", "calls") => sandbox.forget_calls(),
        (method, _) => return Err((StatusCode::NOT_FOUND, format!("there is no `{method} {path}`"))),
    }
    Ok(json!({}))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, (StatusCode, String)> {
    serde_json::from_slice(body).map_err(|error| refused(error.to_string()))
}

fn refused(why: impl Into<String>) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, why.into())
}

/// All of a list or, when one of it is wrong, none.
fn script(sandbox: &Sandbox, body: &[u8]) -> Result<(), (StatusCode, String)> {
    let all = match read(body)? {
        Value::Array(all) => all,
        one => vec![one],
    };
    let (mut faults, mut by_chance) = (Vec::new(), Vec::new());
    for one in all {
        let text = one.to_string();
        if one.get("seed").is_some() {
            by_chance.push(read::<Chances>(text.as_bytes())?);
        } else {
            faults.push(read::<Fault>(text.as_bytes())?);
        }
    }
    for fault in faults {
        sandbox.script(fault);
    }
    for chances in by_chance {
        sandbox.leave_to_chance(chances);
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: f64,
}

fn advance(sandbox: &Sandbox, body: &[u8]) -> Result<(), (StatusCode, String)> {
    let Advance { seconds } = read(body)?;
    let by = Duration::try_from_secs_f64(seconds).map_err(|error| refused(error.to_string()))?;
    sandbox.advance(by);
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scale {
    region: String,
    cluster: String,
    service: String,
    count: i64,
}

fn scale(sandbox: &Sandbox, body: &[u8]) -> Answer {
    let Scale { region, cluster, service, count } = read(body)?;
    let scaled = sandbox.scale(&region, &cluster, &service, count);
    let count = scaled.ok_or_else(|| refused(format!("`{cluster}/{service}` has no scalable target")))?;
    Ok(json!({"count": count}))
}

#[cfg(test)]
mod tests {
    use super::super::tests::Client;
    use super::*;
    use crate::sandbox::Outcome;

    fn ask(client: &Client, method: &Method, path: &str, body: Value) -> (u16, Value) {
        let response = answer(&client.sandbox, method, path, body.to_string().as_bytes());
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    fn post(client: &Client, what: &str, body: Value) -> (u16, Value) {
        ask(client, &Method::POST, &format!("{PREFIX}{what}"), body)
    }

    #[test]
    fn faults_are_scripted_one_or_many_and_taken_back() {
        let client = Client::new();
        let done = (200, json!({}));
        assert_eq!(post(&client, "faults", json!({"calls": "reads", "kind": "Denied"})), done);
        assert_eq!(client.refused("ListClusters", json!({})).0, "AccessDeniedException");
        client.ecs("ListClusters", json!({}));
        let refused = json!({"Refused": {"code": "LimitExceededException", "message": "No."}});
        let many = json!([
            {"calls": "CreateCluster", "kind": refused, "after": 1, "times": 2},
            {"seed": 1, "rate": 1.0, "kinds": ["Throttled", {"StaleRead": {"seconds": 5}}], "calls": "ecs:reads"},
        ]);
        assert_eq!(post(&client, "faults", many), done);
        client.ecs("CreateCluster", json!({}));
        let (code, message) = client.refused("CreateCluster", json!({}));
        assert_eq!((code.as_str(), message.as_str()), ("LimitExceededException", "No."));
        assert_eq!(ask(&client, &Method::DELETE, "/_sandbox/faults", json!(null)), done);
        client.ecs("CreateCluster", json!({}));
    }

    #[test]
    fn what_is_not_understood_is_said_and_changes_nothing() {
        let client = Client::new();
        for (what, body, words) in [
            ("faults", json!([{"calls": "*", "kind": "Denied"}, {"calls": "*", "kind": "Dented"}]), "Dented"),
            ("faults", json!({"operation": "*", "kind": "Denied"}), "operation"),
            ("advance", json!({"seconds": -1}), "negative"),
            (
                "scale",
                json!({"region": "eu-central-1", "cluster": "shop", "service": "web", "count": 1}),
                "shop/web",
            ),
        ] {
            let (status, answer) = post(&client, what, body);
            assert_eq!(status, 400);
            assert!(answer["error"].as_str().unwrap().contains(words), "{answer}");
        }
        assert_eq!(post(&client, "coffee", json!({})).0, 404);
        client.ecs("ListClusters", json!({}));
    }

    #[test]
    fn the_clock_is_moved_and_the_calls_are_told() {
        let client = Client::new();
        client.ecs("CreateCluster", json!({"clusterName": "shop"}));
        post(&client, "advance", json!({"seconds": 90.5}));
        client.ecs("ListClusters", json!({}));
        let (_, told) = ask(&client, &Method::GET, "/_sandbox/calls", json!(null));
        assert_eq!(told["counts"]["ecs:CreateCluster"], json!({"calls": 1, "done": 1}));
        let calls = told["calls"].as_array().unwrap();
        let at = |n: usize| calls[n]["at"].as_f64().unwrap();
        assert!((at(1) - at(0) - 90.5).abs() < 1e-6);
        assert_eq!(calls[0]["outcome"], json!(Outcome::Answered));
        ask(&client, &Method::DELETE, "/_sandbox/calls", json!(null));
        assert!(client.sandbox.calls().is_empty());
    }

    #[test]
    fn a_halted_world_goes_on_when_it_is_told_to() {
        let client = Client::new();
        post(&client, "faults", json!({"calls": "writes", "kind": "HaltAfter"}));
        let target = format!("{}.CreateCluster", super::super::tests::ECS);
        assert!(client.send("ecs", &target, &json!({"clusterName": "shop"})).is_err());
        post(&client, "resume", json!(null));
        assert_eq!(client.ecs("ListClusters", json!({}))["clusterArns"].as_array().unwrap().len(), 1);
    }
}
