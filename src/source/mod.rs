//! Where manifests come from. Every source gives the same [`Snapshot`].
//!
//! A source reads and never judges: what it cannot read is a problem of the snapshot, and the objects that
//! it could read are there all the same. Tests: in each source.

mod directory;
mod git;
mod watch;

pub use directory::{load, text};

use crate::manifest::Manifest;
use crate::manifest::problem::{Problem, Severity};
use directory::Files;
use std::path::PathBuf;
use watch::Watch;

/// All that a source holds at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The commit, with `-dirty` when files differ from it; a plain directory has none.
    pub revision: Option<String>,
    /// The files read, as people know them.
    pub files: Vec<String>,
    pub objects: Vec<Manifest>,
    pub problems: Vec<Problem>,
}

impl Snapshot {
    /// Whether anything could not be read: then nothing may be concluded from what is not here.
    pub fn is_partial(&self) -> bool {
        self.problems.iter().any(|problem| problem.is_error() && problem.object.is_none())
    }
}

/// A source that is read again and again.
pub trait Source: Send {
    /// Where it is, as people name it.
    fn place(&self) -> String;

    /// All that it holds now; none, when that is what it held the last time.
    fn load(&mut self) -> impl Future<Output = Option<Snapshot>> + Send;

    /// Ends when something may have changed. Nothing is lost when it is dropped before.
    fn changed(&mut self) -> impl Future<Output = ()> + Send;
}

/// Files and directories, watched.
pub struct Directory {
    paths: Vec<PathBuf>,
    watch: Watch,
    /// What was read last: contents and commit.
    last: Option<(u64, Option<String>)>,
}

impl Directory {
    pub fn new(paths: &[PathBuf]) -> Self {
        Self { paths: paths.to_vec(), watch: Watch::new(paths), last: None }
    }
}

impl Source for Directory {
    fn place(&self) -> String {
        self.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ")
    }

    async fn load(&mut self) -> Option<Snapshot> {
        self.watch.renew();
        let (paths, last) = (self.paths.clone(), self.last.clone());
        let loading = tokio::task::spawn_blocking(move || {
            let files = Files::gather(&paths, &mut std::io::empty());
            let mark = (files.mark(), git::revision(&paths));
            let is_news = last.as_ref() != Some(&mark);
            is_news.then(|| (files.snapshot(mark.1.clone()), mark))
        });
        match loading.await {
            Ok(news) => news.map(|(snapshot, mark)| {
                self.last = Some(mark);
                snapshot
            }),
            // Whatever made it fail says nothing of what is declared.
            Err(error) => {
                let problem =
                    Problem::about(Severity::Error, &self.place(), format!("cannot be read: {error}"));
                Some(Snapshot { problems: vec![problem], ..Snapshot::default() })
            }
        }
    }

    async fn changed(&mut self) {
        self.watch.changed().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_says_what_it_said_before_is_no_news() {
        const CLUSTER: &str =
            "{apiVersion: ecs-operator.dev/v1alpha1, kind: EcsCluster, metadata: {name: a}, spec: {}}";
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        std::fs::write(&file, CLUSTER).unwrap();
        let mut source = Directory::new(&[folder.path().to_owned()]);
        assert_eq!(source.load().await.unwrap().objects.len(), 1);
        assert!(source.load().await.is_none());
        std::fs::write(&file, CLUSTER).unwrap();
        assert!(source.load().await.is_none());
        std::fs::rename(&file, folder.path().join("b.yaml")).unwrap();
        assert!(source.load().await.is_some(), "problems would name another file");
        std::fs::remove_dir_all(folder.path()).unwrap();
        assert!(source.load().await.unwrap().is_partial());
        assert!(source.load().await.is_none());
    }
}
