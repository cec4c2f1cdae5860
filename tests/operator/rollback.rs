//! A bad image under a loop that heals: tried once, rolled back, kept so, told once; a better one is taken at once.

use super::life::{Files, Life};
use crate::world::{World, cluster, count, service, with};
use ecs_operator::aws::Operation;
use serde_json::{Value, json};
use std::time::Duration;

const IMAGE: &str = "/spec/taskDefinition/containerDefinitions/0/image";
const LATER: Duration = Duration::from_mins(20);
const HOUR: Duration = Duration::from_hours(1);

fn web(image: &str) -> Value {
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    let web = service("web", json!({}), json!({"desiredCount": 2, "deploymentConfiguration": breaker}));
    with(web, IMAGE, json!(image))
}

fn shop() -> Files {
    let files = Files::default();
    files.write("shop.yaml", &[cluster("shop")]);
    files.write("web.yaml", &[web("sandbox/ok")]);
    files
}

#[tokio::test(start_paused = true)]
async fn a_bad_image_is_tried_once_and_told_and_a_better_one_is_taken_at_once() {
    let world = World::new().await;
    let files = shop();
    Life::of(&world, &files, async |life| {
        life.after(LATER).await;
        life.changed();
        files.write("web.yaml", &[web("sandbox/crash")]);
        let told = life.after(HOUR).await;
        assert_eq!(told[1], "~ EcsService/web changed: new deployment: taskDefinition.containerDefinitions[web].image");
        assert_eq!(told[2], "… EcsService/web rolling out: web:2");
        let back = "✗ EcsService/web rolled back: `web:2` was rolled back to `web:1`: Service deployment rolled back because the circuit breaker threshold was exceeded";
        assert!(told[3].starts_with(back) && told[3].contains("container `web` exited with 1"), "{told:#?}");
        assert_eq!(told.len(), 4, "{told:#?}");
        assert_eq!(count(&life.changed(), "UpdateService"), 1);
        // Drift is healed to what runs well; the bad one is not tried again.
        let drift = json!({"cluster": "shop", "service": "web", "desiredCount": 5});
        life.world.behind(Operation::UpdateService, drift).await;
        let told = life.after(HOUR * 24).await;
        assert_eq!(told, ["! EcsService/web healed: in place: service.desiredCount"]);
        assert_eq!(count(&life.changed(), "UpdateService"), 1);
        files.write("web.yaml", &[web("sandbox/ok:2")]);
        let told = life.after(LATER).await;
        assert_eq!(told.last().unwrap(), "✓ EcsService/web rolled out: web:3", "{told:#?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bad_image_is_tried_once_in_a_day_of_drift_and_deaths() {
    let world = World::new().await;
    let files = shop();
    Life::killed_after(&world, &files, LATER).await;
    files.write("web.yaml", &[web("sandbox/crash")]);
    let mut random = fastrand::Rng::with_seed(7);
    let mut attempts = 0;
    for _ in 0..60 {
        world.sandbox.forget_calls();
        Life::killed_after(&world, &files, Duration::from_secs(random.u64(1..3000))).await;
        let updates = world.changes().into_iter().filter(|call| call.operation == "UpdateService");
        attempts += updates.filter(|call| call.input.get("taskDefinition").is_some()).count();
        let drift = json!({"cluster": "shop", "service": "web", "desiredCount": random.u32(1..6)});
        world.behind(Operation::UpdateService, drift).await;
    }
    assert_eq!((attempts, world.revisions("web").await.len()), (1, 2));
    let running = world.service("shop", "web").await;
    assert!(running["taskDefinition"].as_str().unwrap().ends_with("/web:1"), "{running}");
}
