//! What is no longer declared, where that is to be pruned: it goes when that is sure, and not for a moment's absence.

use super::life::{Files, INTERVAL, Life};
use crate::world::{REGION, World, annotated, cluster, count, service, with};
use ecs_operator::plan::Prune;
use serde_json::{Value, json};
use std::time::Duration;

const LATER: Duration = Duration::from_mins(20);

fn named(name: &str) -> Value {
    service(name, json!({}), json!({"desiredCount": 1}))
}

fn fleet() -> Files {
    let files = Files::default();
    files.write("shop.yaml", &[cluster("shop")]);
    for name in ["a", "b", "c", "d", "e"] {
        files.write(&format!("{name}.yaml"), &[named(name)]);
    }
    files
}

async fn pruning() -> World {
    let mut world = World::new().await;
    world.session.options.prune = Some(Prune { regions: [REGION.to_owned()].into(), ..Prune::default() });
    world
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_from_the_files_for_a_while_goes_from_aws() {
    let world = pruning().await;
    let files = fleet();
    Life::of(&world, &files, async |life| {
        life.after(LATER).await;
        life.changed();
        files.remove("a.yaml");
        let told = life.after(INTERVAL / 2).await;
        assert_eq!(told, ["- EcsService/a no longer declared: it is pruned, unless its policy keeps it"]);
        let told = life.after(INTERVAL * 3).await;
        assert!(told.contains(&"- EcsService/shop/a deleted".to_owned()), "{told:?}");
        assert_eq!(count(&life.changed(), "DeleteService"), 1);
        assert_eq!(life.after(Duration::from_hours(2)).await, [""; 0]);
        assert_eq!(life.changed(), [""; 0]);
        assert_ne!(life.world.service("shop", "a").await["status"], "ACTIVE");
        assert_eq!(life.world.service("shop", "b").await["status"], "ACTIVE");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_for_a_moment_or_kept_or_not_sure_stays() {
    let world = pruning().await;
    let files = fleet();
    files.write("kept.yaml", &[annotated(named("kept"), "deletion-policy", "retain")]);
    Life::of(&world, &files, async |life| {
        life.after(LATER).await;
        life.changed();
        // A branch is checked out, and somebody asks at the worst moment.
        files.remove("a.yaml");
        for _ in 0..3 {
            life.wake.ask();
            life.after(Duration::from_secs(10)).await;
        }
        files.write("a.yaml", &[named("a")]);
        files.remove("kept.yaml");
        life.after(INTERVAL * 4).await;
        // With an error anywhere it is not known what is declared.
        files.write_text("broken.yaml", "kind: [");
        files.remove("b.yaml");
        let told = life.after(INTERVAL * 4).await;
        let refused =
            told.iter().filter(|line| line.contains("blocked") && line.contains("the source has errors"));
        assert_eq!(refused.count(), 1, "{told:#?}");
        assert_eq!(count(&life.changed(), "DeleteService"), 0);
        files.remove("broken.yaml");
        life.after(INTERVAL * 4).await;
        assert_eq!(count(&life.changed(), "DeleteService"), 1, "b");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn too_much_at_once_does_not_go() {
    let world = pruning().await;
    let files = fleet();
    Life::of(&world, &files, async |life| {
        life.after(LATER).await;
        life.changed();
        for name in ["a", "b", "c", "d"] {
            files.remove(&format!("{name}.yaml"));
        }
        let told = life.after(INTERVAL * 6).await;
        let refused: Vec<&String> = told.iter().filter(|line| line.contains("blocked")).collect();
        assert!(refused.len() == 1 && refused[0].contains("prune/"), "{told:#?}");
        assert_eq!(life.changed(), [""; 0]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_goes_with_the_last_manifest_of_a_region_is_still_found() {
    let world = pruning().await;
    let files = fleet();
    let elsewhere = |manifest| with(manifest, "/spec/region", json!("eu-west-1"));
    files.write("west.yaml", &[elsewhere(cluster("west"))]);
    let moved = with(named("far"), "/spec/service/cluster", json!("west"));
    files.write("far.yaml", &[moved]);
    Life::of(&world, &files, async |life| {
        life.after(LATER).await;
        life.changed();
        files.remove("far.yaml");
        files.remove("west.yaml");
        let told = life.after(INTERVAL * 4).await;
        assert!(told.contains(&"- EcsService/west/far deleted".to_owned()), "{told:#?}");
        assert_eq!(count(&life.changed(), "DeleteService"), 1);
    })
    .await;
}
