//! From the tree as written to the tree in canonical spelling: every member known, every value of its type.
//!
//! Driven by the shapes of the API models, so a member that the model gains is read without a change here.
//! All problems are reported; what is wrong becomes [`Value::Invalid`], so that the checks do not take it
//! for missing. Tests: at the end, and the corpus.

use super::placeholder;
use super::problem::Report;
use super::scalar::Scalars;
use super::suggest::nearest;
use super::tolerance::{Lenience, Tolerated, known_elsewhere, unwrapped};
use super::tree::{Entry, Mark, Node, Value};
use super::yaml;
use crate::model::facts::{Member, Shape, Type};

/// `node` in the canonical spelling of `shape`, which people know as `name`.
pub fn convert(shape: &'static Shape, name: &str, node: &Node, report: &mut Report) -> Node {
    let mut reader =
        Reader { report, tolerated: Tolerated::default(), owners: Vec::new(), free: false, secret: false };
    let converted = reader.value(shape, name, node).unwrap_or_else(|| node.with(Value::Invalid));
    reader.tolerated.report(report);
    converted
}

struct Reader<'a> {
    report: &'a mut Report,
    tolerated: Tolerated,
    /// The structures around, outermost first, with the names of the members that hold them.
    owners: Vec<(&'static Shape, String)>,
    /// Text here may hold what looks like a placeholder.
    free: bool,
    /// Values here are never quoted.
    secret: bool,
}

