//! Repositories and their two policies.

use crate::world::{World, count, manifest, of, operations, paths, with};
use ecs_operator::aws::Operation;
use ecs_operator::plan::{Blocked, Hold, Verdict};
use serde_json::{Value, json};

fn repository(spec: Value) -> Value {
    manifest("EcrRepository", "web", spec)
}

fn full() -> Value {
    repository(json!({
        "repositoryName": "shop/web",
        "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": {"scanOnPush": true},
        "lifecyclePolicy": {"rules": [
            {"rulePriority": 2, "selection": {"tagStatus": "tagged", "tagPrefixList": ["v", "main"], "countType": "imageCountMoreThan", "countNumber": 9}, "action": {"type": "expire"}},
            {"rulePriority": 1, "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7}, "action": {"type": "expire"}}]},
        "repositoryPolicy": {"Version": "2012-10-17", "Statement": {"Sid": "pull", "Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}},
        "tags": [{"Key": "team", "Value": "a"}]
    }))
}

#[tokio::test(start_paused = true)]
async fn a_repository_with_all_it_can_have_is_made_once() {
    let world = World::new().await;
    let applied = world.applies(&[full()]).await;
    assert_eq!(
        applied.changes,
        ["CreateRepository", "PutLifecyclePolicy", "SetRepositoryPolicy", "TagResource"]
    );
}

#[tokio::test(start_paused = true)]
async fn another_order_of_rules_prefixes_and_actions_is_the_same() {
    let world = World::new().await;
    world.applies(&[full()]).await;
    let mut other = full();
    other["spec"]["lifecyclePolicy"]["rules"].as_array_mut().unwrap().reverse();
    let other = with(other, "/spec/lifecyclePolicy/rules/1/selection/tagPrefixList", json!(["main", "v"]));
    let statement = json!([{"Effect": "Allow", "Sid": "pull", "Action": ["ecr:BatchGetImage"], "Principal": {"AWS": "*"}}]);
    let other = with(other, "/spec/repositoryPolicy/Statement", statement);
    world.has_nothing_to_do(std::slice::from_ref(&other)).await;
    let text = other["spec"]["repositoryPolicy"].to_string();
    world.has_nothing_to_do(&[with(other, "/spec/repositoryPolicy", json!(text))]).await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_policy_is_put_and_never_deleted_first() {
    let world = World::new().await;
    world.applies(&[full()]).await;
    let changed = with(full(), "/spec/lifecyclePolicy/rules/0/selection/countNumber", json!(5));
    assert_eq!(
        paths(&world.plan(std::slice::from_ref(&changed)).await),
        ["lifecyclePolicy.rules[2].selection.countNumber"]
    );
    let applied = world.applies(&[changed]).await;
    assert_eq!(applied.changes, ["TagResource", "PutLifecyclePolicy", "TagResource"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_declared_no_more_goes_back_to_its_default() {
    let world = World::new().await;
    world.applies(&[full()]).await;
    let bare = repository(json!({"repositoryName": "shop/web"}));
    let applied = world.applies(&[bare]).await;
    for operation in [
        "PutImageTagMutability",
        "PutImageScanningConfiguration",
        "DeleteLifecyclePolicy",
        "DeleteRepositoryPolicy",
    ] {
        assert_eq!(count(&applied.changes, operation), 1, "{:?}", applied.changes);
    }
    let live = world.behind(Operation::DescribeRepositories, json!({})).await["repositories"][0].clone();
    assert_eq!(
        (&live["imageTagMutability"], &live["imageScanningConfiguration"]),
        (&json!("MUTABLE"), &json!({"scanOnPush": false}))
    );
}

#[tokio::test(start_paused = true)]
async fn drift_of_a_setting_is_healed_by_its_call_alone() {
    let world = World::new().await;
    world.applies(&[full()]).await;
    let input = json!({"repositoryName": "shop/web", "imageTagMutability": "MUTABLE"});
    world.behind(Operation::PutImageTagMutability, input).await;
    let plan = world.plan(&[full()]).await;
    assert_eq!(of(&plan, "shop/web").verdict, Verdict::Drift);
    assert_eq!(operations(&plan), ["TagResource", "PutImageTagMutability", "TagResource"]);
    world.applies(&[full()]).await;
}

#[tokio::test(start_paused = true)]
async fn the_encryption_of_a_repository_cannot_be_changed() {
    let world = World::new().await;
    world.applies(&[full()]).await;
    let changed = with(full(), "/spec/encryptionConfiguration", json!({"encryptionType": "KMS"}));
    let plan = world.plan(&[changed]).await;
    let members = vec!["encryptionConfiguration.encryptionType".to_owned()];
    assert_eq!(of(&plan, "shop/web").hold, Some(Hold::Blocked(Blocked::ReplacementNeeded { members })));
    assert_eq!(operations(&plan), [""; 0]);
}
