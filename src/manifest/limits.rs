//! Bounds that the API's documentation states and its model does not, one table for each kind of bound.
//!
//! Only what AWS is known to refuse stands here. The reader, the editors' schema and the CRDs hold numbers to them; lists,
//! texts and what must be there are held by the schemas, and said in words of their own by the checks. Tests: at the end
//! (what the tables refuse the checks refuse), and with the reader.

use crate::model::facts::{Member, Shape};

/// Least and greatest value of a number, by shape and member.
const LIMITS: &[(&str, &str, f64, f64)] = &[
    ("Service", "desiredCount", 0.0, MANY),
    ("Service", "healthCheckGracePeriodSeconds", 0.0, MANY),
    ("DeploymentConfiguration", "maximumPercent", 0.0, MANY),
    ("DeploymentConfiguration", "minimumHealthyPercent", 0.0, MANY),
    ("DeploymentConfiguration", "bakeTimeInMinutes", 0.0, 1440.0),
    ("LinearConfiguration", "stepPercent", 3.0, 100.0),
    ("LinearConfiguration", "stepBakeTimeInMinutes", 0.0, 1440.0),
    ("CanaryConfiguration", "canaryPercent", 0.1, 100.0),
    ("CanaryConfiguration", "canaryBakeTimeInMinutes", 0.0, 1440.0),
    ("LoadBalancer", "containerPort", 1.0, 65535.0),
    ("ServiceRegistry", "containerPort", 1.0, 65535.0),
    ("ServiceRegistry", "port", 1.0, 65535.0),
    ("PortMapping", "containerPort", 1.0, 65535.0),
    ("PortMapping", "hostPort", 0.0, 65535.0),
    ("ContainerDefinition", "cpu", 0.0, MANY),
    ("ContainerDefinition", "memory", 4.0, MANY),
    ("ContainerDefinition", "memoryReservation", 4.0, MANY),
    ("ContainerDefinition", "startTimeout", 0.0, MANY),
    ("ContainerDefinition", "stopTimeout", 0.0, MANY),
    ("ContainerRestartPolicy", "restartAttemptPeriod", 60.0, 1800.0),
    ("HealthCheck", "interval", 5.0, 300.0),
    ("HealthCheck", "timeout", 2.0, 120.0),
    ("HealthCheck", "retries", 1.0, 10.0),
    ("HealthCheck", "startPeriod", 0.0, 300.0),
    ("LinuxParameters", "swappiness", 0.0, 100.0),
    ("LinuxParameters", "sharedMemorySize", 0.0, MANY),
    ("EFSVolumeConfiguration", "transitEncryptionPort", 0.0, 65535.0),
    ("Autoscaling", "minCapacity", 0.0, MANY),
    ("Autoscaling", "maxCapacity", 0.0, MANY),
    ("ScalableTargetAction", "minCapacity", 0.0, MANY),
    ("ScalableTargetAction", "maxCapacity", 0.0, MANY),
    ("StepScalingPolicyConfiguration", "cooldown", 0.0, MANY),
    ("TargetTrackingScalingPolicyConfiguration", "scaleInCooldown", 0.0, MANY),
    ("TargetTrackingScalingPolicyConfiguration", "scaleOutCooldown", 0.0, MANY),
];

/// The greatest value of the APIs' integers.
const MANY: f64 = 2_147_483_647.0;

/// Least and greatest number of elements of a list, by shape and member.
const COUNTS: &[(&str, &str, u32, u32)] = &[
    ("TaskDefinition", "containerDefinitions", 1, 10),
    ("TaskDefinition", "tags", 0, TAGS),
    ("ContainerDefinition", "environmentFiles", 0, 10),
    ("ContainerRestartPolicy", "ignoredExitCodes", 0, 50),
    ("Service", "capacityProviderStrategy", 0, 20),
    ("Service", "loadBalancers", 0, 5),
    ("Service", "placementConstraints", 0, 10),
    ("Service", "placementStrategy", 0, 5),
    ("Service", "serviceRegistries", 0, 1),
    ("Service", "volumeConfigurations", 0, 1),
    ("Service", "tags", 0, TAGS),
    ("AwsVpcConfiguration", "subnets", 1, 16),
    ("AwsVpcConfiguration", "securityGroups", 0, 5),
    ("ServiceConnectService", "clientAliases", 0, 1),
    ("Autoscaling", "policies", 0, 50),
    ("EcsCluster", "capacityProviders", 0, 20),
    ("EcsCluster", "defaultCapacityProviderStrategy", 0, 20),
    ("EcsCluster", "tags", 0, TAGS),
    ("EcsCapacityProvider", "tags", 0, TAGS),
    ("EcrRepository", "tags", 0, TAGS),
];

