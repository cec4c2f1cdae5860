//! The process ends before or after a write: the next one finishes what was begun, and makes nothing twice.

use crate::world::{World, cluster, manifest, service, with};
use ecs_operator::sandbox::{Fault, FaultKind};
use serde_json::{Value, json};

fn shop() -> [Value; 3] {
    let scaling = json!({"minCapacity": 1, "maxCapacity": 4, "policies": [{
        "policyName": "cpu", "policyType": "TargetTrackingScaling",
        "targetTrackingScalingPolicyConfiguration": {
            "targetValue": 60.0, "predefinedMetricSpecification": {"predefinedMetricType": "ECSServiceAverageCPUUtilization"},
        },
    }]});
    let web = with(service("web", json!({}), json!({})), "/spec/autoscaling", scaling);
    [cluster("shop"), web, manifest("EcrRepository", "web", json!({}))]
}

/// Another image, another size: a revision and a deployment.
fn changed() -> [Value; 3] {
    let [cluster, web, repository] = shop();
    let web = with(web, "/spec/taskDefinition/containerDefinitions/0/image", json!("nginx:2"));
    [
        cluster,
        with(web, "/spec/taskDefinition/memory", json!("1024")),
        with(repository, "/spec/imageTagMutability", json!("IMMUTABLE")),
    ]
}

/// Applies, with the process ending at the `n`-th write; whether there were as many.
async fn apply_until(world: &World, manifests: &[Value], kind: FaultKind, n: u32) -> bool {
    world.sandbox.script(Fault::new("writes", kind).after(n));
    tokio::select! {
        applied = world.apply(manifests) => {
            assert!(applied.failures.is_empty(), "{:?}", applied.failures);
            world.sandbox.clear_faults();
            false
        }
        () = world.sandbox.halted() => true,
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_or_after_any_write_ends_as_without_it() {
    let (mut crashes, made) =
        (0, ["ecs:CreateService", "ecs:RegisterTaskDefinition", "ecr:CreateRepository"]);
    for kind in [FaultKind::HaltBefore, FaultKind::HaltAfter] {
        for n in 0.. {
            let mut world = World::new().await;
            let mut ended = false;
            for (manifests, counts) in [(shop(), [1, 1, 1]), (changed(), [1, 2, 1])] {
                let crashed = apply_until(&world, &manifests, kind.clone(), n).await;
                world.restart().await;
                world.applies(&manifests).await;
                let done = |operation: &str| world.sandbox.counts()[operation].done;
                assert_eq!(made.map(done), counts, "{kind:?} {n}");
                crashes += usize::from(crashed);
                ended |= crashed;
            }
            if !ended {
                break;
            }
        }
    }
    assert!(crashes > 20, "{crashes}");
}
