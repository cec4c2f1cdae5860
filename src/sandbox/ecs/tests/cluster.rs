//! Clusters, capacity providers, account settings.

use serde_json::{Value, json};

use super::{ARN, Client, SETTLED, fargate_service, with};

fn group(more: Value) -> Value {
    json!({"autoScalingGroupProvider": with(json!({"autoScalingGroupArn": "big"}), more)})
}

#[test]
fn a_new_cluster_answers_its_settings_and_tags() {
    let client = Client::new();
    let tags = json!([{"key": "team", "value": "a"}]);
    let answer = client.ecs(
        "CreateCluster",
        json!({"clusterName": "shop", "capacityProviders": ["FARGATE_SPOT", "FARGATE"], "tags": tags}),
    );
    let expected = json!({
        "clusterArn": format!("{ARN}cluster/shop"),
        "clusterName": "shop",
        "status": "ACTIVE",
        "registeredContainerInstancesCount": 0,
        "runningTasksCount": 0,
        "pendingTasksCount": 0,
        "activeServicesCount": 0,
        "tags": tags,
        "settings": [{"name": "containerInsights", "value": "disabled"}],
        "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": [],
    });
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&answer["cluster"][member], value, "{member}");
    }
}

#[test]
fn an_existing_name_answers_that_cluster_without_an_error() {
    let client = Client::new();
    let settings = |value: &str| json!({"clusterName": "shop", "settings": [{"name": "containerInsights", "value": value}]});
    client.ecs("CreateCluster", settings("enabled"));
    let again = client.ecs("CreateCluster", settings("disabled"));
    assert_eq!(again["cluster"]["settings"][0]["value"], "enabled");
}

#[test]
fn parts_are_described_on_request_only() {
    let client = Client::with_instances();
    client.ecs(
        "UpdateCluster",
        json!({"cluster": "shop", "configuration": {"executeCommandConfiguration": {"logging": "DEFAULT"}}}),
    );
    let bare = client.ecs("DescribeClusters", json!({"clusters": ["shop"]}))["clusters"][0].clone();
    assert_eq!((&bare["settings"], &bare["tags"]), (&json!([]), &json!([])));
    assert!(bare.get("configuration").is_none() && bare.get("attachments").is_none());
    let include = ["SETTINGS", "CONFIGURATIONS", "TAGS", "ATTACHMENTS", "STATISTICS"];
    let whole = client.ecs("DescribeClusters", json!({"clusters": ["shop"], "include": include}))["clusters"]
        [0]
    .clone();
    assert_eq!(whole["settings"][0]["value"], "disabled");
    assert_eq!(whole["configuration"]["executeCommandConfiguration"]["logging"], "DEFAULT");
    assert_eq!(whole["attachmentsStatus"], "UPDATE_COMPLETE");
    assert_eq!(whole["attachments"][0]["type"], "as_policy");
    assert_eq!(whole["statistics"].as_array().unwrap().len(), 4);
}

#[test]
fn a_missing_cluster_is_reported_with_200() {
    let client = Client::new();
    let answer = client.ecs("DescribeClusters", json!({"clusters": ["none"]}));
    assert_eq!(
        answer,
        json!({"clusters": [], "failures": [{"arn": format!("{ARN}cluster/none"), "reason": "MISSING"}]})
    );
}

#[test]
fn a_namespace_comes_back_as_an_arn_and_an_empty_one_resets_it() {
    let client = Client::new();
    client.ecs(
        "CreateCluster",
        json!({"clusterName": "shop", "serviceConnectDefaults": {"namespace": "internal"}}),
    );
    let namespace = |client: &Client| {
        client.ecs("DescribeClusters", json!({"clusters": ["shop"]}))["clusters"][0]
            .get("serviceConnectDefaults")
            .cloned()
    };
    let arn = namespace(&client).unwrap()["namespace"].clone();
    assert!(
        arn.as_str().unwrap().starts_with("arn:aws:servicediscovery:eu-central-1:123456789012:namespace/ns-"),
        "{arn}"
    );
    client.ecs("UpdateCluster", json!({"cluster": "shop", "serviceConnectDefaults": {"namespace": ""}}));
    assert_eq!(namespace(&client), None);
}

