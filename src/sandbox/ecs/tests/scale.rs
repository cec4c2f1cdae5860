//! A large world costs little: nothing happens without a reason.

use serde_json::json;

use super::{Client, fargate_service, with};

#[test]
fn a_steady_world_has_nothing_to_do() {
    let client = Client::shop();
    for n in 0..100 {
        let image = if n % 2 == 0 { "sandbox/ok" } else { "nginx:1.28" };
        client.image(image);
        client.ecs("CreateService", fargate_service(&format!("web-{n}"), 3));
    }
    client.pass(60);
    let agenda = |client: &Client| client.sandbox.world()["regions"]["eu-central-1"]["ecs"]["agenda"].clone();
    assert_eq!(agenda(&client), json!([]));
    client.ecs("UpdateService", json!({"cluster": "shop", "service": "web-7", "desiredCount": 1}));
    client.pass(60);
    assert_eq!(agenda(&client).as_array().unwrap().len(), 2, "two stopped tasks will be forgotten");
    client.pass(3600);
    assert_eq!(agenda(&client), json!([]));
}

#[test]
fn a_service_that_never_comes_up_keeps_its_last_hundred_events_and_an_hour_of_tasks() {
    let client = Client::shop();
    client.image("sandbox/crash");
    client.ecs("CreateService", with(fargate_service("web", 4), json!({})));
    client.pass(7 * 86_400);
    assert_eq!(client.messages("web").len(), 100);
    let input = json!({"cluster": "shop", "serviceName": "web", "desiredStatus": "STOPPED"});
    let stopped = client.ecs("ListTasks", input)["taskArns"].as_array().unwrap().len();
    assert!((8..=12).contains(&stopped), "every 27 minutes four: {stopped}");
    let agenda = client.sandbox.world()["regions"]["eu-central-1"]["ecs"]["agenda"].clone();
    assert!(agenda.as_array().unwrap().len() <= 20, "{agenda}");
}
