//! "did you mean": the known name that a wrong one is nearest to. Tests: at the end.

/// The one of `known` that `wrong` was probably meant to be.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    if wrong.is_empty() || wrong.len() > 80 {
        return None;
    }
    let score = |name: &'a str| (likeness(&wrong, &name.to_lowercase()), name);
    let best = known.into_iter().map(score).max_by(|one, other| one.0.total_cmp(&other.0))?;
    (best.0 > 0.0).then_some(best.1)
}

/// 0 is "not alike"; 1 is equal but for capitals.
fn likeness(wrong: &str, name: &str) -> f64 {
    let distance = strsim::damerau_levenshtein(wrong, name);
    let longer = wrong.len().max(name.len());
    #[allow(clippy::cast_precision_loss)] // Names are short.
    let near = 1.0 - distance as f64 / longer as f64;
    if distance <= 1 || distance <= longer / 3 {
        return near;
    }
    // `serviceTags` for `tags`, `canaryBakeTime` for `canaryBakeTimeInMinutes`.
    let (short, long) = if wrong.len() < name.len() { (wrong, name) } else { (name, wrong) };
    if short.len() >= 4 && (long.starts_with(short) || long.ends_with(short)) { near / 2.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested() {
        let known =
            ["alarmNames", "canaryBakeTimeInMinutes", "tags", "desiredCount", "containerPort", "hostPort"];
        let nearest = |wrong| nearest(wrong, known);
        assert_eq!(nearest("alarmnames"), Some("alarmNames"));
        assert_eq!(nearest("canaryBakeTime"), Some("canaryBakeTimeInMinutes"));
        assert_eq!(nearest("serviceTags"), Some("tags"));
        assert_eq!(nearest("desieredCount"), Some("desiredCount"));
        assert_eq!(nearest("port"), Some("hostPort"));
        assert_eq!(nearest("zzz"), None);
    }
}
