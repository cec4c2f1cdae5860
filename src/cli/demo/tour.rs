//! The story: each chapter says what happens and why it matters, has it happen, and waits until it did.
//!
//! Nothing may be told that was not seen; numbers are read or counted. Words that are only AWS's are explained where
//! they come first.

use super::stage::{Stage, service};
use crate::cli::failure::Failure;
use crate::report::{Event, Happening};
use crate::sandbox::Sandbox;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const MANIFEST: &str = include_str!("shop.yaml");
const FIRST: &str = "sandbox/ok:1.0";
const BAD: &str = "sandbox/crash:1.1";
const FIXED: &str = "sandbox/ok:1.2";

/// The tasks that the manifest declares.
const TASKS: i64 = 3;
/// Looks at the service in which nothing may happen.
const LOOKS: u64 = 4;

/// All of it.
pub async fn tour(stage: &mut Stage<'_>) -> Result<(), Failure> {
    welcome(stage).await;
    deploy(stage).await?;
    drift(stage).await?;
    bad_image(stage).await?;
    rollback(stage).await?;
    no_second_try(stage).await?;
    fix(stage).await?;
    balance(stage).await
}

async fn welcome(stage: &mut Stage<'_>) {
    stage.heading("ecs-operator: the tour");
    let words = format!(
        "You write in files what should run on Amazon ECS, AWS's service for containers. ecs-operator makes it so, keeps \
         it so, and goes back when a release fails. Here it does all that with a small AWS inside this process: no \
         account, no network, and a clock that runs {} times as fast. The rest is real: the file, the loop of \
         `ecs-operator run`, every call that it makes.",
        stage.pace.speed
    );
    stage.say(&words).await;
}

async fn deploy(stage: &mut Stage<'_>) -> Result<(), Failure> {
    stage.heading("1 · Deploy");
    let words = format!(
        "This file declares a cluster, and in it a service that keeps {TASKS} tasks running. A task is a running copy of \
         what `taskDefinition` describes. All members are those of AWS's own API: what you have can be pasted."
    );
    stage.say(&words).await;
    stage.write(MANIFEST).await?;
    stage.say("`ecs-operator plan` says what would change, and changes nothing:").await;
    stage.plan().await?;
    stage.say("`ecs-operator run` makes it so, and stays. From here on it speaks for itself, with the time in front:").await;
    stage.begin();
    stage.wait("the first deployment", web(Happening::RolledOut, "web:1")).await?;
    all_run(stage, "web:1", "`web:1` is the first revision of the task definition `web`: AWS counts them.")
        .await
}

async fn drift(stage: &mut Stage<'_>) -> Result<(), Failure> {
    stage.heading("2 · Drift, and how it heals");
    stage.say("Somebody sets the number of tasks to 0: not in the file, but in AWS itself.").await;
    stage.behind_the_back("UpdateService", scale_to(0)).await?;
    let words = format!(
        "What runs is no longer what the file says: that is drift. The loop looks at everything every {} s here, every \
         minute unless told otherwise. It finds the drift and takes it back:",
        stage.pace.interval.as_secs()
    );
    stage.say(&words).await;
    stage.wait("the drift to be healed", web(Happening::Healed, "")).await?;
    all_run(stage, "web:1", "").await
}

async fn bad_image(stage: &mut Stage<'_>) -> Result<(), Failure> {
    stage.heading("3 · A bad image");
    stage
        .say(
            "Now a new release. Its program ends as soon as it starts, but nobody knows that yet: the new image is \
             written to the file, and that is all there is to do.",
        )
        .await;
    stage.edit(FIRST, BAD).await?;
    // On a slow machine it may be over before the loop has looked.
    let seen =
        [Happening::Rolling, Happening::RollingBack, Happening::RolledBack].map(|what| web(what, "web:2"));
    stage.wait("the deployment of the bad image", |stage| seen.iter().any(|seen| seen(stage))).await
}

async fn rollback(stage: &mut Stage<'_>) -> Result<(), Failure> {
    stage.heading("4 · Rollback");
    stage
        .say(
            "The new tasks fail, while the old ones still run. The file turns on AWS's circuit breaker: when too many \
             tasks of a deployment have failed, AWS gives it up and goes back to what ran before. The loop follows that, \
             and finds out why the tasks stopped:",
        )
        .await;
    stage.wait("the rollback", web(Happening::RolledBack, "web:2")).await?;
    all_run(stage, "web:1", "").await
}

