//! Files and directories: `.yaml`, `.yml` and `.json`, directories with all that is below them, `-` for stdin.
//!
//! Sorted, so that the same files give the same snapshot. Hidden files are skipped, links are followed once.
//! Tests: at the end.

use super::{Snapshot, git};
use crate::manifest::problem::{Problem, Severity};
use crate::manifest::read::{Asked, read};
use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A source of 16 MiB holds more than 5,000 services, which is what a cluster can have.
const MOST_BYTES: u64 = 16 << 20;

/// What stands in `paths`; `stdin` is read for `-`.
pub fn load(paths: &[PathBuf], stdin: &mut dyn Read) -> Snapshot {
    Files::gather(paths, stdin).snapshot(git::revision(paths))
}

/// All files of a source, before anything is made of them.
#[derive(Default)]
pub(super) struct Files {
    /// Where the source is, as the command line names it.
    places: Vec<String>,
    read: Vec<File>,
    problems: Vec<Problem>,
    /// Files and directories read, so that each is read once.
    seen: BTreeSet<PathBuf>,
}

struct File {
    path: String,
    text: String,
    asked: Asked,
}

impl Files {
    pub fn gather(paths: &[PathBuf], stdin: &mut dyn Read) -> Self {
        let mut files = Self { places: paths.iter().map(|path| shown(path)).collect(), ..Self::default() };
        for path in paths {
            if path.as_os_str() == "-" {
                files.read(path, stdin, Asked::ByName);
            } else {
                files.path(path, Asked::ByName);
            }
        }
        files
    }

    /// The same for the same files with the same contents, in this process.
    pub fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for File { path, text, .. } in &self.read {
            (path, text).hash(&mut hasher);
        }
        self.problems.iter().for_each(|problem| problem.to_string().hash(&mut hasher));
        hasher.finish()
    }

    pub fn snapshot(self, revision: Option<String>) -> Snapshot {
        let mut snapshot = Snapshot { revision, problems: self.problems, ..Snapshot::default() };
        for File { path, text, asked } in self.read {
            let reading = read(&path, text, asked);
            snapshot.files.push(path);
            snapshot.objects.extend(reading.manifests);
            snapshot.problems.extend(reading.problems);
        }
        if snapshot.objects.is_empty() && !snapshot.problems.iter().any(Problem::is_error) {
            let names: Vec<String> = self.places.iter().map(|place| format!("`{place}`")).collect();
            let message = format!("no manifests in {}", names.join(", "));
            let first = self.places.first().map_or(".", String::as_str);
            let mut problem = Problem::about(Severity::Error, first, message);
            problem.hint("manifests stand in files that end in .yaml, .yml or .json");
            snapshot.problems.push(problem);
        }
        snapshot
    }

    fn path(&mut self, path: &Path, asked: Asked) {
        let canonical = match fs::canonicalize(path) {
            Ok(canonical) => canonical,
            // Somebody has taken it away since the directory was listed.
            Err(_) if asked == Asked::InDirectory && is_gone(path) => return,
            Err(error) => return self.failed(path, &error),
        };
        if !self.seen.insert(canonical.clone()) {
            return;
        }
        if canonical.is_dir() {
            self.directory(path);
        } else if asked == Asked::ByName || is_manifest(path) {
            self.read(path, &mut io::empty(), asked);
        }
    }

    fn directory(&mut self, path: &Path) {
        let entries = fs::read_dir(path).and_then(|entries| {
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<PathBuf>>>()
        });
        match entries {
            Ok(mut entries) => {
                entries.sort();
                let visible = entries.iter().filter(|path| !is_hidden(path));
                visible.for_each(|path| self.path(path, Asked::InDirectory));
            }
            Err(error) => self.failed(path, &error),
        }
    }

    fn read(&mut self, path: &Path, stdin: &mut dyn Read, asked: Asked) {
        match text(path, stdin) {
            Ok((path, text)) => self.read.push(File { path, text, asked }),
            Err(problem) => self.problems.push(*problem),
        }
    }

    fn failed(&mut self, path: &Path, error: &io::Error) {
        self.problems.push(unreadable(&shown(path), error));
    }
}

