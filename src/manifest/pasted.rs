//! `import --file`: bodies of calls and answers of AWS, as people have them in files, made into manifests.
//!
//! A task definition and the service that names its family become one manifest; scaling and policies go to the
//! service or repository that they name. Pure: whether any of it exists on AWS is not asked. What came from an
//! answer exists, so it is adopted. Tests: at the end.

use super::convert::convert;
use super::problem::{Problem, Report, Source};
use super::tree::{Entry, Node, Value};
use super::write;
use super::yaml;
use crate::model::desired::Document;
use crate::model::facts::kind_shape;
use crate::model::names::{GROUP, Kind, annotation, family_and_revision};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A manifest that was made, not read.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub kind: Kind,
    /// `metadata.name`.
    pub name: String,
    pub annotations: BTreeMap<String, String>,
    pub spec: Document,
}

impl Draft {
    /// As a file would hold it.
    pub fn yaml(&self) -> String {
        let annotations: Vec<_> = self.annotations.clone().into_iter().collect();
        write::yaml(self.kind, &self.name, None, &annotations, &self.spec)
    }
}

/// Manifests made of pasted texts, and what could not be used.
#[derive(Debug, Default)]
pub struct Pasted {
    pub drafts: Vec<Draft>,
    pub problems: Vec<Problem>,
}

/// Makes manifests of texts, each with its path. `name` is for what has no name of its own.
pub fn from_pasted(texts: &[(String, String)], name: Option<&str>) -> Pasted {
    let mut bodies = Vec::new();
    let mut problems = Vec::new();
    for (path, text) in texts {
        let (documents, syntax) = yaml::parse(path, text);
        let mut report = Report::new(Arc::new(Source::new(path, text.clone(), &documents)));
        for document in documents.iter().filter(|document| document.value != Value::Null) {
            collect(document, &mut bodies, &mut report);
        }
        problems.extend(syntax.into_iter().chain(report.finish()));
    }
    let mut assembly = Assembly { name, drafts: Vec::new(), problems };
    // Owners first: what belongs to them looks for them.
    bodies.sort_by_key(|body| body.sort.rank());
    for body in bodies {
        assembly.take(body);
    }
    let Assembly { mut drafts, problems, .. } = assembly;
    drafts.iter_mut().for_each(tidy);
    Pasted { drafts, problems }
}

/// What a pasted body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Cluster,
    CapacityProvider,
    Repository,
    Service,
    TaskDefinition,
    Target,
    Policy,
    ScheduledAction,
    Lifecycle,
    Access,
}

impl Sort {
    fn rank(self) -> u8 {
        self as u8
    }

    /// The shape of its body.
    fn shape(self) -> &'static str {
        match self {
            Self::Cluster => "EcsCluster",
            Self::CapacityProvider => "EcsCapacityProvider",
            Self::Repository => "EcrRepository",
            Self::Service => "Service",
            Self::TaskDefinition => "TaskDefinition",
            Self::Target => "Autoscaling",
            Self::Policy => "Policy",
            Self::ScheduledAction => "ScheduledAction",
            Self::Lifecycle => "LifecyclePolicy",
            Self::Access => "PolicyDocument",
        }
    }
}

/// Members of answers that hold bodies, small letters for lookup.
const HOLDERS: [(&str, Sort); 12] = [
    ("services", Sort::Service),
    ("service", Sort::Service),
    ("taskdefinition", Sort::TaskDefinition),
    ("taskdefinitions", Sort::TaskDefinition),
    ("clusters", Sort::Cluster),
    ("cluster", Sort::Cluster),
    ("capacityproviders", Sort::CapacityProvider),
    ("repositories", Sort::Repository),
    ("repository", Sort::Repository),
    ("scalabletargets", Sort::Target),
    ("scalingpolicies", Sort::Policy),
    ("scheduledactions", Sort::ScheduledAction),
];

