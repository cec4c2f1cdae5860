//! The command line as people see it: transcripts of whole commands in `tests/cli`, each a story.
//!
//! `TRYCMD=overwrite cargo test --test all` rewrites them. What a transcript cannot say is below.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

fn ecs_operator() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecs-operator"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    for name in ["AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION", "NO_COLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command
}

#[test]
fn the_transcripts_are_true() {
    let cases = trycmd::TestCases::new();
    cases.env("COLUMNS", "100").register_bin("sed", Path::new("/usr/bin/sed")).case("tests/cli/*.trycmd");
}

/// The tour of the README, in a copy of what it works on; `TRYCMD=overwrite` brings the rewritten text back.
#[test]
fn the_readme_is_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let copy = tempfile::tempdir().unwrap();
    // `README.in` is where the commands of `README.md` run.
    let examples = copy.path().join("README.in/examples/hello");
    std::fs::create_dir_all(&examples).unwrap();
    std::fs::copy(root.join("examples/hello/service.yaml"), examples.join("service.yaml")).unwrap();
    let readme = copy.path().join("README.md");
    std::fs::copy(root.join("README.md"), &readme).unwrap();
    let cases = trycmd::TestCases::new();
    cases.env("COLUMNS", "100").register_bin("sed", Path::new("/usr/bin/sed")).case(&readme);
    cases.run();
    if std::env::var_os("TRYCMD").is_some_and(|mode| mode == "overwrite") {
        std::fs::copy(readme, root.join("README.md")).unwrap();
    }
}