/// Not even a link that leads nowhere.
fn is_gone(path: &Path) -> bool {
    path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// The text of a file, or of `stdin` for `-`, after the name that people know it by.
pub fn text(path: &Path, stdin: &mut dyn Read) -> Result<(String, String), Box<Problem>> {
    let (name, bytes) = if path.as_os_str() == "-" {
        ("<stdin>".to_owned(), bounded(stdin))
    } else {
        (shown(path), fs::File::open(path).and_then(|mut file| bounded(&mut file)))
    };
    let bytes = bytes.map_err(|error| Box::new(unreadable(&name, &error)))?;
    let text = String::from_utf8(bytes).map_err(|error| Box::new(not_utf8(&name, &error)))?;
    Ok((name, text))
}

fn unreadable(path: &str, error: &io::Error) -> Problem {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "cannot be read: permission denied".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    Problem::about(Severity::Error, path, why)
}

/// All of a reader, up to the largest source there is.
fn bounded(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        let message = format!("larger than {} MiB: split it into several files", MOST_BYTES >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

fn not_utf8(path: &str, error: &std::string::FromUtf8Error) -> Problem {
    let valid = error.utf8_error().valid_up_to();
    let before = &error.as_bytes()[..valid];
    let line = before.split(|byte| *byte == b'\n').count();
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
    let mut problem = Problem::about(Severity::Error, path, "not UTF-8");
    problem.place.line = u32::try_from(line).unwrap_or(u32::MAX);
    problem.place.column = u32::try_from(column).unwrap_or(u32::MAX);
    if error.as_bytes().starts_with(&[0xff, 0xfe]) || error.as_bytes().starts_with(&[0xfe, 0xff]) {
        problem.hint("this is UTF-16: save it as UTF-8");
    }
    problem
}

pub(super) fn is_manifest(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ["yaml", "yml", "json"].iter().any(|known| ending.eq_ignore_ascii_case(known))
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: &str =
        "apiVersion: ecs-operator.dev/v1alpha1\nkind: EcsCluster\nmetadata: {name: NAME}\nspec: {}\n";

    fn cluster(name: &str) -> String {
        CLUSTER.replace("NAME", name)
    }

    fn load_all(paths: &[&Path]) -> Snapshot {
        let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
        load(&paths, &mut io::empty())
    }

    fn names(snapshot: &Snapshot) -> Vec<&str> {
        snapshot.objects.iter().map(|object| object.name.as_str()).collect()
    }

    #[test]
    fn a_directory_is_read_with_all_below_it_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir_all(at("b/.git")).unwrap();
        fs::write(at("c.yaml"), cluster("c")).unwrap();
        fs::write(at("b/b.yml"), cluster("b")).unwrap();
        fs::write(at("b/.git/x.yaml"), cluster("x")).unwrap();
        fs::write(at("a.json"), r#"{"apiVersion":"ecs-operator.dev/v1alpha1","kind":"EcsCluster","metadata":{"name":"a"},"spec":{}}"#).unwrap();
        fs::write(at("README.md"), "# no").unwrap();
        fs::write(at("kustomization.yaml"), "resources: [c.yaml]\n").unwrap();
        let snapshot = load_all(&[directory.path()]);
        assert_eq!(names(&snapshot), ["a", "b", "c"]);
        assert!(
            snapshot.problems.iter().all(|problem| problem.severity == Severity::Note),
            "{:?}",
            snapshot.problems
        );
    }

    #[test]
    fn a_file_named_twice_is_read_once() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.yaml");
        fs::write(&file, cluster("a")).unwrap();
        assert_eq!(names(&load_all(&[&file, directory.path()])), ["a"]);
    }

    #[test]
    fn stdin_is_a_dash() {
        let snapshot = load(&[PathBuf::from("-")], &mut cluster("piped").as_bytes());
        assert_eq!(names(&snapshot), ["piped"]);
        assert_eq!(snapshot.objects[0].place("").path, "<stdin>");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let bad = directory.path().join("bad.yaml");
        fs::write(&bad, b"a: 1\nb: \xff\n").unwrap();
        let snapshot = load_all(&[&directory.path().join("missing.yaml"), &bad]);
        let said: Vec<String> = snapshot.problems.iter().map(ToString::to_string).collect();
        assert!(said[0].ends_with("missing.yaml: there is no such file or directory"), "{said:?}");
        assert!(said[1].ends_with("bad.yaml:2:4: not UTF-8"), "{said:?}");
        assert!(snapshot.is_partial());
    }

    #[test]
    fn a_directory_without_manifests_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let snapshot = load_all(&[directory.path()]);
        assert!(snapshot.problems[0].message.starts_with("no manifests in"));
    }
}