/// Members by which a body is known, in the order of asking.
const MARKS: [(&str, Sort); 15] = [
    ("containerdefinitions", Sort::TaskDefinition),
    ("policyname", Sort::Policy),
    ("scheduledactionname", Sort::ScheduledAction),
    ("mincapacity", Sort::Target),
    ("lifecyclepolicytext", Sort::Lifecycle),
    ("policytext", Sort::Access),
    ("rules", Sort::Lifecycle),
    ("statement", Sort::Access),
    ("autoscalinggroupprovider", Sort::CapacityProvider),
    ("managedinstancesprovider", Sort::CapacityProvider),
    ("repositoryname", Sort::Repository),
    ("clustername", Sort::Cluster),
    ("servicename", Sort::Service),
    ("schedulingstrategy", Sort::Service),
    ("deploymentconfiguration", Sort::Service),
];

struct Body {
    sort: Sort,
    document: Document,
    /// The names in it that the shape leaves out: `resourceId`, a policy's `repositoryName`.
    owner: Option<String>,
    /// It came from an answer, so it exists.
    exists: bool,
    /// For saying what cannot be used.
    problem: Problem,
}

/// Finds the bodies in a document.
fn collect(document: &Node, bodies: &mut Vec<Body>, report: &mut Report) {
    for entry in document.entries() {
        let lower = entry.name.to_lowercase();
        let Some((_, sort)) = HOLDERS.iter().find(|(name, _)| *name == lower) else { continue };
        let held: Vec<&Node> = match &entry.node.value {
            Value::Map(_) => vec![&entry.node],
            Value::List(items)
                if !items.is_empty() && items.iter().all(|item| !item.entries().is_empty()) =>
            {
                items.iter().collect()
            }
            _ => continue,
        };
        for node in held {
            // describe-task-definition has the tags beside the body.
            let tags = document.get("tags").filter(|_| *sort == Sort::TaskDefinition);
            bodies.extend(body(*sort, &with(node, "tags", tags), report));
        }
        return;
    }
    let has = |mark: &str| document.entries().iter().any(|entry| entry.name.to_lowercase() == mark);
    match MARKS.iter().find(|(mark, _)| has(mark)) {
        _ if has("apiversion") => {
            report.error(document.at, "this is a manifest already");
        }
        Some((_, sort)) => bodies.extend(body(*sort, document, report)),
        None => {
            let problem =
                report.error(document.at, "this is no body of a call or an answer that can be declared");
            problem.hint("task definitions, services, clusters, capacity providers, repositories, scaling and policies can");
        }
    }
}

/// `node` with one more member, unless it has it.
fn with(node: &Node, name: &str, value: Option<&Node>) -> Node {
    let mut node = node.clone();
    if let (Value::Map(entries), Some(value)) = (&mut node.value, value)
        && !entries.iter().any(|entry| entry.name == name)
    {
        entries.push(Entry { name: name.to_owned(), node: value.clone() });
    }
    node
}

/// Members of a service that answers only have on its PRIMARY deployment.
const ON_THE_DEPLOYMENT: [&str; 3] =
    ["serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations"];

fn body(sort: Sort, node: &Node, report: &mut Report) -> Option<Body> {
    let mut node = node.clone();
    let primary = node.list("deployments").iter().find(|one| one.str("status") == Some("PRIMARY")).cloned();
    for member in ON_THE_DEPLOYMENT {
        node = with(&node, member, primary.as_ref().and_then(|primary| primary.get(member)));
    }
    let exists = node.entries().iter().any(|entry| ANSWERS.contains(&entry.name.to_lowercase().as_str()));
    let text = |name: &str| {
        node.entries()
            .iter()
            .find(|entry| entry.name.eq_ignore_ascii_case(name))
            .and_then(|entry| entry.node.as_str())
    };
    let owner = match sort {
        Sort::Lifecycle | Sort::Access => text("repositoryName"),
        _ => text("resourceId"),
    };
    let owner = owner.map(str::to_owned);
    let converted = convert(kind_shape(sort.shape()), "the body", &node, report);
    let document = converted.to_document();
    let problem = Problem::at(super::Severity::Error, &report.source, node.at, "");
    (converted.value != Value::Invalid).then_some(Body { sort, document, owner, exists, problem })
}

/// Members that only answers have.
const ANSWERS: [&str; 6] = [
    "servicearn",
    "taskdefinitionarn",
    "clusterarn",
    "capacityproviderarn",
    "repositoryarn",
    "scalabletargetarn",
];