impl Reader<'_> {
    /// The value in canonical spelling; `None` when it says that it is absent.
    fn value(&mut self, shape: &'static Shape, name: &str, node: &Node) -> Option<Node> {
        if node.value == Value::Null {
            return None;
        }
        if self.report.is_full() {
            return Some(node.with(Value::Invalid));
        }
        if let Some(parsed) = self.policy_text(shape, name, node) {
            return Some(parsed);
        }
        if let Some((wrapper, inner)) = unwrapped(shape, node) {
            self.tolerated.add(Lenience::Wrapper, node.name_at, wrapper);
            let inner = beside(shape, node, inner);
            return self.value(shape, name, &inner);
        }
        let outer = self.secret;
        self.secret |= shape.sensitive && shape.is_structure() || shape.name == "EnvironmentVariables";
        let value = match &shape.kind {
            Type::Structure(_) => Some(self.structure(shape, name, node)),
            Type::List(element) => Some(self.list(shape, element.shape(), name, node)),
            Type::Map(element) => self.map(element.shape(), name, node),
            Type::Document => Some(node.value.clone()),
            _ => self.scalar(shape, name, node),
        };
        self.secret = outer;
        value.map(|value| node.with(value))
    }

    fn scalar(&mut self, shape: &'static Shape, name: &str, node: &Node) -> Option<Value> {
        let owner = self.owners.last().map(|(shape, _)| *shape);
        let (free, secret) = (self.free, self.secret);
        Scalars { report: self.report, tolerated: &mut self.tolerated, owner, free, secret }
            .read(shape, name, node)
    }

    fn structure(&mut self, shape: &'static Shape, name: &str, node: &Node) -> Value {
        let Value::Map(written) = &node.value else {
            return self.wrong_type(name, "a map of members", node);
        };
        if self.is_function(name, node) {
            return Value::Invalid;
        }
        self.owners.push((shape, name.to_owned()));
        let mut entries: Vec<Entry> = Vec::with_capacity(written.len());
        let mut nulls = Vec::new();
        for Entry { name: written_name, node: value } in written {
            if self.report.is_full() {
                break;
            }
            let Some(member) = self.find(shape, written_name, node, value.name_at) else {
                if let Some(stand_in) = self.unknown(shape, written_name, value) {
                    entries.push(stand_in);
                }
                continue;
            };
            if entries.iter().any(|known| known.name == member.name) {
                self.report.error(value.name_at, format!("`{}` stands here twice", member.name));
                continue;
            }
            let outer = self.free;
            self.free |= placeholder::is_free(&shape.name, &member.name);
            match self.value(member.shape(), &member.name, value) {
                Some(node) => entries.push(Entry { name: member.name.clone(), node }),
                None => nulls.push(&member.name),
            }
            self.free = outer;
        }
        self.owners.pop();
        self.complete(shape, name, node.mark(), &entries);
        Value::Map(entries)
    }

    /// Reports what is required and not there, and a union that is not one member.
    fn complete(&mut self, shape: &'static Shape, name: &str, at: Mark, entries: &[Entry]) {
        let given = |member: &Member| entries.iter().any(|entry| entry.name == member.name);
        for member in shape.members().iter().filter(|member| member.required && !given(member)) {
            self.report.error(at, format!("`{name}` has no `{}`", member.name));
        }
        if shape.union && entries.len() != 1 {
            let names: Vec<String> =
                shape.members().iter().map(|member| format!("`{}`", member.name)).collect();
            self.report.error(at, format!("`{name}` must have exactly one of {}", names.join(", ")));
        }
    }

    /// The member that `name` names: as written here, as the API writes it, or as `CloudFormation` does.
    fn find(&mut self, shape: &'static Shape, name: &str, owner: &Node, at: Mark) -> Option<&'static Member> {
        if shape.name == "Service" && name == "clusterArn" && owner.get("cluster").is_none() {
            self.tolerated.add(Lenience::OutputOnly, at, name);
            return shape.member("cluster");
        }
        if let Some(member) = shape.members().iter().find(|member| member.name == name || member.wire == name)
        {
            return Some(member);
        }
        if !name.starts_with(|letter: char| letter.is_ascii_uppercase()) {
            return None;
        }
        let member = shape.members().iter().find(|member| member.name.eq_ignore_ascii_case(name))?;
        self.tolerated.add(Lenience::PascalCase, at, name);
        Some(member)
    }

    /// A member that the shape does not have: known from elsewhere, or an error.
    fn unknown(&mut self, shape: &'static Shape, name: &str, node: &Node) -> Option<Entry> {
        if let Some(lenience) = known_elsewhere(shape, name) {
            self.tolerated.add(lenience, node.name_at, name);
            return None;
        }
        let owner = self.owners.last().map_or("spec", |(_, owner)| owner.as_str()).to_owned();
        let meant = nearest(name, shape.members().iter().map(|member| member.name.as_str()));
        let problem = self.report.error(node.name_at, format!("`{owner}` has no member `{name}`"));
        if let Some(place) = belongs_elsewhere(&self.owners, name) {
            problem.hint(format!("`{name}` belongs in `{place}`"));
        } else if let Some(meant) = meant {
            problem.hint(format!("did you mean `{meant}`?"));
        }
        // What was meant is there, only misspelled: it is not missing as well.
        meant.map(|meant| Entry { name: meant.to_owned(), node: node.with(Value::Invalid) })
    }

    fn list(&mut self, shape: &'static Shape, element: &'static Shape, name: &str, node: &Node) -> Value {
        let items = match &node.value {
            Value::List(items) => items,
            Value::Map(entries) if entries.is_empty() => {
                self.tolerated.add(Lenience::MapForList, node.at, name);
                return Value::List(Vec::new());
            }
            _ if self.is_function(name, node) => return Value::Invalid,
            _ => return self.wrong_type(name, "a list", node),
        };
        let mut read = Vec::with_capacity(items.len());
        for item in items {
            if let Some(item) = self.value(element, name, item) {
                read.push(item);
            } else {
                self.report.error(item.at, format!("`{name}` has an empty element"));
            }
        }
        self.count(shape, name, node, read.len());
        Value::List(read)
    }

    fn count(&mut self, shape: &Shape, name: &str, node: &Node, count: usize) {
        #[allow(clippy::cast_precision_loss)] // Lists are short.
        let count = count as f64;
        if shape.min.is_some_and(|least| count < least) {
            let least = shape.min.unwrap_or_default();
            self.report.error(node, format!("`{name}` has {count} elements; at least {least} must be there"));
        }
        if shape.max.is_some_and(|most| count > most) {
            let most = shape.max.unwrap_or_default();
            self.report.error(node, format!("`{name}` has {count} elements; at most {most} may be there"));
        }
    }

    fn map(&mut self, element: &'static Shape, name: &str, node: &Node) -> Option<Value> {
        let entries = match &node.value {
            Value::Map(entries) => entries,
            Value::List(items) if items.is_empty() => {
                self.tolerated.add(Lenience::Empty, node.at, name);
                return None;
            }
            _ => return Some(self.wrong_type(name, "a map", node)),
        };
        let mut read = Vec::with_capacity(entries.len());
        for entry in entries {
            if let Some(node) = self.value(element, &entry.name, &entry.node) {
                read.push(Entry { name: entry.name.clone(), node });
            }
        }
        Some(Value::Map(read))
    }

    fn wrong_type(&mut self, name: &str, wanted: &str, node: &Node) -> Value {
        let found = node.value.describe();
        let written = self.report.source.written(node).unwrap_or_default().to_owned();
        let secret = self.secret;
        let place = placeholder::find(&written).map(str::to_owned);
        if let Some(placeholder) = place.filter(|_| !secret) {
            self.report.error(node.at, format!("`{name}` holds the placeholder `{placeholder}`"));
            return Value::Invalid;
        }
        let problem = self.report.error(node.at, format!("`{name}` is {wanted}, not {found}"));
        if wanted == "a list" {
            problem.hint(match node.value {
                Value::Map(_) => "write `- ` before each element".to_owned(),
                _ => format!("write `{name}: [{}]`", if secret { "…" } else { &written }),
            });
        }
        Value::Invalid
    }

    /// `{"Ref": …}` and `{"Fn::Sub": …}` where a value belongs.
    fn is_function(&mut self, name: &str, node: &Node) -> bool {
        let [entry] = node.entries() else { return false };
        let is_function = entry.name == "Ref" || entry.name.starts_with("Fn::");
        if is_function {
            let problem =
                self.report.error(node.at, format!("`{name}` is CloudFormation's `{}`", entry.name));
            problem.hint("functions are not resolved here: write the value itself");
        }
        is_function
    }

    /// A lifecycle policy or a repository policy given as text.
    fn policy_text(&mut self, shape: &'static Shape, name: &str, node: &Node) -> Option<Node> {
        let text =
            node.as_str().filter(|_| matches!(shape.name.as_str(), "LifecyclePolicy" | "PolicyDocument"))?;
        let (documents, problems) = yaml::parse(&self.report.source.path, text);
        if let (Some(problem), false) = (problems.first(), self.free && placeholder::find(text).is_some()) {
            let line = problem.place.line;
            self.report.error(node.at, format!("`{name}`, line {line} of the text: {}", problem.message));
            return Some(node.with(Value::Invalid));
        }
        match documents.as_slice() {
            [document] if matches!(document.value, Value::Map(_)) => {
                // Places within the text are not places of the file.
                let moved = Node { name_at: node.name_at, ..node.holding(&document.to_json()) };
                self.value(shape, name, &moved)
            }
            _ => {
                self.report.error(
                    node.at,
                    format!("`{name}` is not a policy: write it as YAML, or as JSON in a string"),
                );
                Some(node.with(Value::Invalid))
            }
        }
    }
}

