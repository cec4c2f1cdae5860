//! Another spelling of a manifest: defaults spelled out, lists that are sets turned round, units, names for ARNs.

use super::generator::hashed;
use ecs_operator::model::facts::{Shape, Type, kind_shape};
use ecs_operator::model::semantics::spelling::Spelling;
use ecs_operator::model::semantics::{Absent, Compare, Meaning, Scope};
use serde_json::{Map, Value, json};

/// The manifest as somebody else would write it; `how` chooses what is spelled otherwise.
pub fn respelled(mut manifest: Value, how: u64) -> Value {
    let shape = kind_shape(manifest["kind"].as_str().unwrap());
    let spec = manifest["spec"].as_object().unwrap().clone();
    let mut other = Map::new();
    for member in shape.members() {
        let Some(value) = spec.get(&member.name) else { continue };
        // The parts of a service are documents of their own.
        let root = value.as_object().filter(|_| shape.name == "EcsService").unwrap_or(&spec);
        let scope = Scope::of(root, "123456789012");
        other.insert(member.name.clone(), self::value(member.shape(), value, &member.name, how, scope));
    }
    if shape.name != "EcsService" {
        other = structure(shape, &spec, "", how, Scope::of(&spec, "123456789012"));
    }
    manifest["spec"] = Value::Object(other);
    manifest
}

fn structure(
    shape: &'static Shape,
    document: &Map<String, Value>,
    path: &str,
    how: u64,
    scope: Scope,
) -> Map<String, Value> {
    let scope = scope.within(document);
    let mut other = Map::new();
    // Members in another order.
    for member in shape.members().iter().rev() {
        let place = format!("{path}.{}", member.name);
        let meaning = Meaning::of(shape, member);
        let chosen = hashed(how, &place).is_multiple_of(2);
        match document.get(&member.name) {
            Some(given) => {
                let inner = value(member.shape(), given, &place, how, scope);
                let inner = if chosen { turned(meaning.compare, inner) } else { inner };
                other.insert(member.name.clone(), inner);
            }
            None if chosen && !member.required && !is_exclusive(&shape.name, &member.name) => {
                other.extend(
                    silence(&meaning, member.shape(), &scope).map(|value| (member.name.clone(), value)),
                );
            }
            None => {}
        }
    }
    other
}

/// Members that may not be given beside another, be it with their default.
fn is_exclusive(shape: &str, member: &str) -> bool {
    matches!(
        (shape, member),
        (
            "Service",
            "healthCheckGracePeriodSeconds"
                | "capacityProviderStrategy"
                | "deploymentConfiguration"
                | "serviceConnectConfiguration"
        ) | ("DeploymentConfiguration", "linearConfiguration" | "canaryConfiguration")
            | ("EFSVolumeConfiguration", "rootDirectory" | "transitEncryption")
            | ("TaskDefinition", "enableFaultInjection")
            | ("EcrRepository", "lifecyclePolicy" | "repositoryPolicy" | "encryptionConfiguration")
            | ("EcsCluster", "serviceConnectDefaults")
            | ("DockerVolumeConfiguration", "autoprovision")
            | ("Volume", "configuredAtLaunch")
            | ("LinuxParameters", "sharedMemorySize")
            | ("ContainerDefinition", "disableNetworking" | "privileged")
    )
}

/// What absence says, in words.
fn silence(meaning: &Meaning, shape: &Shape, scope: &Scope) -> Option<Value> {
    match (meaning.absent, &shape.kind) {
        (Absent::Default(_) | Absent::DefaultOf(_), kind) => {
            let default = meaning.default(scope)?;
            let is_empty_part = matches!(kind, Type::Structure(_)) && default == json!({});
            (!is_empty_part).then_some(default)
        }
        (Absent::Nothing, Type::List(_)) if shape.min.unwrap_or(0.0) < 1.0 => Some(json!([])),
        (Absent::Nothing, _) => Some(Value::Null),
        _ => None,
    }
}

fn value(shape: &'static Shape, given: &Value, path: &str, how: u64, scope: Scope) -> Value {
    match (&shape.kind, given) {
        (Type::Structure(_), Value::Object(document)) => {
            Value::Object(structure(shape, document, path, how, scope))
        }
        (Type::List(element), Value::Array(elements)) => {
            let inner = elements.iter().enumerate();
            inner.map(|(at, one)| value(element.shape(), one, &format!("{path}[{at}]"), how, scope)).collect()
        }
        (Type::Double, Value::Number(number)) => {
            number.as_f64().map_or(given.clone(), |number| json!(number))
        }
        _ => given.clone(),
    }
}

/// The same value for who compares it so.
fn turned(compare: Compare, value: Value) -> Value {
    match (compare, value) {
        (Compare::Set | Compare::By(_) | Compare::Declared(_), Value::Array(mut elements)) => {
            elements.reverse();
            Value::Array(elements)
        }
        (Compare::Spelled(Spelling::CpuUnits), Value::String(text)) if text == "1024" => json!("1 vCPU"),
        (Compare::Spelled(Spelling::CpuUnits), Value::String(text)) if text == "2048" => json!("2 vcpu"),
        (Compare::Spelled(Spelling::MemoryMib), Value::String(text)) if text == "4096" => json!("4GB"),
        (Compare::Spelled(Spelling::Role), Value::String(arn)) => {
            json!(arn.rsplit('/').next().unwrap_or_default())
        }
        (Compare::Spelled(Spelling::PlacementField), Value::String(text)) => json!(text.to_uppercase()),
        (_, value) => value,
    }
}
