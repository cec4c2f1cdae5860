//! `deploy/github`: the workflow holds together, and its steps do what they say, run as they stand there with a sandbox
//! for AWS and a stand-in for `gh` that keeps what it is asked and answers from files.

use crate::cli::Served;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// `gh api` as far as it is used: pages from `page-*.json` through `--jq`, the first alone without `--paginate`; what is
/// written goes to `POST` or `PATCH`; a method with a file `refuses-METHOD` is refused with what that says.
const GH: &str = r#"#!/usr/bin/env bash
set -euo pipefail
[ -n "${GH_TOKEN:-}" ] && [ "$1" = api ] || exit 4
printf '%s\n' "$*" >>"$GH_STATE/calls"
method=GET jq=. pages=1 body=
shift
while [ $# -gt 0 ]; do
    case $1 in
        -H) shift ;;
        --method) method=$2; shift ;;
        --jq) jq=$2; shift ;;
        --paginate) pages=99 ;;
        -F) body=${2#body=@}; shift ;;
    esac
    shift
done
if [ -f "$GH_STATE/refuses-$method" ]; then
    cat "$GH_STATE/refuses-$method" >&2
    exit 1
fi
if [ -n "$body" ]; then
    cp "$body" "$GH_STATE/$method"
    echo '{"id": 1}'
else
    find "$GH_STATE" -name 'page-*.json' | sort | head -n "$pages" | xargs cat | jq -r "$jq"
fi
"#;

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/github")
}

fn workflow() -> Value {
    serde_saphyr::from_str(&fs::read_to_string(source().join("ecs-operator.yml")).unwrap()).unwrap()
}

