//! Manifests from the paths of the command line.

use super::failure::{Exit, Failure};
use super::ui::Ui;
use crate::manifest::problem::Severity;
use crate::model::desired::Desired;
use crate::report::Source;
use crate::resolve::{Options, Resolved, resolve};
use crate::source::{self, Snapshot};
use std::path::PathBuf;

/// Which manifests.
#[derive(Debug, Clone, clap::Args)]
pub struct LoadArgs {
    /// Files, directories, or - for stdin
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Go on without the objects that have problems
    #[arg(long)]
    pub keep_going: bool,
}

/// What was read.
pub struct Loaded {
    pub desired: Desired,
    pub source: Source,
    /// A no when objects were left out.
    pub exit: Exit,
}

/// Reads and resolves what stands in `paths`.
pub fn read(paths: &[PathBuf], default_region: Option<&str>) -> (Snapshot, Resolved) {
    let snapshot = source::load(paths, &mut std::io::stdin().lock());
    let options = Options { default_region: default_region.map(str::to_owned) };
    let resolved = resolve(&snapshot, &options);
    (snapshot, resolved)
}

impl LoadArgs {
    /// The objects wanted. Any error among them refuses the whole, unless it shall go on with the rest.
    pub fn load(&self, default_region: Option<&str>, ui: &Ui) -> Result<Loaded, Failure> {
        let (snapshot, Resolved { desired, problems, .. }) = read(&self.paths, default_region);
        for problem in problems.iter().filter(|problem| ui.verbose || problem.severity != Severity::Note) {
            ui.say(&format!("{problem}\n"));
        }
        let errors = problems.iter().filter(|problem| problem.is_error()).count();
        let counted = if errors == 1 { "an error".to_owned() } else { format!("{errors} errors") };
        if errors > 0 && !self.keep_going {
            let refused = Failure::input(format!("the manifests have {counted}, so nothing is done"));
            let hint = "`--keep-going` goes on without the objects that have problems";
            return Err(if desired.objects.is_empty() { refused } else { refused.hint(hint) });
        }
        if errors > 0 {
            ui.say(&format!("the manifests have {counted}: the objects that have problems are left out\n"));
        }
        let place = self.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ");
        let source = Source { place, revision: snapshot.revision };
        Ok(Loaded { desired, source, exit: if errors > 0 { Exit::No } else { Exit::Done } })
    }
}
