//! What people paste, and how it is read: output-only members, comments, `PascalCase`, wrappers.
//!
//! Tolerance is for files: whatever leaves a doubt is an error. Everything of one sort is said in one warning
//! per object, at the first place. Tests: `manifest/convert.rs` and the corpus.

use super::problem::Report;
use super::tree::{Mark, Node, Value};
use crate::model::facts::{Shape, shape};

/// A way in which something was read that is not quite a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lenience {
    OutputOnly,
    NotHere,
    Comment,
    PascalCase,
    StringForNumber,
    NumberForString,
    Empty,
    MapForList,
    Wrapper,
    NoNetworkMode,
}

impl Lenience {
    fn sentence(self, names: &str) -> String {
        match self {
            Self::OutputOnly => format!("what AWS answers, not what is wanted, is ignored: {names}"),
            Self::NotHere => format!("ignored, because the operator fills it in: {names}"),
            Self::Comment => format!("read as comments: {names}"),
            Self::PascalCase => format!("members are written in camelCase here; read as such: {names}"),
            Self::StringForNumber => {
                format!("strings where numbers or booleans belong, read as those: {names}")
            }
            Self::NumberForString => {
                format!("numbers or booleans where strings belong, read as text: {names}")
            }
            Self::Empty => format!("empty, read as absent: {names}"),
            Self::MapForList => format!("`{{}}` where a list belongs, read as an empty list: {names}"),
            Self::NoNetworkMode => format!("`default` is the console's word for no {names}: read as absent"),
            Self::Wrapper => format!("read what stands within: {names}"),
        }
    }
}

/// What was read leniently in one object.
#[derive(Debug, Default)]
pub struct Tolerated {
    found: Vec<(Lenience, Mark, Vec<String>)>,
    /// Whether it was said what to do about placeholders: once is enough.
    pub hinted: bool,
}

impl Tolerated {
    pub fn add(&mut self, lenience: Lenience, at: Mark, name: &str) {
        let add = |names: &mut Vec<String>| {
            let name = format!("`{name}`");
            if !names.contains(&name) {
                names.push(name);
            }
        };
        match self.found.iter_mut().find(|(known, ..)| *known == lenience) {
            Some((_, _, names)) => add(names),
            None => self.found.push((lenience, at, vec![format!("`{name}`")])),
        }
    }

    pub fn report(self, report: &mut Report) {
        const SHOWN: usize = 8;
        for (lenience, at, names) in self.found {
            let mut list = names[..names.len().min(SHOWN)].join(", ");
            if names.len() > SHOWN {
                list = format!("{list} and {} more", names.len() - SHOWN);
            }
            report.warning(at, lenience.sentence(&list));
        }
    }
}

/// The shape of the answer that belongs to a body: its members are known, and some are output only.
fn answer(body: &Shape) -> Option<&'static Shape> {
    const SCALING: &str = "application-autoscaling";
    match (body.api, body.name.as_str()) {
        ("kinds", "TaskDefinition") => shape("ecs", "TaskDefinition"),
        ("kinds", "Service") => shape("ecs", "Service"),
        ("kinds", "EcsCluster") => shape("ecs", "Cluster"),
        ("kinds", "EcsCapacityProvider") => shape("ecs", "CapacityProvider"),
        ("kinds", "EcrRepository") => shape("ecr", "Repository"),
        ("kinds", "Autoscaling") => shape(SCALING, "ScalableTarget"),
        ("kinds", "Policy") => shape(SCALING, "ScalingPolicy"),
        ("kinds", "ScheduledAction") => shape(SCALING, "ScheduledAction"),
        _ => None,
    }
}

/// Members of answers that the model does not have (yet, or any more).
const SEEN_IN_ANSWERS: [&str; 2] = ["platformFamily", "resourceManagementType"];

/// Members of calls that say what one call does.
const OF_A_CALL: [&str; 4] = ["clientToken", "forceNewDeployment", "nextToken", "responseMetadata"];

/// How a member that `shape` does not have is read all the same; `None`: it is an error.
pub fn known_elsewhere(shape: &Shape, name: &str) -> Option<Lenience> {
    // As it is, or in PascalCase; `desiredcount` is a mistake and not an answer's `desiredCount`.
    let same = |other: &str| other.get(1..) == name.get(1..) && other.eq_ignore_ascii_case(name);
    if name.starts_with('_') || name.starts_with("//") || name.starts_with('$') || name.starts_with('#') {
        return Some(Lenience::Comment);
    }
    if shape.without.iter().any(|(other, _)| same(other)) {
        return Some(Lenience::NotHere);
    }
    let answer = answer(shape)?;
    if answer.members().iter().any(|member| same(&member.name)) || SEEN_IN_ANSWERS.iter().any(|one| same(one))
    {
        return Some(Lenience::OutputOnly);
    }
    OF_A_CALL.iter().any(|other| same(other)).then_some(Lenience::NotHere)
}

/// Members that wrap a body in an answer or in another call's input.
const WRAPPERS: &[(&str, &[&str])] = &[
    ("TaskDefinition", &["taskDefinition"]),
    ("Service", &["service", "services"]),
    ("EcsCluster", &["cluster", "clusters"]),
    ("EcsCapacityProvider", &["capacityProvider", "capacityProviders"]),
    ("EcrRepository", &["repository", "repositories"]),
    ("LifecyclePolicy", &["lifecyclePolicyText", "lifecyclePolicy"]),
    ("PolicyDocument", &["policyText"]),
    ("Autoscaling", &["scalableTargets"]),
    ("Policies", &["scalingPolicies"]),
    ("ScheduledActions", &["scheduledActions"]),
];

/// The body within `{"taskDefinition": {…}}`, `{"services": [{…}]}` and the like, and the wrapper's name.
pub fn unwrapped<'a>(shape: &Shape, node: &'a Node) -> Option<(&'a str, &'a Node)> {
    if shape.api != "kinds" {
        return None;
    }
    let (_, names) = WRAPPERS.iter().find(|(name, _)| *name == shape.name)?;
    let is_wrapper = |name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    let entry = node.entries().iter().find(|entry| is_wrapper(&entry.name))?;
    let is_list = matches!(shape.kind, crate::model::facts::Type::List(_));
    let inner = match &entry.node.value {
        Value::List(_) if is_list => &entry.node,
        Value::Map(_) if !is_list => &entry.node,
        Value::String(_) if matches!(shape.name.as_str(), "LifecyclePolicy" | "PolicyDocument") => {
            &entry.node
        }
        Value::List(items) if !is_list && items.len() == 1 => &items[0],
        _ => return None,
    };
    Some((&entry.name, inner))
}