struct Assembly<'a> {
    name: Option<&'a str>,
    drafts: Vec<Draft>,
    problems: Vec<Problem>,
}

impl Assembly<'_> {
    fn take(&mut self, body: Body) {
        match body.sort {
            Sort::Cluster => self.own(Kind::EcsCluster, "clusterName", body),
            Sort::CapacityProvider => self.own(Kind::EcsCapacityProvider, "name", body),
            Sort::Repository => self.own(Kind::EcrRepository, "repositoryName", body),
            Sort::Service => self.service(body),
            Sort::TaskDefinition => self.task_definition(body),
            Sort::Target | Sort::Policy | Sort::ScheduledAction => self.scaling(body),
            Sort::Lifecycle => self.policy("lifecyclePolicy", body),
            Sort::Access => self.policy("repositoryPolicy", body),
        }
    }

    fn complain(&mut self, body: Body, message: &str, hint: &str) {
        let mut problem = Problem { message: message.to_owned(), ..body.problem };
        problem.hint(hint);
        self.problems.push(problem);
    }

    fn draft(&mut self, kind: Kind, name: &str, exists: bool, spec: Document) {
        let adopt = exists.then(|| (annotation::ADOPT.to_owned(), "true".to_owned()));
        self.drafts.push(Draft {
            kind,
            name: object_name(name),
            annotations: adopt.into_iter().collect(),
            spec,
        });
    }

    /// A body that is the whole spec.
    fn own(&mut self, kind: Kind, member: &str, body: Body) {
        match text(&body.document, member).or(self.name.map(str::to_owned)) {
            Some(name) => self.draft(kind, &name, body.exists, body.document),
            None => {
                self.complain(body, &format!("the body has no `{member}`"), "give its name with `--name`");
            }
        }
    }

    fn service(&mut self, body: Body) {
        match text(&body.document, "serviceName").or(self.name.map(str::to_owned)) {
            Some(name) => {
                let spec = json!({"service": body.document});
                self.draft(
                    Kind::EcsService,
                    &name,
                    body.exists,
                    spec.as_object().cloned().unwrap_or_default(),
                );
            }
            None => self.complain(body, "the service has no `serviceName`", "give its name with `--name`"),
        }
    }

    /// Goes to the services that name its family, or becomes a service of its own.
    fn task_definition(&mut self, body: Body) {
        let family = text(&body.document, "family").unwrap_or_default();
        let mut used = false;
        for draft in self.drafts.iter_mut().filter(|draft| draft.kind == Kind::EcsService) {
            let Some(service) = draft.spec.get_mut("service").and_then(Json::as_object_mut) else { continue };
            let named = text(service, "taskDefinition").unwrap_or_default();
            if !family.is_empty() && family_and_revision(&named).split(':').next() == Some(family.as_str()) {
                service.shift_remove("taskDefinition");
                draft.spec.insert("taskDefinition".to_owned(), Json::Object(body.document.clone()));
                used = true;
            }
        }
        if used {
            return;
        }
        let name = self.name.map_or(family, str::to_owned);
        if name.is_empty() {
            return self.complain(body, "the task definition has no `family`", "give a name with `--name`");
        }
        let spec = json!({"taskDefinition": body.document, "service": {}});
        self.draft(Kind::EcsService, &name, false, spec.as_object().cloned().unwrap_or_default());
    }

    /// The draft of a kind that `owner` names, or the only one.
    fn owned_by(&mut self, kind: Kind, member: &[&str], owner: Option<&str>) -> Option<&mut Draft> {
        let of_kind = |draft: &&mut Draft| draft.kind == kind;
        let count = self.drafts.iter().filter(|draft| draft.kind == kind).count();
        match owner {
            None if count == 1 => self.drafts.iter_mut().find(of_kind),
            None => None,
            Some(owner) => self.drafts.iter_mut().filter(of_kind).find(|draft| {
                let value = member
                    .iter()
                    .try_fold(&Json::Object(draft.spec.clone()), |value, name| value.get(name))
                    .and_then(Json::as_str)
                    .map(str::to_owned);
                value.as_deref() == Some(owner)
            }),
        }
    }

    fn scaling(&mut self, body: Body) {
        // `service/cluster/name`
        let owner = body.owner.as_deref().and_then(|id| id.rsplit('/').next()).map(str::to_owned);
        let Some(draft) = self.owned_by(Kind::EcsService, &["service", "serviceName"], owner.as_deref())
        else {
            let whose = owner.map_or("a service".to_owned(), |owner| format!("the service `{owner}`"));
            let message = format!("scaling of {whose}, which is not among the files");
            return self.complain(body, &message, "give the service's body too");
        };
        let scaling = draft.spec.entry("autoscaling").or_insert_with(|| json!({}));
        let Some(scaling) = scaling.as_object_mut() else { return };
        let list = match body.sort {
            Sort::Policy => "policies",
            Sort::ScheduledAction => "scheduledActions",
            _ => {
                scaling.extend(body.document);
                if let Some(service) = draft.spec.get_mut("service").and_then(Json::as_object_mut) {
                    // Scaling owns the number of tasks.
                    service.shift_remove("desiredCount");
                }
                return;
            }
        };
        if let Some(list) = scaling.entry(list).or_insert_with(|| json!([])).as_array_mut() {
            list.push(Json::Object(body.document));
        }
    }

    fn policy(&mut self, member: &str, body: Body) {
        let owner = body.owner.clone().or(self.name.map(str::to_owned));
        let policy = Json::Object(body.document.clone());
        if let Some(draft) = self.owned_by(Kind::EcrRepository, &["repositoryName"], owner.as_deref()) {
            draft.spec.insert(member.to_owned(), policy);
            return;
        }
        let Some(name) = owner else {
            return self.complain(
                body,
                "a policy of which repository?",
                "give the repository's name with `--name`",
            );
        };
        let spec = json!({"repositoryName": name, member: policy});
        self.draft(Kind::EcrRepository, &name, body.exists, spec.as_object().cloned().unwrap_or_default());
    }
}

