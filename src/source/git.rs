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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;

    struct Tree(tempfile::TempDir);

    impl Tree {
        /// A repository with `fleet/a.yaml` and `other.yaml` in its first commit.
        fn new() -> Self {
            let tree = Self(tempfile::tempdir().unwrap());
            fs::create_dir(tree.at("fleet")).unwrap();
            tree.write("fleet/a.yaml", "a: 1\n");
            tree.write("other.yaml", "b: 1\n");
            tree.git(&["init", "-q"]);
            tree.git(&["add", "."]);
            tree.git(&["commit", "-q", "-m", "first"]);
            tree
        }

        fn at(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.at(name), text).unwrap();
        }

        fn git(&self, arguments: &[&str]) -> String {
            let identity =
                ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"];
            let done = Command::new("git")
                .current_dir(self.0.path())
                .args(identity)
                .args(arguments)
                .output()
                .unwrap();
            assert!(done.status.success(), "{done:?}");
            String::from_utf8(done.stdout).unwrap().trim().to_owned()
        }

        fn revision(&self, names: &[&str]) -> Option<String> {
            revision(&names.iter().map(|name| self.at(name)).collect::<Vec<_>>())
        }
    }

    #[test]
    fn files_of_a_work_tree_are_at_its_commit() {
        let tree = Tree::new();
        let head = tree.git(&["rev-parse", "HEAD"]);
        for paths in [&["fleet"][..], &["fleet/a.yaml"], &["fleet", "other.yaml"], &["."]] {
            assert_eq!(tree.revision(paths).as_ref(), Some(&head), "{paths:?}");
        }
    }

    #[test]
    fn only_the_sources_own_files_make_it_dirty() {
        let tree = Tree::new();
        let head = tree.git(&["rev-parse", "HEAD"]);
        tree.write("other.yaml", "b: 2\n");
        tree.write("fleet/README.md", "not a manifest\n");
        assert_eq!(tree.revision(&["fleet"]), Some(head.clone()));
        let dirty = Some(format!("{head}-dirty"));
        assert_eq!(tree.revision(&["."]), dirty);
        tree.write("fleet/new.yaml", "c: 1\n");
        assert_eq!(tree.revision(&["fleet"]), dirty, "a manifest that Git does not know yet");
        fs::remove_file(tree.at("fleet/new.yaml")).unwrap();
        assert_eq!(tree.revision(&["fleet"]), Some(head));
        tree.write("fleet/a.yaml", "a: 2\n");
        assert_eq!(tree.revision(&["fleet"]), dirty);
        tree.git(&["add", "."]);
        assert_eq!(tree.revision(&["fleet"]), dirty, "staged is not committed");
        fs::remove_file(tree.at("fleet/a.yaml")).unwrap();
        assert_eq!(tree.revision(&["fleet"]), dirty);
    }

    #[test]
    fn what_is_odd_has_no_revision_and_fails_nothing() {
        let plain = tempfile::tempdir().unwrap();
        assert_eq!(revision(&[plain.path().to_owned()]), None);
        assert_eq!(revision(&[PathBuf::from("-")]), None);
        assert_eq!(revision(&[plain.path().join("missing")]), None);
        let empty = Tree(tempfile::tempdir().unwrap());
        empty.git(&["init", "-q"]);
        assert_eq!(empty.revision(&["."]), None, "no commit yet");
        let bare = Tree(tempfile::tempdir().unwrap());
        bare.git(&["init", "-q", "--bare"]);
        assert_eq!(bare.revision(&["."]), None);
        let broken = Tree::new();
        fs::write(broken.at(".git/HEAD"), "ref: refs/heads/none\n").unwrap();
        assert_eq!(broken.revision(&["fleet"]), None);
        fs::write(broken.at(".git/index"), "garbage").unwrap();
        assert_eq!(broken.revision(&["fleet"]), None);
    }

    #[test]
    fn a_name_that_looks_like_a_pattern_is_a_name() {
        let tree = Tree::new();
        fs::create_dir(tree.at("[ab]*")).unwrap();
        tree.write("[ab]*/a.yaml", "a: 1\n");
        tree.git(&["add", "."]);
        tree.git(&["commit", "-q", "-m", "second"]);
        let head = tree.git(&["rev-parse", "HEAD"]);
        tree.write("fleet/a.yaml", "a: 2\n");
        assert_eq!(tree.revision(&["[ab]*"]), Some(head.clone()));
        tree.write("[ab]*/a.yaml", "a: 2\n");
        assert_eq!(tree.revision(&["[ab]*"]), Some(head + "-dirty"));
    }
}
