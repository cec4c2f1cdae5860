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
        if self.since.is_none() {
            tokio::select! {
                () = self.heard.wake.notified() => {}
                () = sleep(POLL), if self.is_deaf => return,
            }
        }
        let since = *self.since.get_or_insert_with(Instant::now);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Real files and the real clock: long enough for a machine under load.
    const PATIENCE: Duration = Duration::from_secs(20);
    /// Long enough for a wake that must not come.
    const SILENCE: Duration = Duration::from_millis(800);

    async fn wakes(watch: &mut Watch) -> bool {
        let woken = timeout(PATIENCE, watch.changed()).await.is_ok();
        watch.renew();
        woken
    }

    async fn sleeps(watch: &mut Watch) -> bool {
        timeout(SILENCE, watch.changed()).await.is_err()
    }

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        (folder, path)
    }

    #[tokio::test]
    async fn files_that_are_written_moved_made_and_removed_wake_and_reading_does_not() {
        let (_folder, at) = folder();
        fs::write(at.join("a.yaml"), "a: 1").unwrap();
        let mut watch = Watch::new(std::slice::from_ref(&at));
        fs::read_to_string(at.join("a.yaml")).unwrap();
        fs::read_dir(&at).unwrap().for_each(drop);
        assert!(sleeps(&mut watch).await);
        fs::write(at.join("a.yaml"), "a: 2").unwrap();
        assert!(wakes(&mut watch).await);
        fs::write(at.join("a.yaml.new"), "a: 3").unwrap();
        fs::rename(at.join("a.yaml.new"), at.join("a.yaml")).unwrap();
        assert!(wakes(&mut watch).await);
        fs::create_dir_all(at.join("b/c")).unwrap();
        assert!(wakes(&mut watch).await);
        fs::write(at.join("b/c/d.yaml"), "d: 1").unwrap();
        assert!(wakes(&mut watch).await, "a directory that came later");
        fs::remove_dir_all(at.join("b")).unwrap();
        assert!(wakes(&mut watch).await);
        fs::create_dir(at.join(".git")).unwrap();
        fs::write(at.join(".git/index.lock"), "").unwrap();
        assert!(sleeps(&mut watch).await, "what Git keeps for itself");
    }

    #[tokio::test]
    async fn one_file_is_watched_through_an_editors_rename_and_its_neighbours_are_not() {
        let (_folder, at) = folder();
        fs::write(at.join("a.yaml"), "a: 1").unwrap();
        let mut watch = Watch::new(&[at.join("a.yaml")]);
        fs::write(at.join("b.yaml"), "b: 1").unwrap();
        assert!(sleeps(&mut watch).await);
        for text in ["a: 2", "a: 3"] {
            fs::write(at.join(".a.yaml.swp"), text).unwrap();
            fs::rename(at.join(".a.yaml.swp"), at.join("a.yaml")).unwrap();
            assert!(wakes(&mut watch).await, "{text}");
        }
    }

    #[tokio::test]
    async fn a_directory_that_comes_later_or_again_is_seen() {
        let (_folder, at) = folder();
        let fleet = at.join("later/fleet");
        let mut watch = Watch::new(std::slice::from_ref(&fleet));
        for _ in 0..2 {
            fs::create_dir_all(&fleet).unwrap();
            assert!(wakes(&mut watch).await);
            fs::write(fleet.join("a.yaml"), "a: 1").unwrap();
            assert!(wakes(&mut watch).await);
            fs::remove_dir_all(at.join("later")).unwrap();
            assert!(wakes(&mut watch).await);
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn links_that_are_swapped_wake_as_config_maps_and_git_sync_do() {
        use std::os::unix::fs::symlink;
        let (_folder, at) = folder();
        for version in ["v1", "v2", "v3"] {
            fs::create_dir_all(at.join(version).join("fleet")).unwrap();
            fs::write(at.join(version).join("fleet/a.yaml"), version).unwrap();
        }
        let swap = |version: &str| {
            symlink(version, at.join("new")).unwrap();
            fs::rename(at.join("new"), at.join("current")).unwrap();
        };
        swap("v1");
        symlink("current/fleet/a.yaml", at.join("a.yaml")).unwrap();
        for path in ["current/fleet", "current/fleet/a.yaml", "a.yaml"] {
            swap("v1");
            let mut watch = Watch::new(&[at.join(path)]);
            swap("v2");
            assert!(wakes(&mut watch).await, "{path}");
            fs::write(at.join("v2/fleet/a.yaml"), "v2 again").unwrap();
            assert!(wakes(&mut watch).await, "{path}: what the link means now is watched");
            swap("v3");
            assert!(wakes(&mut watch).await, "{path}");
            fs::write(at.join("v1/fleet/a.yaml"), "v1 again").unwrap();
            assert!(sleeps(&mut watch).await, "{path}: what it meant before is not");
        }
    }

    #[tokio::test]
    async fn many_writes_in_a_row_are_one_wake_and_endless_ones_are_not_waited_for() {
        let (_folder, at) = folder();
        let mut watch = Watch::new(std::slice::from_ref(&at));
        let writer = tokio::spawn(async move {
            for number in 0.. {
                fs::write(at.join("a.yaml"), number.to_string()).unwrap();
                sleep(Duration::from_millis(50)).await;
            }
        });
        let began = Instant::now();
        assert!(wakes(&mut watch).await);
        assert!(began.elapsed() >= QUIET && began.elapsed() < PATIENCE);
        writer.abort();
    }
}
