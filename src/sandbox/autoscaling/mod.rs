//! Application Auto Scaling for ECS services: scalable targets, scaling policies, scheduled actions.
//!
//! `answer` is the table of operations; one file per resource has their behaviour and its tests.
//! Of the namespaces only `ecs` has anything in it. Policies and scheduled actions live in their
//! target and go with it. Schedules fire; alarms only when a test says so ([`scale`]). Whatever
//! moves capacity goes through `capacity`.
//!
//! Every listing is in the order of the resources, and paged from where it stands: a page of an
//! account with thousands of targets costs what is on it.

mod activity;
mod capacity;
mod policy;
mod policy_configuration;
mod schedule;
mod scheduled_action;
mod tags;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Call, Document, Refusal, Region, field, page};
pub use capacity::{forget, scale};
use scheduled_action::Agenda;
pub use tags::tagged;
use target::Target;

/// The one namespace that has resources here.
const NAMESPACE: &str = "ecs";
/// The one dimension of that namespace.
const DIMENSION: &str = "ecs:service:DesiredCount";

/// What is registered in one account and Region: targets by resource id (`service/CLUSTER/NAME`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    targets: BTreeMap<String, Target>,
    activities: activity::Activities,
    agenda: Agenda,
}

type Answer = Result<Value, Refusal>;

/// Answers one operation.
pub fn answer(region: &mut Region, call: &Call, operation: &str, input: &Document) -> Answer {
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

/// When something is next due, in seconds since the epoch.
pub fn due(region: &Region) -> Option<f64> {
    region.autoscaling.agenda.due()
}

/// Does what is due at `call.now`.
pub fn advance(region: &mut Region, call: &Call) {
    while let Some((resource, action)) = region.autoscaling.agenda.next(call.now) {
        scheduled_action::fire(region, call, &resource, &action);
    }
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

    /// The targets from a resource id on that a Describe's filters let pass, by resource id.
    fn chosen<'a>(
        &'a self,
        input: &'a Document,
        from: &str,
    ) -> Box<dyn Iterator<Item = (&'a str, &'a Target)> + 'a> {
        let mut resources: BTreeSet<&str> = asked(input).into_iter().collect();
        if Name::of(input).namespace != NAMESPACE
            || field::text(input, "ScalableDimension").is_some_and(|dimension| dimension != DIMENSION)
        {
            return Box::new(std::iter::empty());
        }
        if resources.is_empty() {
            let rest = self.targets.range::<str, _>((Bound::Included(from), Bound::Unbounded));
            return Box::new(rest.map(|(resource, target)| (resource.as_str(), target)));
        }
        let rest = resources.split_off(from).into_iter();
        Box::new(rest.filter_map(|resource| Some((resource, self.targets.get(resource)?))))
    }
}

/// The resources that a Describe names.
fn asked(input: &Document) -> Vec<&str> {
    match field::text(input, "ResourceId") {
        Some(resource) => vec![resource],
        None => field::texts(input, "ResourceIds"),
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

/// A Describe's page of at most `most` items, which is also how many come unasked. `items` gives
/// those after a key, or all.
fn paged<I: IntoIterator<Item = (String, Value)>>(
    input: &Document,
    member: &str,
    most: usize,
    items: impl FnOnce(Option<&str>) -> I,
) -> Answer {
    if field::present(input, "ScalableDimension").is_some() && asked(input).is_empty() {
        return Err(invalid("A resource ID must be specified together with a scalable dimension"));
    }
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
    let page = page::after(field::text(input, "NextToken"), size, items)
        .ok_or_else(|| Refusal::client("InvalidNextTokenException", "The next token is not valid"))?;
    let mut answer = json!({member: page.items});
    if let Some(next) = page.next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}

/// The resource and the name in the key of something inside a target.
fn split_key(key: Option<&str>) -> (&str, &str) {
    key.and_then(|key| key.split_once('\n')).unwrap_or_default()
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
