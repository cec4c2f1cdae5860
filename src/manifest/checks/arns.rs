//! ARNs: well-formed where one is written or required, and of one account and Region.
//!
//! Compared are only ARNs of what must be in the service's own account or Region. Tests: at the end of this file.

use super::Finding;
use super::names::is_template;
use super::node::Node;

/// A place of ARNs.
struct Row {
    place: &'static str,
    /// The service that the ARN names; empty: any.
    service: &'static str,
    /// Only an ARN will do, a name will not.
    required: bool,
    /// What it names is in the object's Region.
    regional: bool,
    /// What it names is in the object's account.
    own: bool,
}

const fn row(place: &'static str, service: &'static str, flags: &'static str) -> Row {
    let flags = flags.as_bytes();
    Row {
        place,
        service,
        required: contains(flags, b'!'),
        regional: contains(flags, b'R'),
        own: contains(flags, b'A'),
    }
}

const fn contains(flags: &[u8], flag: u8) -> bool {
    let mut at = 0;
    while at < flags.len() {
        if flags[at] == flag {
            return true;
        }
        at += 1;
    }
    false
}

/// `!` an ARN is required, `R` in the object's Region, `A` in its account.
const ROWS: &[Row] = &[
    row("service.cluster", "ecs", "RA"),
    row("service.taskDefinition", "ecs", "RA"),
    row("service.role", "iam", "A"),
    row("service.capacityProviderStrategy[].capacityProvider", "ecs", "RA"),
    row("service.loadBalancers[].targetGroupArn", "elasticloadbalancing", "!RA"),
    row(
        "service.loadBalancers[].advancedConfiguration.alternateTargetGroupArn",
        "elasticloadbalancing",
        "!RA",
    ),
    row(
        "service.loadBalancers[].advancedConfiguration.productionListenerRule",
        "elasticloadbalancing",
        "!RA",
    ),
    row("service.loadBalancers[].advancedConfiguration.testListenerRule", "elasticloadbalancing", "!RA"),
    row("service.loadBalancers[].advancedConfiguration.roleArn", "iam", "A"),
    row("service.serviceConnectConfiguration.namespace", "servicediscovery", "R"),
    row("service.serviceRegistries[].registryArn", "servicediscovery", "!R"),
    row("service.vpcLatticeConfigurations[].targetGroupArn", "vpc-lattice", "!R"),
    row("service.vpcLatticeConfigurations[].roleArn", "iam", "A"),
    row("service.deploymentConfiguration.lifecycleHooks[].hookTargetArn", "lambda", "!"),
    row("service.deploymentConfiguration.lifecycleHooks[].roleArn", "iam", "A"),
    row("service.volumeConfigurations[].managedEBSVolume.roleArn", "iam", "A"),
    row("taskDefinition.taskRoleArn", "iam", "A"),
    row("taskDefinition.executionRoleArn", "iam", "A"),
    row("taskDefinition.containerDefinitions[].secrets[].valueFrom", "", ""),
    row("taskDefinition.containerDefinitions[].logConfiguration.secretOptions[].valueFrom", "", ""),
    row(
        "taskDefinition.containerDefinitions[].repositoryCredentials.credentialsParameter",
        "secretsmanager",
        "",
    ),
    row("taskDefinition.containerDefinitions[].environmentFiles[].value", "s3", "!"),
    row(
        "taskDefinition.volumes[].fsxWindowsFileServerVolumeConfiguration.authorizationConfig.credentialsParameter",
        "",
        "",
    ),
    row("taskDefinition.volumes[].s3filesVolumeConfiguration.fileSystemArn", "", "!"),
    row("cluster", "ecs", "RA"),
    row("autoScalingGroupProvider.autoScalingGroupArn", "autoscaling", "RA"),
    row("managedInstancesProvider.infrastructureRoleArn", "iam", "A"),
    row("managedInstancesProvider.instanceLaunchTemplate.ec2InstanceProfileArn", "iam", "A"),
    row("capacityProviders[]", "ecs", "RA"),
    row("defaultCapacityProviderStrategy[].capacityProvider", "ecs", "RA"),
];

/// The parts that are compared.
struct Arn<'a> {
    region: &'a str,
    account: &'a str,
}

/// Why a text is not an ARN, and what to write.
struct Malformed {
    problem: String,
    hint: String,
}

pub(super) fn check(spec: &Node, out: &mut Vec<Finding>) {
    let declared = spec.at("region");
    let mut region =
        declared.text().filter(|region| !is_template(region)).map(|region| (region, declared.clone()));
    let mut account: Option<(&str, Node)> = None;
    for (row, node, text) in written(spec) {
        let arn = match parse(text, row.service) {
            Ok(arn) => arn,
            Err(Malformed { problem, hint }) => {
                out.push(Finding::error(&node, format!("`{text}` is not an ARN: {problem}")).hint(hint));
                continue;
            }
        };
        if row.regional && !arn.region.is_empty() {
            agree(&mut region, arn.region, "Region", &node, out);
        }
        if row.own && !arn.account.is_empty() && arn.account != "aws" {
            agree(&mut account, arn.account, "account", &node, out);
        }
    }
}

