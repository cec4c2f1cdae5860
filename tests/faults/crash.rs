//! Killed before and after every write of a story, one after the other: the next operator finishes what was begun, in
//! the end there is just what there is without a death, and everything was made once.

use super::end::{Way, differences, end};
use super::scene::{Scene, shown};
use super::shop::{self, Versions};
use crate::operator::life::Files;
use ecs_operator::sandbox::{CallRecord, Fault, FaultKind};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::sleep;

/// Until all that was begun is done.
const LATER: Duration = Duration::from_mins(15);

/// Something that happens to a fleet at rest.
struct Story {
    before: fn() -> Files,
    happens: fn(&Files),
    /// The writes that it takes, in any order.
    writes: &'static [(&'static str, usize)],
}

/// What was made and unmade of each resource, and how often.
fn made(calls: &[CallRecord]) -> BTreeMap<String, usize> {
    let mut made = BTreeMap::new();
    for call in calls.iter().filter(|call| call.done) {
        let names = [
            "clusterName",
            "name",
            "repositoryName",
            "serviceName",
            "service",
            "family",
            "ResourceId",
            "PolicyName",
            "ScheduledActionName",
            "resourceArn",
            "cluster",
        ];
        let name = names.iter().find_map(|name| call.input.get(*name)?.as_str()).unwrap_or_default();
        *made.entry(format!("{} {name}", call.operation)).or_default() += 1;
    }
    made
}

impl Story {
    /// The fleet before it happens.
    async fn world(&self) -> Value {
        let scene = Scene::new((self.before)(), 1).pruning();
        scene.lives(LATER).await;
        scene.is_at_rest().await.unwrap();
        scene.sandbox.world()
    }

    /// What it comes to, and what was done; with `fault` the operator dies. Whether it did.
    async fn told(&self, world: &Value, fault: Option<Fault>) -> (Value, Vec<CallRecord>, bool) {
        let scene = Scene::restored(world, (self.before)(), 1).pruning();
        let died = scene
            .living(async {
                sleep(Duration::from_secs(30)).await;
                assert_eq!(scene.changes().iter().map(shown).collect::<Vec<_>>(), [""; 0]);
                if let Some(fault) = fault {
                    scene.sandbox.script(fault);
                }
                (self.happens)(&scene.files);
                tokio::select! {
                    () = scene.sandbox.halted() => true,
                    () = sleep(LATER) => false,
                }
            })
            .await;
        if died {
            scene.sandbox.clear_faults();
            scene.sandbox.resume();
            scene.lives(LATER).await;
        }
        let changes = scene.changes();
        scene.is_at_rest().await.unwrap_or_else(|why| panic!("{why}"));
        (end(&scene.sandbox.world(), Way::Same), changes, died)
    }

    async fn holds(&self) {
        let world = self.world().await;
        let (expected, changes, _) = self.told(&world, None).await;
        let writes = made(&changes);
        let count = |operation: &str| changes.iter().filter(|call| call.operation == operation).count();
        for (operation, times) in self.writes {
            assert_eq!(count(operation), *times, "{operation}: {writes:#?}");
        }
        let mut deaths = 0;
        for kind in [FaultKind::HaltBefore, FaultKind::HaltAfter] {
            for n in 0.. {
                let fault = Fault::new("writes", kind.clone()).after(n);
                let (found, changes, died) = self.told(&world, Some(fault)).await;
                if !died {
                    break;
                }
                deaths += 1;
                let at = format!(
                    "{kind:?} write {n}: {}",
                    changes.iter().map(shown).collect::<Vec<_>>().join("\n")
                );
                assert_eq!(differences(&expected, &found), [""; 0], "{at}");
                let again = made(&changes);
                let twice: Vec<_> = again
                    .iter()
                    .filter(|(what, times)| {
                        !what.starts_with("TagResource") && writes.get(*what) != Some(*times)
                    })
                    .collect();
                assert!(twice.is_empty(), "{twice:?}\n{at}");
            }
        }
        assert!(deaths >= 2 * changes.len(), "{deaths} deaths in {} writes", changes.len());
    }
}

#[tokio::test(start_paused = true)]
async fn killed_while_everything_is_made() {
    let story = Story {
        before: Files::default,
        happens: |files| Versions::default().write(files),
        writes: &[
            ("CreateCluster", 1),
            ("CreateCapacityProvider", 1),
            ("CreateRepository", 1),
            ("RegisterTaskDefinition", 3),
            ("CreateService", 3),
            ("RegisterScalableTarget", 1),
            ("PutScalingPolicy", 1),
            ("PutScheduledAction", 2),
        ],
    };
    story.holds().await;
}

#[tokio::test(start_paused = true)]
async fn killed_while_a_service_is_changed_between_its_revision_and_its_update_too() {
    let story = Story {
        before: || Versions::default().files(),
        happens: |files| {
            files.write("web.yaml", &[shop::scaled("web", "sandbox/ok:2", 6)]);
            files.write("repository.yaml", &[shop::repository(3)]);
            files.write("cluster.yaml", &[shop::cluster("disabled")]);
        },
        writes: &[
            ("RegisterTaskDefinition", 1),
            ("UpdateService", 1),
            ("PutLifecyclePolicy", 1),
            ("RegisterScalableTarget", 1),
        ],
    };
    story.holds().await;
}

#[tokio::test(start_paused = true)]
async fn killed_while_what_is_not_declared_is_pruned() {
    let story = Story {
        before: || Versions::default().files(),
        happens: |files| files.remove("extra.yaml"),
        writes: &[("DeleteService", 1)],
    };
    story.holds().await;
}

#[tokio::test(start_paused = true)]
async fn killed_while_a_bad_revision_goes_back() {
    let story = Story {
        before: || Versions::default().files(),
        happens: |files| files.write("api.yaml", &[shop::plain("api", "sandbox/crash")]),
        writes: &[("RegisterTaskDefinition", 1), ("UpdateService", 1)],
    };
    story.holds().await;
}
