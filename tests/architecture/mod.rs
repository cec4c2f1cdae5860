//! The layout: who may import whom, how large things may be, and what only some folders may touch.
//!
//! The sources are read as text with comments and literals blanked ([`source`]); what is under `#[cfg(test)]`
//! is left out. Every check is a function from sources to complaints, and is itself tested on small bad ones.

mod source;

use source::Source;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Lines of code of a file, outside its tests.
const FILE: Budget = Budget { most: 500, p90: 350 };
/// Lines of code of a function.
const FUNCTION: Budget = Budget { most: 80, p90: 40 };

/// A folder or file right under `src/`, and which others it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("manifest", &["model"]),
    ("source", &["manifest"]),
    // Of the source only the snapshot that it gives.
    ("resolve", &["manifest", "model", "source"]),
    ("aws", &["model"]),
    ("observe", &["aws", "model"]),
    ("import", &["model"]),
    ("plan", &["model", "rollout"]),
    ("rollout", &["model"]),
    ("execute", &["aws", "plan", "model"]),
    ("report", &["model", "plan", "rollout", "execute", "manifest"]),
    ("reconcile", &["source", "resolve", "observe", "plan", "execute", "report", "rollout", "aws", "model"]),
    // What is done is `reconcile`'s; the loop reads plans and outcomes to know what comes next.
    (
        "operator",
        &["reconcile", "source", "resolve", "report", "manifest", "plan", "execute", "aws", "model"],
    ),
    ("sandbox", &[]),
    (
        "cli",
        &[
            "model",
            "manifest",
            "import",
            "source",
            "resolve",
            "aws",
            "observe",
            "plan",
            "rollout",
            "execute",
            "report",
            "reconcile",
            "operator",
            "sandbox",
        ],
    ),
    ("main", &["cli"]),
    ("lib", &[]),
];

/// Words of code that only some folders may hold, and why.
const ONLY_IN: &[(&[&str], &[&str], &str)] = &[
    (
        &["SystemTime", "Timestamp::now", "Zoned::now", "std::time::Instant", "chrono::"],
        &["operator", "cli", "sandbox"],
        "the wall clock: tokio's is free for all",
    ),
    (&["std::env", "env::var", "env!("], &["operator", "cli", "sandbox"], "the environment"),
    (
        &["println!", "print!", "eprintln!", "eprint!", "io::stdout", "io::stderr"],
        &["operator", "cli", "sandbox"],
        "printing",
    ),
    (
        &["aws_sdk_", "aws_config::", "aws_smithy_", "aws_credential_", "aws_types::"],
        &["aws"],
        "the SDK's types",
    ),
    (&["kube::", "k8s_openapi::"], &["manifest", "source", "operator"], "kube's types"),
];

