//! What people keep in their repositories, pasted into manifests and applied: then there is nothing left to do.
//!
//! The documents come from the folder that `ECS_OPERATOR_CORPUS` names; without it the test says so and passes. That
//! those which are refused are refused for a good reason, at the right line, is held where manifests are resolved.

use crate::world::{World, cluster, manifest, problems};
use serde_json::{Value, json};
use std::path::Path;

/// The placeholders of people's templates, filled in: what they are is refused, what stands around them is not.
fn rendered(text: &str) -> String {
    let mut rendered = text.trim_start_matches('\u{feff}').to_owned();
    for (open, close) in [("{{", "}}"), ("${", "}"), ("<", ">")] {
        while let Some(start) = rendered.find(open) {
            let Some(end) = rendered[start..].find(close) else { break };
            rendered.replace_range(start..start + end + close.len(), "123456789012");
        }
    }
    let accounts = ["YOUR_ACCOUNT_ID", "AWS_ACCOUNT_ID", "ACCOUNT_ID", "XXXXXXXXXXXX"];
    accounts.iter().fold(rendered, |text, account| text.replace(account, "123456789012"))
}

fn documents(corpus: &Path, folder: &str) -> Vec<Value> {
    let files = std::fs::read_dir(corpus.join("requests").join(folder)).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let texts = paths.iter().map(|path| std::fs::read_to_string(path).unwrap());
    texts.filter_map(|text| serde_json::from_str(&rendered(&text)).ok()).collect()
}

fn of_task_definition(pasted: &Value) -> Vec<Value> {
    let body = pasted.get("taskDefinition").filter(|inner| inner.is_object()).unwrap_or(pasted);
    let fargate =
        body["requiresCompatibilities"].as_array().is_some_and(|list| list.contains(&json!("FARGATE")));
    let mut service =
        json!({"cluster": "shop", "desiredCount": 0, "launchType": if fargate { "FARGATE" } else { "EC2" }});
    if body["networkMode"] == "awsvpc" {
        service["networkConfiguration"] =
            json!({"awsvpcConfiguration": {"subnets": ["subnet-0aaaaaaaaaaaaaaa1"]}});
    }
    vec![
        cluster("shop"),
        manifest("EcsService", "pasted", json!({"service": service, "taskDefinition": pasted})),
    ]
}

fn of_repository(member: &str, policy: &Value) -> Vec<Value> {
    vec![manifest("EcrRepository", "pasted", json!({"region": "eu-central-1", member: policy}))]
}

fn of_scaling(pasted: &Value) -> Vec<Value> {
    let step = pasted.get("AdjustmentType").is_some();
    let (kind, member) = if step {
        ("StepScaling", "stepScalingPolicyConfiguration")
    } else {
        ("TargetTrackingScaling", "targetTrackingScalingPolicyConfiguration")
    };
    let task = json!({"containerDefinitions": [{"name": "web", "image": "web", "memory": 64}]});
    let service = json!({"cluster": "shop", "desiredCount": 1, "launchType": "EC2"});
    let policy = json!({"policyName": "pasted", "policyType": kind, member: pasted});
    let scaling = json!({"minCapacity": 1, "maxCapacity": 3, "policies": [policy]});
    let spec = json!({"service": service, "taskDefinition": task, "autoscaling": scaling});
    vec![cluster("shop"), manifest("EcsService", "pasted", spec)]
}

#[tokio::test(start_paused = true)]
async fn what_people_keep_is_applied_and_then_there_is_nothing_to_do() {
    let Some(corpus) = std::env::var_os("ECS_OPERATOR_CORPUS") else {
        println!("left out: pasted documents: ECS_OPERATOR_CORPUS names no folder of real documents");
        return;
    };
    let corpus = Path::new(&corpus);
    let mut fleets: Vec<Vec<Value>> = documents(corpus, "taskdef").iter().map(of_task_definition).collect();
    fleets.extend(
        documents(corpus, "ecr-lifecycle").iter().map(|policy| of_repository("lifecyclePolicy", policy)),
    );
    fleets.extend(
        documents(corpus, "ecr-policy").iter().map(|policy| of_repository("repositoryPolicy", policy)),
    );
    fleets.extend(documents(corpus, "scaling").iter().map(of_scaling));
    let mut applied = 0;
    for fleet in &fleets {
        if !problems(fleet).is_empty() {
            continue;
        }
        World::new().await.applies(fleet).await;
        applied += 1;
    }
    println!("{applied} of {} documents applied", fleets.len());
    assert!(applied * 4 > fleets.len() * 3, "only {applied} of {} documents could be applied", fleets.len());
}
