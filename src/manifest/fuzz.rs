//! Whatever is given: no panic, a place for every problem, an answer in time.

use super::problem::Problem;
use super::read::{Asked, read};
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// Reads a text; every problem must have a place within it, and be shown.
fn examined(text: &str) -> Vec<Problem> {
    let lines = text.split('\n').count();
    let problems = read("a.yaml", text.to_owned(), Asked::ByName).problems;
    for problem in &problems {
        let shown = problem.to_string();
        assert!(problem.message.starts_with("and at least") || problem.place.line >= 1, "{shown}");
        assert!((problem.place.line as usize) <= lines + 1, "{shown}");
    }
    problems
}

/// A manifest whose spec has any of the given pieces anywhere.
fn nearly_a_manifest() -> impl Strategy<Value = String> {
    let pieces = vec![
        "  service:",
        "  taskDefinition:",
        "  autoscaling:",
        "    containerDefinitions:",
        "      - name: a",
        "        image: b",
        "    cluster: x",
        "    loadBalancers: {}",
        "    desiredCount: '2'",
        "    policies: [",
        "    tags: [{key: a}]",
        "    networkMode: ${X}",
        "    cpu: 256",
        "\t- x",
        "      dependsOn: [{containerName: a}]",
        "    launchType: ''",
        "    ? [a]",
        "    <<: *a",
        "    volumes: &a [{name: v}]",
        "---",
        "kind: EcsCluster",
        "    scheduledActions: [{schedule: cron(}]",
        "    repositoryPolicy: '{'",
        "    lifecyclePolicy: [1]",
        "    : x",
        "    deploymentConfiguration: null",
        "    memory: 1e9",
        "    placementStrategy: [[]]",
        "    strategy: \"\u{1F600}\"",
    ];
    proptest::collection::vec(proptest::sample::select(pieces), 0..14).prop_map(|pieces| {
        let head = "apiVersion: ecs-operator.dev/v1alpha1\nkind: EcsService\nmetadata: {name: web}\nspec:\n";
        format!("{head}{}\n", pieces.join("\n"))
    })
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        examined(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_letters_of_yaml_are_answered(text in "[a-c:\\-?&*!|>'\"%@`{}\\[\\], \n\t#<~0-9]{0,200}") {
        examined(&text);
    }

    #[test]
    fn anything_near_a_manifest_is_answered(text in nearly_a_manifest()) {
        examined(&text);
    }
}

/// A text of about this many bytes.
fn repeated(head: &str, piece: &str, bytes: usize) -> String {
    format!("{head}{}", piece.repeat(bytes / piece.len()))
}

#[test]
fn ten_megabytes_of_anything_are_answered_in_time() {
    const SIZE: usize = 10_000_000;
    let head = "apiVersion: ecs-operator.dev/v1alpha1\nkind: EcsService\nmetadata: {name: web}\nspec:\n";
    let texts = [
        ("a list", repeated("", "- a\n", SIZE)),
        ("a map of one name", repeated("", "a: 1\n", SIZE)),
        ("documents", repeated("", "---\na: 1\n", SIZE)),
        (
            "unknown members",
            (0..500_000).fold(head.to_owned(), |text, at| text + &format!("  unknown{at}: 1\n")),
        ),
        ("a string", format!("a: '{}'\n", "x".repeat(SIZE))),
        ("open brackets", "[".repeat(SIZE)),
        ("open braces", "{a: ".repeat(SIZE / 4)),
        ("tabs", repeated("a:\n", "\t- x\n", SIZE)),
        ("commas", format!("[{}]", ",".repeat(SIZE))),
        ("anchors", repeated("", "- &a [*b]\n", SIZE)),
        ("quotes", "\"".repeat(SIZE)),
        ("broken documents", repeated("", "a: [\n---\n", SIZE)),
        ("letters in one line", "x".repeat(SIZE)),
    ];
    // What grows with the square of the size takes hours. The promise is two seconds for a released build; a build
    // without optimisation on a busy machine is far slower.
    let most = Duration::from_mins(1);
    for (what, text) in texts {
        let started = Instant::now();
        let problems = examined(&text);
        let took = started.elapsed();
        println!("{what}: {took:?}, {} problems", problems.len());
        assert!(problems.iter().any(Problem::is_error), "{what} is no manifest");
        assert!(took < most, "{what} took {took:?}");
    }
}

#[test]
fn a_fleet_of_ten_megabytes_is_read_in_time() {
    let service = |at: usize| {
        format!(
            "---\napiVersion: ecs-operator.dev/v1alpha1\nkind: EcsService\nmetadata: {{name: s{at}}}\nspec:\n  taskDefinition:\n    \
             requiresCompatibilities: [FARGATE]\n    networkMode: awsvpc\n    cpu: '256'\n    memory: '512'\n    containerDefinitions:\n      \
             - name: web\n        image: public.ecr.aws/nginx/nginx:1.27\n        portMappings: [{{containerPort: 80}}]\n        \
             environment:\n          - {{name: MODE, value: production}}\n  service:\n    cluster: shop\n    launchType: FARGATE\n    \
             networkConfiguration: {{awsvpcConfiguration: {{subnets: [subnet-0aa], securityGroups: [sg-0bb]}}}}\n"
        )
    };
    let text: String = (0..17_000).map(service).collect();
    let started = Instant::now();
    let reading = read("fleet.yaml", text, Asked::ByName);
    println!("a fleet: {:?}", started.elapsed());
    assert!(reading.problems.is_empty(), "{}", reading.problems[0]);
    assert_eq!(reading.manifests.len(), 17_000);
}
