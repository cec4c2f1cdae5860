//! `deploy/iam/*.json` against the code: the policies allow what is used, and nothing else.

use ecs_operator::aws::{Access, Operation};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What AWS asks of the caller beside the operations themselves; `deploy/iam/README.md` says why.
const BESIDE: [&str; 6] = [
    "autoscaling:CreateOrUpdateTags",
    "cloudwatch:DeleteAlarms",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:PutMetricAlarm",
    "iam:CreateServiceLinkedRole",
    "iam:PassRole",
];

/// The actions that a policy allows.
fn allowed(file: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/iam").join(file);
    let policy: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    assert!(statements.iter().all(|statement| statement["Effect"] == "Allow"));
    let actions = statements.iter().flat_map(|statement| statement["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

/// The sources that say which operations are used: all but the table of operations itself, the sandbox that answers
/// them, and tests.
fn sources(folder: &str) -> String {
    let mut text = String::new();
    let mut folders: Vec<PathBuf> = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "sandbox" {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !["operation.rs", "tests.rs", "wire_tests.rs"].contains(&name.as_str())
            {
                let source = std::fs::read_to_string(path).unwrap();
                text.push_str(source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default());
            }
        }
    }
    text
}

/// The permissions of the operations that the code names: reads as `Operation::X`, the planner's actions as
/// `"X"` beside their API.
fn used(access: Access) -> BTreeSet<String> {
    let (sources, planner) = (sources("src"), sources("src/plan"));
    let named = |operation: &&Operation| {
        let variant = format!("Operation::{operation:?}");
        let whole =
            |at: usize| !sources[at + variant.len()..].starts_with(|next: char| next.is_alphanumeric());
        sources.match_indices(&variant).any(|(at, _)| whole(at))
            || (operation.writes() && planner.contains(&format!("\"{}\"", operation.name())))
    };
    let used = Operation::ALL.iter().filter(|operation| operation.access() == access).filter(named);
    used.map(|operation| operation.permission()).collect()
}

#[test]
fn the_read_only_policy_allows_every_read_that_is_used_and_nothing_else() {
    assert_eq!(allowed("read-only.json"), used(Access::Read));
}

#[test]
fn the_policy_for_apply_allows_all_that_is_used_and_what_aws_asks_beside() {
    let beside = BESIDE.into_iter().map(str::to_owned).collect();
    let all: BTreeSet<String> = &used(Access::Read) | &used(Access::Write);
    assert_eq!(allowed("apply.json"), &all | &beside);
}