/// The first ARN of another Region than `region`, where the spec itself names none.
pub(super) fn elsewhere(spec: &Node, region: &str) -> Option<Finding> {
    if spec.given("region") || region.is_empty() {
        return None;
    }
    let regional = written(spec).into_iter().filter(|(row, ..)| row.regional);
    let mut places =
        regional.filter_map(|(row, node, text)| Some((node, parse(text, row.service).ok()?.region)));
    let (node, other) = places.find(|(_, region)| !region.is_empty())?;
    (other != region).then(|| {
        Finding::error(
            &node,
            format!("this is in the Region `{other}`, and the object belongs to `{region}`"),
        )
        .hint(format!("write `region: {other}` under `spec`, if the object is there"))
    })
}

/// Every place that holds an ARN, or must.
fn written<'a>(spec: &Node<'a>) -> Vec<(&'static Row, Node<'a>, &'a str)> {
    let places = ROWS.iter().flat_map(|row| spec.find(row.place).into_iter().map(move |node| (row, node)));
    places
        .filter_map(|(row, node)| {
            let text = node.text().filter(|text| !is_template(text))?;
            (text.starts_with("arn:") || row.required).then_some((row, node, text))
        })
        .collect()
}

/// The first place says what all others must be.
fn agree<'a>(
    first: &mut Option<(&'a str, Node<'a>)>,
    this: &'a str,
    what: &str,
    node: &Node<'a>,
    out: &mut Vec<Finding>,
) {
    match first {
        None => *first = Some((this, node.clone())),
        Some((other, place)) if *other != this => {
            let message = format!("this is in the {what} `{this}`, but `{}` is in `{other}`", place.path);
            out.push(Finding::error(node, message).related(place));
        }
        Some(_) => {}
    }
}

/// `arn:partition:service:region:account:resource`.
fn parse<'a>(text: &'a str, service: &str) -> Result<Arn<'a>, Malformed> {
    let example = match service {
        "" => "secretsmanager:eu-central-1:123456789012:…",
        "iam" => "iam::123456789012:role/NAME",
        "s3" => "s3:::BUCKET/KEY",
        other => &format!("{other}:eu-central-1:123456789012:…"),
    };
    let malformed = |problem: String| Malformed { problem, hint: format!("such as `arn:aws:{example}`") };
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [scheme, partition, named, region, account, resource] = parts[..] else {
        return Err(malformed(format!("it has {} of 6 parts", parts.len())));
    };
    if scheme != "arn" || !partition.starts_with("aws") {
        return Err(malformed("it does not start with `arn:aws`".to_owned()));
    }
    if !service.is_empty() && named != service {
        return Err(malformed(format!("it names the service `{named}`, not `{service}`")));
    }
    if !region.is_empty() && !is_region(region) {
        return Err(malformed(format!("`{region}` is not a Region")));
    }
    // Not counted: in documents that people pass on, digits are often taken out of account ids.
    if account != "aws" && !account.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(malformed(format!("the account `{account}` is not 12 digits")));
    }
    if resource.is_empty() {
        return Err(malformed("it names no resource".to_owned()));
    }
    Ok(Arn { region, account })
}

/// `eu-central-1`, `us-gov-west-1`.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|letter| letter.is_ascii_lowercase());
    match parts.as_slice() {
        [words @ .., number] => {
            words.len() >= 2
                && words.iter().all(letters)
                && number.bytes().all(|digit| digit.is_ascii_digit())
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::checks::tests::lines;
    use crate::model::names::Kind;
    use serde_json::json;

    const GROUP: &str = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/1f0c";

    fn errors(region: Option<&str>, cluster: &str, group: &str) -> Vec<String> {
        let balancer = json!({"targetGroupArn": group, "containerName": "web", "containerPort": 80});
        let service = json!({"taskDefinition": "web:1", "cluster": cluster, "loadBalancers": [balancer]});
        lines(Kind::EcsService, &json!({"region": region, "service": service}))
    }

    #[test]
    fn arns_of_one_account_and_region_pass() {
        let cluster = "arn:aws:ecs:eu-central-1:123456789012:cluster/shop";
        assert_eq!(errors(Some("eu-central-1"), cluster, GROUP), [""; 0]);
        assert_eq!(errors(None, "shop", GROUP), [""; 0]);
        assert_eq!(errors(None, "shop", "${GROUP}"), [""; 0]);
    }

    #[test]
    fn what_is_not_an_arn_or_elsewhere_is_an_error() {
        let elsewhere = "arn:aws:ecs:us-east-1:123456789012:cluster/shop";
        let foreign = "arn:aws:ecs:eu-central-1:210987654321:cluster/shop";
        for (region, cluster, group, words) in [
            (None, "shop", "BLUE", "it has 1 of 6 parts"),
            (
                None,
                "shop",
                "arn:aws:elasticloadbalancing:region:1:targetgroup/web",
                "`region` is not a Region",
            ),
            (None, "shop", "arn:aws:elasticloadbalancing:eu-central-1:ACCOUNT:targetgroup/w", "12 digits"),
            (None, "shop", "arn:aws:ecs:eu-central-1:123456789012:cluster/shop", "names the service `ecs`"),
            (Some("us-east-1"), "shop", GROUP, "in the Region `eu-central-1`"),
            (None, elsewhere, GROUP, "`service.cluster` is in `us-east-1`"),
            (None, foreign, GROUP, "in the account `123456789012`"),
        ] {
            let found = errors(region, cluster, group);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(words), "{found:?}");
        }
    }
}
