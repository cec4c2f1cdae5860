//! What a container does, by its image: `sandbox/crash` crashes. One row per script, in AWS's own
//! words; another misfortune is another row.
//!
//! The image may name any registry (`public.ecr.aws/sandbox/crash:137`); its tag is the script's
//! argument, where it takes one. An image of the sandbox's own registry (its account and Region)
//! can be pulled if it is there. Every other image runs well.
//!
//! Tests: `tests/image_script.rs`.

use super::task::Architecture;
use super::words::scattered;
use crate::sandbox::{Call, ecr};

/// Seconds that a pull takes.
const PULL: f64 = 3.0;
/// Seconds that a container takes to stop.
const STOP: f64 = 1.0;

/// What one container of a task will do.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// Seconds from PENDING until its image is there, or the attempt is given up.
    pub pull: f64,
    pub fate: Fate,
    /// Seconds from being told to stop to its end.
    pub stop: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// Runs until it is told to stop.
    Runs,
    /// Never starts, for the reason that the task then has.
    FailsToStart(String),
    /// Ends by itself so many seconds after its start.
    Exits { after: f64, code: i64, reason: Option<&'static str> },
    /// Runs, and fails its health checks, if there are any.
    Unhealthy,
    /// The task's capacity is taken away so many seconds after its start.
    Interrupted { after: f64 },
}