#[test]
fn the_account_setting_is_the_default_of_new_clusters() {
    let client = Client::new();
    client.ecs("PutAccountSetting", json!({"name": "containerInsights", "value": "enhanced"}));
    let cluster = client.ecs("CreateCluster", json!({}))["cluster"].clone();
    assert_eq!(cluster["settings"][0]["value"], "enhanced");
    assert_eq!(client.ecs("ListAccountSettings", json!({}))["settings"].as_array().unwrap().len(), 1);
    let effective =
        client.ecs("ListAccountSettings", json!({"effectiveSettings": true, "name": "serviceLongArnFormat"}));
    assert_eq!(effective["settings"][0]["value"], "enabled");
}

#[test]
fn a_provider_is_filled_and_becomes_active() {
    let client = Client::new();
    let created = client.ecs(
        "CreateCapacityProvider",
        with(json!({"name": "big"}), group(json!({"managedScaling": {"status": "ENABLED"}}))),
    );
    let provider = &created["capacityProvider"];
    assert_eq!(provider["status"], "PROVISIONING");
    let group = &provider["autoScalingGroupProvider"];
    assert!(group["autoScalingGroupArn"].as_str().unwrap().ends_with(":autoScalingGroupName/big"));
    assert_eq!(
        group["managedScaling"],
        json!({"status": "ENABLED", "targetCapacity": 100, "minimumScalingStepSize": 1, "maximumScalingStepSize": 10000, "instanceWarmupPeriod": 300})
    );
    assert_eq!(
        (&group["managedDraining"], &group["managedTerminationProtection"]),
        (&json!("ENABLED"), &json!("DISABLED"))
    );
    client.ecs("CreateCluster", json!({"clusterName": "shop"}));
    let put = json!({"cluster": "shop", "capacityProviders": ["big"], "defaultCapacityProviderStrategy": []});
    assert!(client.refused("PutClusterCapacityProviders", put.clone()).1.contains("not in an ACTIVE state"));
    client.pass(10);
    client.ecs("PutClusterCapacityProviders", put);
}

#[test]
fn fargates_providers_are_always_there_and_pages_have_ten() {
    let client = Client::new();
    let all = client.ecs("DescribeCapacityProviders", json!({}));
    let names: Vec<&Value> =
        all["capacityProviders"].as_array().unwrap().iter().map(|p| &p["name"]).collect();
    assert_eq!(names, ["FARGATE", "FARGATE_SPOT"]);
    for n in 0..10 {
        client.ecs("CreateCapacityProvider", with(json!({"name": format!("p{n}")}), group(json!({}))));
    }
    let first = client.ecs("DescribeCapacityProviders", json!({}));
    assert_eq!(first["capacityProviders"].as_array().unwrap().len(), 10);
    let second = client.ecs("DescribeCapacityProviders", json!({"nextToken": first["nextToken"]}));
    assert_eq!(second["capacityProviders"].as_array().unwrap().len(), 2);
    let missing = client.ecs("DescribeCapacityProviders", json!({"capacityProviders": ["none"]}));
    assert_eq!(missing["failures"][0]["reason"], "MISSING");
}