fn text(document: &Document, member: &str) -> Option<String> {
    document.get(member).and_then(Json::as_str).map(str::to_owned)
}

/// A name as Kubernetes has it, near to that on AWS.
pub fn object_name(name: &str) -> String {
    let letter = |letter: char| {
        let letter = letter.to_ascii_lowercase();
        if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' }
    };
    let name: String = name.chars().map(letter).take(253).collect();
    let name = name.trim_matches(['-', '.']);
    if name.is_empty() { "unnamed".to_owned() } else { name.to_owned() }
}

/// Leaves out what the defaults say anyway: names that are `metadata.name`, tags that are not people's.
fn tidy(draft: &mut Draft) {
    let exists = draft.annotations.contains_key(annotation::ADOPT);
    let mut names: BTreeMap<&str, &str> =
        [("EcsCluster", "clusterName"), ("EcsCapacityProvider", "name"), ("EcrRepository", "repositoryName")]
            .into();
    if let Some(member) = names.remove(draft.kind.name()) {
        drop_name(&mut draft.spec, member, &draft.name);
        tidy_body(&mut draft.spec, exists);
    }
    let mut family = draft.name.clone();
    if let Some(service) = draft.spec.get_mut("service").and_then(Json::as_object_mut) {
        family = text(service, "serviceName").unwrap_or(family);
        drop_name(service, "serviceName", &draft.name);
        if service.get("schedulingStrategy").and_then(Json::as_str) == Some("DAEMON") {
            service.shift_remove("desiredCount");
        }
        tidy_body(service, exists);
    }
    if let Some(definition) = draft.spec.get_mut("taskDefinition").and_then(Json::as_object_mut) {
        drop_name(definition, "family", &family);
        tidy_body(definition, exists);
    }
}

fn drop_name(body: &mut Document, member: &str, name: &str) {
    if text(body, member).as_deref() == Some(name) {
        body.shift_remove(member);
    }
}

