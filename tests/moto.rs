//! A third party: moto, an emulator that others wrote, so that the product does not only work with its own sandbox.
//!
//! `tools/moto.sh cargo test --test all moto` runs these; without `ECS_OPERATOR_MOTO_URL` they say so and pass. Where
//! moto is wrong, [`EXCEPTIONS`] says what and why, and what is excepted is counted.

use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Differences that stay in `examples/shop`, and why.
const EXCEPTIONS: [(&str, &str, &str); 4] = [
    ("EcsService/catalog", "service.serviceConnectConfiguration", "moto does not keep Service Connect"),
    (
        "EcsService/orders-worker",
        "service.capacityProviderStrategy",
        "moto's CreateService drops it, and the manifest says to report drift",
    ),
    ("EcsService/orders-worker", "service.deploymentConfiguration", "the same"),
    ("EcsService/search", "", "moto wants memory on the container though the Fargate task has it"),
];

struct Moto {
    url: String,
    folder: tempfile::TempDir,
    subnet: String,
    group: String,
}

impl Moto {
    /// In a Region of its own: tests run side by side, and a Region's resources are nobody else's.
    fn find(test: &str, region: &str) -> Option<Self> {
        let Ok(url) = std::env::var("ECS_OPERATOR_MOTO_URL") else {
            println!(
                "left out: {test}: ECS_OPERATOR_MOTO_URL names no moto server (tools/moto.sh starts one)"
            );
            return None;
        };
        let first = |action: &str, prefix: &str| {
            let answer = query(&url, region, action);
            let at = answer.find(prefix).unwrap_or_else(|| panic!("{action}: {answer}"));
            answer[at..]
                .chars()
                .take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '-')
                .collect()
        };
        let (subnet, group) = (first("DescribeSubnets", "subnet-"), first("DescribeSecurityGroups", "sg-"));
        Some(Self { url, folder: tempfile::tempdir().unwrap(), subnet, group })
    }

    fn run(&self, region: &str, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ecs-operator"));
        let settings = [
            ("AWS_ENDPOINT_URL", self.url.as_str()),
            ("AWS_REGION", region),
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
        ];
        command.current_dir(self.folder.path()).args(args).envs(settings).env_remove("AWS_PROFILE");
        command.output().unwrap()
    }

    /// Writes manifests with subnets and security groups that moto has.
    fn write(&self, name: &str, text: &str) {
        let words = text.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
        let known: String = words
            .map(|word| {
                let end =
                    word.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric() || letter == '-');
                match word {
                    word if word.starts_with("subnet-") => format!("{}{end}", self.subnet),
                    word if word.starts_with("sg-") => format!("{}{end}", self.group),
                    word => word.to_owned(),
                }
            })
            .collect();
        // moto has one subnet for two.
        let twice = format!("{0}, {0}", self.subnet);
        std::fs::write(self.folder.path().join(name), known.replace(&twice, &self.subnet)).unwrap();
    }
}

/// An answer of EC2's, which speaks the query protocol.
fn query(url: &str, region: &str, action: &str) -> String {
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let body = format!("Action={action}&Version=2016-11-15");
    let mut stream = TcpStream::connect(host).unwrap();
    let scope = format!("Credential=x/20260101/{region}/ec2/aws4_request, SignedHeaders=host, Signature=0");
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nAuthorization: AWS4-HMAC-SHA256 {scope}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

const FLEET: &str = r#"
apiVersion: ecs-operator.dev/v1alpha1
kind: EcsCapacityProvider
metadata: {name: shop-ec2}
spec:
  autoScalingGroupProvider:
    autoScalingGroupArn: arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:1f0c0000-0000-4000-8000-000000000000:autoScalingGroupName/shop
    managedScaling: {status: ENABLED, targetCapacity: 90}
---
apiVersion: ecs-operator.dev/v1alpha1
kind: EcsCluster
metadata: {name: shop}
spec:
  capacityProviders: [FARGATE, FARGATE_SPOT, shop-ec2]
  defaultCapacityProviderStrategy: [{capacityProvider: FARGATE, base: 1, weight: 1}]
  settings: [{name: containerInsights, value: enabled}]
  tags: [{key: team, value: a}]
---
apiVersion: ecs-operator.dev/v1alpha1
kind: EcrRepository
metadata: {name: web}
spec:
  repositoryName: shop/web
  imageTagMutability: IMMUTABLE
  imageScanningConfiguration: {scanOnPush: true}
  lifecyclePolicy: {rules: [{rulePriority: 1, selection: {tagStatus: untagged, countType: sinceImagePushed, countUnit: days, countNumber: 7}, action: {type: expire}}]}
  repositoryPolicy: {Version: "2012-10-17", Statement: [{Sid: pull, Effect: Allow, Principal: {AWS: "arn:aws:iam::123456789012:root"}, Action: ["ecr:BatchGetImage"]}]}
---
apiVersion: ecs-operator.dev/v1alpha1
kind: EcsService
metadata: {name: web}
spec:
  taskDefinition:
    requiresCompatibilities: [FARGATE]
    networkMode: awsvpc
    cpu: .25 vCPU
    memory: 0.5 GB
    executionRoleArn: arn:aws:iam::123456789012:role/exec
    containerDefinitions:
      - name: web
        image: nginx:1
        memory: 256
        portMappings: [{containerPort: 80}]
        environment: [{name: B, value: b}, {name: A, value: a}]
        secrets: [{name: S, valueFrom: arn:aws:ssm:eu-central-1:123456789012:parameter/s}]
        healthCheck: {command: [CMD-SHELL, "true"]}
      - {name: log, image: fluent-bit, memory: 64, essential: false, dependsOn: [{containerName: web, condition: START}]}
  service:
    cluster: shop
    launchType: FARGATE
    desiredCount: 2
    networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-1], securityGroups: [sg-1]}}
    tags: [{key: team, value: a}]
  autoscaling:
    minCapacity: 1
    maxCapacity: 4
    policies:
      - {policyName: cpu, policyType: TargetTrackingScaling, targetTrackingScalingPolicyConfiguration: {targetValue: 60, predefinedMetricSpecification: {predefinedMetricType: ECSServiceAverageCPUUtilization}}}
    scheduledActions:
      - {scheduledActionName: night, schedule: cron(0 20 * * ? *), scalableTargetAction: {minCapacity: 1, maxCapacity: 2}}