/// A row's last column.
#[derive(Clone, Copy)]
enum Script {
    Runs,
    /// The tag is the seconds of the pull, by default so many.
    Slow(f64),
    /// After so many seconds: the reason, in which `{image}` and the like are filled.
    FailsToStart(f64, &'static str),
    /// The exit code, unless the tag is another, and the container's reason.
    Exits(i64, Option<&'static str>),
    /// Exit code 1; the tag is the seconds until then, by default so many.
    ExitsLater(f64),
    /// Exit code 1 in so many of a hundred tasks, unless the tag says in how many.
    Flaky(u64),
    Unhealthy,
    /// The tag is the seconds until then, by default so many.
    Interrupted(f64),
    /// The tag is the seconds that it takes to stop, by default so many.
    Stubborn(f64),
}

/// Seconds from the start of a container that crashes to its end.
const CRASH: f64 = 2.0;

#[rustfmt::skip] // a table
const SCRIPTS: &[(&str, Script)] = &[
    ("ok", Script::Runs),
    ("slow", Script::Slow(120.0)),

    // It ran.
    ("crash", Script::Exits(1, None)),
    ("done", Script::Exits(0, None)),
    ("oom", Script::Exits(137, Some("OutOfMemoryError: Container killed due to memory usage"))),
    ("segfault", Script::Exits(139, None)),
    ("crash-later", Script::ExitsLater(300.0)),
    ("flaky", Script::Flaky(50)),
    ("unhealthy", Script::Unhealthy),
    ("interrupted", Script::Interrupted(300.0)),
    ("stubborn", Script::Stubborn(30.0)),

    // Its image could not be pulled.
    ("not-found", Script::FailsToStart(10.0, NOT_FOUND)),
    ("denied", Script::FailsToStart(10.0, "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: pulling from host {host} failed with status code [manifests {tag}]: 403 Forbidden")),
    ("timeout", Script::FailsToStart(60.0, "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref {image}: failed to do request: Head \"https://{host}/v2/{repository}/manifests/{tag}\": dial tcp 52.94.20.1:443: i/o timeout")),
    ("toomanyrequests", Script::FailsToStart(10.0, "CannotPullContainerError: inspect image has been retried 5 time(s): httpReadSeeker: failed open: unexpected status code https://{host}/v2/{repository}/manifests/{tag}: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit")),
    ("wrong-platform", Script::FailsToStart(5.0, "CannotPullContainerError: pull image manifest has been retried 1 time(s): image Manifest does not contain descriptor matching platform '{platform}'")),

    // What it needs was not there.
    ("no-auth", Script::FailsToStart(5.0, "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve ecr registry auth: service call has been retried 1 time(s): AccessDeniedException: User: arn:aws:sts::{account}:assumed-role/ecsTaskExecutionRole is not authorized to perform: ecr:GetAuthorizationToken on resource: * because no identity-based policy allows the ecr:GetAuthorizationToken action")),
    ("no-route", Script::FailsToStart(60.0, "ResourceInitializationError: unable to pull secrets or registry auth: The task cannot pull registry auth from Amazon ECR: There is a connection issue between the task and Amazon ECR. Check your task network configuration. operation error ECR: GetAuthorizationToken, exceeded maximum number of attempts, 3, https response error StatusCode: 0, RequestID: , request send failed, Post \"https://api.ecr.{region}.amazonaws.com/\": dial tcp 52.94.20.2:443: i/o timeout")),
    ("no-secret", Script::FailsToStart(5.0, "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret arn:aws:secretsmanager:{region}:{account}:secret:missing-AbCdEf from secrets manager: ResourceNotFoundException: Secrets Manager can't find the specified secret.")),
    ("no-secret-access", Script::FailsToStart(5.0, "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret arn:aws:secretsmanager:{region}:{account}:secret:shop-AbCdEf from secrets manager: AccessDeniedException: User: arn:aws:sts::{account}:assumed-role/ecsTaskExecutionRole is not authorized to perform: secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:{region}:{account}:secret:shop-AbCdEf because no identity-based policy allows the secretsmanager:GetSecretValue action")),
    ("no-parameter", Script::FailsToStart(5.0, "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secrets from ssm: service call has been retried 1 time(s): failed to fetch parameters: invalid ssm parameters: /missing")),
    ("no-log-group", Script::FailsToStart(5.0, "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1")),
    ("no-log-access", Script::FailsToStart(5.0, "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: AccessDeniedException: User: arn:aws:sts::{account}:assumed-role/ecsTaskExecutionRole is not authorized to perform: logs:CreateLogStream on resource: * because no identity-based policy allows the logs:CreateLogStream action : exit status 1")),
    ("no-efs", Script::FailsToStart(60.0, "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: mount.nfs4: Connection timed out : unsuccessful EFS utils command execution; code: 32")),
    ("no-ip", Script::FailsToStart(5.0, "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment disabled in subnet '{subnet}': InsufficientFreeAddressesInSubnet")),
    ("no-eni", Script::FailsToStart(60.0, "Timeout waiting for network interface provisioning to complete.")),
    ("no-capacity", Script::FailsToStart(5.0, "Capacity is unavailable at this time. Please try again later or in a different availability zone")),

    // It could not be started.
    ("exec-format", Script::FailsToStart(5.0, "CannotStartContainerError: Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec /app: exec format error: unknown")),
    ("no-command", Script::FailsToStart(5.0, "CannotStartContainerError: Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"app\": executable file not found in $PATH: unknown")),
];

const NOT_FOUND: &str = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: {image}: not found";

/// Of whose container it is.
pub struct Of<'a> {
    pub call: &'a Call,
    pub registry: &'a ecr::State,
    pub task: &'a str,
    pub subnet: &'a str,
    pub architecture: Architecture,
}

/// What a container with this image does in this task, as it stands now.
pub fn course(image: &str, of: &Of) -> Course {
    let name = Name::read(image);
    let Call { account, region, .. } = of.call;
    let is_own = name.host.strip_suffix(".cn").unwrap_or(name.host)
        == format!("{account}.dkr.ecr.{region}.amazonaws.com")
        || name.host == format!("{account}.dkr-ecr.{region}.on.aws");
    if is_own && !ecr::image_exists(of.registry, name.repository, name.tag) {
        return Script::FailsToStart(10.0, NOT_FOUND).course(&name, of);
    }
    match name.repository.strip_prefix("sandbox/") {
        None => Script::Runs.course(&name, of),
        Some(script) => match SCRIPTS.iter().find(|(known, _)| *known == script) {
            Some((_, script)) => script.course(&name, of),
            None if is_own => Script::Runs.course(&name, of),
            // A script that nobody wrote: better no image than a container that runs well.
            None => Script::FailsToStart(10.0, NOT_FOUND).course(&name, of),
        },
    }
}

impl Script {
    fn course(self, name: &Name, of: &Of) -> Course {
        let runs = |fate: Fate| Course { pull: PULL, fate, stop: STOP };
        let seconds = |default: f64| {
            name.tag.parse().ok().filter(|seconds| (0.0..=86_400.0).contains(seconds)).unwrap_or(default)
        };
        match self {
            Self::Runs => runs(Fate::Runs),
            Self::Slow(pull) => Course { pull: seconds(pull), ..runs(Fate::Runs) },
            Self::FailsToStart(pull, words) => {
                Course { pull, ..runs(Fate::FailsToStart(name.fill(words, of))) }
            }
            Self::Exits(code, reason) => {
                runs(Fate::Exits { after: CRASH, code: name.tag.parse().unwrap_or(code), reason })
            }
            Self::ExitsLater(after) => runs(Fate::Exits { after: seconds(after), code: 1, reason: None }),
            Self::Flaky(percent) => {
                let percent = name.tag.parse().unwrap_or(percent);
                let is_hit = scattered(of.task) % 100 < percent;
                let crash = Fate::Exits { after: CRASH, code: 1, reason: None };
                runs(if is_hit { crash } else { Fate::Runs })
            }
            Self::Unhealthy => runs(Fate::Unhealthy),
            Self::Interrupted(after) => runs(Fate::Interrupted { after: seconds(after) }),
            Self::Stubborn(stop) => Course { stop: seconds(stop), ..runs(Fate::Runs) },
        }
    }
}

/// The parts of an image's name.
struct Name<'a> {
    image: &'a str,
    host: &'a str,
    repository: &'a str,
    /// Or digest.
    tag: &'a str,
}

impl<'a> Name<'a> {
    fn read(image: &'a str) -> Self {
        let is_host = |part: &str| part.contains(['.', ':']) || part == "localhost";
        let (host, path) =
            image.split_once('/').filter(|(host, _)| is_host(host)).unwrap_or(("docker.io", image));
        let (repository, tag) =
            path.split_once('@').or_else(|| path.split_once(':')).unwrap_or((path, "latest"));
        let repository = repository.split(':').next().unwrap_or(repository);
        Self { image, host, repository, tag }
    }

    fn fill(&self, words: &str, of: &Of) -> String {
        let platform = match of.architecture {
            Architecture::X86 => "linux/amd64",
            Architecture::Arm => "linux/arm64",
        };
        let values = [
            ("{image}", self.image),
            ("{host}", self.host),
            ("{repository}", self.repository),
            ("{tag}", self.tag),
            ("{subnet}", of.subnet),
            ("{platform}", platform),
            ("{account}", of.call.account.as_str()),
            ("{region}", of.call.region.as_str()),
        ];
        values.iter().fold(words.to_owned(), |words, (place, value)| words.replace(place, value))
    }
}
