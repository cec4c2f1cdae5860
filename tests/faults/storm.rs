//! Calls fail in all ways, the process dies, files change and break; then it is calm. By seed: `ECS_OPERATOR_SEEDS=N` asks
//! for more of them, `ECS_OPERATOR_SEED=n` for one alone, which is then told call by call.

use super::end::{Way, differences, end, revision};
use super::scene::{Scene, shown};
use super::shop::{Versions, bystanders};
use crate::operator::life::{Files, plain};
use crate::world::REGION;
use ecs_operator::report::{Event, Happening};
use ecs_operator::sandbox::{CallRecord, Chances, Fault, FaultKind};
use fastrand::Rng;
use serde_json::Value;
use std::collections::BTreeMap;
use std::env::var;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// Seeds where nobody asks for more: some minutes on two cores, in a dev build.
const SEEDS: u64 = 120;
/// Tests that share the seeds, so that all cores have something to do.
const SHARDS: u64 = 4;
const SECOND: Duration = Duration::from_secs(1);
/// Until all that was begun is done, and what is tried ever later was tried.
const CALM: Duration = Duration::from_mins(25);

/// Reads are behind by less than an operator waits before it looks again.
const STALE: std::ops::Range<u32> = 1..5;

/// What may be denied for a while.
const OPERATIONS: [&str; 16] = [
    "DescribeServices",
    "DescribeClusters",
    "DescribeTaskDefinition",
    "ListTaskDefinitions",
    "DescribeScalableTargets",
    "DescribeScalingPolicies",
    "GetResources",
    "ListServiceDeployments",
    "DescribeServiceRevisions",
    "GetLifecyclePolicy",
    "DescribeRepositories",
    "TagResource",
    "RegisterTaskDefinition",
    "UpdateService",
    "RegisterScalableTarget",
    "GetCallerIdentity",
];

fn kinds(random: &mut Rng) -> Vec<FaultKind> {
    let refused = FaultKind::Refused { code: "ServerException".to_owned(), message: "Not now.".to_owned() };
    let mut kinds = vec![
        FaultKind::Throttled,
        FaultKind::TooManyRequests,
        FaultKind::ThrottledAsClientException,
        FaultKind::ServerError,
        FaultKind::Unavailable,
        FaultKind::Denied,
        refused,
        FaultKind::LostRequest,
        FaultKind::LostAnswer,
        FaultKind::Unanswered,
        FaultKind::StaleRead { seconds: random.u32(STALE) },
        FaultKind::StaleRead { seconds: random.u32(STALE) },
    ];
    random.shuffle(&mut kinds);
    kinds.truncate(random.usize(1..=12));
    kinds
}

struct Storm {
    seed: u64,
    random: Rng,
    scene: Scene,
    versions: Versions,
    calls: Vec<CallRecord>,
    events: Vec<Event>,
    /// How often the service that comes and goes has gone.
    removals: usize,
}

impl Storm {
    /// Other faults than before.
    fn weather(&mut self) {
        let Self { random, scene, .. } = self;
        scene.sandbox.clear_faults();
        let rate = [0.0, 0.03, 0.1, 0.3, 0.6][random.usize(..5)];
        let calls = ["*", "*", "reads", "writes"][random.usize(..4)];
        let chances = Chances {
            calls: serde_json::from_value(calls.into()).unwrap(),
            ..Chances::new(random.u64(..), rate, &kinds(random))
        };
        scene.sandbox.leave_to_chance(chances);
        if random.u8(..3) == 0 {
            let denied = OPERATIONS[random.usize(..OPERATIONS.len())];
            scene.sandbox.script(Fault::new(denied, FaultKind::Denied).times(100_000));
        }
        if random.u8(..3) == 0 {
            let kind = if random.bool() { FaultKind::HaltBefore } else { FaultKind::HaltAfter };
            scene.sandbox.script(Fault::new("writes", kind).after(random.u32(..8)));
        }
    }

    fn edit(&mut self) {
        let Self { random, versions, .. } = self;
        let had = versions.has_extra();
        match random.u8(..5) {
            0 => versions.break_one(random),
            1 => versions.repair(),
            _ => versions.edit(random),
        }
        self.removals += usize::from(had && !versions.has_extra());
        versions.write(&self.scene.files);
    }

    fn note(&mut self) {
        self.calls.extend(self.scene.changes());
        self.events.extend(self.scene.events());
    }