async fn no_second_try(stage: &mut Stage<'_>) -> Result<(), Failure> {
    stage.heading("5 · No second try");
    stage
        .say(
            "The file still asks for the bad image. To try it again with every look would fail all night. So what was \
             rolled back is not tried again until the file changes; all else is kept as before. Somebody adds tasks by \
             hand:",
        )
        .await;
    stage.behind_the_back("UpdateService", scale_to(TASKS + 4)).await?;
    stage.wait("the drift to be healed", web(Happening::Healed, "")).await?;
    let before = looks(&stage.sandbox);
    stage.wait("more looks at the service", |stage| looks(&stage.sandbox) >= before + LOOKS).await?;
    let (looks, attempts) = (looks(&stage.sandbox) - before, attempts(stage, "web:2"));
    if attempts != 1 {
        return Err(Failure::world(format!("`web:2` was to be deployed once, and was {}", times(attempts))));
    }
    let words = format!(
        "The service was looked at {} more, and `web:2` was deployed {} in all. `ecs-operator status` says how it stands:",
        times(looks),
        times(attempts)
    );
    stage.say(&words).await;
    stage.status().await
}

async fn fix(stage: &mut Stage<'_>) -> Result<(), Failure> {
    stage.heading("6 · Fix");
    stage.say("The image is corrected. That has not been tried yet, so it is deployed at once:").await;
    stage.edit(BAD, FIXED).await?;
    stage.wait("the deployment of the fixed image", web(Happening::RolledOut, "web:3")).await?;
    all_run(stage, "web:3", "").await
}

async fn balance(stage: &mut Stage<'_>) -> Result<(), Failure> {
    stage.heading("The end");
    stage.status().await?;
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let changes = stage.changes();
    for call in &changes {
        *counts.entry(format!("{}:{}", call.service, call.operation)).or_default() += 1;
    }
    let all = stage.sandbox.counts().values().map(|count| count.calls).sum::<u64>();
    let words = format!(
        "AWS was called {}, and these {} calls changed something. The tags are the operator's notes of what it tried and \
         what ran well: it has no database, and may be killed at any time.",
        times(all),
        changes.len()
    );
    stage.say(&words).await;
    let rows: Vec<String> = counts.iter().map(|(call, count)| format!("{count:2} {call}")).collect();
    stage.show(&rows.join("\n")).await;
    Ok(())
}

fn scale_to(count: i64) -> Value {
    json!({"cluster": "shop", "service": "web", "desiredCount": count})
}

/// Waits until just the declared tasks run, of one revision, and says so.
async fn all_run(stage: &mut Stage<'_>, revision: &str, more: &str) -> Result<(), Failure> {
    let runs = |stage: &Stage| {
        let service = service(&stage.sandbox);
        let is_revision = service["taskDefinition"].as_str().is_some_and(|arn| arn.ends_with(revision));
        let is_alone = service["deployments"].as_array().is_some_and(|all| all.len() == 1);
        is_revision
            && is_alone
            && ["desiredCount", "runningCount"].iter().all(|count| service[count] == TASKS)
    };
    stage.wait(&format!("{TASKS} tasks of `{revision}`"), runs).await?;
    stage.say(&format!("{TASKS} tasks of `{revision}` run, and nothing else. {more}")).await;
    Ok(())
}

/// Whether this has happened to the service lately, told with these words.
fn web(what: Happening, words: &'static str) -> impl Fn(&Stage) -> bool {
    let is_it = move |event: &Event| {
        event.what == what
            && event.object.as_deref() == Some("EcsService/web")
            && event.message.contains(words)
    };
    move |stage| stage.lately.iter().any(is_it)
}

/// How often the operator has looked at the service.
fn looks(sandbox: &Sandbox) -> u64 {
    sandbox.counts().get("ecs:DescribeServices").map_or(0, |count| count.done)
}

/// How often the operator has deployed a revision to what runs.
fn attempts(stage: &Stage, revision: &str) -> u64 {
    let is_attempt =
        |input: &Value| input["taskDefinition"].as_str().is_some_and(|name| name.ends_with(revision));
    let changes = stage.changes().into_iter().filter(|call| call.operation == "UpdateService");
    changes.filter(|call| is_attempt(&Value::Object(call.input.clone()))).count() as u64
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}
