//! AWS's own SDK against the sandbox, over a socket: its types understand what is answered.

use std::time::Duration;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_ecs::types::{
    AwsVpcConfiguration, ClusterField, Compatibility, ContainerDefinition, DeploymentRolloutState,
    DesiredStatus, LaunchType, NetworkConfiguration, NetworkMode, PortMapping, ServiceDeploymentStatus,
    ServiceField, StopServiceDeploymentStopType, Tag, TaskStopCode,
};

use crate::sandbox::{Fault, FaultKind, Sandbox, server, tests::options};

async fn listening() -> (Sandbox, Client) {
    let sandbox = Sandbox::new(options());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(server::serve(listener, sandbox.clone(), std::future::pending()));
    let config = aws_sdk_ecs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(Credentials::new("AKIDSANDBOX", "secret", None, None, "test"))
        .region(Region::new("eu-central-1"))
        .endpoint_url(url)
        .build();
    (sandbox, Client::from_conf(config))
}

/// A further revision of `web` with this image.
async fn register(client: &Client, image: &str) {
    let port = PortMapping::builder().container_port(80).build();
    let container = ContainerDefinition::builder().name("web").image(image).port_mappings(port).build();
    let registered = client
        .register_task_definition()
        .family("web")
        .requires_compatibilities(Compatibility::Fargate)
        .network_mode(NetworkMode::Awsvpc)
        .cpu("256")
        .memory("512")
        .container_definitions(container)
        .send()
        .await
        .unwrap();
    assert!(registered.task_definition().unwrap().registered_at().is_some());
}

/// A cluster `shop` with a service `web` of two tasks.
async fn shop(client: &Client) {
    client.create_cluster().cluster_name("shop").capacity_providers("FARGATE").send().await.unwrap();
    register(client, "nginx").await;
    let vpc = AwsVpcConfiguration::builder().subnets("subnet-1").build().unwrap();
    client
        .create_service()
        .cluster("shop")
        .service_name("web")
        .task_definition("web")
        .desired_count(2)
        .launch_type(LaunchType::Fargate)
        .network_configuration(NetworkConfiguration::builder().awsvpc_configuration(vpc).build())
        .tags(Tag::builder().key("team").value("a").build())
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_service_is_made_read_and_deleted() {
    let (sandbox, client) = listening().await;
    shop(&client).await;
    sandbox.advance(Duration::from_mins(1));
    let described = client
        .describe_services()
        .cluster("shop")
        .services("web")
        .include(ServiceField::Tags)
        .send()
        .await
        .unwrap();
    let service = &described.services()[0];
    assert_eq!((service.running_count(), service.tags()[0].key()), (2, Some("team")));
    assert_eq!(service.deployments()[0].rollout_state(), Some(&DeploymentRolloutState::Completed));
    assert!(service.created_at().is_some() && service.events()[0].created_at().is_some());
    let arn = service.service_arn().unwrap();
    client
        .tag_resource()
        .resource_arn(arn)
        .tags(Tag::builder().key("b").value("1").build())
        .send()
        .await
        .unwrap();
    assert_eq!(client.list_tags_for_resource().resource_arn(arn).send().await.unwrap().tags().len(), 2);

    let tasks = client.list_tasks().cluster("shop").service_name("web").send().await.unwrap();
    let tasks = client.describe_tasks().cluster("shop").set_tasks(tasks.task_arns).send().await.unwrap();
    assert_eq!(tasks.tasks()[0].last_status(), Some("RUNNING"));
    let deployments = client.list_service_deployments().cluster("shop").service("web").send().await.unwrap();
    let brief = &deployments.service_deployments()[0];
    let whole = client
        .describe_service_deployments()
        .service_deployment_arns(brief.service_deployment_arn().unwrap());
    assert!(whole.send().await.unwrap().service_deployments()[0].finished_at().is_some());
    let revisions = client
        .describe_service_revisions()
        .service_revision_arns(brief.target_service_revision_arn().unwrap());
    assert_eq!(revisions.send().await.unwrap().service_revisions()[0].container_images().len(), 1);

    let deleted = client.delete_service().cluster("shop").service("web").force(true).send().await.unwrap();
    assert_eq!(deleted.service().unwrap().status(), Some("DRAINING"));
    sandbox.advance(Duration::from_mins(1));
    client.delete_cluster().cluster("shop").send().await.unwrap();
}

#[tokio::test]
async fn a_deployment_that_fails_is_stopped_and_its_tasks_tell_why() {
    let (sandbox, client) = listening().await;
    shop(&client).await;
    sandbox.advance(Duration::from_mins(1));
    register(&client, "sandbox/oom").await;
    client.update_service().cluster("shop").service("web").task_definition("web").send().await.unwrap();
    sandbox.advance(Duration::from_secs(20));
    let list = client.list_service_deployments().cluster("shop").service("web").send().await.unwrap();
    let arn = list.service_deployments()[0].service_deployment_arn().unwrap().to_owned();
    let stop = client.stop_service_deployment().service_deployment_arn(&arn);
    stop.stop_type(StopServiceDeploymentStopType::Rollback).send().await.unwrap();
    sandbox.advance(Duration::from_mins(1));
    let answer = client.describe_service_deployments().service_deployment_arns(&arn).send().await.unwrap();
    let deployment = &answer.service_deployments()[0];
    assert_eq!(deployment.status(), Some(&ServiceDeploymentStatus::RollbackSuccessful));
    assert!(deployment.rollback().unwrap().started_at().is_some());
    let stopped = client.list_tasks().cluster("shop").desired_status(DesiredStatus::Stopped);
    let arns = stopped.send().await.unwrap().task_arns;
    let tasks = client.describe_tasks().cluster("shop").set_tasks(arns).send().await.unwrap();
    let task = &tasks.tasks()[0];
    assert_eq!(task.stop_code(), Some(&TaskStopCode::EssentialContainerExited));
    let container = &task.containers()[0];
    assert_eq!((container.exit_code(), container.reason().is_some()), (Some(137), true));
    let again = client.stop_service_deployment().service_deployment_arn(&arn).send().await;
    assert!(again.unwrap_err().into_service_error().is_conflict_exception());
    let none = client.continue_service_deployment().service_deployment_arn("none").hook_id("h").send().await;
    assert!(none.unwrap_err().into_service_error().is_service_deployment_not_found_exception());
}

#[tokio::test]
async fn refusals_are_the_sdks_exceptions() {
    let (sandbox, client) = listening().await;
    let error = client.list_services().cluster("none").send().await.unwrap_err().into_service_error();
    assert!(error.is_cluster_not_found_exception());
    shop(&client).await;
    let error = client
        .update_service()
        .cluster("shop")
        .service("none")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(error.is_service_not_found_exception());
    let missing =
        client.describe_clusters().clusters("none").include(ClusterField::Tags).send().await.unwrap();
    assert_eq!(missing.failures()[0].reason(), Some("MISSING"));
    // The SDK tries again by itself, three times in all.
    sandbox.script(Fault::new("ListClusters", FaultKind::LostAnswer));
    sandbox.script(Fault::new("ListClusters", FaultKind::ServerError));
    assert_eq!(client.list_clusters().send().await.unwrap().cluster_arns().len(), 1);
}
