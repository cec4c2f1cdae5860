//! Inputs drawn from the API model: whatever comes, the answer is an answer or a refusal.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::Client;
use crate::sandbox::Ids;

static MODEL: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../../model/ecs.json")).unwrap());

/// Strings that mean something here, so that not every call ends at the first name.
const NAMES: [&str; 16] = [
    "shop",
    "web",
    "bridge",
    "web:1",
    "big",
    "FARGATE",
    "FARGATE_SPOT",
    "default",
    "main",
    "",
    "256",
    "1 vCPU",
    "x y",
    "arn:aws:ecs:eu-central-1:123456789012:service/shop/web",
    "arn:aws:ecs:eu-central-1:123456789012:cluster/shop",
    "/",
];

struct Draw(Ids);

impl Draw {
    fn below(&self, bound: u64) -> u64 {
        self.0.number() % bound
    }

    fn of<'a, T>(&self, all: &'a [T]) -> &'a T {
        &all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }

    /// A value of a shape; now and then one that is none.
    fn value(&self, shape: &str, depth: u32) -> Value {
        let facts = &MODEL["shapes"][shape];
        if self.below(300) == 0 {
            return self
                .of(&[json!(null), json!("x"), json!(-1), json!([]), json!({}), json!(1.5), json!([null])])
                .clone();
        }
        match facts["type"].as_str().unwrap_or_default() {
            "structure" => self.structure(facts, depth),
            "list" if depth > 6 => json!([]),
            "list" => {
                (0..self.below(3)).map(|_| self.value(facts["member"].as_str().unwrap(), depth + 1)).collect()
            }
            "map" => json!({"key": self.value(facts["value"].as_str().unwrap(), depth + 1)}),
            "boolean" => json!(self.below(2) == 0),
            "integer" | "long" => json!(*self.of(&[0_i64, 1, 2, 5, 80, 100, 200, 512, -1, 2_147_483_647])),
            "double" | "timestamp" => json!(*self.of(&[0.0, 1.0, 50.0, 1e9])),
            _ => match facts["enum"].as_array() {
                Some(values) => self.of(values).clone(),
                None => json!(self.of(&NAMES)),
            },
        }
    }

    /// For the operations with much behind them: what is answered, but for a few drawn members.
    fn input(&self, operation: &str, shape: &str) -> Value {
        let name = *self.of(&["web", "api"]);
        let mut input = match operation {
            "CreateService" => super::fargate_service(name, 2),
            "UpdateService" => json!({"cluster": "shop", "service": name}),
            "DeleteService" => json!({"cluster": "shop", "service": name, "force": true}),
            "RegisterTaskDefinition" => super::fargate_task("web"),
            "RunTask" => json!({"cluster": "shop", "taskDefinition": "bridge"}),
            _ => return self.value(shape, 0),
        };
        let members: Vec<(&String, &Value)> =
            MODEL["shapes"][shape]["members"].as_object().unwrap().iter().collect();
        for _ in 0..self.below(3) {
            let (name, shape) = self.of(&members);
            input[name.as_str()] = self.value(shape.as_str().unwrap(), 4);
        }
        input
    }

    fn structure(&self, facts: &Value, depth: u32) -> Value {
        let required = facts["required"].as_array().cloned().unwrap_or_default();
        let mut members = Map::new();
        for (name, shape) in facts["members"].as_object().unwrap() {
            if required.contains(&json!(name)) || (depth < 6 && self.below(5) == 0) {
                let value = self.value(shape.as_str().unwrap(), depth + 1);
                members.insert(name.clone(), value);
            }
        }
        Value::Object(members)
    }
}

#[test]
fn whatever_comes_is_answered_or_refused_and_the_world_goes_on() {
    let operations: Vec<(String, String)> = MODEL["operations"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, facts)| (name.clone(), facts["input"].as_str().unwrap().to_owned()))
        .flat_map(|operation| {
            let often =
                ["CreateService", "UpdateService", "RegisterTaskDefinition", "RunTask", "DeleteService"];
            let times = if often.contains(&operation.0.as_str()) { 20 } else { 1 };
            std::iter::repeat_n(operation, times)
        })
        .collect();
    let mut answered = 0;
    for seed in 0..10 {
        let draw = Draw(Ids::seeded(seed));
        let client = Client::with_instances();
        client.ecs("CreateService", super::fargate_service("web", 2));
        for _ in 0..400 {
            let (operation, shape) = draw.of(&operations);
            let input = draw.input(operation, shape);
            let target = format!("{}.{operation}", crate::sandbox::tests::ECS);
            let (status, answer) = client.send("ecs", &target, &input).unwrap();
            assert!(status == 200 || answer["__type"].is_string(), "{operation}: {answer}");
            answered += u32::from(status == 200 && operation.ends_with("Service"));
            client.pass(draw.below(30));
        }
        client.pass(86_400);
        client.sandbox.world();
    }
    assert!(answered > 100, "only {answered} changes of services were answered: the draw leads nowhere");
}