fn tidy_body(body: &mut Document, exists: bool) {
    if let Some(tags) = body.get_mut("tags").and_then(Json::as_array_mut) {
        tags.retain(|tag| {
            let key = tag.get("key").and_then(Json::as_str).unwrap_or_default();
            !key.starts_with("aws:") && !key.starts_with(GROUP)
        });
    }
    if exists {
        // Answers are full of empty lists, which say the same as nothing.
        body.retain(|_, value| !is_empty(value));
        body.values_mut().for_each(without_empty);
    }
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn without_empty(value: &mut Json) {
    match value {
        Json::Array(items) => items.iter_mut().for_each(without_empty),
        Json::Object(members) => {
            members.values_mut().for_each(without_empty);
            members.retain(|_, value| !is_empty(value));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pasted(texts: &[&str], name: Option<&str>) -> (String, Vec<String>) {
        let texts: Vec<(String, String)> =
            texts.iter().enumerate().map(|(at, text)| (format!("{at}.json"), (*text).to_owned())).collect();
        let Pasted { drafts, problems } = from_pasted(&texts, name);
        (
            drafts.iter().map(Draft::yaml).collect::<Vec<_>>().join("---\n"),
            problems.iter().map(|problem| problem.message.clone()).collect(),
        )
    }

    #[test]
    fn a_service_and_its_task_definition_become_one_manifest() {
        let (text, said) = pasted(
            &[
                r#"{"family": "shop_web", "containerDefinitions": [{"name": "web", "image": "nginx", "memory": 64}]}"#,
                r#"{"serviceName": "web", "cluster": "shop", "taskDefinition": "shop_web:3", "desiredCount": 2}"#,
            ],
            None,
        );
        assert_eq!(said, Vec::<String>::new());
        assert_eq!(
            text,
            "apiVersion: ecs-operator.dev/v1alpha1\nkind: EcsService\nmetadata:\n  name: web\nspec:\n  service:\n    cluster: shop\n    \
             desiredCount: 2\n  taskDefinition:\n    family: shop_web\n    containerDefinitions:\n      - name: web\n        image: nginx\n        memory: 64\n"
        );
    }

    #[test]
    fn answers_are_adopted_and_lose_what_only_aws_says() {
        let (text, _) = pasted(
            &[
                r#"{"services": [{"serviceArn": "arn:aws:ecs:eu-central-1:123456789012:service/shop/web", "serviceName": "web",
                "clusterArn": "arn:aws:ecs:eu-central-1:123456789012:cluster/shop", "status": "ACTIVE", "desiredCount": 3, "loadBalancers": [],
                "taskDefinition": "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:3", "tags": [{"key": "aws:x", "value": "y"}],
                "deployments": [{"status": "PRIMARY", "serviceConnectConfiguration": {"enabled": true, "namespace": "shop.local"}}]}], "failures": []}"#,
                r#"{"ScalableTargets": [{"ServiceNamespace": "ecs", "ResourceId": "service/shop/web", "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 1, "MaxCapacity": 4}]}"#,
            ],
            None,
        );
        assert_eq!(
            text,
            "apiVersion: ecs-operator.dev/v1alpha1\nkind: EcsService\nmetadata:\n  name: web\n  annotations:\n    ecs-operator.dev/adopt: \"true\"\nspec:\n  \
             service:\n    cluster: arn:aws:ecs:eu-central-1:123456789012:cluster/shop\n    taskDefinition: arn:aws:ecs:eu-central-1:123456789012:task-definition/web:3\n    \
             serviceConnectConfiguration:\n      enabled: true\n      namespace: shop.local\n  autoscaling:\n    minCapacity: 1\n    maxCapacity: 4\n"
        );
    }

    #[test]
    fn what_has_no_name_needs_one() {
        let policy = r#"{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 2}, "action": {"type": "expire"}}]}"#;
        assert_eq!(pasted(&[policy], None).1, ["a policy of which repository?"]);
        let (text, said) = pasted(&[policy], Some("shop/checkout"));
        assert_eq!(said, Vec::<String>::new());
        assert!(text.contains("name: shop-checkout\nspec:\n  repositoryName: shop/checkout\n"), "{text}");
        assert_eq!(
            pasted(&["{\"a\": 1}"], None).1,
            ["this is no body of a call or an answer that can be declared"]
        );
        assert_eq!(pasted(&["{"], None).1.len(), 1);
    }
}
