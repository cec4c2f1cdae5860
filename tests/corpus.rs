//! Real documents: what people and AWS really write, from the folder that `ECS_OPERATOR_CORPUS` names.
//!
//! It holds `requests/` (what people keep in their repositories), `responses/` (recorded answers of AWS) and `pairs/`
//! (a request with its answer). Nothing of it is in this repository; without the folder the tests say so and pass.

use ecs_operator::model::described;
use ecs_operator::model::desired::{Desired, Document, Object, Origin, Policy};
use ecs_operator::model::diff::diff;
use ecs_operator::model::document::{from_wire, to_wire};
use ecs_operator::model::facts::{Shape, kind_shape, operation, shape};
use ecs_operator::model::names::{Key, Kind, family_and_revision, last_segment, tag};
use ecs_operator::model::observed::{Observed, Resource, Revision, Sighting, Tags};
use ecs_operator::model::reduce::{minimal, reduce};
use ecs_operator::model::revision;
use ecs_operator::plan::{ObjectPlan, Options, Verdict, plan};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The account of a document: that of its first ARN, so that its roles are ours.
fn account(document: &Value) -> String {
    let text = document.to_string();
    let arn = text.split("arn:aws:").nth(1).unwrap_or_default();
    arn.split(':').nth(2).unwrap_or_default().to_owned()
}

fn corpus(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("ECS_OPERATOR_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        println!("left out: {test}: ECS_OPERATOR_CORPUS names no folder of real documents");
    }
    folder
}

/// The JSON documents right in a folder, each with its name.
fn documents(folder: &Path) -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let value = serde_json::from_str(text.trim_start_matches('\u{feff}'));
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, value.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        })
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(!found.is_empty(), "{} is empty", folder.display());
    found
}

fn object(value: &Value) -> Document {
    value.as_object().cloned().unwrap_or_default()
}

