//! Real documents (`ECS_OPERATOR_CORPUS`): each is read without a word, or gets an error that a person agrees with.

use super::problem::Problem;
use super::read::{Asked, Reading, read};
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

/// A document pasted below `head`, letter for letter.
fn pasted(name: &str, kind: &str, head: &str, body: &str, tail: &str) -> Reading {
    let body = body.trim_start_matches('\u{feff}');
    let text = format!(
        "apiVersion: ecs-operator.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: pasted}}\nspec:\n{head} {body}\n{tail}"
    );
    read(name, text, Asked::ByName)
}

fn read_folder(folder: &str) -> Vec<(String, Reading)> {
    const SERVICE: &str = "  service: {taskDefinition: web}\n";
    const POLICY: &str =
        "policyName: p, policyType: TargetTrackingScaling, targetTrackingScalingPolicyConfiguration:";
    let Some(corpus) = corpus() else { return Vec::new() };
    let paste = |(name, body): (String, String)| {
        let reading = match folder {
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
        (name, reading)
    };
    files(&corpus.join("requests").join(folder)).into_iter().map(paste).collect()
}

fn show(folder: &str) {
    for (name, reading) in read_folder(folder) {
        println!("== {folder}/{name}: {} problems", reading.problems.len());
        reading.problems.iter().for_each(|problem: &Problem| println!("{problem}"));
    }
}

#[test]
fn show_all() {
    for folder in ["taskdef", "service", "ecr-lifecycle", "ecr-policy", "scaling"] {
        show(folder);
    }
}
