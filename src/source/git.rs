//! The commit that files are at, when they are in a Git work tree.
//!
//! A repository never keeps files from being read: where anything about it is odd there is no revision, and a line for
//! who debugs. Only the source's own files count for `-dirty`. Tests: at the end.

use std::path::{Path, PathBuf};

/// The commit of the work tree that holds all of `paths`: 40 hex digits, with `-dirty` when a file there differs from it.
pub fn revision(paths: &[PathBuf]) -> Option<String> {
    match read(paths) {
        Ok(revision) => revision,
        Err(error) => {
            tracing::debug!(%error, "the source has no revision");
            None
        }
    }
}

type Odd = Box<dyn std::error::Error + Send + Sync>;

fn read(paths: &[PathBuf]) -> Result<Option<String>, Odd> {
    let Some(first) = paths.first() else { return Ok(None) };
    let paths: Vec<PathBuf> = paths.iter().map(std::fs::canonicalize).collect::<Result<_, _>>()?;
    let folder =
        if first.is_dir() { paths[0].as_path() } else { paths[0].parent().unwrap_or(Path::new("/")) };
    let Ok(repository) = gix::discover(folder) else { return Ok(None) };
    let Some(root) = repository.workdir().map(std::fs::canonicalize).transpose()? else { return Ok(None) };
    let mut patterns = Vec::new();
    for path in &paths {
        let Ok(below) = path.strip_prefix(&root) else { return Ok(None) };
        // As it is, whatever letters it has.
        patterns.push(format!(":(top,literal){}", below.display()));
    }
    let commit = repository.head_id()?.to_string();
    let is_dirty = is_dirty(&repository, &patterns)?;
    Ok(Some(if is_dirty { commit + "-dirty" } else { commit }))
}

fn is_dirty(repository: &gix::Repository, patterns: &[String]) -> Result<bool, Odd> {
    let patterns: Vec<gix::bstr::BString> = patterns.iter().map(|pattern| pattern.as_str().into()).collect();
    let status =
        repository.status(gix::progress::Discard)?.untracked_files(gix::status::UntrackedFiles::Files);
    for item in status.into_iter(patterns)? {
        let item = item?;
        let path = item.location().to_string();
        let is_new = matches!(
            &item,
            gix::status::Item::IndexWorktree(gix::status::index_worktree::Item::DirectoryContents { .. })
        );
        if !is_new || super::directory::is_manifest(Path::new(&path)) {
            return Ok(true);
        }
    }
    Ok(false)
}
