//! The tour, as a newcomer takes it: the real program, in a hurry.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What the tour promises.
const LONGEST: Duration = Duration::from_mins(2);

/// The program with nothing of AWS around it, and its temporary files in `temporary`.
fn ecs_operator(arguments: &[&str], temporary: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecs-operator"));
    for name in ["AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command.args(arguments).env("TMPDIR", temporary).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(arguments: &[&str], temporary: &Path) -> (Output, String) {
    let output = ecs_operator(arguments, temporary).output().unwrap();
    let told = String::from_utf8(output.stdout.clone()).unwrap();
    (output, told)
}

/// The text as one line, as if it had never been broken.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `words` stand in `text`, one after the other.
fn in_order(text: &str, words: &[&str]) {
    let text = flat(text);
    let mut rest = text.as_str();
    for word in words {
        let Some((_, after)) = rest.split_once(&flat(word)) else {
            panic!("`{word}` does not come in time:\n{text}")
        };
        rest = after;
    }
}

#[test]
fn the_tour_deploys_heals_rolls_back_once_and_ends_with_the_fixed_image() {
    let temporary = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let (output, told) = run(&["demo", "--fast"], temporary.path());
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{output:?}\n{told}");
    assert!(began.elapsed() < LONGEST);
    in_order(
        &told,
        &[
            "1 · Deploy",
            "2 to create",
            "+ EcsService/web created",
            "✓ EcsService/web rolled out: web:1",
            "2 · Drift",
            "aws ecs update-service --cluster shop --service web --desired-count 0",
            "! EcsService/web healed: in place: service.desiredCount",
            "3 tasks of `web:1` run",
            "3 · A bad image",
            "+        image: sandbox/crash:1.1",
            "~ EcsService/web changed: new deployment",
            "4 · Rollback",
            "✗ EcsService/web rolled back:",
            "exited with 1",
            "3 tasks of `web:1` run",
            "5 · No second try",
            "! EcsService/web healed",
            "`web:2` was deployed once in all",
            "✗ EcsService/web   rolled back",
            "6 · Fix",
            "+        image: sandbox/ok:1.2",
            "✓ EcsService/web rolled out: web:3",
            "The end",
            "✓ EcsService/web   ready        web:3  3/3 running",
            "3 ecs:RegisterTaskDefinition",
            "stopped",
            "Nothing is left behind",
        ],
    );
    assert_eq!(told.matches("✗ EcsService/web rolled back:").count(), 1, "told once:\n{told}");
    assert_eq!(
        told.matches("EcsService/web changed").count(),
        2,
        "the bad one and the fixed one, once each:\n{told}"
    );
    assert!(!told.contains('\u{1b}'), "no colours and no progress without a terminal");
    let wide =
        told.lines().filter(|line| line.chars().count() >= 80 && !line.contains(" · owner default · "));
    assert_eq!(wide.collect::<Vec<_>>(), [""; 0]);
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "something is left behind");
}

#[test]
fn what_is_kept_can_be_played_on_with() {
    let temporary = tempfile::tempdir().unwrap();
    let kept = temporary.path().join("kept");
    let kept = kept.to_str().unwrap();
    let (output, told) = run(&["demo", "--fast", "--keep", kept], temporary.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}\n{told}");
    let status = told.lines().find(|line| line.trim().starts_with("ecs-operator status ")).unwrap();
    let arguments: Vec<&str> = status.split_whitespace().skip(1).collect();
    let (output, told) = run(&arguments, temporary.path());
    assert_eq!(output.status.code(), Some(0), "{output:?}\n{told}");
    assert!(told.contains("ready        web:3  3/3 running"), "{told}");
    let (output, _) = run(&["demo", "--keep", kept], temporary.path());
    assert_eq!(output.status.code(), Some(2), "what is there is nobody else's: {output:?}");
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_tour_with_a_word_and_leaves_nothing() {
    use std::io::{BufRead, BufReader, Read};
    let temporary = tempfile::tempdir().unwrap();
    let mut tour = ecs_operator(&["demo"], temporary.path()).spawn().unwrap();
    let mut told = BufReader::new(tour.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("EcsService/web created") {
        line.clear();
        assert!(told.read_line(&mut line).unwrap() > 0, "it ended by itself");
    }
    let asked = Command::new("kill").args(["-s", "INT", &tour.id().to_string()]).status().unwrap();
    assert!(asked.success());
    let (mut rest, mut said) = (String::new(), String::new());
    told.read_to_string(&mut rest).unwrap();
    tour.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(tour.wait().unwrap().code(), Some(1));
    assert!(rest.contains("stopped") && rest.contains("Nothing is left behind"), "{rest}");
    assert_eq!(said, "the tour ends here\n");
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
}
