//! Wakes whoever waits when files may have changed. What has changed it never says: that is read.
//!
//! Watched are the directories with all that is below them, and every name on the way there whose meaning may change:
//! an editor puts a new file in the old one's place, git-sync and Kubernetes swap a link, a directory comes later.
//! Where the system cannot tell (its watches are used up), it wakes every few seconds. Tests: at the end.

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Writers write more than once: this long after the last time it is read.
const QUIET: Duration = Duration::from_millis(300);
/// Somebody who writes all the time is not waited for any longer.
const LONGEST: Duration = Duration::from_secs(2);
/// Where the system does not tell.
const POLL: Duration = Duration::from_secs(5);

pub struct Watch {
    paths: Vec<PathBuf>,
    heard: Arc<Heard>,
    /// None where the system has none.
    watcher: Option<RecommendedWatcher>,
    watched: Watched,
    /// Something could not be watched.
    is_deaf: bool,
    /// Since when something has been heard that nobody was told of.
    since: Option<Instant>,
}

/// What is watched, and the directory that was meant: a link may mean another one later.
type Watched = BTreeMap<PathBuf, (RecursiveMode, PathBuf)>;

/// What the system's watcher says, on a thread of its own.
#[derive(Default)]
struct Heard {
    wake: Notify,
    /// Only what happens at or below these counts.
    matters: Mutex<Vec<PathBuf>>,
}

impl Watch {
    pub fn new(paths: &[PathBuf]) -> Self {
        let heard = Arc::new(Heard::default());
        let tell = Arc::clone(&heard);
        let watcher = notify::recommended_watcher(move |event| tell.event(event));
        let watcher = watcher.inspect_err(|error| tracing::warn!(%error, "files cannot be watched")).ok();
        let (paths, watched) = (paths.iter().map(|path| absolute(path)).collect(), Watched::new());
        let mut watch = Self { paths, heard, watcher, watched, is_deaf: false, since: None };
        watch.renew();
        watch
    }

    /// Watches what the paths mean now. To be called before what they hold is read, so that nothing is missed.
    pub fn renew(&mut self) {
        let mut matters = self.paths.clone();
        let mut wanted = Watched::new();
        for path in &self.paths {
            for (directory, name) in names(path) {
                matters.push(directory.join(name));
                let meant = directory.canonicalize().unwrap_or_else(|_| directory.clone());
                wanted.entry(directory).or_insert((RecursiveMode::NonRecursive, meant));
            }
            if path.is_dir() {
                let meant = path.canonicalize().unwrap_or_else(|_| path.clone());
                wanted.insert(path.clone(), (RecursiveMode::Recursive, meant));
            }
        }
        *self.heard.matters.lock().unwrap_or_else(PoisonError::into_inner) = matters;
        let Some(watcher) = &mut self.watcher else {
            self.is_deaf = true;
            return;
        };
        let old = self.watched.iter().filter(|(path, how)| wanted.get(*path) != Some(*how));
        for (path, _) in old {
            // It may be gone, and its watch with it.
            let _ = watcher.unwatch(path);
        }
        self.is_deaf = false;
        let before = std::mem::take(&mut self.watched);
        for (path, how) in wanted {
            if before.get(&path) != Some(&how)
                && let Err(error) = watcher.watch(&path, how.0)
            {
                tracing::warn!(path = %path.display(), %error, "cannot be watched: looking every few seconds");
                self.is_deaf = true;
                continue;
            }
            self.watched.insert(path, how);
        }
    }

    /// Ends when something may have changed, and has been quiet for a moment. Nothing is lost when it is dropped.
    pub async fn changed(&mut self) {
        let since = match self.since {
            Some(since) => since,
            None => {
                tokio::select! {
                    () = self.heard.wake.notified() => {}
                    () = sleep(POLL), if self.is_deaf => return,
                }
                *self.since.insert(Instant::now())
            }
        };
        let latest = sleep_until(since + LONGEST);
        let quiet = async { while timeout(QUIET, self.heard.wake.notified()).await.is_ok() {} };
        tokio::select! { () = quiet => {}, () = latest => {} }
        self.since = None;
    }
}

impl Heard {
    fn event(&self, event: notify::Result<Event>) {
        let counts = match event {
            // Reading is no change; without this every look would wake the next.
            Ok(Event { kind: EventKind::Access(access), .. })
                if access != AccessKind::Close(AccessMode::Write) =>
            {
                false
            }
            Ok(event) => event.need_rescan() || event.paths.iter().any(|path| self.matters(path)),
            Err(error) => {
                tracing::debug!(%error, "watching files");
                true
            }
        };
        if counts {
            self.wake.notify_one();
        }
    }

    fn matters(&self, path: &Path) -> bool {
        let matters = self.matters.lock().unwrap_or_else(PoisonError::into_inner);
        let below = matters.iter().filter_map(|one| path.strip_prefix(one).ok());
        // What Git keeps for itself changes all the time.
        below.into_iter().any(|below| below.components().all(|part| part.as_os_str() != ".git"))
    }
}

/// The path from the root, its links unresolved.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The names by which a path can come to mean something else: its own, those that are links, and the first that is
/// not there; each in its directory.
fn names(path: &Path) -> Vec<(PathBuf, std::ffi::OsString)> {
    let mut names = Vec::new();
    let mut open = vec![path.to_owned()];
    let mut followed = 0;
    while let Some(path) = open.pop() {
        let mut ancestors: Vec<&Path> = path.ancestors().collect();
        ancestors.reverse();
        for at in ancestors {
            let (Some(directory), Some(name)) = (at.parent(), at.file_name()) else { continue };
            let there = at.symlink_metadata();
            let is_link = there.as_ref().is_ok_and(std::fs::Metadata::is_symlink);
            if is_link || at == path || there.is_err() {
                names.push((directory.to_owned(), name.to_owned()));
            }
            // A link to a link: 40 is what Linux follows.
            if is_link
                && followed < 40
                && let Ok(to) = at.read_link()
            {
                followed += 1;
                let rest = path.strip_prefix(at).unwrap_or(Path::new(""));
                let meant = directory.join(to);
                open.push(if rest.as_os_str().is_empty() { meant } else { meant.join(rest) });
            }
            if there.is_err() {
                break;
            }
        }
    }
    names
}
