//! A whole run as people read it, golden: `INSTA_UPDATE=always cargo test --test all operator::day` writes it anew.

use super::life::{Files, INTERVAL, Life};
use crate::world::{World, cluster, service, with};
use ecs_operator::aws::Operation;
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(2);
const LATER: Duration = Duration::from_mins(20);

fn web(image: &str) -> Value {
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    let web = service("web", json!({}), json!({"desiredCount": 2, "deploymentConfiguration": breaker}));
    with(web, "/spec/taskDefinition/containerDefinitions/0/image", json!(image))
}

/// One section of the story: what was done, and what was told of it.
fn told(story: &mut String, done: &str, lines: &[String]) {
    story.extend(["# ", done, "\n"]);
    for line in lines {
        story.extend([line, "\n"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_day_of_the_loop_is_told_as_it_happens() {
    let world = World::new().await;
    let files = Files::default();
    files.write("shop.yaml", &[cluster("shop")]);
    files.write("web.yaml", &[web("sandbox/ok:1")]);
    let mut story = String::new();
    let mut last = None;
    Life::of(&world, &files, async |life| {
        let drift = async || {
            let input = json!({"cluster": "shop", "service": "web", "desiredCount": 5});
            life.world.behind(Operation::UpdateService, input).await;
        };
        told(&mut story, "it starts", &life.after(LATER).await);
        files.write("web.yaml", &[web("sandbox/ok:2")]);
        told(&mut story, "a new image", &life.after(LATER).await);
        drift().await;
        told(&mut story, "somebody scales the service", &life.after(INTERVAL * 2).await);
        files.write("web.yaml", &[with(web("sandbox/ok:3"), "/spec/service/desiredcount", json!(3))]);
        told(&mut story, "a member is misspelled", &life.after(SOON).await);
        drift().await;
        told(&mut story, "somebody scales it again", &life.after(INTERVAL * 2).await);
        files.write("web.yaml", &[web("sandbox/ok:3")]);
        told(&mut story, "the file is corrected", &life.after(LATER).await);
        files.write("web.yaml", &[web("sandbox/crash:4")]);
        told(&mut story, "an image that crashes", &life.after(LATER).await);
        drift().await;
        told(&mut story, "somebody scales it a third time", &life.after(INTERVAL * 2).await);
        files.write("web.yaml", &[web("sandbox/ok:4")]);
        told(&mut story, "an image that works", &life.after(LATER).await);
        files.remove("web.yaml");
        told(&mut story, "its file is removed", &life.after(LATER).await);
        last = Some(life.told.clone());
    })
    .await;
    told(&mut story, "SIGTERM", &last.unwrap().take());
    insta::assert_snapshot!(story);
}