struct Budget {
    most: usize,
    /// Nine of ten are below.
    p90: usize,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder`, by its path from the repository's root.
fn files(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                found.push((name, text));
            }
        }
    }
    found.sort();
    found
}

/// The sources of the crate that are not tests.
fn sources() -> Vec<Source> {
    let all: Vec<Source> = files("src")
        .into_iter()
        .filter(|(name, _)| Path::new(name).extension().is_some_and(|extension| extension == "rs"))
        .map(|(name, text)| Source::read(&name, &text))
        .collect();
    let of_tests: BTreeSet<String> = all.iter().flat_map(Source::test_files).collect();
    // What a test module holds is of tests, too.
    let folders: Vec<&str> = of_tests.iter().filter_map(|path| path.strip_suffix("mod.rs")).collect();
    let of_tests =
        |path: &String| of_tests.contains(path) || folders.iter().any(|folder| path.starts_with(folder));
    all.into_iter().filter(|source| !of_tests(&source.path)).collect()
}

fn holds(complaints: Vec<String>) {
    let mut text = String::new();
    for complaint in &complaints {
        let _ = writeln!(text, "  {complaint}");
    }
    assert!(complaints.is_empty(), "\n{text}");
}

fn imports(source: &Source) -> Vec<String> {
    let Some((_, allowed)) = MAY_USE.iter().find(|(area, _)| *area == source.area()) else {
        return vec![format!("{}: `{}` is not in the import table", source.path, source.area())];
    };
    let used = source.uses().into_iter().filter(|(_, used)| used != source.area());
    used.filter(|(_, used)| source.area() != "lib" && !allowed.contains(&used.as_str()))
        .map(|(line, used)| format!("{}:{line}: `{}` may not use `{used}`", source.path, source.area()))
        .collect()
}

fn words(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    for (words, areas, why) in ONLY_IN {
        if areas.contains(&source.area()) {
            continue;
        }
        for (line, word) in words.iter().flat_map(|word| source.lines_with(word)) {
            let areas = areas.join(", ");
            complaints.push(format!("{}:{line}: `{word}`: {why}, only in {areas}", source.path));
        }
    }
    complaints
}

fn sizes(what: &str, budget: &Budget, mut sizes: Vec<(String, usize)>) -> Vec<String> {
    sizes.sort_by_key(|(_, size)| *size);
    let mut complaints: Vec<String> = sizes
        .iter()
        .filter(|(_, size)| *size > budget.most)
        .map(|(name, size)| format!("{name}: {size} lines, and a {what} has at most {}", budget.most))
        .collect();
    if let Some((name, size)) = sizes.get(sizes.len() * 9 / 10).filter(|(_, size)| *size >= budget.p90) {
        complaints.push(format!(
            "nine of ten {what}s have fewer than {} lines; {name}, the tenth, has {size}",
            budget.p90
        ));
    }
    complaints
}

fn opening(path: &str, text: &str) -> Option<String> {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    (!first.starts_with("//!")).then(|| format!("{path}: no `//!` says what this module is"))
}

/// Paths of somebody's machine.
fn machine_paths(path: &str, text: &str) -> Vec<String> {
    let homes = ["work", "root", "home", "Users"].map(|folder| format!("/{folder}/"));
    let has = |line: &str| {
        homes.iter().any(|home| {
            line.match_indices(home.as_str()).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                before.is_none_or(|letter| !letter.is_alphanumeric() && !"._-/}<>*".contains(letter))
            })
        })
    };
    let lines = text.lines().enumerate().filter(|(_, line)| has(line));
    lines.map(|(at, line)| format!("{path}:{}: a path of one machine: {line}", at + 1)).collect()
}

#[test]
fn modules_use_only_what_the_import_table_allows() {
    holds(sources().iter().flat_map(imports).collect());
}

#[test]
fn the_clock_the_environment_printing_and_foreign_types_stay_in_their_folders() {
    holds(sources().iter().flat_map(words).collect());
}

#[test]
fn files_and_functions_are_within_the_size_budget() {
    let sources = sources();
    let of_files = sources.iter().map(|source| (source.path.clone(), source.code_lines())).collect();
    let of_functions = sources.iter().flat_map(Source::functions).collect();
    holds([sizes("file", &FILE, of_files), sizes("function", &FUNCTION, of_functions)].concat());
}

#[test]
fn every_module_says_what_it_is() {
    let all = files("src").into_iter().chain(files("tests"));
    let modules = all.filter(|(path, _)| Path::new(path).extension().is_some_and(|name| name == "rs"));
    holds(modules.filter_map(|(path, text)| opening(&path, &text)).collect());
}

#[test]
fn nothing_names_a_path_of_one_machine() {
    let folders = ["src", "tests", "tools", "deploy", "examples", "model", "crds", ".ci"];
    let mut all: Vec<(String, String)> = folders
        .iter()
        .filter(|folder| root().join(folder).is_dir())
        .flat_map(|folder| files(folder))
        .collect();
    for name in ["README.md", "CHANGELOG.md", "Cargo.toml", "deny.toml", "clippy.toml", "rustfmt.toml"] {
        all.extend(std::fs::read_to_string(root().join(name)).ok().map(|text| (name.to_owned(), text)));
    }
    holds(all.iter().flat_map(|(path, text)| machine_paths(path, text)).collect());
}

