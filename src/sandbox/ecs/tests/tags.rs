//! Tags.

use serde_json::{Value, json};

use super::{ARN, Client};

fn tag(key: &str, value: &str) -> Value {
    json!({"key": key, "value": value})
}

#[test]
fn everything_can_be_tagged_untagged_and_listed() {
    let client = Client::with_service(1);
    client.ecs(
        "CreateCapacityProvider",
        json!({"name": "big", "autoScalingGroupProvider": {"autoScalingGroupArn": "big"}}),
    );
    let task =
        client.ecs("ListTasks", json!({"cluster": "shop"}))["taskArns"][0].as_str().unwrap().to_owned();
    let own = ["cluster/shop", "service/shop/web", "task-definition/web:1", "capacity-provider/big"];
    for arn in own.iter().map(|name| format!("{ARN}{name}")).chain([task]) {
        client.ecs("TagResource", json!({"resourceArn": arn, "tags": [tag("b", "2"), tag("a", "1")]}));
        client.ecs("TagResource", json!({"resourceArn": arn, "tags": [tag("b", "3")]}));
        let listed = client.ecs("ListTagsForResource", json!({"resourceArn": arn}));
        assert_eq!(listed["tags"], json!([tag("a", "1"), tag("b", "3")]), "{arn}");
        client.ecs("UntagResource", json!({"resourceArn": arn, "tagKeys": ["a", "none"]}));
        let listed = client.ecs("ListTagsForResource", json!({"resourceArn": arn}));
        assert_eq!(listed["tags"], json!([tag("b", "3")]), "{arn}");
    }
    assert_eq!(client.service("web")["tags"], json!([tag("b", "3")]));
    let without = client.ecs("DescribeServices", json!({"cluster": "shop", "services": ["web"]}));
    assert!(without["services"][0].get("tags").is_none());
}

#[test]
fn tags_that_are_not_allowed_are_refused() {
    let client = Client::shop();
    let arn = format!("{ARN}cluster/shop");
    let many: Vec<Value> = (0..50).map(|n| tag(&format!("k{n}"), "v")).collect();
    client.ecs("TagResource", json!({"resourceArn": arn, "tags": many}));
    for tags in [
        json!([tag("one-more", "v")]),
        json!([tag("aws:mine", "v")]),
        json!([tag("k#", "v")]),
        json!([tag("", "v")]),
        json!([tag("k", &"v".repeat(257))]),
        json!([tag("k", "1"), tag("k", "2")]),
        json!(vec![tag("k", "1"); 51]),
    ] {
        assert_eq!(
            client.refused("TagResource", json!({"resourceArn": arn, "tags": tags})).0,
            "InvalidParameterException"
        );
    }
    client.ecs("TagResource", json!({"resourceArn": arn, "tags": [tag("k0", "grüß dich: a/b=c+d-e@f")]}));
}

#[test]
fn what_is_not_there_has_no_tags() {
    let client = Client::shop();
    for name in ["cluster/none", "service/shop/none", "service/web", "task-definition/none:1", "nonsense"] {
        let refused = client.refused("ListTagsForResource", json!({"resourceArn": format!("{ARN}{name}")}));
        assert_eq!(refused.0, "InvalidParameterException", "{name}");
    }
    assert_eq!(
        client.refused("ListTagsForResource", json!({"resourceArn": "shop"})).0,
        "InvalidParameterException"
    );
}

#[test]
fn a_services_tags_reach_its_tasks_when_they_are_propagated() {
    let client = Client::shop();
    let more = json!({"tags": [tag("team", "a")], "propagateTags": "SERVICE", "enableECSManagedTags": true});
    client.ecs("CreateService", super::with(super::fargate_service("web", 1), more));
    client.pass(super::SETTLED);
    let task =
        client.ecs("ListTasks", json!({"cluster": "shop", "serviceName": "web"}))["taskArns"][0].clone();
    let answer =
        client.ecs("DescribeTasks", json!({"cluster": "shop", "tasks": [task], "include": ["TAGS"]}));
    let expected =
        json!([tag("aws:ecs:clusterName", "shop"), tag("aws:ecs:serviceName", "web"), tag("team", "a")]);
    assert_eq!(answer["tasks"][0]["tags"], expected);
}