"#;

#[test]
fn what_moto_stores_plans_to_nothing_and_follows_its_manifest() {
    let region = "eu-central-1";
    let Some(moto) = Moto::find("a fleet in moto", region) else { return };
    let changed =
        FLEET.replace("nginx:1", "nginx:2").replace("{key: team, value: a}", "{key: team, value: b}");
    let changed = changed.replace("IMMUTABLE", "MUTABLE").replace("countNumber: 7", "countNumber: 9");
    let changed =
        changed.replace("maxCapacity: 4", "maxCapacity: 6").replace("targetValue: 60", "targetValue: 70");
    for text in [FLEET, &changed, FLEET] {
        moto.write("fleet.yaml", text);
        let applied = moto.run(region, &["apply", "fleet.yaml"]);
        assert_eq!(applied.status.code(), Some(0), "{}", told(&applied));
        let planned = moto.run(region, &["plan", "fleet.yaml", "--check"]);
        assert_eq!(planned.status.code(), Some(0), "{}", told(&planned));
        let again = moto.run(region, &["apply", "fleet.yaml", "-v"]);
        assert!(!told(&again).contains("TagResource"), "{}", told(&again));
    }
}

#[test]
fn the_example_shop_plans_to_nothing_but_where_moto_is_wrong() {
    let region = "eu-central-1";
    let Some(moto) = Moto::find("examples/shop in moto", "eu-west-1") else { return };
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
    std::fs::create_dir(moto.folder.path().join("shop")).unwrap();
    let files: Vec<PathBuf> = std::fs::read_dir(shop).unwrap().map(|entry| entry.unwrap().path()).collect();
    for file in files {
        let name = format!("shop/{}", file.file_name().unwrap().to_string_lossy());
        // A Region and a cluster of its own, so that the other test's fleet is another.
        let text = std::fs::read_to_string(file).unwrap().replace(region, "eu-west-1");
        moto.write(&name, &text);
    }
    moto.run("eu-west-1", &["apply", "shop"]);
    let planned = moto.run("eu-west-1", &["plan", "shop", "-o", "json"]);
    let plan: Value =
        serde_json::from_slice(&planned.stdout).unwrap_or_else(|_| panic!("{}", told(&planned)));
    let (mut excepted, mut wrong) = (0, Vec::new());
    for object in plan["objects"].as_array().unwrap().iter().filter(|object| object["verdict"] != "unchanged")
    {
        let name = object["object"].as_str().unwrap();
        let paths: Vec<&str> = object["differences"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["path"].as_str().unwrap())
            .collect();
        let is_excepted = |path: &str| {
            EXCEPTIONS.iter().any(|(object, prefix, _)| *object == name && path.starts_with(prefix))
        };
        if !paths.iter().all(|path| is_excepted(path))
            || !EXCEPTIONS.iter().any(|(object, ..)| *object == name)
        {
            wrong.push(format!("{name}: {} {paths:?}", object["verdict"]));
        }
        excepted += 1;
    }
    println!("{excepted} of {} objects are excepted", plan["objects"].as_array().unwrap().len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(excepted <= 3, "{excepted} objects are excepted");
}
