//! AWS's own SDK against the sandbox, over a socket: every operation of ECR, Application Auto
//! Scaling, the tagging API and STS that is here is called once and its answer understood.

use aws_sdk_applicationautoscaling as scaling;
use aws_sdk_ecr as ecr;
use aws_sdk_resourcegroupstagging as tagging;
use aws_sdk_sts as sts;
use serde_json::{Value, json};

use super::{Call, Clock, Options, Sandbox, server};

/// A sandbox that listens, and the configuration of clients of it.
async fn listening() -> (Sandbox, aws_config::SdkConfig) {
    let sandbox = Sandbox::new(Options { clock: Clock::Stepped, ..Options::default() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(server::serve(listener, sandbox.clone(), std::future::pending()));
    let credentials = ecr::config::Credentials::new("AKIDSANDBOX", "secret", None, None, "test");
    let config = aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .credentials_provider(ecr::config::SharedCredentialsProvider::new(credentials))
        .region(ecr::config::Region::new("eu-central-1"))
        .endpoint_url(url)
        .build();
    (sandbox, config)
}

/// A call of ECS in process, where the SDK is not what is tested.
fn stage_service(sandbox: &Sandbox) {
    let mut state = sandbox.state();
    state.world.advance(sandbox.0.time.now());
    let call = Call::new("123456789012", "eu-central-1", state.world.now());
    let region = state.world.region("eu-central-1");
    let containers = json!([{"name": "web", "image": "sandbox/ok", "memory": 64}]);
    for (operation, input) in [
        ("CreateCluster", json!({"clusterName": "shop"})),
        ("RegisterTaskDefinition", json!({"family": "web", "containerDefinitions": containers})),
        (
            "CreateService",
            json!({"cluster": "shop", "serviceName": "web", "taskDefinition": "web", "desiredCount": 4}),
        ),
    ] {
        let Value::Object(input) = input else { unreachable!() };
        super::ecs::answer(region, &call, operation, &input).unwrap();
    }
}

const POLICY: &str = r#"{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":7},"action":{"type":"expire"}}]}"#;

#[tokio::test]
async fn ecr_repositories_are_understood() {
    use ecr::types::{ImageScanningConfiguration, ImageTagMutability, Tag};
    let (_sandbox, config) = listening().await;
    let client = ecr::Client::new(&config);
    let tag = |key: &str| Tag::builder().key(key).value("1").build().unwrap();
    let created = client.create_repository().repository_name("shop/web").tags(tag("a")).send().await.unwrap();
    let repository = created.repository().unwrap();
    let arn = repository.repository_arn().unwrap();
    assert!(repository.created_at().is_some());
    let again = client.create_repository().repository_name("shop/web").send().await.unwrap_err();
    assert!(again.into_service_error().is_repository_already_exists_exception());
    let wrong = client.create_repository().repository_name("Shop").send().await.unwrap_err();
    assert!(wrong.into_service_error().is_invalid_parameter_exception());

    let mutability = ImageTagMutability::Immutable;
    client
        .put_image_tag_mutability()
        .repository_name("shop/web")
        .image_tag_mutability(mutability.clone())
        .send()
        .await
        .unwrap();
    let scanning = ImageScanningConfiguration::builder().scan_on_push(true).build();
    client
        .put_image_scanning_configuration()
        .repository_name("shop/web")
        .image_scanning_configuration(scanning)
        .send()
        .await
        .unwrap();
    let described = client.describe_repositories().send().await.unwrap();
    assert_eq!(described.repositories()[0].image_tag_mutability(), Some(&mutability));
    let missing = client.describe_repositories().repository_names("none").send().await.unwrap_err();
    assert!(missing.into_service_error().is_repository_not_found_exception());
    let batch = client.batch_get_repository_scanning_configuration().repository_names("shop/web");
    assert!(batch.send().await.unwrap().scanning_configurations()[0].scan_on_push());
    client.get_registry_scanning_configuration().send().await.unwrap();
    client.describe_registry().send().await.unwrap();

    client.tag_resource().resource_arn(arn).tags(tag("b")).send().await.unwrap();
    client.untag_resource().resource_arn(arn).tag_keys("a").send().await.unwrap();
    let tags = client.list_tags_for_resource().resource_arn(arn).send().await.unwrap();
    assert_eq!(tags.tags().iter().map(Tag::key).collect::<Vec<_>>(), ["b"]);
    client.delete_repository().repository_name("shop/web").send().await.unwrap();
}

#[tokio::test]
async fn ecr_policies_are_understood() {
    let (_sandbox, config) = listening().await;
    let client = ecr::Client::new(&config);
    client.create_repository().repository_name("shop/web").send().await.unwrap();
    let missing = client.get_lifecycle_policy().repository_name("shop/web").send().await.unwrap_err();
    assert!(missing.into_service_error().is_lifecycle_policy_not_found_exception());
    client
        .put_lifecycle_policy()
        .repository_name("shop/web")
        .lifecycle_policy_text(POLICY)
        .send()
        .await
        .unwrap();
    let read = client.get_lifecycle_policy().repository_name("shop/web").send().await.unwrap();
    assert_eq!(read.lifecycle_policy_text(), Some(POLICY));
    client.start_lifecycle_policy_preview().repository_name("shop/web").send().await.unwrap();
    let preview = client.get_lifecycle_policy_preview().repository_name("shop/web").send().await.unwrap();
    assert_eq!(preview.summary().unwrap().expiring_image_total_count(), Some(0));
    client.delete_lifecycle_policy().repository_name("shop/web").send().await.unwrap();

    let missing = client.get_repository_policy().repository_name("shop/web").send().await.unwrap_err();
    assert!(missing.into_service_error().is_repository_policy_not_found_exception());
    let text = r#"{"Version":"2012-10-17","Statement":[]}"#;
    client.set_repository_policy().repository_name("shop/web").policy_text(text).send().await.unwrap();
    let read = client.get_repository_policy().repository_name("shop/web").send().await.unwrap();
    assert!(read.policy_text().unwrap().contains("\"Version\" : \"2012-10-17\""));
    client.delete_repository_policy().repository_name("shop/web").send().await.unwrap();
}

#[tokio::test]
async fn ecr_images_are_understood() {
    use ecr::types::{ImageIdentifier, LayerAvailability};
    let (_sandbox, config) = listening().await;
    let client = ecr::Client::new(&config);
    client.create_repository().repository_name("shop/web").send().await.unwrap();
    let manifest = r#"{"layers":[{"size":5,"digest":"sha256:aa"}]}"#;
    let put = || client.put_image().repository_name("shop/web").image_tag("v1").image_manifest(manifest);
    put().send().await.unwrap();
    assert!(put().send().await.unwrap_err().into_service_error().is_image_already_exists_exception());
    let id = ImageIdentifier::builder().image_tag("v1").build();
    let described =
        client.describe_images().repository_name("shop/web").image_ids(id.clone()).send().await.unwrap();
    assert_eq!(described.image_details()[0].image_size_in_bytes(), Some(5));
    assert!(described.image_details()[0].image_pushed_at().is_some());
    let got =
        client.batch_get_image().repository_name("shop/web").image_ids(id.clone()).send().await.unwrap();
    assert_eq!(got.images()[0].image_manifest(), Some(manifest));
    let listed = client.list_images().repository_name("shop/web").send().await.unwrap();
    assert_eq!(listed.image_ids()[0].image_tag(), Some("v1"));
    let layers =
        client.batch_check_layer_availability().repository_name("shop/web").layer_digests("sha256:aa");
    assert_eq!(
        layers.send().await.unwrap().layers()[0].layer_availability(),
        Some(&LayerAvailability::Available)
    );
    let deleted = client.batch_delete_image().repository_name("shop/web").image_ids(id).send().await.unwrap();
    assert_eq!(deleted.image_ids().len(), 1);
    let token = client.get_authorization_token().send().await.unwrap();
    assert!(token.authorization_data()[0].expires_at().is_some());
}

#[tokio::test]
async fn application_auto_scaling_is_understood() {
    use scaling::types::{
        MetricType, PolicyType, PredefinedMetricSpecification,
        ScalableDimension::EcsServiceDesiredCount as COUNT, ScalableTargetAction,
        ServiceNamespace::Ecs as ECS, TargetTrackingScalingPolicyConfiguration as Tracking,
    };
    const WEB: &str = "service/shop/web";
    let (sandbox, config) = listening().await;
    stage_service(&sandbox);
    let client = scaling::Client::new(&config);
    let register =
        client.register_scalable_target().service_namespace(ECS).resource_id(WEB).scalable_dimension(COUNT);
    let registered = register.min_capacity(1).max_capacity(3).tags("a", "1").send().await.unwrap();
    let arn = registered.scalable_target_arn().unwrap();
    let targets =
        client.describe_scalable_targets().service_namespace(ECS).resource_ids(WEB).send().await.unwrap();
    assert_eq!(targets.scalable_targets()[0].max_capacity(), 3);
    let activities = client.describe_scaling_activities().service_namespace(ECS).send().await.unwrap();
    assert_eq!(activities.scaling_activities()[0].cause(), "maximum capacity was set to 3");

    let cpu = MetricType::EcsServiceAverageCpuUtilization;
    let metric = PredefinedMetricSpecification::builder().predefined_metric_type(cpu).build().unwrap();
    let tracking =
        Tracking::builder().target_value(60.0).predefined_metric_specification(metric).build().unwrap();
    let put = client.put_scaling_policy().policy_name("cpu").policy_type(PolicyType::TargetTrackingScaling);
    let put = put.service_namespace(ECS).resource_id(WEB).scalable_dimension(COUNT);
    let put = put.target_tracking_scaling_policy_configuration(tracking).send().await.unwrap();
    assert_eq!(put.alarms().len(), 2);
    let policies = client.describe_scaling_policies().service_namespace(ECS).send().await.unwrap();
    assert_eq!(policies.scaling_policies()[0].policy_name(), "cpu");

    let start = scaling::primitives::DateTime::from_secs(1_900_000_000);
    let action = ScalableTargetAction::builder().min_capacity(1).build();
    let put = client.put_scheduled_action().scheduled_action_name("night").schedule("rate(1 day)");
    let put = put.service_namespace(ECS).resource_id(WEB).scalable_dimension(COUNT);
    put.start_time(start).scalable_target_action(action).send().await.unwrap();
    let actions = client.describe_scheduled_actions().service_namespace(ECS).send().await.unwrap();
    assert_eq!(actions.scheduled_actions()[0].start_time(), Some(&start));

    client.tag_resource().resource_arn(arn).tags("b", "2").send().await.unwrap();
    client.untag_resource().resource_arn(arn).tag_keys("a").send().await.unwrap();
    let tags = client.list_tags_for_resource().resource_arn(arn).send().await.unwrap();
    assert_eq!(tags.tags().unwrap()["b"], "2");
    let delete = client.delete_scheduled_action().scheduled_action_name("night").service_namespace(ECS);
    delete.resource_id(WEB).scalable_dimension(COUNT).send().await.unwrap();
    let delete = client.delete_scaling_policy().policy_name("cpu").service_namespace(ECS);
    delete.resource_id(WEB).scalable_dimension(COUNT).send().await.unwrap();
    let deregister = || {
        client.deregister_scalable_target().service_namespace(ECS).resource_id(WEB).scalable_dimension(COUNT)
    };
    deregister().send().await.unwrap();
    let missing = deregister().send().await.unwrap_err();
    assert!(missing.into_service_error().is_object_not_found_exception());
}

#[tokio::test]
async fn tags_and_the_caller_are_understood() {
    use tagging::types::TagFilter;
    let (sandbox, config) = listening().await;
    let tag = ecr::types::Tag::builder().key("owner").value("me").build().unwrap();
    ecr::Client::new(&config).create_repository().repository_name("ab").tags(tag).send().await.unwrap();
    // The tagging API learns of it late.
    sandbox.advance(std::time::Duration::from_secs(3));
    let client = tagging::Client::new(&config);
    let filter = TagFilter::builder().key("owner").values("me").build();
    let found = client
        .get_resources()
        .resource_type_filters("ecr:repository")
        .tag_filters(filter)
        .send()
        .await
        .unwrap();
    let arn = found.resource_tag_mapping_list()[0].resource_arn();
    assert_eq!(arn, Some("arn:aws:ecr:eu-central-1:123456789012:repository/ab"));
    assert_eq!(client.get_tag_keys().send().await.unwrap().tag_keys(), ["owner"]);
    assert_eq!(client.get_tag_values().key("owner").send().await.unwrap().tag_values(), ["me"]);

    let client = sts::Client::new(&config);
    let caller = client.get_caller_identity().send().await.unwrap();
    assert_eq!(caller.account(), Some("123456789012"));
    let refused = client.get_session_token().send().await.unwrap_err();
    assert_eq!(refused.into_service_error().meta().code(), Some("InvalidAction"));
}
