//! What an operator does all day: it makes, follows, heals, and says so once.

use super::life::{Files, INTERVAL, Life};
use crate::world::{World, annotated, cluster, count, service, with};
use ecs_operator::aws::Operation;
use serde_json::{Value, json};
use std::time::Duration;

const IMAGE: &str = "/spec/taskDefinition/containerDefinitions/0/image";
const SOON: Duration = Duration::from_secs(2);
const LATER: Duration = Duration::from_mins(20);

fn web() -> Value {
    service("web", json!({}), json!({"desiredCount": 2}))
}

fn shop() -> Files {
    let files = Files::default();
    files.write("shop.yaml", &[cluster("shop")]);
    files.write("web.yaml", &[web()]);
    files
}

#[tokio::test(start_paused = true)]
async fn what_is_declared_is_made_followed_and_then_left_alone() {
    let world = World::new().await;
    Life::of(&world, &shop(), async |life| {
        let told = life.after(LATER).await;
        assert_eq!(
            told,
            [
                "• started: 2 objects in 2 files of fleet",
                "+ EcsCluster/shop created",
                "+ EcsService/web created",
                "… EcsService/web rolling out: web:1",
                "✓ EcsService/web rolled out: web:1",
            ]
        );
        assert_eq!(life.changed(), ["CreateCluster", "RegisterTaskDefinition", "CreateService"]);
        assert_eq!(life.after(Duration::from_hours(6)).await, [""; 0]);
        assert_eq!(life.changed(), [""; 0]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_is_written_within_a_second_and_followed() {
    let world = World::new().await;
    Life::of(&world, &shop(), async |life| {
        life.after(LATER).await;
        life.changed();
        life.files.write("web.yaml", &[with(web(), IMAGE, json!("nginx:2"))]);
        let told = life.after(Duration::from_secs(1)).await;
        assert_eq!(
            told,
            [
                "• loaded: 1 changed object",
                "~ EcsService/web changed: new deployment: taskDefinition.containerDefinitions[web].image"
            ]
        );
        assert_eq!(count(&life.changed(), "UpdateService"), 1);
        let told = life.after(LATER).await;
        assert_eq!(told, ["… EcsService/web rolling out: web:2", "✓ EcsService/web rolled out: web:2"]);
        assert_eq!(life.changed(), [""; 0]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn drift_is_healed_after_a_sweep_or_when_somebody_asks() {
    let world = World::new().await;
    Life::of(&world, &shop(), async |life| {
        life.after(LATER).await;
        let drift = json!({"cluster": "shop", "service": "web", "desiredCount": 5});
        life.world.behind(Operation::UpdateService, drift.clone()).await;
        let told = life.after(INTERVAL * 2).await;
        assert_eq!(told, ["! EcsService/web healed: in place: service.desiredCount"]);
        assert_eq!(count(&life.changed(), "UpdateService"), 1);
        life.world.behind(Operation::UpdateService, drift.clone()).await;
        life.wake.ask();
        assert_eq!(life.after(SOON).await.len(), 1);
        life.after(Duration::from_mins(1)).await;
        life.world.behind(Operation::UpdateService, drift).await;
        life.files.touch();
        assert_eq!(life.after(SOON).await.len(), 1);
        assert_eq!(life.world.service("shop", "web").await["desiredCount"], 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn drift_that_is_only_reported_or_ignored_or_suspended_is_told_once_and_left() {
    let world = World::new().await;
    for (annotation, value, expected) in [
        (
            "drift",
            "report",
            "! EcsService/web drifted: its manifest says only to report it: service.desiredCount",
        ),
        ("drift", "ignore", ""),
        ("suspend", "true", ". EcsService/web suspended: its manifest asks to be left alone"),
    ] {
        let files = shop();
        let applied = if annotation == "suspend" { web() } else { annotated(web(), annotation, value) };
        files.write("web.yaml", &[applied]);
        Life::of(&world, &files, async |life| {
            life.after(LATER).await;
            files.write("web.yaml", &[annotated(web(), annotation, value)]);
            life.after(SOON).await;
            let drift = json!({"cluster": "shop", "service": "web", "desiredCount": 5});
            life.world.behind(Operation::UpdateService, drift).await;
            let mut told = life.after(Duration::from_hours(6)).await;
            told.retain(|line| !line.is_empty());
            let expected: Vec<&str> = Some(expected).filter(|line| !line.is_empty()).into_iter().collect();
            if annotation == "suspend" {
                assert_eq!(told, [""; 0], "told when it was suspended");
            } else {
                assert_eq!(told, expected);
            }
            assert_eq!(life.changed(), [""; 0]);
            assert_eq!(life.world.service("shop", "web").await["desiredCount"], 5);
            let back = json!({"cluster": "shop", "service": "web", "desiredCount": 2});
            life.world.behind(Operation::UpdateService, back).await;
        })
        .await;
    }
}
