//! What becomes of objects when their files cannot be used: what runs is kept, the rest goes on, and it is said once.

use super::life::{Files, INTERVAL, Life};
use crate::world::{World, cluster, count, service, with};
use ecs_operator::aws::Operation;
use serde_json::{Value, json};
use std::time::Duration;

const IMAGE: &str = "/spec/taskDefinition/containerDefinitions/0/image";
const SOON: Duration = Duration::from_secs(2);
const LATER: Duration = Duration::from_mins(20);

fn named(name: &str) -> Value {
    service(name, json!({}), json!({"desiredCount": 2}))
}

fn fleet() -> Files {
    let files = Files::default();
    files.write("shop.yaml", &[cluster("shop")]);
    files.write("web.yaml", &[named("web")]);
    files.write("api.yaml", &[named("api")]);
    files
}

/// Somebody else scales a service.
async fn drift(life: &Life<'_>, name: &str) {
    let input = json!({"cluster": "shop", "service": name, "desiredCount": 5});
    life.world.behind(Operation::UpdateService, input).await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_becomes_invalid_keeps_what_it_last_said_until_it_can_be_read_again() {
    let world = World::new().await;
    let files = fleet();
    Life::of(&world, &files, async |life| {
        life.after(LATER).await;
        life.changed();
        // It breaks: said once, and nothing is done.
        files.write_text("web.yaml", "kind: [");
        let told = life.after(INTERVAL * 3).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].starts_with("x fleet/web.yaml invalid: fleet/web.yaml:")
                && told[0].ends_with("kept as it was last valid"),
            "{told:?}"
        );
        assert_eq!(life.changed(), [""; 0]);
        // Drift of it is healed to what it last said, and the others go on.
        drift(life, "web").await;
        files.write("api.yaml", &[with(named("api"), IMAGE, json!("nginx:2"))]);
        let told = life.after(INTERVAL * 2).await;
        assert!(
            told.contains(&"! EcsService/web healed: in place: service.desiredCount".to_owned()),
            "{told:?}"
        );
        assert!(told.contains(&"✓ EcsService/api rolled out: api:2".to_owned()), "{told:?}");
        assert_eq!(count(&life.changed(), "UpdateService"), 2);
        // It is fixed, and says something new.
        files.write("web.yaml", &[with(named("web"), IMAGE, json!("nginx:2"))]);
        let told = life.after(LATER).await;
        assert!(told.contains(&"✓ fleet/web.yaml valid again".to_owned()), "{told:?}");
        assert!(told.contains(&"✓ EcsService/web rolled out: web:2".to_owned()), "{told:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_an_invalid_file_is_reported_and_nothing_is_written_for_it() {
    let world = World::new().await;
    let files = fleet();
    Life::of(&world, &files, async |life| drop(life.after(LATER).await)).await;
    files.write("web.yaml", &[with(named("web"), "/spec/service/desiredcount", json!(3))]);
    Life::of(&world, &files, async |life| {
        let told = life.after(LATER).await;
        assert!(
            told[0].starts_with("x EcsService/web invalid") && told[0].ends_with("nothing is done about it"),
            "{told:?}"
        );
        assert_eq!(told[1..], ["• started: 2 objects in 3 files of fleet"]);
        drift(life, "web").await;
        drift(life, "api").await;
        let told = life.after(INTERVAL * 3).await;
        assert_eq!(told, ["! EcsService/api healed: in place: service.desiredCount"]);
        assert_eq!(life.world.service("shop", "web").await["desiredCount"], 5);
        life.world.sandbox.forget_calls();
        files.write("web.yaml", &[named("web")]);
        let told = life.after(SOON).await;
        assert!(
            told.contains(&"! EcsService/web healed: in place: service.desiredCount".to_owned()),
            "{told:?}"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_gone_changes_nothing_and_a_file_that_is_gone_leaves_its_objects() {
    let world = World::new().await;
    let files = fleet();
    Life::of(&world, &files, async |life| {
        life.after(LATER).await;
        life.changed();
        files.lose_all(true);
        let told = life.after(INTERVAL * 3).await;
        assert_eq!(told, ["x fleet invalid: fleet: there is no such directory; kept as it was last valid"]);
        drift(life, "web").await;
        let told = life.after(INTERVAL * 2).await;
        assert_eq!(told, ["! EcsService/web healed: in place: service.desiredCount"]);
        files.lose_all(false);
        assert_eq!(life.after(SOON).await, ["✓ fleet valid again"]);
        life.changed();
        files.remove("web.yaml");
        assert_eq!(life.after(SOON).await, ["- EcsService/web no longer declared: what runs of it stays"]);
        drift(life, "web").await;
        assert_eq!(life.after(INTERVAL * 3).await, [""; 0]);
        assert_eq!(life.changed(), [""; 0]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_two_files_declare_stays_as_it_was() {
    let world = World::new().await;
    let files = fleet();
    Life::of(&world, &files, async |life| {
        life.after(LATER).await;
        life.changed();
        files.write("copy.yaml", &[with(named("web"), IMAGE, json!("nginx:9"))]);
        let told = life.after(INTERVAL * 3).await;
        assert!(told.len() == 1 && told[0].starts_with("x EcsService/web invalid"), "{told:?}");
        assert_eq!(life.changed(), [""; 0]);
        files.remove("copy.yaml");
        assert_eq!(life.after(SOON).await, ["✓ EcsService/web valid again"]);
    })
    .await;
}
