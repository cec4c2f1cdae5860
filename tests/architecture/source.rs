//! A Rust source as text: comments and literals blanked, tests left out, line by line.

use std::collections::BTreeSet;

pub struct Source {
    /// From the repository's root: `src/plan/service.rs`.
    pub path: String,
    /// The code, with blanks for comments, the insides of literals, and what is under `#[cfg(test)]`.
    code: String,
    /// The same with its tests.
    whole: String,
}

impl Source {
    pub fn read(path: &str, text: &str) -> Self {
        let whole = blanked(text);
        Self { path: path.to_owned(), code: without_tests(&whole), whole }
    }

    /// The folder or file right under `src/`: `plan`, `reconcile`.
    pub fn area(&self) -> &str {
        self.module_path().first().copied().unwrap_or_default()
    }

    /// `["plan", "service"]` of `src/plan/service.rs`.
    fn module_path(&self) -> Vec<&str> {
        let inner = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        inner.split('/').filter(|part| *part != "mod").collect()
    }

    /// The areas that paths of this file name, each with its line.
    pub fn uses(&self) -> BTreeSet<(usize, String)> {
        let mut used = BTreeSet::new();
        for (at, _) in self.code.match_indices("crate::") {
            if !self.code[..at].ends_with(is_name) {
                self.first_names(at + "crate::".len(), &mut used);
            }
        }
        let depth = match self.module_path()[..] {
            ["main" | "lib"] => 0,
            ref path => path.len(),
        };
        let climb = "super::".repeat(depth);
        for (at, _) in self.code.match_indices(&climb).filter(|_| depth > 0) {
            let before = &self.code[..at];
            if !before.ends_with(is_name) && !before.ends_with("::") {
                self.first_names(at + climb.len(), &mut used);
            }
        }
        used
    }

    /// The first names of the path or of the tree of paths at `at`.
    fn first_names(&self, at: usize, used: &mut BTreeSet<(usize, String)>) {
        let line = self.line(at);
        let rest = &self.code[at..];
        if !rest.starts_with('{') {
            used.insert((line, name_at(rest)));
            return;
        }
        let (mut depth, mut expects) = (0, true);
        for (offset, letter) in rest.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => expects = true,
                letter if expects && depth == 1 && is_name(letter) => {
                    used.insert((line, name_at(&rest[offset..])));
                    expects = false;
                }
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// Where `word` stands.
    pub fn lines_with<'a>(&self, word: &'a str) -> Vec<(usize, &'a str)> {
        let hits = self.code.match_indices(word);
        // `print!` is not in `eprint!`, and `env!(` not in `option_env!(`.
        let whole = hits.filter(|(at, _)| !self.code[..*at].ends_with(is_name));
        whole.map(|(at, _)| (self.line(at), word)).collect()
    }

    pub fn code_lines(&self) -> usize {
        count(&self.code)
    }

    /// Every function with a body, and its lines of code from `fn` to the closing brace.
    pub fn functions(&self) -> Vec<(String, usize)> {
        let mut found = Vec::new();
        for (at, _) in self.code.match_indices("fn ") {
            if self.code[..at].ends_with(is_name) {
                continue;
            }
            let name = name_at(&self.code[at + 3..]);
            let rest = &self.code[at..];
            let Some(open) = body(rest).filter(|_| !name.is_empty()) else { continue };
            if rest[open..].starts_with('{') {
                let end = open + matching(&rest[open..]);
                found.push((format!("{}: fn {name}", self.path), count(&rest[..end])));
            }
        }
        found
    }

    /// The files of modules that are declared under `#[cfg(test)]`.
    pub fn test_files(&self) -> Vec<String> {
        // `mod b;` in `a/mod.rs` is `a/b.rs`, and so it is in `a.rs`.
        let own = self.path.trim_end_matches(".rs");
        let folder = ["/mod", "/lib", "/main"].iter().find_map(|root| own.strip_suffix(root)).unwrap_or(own);
        let mut files = Vec::new();
        for (at, _) in self.whole.match_indices("#[cfg(test)]") {
            let item = self.whole[at + "#[cfg(test)]".len()..].trim_start();
            let item = item.strip_prefix("pub(crate) ").unwrap_or(item);
            let Some(name) = item.strip_prefix("mod ").map(name_at) else { continue };
            if item["mod ".len() + name.len()..].trim_start().starts_with(';') {
                files.push(format!("{folder}/{name}.rs"));
                files.push(format!("{folder}/{name}/mod.rs"));
            }
        }
        files
    }