    /// One life of an operator, and the time until the next one begins.
    async fn life(&mut self) {
        let until = Instant::now() + SECOND * self.random.u32(5..240);
        let mut steps: Vec<(Duration, bool)> = Vec::new();
        while steps.iter().map(|(wait, _)| *wait).sum::<Duration>() < until - Instant::now() {
            steps.push((Duration::from_millis(self.random.u64(100..60_000)), self.random.u8(..3) == 0));
        }
        // What happens during the life needs the storm, and the life the scene: both are of this thread alone.
        let operator = self.scene.operator().await;
        let halted = self.scene.sandbox.clone();
        let story = async {
            for (wait, is_weather) in steps {
                if timeout(wait, halted.halted()).await.is_ok() || Instant::now() > until {
                    return;
                }
                if is_weather { self.weather() } else { self.edit() }
            }
        };
        tokio::select! {
            biased;
            () = operator => panic!("nobody has asked it to stop"),
            () = story => {}
        }
        self.scene.sandbox.resume();
        self.note();
        // A read is never behind for longer than nobody is there.
        sleep(SECOND * self.random.u32(5..30)).await;
        if self.random.bool() {
            self.edit();
        }
    }

    /// What must hold of all that was done and told.
    fn judge(&self, base: &Value) -> Vec<String> {
        let world = self.scene.sandbox.world();
        let mut wrong = twice(&world);
        let gone = self.calls.iter().filter(|call| call.operation == "DeleteService" && call.done);
        wrong.extend(
            gone.filter(|call| call.input["service"] != "extra")
                .map(|call| format!("unmade: {}", shown(call))),
        );
        // Asked for twice it goes once.
        let turns = self.calls.iter().filter(|call| {
            let name = call.input.get("serviceName").or_else(|| call.input.get("service"));
            call.done
                && call.operation.ends_with("eService")
                && call.operation != "UpdateService"
                && name.is_some_and(|name| name == "extra")
        });
        let mut turns: Vec<&str> = turns.map(|call| call.operation.as_str()).collect();
        turns.dedup();
        let gone = turns.iter().filter(|turn| **turn == "DeleteService").count();
        if gone > self.removals {
            wrong.push(format!("gone {gone} times, {} times without a manifest", self.removals));
        }
        for call in self.calls.iter().filter(|call| {
            call.operation.starts_with("De") && call.changes && call.operation != "DeleteService"
        }) {
            wrong.push(format!("unmade: {}", shown(call)));
        }
        let is_wrong = |event: &&Event| match event.what {
            Happening::Healed
            | Happening::Drifted
            | Happening::Adopted
            | Happening::NotKept
            | Happening::RolledBack
            | Happening::RollingBack
            | Happening::RolloutFailed => true,
            Happening::Deleted => {
                self.removals == 0 || event.object.as_ref().is_none_or(|object| !object.ends_with("extra"))
            }
            Happening::Blocked => !event.message.contains("nothing is pruned"),
            _ => false,
        };
        wrong.extend(self.events.iter().filter(is_wrong).map(|event| format!("told: {}", plain(event))));
        let bystanders = |world: &Value| {
            let end = end(world, Way::Same);
            [
                "/clusters/theirs",
                "/clusters/shop/services/theirs",
                "/capacityProviders/theirs",
                "/repositories/theirs",
                "/revisions/theirs",
                "/targets/service~1shop~1theirs",
            ]
            .map(|path| end.pointer(path).cloned())
        };
        for (before, after) in bystanders(base).into_iter().zip(bystanders(&world)) {
            if before != after {
                wrong.push(format!("not ours: {before:?} | {after:?}"));
            }
        }
        wrong
    }
}

/// What was made twice: a revision, or a deployment of the same straight after another.
fn twice(world: &Value) -> Vec<String> {
    let region = &world["regions"][REGION]["ecs"];
    let families = &region["task_definitions"];
    let mut twice = Vec::new();
    for (family, found) in families.as_object().into_iter().flatten() {
        let mut bodies: BTreeMap<String, usize> = BTreeMap::new();
        for revision in found["revisions"].as_object().into_iter().flatten() {
            *bodies.entry(revision.1["body"].to_string()).or_default() += 1;
        }
        twice.extend(
            bodies
                .into_iter()
                .filter(|(_, times)| *times > 1)
                .map(|(body, times)| format!("{times} revisions of {family}: {body}")),
        );
    }
    for (name, service) in region["clusters"]["shop"]["services"].as_object().into_iter().flatten() {
        let history = service["history"].as_array().into_iter().flatten();
        let bundles: Vec<Value> = history
            .map(|one| {
                let mut bundle =
                    service["revisions"][one["revision"].as_str().unwrap_or_default()]["spec"].clone();
                bundle["taskDefinition"] = revision(families, &bundle["taskDefinition"])["body"].clone();
                bundle
            })
            .collect();
        let again = bundles.windows(2).filter(|pair| pair[0] == pair[1]).count();
        if again > 0 {
            twice.push(format!(
                "{again} of {} deployments of {name} bring what the one before brought",
                bundles.len()
            ));
        }
    }
    twice
}

