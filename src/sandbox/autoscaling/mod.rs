//! Application Auto Scaling for ECS services: scalable targets, scaling policies, scheduled actions.
//!
//! `answer` is the table of operations; one file per resource has their behaviour and its tests.
//! Of the namespaces only `ecs` has anything in it. Policies and scheduled actions live in their
//! target and go with it. Nothing fires by itself yet: alarms stay silent and schedules still;
//! what will move capacity is to go through `capacity`.

mod activity;
mod capacity;
mod policy;
mod policy_configuration;
mod schedule;
mod scheduled_action;
mod tags;
mod target;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Call, Document, Refusal, Region, field, page};
pub use tags::tagged;
use target::Target;

/// The one namespace that has resources here.
const NAMESPACE: &str = "ecs";
/// The one dimension of that namespace.
const DIMENSION: &str = "ecs:service:DesiredCount";

/// What is registered in one account and Region: targets by resource id (`service/CLUSTER/NAME`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    targets: BTreeMap<String, Target>,
    activities: Vec<activity::Activity>,
}

type Answer = Result<Value, Refusal>;

/// Answers one operation.
pub fn answer(region: &mut Region, call: &Call, operation: &str, input: &Document) -> Answer {
    capacity::forget_gone(region);
    if operation == "RegisterScalableTarget" {
        return target::register(region, call, input);
    }
    let state = &mut region.autoscaling;
    match operation {
        "DeregisterScalableTarget" => target::deregister(state, input),
        "DescribeScalableTargets" => target::describe(state, call, input),
        "PutScalingPolicy" => policy::put(state, call, input),
        "DeleteScalingPolicy" => policy::delete(state, input),
        "DescribeScalingPolicies" => policy::describe(state, call, input),
        "PutScheduledAction" => scheduled_action::put(state, call, input),
        "DeleteScheduledAction" => scheduled_action::delete(state, input),
        "DescribeScheduledActions" => scheduled_action::describe(state, call, input),
        "DescribeScalingActivities" => activity::describe(state, input),
        "TagResource" => tags::tag(state, call, input),
        "UntagResource" => tags::untag(state, call, input),
        "ListTagsForResource" => tags::list(state, call, input),
        _ => {
            let message = format!("the sandbox's Application Auto Scaling has no `{operation}`");
            Err(Refusal::client("UnknownOperationException", message))
        }
    }
}

/// When something is next due, in seconds since the epoch: never, while no schedule fires.
pub fn due(_: &Region) -> Option<f64> {
    None
}

/// Does what is due at `call.now`. A service's end is noticed here, before there is another one
/// of its name.
pub fn advance(region: &mut Region, _: &Call) {
    capacity::forget_gone(region);
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::client("ValidationException", message)
}

fn missing(message: impl Into<String>) -> Refusal {
    Refusal::client("ObjectNotFoundException", message)
}

/// The three members that name a target, as every refusal about one repeats them.
#[derive(Clone, Copy)]
struct Name<'a> {
    namespace: &'a str,
    resource: &'a str,
    dimension: &'a str,
}

impl<'a> Name<'a> {
    fn of(input: &'a Document) -> Self {
        let member = |name| field::text(input, name).unwrap_or_default();
        Self {
            namespace: member("ServiceNamespace"),
            resource: member("ResourceId"),
            dimension: member("ScalableDimension"),
        }
    }

    /// Whether there can be such a target at all.
    fn is_ecs(self) -> bool {
        self.namespace == NAMESPACE && self.dimension == DIMENSION
    }

    fn words(self) -> String {
        let Self { namespace, resource, dimension } = self;
        format!("service namespace: {namespace}, resource ID: {resource}, scalable dimension: {dimension}")
    }
}

impl State {
    /// The target that the input is about, for what can only be put where one is.
    fn registered(&mut self, input: &Document) -> Result<&mut Target, Refusal> {
        let name = Name::of(input);
        let target = self.targets.get_mut(name.resource).filter(|_| name.is_ecs());
        target.ok_or_else(|| missing(format!("No scalable target registered for {}", name.words())))
    }

    /// The targets that a Describe's filters let pass, by resource id.
    fn chosen<'a>(
        &'a self,
        input: &'a Document,
    ) -> Result<impl Iterator<Item = (&'a String, &'a Target)>, Refusal> {
        let resources = match field::text(input, "ResourceId") {
            Some(resource) => vec![resource],
            None => field::texts(input, "ResourceIds"),
        };
        let dimension = field::text(input, "ScalableDimension");
        if dimension.is_some() && resources.is_empty() {
            return Err(invalid("A resource ID must be specified together with a scalable dimension"));
        }
        let here = Name::of(input).namespace == NAMESPACE
            && dimension.is_none_or(|dimension| dimension == DIMENSION);
        let passes = move |id: &String| here && (resources.is_empty() || resources.contains(&id.as_str()));
        Ok(self.targets.iter().filter(move |(id, _)| passes(id)))
    }
}

/// The members that name a target, for an answer about what is in it.
fn named(resource: &str, members: Value) -> Value {
    let mut answer =
        json!({"ServiceNamespace": NAMESPACE, "ResourceId": resource, "ScalableDimension": DIMENSION});
    if let (Some(answer), Value::Object(members)) = (answer.as_object_mut(), members) {
        answer.extend(members);
    }
    answer
}