/// AWS takes 50; three are the operator's own.
const TAGS: u32 = 50 - 3;

/// The most letters of a text and the pattern of all of it, by shape and member. RE2's syntax, and not more than every
/// dialect has but for classes such as `\p{Cc}`.
const TEXTS: &[(&str, &str, u32, &str)] = &[
    ("TaskDefinition", "family", 255, PLAIN),
    ("ContainerDefinition", "name", 255, PLAIN),
    ("ContainerDefinition", "image", 1024, r"\S+"),
    ("PortMapping", "name", 64, "[a-z0-9_][a-z0-9_-]*"),
    ("Service", "serviceName", 255, PLAIN),
    ("Service", "cluster", 512, NAME_OR_ARN),
    ("Service", "platformVersion", 32, r"LATEST|[0-9]+\.[0-9]+\.[0-9]+"),
    ("Policy", "policyName", 256, r"\P{Cc}+"),
    ("ScheduledAction", "scheduledActionName", 256, r"[^ :/|\p{Cc}]([^:/|\p{Cc}]*[^ :/|\p{Cc}])?"),
    ("EcsCluster", "clusterName", 255, PLAIN),
    ("EcsCapacityProvider", "name", 255, PLAIN),
    ("EcsCapacityProvider", "cluster", 512, NAME_OR_ARN),
];

const PLAIN: &str = "[A-Za-z0-9_-]+";
const NAME_OR_ARN: &str = "arn:.+|[A-Za-z0-9_-]{1,255}";

/// Members that the model leaves optional and AWS demands all the same.
const DEMANDED: &[(&str, &[&str])] = &[
    ("ContainerDefinition", &["name", "image"]),
    ("KeyValuePair", &["name"]),
    ("LoadBalancer", &["containerName", "containerPort"]),
    ("ServiceRegistry", &["registryArn"]),
    ("Tag", &["key"]),
    ("Volume", &["name"]),
];

/// How many elements the list has, where the table says so.
pub fn count(shape: &str, member: &str) -> Option<(u32, u32)> {
    COUNTS.iter().find(|row| row.0 == shape && row.1 == member).map(|row| (row.2, row.3))
}

/// The most letters of a text and the pattern of all of it, where the table has them.
pub fn text(shape: &str, member: &str) -> Option<(u32, &'static str)> {
    TEXTS.iter().find(|row| row.0 == shape && row.1 == member).map(|row| (row.2, row.3))
}

/// Whether a structure without the member is refused.
pub fn is_required(shape: &Shape, member: &Member) -> bool {
    let demanded =
        |(owner, members): &(&str, &[&str])| *owner == shape.name && members.contains(&member.name.as_str());
    member.required || DEMANDED.iter().any(demanded)
}

