//! An operator over files in a sandbox, under paused time, that can be killed at any moment. The loop is the real one;
//! calls take their time on the way, so that it can die, and much can happen, while they are under way.

use crate::operator::life::{Files, Told, plain};
use crate::world::{ACCOUNT, REGION};
use ecs_operator::aws::{Aws, Connection, Exchange};
use ecs_operator::operator::{Operator, Settings, Wake};
use ecs_operator::plan::{Options, Prune};
use ecs_operator::reconcile::Session;
use ecs_operator::report::{Event, Happening};
use ecs_operator::sandbox::{self, CallRecord, Clock, Sandbox};
use fastrand::Rng;
use futures::FutureExt;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::sleep;

pub const INTERVAL: Duration = Duration::from_mins(5);
/// A call is this many milliseconds on its way, and its answer as long.
const TRAVEL: std::ops::Range<u64> = 10..150;

/// What an operator tells when it starts and finds things as they are.
const STANDING: [Happening; 6] = [
    Happening::Started,
    Happening::Invalid,
    Happening::Blocked,
    Happening::RolledBack,
    Happening::RolloutFailed,
    Happening::Suspended,
];

pub struct Scene {
    pub sandbox: Sandbox,
    pub files: Files,
    pub told: Told,
    pub options: Options,
    pub interval: Duration,
    random: Arc<Mutex<Rng>>,
}

impl Scene {
    pub fn new(files: Files, seed: u64) -> Self {
        Self::of(Sandbox::new(options(seed)), files, seed)
    }

    /// In a world that was kept.
    pub fn restored(world: &Value, files: Files, seed: u64) -> Self {
        Self::of(Sandbox::restore(world.clone(), options(seed)).unwrap(), files, seed)
    }

    fn of(sandbox: Sandbox, files: Files, seed: u64) -> Self {
        // The operator's own chance: jitter.
        fastrand::seed(seed);
        Self {
            sandbox,
            files,
            told: Told::default(),
            options: Options { owner: "default".to_owned(), ..Options::default() },
            interval: INTERVAL,
            random: Arc::new(Mutex::new(Rng::with_seed(seed))),
        }
    }

    /// What is owned and not declared goes.
    pub fn pruning(mut self) -> Self {
        self.options.prune = Some(Prune { regions: [REGION.to_owned()].into(), ..Prune::default() });
        self
    }

    /// An operator, until it is dropped.
    pub async fn operator(&self) -> impl Future<Output = ()> + use<> {
        let settings =
            Settings { interval: self.interval, poll: Duration::from_secs(5), expect_account: None };
        let session = Session::new(self.aws().await, self.options.clone());
        let operator = Operator::new(settings, session, self.files.clone(), self.told.clone());
        operator.run(Wake::default())
    }

    /// An operator lives as long as `story`, and then dies where it stands. Nothing of it is left but what AWS holds.
    pub async fn living<T>(&self, story: impl Future<Output = T>) -> T {
        let operator = self.operator().await;
        tokio::select! {
            biased;
            () = operator => panic!("nobody has asked it to stop"),
            told = story => told,
        }
    }

    /// The same for a while.
    pub async fn lives(&self, time: Duration) {
        self.living(sleep(time)).await;
    }

    async fn aws(&self) -> Aws {
        let (sandbox, random) = (self.sandbox.clone(), Arc::clone(&self.random));
        let call: Exchange = Arc::new(move |request| {
            let (sandbox, random) = (sandbox.clone(), Arc::clone(&random));
            let travel = move || Duration::from_millis(random.lock().unwrap().u64(TRAVEL));
            async move {
                sleep(travel()).await;
                let answer = sandbox.exchange(request).await;
                sleep(travel()).await;
                answer
            }
            .boxed()
        });
        Aws::connect(Connection::InProcess { call, region: REGION.to_owned() }).await
    }

    /// The calls that change something, since the last time, whatever became of them.
    pub fn changes(&self) -> Vec<CallRecord> {
        let mut calls = self.sandbox.calls();
        self.sandbox.forget_calls();
        calls.retain(|call| call.changes);
        calls
    }

    /// The operator starts again and has nothing to change for some sweeps, and tells of nothing that it would change.
    pub async fn is_at_rest(&self) -> Result<(), String> {
        self.changes();
        self.told.events();
        self.lives(self.interval * 4).await;
        let (changes, told) = (self.changes(), self.told.events());
        let changes: Vec<String> = changes.iter().map(shown).collect();
        let told: Vec<String> =
            told.iter().filter(|event| !STANDING.contains(&event.what)).map(plain).collect();
        if changes.is_empty() && told.is_empty() {
            return Ok(());
        }
        Err(format!("it is not at rest\n{}\n{}", changes.join("\n"), told.join("\n")))
    }

    pub fn events(&self) -> Vec<Event> {
        self.told.events()
    }
}

fn options(seed: u64) -> sandbox::Options {
    sandbox::Options { seed, account: ACCOUNT.to_owned(), clock: Clock::Tokio, ..sandbox::Options::default() }
}

/// A call in words.
pub fn shown(call: &CallRecord) -> String {
    let done = if call.done { "" } else { " (not done)" };
    format!("{:.1} {} {:?}{done} {}", call.at, call.operation, call.outcome, serde_json::json!(call.input))
}
