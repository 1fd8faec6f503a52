//! Finds the nearest existing name, to suggest a correction for a typo.

/// The name most similar to `word`, if any is similar enough.
///
/// ```
/// use program_common::nearest::nearest;
/// assert_eq!(nearest("shp", ["shop", "bank"]), Some("shop"));
/// assert_eq!(nearest("shp", ["kube-system"]), None);
/// assert_eq!(nearest("MinReplica", ["maxReplicas", "minReplicas"]), Some("minReplicas"));
/// ```
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Below this, two names have little in common.
    const ALIKE: f64 = 0.75;
    let alike = names
        .into_iter()
        .map(|name| (likeness(word, name), name))
        .filter(|(likeness, _)| *likeness >= ALIKE);
    let best = alike.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    Some(best.1)
}

/// Similarity from 0 to 1, ignoring case.
fn likeness(word: &str, name: &str) -> f64 {
    strsim::jaro_winkler(&word.to_lowercase(), &name.to_lowercase())
}