    fn line(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn name_at(text: &str) -> String {
    text.chars().take_while(|letter| is_name(*letter)).collect()
}

/// Lines that are not blank.
fn count(code: &str) -> usize {
    code.lines().filter(|line| !line.trim().is_empty()).count()
}

/// Where the body of the function at `text` opens, or the `;` that stands for it.
fn body(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.char_indices().find_map(|(at, letter)| {
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' | ';' if depth == 0 => return Some(at),
            _ => {}
        }
        None
    })
}

/// The length of the block that `text` opens with.
fn matching(text: &str) -> usize {
    let mut depth = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}

/// Blanks every item under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    for (at, attribute) in code.match_indices("#[cfg(test)]") {
        let item = &code[at + attribute.len()..];
        let Some(open) = item.find(['{', ';']) else { continue };
        let length = if item[open..].starts_with('{') { open + matching(&item[open..]) } else { open + 1 };
        let end = at + attribute.len() + length;
        let blank: String =
            code[at..end].chars().map(|letter| if letter == '\n' { '\n' } else { ' ' }).collect();
        if out.is_char_boundary(at) && out.len() == code.len() && blank.len() == end - at {
            out.replace_range(at..end, &blank);
        }
    }
    out
}

/// The same lines with ASCII blanks for comments and for the insides of literals.
fn blanked(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let starts = |at: usize, what: &str| letters[at..].iter().copied().take(what.len()).eq(what.chars());
    while at < letters.len() {
        let end = if starts(at, "//") {
            (at..letters.len()).find(|at| letters[*at] == '\n').unwrap_or(letters.len())
        } else if starts(at, "/*") {
            end_of_comment(&letters, at)
        } else if letters[at] == '"' {
            end_of_text(&letters, at)
        } else if letters[at] == 'r' && !is_name(*letters.get(at.wrapping_sub(1)).unwrap_or(&' ')) {
            end_of_raw(&letters, at)
        } else if letters[at] == '\'' {
            end_of_letter(&letters, at)
        } else {
            at
        };
        if end == at {
            out.push(if letters[at].is_ascii() { letters[at] } else { '_' });
            at += 1;
        } else {
            out.extend(letters[at..end].iter().map(|letter| if *letter == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

fn end_of_comment(letters: &[char], start: usize) -> usize {
    let (mut depth, mut at) = (0, start);
    while at + 1 < letters.len() {
        match (letters[at], letters[at + 1]) {
            ('/', '*') => (depth, at) = (depth + 1, at + 2),
            ('*', '/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    letters.len()
}

fn end_of_text(letters: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < letters.len() && letters[at] != '"' {
        at += if letters[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(letters.len())
}

/// `r"…"`, `r#"…"#`; `start` itself where it is a name.
fn end_of_raw(letters: &[char], start: usize) -> usize {
    let hashes = letters[start + 1..].iter().take_while(|letter| **letter == '#').count();
    if letters.get(start + 1 + hashes) != Some(&'"') {
        return start;
    }
    let mut at = start + hashes + 2;
    while at < letters.len() {
        let closing = letters[at] == '"'
            && letters[at + 1..].iter().take(hashes).filter(|one| **one == '#').count() == hashes;
        if closing {
            return at + 1 + hashes;
        }
        at += 1;
    }
    letters.len()
}

/// A character; `start` itself where it is a lifetime.
fn end_of_letter(letters: &[char], start: usize) -> usize {
    match letters.get(start + 1) {
        Some('\\') => (start + 3..letters.len()).find(|at| letters[*at] == '\'').map_or(start, |at| at + 1),
        Some(_) if letters.get(start + 2) == Some(&'\'') => start + 3,
        _ => start,
    }
}
