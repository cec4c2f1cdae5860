//! Placeholders that were left in: `${TAG}`, `{{ image }}`, `<NAME>`, `%VAR%`.
//!
//! Where a program of the container reads the text (commands, values of environment variables, labels, log
//! options), the same letters are ordinary, and nothing is said. Tests: at the end.

/// Members whose text is for somebody else, by shape; `*` stands for any shape.
const FREE: &[(&str, &str)] = &[
    ("ContainerDefinition", "command"),
    ("ContainerDefinition", "entryPoint"),
    ("ContainerDefinition", "dockerLabels"),
    ("ContainerDefinition", "dockerSecurityOptions"),
    ("HealthCheck", "command"),
    ("KeyValuePair", "value"),
    ("SystemControl", "value"),
    ("LogConfiguration", "options"),
    ("FirelensConfiguration", "options"),
    ("DockerVolumeConfiguration", "driverOpts"),
    ("DockerVolumeConfiguration", "labels"),
    ("DeploymentLifecycleHook", "hookDetails"),
    ("EcrRepository", "repositoryPolicy"),
    ("*", "expression"),
    ("*", "description"),
];

/// Whether text below this member may hold anything.
pub fn is_free(shape: &str, member: &str) -> bool {
    FREE.iter().any(|(owner, name)| *name == member && (*owner == shape || *owner == "*"))
}

/// What opens a placeholder, what closes it, and what may stand between.
type Brackets = (&'static str, &'static str, fn(&str) -> bool);

/// The first placeholder in `text`.
pub fn find(text: &str) -> Option<&str> {
    const BRACKETS: [Brackets; 5] = [
        ("${", "}", |_| true),
        ("{{", "}}", |_| true),
        ("{%", "%}", |_| true),
        ("<", ">", is_words),
        ("%", "%", is_capitals),
    ];
    BRACKETS.iter().filter_map(|(open, close, is_name)| between(text, open, close, *is_name)).min_by_key(
        |found| {
            // The leftmost one: `found` is a slice of `text`.
            found.as_ptr() as usize - text.as_ptr() as usize
        },
    )
}

fn between<'a>(text: &'a str, open: &str, close: &str, is_name: fn(&str) -> bool) -> Option<&'a str> {
    let start = text.find(open)?;
    let name = start + open.len();
    let end = name + text[name..].find(close)?;
    is_name(&text[name..end]).then(|| &text[start..end + close.len()])
}

fn is_words(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && name.chars().all(|letter| letter.is_alphanumeric() || " _-./:%".contains(letter))
}

fn is_capitals(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_uppercase())
        && name.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found() {
        assert_eq!(find("${AWS_ACCOUNT_ID}.dkr.ecr.${R}.amazonaws.com/a"), Some("${AWS_ACCOUNT_ID}"));
        assert_eq!(find("web:{{ must_env `TAG` }}"), Some("{{ must_env `TAG` }}"));
        assert_eq!(find("<IMAGE1_NAME>"), Some("<IMAGE1_NAME>"));
        assert_eq!(find("web:v_%BUILD_NUMBER%"), Some("%BUILD_NUMBER%"));
        assert_eq!(find("web:1.27"), None);
        assert_eq!(find("a < b > c"), None);
        assert_eq!(find("100% of 50%"), None);
    }

    #[test]
    fn text_for_the_container_is_free() {
        assert!(is_free("ContainerDefinition", "command"));
        assert!(!is_free("ContainerDefinition", "image"));
        assert!(is_free("KeyValuePair", "value"));
        assert!(!is_free("Tag", "value"));
    }
}
