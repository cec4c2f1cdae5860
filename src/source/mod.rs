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

    /// All that it holds now.
    fn load(&mut self) -> impl Future<Output = Snapshot> + Send;

    /// Ends when something may have changed. Nothing is lost when it is dropped before.
    fn changed(&mut self) -> impl Future<Output = ()> + Send;
}

/// Files and directories, watched.
pub struct Directory {
    paths: Vec<PathBuf>,
    watch: Watch,
}

impl Directory {
    pub fn new(paths: &[PathBuf]) -> Self {
        Self { paths: paths.to_vec(), watch: Watch::new(paths) }
    }
}

impl Source for Directory {
    fn place(&self) -> String {
        self.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ")
    }

    async fn load(&mut self) -> Snapshot {
        self.watch.renew();
        let paths = self.paths.clone();
        let loading = tokio::task::spawn_blocking(move || load(&paths, &mut std::io::empty()));
        loading.await.unwrap_or_else(|error| Snapshot {
            problems: vec![Problem::about(
                Severity::Error,
                &self.place(),
                format!("cannot be read: {error}"),
            )],
            ..Snapshot::default()
        })
    }

    async fn changed(&mut self) {
        self.watch.changed().await;
    }
}