/// The body within a wrapper, with the members of the body that stand beside the wrapper.
fn beside(shape: &'static Shape, outer: &Node, inner: &Node) -> Node {
    let mut inner = inner.clone();
    inner.name_at = outer.name_at;
    if let Value::Map(entries) = &mut inner.value {
        for entry in outer.entries().iter().filter(|entry| shape.member(&entry.name).is_some()) {
            if !entries.iter().any(|known| known.name == entry.name) {
                entries.push(entry.clone());
            }
        }
    }
    inner
}

/// Where a misplaced member belongs: in a structure around this one, or in one right below.
fn belongs_elsewhere(owners: &[(&'static Shape, String)], name: &str) -> Option<String> {
    let ((here, _), around) = owners.split_last()?;
    let above = around.iter().rev().find(|(shape, _)| shape.member(name).is_some());
    if let Some((_, owner)) = above {
        return Some(owner.clone());
    }
    let below = here.members().iter().filter(|member| member.shape().is_structure());
    let mut below = below.filter(|member| member.shape().member(name).is_some());
    // Only where there is one such place.
    below.next().filter(|_| below.next().is_none()).map(|member| member.name.clone())
}

#[cfg(test)]
mod tests {
    use crate::manifest::Manifest;
    use crate::manifest::read::{Asked, read};
    use serde_json::{Value, json};

    /// A spec read: the manifest, and all that is said, in first lines.
    fn spec(kind: &str, spec: &str) -> (Manifest, Vec<String>) {
        let spec = format!("  {}\n", spec.lines().collect::<Vec<_>>().join("\n  "));
        let text = format!(
            "apiVersion: ecs-operator.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: web}}\nspec:\n{spec}"
        );
        let reading = read("a.yaml", text, Asked::ByName);
        let said = reading.problems.iter().map(|problem| {
            let text = problem.to_string();
            let first = text.lines().next().unwrap_or_default();
            problem.hint.as_ref().map_or(first.to_owned(), |hint| format!("{first} -> {hint}"))
        });
        (reading.manifests.into_iter().next().unwrap(), said.collect())
    }

    #[track_caller]
    fn reads(kind: &str, text: &str, expected: &Value, warning: &str) {
        let (manifest, said) = spec(kind, text);
        assert_eq!(&Value::Object(manifest.spec), expected);
        let is_said = if warning.is_empty() {
            said.is_empty()
        } else {
            said.len() == 1 && said[0].contains("warning: ") && said[0].contains(warning)
        };
        assert!(is_said, "{said:#?}");
    }

    #[test]
    fn pascal_case_is_read_for_every_api() {
        reads(
            "EcsService",
            "service: {taskDefinition: web}\nautoscaling: {MinCapacity: 1, MaxCapacity: 2, Policies: [], ScheduledActions: []}",
            &json!({"service": {"taskDefinition": "web"}, "autoscaling": {"minCapacity": 1, "maxCapacity": 2, "policies": [], "scheduledActions": []}}),
            "camelCase",
        );
        reads(
            "EcsCluster",
            "ClusterName: shop\nTags: [{Key: a, Value: b}]",
            &json!({"clusterName": "shop", "tags": [{"key": "a", "value": "b"}]}),
            "camelCase",
        );
        reads(
            "EcrRepository",
            "tags: [{Key: a, Value: b}]",
            &json!({"tags": [{"key": "a", "value": "b"}]}),
            "",
        );
    }

    #[test]
    fn numbers_and_strings_stand_for_each_other_without_doubt() {
        let task = |text: &str| {
            format!(
                "service: {{}}\ntaskDefinition: {{containerDefinitions: [{{name: a, image: b, memory: 64}}], {text}}}"
            )
        };
        let expected = |cpu: &str| json!({"service": {}, "taskDefinition": {"containerDefinitions": [{"name": "a", "image": "b", "memory": 64}], "cpu": cpu}});
        reads("EcsService", &task("cpu: 256"), &expected("256"), "read as text: `cpu`");
        reads(
            "EcsService",
            "service: {taskDefinition: web, desiredCount: '2', enableExecuteCommand: 'false'}",
            &json!({"service": {"taskDefinition": "web", "desiredCount": 2, "enableExecuteCommand": false}}),
            "`desiredCount`, `enableExecuteCommand`",
        );
        reads(
            "EcsService",
            "service: {taskDefinition: web, desiredCount: 1e1}",
            &json!({"service": {"taskDefinition": "web", "desiredCount": 10}}),
            "",
        );
    }

    #[test]
    fn null_and_an_empty_word_are_absent() {
        reads(
            "EcsService",
            "service: {taskDefinition: web, loadBalancers: null, role: ~}",
            &json!({"service": {"taskDefinition": "web"}}),
            "",
        );
        reads(
            "EcsService",
            "service: {taskDefinition: web, launchType: ''}",
            &json!({"service": {"taskDefinition": "web"}}),
            "read as absent: `launchType`",
        );
        reads(
            "EcsService",
            "service: {taskDefinition: web, loadBalancers: {}}",
            &json!({"service": {"taskDefinition": "web", "loadBalancers": []}}),
            "empty list",
        );
    }

    #[test]
    fn answers_comments_and_wrappers_are_read_with_one_warning_each() {
        reads(
            "EcsService",
            "service: {taskDefinition: web, status: ACTIVE, runningCount: 2, events: []}",
            &json!({"service": {"taskDefinition": "web"}}),
            "`status`, `runningCount`, `events`",
        );
        reads(
            "EcsService",
            "service: {taskDefinition: web, _comment: a, $schema: b}",
            &json!({"service": {"taskDefinition": "web"}}),
            "comments",
        );
        reads(
            "EcsService",
            "service: {services: [{taskDefinition: web}], failures: []}",
            &json!({"service": {"taskDefinition": "web"}}),
            "`services`",
        );
        reads(
            "EcsService",
            "service: {taskDefinition: web, clientToken: x}",
            &json!({"service": {"taskDefinition": "web"}}),
            "`clientToken`",
        );
        let (_, said) = spec("EcsService", "service: {services: [{taskDefinition: a}, {taskDefinition: b}]}");
        assert!(!said.is_empty(), "{said:?}");
    }

    #[test]
    fn mistakes_are_named_with_what_was_meant() {
        for (text, words) in [
            (
                "service: {taskDefinition: web, desiredcount: 2}",
                "a.yaml:5:34: `service` has no member `desiredcount` -> did you mean `desiredCount`?",
            ),
            (
                "service: {taskDefinition: web, maximumPercent: 2}",
                "`maximumPercent` belongs in `deploymentConfiguration`",
            ),
            (
                "service: {taskDefinition: web, launchType: fargate}",
                "`launchType` cannot be `fargate` -> did you mean `FARGATE`?",
            ),
            (
                "service: {taskDefinition: web, desiredCount: two}",
                "`desiredCount` is a whole number, not `two`",
            ),
            ("service: {taskDefinition: web, desiredCount: 1_000}", "write `1000`"),
            ("service: {taskDefinition: web, desiredCount: 010}", "write `10`, or `8` if it is octal"),
            ("service: {taskDefinition: web, desiredCount: -1}", "at least 0 is needed"),
            (
                "service: {taskDefinition: web, desiredCount: 99999999999}",
                "is a whole number, not `99999999999`",
            ),
            ("service: {taskDefinition: web, enableExecuteCommand: yes}", "write `true`"),
            ("service: {taskDefinition: web, loadBalancers: web}", "`loadBalancers` is a list, not a string"),
            ("service: {taskDefinition: [web]}", "`taskDefinition` is a string, not a list"),
            ("service: {taskDefinition: '${TASK}'}", "holds the placeholder `${TASK}`"),
            ("service: {taskDefinition: {Ref: Task}}", "a function of CloudFormation"),
            ("service: {taskDefinition: web, tags: [{key: '', value: a}]}", "`key` is empty"),
            (
                "service: {taskDefinition: web, networkConfiguration: {awsvpcConfiguration: {}}}",
                "`awsvpcConfiguration` has no `subnets`",
            ),
            ("{}", "`spec` has no `service`"),
        ] {
            let (_, said) = spec("EcsService", text);
            assert!(said.len() == 1 && said[0].contains(words), "{text}: {said:#?}");
        }
    }

    #[test]
    fn text_for_the_container_may_look_like_a_placeholder() {
        let container = "name: a, image: b, memory: 64, command: [sh, -c, 'echo ${HOME} <x>'], environment: [{name: A, value: '${B}'}], dockerLabels: {a: '{{ b }}'}";
        let (_, said) = spec(
            "EcsService",
            &format!("service: {{}}\ntaskDefinition: {{containerDefinitions: [{{{container}}}]}}"),
        );
        assert_eq!(said, Vec::<String>::new());
    }

    #[test]
    fn the_value_of_a_variable_is_in_no_message() {
        let container = "name: a, image: b, memory: 64, environment: [{name: A, value: [hunter2]}, {name: [B], value: hunter2}]";
        let text = format!("service: {{}}\ntaskDefinition: {{containerDefinitions: [{{{container}}}]}}");
        let head = "apiVersion: ecs-operator.dev/v1alpha1\nkind: EcsService\nmetadata: {name: web}\nspec: {";
        let text = format!("{head}{}}}\n", text.replace('\n', ", "));
        let problems = read("a.yaml", text, Asked::ByName).problems;
        assert!(!problems.is_empty());
        for problem in problems {
            assert!(!problem.to_string().contains("hunter2"), "{problem}");
        }
    }

    #[test]
    fn doubles_times_and_documents_are_of_their_types() {
        let (manifest, said) = spec(
            "EcsService",
            "service: {taskDefinition: web}\nautoscaling: {minCapacity: 1, maxCapacity: 2, scheduledActions: [{scheduledActionName: a, schedule: rate(1 hour), startTime: 2026-05-01T06:00:00Z, scalableTargetAction: {minCapacity: 1}}], policies: [{policyName: p, policyType: TargetTrackingScaling, targetTrackingScalingPolicyConfiguration: {targetValue: 60, predefinedMetricSpecification: {predefinedMetricType: ECSServiceAverageCPUUtilization}}}]}",
        );
        assert_eq!(said, Vec::<String>::new());
        let scaling = &manifest.spec["autoscaling"];
        assert_eq!(scaling["scheduledActions"][0]["startTime"], json!(1_777_615_200));
        assert_eq!(
            scaling["policies"][0]["targetTrackingScalingPolicyConfiguration"]["targetValue"],
            json!(60.0)
        );
    }
}
