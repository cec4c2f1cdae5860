//! What AWS was seen to answer is what the sandbox answers: ECR and Application Auto Scaling.
//!
//! Reads the corpus from the folder that `ECS_OPERATOR_CORPUS` names; without it the tests say so.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Call, Document, Refusal, Region, autoscaling, ecr};

type Answer = Result<Value, Refusal>;

/// The files of a folder of the corpus, by name.
fn files(folder: &str) -> Vec<(String, Value)> {
    let Some(corpus) = std::env::var_os("ECS_OPERATOR_CORPUS") else {
        println!("left out: ECS_OPERATOR_CORPUS is not set");
        return Vec::new();
    };
    let entries = std::fs::read_dir(PathBuf::from(corpus).join(folder)).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let name = format!("{folder}/{}", path.file_name().unwrap().display());
            (name, serde_json::from_str(&text).unwrap())
        })
        .collect();
    files.sort_by(|left, right| left.0.cmp(&right.0));
    files
}

fn document(value: &Value) -> Document {
    value.as_object().cloned().unwrap_or_default()
}

/// Whether every member of `part` is in `whole`, at any depth.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, part)| whole.get(name).is_some_and(|whole| contains(whole, part)))
        }
        _ => whole == part,
    }
}

/// A call to where a recorded ARN is from.
fn call_of(arn: &Value) -> Call {
    let parts: Vec<_> = arn.as_str().unwrap().split(':').collect();
    Call::new(parts[4], parts[3], 0.0)
}

fn call() -> Call {
    Call::new("123456789012", "us-east-1", 0.0)
}

/// Makes the repository `shop/web` and calls with `input` about it.
fn in_repository(operation: &str, member: &str, text: &str) -> Answer {
    let mut region = Region::default();
    let mut input = json!({"repositoryName": "shop/web"});
    ecr::answer(&mut region, &call(), "CreateRepository", &document(&input)).unwrap();
    input[member] = text.into();
    ecr::answer(&mut region, &call(), operation, &document(&input))
}

#[test]
fn recorded_policies_put_again_come_back_letter_for_letter() {
    let kinds = [("lifecyclePolicyText", "PutLifecyclePolicy"), ("policyText", "SetRepositoryPolicy")];
    for (file, recorded) in files("responses/ecr") {
        for (member, operation) in kinds {
            let Some(text) = recorded[member].as_str() else { continue };
            assert_eq!(in_repository(operation, member, text).unwrap()[member], text, "{file}");
        }
    }
}

#[test]
fn repositories_read_back_with_the_members_that_aws_answers() {
    for (file, recorded) in files("responses/ecr") {
        let one = recorded.get("repository").into_iter();
        for repository in one.chain(recorded["repositories"].as_array().into_iter().flatten()) {
            let mut expected = document(repository);
            expected.remove("createdAt");
            let input = expected.iter().filter(|(name, _)| {
                name.starts_with("image") || *name == "encryptionConfiguration" || *name == "repositoryName"
            });
            let input = input.map(|(name, value)| (name.clone(), value.clone())).collect();
            let call = call_of(&repository["repositoryArn"]);
            let answer = ecr::answer(&mut Region::default(), &call, "CreateRepository", &input).unwrap();
            assert!(contains(&answer["repository"], &expected.into()), "{file}: {answer:#}");
        }
    }
}

#[test]
fn documented_creations_of_repositories_are_answered_likewise() {
    for (file, pair) in files("pairs") {
        if pair["operation"] == "ecr:CreateRepository" {
            let call = call_of(&pair["response"]["repository"]["repositoryArn"]);
            let answer =
                ecr::answer(&mut Region::default(), &call, "CreateRepository", &document(&pair["request"]));
            assert!(contains(&answer.unwrap(), &pair["response"]), "{file}");
        }
    }
}