/// Where storms begin: with nothing of ours, or with all of it at rest.
async fn base(is_made: bool) -> Value {
    let files = if is_made { Versions::default().files() } else { Files::default() };
    let scene = Scene::new(files, 0);
    if is_made {
        scene.lives(Duration::from_mins(15)).await;
    }
    bystanders(&scene.sandbox, is_made);
    sleep(Duration::from_mins(15)).await;
    scene.sandbox.world()
}

async fn rage(seed: u64, base: &Value) -> Result<(), String> {
    let mut random = Rng::with_seed(seed);
    let versions = Versions::default();
    let mut scene = Scene::restored(base, versions.files(), seed).pruning();
    scene.interval = Duration::from_mins(2);
    let mut storm =
        Storm { seed, random: random.fork(), scene, versions, calls: vec![], events: vec![], removals: 0 };
    let over = Instant::now() + SECOND * random.u32(300..1200);
    while Instant::now() < over {
        storm.weather();
        storm.life().await;
    }
    storm.scene.sandbox.clear_faults();
    storm.versions.repair();
    storm.versions.write(&storm.scene.files);
    storm.scene.lives(CALM).await;
    storm.note();
    if var("ECS_OPERATOR_SEED").is_ok() {
        storm.calls.iter().for_each(|call| println!("{}", shown(call)));
        storm.events.iter().for_each(|event| println!("{}", plain(event)));
    }
    let calm = Scene::restored(base, storm.versions.files(), storm.seed).pruning();
    calm.lives(CALM).await;
    let found = storm.scene.sandbox.world();
    let mut wrong = storm.judge(base);
    let ends = differences(&end(&calm.sandbox.world(), Way::Any), &end(&found, Way::Any));
    wrong.extend(ends.into_iter().map(|difference| format!("end: {difference}")));
    wrong.extend(storm.scene.is_at_rest().await.err());
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// Runs one shard's share of the seeds, or the one that is asked for.
fn rages(shard: u64) {
    static BASES: OnceLock<[Value; 2]> = OnceLock::new();
    let number = |name: &str| var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds = match number("ECS_OPERATOR_SEED") {
        Some(seed) => seed..seed + u64::from(shard == 0),
        None => 0..number("ECS_OPERATOR_SEEDS").unwrap_or(SEEDS),
    };
    let alone = number("ECS_OPERATOR_SEED").is_some();
    let run = |work: &mut dyn FnMut(&tokio::runtime::Runtime)| {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        work(&runtime);
    };
    let bases = BASES.get_or_init(|| {
        let mut bases = [Value::Null, Value::Null];
        run(&mut |runtime| bases = runtime.block_on(async { [base(false).await, base(true).await] }));
        bases
    });
    for seed in seeds.filter(|seed| alone || seed % SHARDS == shard) {
        let mut result = Ok(());
        let began = std::time::Instant::now();
        run(&mut |runtime| {
            let base = &bases[usize::from(seed % 3 > 0)];
            let done = catch_unwind(AssertUnwindSafe(|| runtime.block_on(rage(seed, base))));
            result = done.unwrap_or_else(|_| Err("it panicked".to_owned()));
        });
        if var("ECS_OPERATOR_TIMES").is_ok() {
            println!("seed {seed}: {:?}", began.elapsed());
        }
        if let Err(why) = result {
            panic!(
                "seed {seed}: run it alone with `ECS_OPERATOR_SEED={seed} cargo test --test all faults::storm -- --nocapture`\n{why}"
            );
        }
    }
}

#[test]
fn after_a_storm_all_is_as_without_one() {
    rages(0);
}

#[test]
fn after_a_storm_all_is_as_without_one_second_share() {
    rages(1);
}

#[test]
fn after_a_storm_all_is_as_without_one_third_share() {
    rages(2);
}

#[test]
fn after_a_storm_all_is_as_without_one_fourth_share() {
    rages(3);
}
