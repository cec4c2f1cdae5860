//! A real API server: kube-apiserver and etcd on this machine, without nodes, and `kubectl` to speak with it.
//!
//! One serves all tests of the binary; each test has a namespace of its own. `ECS_OPERATOR_KUBE` names the folder with the
//! three binaries, as `tools/kube.sh` exports it.

use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Who may do everything.
const ADMIN: &str = "admin-token";

pub struct Kube {
    binaries: PathBuf,
    /// `serve.sh` removes it.
    folder: PathBuf,
    /// The server lives as long as this is open.
    _alive: ChildStdin,
}

static SERVER: LazyLock<Option<Kube>> = LazyLock::new(|| {
    let binaries = PathBuf::from(std::env::var_os("ECS_OPERATOR_KUBE").filter(|path| !path.is_empty())?);
    // Somebody may have taken the port in between.
    Some((0..3).find_map(|_| Kube::start(&binaries)).expect("the API server does not start"))
});

/// A namespace of the shared API server, with the definitions of `crds/` in it.
pub struct Namespace {
    kube: &'static Kube,
    name: String,
}

impl Namespace {
    /// None, and a word about it, where there is no API server.
    pub fn of(test: &str) -> Option<Self> {
        let Some(kube) = SERVER.as_ref() else {
            println!(
                "left out: {test}: ECS_OPERATOR_KUBE names no kube-apiserver, etcd and kubectl (`tools/kube.sh cargo test` builds them once, with Go)"
            );
            return None;
        };
        let namespace = Self { kube, name: test.to_owned() };
        namespace.succeeds(&["create", "namespace", test]);
        Some(namespace)
    }

    /// Runs kubectl.
    pub fn kubectl(&self, args: &[&str]) -> Told {
        self.kubectl_with(args, "")
    }

    /// The same, with something on stdin.
    pub fn kubectl_with(&self, args: &[&str], input: &str) -> Told {
        self.kube.kubectl(&[&["--namespace", &self.name], args].concat(), input)
    }

    /// The output of a kubectl that must succeed.
    #[track_caller]
    pub fn succeeds(&self, args: &[&str]) -> String {
        self.succeeds_with(args, "")
    }

    #[track_caller]
    pub fn succeeds_with(&self, args: &[&str], input: &str) -> String {
        let told = self.kubectl_with(args, input);
        assert!(told.ok, "kubectl {}: {}", args.join(" "), told.stderr);
        told.stdout
    }

    /// An object as it is stored.
    #[track_caller]
    pub fn get(&self, object: &str) -> Value {
        serde_json::from_str(&self.succeeds(&["get", object, "-o", "json"])).unwrap()
    }
}

/// What a command said.
#[derive(Debug)]
pub struct Told {
    pub ok: bool,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Told {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { ok: output.status.success(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

/// Many objects in one request to kubectl.
pub fn list(objects: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Kube {
    fn start(binaries: &Path) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap().keep();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        fs::write(folder.join("tokens.csv"), format!("{ADMIN},admin,admin,\"system:masters\"\n")).unwrap();
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {
                "server": format!("https://127.0.0.1:{port}"),
                "certificate-authority": folder.join("certs/apiserver.crt")}}],
            "users": [{"name": "admin", "user": {"token": ADMIN}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        });
        fs::write(folder.join("kubeconfig"), config.to_string()).unwrap();
        let mut server = Command::new("sh")
            .arg(root().join("tests/kube/serve.sh"))
            .arg(binaries)
            .arg(&folder)
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let kube = Self { binaries: binaries.to_owned(), folder, _alive: server.stdin.take().unwrap() };
        kube.is_ready(&mut server).then(|| kube.install()).map(|()| kube)
    }

    /// Waits until the server answers; false when it has ended instead.
    fn is_ready(&self, server: &mut Child) -> bool {
        let until = Instant::now() + Duration::from_mins(2);
        loop {
            let told = self.kubectl(&["get", "--raw", "/readyz"], "");
            if told.ok {
                return true;
            }
            if server.try_wait().unwrap().is_some() {
                return false;
            }
            let log = || fs::read_to_string(self.folder.join("apiserver.log")).unwrap_or_default();
            assert!(Instant::now() < until, "the API server is not ready: {}\n{}", told.stderr, log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// As the README says it.
    fn install(&self) {
        let crds = root().join("crds");
        let told = self.kubectl(&["apply", "-f", crds.to_str().unwrap()], "");
        assert!(told.ok, "{}", told.stderr);
        let told =
            self.kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"], "");
        assert!(told.ok, "{}", told.stderr);
    }

    fn kubectl(&self, args: &[&str], input: &str) -> Told {
        let mut command = Command::new(self.binaries.join("kubectl"));
        command.arg("--kubeconfig").arg(self.folder.join("kubeconfig"));
        command.arg("--cache-dir").arg(self.folder.join("cache")).args(args);
        let mut kubectl = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("ECS_OPERATOR_KUBE has a kubectl");
        // It may not want to read.
        let _ = kubectl.stdin.take().unwrap().write_all(input.as_bytes());
        kubectl.wait_with_output().unwrap().into()
    }
}
