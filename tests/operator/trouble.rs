//! What an operator does when things go wrong: calls fail, AWS is away, somebody else writes, the process is to end.

use super::life::{Files, Life};
use crate::world::{World, cluster, count, service, with};
use ecs_operator::aws::Operation;
use ecs_operator::sandbox::FaultKind;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const IMAGE: &str = "/spec/taskDefinition/containerDefinitions/0/image";
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

#[tokio::test(start_paused = true)]
async fn a_change_during_a_long_sweep_is_written_before_the_sweep_ends() {
    let world = World::new().await;
    let files = fleet();
    Life::of(&world, &files, async |life| {
        life.after(LATER).await;
        life.changed();
        let sweep = world.hold("DescribeServices");
        life.wake.ask();
        sleep(Duration::from_secs(1)).await;
        files.write("web.yaml", &[with(named("web"), IMAGE, json!("nginx:2"))]);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(count(&life.changed(), "UpdateService"), 1);
        sweep.notify_one();
        // What the sweep saw before is old, and is not told.
        let told = life.after(LATER).await;
        assert_eq!(told.last().unwrap(), "✓ EcsService/web rolled out: web:2", "{told:?}");
        assert_eq!(life.changed(), [""; 0]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_told_once_and_tried_ever_later_and_the_others_go_on() {
    let world = World::new().await;
    let files = fleet();
    Life::of(&world, &files, async |life| {
        life.after(LATER).await;
        life.changed();
        world.script("UpdateService", FaultKind::Denied, 1000);
        files.write("web.yaml", &[with(named("web"), IMAGE, json!("nginx:2"))]);
        let told = life.after(Duration::from_hours(2)).await;
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[1].starts_with("✗ EcsService/web failed: ecs:UpdateService"), "{told:?}");
        assert!(
            told[1].contains("hint: the caller needs the IAM permission `ecs:UpdateService`"),
            "{told:?}"
        );
        let tries = count(&life.changed(), "UpdateService (AccessDeniedException)");
        assert!((20..40).contains(&tries), "{tries} in two hours: every five minutes in the end");
        files.write("other.yaml", &[named("other")]);
        let told = life.after(LATER).await;
        assert!(told.contains(&"✓ EcsService/other rolled out: other:1".to_owned()), "{told:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_hour_without_aws_is_no_drift_and_no_absence_and_then_all_goes_on() {
    let world = World::new().await;
    let files = fleet();
    Life::of(&world, &files, async |life| {
        life.after(LATER).await;
        life.changed();
        world.garble(true);
        files.write("web.yaml", &[with(named("web"), IMAGE, json!("nginx:2"))]);
        let told = life.after(Duration::from_hours(1)).await;
        assert_eq!(life.changed(), [""; 0]);
        assert_eq!(told.iter().filter(|line| line.contains("AWS cannot be asked")).count(), 1, "{told:?}");
        assert!(told.len() <= 4, "{told:?}");
        world.garble(false);
        let told = life.after(LATER).await;
        assert!(told.contains(&"✓ AWS answers again".to_owned()), "{told:?}");
        assert!(told.contains(&"✓ EcsService/web rolled out: web:2".to_owned()), "{told:?}");
        assert_eq!(count(&life.changed(), "UpdateService"), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_takes_back_is_written_a_few_times_and_then_ever_later() {
    let world = World::new().await;
    let files = fleet();
    Life::of(&world, &files, async |life| {
        life.after(LATER).await;
        life.changed();
        let mut heals = 0;
        for _ in 0..24 * 30 {
            let input = json!({"cluster": "shop", "service": "web", "desiredCount": 5});
            // Counted before it is forgotten by somebody else's call.
            heals += count(&life.changed(), "UpdateService");
            life.world.behind(Operation::UpdateService, input).await;
            sleep(Duration::from_mins(2)).await;
        }
        let told = life.told.take();
        assert!((3..40).contains(&heals), "{heals} in a day");
        assert_eq!(told.iter().filter(|line| line.contains("not kept: written")).count(), 1, "{told:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn when_it_is_to_stop_the_call_under_way_is_finished_and_none_is_begun() {
    let world = World::new().await;
    let files = fleet();
    Life::of(&world, &files, async |life| drop(life.after(LATER).await)).await;
    world.sandbox.forget_calls();
    let began = Instant::now();
    Life::of(&world, &files, async |life| {
        life.after(Duration::from_secs(10)).await;
        let update = world.hold("UpdateService");
        files.write("web.yaml", &[with(named("web"), IMAGE, json!("nginx:2"))]);
        sleep(Duration::from_secs(1)).await;
        life.wake.stop();
        sleep(Duration::from_secs(3)).await;
        update.notify_one();
    })
    .await;
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    // The tag that says that it is applied is for the next one to write.
    assert_eq!(world.changed(), ["TagResource", "RegisterTaskDefinition", "UpdateService"]);
    world.sandbox.forget_calls();
    Life::of(&world, &files, async |life| {
        life.after(LATER).await;
        assert_eq!(count(&life.changed(), "UpdateService"), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_never_answered_does_not_keep_it_from_stopping() {
    let world = World::new().await;
    let files = fleet();
    Life::of(&world, &files, async |life| drop(life.after(LATER).await)).await;
    let mut stopped = Instant::now();
    Life::of(&world, &files, async |life| {
        life.after(Duration::from_secs(10)).await;
        let _never = world.hold("UpdateService");
        files.write("web.yaml", &[with(named("web"), IMAGE, json!("nginx:2"))]);
        sleep(Duration::from_secs(1)).await;
        stopped = Instant::now();
    })
    .await;
    assert!(stopped.elapsed() < Duration::from_secs(10), "{:?}", stopped.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_write_that_waits_for_its_next_try_is_not_tried_when_it_is_to_stop() {
    let world = World::new().await;
    let files = fleet();
    Life::of(&world, &files, async |life| drop(life.after(LATER).await)).await;
    let mut stopped = Instant::now();
    Life::of(&world, &files, async |life| {
        life.after(Duration::from_secs(10)).await;
        world.sandbox.forget_calls();
        world.script("UpdateService", FaultKind::Throttled, 1000);
        files.write("web.yaml", &[with(named("web"), IMAGE, json!("nginx:2"))]);
        sleep(Duration::from_secs(20)).await;
        stopped = Instant::now();
    })
    .await;
    assert!(stopped.elapsed() < Duration::from_secs(1), "{:?}", stopped.elapsed());
    assert_eq!(count(&world.changed(), "UpdateService"), 0);
}
