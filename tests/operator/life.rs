//! An operator that lives in a test: files in memory, the sandbox in process, paused time, and all that it tells.

use crate::world::World;
use ecs_operator::manifest::problem::{Problem, Severity};
use ecs_operator::manifest::read::{Asked, read};
use ecs_operator::operator::{Kept, Operator, Publish, Settings, Wake};
use ecs_operator::report::Event;
use ecs_operator::source::{Snapshot, Source};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// Files by name; `None` cannot be read.
#[derive(Clone, Default)]
pub struct Files {
    texts: Arc<Mutex<BTreeMap<String, Option<String>>>>,
    changed: Arc<Notify>,
    /// The folder itself is gone.
    gone: Arc<Mutex<bool>>,
}

impl Files {
    pub fn write(&self, name: &str, manifests: &[Value]) {
        let text = manifests.iter().fold(String::new(), |text, one| text + &format!("---\n{one:#}\n"));
        self.write_text(name, &text);
    }

    pub fn write_text(&self, name: &str, text: &str) {
        self.texts.lock().unwrap().insert(name.to_owned(), Some(text.to_owned()));
        self.changed.notify_one();
    }

    /// As it is, but written again.
    pub fn touch(&self) {
        self.changed.notify_one();
    }

    pub fn remove(&self, name: &str) {
        self.texts.lock().unwrap().remove(name);
        self.changed.notify_one();
    }

    pub fn lose_all(&self, gone: bool) {
        *self.gone.lock().unwrap() = gone;
        self.changed.notify_one();
    }
}

impl Source for Files {
    fn place(&self) -> String {
        "fleet".to_owned()
    }

    async fn load(&mut self) -> Option<Snapshot> {
        let mut snapshot = Snapshot::default();
        if *self.gone.lock().unwrap() {
            snapshot.problems.push(Problem::about(Severity::Error, "fleet", "there is no such directory"));
            return Some(snapshot);
        }
        for (name, text) in &*self.texts.lock().unwrap() {
            let path = format!("fleet/{name}");
            let Some(text) = text else {
                snapshot.problems.push(Problem::about(Severity::Error, &path, "cannot be read"));
                continue;
            };
            let reading = read(&path, text.clone(), Asked::InDirectory);
            snapshot.files.push(path);
            snapshot.objects.extend(reading.manifests);
            snapshot.problems.extend(reading.problems);
        }
        Some(snapshot)
    }

    async fn changed(&mut self) {
        self.changed.notified().await;
    }
}

/// All that is told.
#[derive(Clone, Default)]
pub struct Told(Arc<Mutex<Vec<Event>>>);

impl Publish for Told {
    async fn publish(&mut self, events: &[Event], _: &Kept) {
        self.0.lock().unwrap().extend(events.iter().cloned());
    }
}

impl Told {
    /// Since the last time.
    pub fn events(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// Since the last time: `web healed: paths`.
    pub fn take(&self) -> Vec<String> {
        self.events().iter().map(plain).collect()
    }
}

/// An event in words.
pub fn plain(event: &Event) -> String {
    anstream::adapter::strip_str(&event.text("")).to_string().trim().to_owned()
}

pub struct Life<'a> {
    pub world: &'a World,
    pub files: Files,
    pub told: Told,
    pub wake: Wake,
}

pub const INTERVAL: Duration = Duration::from_mins(5);

impl Life<'_> {
    async fn operator(world: &World, files: &Files, told: &Told) -> Operator<Files, Told> {
        let settings = Settings { interval: INTERVAL, poll: Duration::from_secs(5), expect_account: None };
        Operator::new(settings, world.another_session().await, files.clone(), told.clone())
    }

    /// Runs an operator over `files` until it is killed.
    pub async fn killed_after(world: &World, files: &Files, time: Duration) {
        let operator = Self::operator(world, files, &Told::default()).await;
        // Whatever is under way is dropped where it stands.
        let _ = tokio::time::timeout(time, operator.run(Wake::default())).await;
    }

    /// Runs an operator over `files` for as long as its `story` takes.
    pub async fn of(world: &World, files: &Files, story: impl AsyncFnOnce(&Life)) {
        let (told, wake) = (Told::default(), Wake::default());
        let operator = Self::operator(world, files, &told).await;
        let life = Life { world, files: files.clone(), told, wake: wake.clone() };
        let story = async {
            story(&life).await;
            wake.stop();
        };
        tokio::join!(operator.run(wake.clone()), story);
    }

    /// Lets time pass; what was told in it.
    pub async fn after(&self, time: Duration) -> Vec<String> {
        tokio::time::sleep(time).await;
        self.told.take()
    }

    /// What it changed since the last time.
    pub fn changed(&self) -> Vec<String> {
        let changed = self.world.changed();
        self.world.sandbox.forget_calls();
        changed
    }
}