/// The bounds of a number, where the table has them.
pub fn of(shape: &str, member: &str) -> Option<(f64, f64)> {
    LIMITS.iter().find(|row| row.0 == shape && row.1 == member).map(|row| (row.2, row.3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::checks::check;
    use crate::manifest::problem::Severity;
    use crate::model::facts::{kind_shape, shape};
    use crate::model::names::Kind;
    use serde_json::{Map, Value, json};

    fn named(owner: &str) -> &'static Shape {
        let kinds = ["Service", "Autoscaling", "TaskDefinition", "Policy", "ScheduledAction"];
        if kinds.contains(&owner) || owner.starts_with("Ec") {
            return kind_shape(owner);
        }
        shape("ecs", owner)
            .or_else(|| shape("application-autoscaling", owner))
            .unwrap_or_else(|| panic!("{owner}"))
    }

    #[test]
    fn every_row_names_a_member_of_the_model() {
        let numbers = LIMITS.iter().map(|row| (row.0, row.1));
        let lists = COUNTS.iter().map(|row| (row.0, row.1));
        let texts = TEXTS.iter().map(|row| (row.0, row.1));
        let demanded =
            DEMANDED.iter().flat_map(|(owner, members)| members.iter().map(|member| (*owner, *member)));
        for (owner, member) in numbers.chain(lists).chain(texts).chain(demanded) {
            assert!(named(owner).member(member).is_some(), "{owner}.{member}");
        }
    }

    /// A document of `shape` in which the structure `owner` is `value`, and nothing else, with the way there.
    fn around(
        shape: &'static Shape,
        owner: &Shape,
        value: &Value,
        seen: &mut Vec<String>,
    ) -> Option<(Value, String)> {
        if shape == owner {
            return Some((value.clone(), String::new()));
        }
        if seen.contains(&shape.name) {
            return None;
        }
        seen.push(shape.name.clone());
        if let Some(element) = shape.element() {
            let (inner, way) = around(element, owner, value, seen)?;
            return Some((json!([inner]), format!("[0]{way}")));
        }
        shape.members().iter().find_map(|member| {
            let (inner, way) = around(member.shape(), owner, value, seen)?;
            let outer = Value::Object(Map::from_iter([(member.name.clone(), inner)]));
            Some((outer, format!(".{}{way}", member.name)))
        })
    }

    /// The errors at the structure `owner`, and below it, when it is `value`.
    fn refused(owner: &str, value: &Value) -> Vec<(String, String)> {
        let kinds = [Kind::EcsService, Kind::EcsCluster, Kind::EcsCapacityProvider, Kind::EcrRepository];
        let found = kinds
            .iter()
            .find_map(|kind| Some((*kind, around(kind.spec(), named(owner), value, &mut Vec::new())?)));
        let (kind, (spec, way)) = found.unwrap_or_else(|| panic!("{owner} is in no kind"));
        let mut errors = Vec::new();
        check(kind, spec.as_object().unwrap(), &mut |finding| {
            if let (Severity::Error, Some(below)) =
                (finding.severity, finding.path.strip_prefix(way.trim_start_matches('.')))
            {
                errors.push((below.trim_start_matches('.').to_owned(), finding.message));
            }
        });
        errors
    }

    #[test]
    fn a_list_that_the_table_refuses_the_checks_refuse() {
        for (owner, member, least, most) in COUNTS {
            for count in [most + 1, least.wrapping_sub(1)].into_iter().filter(|count| *count <= most + 1) {
                let list: Vec<Value> =
                    (0..count).map(|at| json!({"key": at.to_string(), "value": ""})).collect();
                let errors = refused(owner, &json!({*member: list}));
                assert!(
                    errors.iter().any(|(path, _)| path == member),
                    "{owner}.{member}: {count}: {errors:?}"
                );
            }
        }
    }

    #[test]
    fn a_text_that_the_table_refuses_the_checks_refuse() {
        let kinds_of_text = ["a.b c", "ä", " ", "a:b", "\n", "1.4"];
        for (owner, member, _, _) in TEXTS {
            let refuses =
                |text: &&str| refused(owner, &json!({*member: text})).iter().any(|(path, _)| path == member);
            assert!(kinds_of_text.iter().any(refuses), "{owner}.{member}");
        }
    }

    #[test]
    fn what_the_table_demands_the_checks_demand() {
        for (owner, members) in DEMANDED {
            for member in *members {
                let errors = refused(owner, &json!({"value": "x"}));
                let is_said = errors
                    .iter()
                    .any(|(path, message)| path.is_empty() && message.contains(&format!("no `{member}`")));
                assert!(is_said, "{owner}.{member}: {errors:?}");
            }
        }
    }
}