/// A Describe's page of at most `most` items, which is also how many come unasked.
fn paged(
    items: impl IntoIterator<Item = (String, Value)>,
    input: &Document,
    member: &str,
    most: usize,
) -> Answer {
    let size = match field::integer(input, "MaxResults").map(|size| (size, usize::try_from(size))) {
        None => most,
        Some((_, Ok(size))) if (1..=most).contains(&size) => size,
        Some((size, _)) => {
            let (bound, limit) =
                if size < 1 { ("greater than or equal to", 1) } else { ("less than or equal to", most) };
            return Err(invalid(format!(
                "1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy constraint: Member must have value {bound} {limit}"
            )));
        }
    };
    let page = page::page(items, field::text(input, "NextToken"), size)
        .ok_or_else(|| Refusal::client("InvalidNextTokenException", "The next token is not valid"))?;
    let mut answer = json!({member: page.items});
    if let Some(next) = page.next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value)] // literals read better
pub(super) mod fixture {
    //! What the tests of this folder share: a Region with the service `shop/web` (4 tasks wanted),
    //! a way to call its Application Auto Scaling, and a registered target (1 to 10).
    use super::*;

    pub const WEB: &str = "service/shop/web";

    pub fn region() -> Region {
        let mut region = Region::default();
        stage(&mut region, "shop", "web", 4);
        region
    }

    /// A service in a cluster, made as anybody would.
    pub fn stage(region: &mut Region, cluster: &str, service: &str, count: i64) {
        let containers = json!([{"name": "web", "image": "sandbox/ok", "memory": 64}]);
        for (operation, input) in [
            ("CreateCluster", json!({"clusterName": cluster})),
            ("RegisterTaskDefinition", json!({"family": service, "containerDefinitions": containers})),
            (
                "CreateService",
                json!({"cluster": cluster, "serviceName": service, "taskDefinition": service, "desiredCount": count}),
            ),
        ] {
            super::super::ecs::answer(region, &call(), operation, input.as_object().unwrap()).unwrap();
        }
    }

    pub fn live(region: &Region) -> i64 {
        capacity::read(&region.ecs, WEB).unwrap()
    }

    pub fn scaled() -> Region {
        let mut region = region();
        ask(&mut region, "RegisterScalableTarget", json!({"MinCapacity": 1, "MaxCapacity": 10})).unwrap();
        region
    }

    pub fn call() -> Call {
        Call::new("123456789012", "eu-central-1", 1_700_000_000.25)
    }

    /// Calls with `input`, about the service `shop/web` unless it says otherwise.
    pub fn ask(region: &mut Region, operation: &str, input: Value) -> Answer {
        let mut whole = named(WEB, input);
        if operation.starts_with("Describe") {
            whole.as_object_mut().unwrap().remove("ScalableDimension");
        }
        answer(region, &call(), operation, whole.as_object().unwrap())
    }

    /// Calls with exactly `input`.
    pub fn send(region: &mut Region, operation: &str, input: Value) -> Answer {
        answer(region, &call(), operation, input.as_object().unwrap())
    }

    pub fn refused(answer: Answer) -> (String, String) {
        let refusal = answer.unwrap_err();
        assert_eq!(refusal.status, 400);
        (refusal.code, refusal.message)
    }
}

#[cfg(test)]
mod tests {
    use super::fixture::*;
    use super::*;

    #[test]
    fn an_unknown_operation_gets_an_honest_error() {
        let (code, message) = refused(ask(&mut region(), "GetPredictiveScalingForecast", json!({})));
        assert_eq!(code, "UnknownOperationException");
        assert!(message.contains("`GetPredictiveScalingForecast`"));
    }

    #[test]
    fn other_namespaces_are_empty() {
        let input = json!({"ServiceNamespace": "dynamodb"});
        for (operation, member) in [
            ("DescribeScalableTargets", "ScalableTargets"),
            ("DescribeScalingPolicies", "ScalingPolicies"),
            ("DescribeScheduledActions", "ScheduledActions"),
            ("DescribeScalingActivities", "ScalingActivities"),
        ] {
            assert_eq!(send(&mut scaled(), operation, input.clone()).unwrap(), json!({member: []}));
        }
    }

    #[test]
    fn a_dimension_is_no_filter_without_a_resource() {
        let input = json!({"ServiceNamespace": "ecs", "ScalableDimension": DIMENSION});
        assert_eq!(refused(send(&mut scaled(), "DescribeScalableTargets", input)).0, "ValidationException");
    }

    #[test]
    fn page_sizes_and_tokens_are_checked() {
        let too_many = json!({"ServiceNamespace": "ecs", "MaxResults": 51});
        let (code, message) = refused(send(&mut scaled(), "DescribeScalableTargets", too_many));
        assert_eq!(code, "ValidationException");
        assert!(message.ends_with("less than or equal to 50"), "{message}");
        let foreign = json!({"ServiceNamespace": "ecs", "NextToken": "x"});
        let answer = send(&mut scaled(), "DescribeScalableTargets", foreign);
        assert_eq!(refused(answer).0, "InvalidNextTokenException");
    }
}