#[test]
fn a_provider_is_updated_in_part_and_never_its_group() {
    let client = Client::new();
    client.ecs(
        "CreateCapacityProvider",
        with(json!({"name": "big"}), group(json!({"managedDraining": "DISABLED"}))),
    );
    client.pass(10);
    let changes = json!({"name": "big", "autoScalingGroupProvider": {"managedScaling": {"status": "ENABLED", "targetCapacity": 90}}});
    let provider = client.ecs("UpdateCapacityProvider", changes)["capacityProvider"].clone();
    assert_eq!(provider["autoScalingGroupProvider"]["managedDraining"], "DISABLED");
    assert_eq!(provider["autoScalingGroupProvider"]["managedScaling"]["targetCapacity"], 90);
    let group = json!({"name": "big", "autoScalingGroupProvider": {"autoScalingGroupArn": "other"}});
    assert_eq!(client.refused("UpdateCapacityProvider", group).0, "SerializationException");
}

#[test]
fn providers_that_exist_are_in_use_or_reserved_are_refused() {
    let client = Client::with_instances();
    let again = with(json!({"name": "big"}), group(json!({})));
    assert!(client.refused("CreateCapacityProvider", again).1.contains("already exists"));
    assert_eq!(
        client.refused("DeleteCapacityProvider", json!({"capacityProvider": "big"})).0,
        "ClientException"
    );
    assert_eq!(
        client.refused("DeleteCapacityProvider", json!({"capacityProvider": "FARGATE"})).0,
        "InvalidParameterException"
    );
    let reserved = with(json!({"name": "aws-big"}), group(json!({})));
    assert_eq!(client.refused("CreateCapacityProvider", reserved).0, "InvalidParameterException");
    let neither = client.refused("CreateCapacityProvider", json!({"name": "none"}));
    assert_eq!(neither.0, "InvalidParameterException");
}

#[test]
fn a_deleted_provider_is_inactive_for_a_while() {
    let client = Client::new();
    client.ecs("CreateCapacityProvider", with(json!({"name": "big"}), group(json!({}))));
    client.pass(10);
    let deleted = client.ecs("DeleteCapacityProvider", json!({"capacityProvider": "big"}));
    assert_eq!(deleted["capacityProvider"]["updateStatus"], "DELETE_IN_PROGRESS");
    client.pass(10);
    let describe = || client.ecs("DescribeCapacityProviders", json!({"capacityProviders": ["big"]}));
    assert_eq!(describe()["capacityProviders"][0]["status"], "INACTIVE");
    client.pass(3600);
    assert_eq!(describe()["failures"][0]["reason"], "MISSING");
}

#[test]
fn putting_providers_replaces_the_whole_set_and_takes_a_while() {
    let client = Client::with_instances();
    let put = |providers: Value, strategy: Value| json!({"cluster": "shop", "capacityProviders": providers, "defaultCapacityProviderStrategy": strategy});
    let strategy = json!([{"capacityProvider": "big"}, {"capacityProvider": "FARGATE", "weight": 1}]);
    assert!(
        client
            .refused("PutClusterCapacityProviders", put(json!(["big", "FARGATE"]), strategy))
            .1
            .contains("mix")
    );
    let strategy = json!([{"capacityProvider": "FARGATE", "weight": 1}]);
    assert!(
        client
            .refused("PutClusterCapacityProviders", put(json!(["big"]), strategy.clone()))
            .1
            .contains("not associated")
    );
    let cluster =
        client.ecs("PutClusterCapacityProviders", put(json!(["FARGATE"]), strategy.clone()))["cluster"]
            .clone();
    assert_eq!(cluster["capacityProviders"], json!(["FARGATE"]));
    assert_eq!(cluster["attachmentsStatus"], "UPDATE_IN_PROGRESS");
    let busy = client.refused("PutClusterCapacityProviders", put(json!([]), json!([])));
    assert_eq!(busy.0, "UpdateInProgressException");
    client.pass(10);
    client.ecs("PutClusterCapacityProviders", put(json!(["FARGATE", "FARGATE_SPOT"]), strategy));
    let (code, message) =
        client.refused("PutClusterCapacityProviders", json!({"cluster": "shop", "capacityProviders": []}));
    assert_eq!(code, "InvalidParameterException");
    assert!(message.contains("'defaultCapacityProviderStrategy'"), "both arguments are required: {message}");
    let (_, message) = client.refused("PutClusterCapacityProviders", put(json!(["gone"]), json!([])));
    assert!(message.contains("'gone' was not found"), "{message}");
}

