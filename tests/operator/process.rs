//! The real program, on real files and a real socket: what only a process can show.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Long enough for a machine under load.
const PATIENCE: Duration = Duration::from_mins(1);

struct Running {
    process: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ecs-operator"));
        for name in ["AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_REGION", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        let mut process =
            command.arg("run").args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// Reads on until a line holds `words`.
    fn until(&mut self, words: &str) -> String {
        let mut read = Vec::new();
        for line in self.lines.by_ref().map(Result::unwrap) {
            if line.contains(words) {
                return line;
            }
            read.push(line);
        }
        panic!("it ended without `{words}`: {read:#?}");
    }

    fn signal(&self, signal: &str) {
        let sent =
            Command::new("kill").args(["-s", signal, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already ended, when all went well.
        let _ = self.process.kill();
    }
}

/// Status and body.
fn http(address: &str, method: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Asks until the metrics hold a line.
fn metrics_hold(address: &str, line: &str) {
    let began = Instant::now();
    loop {
        let (status, text) = http(address, "GET", "/metrics");
        assert!(status == 200 && text.ends_with("# EOF\n"), "{status} {text}");
        if text.lines().any(|one| one == line) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{text}");
    }
}

fn hello() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/hello/service.yaml"))
        .unwrap()
}

#[test]
fn it_runs_writes_what_changes_looks_when_asked_and_ends_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let (fleet, world) = (folder.path().join("fleet"), folder.path().join("w.json"));
    std::fs::create_dir(&fleet).unwrap();
    std::fs::write(fleet.join("hello.yaml"), hello()).unwrap();
    let sandbox = format!("--sandbox={}", world.display());
    let fleet_name = fleet.to_str().unwrap();
    // So rare that every sweep but the first was asked for.
    let mut run = Running::start(&[fleet_name, &sandbox, "--interval", "1h", "--listen", "127.0.0.1:0"]);
    let listening = run.until("listening: http://");
    let address = listening.split("http://").nth(1).unwrap().to_owned();
    assert_eq!(http(&address, "GET", "/healthz").0, 200);
    run.until("EcsService/hello rolled out: hello:1");
    let (status, text) = http(&address, "GET", "/readyz");
    assert!(status == 200 && text.contains("2 objects declared"), "{status} {text}");

    // As editors write.
    std::fs::write(fleet.join("new"), hello().replace("nginx:1.27", "nginx:1.28")).unwrap();
    std::fs::rename(fleet.join("new"), fleet.join("hello.yaml")).unwrap();
    run.until("EcsService/hello changed: new deployment");
    run.until("EcsService/hello rolled out: hello:2");

    metrics_hold(&address, "ecs_operator_runs_total{run=\"sweep\",result=\"done\"} 1");
    run.signal("HUP");
    metrics_hold(&address, "ecs_operator_runs_total{run=\"sweep\",result=\"done\"} 2");
    assert_eq!(http(&address, "POST", "/reconcile").0, 202);
    metrics_hold(&address, "ecs_operator_runs_total{run=\"sweep\",result=\"done\"} 3");
    metrics_hold(&address, "ecs_operator_objects{kind=\"EcsService\",verdict=\"unchanged\"} 1.0");
    assert_eq!(http(&address, "GET", "/reconcile").0, 405, "a link does nothing");

    let asked = Instant::now();
    run.signal("TERM");
    run.until("stopped");
    assert_eq!(run.process.wait().unwrap().code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(10));
    let mut said = String::new();
    run.process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "");
    let plan = ["plan", fleet_name, &sandbox, "--check"];
    let plan = Command::new(env!("CARGO_BIN_EXE_ecs-operator")).args(plan).output().unwrap();
    assert_eq!(plan.status.code(), Some(0), "{plan:?}");
}

#[test]
fn each_line_of_json_is_an_event() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hello.yaml"), hello()).unwrap();
    std::fs::write(folder.path().join("broken.yaml"), "kind: [").unwrap();
    let fleet = folder.path().to_str().unwrap();
    let mut run = Running::start(&[fleet, "--sandbox", "--listen", "off", "-o", "json"]);
    for (event, object) in [("invalid", None), ("started", None), ("created", Some("EcsCluster/hello"))] {
        let line = run.until(&format!("\"event\":\"{event}\""));
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["version"], 1);
        assert!(line["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{line}");
        assert!(object.is_none_or(|object| line["object"] == object), "{line}");
    }
    run.signal("INT");
    run.until("\"event\":\"stopped\"");
    assert_eq!(run.process.wait().unwrap().code(), Some(0));
}

#[test]
fn what_cannot_work_is_said_at_once() {
    let run = |arguments: &[&str]| {
        let done =
            Command::new(env!("CARGO_BIN_EXE_ecs-operator")).arg("run").args(arguments).output().unwrap();
        (done.status.code(), String::from_utf8(done.stderr).unwrap())
    };
    let (code, said) = run(&["-", "--sandbox"]);
    assert!(code == Some(2) && said.contains("standard input cannot be watched"), "{code:?} {said}");
    let (code, said) = run(&["examples", "--sandbox", "--listen", "off", "--expect-account", "999999999999"]);
    assert!(code == Some(2) && said.contains("credentials for account `123456789012`"), "{code:?} {said}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, said) = run(&["examples", "--sandbox", "--listen", &taken.local_addr().unwrap().to_string()]);
    assert!(
        code == Some(3) && said.contains("hint: `--listen 127.0.0.1:0` takes any free port"),
        "{code:?} {said}"
    );
    assert_eq!(run(&["examples", "--sandbox", "--interval", "10ms"]).0, Some(2));
}