fn text(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A repository with the files where the README says, manifests, and what the steps call.
struct Repository {
    folder: TempDir,
    aws: Option<String>,
}

impl Repository {
    /// Nothing where a tool of the steps is not here.
    fn new() -> Option<Self> {
        for tool in ["bash", "jq"] {
            if Command::new(tool).arg("--version").output().is_err() {
                eprintln!("left out: {tool} is not here");
                return None;
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in [".github/workflows", ".github/ecs-operator", "deploy", "bin", "gh"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        for entry in fs::read_dir(source()).unwrap() {
            let file = entry.unwrap();
            fs::copy(file.path(), at(".github/ecs-operator").join(file.file_name())).unwrap();
        }
        let hello = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/hello/service.yaml");
        fs::copy(hello, at("deploy/service.yaml")).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ecs-operator"), at("bin/ecs-operator")).unwrap();
        script(&at("bin/gh"), GH);
        Some(Self { folder, aws: None })
    }

    /// With another `ecs-operator`: one that prints and ends as it is told.
    fn with_outcome(code: u8, out: &str, err: &str) -> Option<Self> {
        let repository = Self::new()?;
        fs::remove_file(repository.at("bin/ecs-operator")).unwrap();
        fs::write(repository.at("out"), out).unwrap();
        fs::write(repository.at("err"), err).unwrap();
        script(
            &repository.at("bin/ecs-operator"),
            &format!("#!/bin/sh\ncat out; cat err >&2; exit {code}\n"),
        );
        Some(repository)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a line as GitHub's runner does, with the workflow's environment.
    fn run(&self, line: &str) -> Output {
        let path = format!("{}:{}", self.at("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        command.args(["-e", "-c", line]).current_dir(self.folder.path());
        for (name, value) in workflow()["env"].as_object().unwrap() {
            command.env(name, value.as_str().unwrap());
        }
        for name in ["AWS_PROFILE", "AWS_ENDPOINT_URL", "COMMENT_AUTHOR", "COMMENT_ID"] {
            command.env_remove(name);
        }
        command.env("PATH", path).env("GH_STATE", self.at("gh")).env("GH_TOKEN", "token").envs([
            ("GITHUB_REPOSITORY", "octo/shop"),
            ("PULL_REQUEST", "7"),
            ("HEAD_SHA", "4f2c1e9"),
            ("RUN_URL", "https://github.com/octo/shop/actions/runs/1"),
            ("AWS_ACCESS_KEY_ID", "sandbox"),
            ("AWS_SECRET_ACCESS_KEY", "sandbox"),
        ]);
        command
            .env("GITHUB_STEP_SUMMARY", self.at("summary"))
            .envs(self.aws.iter().map(|url| ("AWS_ENDPOINT_URL", url)));
        command.output().unwrap()
    }

    fn comment(&self, id: &str, body: &str) -> Output {
        fs::write(self.at("body"), body).unwrap();
        self.run(&format!(".github/ecs-operator/comment.sh '{id}' body"))
    }

    /// What GitHub has, by pages of comments: id, author and text.
    fn has(&self, pages: &[&[(u64, &str, &str)]]) {
        for (number, page) in pages.iter().enumerate() {
            let comments: Vec<Value> = page
                .iter()
                .map(|(id, author, body)| json!({"id": id, "user": {"login": author}, "body": body}))
                .collect();
            fs::write(self.at(&format!("gh/page-{number}.json")), json!(comments).to_string()).unwrap();
        }
    }

    fn refuses(&self, method: &str, why: &str) {
        fs::write(self.at(&format!("gh/refuses-{method}")), why).unwrap();
    }

    /// What `gh` was asked to write, and where.
    fn written(&self, method: &str) -> Option<(String, String)> {
        let calls = text(self.at("gh/calls"));
        let call = calls.lines().rfind(|call| call.contains(&format!("--method {method}")))?;
        let to = call.split(' ').find(|word| word.starts_with("repos/"))?;
        Some((to.to_owned(), text(self.at(&format!("gh/{method}")))))
    }
}

fn ended(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const BOT: &str = "github-actions[bot]";
const COMMENTS: &str = "repos/octo/shop/issues/7/comments";

/// The marker that `comment.sh` writes for an id.
fn marker(id: &str) -> String {
    let repository = Repository::new().unwrap();
    ended(&repository.comment(id, "x"), 0);
    repository.written("POST").unwrap().1.lines().next().unwrap().to_owned()
}

/// The `run:` line of a job that holds `what`.
fn step(job: &str, what: &str) -> String {
    let workflow = workflow();
    let steps = workflow["jobs"][job]["steps"].as_array().unwrap();
    let mut lines = steps.iter().filter_map(|step| step["run"].as_str());
    lines.find(|line| line.contains(what)).unwrap().to_owned()
}

#[test]
fn the_workflow_asks_for_no_more_than_it_needs_and_names_what_is_there() {
    let workflow = workflow();
    assert_eq!(workflow["permissions"], json!({}));
    let jobs = workflow["jobs"].as_object().unwrap();
    let permissions = |job: &str| jobs[job]["permissions"].clone();
    assert_eq!(
        permissions("plan"),
        json!({"contents": "read", "id-token": "write", "pull-requests": "write"})
    );
    assert_eq!(permissions("apply"), json!({"contents": "read", "id-token": "write"}));
    assert_eq!(permissions("fork"), json!({"contents": "read"}));
    assert_eq!(
        jobs["apply"]["concurrency"],
        json!({"group": "ecs-operator-apply", "cancel-in-progress": false})
    );
    assert_eq!(jobs["apply"]["environment"], "production");
    assert!(jobs["apply"]["if"].as_str().unwrap().contains("push"));
    let role = |job: &str| {
        let steps = jobs[job]["steps"].as_array().unwrap().iter();
        steps
            .filter_map(|step| step["with"]["role-to-assume"].as_str())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (role("plan"), role("apply")),
        (vec!["${{ env.PLAN_ROLE }}".into()], vec!["${{ env.APPLY_ROLE }}".into()])
    );
    assert!(role("fork").is_empty());

    let action: Value = serde_saphyr::from_str(&text(source().join("action.yml"))).unwrap();
    let steps = jobs.values().flat_map(|job| job["steps"].as_array().unwrap());
    for step in steps.chain(action["runs"]["steps"].as_array().unwrap()) {
        if step["uses"] == "./.github/ecs-operator" {
            let given: Vec<&String> = step["with"].as_object().unwrap().keys().collect();
            assert_eq!(given, action["inputs"].as_object().unwrap().keys().collect::<Vec<_>>());
        }
        let line = step["run"].as_str().unwrap_or_default();
        // What a person writes into a pull request is never part of a script's text.
        assert!(!line.contains("${{"), "{line}");
        for word in line.split_whitespace().filter_map(|word| word.strip_prefix(".github/ecs-operator/")) {
            let mode = fs::metadata(source().join(word)).unwrap().permissions().mode();
            assert_eq!(mode & 0o111, 0o111, "{word}");
        }
    }
}

#[test]
fn its_steps_plan_apply_and_then_find_nothing_to_do() {
    let Some(mut repository) = Repository::new() else { return };
    let aws = Served::start(&["--speed", "100000"]);
    repository.aws = Some(aws.url.clone());
    ended(&repository.run(&step("fork", "validate")), 0);

    let plan = step("plan", "plan.sh");
    ended(&repository.run(&plan), 0);
    let (to, comment) = repository.written("POST").unwrap();
    assert_eq!(to, COMMENTS);
    assert!(comment.contains("\n### 2 to create\n"), "{comment}");
    assert!(comment.ends_with(
        "<p>Commit <code>4f2c1e9</code> · <a href=\"https://github.com/octo/shop/actions/runs/1\">run</a></p>\n"
    ));
    assert!(text(repository.at("summary")).contains("### 2 to create"));

    let applied = repository.run(&step("apply", "apply.sh"));
    ended(&applied, 0);
    assert!(String::from_utf8_lossy(&applied.stdout).ends_with("done: 2 objects as declared\n"));
    assert!(text(repository.at("summary")).contains("### 2 ready"));

    repository.has(&[&[(11, BOT, &comment)]]);
    ended(&repository.run(&plan), 0);
    let (to, comment) = repository.written("PATCH").unwrap();
    assert_eq!(to, "repos/octo/shop/issues/comments/11");
    assert!(comment.contains("\n### 2 unchanged\n"), "{comment}");
    // Another account is refused before anything is read.
    let refused = repository.run(&plan.replace("\"$AWS_ACCOUNT\"", "999999999999"));
    assert!(ended(&refused, 2).contains("--expect-account"));
}

#[test]
fn a_plan_with_changes_is_fine_and_a_plan_that_failed_is_told_and_fails() {
    for (code, job) in [(0, 0), (1, 0), (2, 2), (3, 3)] {
        let out = if code == 2 { "" } else { "### 1 to change\n" };
        let err = "error: `a.yaml:1:1`\n\n</details>\r@octocat ```\u{1b}[31m\n";
        let Some(repository) = Repository::with_outcome(code, out, err) else { return };
        let said = ended(&repository.run(&step("plan", "plan.sh")), job);
        assert!(said.contains("error: `a.yaml:1:1`"), "the log has it, too");
        let comment = repository.written("POST").unwrap().1;
        assert_eq!(comment.contains("### No plan: exit code 2\n"), code == 2, "{comment}");
        assert!(comment.contains(out));
        // Literal, whatever it is.
        assert!(
            comment.contains("\n    error: `a.yaml:1:1`\n    \n    </details>@octocat ```[31m\n"),
            "{comment}"
        );
        assert_eq!(text(repository.at("summary")), comment.split_once('\n').unwrap().1);
    }
    let Some(repository) = Repository::with_outcome(1, "### 1 to change\n", "") else { return };
    repository.refuses("POST", "gh: Resource not accessible by integration (HTTP 403)\n");
    let said = ended(&repository.run(&step("plan", "plan.sh")), 3);
    assert!(said.starts_with(
        "::error::GitHub does not take the comment of pull request 7 in octo/shop: gh: Resource"
    ));
}

#[test]
fn the_first_time_a_comment_is_made() {
    let Some(repository) = Repository::new() else { return };
    repository.has(&[&[(1, "octocat", "nice"), (2, BOT, "another bot's")]]);
    ended(&repository.comment("plan deploy", "### 1 to change\n"), 0);
    let (to, body) = repository.written("POST").unwrap();
    assert_eq!(to, COMMENTS);
    let (marker, rest) = body.split_once('\n').unwrap();
    assert!(marker.starts_with("<!-- ecs-operator plan_deploy ") && marker.ends_with(" -->"));
    assert_eq!(rest, "### 1 to change\n");
    assert!(repository.written("PATCH").is_none());
}

#[test]
fn the_second_time_it_is_changed_on_whatever_page_it_is() {
    let Some(repository) = Repository::new() else { return };
    let ours = format!("{}\nold\n", marker("plan deploy"));
    repository.has(&[&[(1, "octocat", "nice")], &[(2, BOT, &ours), (3, BOT, &ours)]]);
    ended(&repository.comment("plan deploy", "new\n"), 0);
    let (to, body) = repository.written("PATCH").unwrap();
    assert_eq!(to, "repos/octo/shop/issues/comments/2");
    assert_eq!(body, ours.replace("old", "new"));
    assert!(repository.written("POST").is_none());
}

#[test]
fn what_is_not_its_own_is_left_alone() {
    let Some(repository) = Repository::new() else { return };
    let (ours, other) = (marker("plan deploy"), marker("plan other"));
    assert_ne!(ours, other);
    let quoted = format!("> {ours}\n");
    repository.has(&[&[
        (1, "mallory", &ours),
        (2, BOT, &quoted),
        (3, BOT, &other),
        (4, "github-actions", &ours),
    ]]);
    ended(&repository.comment("plan deploy", "x"), 0);
    assert!(repository.written("PATCH").is_none() && repository.written("POST").is_some());
}

#[test]
fn no_id_breaks_the_marker_and_no_two_share_one() {
    if Repository::new().is_none() {
        return;
    }
    let ids = ["a b", "a_b", "a --> b", "a__>_b", "$(touch pwned)", "é", "\\u0041"];
    let markers: std::collections::BTreeSet<String> = ids.iter().map(|id| marker(id)).collect();
    assert_eq!(markers.len(), ids.len());
    for marker in markers {
        assert!(marker.is_ascii() && marker.matches("--").count() == 2, "{marker}");
    }
}

#[test]
fn a_comment_deleted_in_the_meantime_is_made_anew() {
    let Some(repository) = Repository::new() else { return };
    repository.has(&[&[(2, BOT, &marker("plan deploy"))]]);
    repository.refuses("PATCH", "gh: Not Found (HTTP 404)\n");
    ended(&repository.comment("plan deploy", "new\n"), 0);
    assert!(repository.written("POST").unwrap().1.ends_with("new\n"));
}

#[test]
fn what_is_too_long_for_a_comment_says_where_it_is() {
    let Some(repository) = Repository::new() else { return };
    ended(&repository.comment("plan deploy", &"é".repeat(40_000)), 0);
    let body = repository.written("POST").unwrap().1;
    assert!(body.starts_with("<!-- ") && body.contains("it is in the summary of the run"), "{body}");
    ended(&repository.comment("plan deploy", &"x".repeat(65_000)), 0);
    assert!(repository.written("POST").unwrap().1.len() > 65_000);
}

#[test]
fn what_github_refuses_is_an_error_with_its_reason() {
    for (method, what) in
        [("GET", "list the comments"), ("PATCH", "change the comment"), ("POST", "take the comment")]
    {
        let Some(repository) = Repository::new() else { return };
        if method == "PATCH" {
            repository.has(&[&[(2, BOT, &marker("plan deploy"))]]);
        }
        repository.refuses(method, "gh: API rate limit exceeded (HTTP 403)\nmore\n");
        let said = ended(&repository.comment("plan deploy", "x"), 3);
        let expected = format!(
            "::error::GitHub does not {what} of pull request 7 in octo/shop: gh: API rate limit exceeded (HTTP 403) more \n"
        );
        assert_eq!(said, expected);
    }
}

#[test]
fn a_wrong_call_is_told_before_anything_is_asked() {
    let Some(repository) = Repository::new() else { return };
    let comment = ".github/ecs-operator/comment.sh";
    for line in ["", " id", " id nowhere", " id body more"] {
        assert!(ended(&repository.run(&format!("{comment}{line}")), 2).starts_with("::error::"));
    }
    fs::write(repository.at("body"), "x").unwrap();
    for unset in ["GITHUB_REPOSITORY", "PULL_REQUEST"] {
        let said = ended(&repository.run(&format!("unset {unset}; {comment} id body")), 2);
        assert!(said.contains(unset), "{said}");
    }
    assert_eq!(text(repository.at("gh/calls")), "");
}
