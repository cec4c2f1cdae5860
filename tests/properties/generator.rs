//! Manifests that use any member of the model.
//!
//! A fleet (a capacity provider, a cluster, a repository, a service) follows from a [`Recipe`]. The facts drive it:
//! every member that a shape has is there with the recipe's density, with a value of its type and bounds; what no
//! shape says (names that refer to each other, what AWS takes together) stands in [`super::members`]. Everything
//! follows from the recipe and the place in the document, so a lower density gives the same fleet with members
//! dropped, which is how failures shrink.

// Small numbers throughout, and one arm per member reads better than fewer.
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::match_same_arms)]

use super::members::{by_hand, tie, together};
use crate::world::manifest;
use ecs_operator::model::facts::{Member, Shape, Type, kind_shape, shape};
use serde_json::{Map, Value, json};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Where tasks run, and so what their definition may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Fargate,
    Awsvpc,
    Bridge,
    Host,
    Daemon,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recipe {
    pub place: Place,
    /// What a service cannot change later follows from this.
    pub identity: u64,
    pub seed: u64,
    /// Of a hundred optional members, how many are there.
    pub density: u64,
}

/// What is known by hand of a member.
pub enum Hand {
    /// Not for this place, or only together with something that is not there.
    Never,
    Value(Value),
    /// Always there.
    Fixed(Value),
    /// Always there, with a value by the facts.
    Always,
    /// As the facts say.
    Facts,
}

impl Recipe {
    /// The manifests of a fleet.
    pub fn fleet(self) -> Vec<Value> {
        let provider = self.spec("EcsCapacityProvider");
        let cluster = self.spec("EcsCluster");
        let repository = self.spec("EcrRepository");
        let mut service = self.part("Service", "service");
        let mut definition = self.part("TaskDefinition", "taskDefinition");
        tie(self, &mut service, &mut definition);
        let mut spec = json!({"taskDefinition": definition, "service": service});
        if self.place != Place::Daemon && self.has("autoscaling") {
            spec["autoscaling"] = self.part("Autoscaling", "autoscaling");
        }
        vec![
            manifest("EcsCapacityProvider", "shop-ec2", provider),
            manifest("EcsCluster", "shop", cluster),
            manifest("EcrRepository", "web", repository),
            manifest("EcsService", "web", spec),
        ]
    }

    fn spec(self, kind: &str) -> Value {
        self.part(kind, kind)
    }

    /// A value of a shape of ECS or of a kind.
    pub fn value_of(self, name: &str, path: &str) -> Value {
        self.value(shape("ecs", name).unwrap_or_else(|| kind_shape(name)), path)
    }

    pub fn part(self, shape: &str, path: &str) -> Value {
        self.value(kind_shape(shape), path)
    }

    pub fn roll(self, path: &str) -> u64 {
        hashed(self.seed, path)
    }

    /// One of `choices`, by the seed.
    pub fn pick<T: Copy>(self, path: &str, choices: &[T]) -> T {
        choices[usize::try_from(self.roll(path)).unwrap_or_default() % choices.len()]
    }

    pub fn has(self, path: &str) -> bool {
        hashed(self.seed, &format!("{path}?")) % 100 < self.density
    }

    pub fn number(self, path: &str, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.roll(path) % u64::try_from(to - from + 1).unwrap()).unwrap()
    }

    pub fn value(self, shape: &'static Shape, path: &str) -> Value {
        let (least, most) = (shape.min, shape.max);
        match &shape.kind {
            Type::Structure(_) => self.structure(shape, path),
            Type::List(element) => {
                let count = self.number(path, 1, 2).max(bound(least, 1)).min(bound(most, 2));
                let elements = (0..count).map(|at| self.value(element.shape(), &format!("{path}[{at}]")));
                distinct(elements.collect())
            }
            Type::Map(value) => {
                let keys = ["one", "two"];
                let entries = keys.iter().take(self.number(path, 1, 2) as usize);
                let entry =
                    |key: &&str| ((*key).to_owned(), self.value(value.shape(), &format!("{path}.{key}")));
                entries.map(entry).collect::<Map<_, _>>().into()
            }
            Type::String if !shape.enum_values.is_empty() => {
                json!(shape.enum_values[self.roll(path) as usize % shape.enum_values.len()])
            }
            Type::String => {
                let text = format!("v{:x}", self.roll(path) % 0xffff);
                json!(text)
            }
            Type::Integer | Type::Long => {
                let from = bound(least, 1);
                json!(self.number(path, from, bound(most, from + 50).min(from + 50)))
            }
            Type::Double => json!(bound(least, 1).max(1) + self.number(path, 0, 40)),
            Type::Timestamp => json!("2026-06-01T00:00:00Z"),
            Type::Boolean => json!(self.roll(path).is_multiple_of(2)),
            Type::Blob => json!("AA=="),
            Type::Document => policy(self.number(path, 0, 2)),
        }
    }

    fn structure(self, shape: &'static Shape, path: &str) -> Value {
        let mut value = Map::new();
        let only = shape.union.then(|| self.roll(path) as usize % shape.members().len());
        for (at, member) in shape.members().iter().enumerate() {
            let place = format!("{path}.{}", member.name);
            if member.deprecated || only.is_some_and(|only| only != at) {
                continue;
            }
            let hand = by_hand(self, &shape.name, &member.name, &place);
            let there = member.required || only.is_some() || self.has(&place);
            match hand {
                Hand::Never => {}
                Hand::Fixed(by_hand) => drop(value.insert(member.name.clone(), by_hand)),
                Hand::Always => drop(value.insert(member.name.clone(), self.facts(member, &place))),
                Hand::Value(by_hand) if there => drop(value.insert(member.name.clone(), by_hand)),
                Hand::Facts if there => drop(value.insert(member.name.clone(), self.facts(member, &place))),
                Hand::Value(_) | Hand::Facts => {}
            }
        }
        let mut value = Value::Object(value);
        together(self, &shape.name, &mut value, path);
        value
    }

    fn facts(self, member: &Member, path: &str) -> Value {
        self.value(member.shape(), path)
    }

    pub fn network_mode(self) -> &'static str {
        match self.place {
            Place::Fargate | Place::Awsvpc => "awsvpc",
            Place::Bridge | Place::Daemon => "bridge",
            Place::Host => "host",
        }
    }
}

/// 64 bits that follow from a seed and a text.
pub fn hashed(seed: u64, text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, text).hash(&mut hasher);
    hasher.finish()
}

fn bound(of: Option<f64>, or: i64) -> i64 {
    of.map_or(or, |bound| bound.min(1e15) as i64)
}

fn distinct(mut elements: Vec<Value>) -> Value {
    elements.dedup();
    Value::Array(elements)
}

pub fn policy(variant: i64) -> Value {
    let actions = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:DescribeImages"];
    json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "one", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::210987654321:root"}, "Action": actions[..=variant as usize]}]})
}