#[test]
fn lifecycle_policies_that_people_keep_are_accepted_unless_aws_refuses_them() {
    for (file, policy) in files("requests/ecr-lifecycle") {
        let answer = in_repository("PutLifecyclePolicy", "lifecyclePolicyText", &policy.to_string());
        let choiceless = policy["rules"].as_array().into_iter().flatten().any(|rule| {
            let selection = document(&rule["selection"]);
            let lists = ["tagPrefixList", "tagPatternList"];
            selection["tagStatus"] == "tagged" && !lists.iter().any(|list| selection.contains_key(*list))
        });
        match answer {
            Ok(_) => assert!(!choiceless, "{file}"),
            Err(refusal) => assert!(choiceless, "{file}: {}", refusal.message),
        }
    }
}

#[test]
fn repository_policies_that_people_keep_are_accepted() {
    for (file, policy) in files("requests/ecr-policy") {
        in_repository("SetRepositoryPolicy", "policyText", &policy.to_string()).expect(&file);
    }
}

#[test]
fn a_missing_lifecycle_policy_is_refused_in_the_recorded_words() {
    for (file, recorded) in files("responses/error") {
        if recorded["error"]["Code"] == "LifecyclePolicyNotFoundException" {
            let mut region = Region::default();
            let (call, input) =
                (Call::new("123456710058", "us-east-1", 0.0), json!({"repositoryName": "c7n"}));
            ecr::answer(&mut region, &call, "CreateRepository", &document(&input)).unwrap();
            let refusal =
                ecr::answer(&mut region, &call, "GetLifecyclePolicy", &document(&input)).unwrap_err();
            assert_eq!(json!(refusal.status), recorded["status_code"], "{file}");
            assert_eq!(json!(refusal.message), recorded["error"]["Message"], "{file}");
        }
    }
}

#[test]
fn recorded_targets_registered_again_read_back_the_same() {
    for (file, recorded) in files("responses/scaling") {
        for target in recorded["ScalableTargets"].as_array().into_iter().flatten() {
            let ("ecs", Some(place)) = (
                target["ServiceNamespace"].as_str().unwrap(),
                target["ResourceId"].as_str().unwrap().strip_prefix("service/"),
            ) else {
                continue;
            };
            let (cluster, service) = place.split_once('/').unwrap();
            let mut region = Region::default();
            let role: Vec<_> = target["RoleARN"].as_str().unwrap().split(':').collect();
            let call = Call::new(role[4], "us-east-1", 0.0);
            autoscaling::fixture::stage(&mut region, cluster, service, 1);
            let mut expected = document(target);
            expected.remove("CreationTime");
            autoscaling::answer(&mut region, &call, "RegisterScalableTarget", &expected).unwrap();
            let input = document(&json!({"ServiceNamespace": "ecs"}));
            let answer = autoscaling::answer(&mut region, &call, "DescribeScalableTargets", &input).unwrap();
            assert!(contains(&answer["ScalableTargets"][0], &expected.into()), "{file}: {answer:#}");
        }
    }
}

#[test]
fn scaling_configurations_that_people_keep_are_accepted_unless_they_are_ec2s() {
    for (file, configuration) in files("requests/scaling") {
        let mut configuration = document(&configuration);
        if !configuration.contains_key("TargetValue") {
            continue;
        }
        configuration.retain(|name, _| !name.starts_with('_'));
        let metric = configuration
            .get("PredefinedMetricSpecification")
            .map(|metric| metric["PredefinedMetricType"].clone());
        let ec2s = metric.is_some_and(|metric| metric.as_str().unwrap().starts_with("ASG"));
        let mut region = autoscaling::fixture::scaled();
        let input = json!({
            "PolicyName": "kept",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": configuration,
        });
        match autoscaling::fixture::ask(&mut region, "PutScalingPolicy", input) {
            Ok(_) => assert!(!ec2s, "{file}"),
            Err(refusal) => assert!(ec2s, "{file}: {}", refusal.message),
        }
    }
}