/// The checks can fail.
mod checks {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source::read(path, text)
    }

    #[test]
    fn a_forbidden_import_is_found_however_it_is_written() {
        for text in [
            "use crate::aws::Aws;",
            "use crate::{model::names, aws};",
            "pub use crate::{\n    model::{names, facts},\n    aws::{self, Aws},\n};",
            "fn f() { crate::aws::call(); }",
            "use super::super::aws;",
            "use super::super::super::aws as other;",
        ] {
            let path = if text.contains("super::super::super") { "src/plan/a/b.rs" } else { "src/plan/a.rs" };
            assert_eq!(imports(&source(path, text)).len(), 1, "{text}");
        }
        assert_eq!(imports(&source("src/plan/mod.rs", "use super::cli;")).len(), 1);
        assert_eq!(imports(&source("src/odd/mod.rs", "")).len(), 1, "a folder that the table does not know");
    }

    #[test]
    fn what_is_allowed_and_what_is_only_told_or_tested_is_not_found() {
        for text in [
            "use crate::model::names::Key;",
            "use super::object;",
            "// use crate::aws;\n/* crate::aws */\nconst A: &str = \"crate::aws\";",
            "#[cfg(test)]\nmod tests {\n    use crate::aws::Aws;\n    fn f() { println!(\"{}\", '\"'); }\n}",
            "const A: &str = r#\"use crate::aws;\" println!\"#;",
        ] {
            assert_eq!(imports(&source("src/plan/a.rs", text)), Vec::<String>::new(), "{text}");
            assert_eq!(words(&source("src/plan/a.rs", text)), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_clock_a_print_and_an_sdk_type_are_found_in_the_wrong_folder_only() {
        let text = "fn f<'a>(x: &'a str) { println!(\"a\"); std::env::var(\"A\"); SystemTime::now(); }\nuse aws_sdk_ecs::Client;";
        let found = words(&source("src/plan/a.rs", text));
        assert!(
            ["println!", "std::env", "SystemTime", "aws_sdk_"]
                .iter()
                .all(|word| { found.iter().any(|complaint| complaint.contains(word)) })
        );
        assert_eq!(words(&source("src/cli/a.rs", text)).len(), 1);
        assert_eq!(words(&source("src/aws/a.rs", "use aws_sdk_ecs::Client;")), Vec::<String>::new());
    }

    #[test]
    fn large_files_and_functions_are_found_and_tests_do_not_count() {
        let body = "    call();\n".repeat(90);
        let tests = format!("#[cfg(test)]\nmod tests {{\n    fn g() {{\n{body}    }}\n}}\n");
        let large = source(
            "src/plan/a.rs",
            &format!("fn f() -> [u8; 2]\nwhere\n    A: B,\n{{\n{body}\n    // why\n}}\n{tests}"),
        );
        assert_eq!(large.functions(), [("src/plan/a.rs: fn f".to_owned(), 95)]);
        assert_eq!(large.code_lines(), 95);
        assert_eq!(sizes("function", &FUNCTION, large.functions()).len(), 2);
        assert_eq!(sizes("function", &FUNCTION, vec![("f".into(), 39)]), Vec::<String>::new());
        let named = source("src/plan/mod.rs", "#[cfg(test)]\nmod wire_tests;\nmod b;\n");
        assert_eq!(named.test_files(), ["src/plan/wire_tests.rs", "src/plan/wire_tests/mod.rs"]);
        let beside = source("src/import.rs", "#[cfg(test)]\nmod tests;\n");
        assert_eq!(beside.test_files(), ["src/import/tests.rs", "src/import/tests/mod.rs"]);
    }

    #[test]
    fn a_module_without_an_opening_and_a_path_of_one_machine_are_found() {
        assert!(opening("a.rs", "use b;\n//! late").is_some());
        assert!(opening("a.rs", "\n//! It is this.").is_none());
        let home = ["", "home", "me", "x"].join("/");
        assert_eq!(machine_paths("a", &format!("see {home}")).len(), 1);
        assert_eq!(machine_paths("a", "https://example.org/home/x and $HOME/x"), Vec::<String>::new());
    }
}
