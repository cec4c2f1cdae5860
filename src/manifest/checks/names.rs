//! Names, ids, ARNs, images and tags: what AWS accepts as such. Tests: at the end.

use super::{Subject, by, unique};
use crate::manifest::problem::Report;
use crate::manifest::tree::{Node, Value};
use crate::model::names::GROUP;

/// The tags that are ours: owner, source, state or content. Fifty are allowed in all.
const OUR_TAGS: usize = 3;
const MOST_TAGS: usize = 50;

/// Checks the name of a resource: `member` of `owner`, or the name of the manifest in its place.
pub fn named(owner: Option<&Node>, member: &str, subject: &Subject, report: &mut Report) {
    if let Some(name) = owner.and_then(|owner| owner.get(member)).or(subject.name) {
        plain_name(member, name, report);
    }
}

/// Names of clusters, services, families, containers and volumes.
pub fn plain_name(member: &str, node: &Node, report: &mut Report) {
    let Some(name) = node.as_str() else { return };
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if name.is_empty() || name.len() > 255 || !name.chars().all(is_letter) {
        let problem = report.error(node, format!("`{member}` cannot be `{name}`"));
        problem.hint("letters, digits, `-` and `_`, at most 255 of them");
    }
}

/// What is wrong with an ARN, if anything.
fn wrong_arn(arn: &str) -> Option<&'static str> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, partition, service, region, account, resource] = parts.as_slice() else {
        return Some("an ARN has six parts: arn:partition:service:region:account:resource");
    };
    let is_account = account.is_empty() || *account == "aws" || account.len() == 12 && all_digits(account);
    let is_region =
        region.is_empty() || region.contains('-') && region.ends_with(|digit: char| digit.is_ascii_digit());
    if !partition.starts_with("aws") || service.is_empty() || resource.is_empty() {
        Some("an ARN has six parts: arn:partition:service:region:account:resource")
    } else if !is_region {
        Some("the fourth part of an ARN is a Region, such as `eu-central-1`")
    } else if !is_account {
        Some("the fifth part of an ARN is an account's twelve digits")
    } else {
        None
    }
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Members that hold an ARN and nothing else; a name is as good for the others.
const ARNS_ONLY: [&str; 8] = [
    "targetGroupArn",
    "alternateTargetGroupArn",
    "productionListenerRule",
    "testListenerRule",
    "hookTargetArn",
    "registryArn",
    "awsPcaAuthorityArn",
    "fileSystemArn",
];

/// Checks everything in a spec that refers to something of AWS: ARNs, subnets, security groups, images.
pub fn references(node: &Node, report: &mut Report) {
    for entry in node.entries() {
        match (entry.name.as_str(), &entry.node.value) {
            ("repositoryPolicy" | "environment" | "options" | "dockerLabels" | "hookDetails", _) => {}
            ("tags", Value::List(_)) => tags(&entry.node, report),
            ("image", Value::String(_)) => image(&entry.node, report),
            ("region", Value::String(text)) => region(text, &entry.node, report),
            ("subnets", _) => ids(&entry.node, "subnet-", "a subnet", report),
            ("securityGroups", _) => ids(&entry.node, "sg-", "a security group", report),
            (name, Value::String(text)) => reference(name, text, &entry.node, report),
            _ => references(&entry.node, report),
        }
    }
    node.items().iter().for_each(|item| references(item, report));
}

fn reference(name: &str, text: &str, node: &Node, report: &mut Report) {
    if text.starts_with("arn:") {
        let names_arn =
            name.ends_with("Arn") || ["valueFrom", "cluster", "role", "credentialsParameter"].contains(&name);
        if let Some(hint) = wrong_arn(text).filter(|_| names_arn || ARNS_ONLY.contains(&name)) {
            report.error(node, format!("`{name}`: `{text}` is no ARN")).hint(hint);
        }
    } else if ARNS_ONLY.contains(&name) {
        report.error(node, format!("`{name}` is an ARN, not `{text}`"));
    }
}

/// `eu-central-1`, `us-gov-west-1`.
fn region(text: &str, node: &Node, report: &mut Report) {
    let parts: Vec<&str> = text.split('-').collect();
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|letter| letter.is_ascii_lowercase());
    let is_region = matches!(parts.as_slice(), [area, words @ .., number]
        if area.len() == 2 && is_word(area) && !words.is_empty() && words.iter().all(|word| is_word(word))
            && !number.is_empty() && all_digits(number));
    if !is_region {
        report.error(node, format!("`{text}` is not a Region")).hint("such as `eu-central-1`");
    }
}

/// Ids such as `subnet-0f84f9bc7d44d11aa`.
fn ids(list: &Node, prefix: &str, what: &str, report: &mut Report) {
    for node in list.items() {
        let Some(text) = node.as_str() else { continue };
        let Some(id) = text.strip_prefix(prefix) else {
            report
                .error(node, format!("`{text}` is not {what}"))
                .hint(format!("its id begins with `{prefix}`"));
            continue;
        };
        let id = id.rsplit('-').next().unwrap_or_default();
        let is_filler = id.len() > 2 && id.chars().all(|letter| "xyz".contains(letter.to_ascii_lowercase()));
        if is_filler || id.is_empty() {
            report.error(node, format!("`{text}` stands for {what} and is none")).hint("write its id");
        }
    }
    unique(list.items(), |node| Some((node.as_str()?, node)), what.trim_start_matches("a "), report);
}