#[test]
fn a_provider_that_a_service_uses_stays() {
    let client = Client::shop();
    let mut input = with(
        fargate_service("web", 1),
        json!({"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]}),
    );
    input.as_object_mut().unwrap().shift_remove("launchType");
    client.ecs("CreateService", input);
    let put =
        json!({"cluster": "shop", "capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": []});
    assert_eq!(client.refused("PutClusterCapacityProviders", put).0, "ResourceInUseException");
}

#[test]
fn managed_instances_belong_to_one_cluster_and_are_not_put() {
    let client = Client::shop();
    let template = json!({"ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/ecs", "networkConfiguration": {"subnets": ["subnet-1"]}});
    let managed = json!({"name": "managed", "cluster": "shop", "managedInstancesProvider": {"infrastructureRoleArn": "arn:aws:iam::123456789012:role/i", "instanceLaunchTemplate": template}});
    client.ecs("CreateCapacityProvider", managed);
    client.pass(10);
    let put =
        json!({"cluster": "shop", "capacityProviders": ["managed"], "defaultCapacityProviderStrategy": []});
    assert!(client.refused("PutClusterCapacityProviders", put).1.contains("Managed Instances"));
    let of_shop = client.ecs("DescribeCapacityProviders", json!({"cluster": "shop"}));
    let names: Vec<&Value> =
        of_shop["capacityProviders"].as_array().unwrap().iter().map(|p| &p["name"]).collect();
    assert_eq!(names, ["FARGATE", "FARGATE_SPOT", "managed"]);
    assert_eq!(
        client.refused("DeleteCluster", json!({"cluster": "shop"})).0,
        "ClusterContainsCapacityProviderException"
    );
}

#[test]
fn a_cluster_is_deleted_only_when_it_is_empty() {
    let client = Client::with_service(1);
    let delete = json!({"cluster": "shop"});
    assert_eq!(client.refused("DeleteCluster", delete.clone()).0, "ClusterContainsServicesException");
    client.ecs("DeleteService", json!({"cluster": "shop", "service": "web", "force": true}));
    client.pass(SETTLED);
    client.ecs("RunTask", json!({"cluster": "shop", "taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": super::network()}));
    assert_eq!(client.refused("DeleteCluster", delete.clone()).0, "ClusterContainsTasksException");
    let tasks = client.ecs("ListTasks", json!({"cluster": "shop"}));
    client.ecs("StopTask", json!({"cluster": "shop", "task": tasks["taskArns"][0]}));
    client.pass(SETTLED);
    assert_eq!(client.ecs("DeleteCluster", delete.clone())["cluster"]["status"], "INACTIVE");
    assert_eq!(client.refused("DeleteCluster", delete).0, "ClusterNotFoundException");
    assert_eq!(client.ecs("ListClusters", json!({}))["clusterArns"], json!([]));
    client.ecs("CreateCluster", json!({"clusterName": "shop"}));
    client.pass(2 * 3600);
    assert_eq!(client.ecs("ListClusters", json!({}))["clusterArns"].as_array().unwrap().len(), 1);
}

#[test]
fn a_cluster_with_instances_is_not_deleted_until_they_are_gone() {
    let client = Client::with_instances();
    assert_eq!(
        client.refused("DeleteCluster", json!({"cluster": "shop"})).0,
        "ClusterContainsContainerInstancesException"
    );
    client.ecs(
        "PutClusterCapacityProviders",
        json!({"cluster": "shop", "capacityProviders": [], "defaultCapacityProviderStrategy": []}),
    );
    client.pass(10);
    client.ecs("DeleteCluster", json!({"cluster": "shop"}));
}
