//! The README's table of dependencies is that of `Cargo.toml`. Its console blocks run in `cli`.

use std::fs;
use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_table_of_dependencies_is_the_manifests() {
    let cargo = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, dependencies) = cargo.split_once("[dependencies]").unwrap();
    let (dependencies, _) = dependencies.split_once("[profile.dev]").unwrap();
    let (mut reason, mut tests, mut rows) = (Vec::new(), "", Vec::new());
    for line in dependencies.lines() {
        match line.split_once(" = ") {
            _ if line.starts_with("[dev-") => tests = " (tests)",
            _ if line.starts_with('#') => reason.push(line.trim_start_matches('#').trim()),
            Some((name, _)) => {
                assert!(!reason.is_empty(), "`{name}` has no reason");
                rows.push(format!("| `{name}`{tests} | {} |", reason.join(" ")));
                reason.clear();
            }
            None => reason.clear(),
        }
    }
    let table = rows.join("\n");
    assert!(readme.contains(&table), "the README's table of dependencies should be:\n{table}");
}