/// A described resource as the observer would see it.
fn resource(body: &Value) -> Resource {
    let tags: Tags = body["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|tag| (tag["key"].as_str().unwrap().to_owned(), tag["value"].as_str().unwrap().to_owned()))
        .collect();
    Resource { body: object(body), tags, ..Resource::default() }
}

/// What an answer describes: each as the part that it is, and as a manifest would declare it.
fn described_by(answer: &Value) -> Vec<(&'static Shape, Document)> {
    let one_or_many = |one: &str, many: &str| -> Vec<Value> {
        let listed = answer[many].as_array().cloned().unwrap_or_default();
        answer.get(one).cloned().into_iter().chain(listed).collect()
    };
    let mut found: Vec<(&str, Document)> = Vec::new();
    let services = one_or_many("service", "services");
    found.extend(services.iter().map(|body| ("Service", described::service(&resource(body)))));
    let clusters = one_or_many("cluster", "clusters");
    found.extend(clusters.iter().map(|body| ("EcsCluster", described::plain(&resource(body)))));
    let repositories = one_or_many("repository", "repositories");
    found.extend(repositories.iter().map(|body| ("EcrRepository", described::repository(&resource(body)))));
    let definitions = one_or_many("taskDefinition", "taskDefinitions");
    found.extend(definitions.iter().map(|body| ("TaskDefinition", object(body))));
    if answer.get("containerDefinitions").is_some() {
        found.push(("TaskDefinition", object(answer)));
    }
    let policies = [("lifecyclePolicyText", "lifecyclePolicy"), ("policyText", "repositoryPolicy")];
    for (text, policy) in policies {
        if let Some(text) = answer[text].as_str() {
            let policy = [(policy.to_owned(), serde_json::from_str(text).unwrap())];
            found.push(("EcrRepository", policy.into_iter().collect()));
        }
    }
    let scaling = shape("application-autoscaling", "ScalableTarget").unwrap();
    for target in answer["ScalableTargets"].as_array().into_iter().flatten() {
        found.push(("Autoscaling", object(&from_wire(scaling, target))));
    }
    found.into_iter().map(|(part, document)| (kind_shape(part), document)).collect()
}

/// The paths that differ, with both values, for people.
fn differences(shape: &'static Shape, desired: &Document, live: &Document, account: &str) -> Vec<String> {
    let side = |document: &Document| reduce(shape, document, account);
    let found = diff(shape, "", &side(desired), &side(live), account).differences;
    found.iter().map(|one| format!("{}: {} → {}", one.path, json!(one.live), json!(one.desired))).collect()
}

/// What holds for every document: reduced twice it is reduced once, and written as a manifest, whole or as small
/// as may be, it plans to nothing against itself.
fn check(name: &str, shape: &'static Shape, document: &Document, account: &str, problems: &mut Vec<String>) {
    let once = reduce(shape, document, account);
    let twice = reduce(shape, &once, account);
    if once != twice {
        problems.push(format!("{name}: reduced twice: {}\n    once: {}", json!(twice), json!(once)));
    }
    let small = minimal(shape, document, account);
    if minimal(shape, &small, account) != small {
        problems.push(format!("{name}: the smallest form has a smaller one"));
    }
    for (form, manifest) in [("whole", document), ("least", &once), ("smallest", &small)] {
        for difference in differences(shape, manifest, document, account) {
            problems.push(format!("{name}: {form}: {difference}"));
        }
    }
    let mut with_nulls = small.clone();
    for member in shape.members() {
        with_nulls.entry(member.name.clone()).or_insert(Value::Null);
    }
    if minimal(shape, &with_nulls, account) != small {
        problems.push(format!("{name}: null is not absence"));
    }
}

fn none(problems: &[String]) {
    assert!(problems.is_empty(), "\n  {}\n", problems.join("\n  "));
}

#[test]
fn every_answer_written_as_a_manifest_plans_to_nothing_against_itself() {
    let Some(corpus) = corpus("recorded answers") else { return };
    let (mut problems, mut count) = (Vec::new(), 0);
    for folder in ["cluster", "ecr", "scaling", "service", "taskdef"] {
        for (name, answer) in documents(&corpus.join("responses").join(folder)) {
            for (shape, document) in described_by(&answer) {
                check(&format!("{folder}/{name}"), shape, &document, &account(&answer), &mut problems);
                count += 1;
            }
        }
    }
    println!("{count} described resources");
    none(&problems);
    assert!(count >= 70, "only {count} resources were read");
}

#[test]
fn an_imported_answer_plans_to_its_adoption_and_then_to_nothing() {
    let Some(corpus) = corpus("imports of recorded answers") else { return };
    let mut problems = Vec::new();
    for (folder, kind) in
        [("cluster", Kind::EcsCluster), ("ecr", Kind::EcrRepository), ("service", Kind::EcsService)]
    {
        for (name, answer) in documents(&corpus.join("responses").join(folder)) {
            let account = account(&answer);
            let many =
                if kind == Kind::EcrRepository { "repositories".to_owned() } else { format!("{folder}s") };
            let bodies = answer[&many].as_array().into_iter().flatten();
            for body in bodies.filter(|body| body["status"] != "INACTIVE" && body["status"] != "DRAINING") {
                for (owner, verdict) in [(None, Verdict::Adopt), (Some("default"), Verdict::Unchanged)] {
                    let plan = planned(kind, body, &account, owner);
                    let paths: Vec<_> = plan.differences.iter().map(|one| &one.difference.path).collect();
                    if plan.verdict != verdict || !paths.is_empty() || plan.hold.is_some() {
                        let hold = plan.hold.map(|hold| hold.to_string());
                        problems.push(format!("{folder}/{name}: {:?} {paths:?} {hold:?}", plan.verdict));
                    }
                }
            }
        }
    }
    none(&problems);
}

/// The plan for a described resource, when the manifest is the smallest that an import could write.
fn planned(kind: Kind, body: &Value, account: &str, owner: Option<&str>) -> ObjectPlan {
    let mut live = resource(body);
    live.tags.remove(tag::OWNER);
    live.tags.extend(owner.map(|owner| (tag::OWNER.to_owned(), owner.to_owned())));
    let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
    let (name, cluster, spec) = match kind {
        Kind::EcsService => {
            let service = minimal(kind_shape("Service"), &described::service(&live), account);
            let cluster = last_segment(&text("clusterArn")).to_owned();
            (
                "serviceName",
                Some(cluster),
                [("service".to_owned(), Value::Object(service))].into_iter().collect(),
            )
        }
        Kind::EcrRepository => {
            ("repositoryName", None, minimal(kind.spec(), &described::repository(&live), account))
        }
        _ => ("clusterName", None, minimal(kind.spec(), &described::plain(&live), account)),
    };
    let key = Key { kind, region: "eu-central-1".to_owned(), cluster, name: text(name) };
    let origin = Origin { kind, namespace: None, name: key.name.clone(), place: "import.yaml:1".to_owned() };
    let policy = Policy { adopt: true, ..Policy::of(kind) };
    let object = Object { key: key.clone(), origin, policy, spec };
    let desired = Desired { objects: [(key.clone(), object)].into_iter().collect(), ..Desired::default() };
    let observed = Observed {
        account: account.to_owned(),
        resources: [(key, Sighting::Present(live))].into_iter().collect(),
        ..Observed::default()
    };
    let options = Options { owner: "default".to_owned(), ..Options::default() };
    plan(&desired, &observed, &options).objects.remove(0)
}

#[test]
fn every_request_of_people_has_one_least_form() {
    let Some(corpus) = corpus("requests") else { return };
    let mut problems = Vec::new();
    for (folder, part) in [("taskdef", "TaskDefinition"), ("service", "Service")] {
        for (name, request) in documents(&corpus.join("requests").join(folder)) {
            let body = request.get("taskDefinition").filter(|inner| inner.is_object()).unwrap_or(&request);
            check(
                &format!("{folder}/{name}"),
                kind_shape(part),
                &object(body),
                &account(body),
                &mut problems,
            );
        }
    }
    for (folder, policy) in [("ecr-lifecycle", "lifecyclePolicy"), ("ecr-policy", "repositoryPolicy")] {
        for (name, request) in documents(&corpus.join("requests").join(folder)) {
            let document = [(policy.to_owned(), request)].into_iter().collect();
            check(&format!("{folder}/{name}"), kind_shape("EcrRepository"), &document, "", &mut problems);
        }
    }
    none(&problems);
}

#[test]
fn a_recorded_request_plans_to_nothing_against_its_answer() {
    let Some(corpus) = corpus("recorded pairs") else { return };
    let mut problems = Vec::new();
    let pairs = documents(&corpus.join("pairs"));
    for (name, pair) in pairs.iter().filter(|(name, _)| name.starts_with("recorded-")) {
        let found = disagreements(pair);
        problems.extend(found.into_iter().map(|one| format!("{name}: {one}")));
    }
    for (name, pair) in pairs.iter().filter(|(name, _)| name.starts_with("near-")) {
        let found = disagreements(pair);
        let others = found.into_iter().filter(|one| !one.contains("].image: "));
        problems.extend(others.map(|one| format!("{name}: {one}")));
    }
    none(&problems);
}

#[test]
fn examples_of_documentation_parse_and_their_disagreements_are_told() {
    let Some(corpus) = corpus("examples of documentation") else { return };
    let mut problems = Vec::new();
    for (name, pair) in documents(&corpus.join("pairs")) {
        let (api, operation_name) = pair["operation"].as_str().unwrap().split_once(':').unwrap();
        let Some(facts) = operation(api, operation_name) else {
            problems.push(format!("{name}: {operation_name} is not in the model"));
            continue;
        };
        for (side, shape) in [("request", facts.input), ("response", facts.output)] {
            let Some(shape) = shape else { continue };
            let ours = from_wire(shape.shape(), &pair[side]);
            if to_wire(shape.shape(), &ours) != pair[side] {
                problems.push(format!("{name}: the {side} does not come back as it was"));
            }
        }
        if !name.starts_with("recorded-") && !name.starts_with("near-") {
            for one in disagreements(&pair) {
                println!("{name}: {one}");
            }
        }
    }
    none(&problems);
}

/// What differs between a request and its answer, where the request makes or changes something we know.
fn disagreements(pair: &Value) -> Vec<String> {
    let mut request = object(&pair["request"]);
    let account = account(&pair["response"]);
    let live = described_by(&pair["response"]);
    let described = |part: &str| live.iter().find(|(shape, _)| shape.name == part).map(|(_, live)| live);
    let part = match pair["operation"].as_str().unwrap() {
        "ecs:RegisterTaskDefinition" => {
            let body = described("TaskDefinition").cloned().unwrap_or_default();
            let revision = Revision { body, ..Revision::default() };
            let found = revision::difference(&request, &revision, &account).differences;
            return found
                .iter()
                .map(|one| format!("{}: {} → {}", one.path, json!(one.live), json!(one.desired)))
                .collect();
        }
        _ if pair["response"].as_object().is_none_or(serde_json::Map::is_empty) => return Vec::new(),
        "ecs:CreateService" | "ecs:UpdateService" => {
            request.remove("forceNewDeployment");
            if let Some(name) = request.remove("service") {
                request.insert("serviceName".to_owned(), name);
            }
            "Service"
        }
        "ecs:CreateCluster" => "EcsCluster",
        "ecr:CreateRepository" => "EcrRepository",
        _ => return Vec::new(),
    };
    let mut live = described(part).cloned().unwrap_or_default();
    // The planner compares revisions apart: by name here, a bare family with any of its revisions.
    let revision = |document: &Document| {
        document.get("taskDefinition").and_then(Value::as_str).map(family_and_revision).map(str::to_owned)
    };
    let (asked, runs) = (revision(&request), revision(&live));
    for document in [&mut request, &mut live] {
        document.remove("taskDefinition");
    }
    let mut found = differences(kind_shape(part), &request, &live, &account);
    // An update is silent about what it leaves alone.
    if pair["operation"] == "ecs:UpdateService" {
        found.retain(|one| request.contains_key(one.split(['.', '[', ':']).next().unwrap()));
    }
    let fits = |asked: &str, runs: &str| asked == runs || runs.split(':').next() == Some(asked);
    if let (Some(asked), Some(runs)) = (asked, runs)
        && !fits(&asked, &runs)
    {
        found.push(format!("taskDefinition: {runs} → {asked}"));
    }
    found
}