#[test]
fn a_reader_that_goes_away_ends_nothing() {
    let mut plan = ecs_operator()
        .args(["plan", "-v", "examples/shop", "--sandbox"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(plan.stdout.take());
    let mut said = String::new();
    plan.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let ended = plan.wait().unwrap();
    assert!(!said.contains("panic") && !said.contains("error"), "{said}");
    assert_eq!(ended.code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let ended = ecs_operator().arg("schema").stdout(full).output().unwrap();
    assert_eq!(ended.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("the output could not be written"));
}

#[test]
fn colours_and_progress_are_for_terminals() {
    let run = |extra: &[&str]| {
        let out = ecs_operator().args(["apply", "examples/shop", "--sandbox"]).args(extra).output().unwrap();
        assert_eq!(out.status.code(), Some(0), "{out:?}");
        (String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap())
    };
    let (out, err) = run(&[]);
    assert!(!out.contains('\u{1b}') && err.is_empty(), "{out}{err}");
    assert!(run(&["--color=always"]).0.contains('\u{1b}'));
}

#[test]
fn verbose_tells_each_call_and_no_secret() {
    let manifest = "apiVersion: ecs-operator.dev/v1alpha1\nkind: EcsCluster\nmetadata: {name: c}\nspec: {}\n---\n\
        apiVersion: ecs-operator.dev/v1alpha1\nkind: EcsService\nmetadata: {name: s}\nspec:\n  taskDefinition:\n    \
        containerDefinitions: [{name: web, image: web, memory: 64, environment: [{name: KEY, value: hunter2}]}]\n  \
        service: {cluster: c, launchType: EC2, desiredCount: 0}\n";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s.yaml");
    std::fs::write(&file, manifest).unwrap();
    for verbosity in ["-v", "-vv"] {
        let out = ecs_operator().args(["apply", verbosity, "--sandbox"]).arg(&file).output().unwrap();
        let told = String::from_utf8(out.stdout).unwrap() + &String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(0), "{told}");
        assert!(told.contains("ecs:RegisterTaskDefinition") && told.contains("request="), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

/// A sandbox in a process of its own, asked to end when the test is over.
#[cfg(unix)]
pub struct Served {
    process: std::process::Child,
    pub url: String,
}

#[cfg(unix)]
impl Served {
    pub fn start(extra: &[&str]) -> Self {
        use std::io::{BufRead, BufReader};
        let listen = ["sandbox", "--listen", "127.0.0.1:0"];
        let mut process = ecs_operator().args(listen).args(extra).stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { process, url: url.trim().to_owned() }
    }

    fn apply(&self, extra: &[&str]) -> Command {
        let mut apply = ecs_operator();
        apply.args(["apply", "examples/shop"]).args(extra).envs([
            ("AWS_ENDPOINT_URL", self.url.as_str()),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "sandbox"),
            ("AWS_SECRET_ACCESS_KEY", "sandbox"),
        ]);
        apply
    }
}

#[cfg(unix)]
impl Drop for Served {
    fn drop(&mut self) {
        end(&mut self.process, "TERM");
    }
}

#[cfg(unix)]
fn end(process: &mut std::process::Child, signal: &str) -> Option<i32> {
    let asked = Command::new("kill").args(["-s", signal, &process.id().to_string()]).status().unwrap();
    assert!(asked.success());
    process.wait().unwrap().code()
}

#[cfg(unix)]
#[test]
fn a_sandbox_says_where_it_is_and_keeps_its_world_when_it_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let world = folder.path().join("w.json");
    let mut sandbox = Served::start(&["--state", world.to_str().unwrap()]);
    let apply = sandbox.apply(&["--timeout", "1s"]).output().unwrap();
    assert_eq!(apply.status.code(), Some(1), "{apply:?}");
    assert!(String::from_utf8(apply.stderr).unwrap().starts_with("stopped waiting after 1s"));
    assert_eq!(end(&mut sandbox.process, "INT"), Some(0));
    assert!(std::fs::read_to_string(&world).unwrap().contains("shop/checkout"));
    // Already ended: nothing is left to end.
    std::mem::forget(sandbox);
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_waiting_and_says_so() {
    use std::io::{BufRead, BufReader};
    let sandbox = Served::start(&[]);
    let mut apply = sandbox.apply(&["--wait"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Once something is made, it is listened for.
    let told = BufReader::new(apply.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(told.into_iter().any(|line| line.contains("EcsCluster/shop created")));
    assert_eq!(end(&mut apply, "INT"), Some(1));
    let mut said = String::new();
    apply.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "stopped waiting; what was begun goes on in AWS\n");
}

#[test]
fn apply_as_json_holds_every_pass_and_what_runs_afterwards() {
    let out = ecs_operator()
        .args(["apply", "examples/shop", "--sandbox", "--wait", "-o", "json"])
        .output()
        .unwrap();
    let applied: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((out.status.code(), applied["version"].as_u64()), (Some(0), Some(1)));
    assert!(applied["passes"].as_array().unwrap().len() > 1);
    let after = applied["after"]["objects"].as_array().unwrap();
    assert!(after.iter().all(|object| object["verdict"] == "unchanged"));
    assert!(after.iter().any(|object| object["rollout"]["state"] == "done"));
}

/// What bash offers after `words`, with the script that it is told to load.
#[cfg(unix)]
fn completed(script: &Path, words: &[&str]) -> Option<Vec<String>> {
    let ask = r#"
        source "$1" && shift
        [[ $(complete -p ecs-operator) =~ -F\ ([^ ]+) ]]
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
        "${BASH_REMATCH[1]}" ecs-operator "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let out =
        Command::new("bash").args(["--norc", "-c", ask, "bash"]).arg(script).args(words).output().ok()?;
    assert!(out.status.success(), "{out:?}");
    Some(String::from_utf8(out.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[cfg(unix)]
#[test]
fn bash_completes_commands_options_and_values() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("ecs-operator.bash");
    let out = ecs_operator().args(["completions", "bash"]).output().unwrap();
    std::fs::write(&script, &out.stdout).unwrap();
    let Ok(checked) = Command::new("bash").arg("-n").arg(&script).status() else {
        eprintln!("left out: bash is not here");
        return;
    };
    assert!(checked.success());
    let offered = |words: &[&str]| completed(&script, words).unwrap();
    assert_eq!(offered(&["ecs-operator", "pl"]), ["plan"]);
    assert!(offered(&["ecs-operator", "plan", "--ex"]).contains(&"--expect-account".to_owned()));
    assert_eq!(offered(&["ecs-operator", "plan", "-o", "m"]), ["markdown"]);
    assert!(offered(&["ecs-operator", "completions", ""]).contains(&"zsh".to_owned()));
}