fn image(node: &Node, report: &mut Report) {
    let Some(image) = node.as_str() else { return };
    let odd = |letter: &char| !letter.is_ascii_alphanumeric() && !"-_./:@".contains(*letter);
    if image.is_empty() {
        report.error(node, "`image` is empty").hint("write `repository:tag`");
    } else if image.ends_with(':') || image.ends_with('@') {
        report.error(node, format!("`{image}` is not an image")).hint("write `repository:tag`");
    } else if let Some(letter) = image.chars().find(odd) {
        let problem = report.error(node, format!("`{image}` is not an image: `{letter}` cannot stand in it"));
        if letter == '$' {
            problem.hint("a variable was left in: give the rendered text");
        }
    }
}

/// Tags: their number, and their keys.
fn tags(list: &Node, report: &mut Report) {
    let items = list.items();
    if items.len() + OUR_TAGS > MOST_TAGS {
        let message =
            format!("{} tags; AWS allows {MOST_TAGS}, of which the operator needs {OUR_TAGS}", items.len());
        report.error(list, message);
    }
    unique(items, by("key"), "the tag", report);
    for item in items {
        let Some(key) = item.get("key") else {
            report.error(item, "a tag has no `key`");
            continue;
        };
        let text = key.as_str().unwrap_or("-");
        if text.to_ascii_lowercase().starts_with("aws:") {
            report.error(key, format!("the tag `{text}` is AWS's: keys cannot begin with `aws:`"));
        } else if text.starts_with(GROUP) {
            report
                .error(key, format!("the tag `{text}` is the operator's: keys cannot begin with `{GROUP}`"));
        }
        for node in [Some(key), item.get("value")].into_iter().flatten() {
            let odd = |letter: &char| {
                !letter.is_alphanumeric() && !letter.is_whitespace() && !"_.:/=+-@".contains(*letter)
            };
            if let Some(letter) = node.as_str().and_then(|text| text.chars().find(odd)) {
                report.error(node, format!("`{letter}` cannot stand in a tag"));
            }
        }
    }
}

/// `shop/checkout`: parts of small letters and digits, joined by `.`, `_`, `__` or dashes, below each other with `/`.
pub fn is_repository(name: &str) -> bool {
    let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let part = |part: &str| {
        let ends = |letter: Option<char>| letter.is_some_and(|letter| is_word(&letter.to_string()));
        ends(part.chars().next())
            && ends(part.chars().last())
            && part.split(['.', '_', '-']).all(is_word)
            && !["..", "___", "._", "_.", "-.", ".-", "-_", "_-"].iter().any(|bad| part.contains(bad))
    };
    (2..=256).contains(&name.len()) && name.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{says, says_nothing};
    use super::*;

    #[test]
    fn an_arn_has_a_region_and_an_account() {
        assert_eq!(wrong_arn("arn:aws:iam::123456789012:role/web"), None);
        assert_eq!(wrong_arn("arn:aws-cn:ecs:cn-north-1:123456789012:cluster/shop"), None);
        assert!(wrong_arn("arn:aws:iam::ACCOUNT_ID:role/web").unwrap().contains("account"));
        assert!(wrong_arn("arn:aws:ecs:region:123456789012:cluster/a").unwrap().contains("Region"));
        assert!(wrong_arn("arn:aws:iam").unwrap().contains("six parts"));
    }

    #[test]
    fn a_repository_is_spelled_in_small_letters() {
        for name in ["shop/checkout", "a1", "a.b/c_d/e--f", "a__b"] {
            assert!(is_repository(name), "{name}");
        }
        for name in ["Shop", "a", "shop/", "/shop", "a..b", "-ab", "a b", "a___b"] {
            assert!(!is_repository(name), "{name}");
        }
    }

    #[test]
    fn tags_keep_their_limits() {
        says("EcsCluster", "tags: [{key: aws:x, value: y}]", "cannot begin with `aws:`");
        says("EcsCluster", "tags: [{key: ecs-operator.dev/owner, value: y}]", "the operator's");
        says("EcsCluster", "tags: [{key: a, value: y}, {key: a, value: z}]", "the tag `a` stands here twice");
        says("EcsCluster", "tags: [{key: a, value: 'a;b'}]", "`;` cannot stand in a tag");
        says_nothing("EcsCluster", "tags: [{key: Größe, value: 'a b/c=d@e'}]");
        says_nothing("EcrRepository", "tags: [{Key: a, Value: b}]");
        let many: Vec<String> = (0..48).map(|at| format!("{{key: k{at}, value: v}}")).collect();
        says("EcsCluster", &format!("tags: [{}]", many.join(", ")), "48 tags");
    }
}
