//! Real documents (`ECS_OPERATOR_CORPUS`): each is read without a word, or gets an error that a person agrees with.

use super::{Options, resolve};
use crate::manifest::from_pasted;
use crate::manifest::problem::Problem;
use crate::manifest::read::{Asked, read};
use crate::source::Snapshot;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the corpus, or a word that it is left out.
fn corpus() -> Option<PathBuf> {
    let corpus = std::env::var_os("ECS_OPERATOR_CORPUS").map(PathBuf::from);
    if corpus.is_none() {
        println!("left out: ECS_OPERATOR_CORPUS does not name the real documents");
    }
    corpus
}

/// The files of a folder, in order, with their texts.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

/// What is said of a document pasted below `head`, letter for letter.
fn pasted(name: &str, kind: &str, head: &str, body: &str, tail: &str) -> Vec<Problem> {
    let body = body.trim_start_matches('\u{feff}');
    let text = format!(
        "apiVersion: ecs-operator.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: pasted}}\nspec:\n{head} {body}\n{tail}"
    );
    let reading = read(name, text, Asked::ByName);
    let files = vec![name.to_owned()];
    let snapshot = Snapshot { revision: None, files, objects: reading.manifests, problems: reading.problems };
    resolve(&snapshot, &Options::default()).problems
}

const SERVICE: &str = "  service: {taskDefinition: web}\n";
const POLICY: &str =
    "policyName: p, policyType: TargetTrackingScaling, targetTrackingScalingPolicyConfiguration:";

fn read_folder(folder: &str) -> Vec<(String, Vec<Problem>)> {
    let Some(corpus) = corpus() else { return Vec::new() };
    let paste = |(name, body): (String, String)| {
        let problems = match folder {
            "taskdef" => {
                let network = "networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-1a]}}";
                let network = if body.contains("\"awsvpc\"") { network } else { "" };
                pasted(
                    &name,
                    "EcsService",
                    &format!("  service: {{{network}}}\n  taskDefinition:"),
                    &body,
                    "",
                )
            }
            "service" => pasted(&name, "EcsService", "  service:", &body, ""),
            "ecr-lifecycle" => pasted(&name, "EcrRepository", "  lifecyclePolicy:", &body, ""),
            "ecr-policy" => pasted(&name, "EcrRepository", "  repositoryPolicy:", &body, ""),
            _ => {
                let head = format!(
                    "{SERVICE}  autoscaling: {{minCapacity: 1, maxCapacity: 2, policies: [{{{POLICY}"
                );
                pasted(&name, "EcsService", &head, &body, "}]}")
            }
        };
        (name, problems)
    };
    files(&corpus.join("requests").join(folder)).into_iter().map(paste).collect()
}

/// The first error of a document that has one: its file, its line as pasted, and words of it.
const ERRORS: &[(&str, u32, &str)] = &[
    ("taskdef/003", 7, "`{{launchtype}}`"),
    ("taskdef/005", 10, "`<AWS_ACCOUNT_ID>`"),
    ("taskdef/009", 8, "`{{ecsTaskRoleArn}}`"),
    ("taskdef/013", 12, "is not an ARN"),
    ("taskdef/014", 8, "is not an ARN"),
    ("taskdef/016", 60, "placeholder"),
    ("taskdef/018", 26, "placeholder"),
    ("taskdef/024", 23, "placeholder"),
    ("taskdef/025", 34, "`image` is empty"),
    ("taskdef/038", 8, "is not an ARN"),
    ("taskdef/039", 18, "placeholder"),
    ("taskdef/051", 8, "is not an ARN"),
    ("taskdef/052", 11, "`<IMAGE_NAME>`"),
    ("taskdef/054", 8, "is not an ARN"),
    ("taskdef/059", 16, "`<IMAGE1_NAME>`"),
    ("taskdef/060", 14, "the host port 80 must be"),
    ("taskdef/062", 66, "placeholder"),
    ("taskdef/064", 8, "`{{task-role-arn}}`"),
    ("taskdef/074", 12, "is not an ARN"),
    ("taskdef/075", 10, "placeholder"),
    ("taskdef/091", 12, "`${AWS_ACCOUNT_ID}`"),
    ("taskdef/092", 12, "`${AWS_ACCOUNT_ID}`"),
    ("taskdef/095", 37, "is not an ARN"),
    ("taskdef/098", 68, "is not an ARN"),
    ("service/003", 11, "is not an ARN"),
    ("service/004", 10, "cannot stand together"),
    ("service/007", 5, "no task definition"),
    ("service/011", 5, "no task definition"),
    ("service/022", 30, "is not the id of a subnet"),
    ("service/026", 26, "is not the id of a subnet"),
    ("service/033", 5, "no task definition"),
    ("service/039", 5, "no task definition"),
    ("service/040", 33, "`canaryBakeTime`"),
    ("service/043", 5, "no task definition"),
    ("ecr-lifecycle/003", 29, "needs `tagPatternList`"),
    ("scaling/006", 9, "`ASGAverageNetworkIn`"),
];

#[test]
fn every_request_is_read_or_refused_at_the_right_line() {
    let mut wrong = Vec::new();
    for folder in ["taskdef", "service", "ecr-lifecycle", "ecr-policy", "scaling"] {
        for (name, problems) in read_folder(folder) {
            let file = format!("{folder}/{}", name.trim_end_matches(".json"));
            let found = problems.iter().find(|problem| problem.is_error());
            let agreed = match (ERRORS.iter().find(|row| row.0 == file), found) {
                (None, None) => true,
                (Some((_, line, words)), Some(problem)) => {
                    problem.place.line == *line && problem.message.contains(words)
                }
                _ => false,
            };
            if !agreed {
                wrong.push(format!("{file}: {}", found.map_or("is read".to_owned(), ToString::to_string)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn answers_of_aws_become_manifests_without_an_error() {
    let Some(corpus) = corpus() else { return };
    for folder in ["taskdef", "service", "cluster"] {
        for file in files(&corpus.join("responses").join(folder)) {
            let pasted = from_pasted(std::slice::from_ref(&file), None);
            // One of them was kept as a template, and one lists ARNs only.
            let is_wrong = |problem: &&Problem| {
                problem.is_error()
                    && !["placeholder", "no body of a call"].iter().any(|word| problem.message.contains(word))
            };
            let error = pasted.problems.iter().find(is_wrong);
            assert!(error.is_none(), "{folder}/{}", error.map(ToString::to_string).unwrap_or_default());
            for draft in &pasted.drafts {
                let text = draft.yaml();
                let reading = read(&file.0, text, Asked::ByName);
                let same = reading.manifests.first().is_some_and(|manifest| manifest.spec == draft.spec);
                assert!(same, "{folder}/{} reads back differently", file.0);
            }
        }
    }
}
