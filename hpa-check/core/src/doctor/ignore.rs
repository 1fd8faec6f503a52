//! Findings that someone chose to ignore, and why.

use crate::judge::findings_of_a_snapshot;
use program_common::nearest::nearest;

/// The annotation of an autoscaler that lists findings to ignore: `ID=REASON`, one per line.
pub const ANNOTATION: &str = "hpa-check/ignore";

/// One finding to ignore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignore {
    /// The finding's name.
    pub id: String,
    /// Why, in the author's words.
    pub because: String,
}

impl std::str::FromStr for Ignore {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (id, because) = text.split_once('=').unwrap_or((text, ""));
        let (id, because) = (id.trim(), because.trim());
        if !findings_of_a_snapshot().any(|finding| finding.id == id) {
            let known = findings_of_a_snapshot().map(|finding| finding.id);
            let hint = nearest(id, known)
                .map_or_else(String::new, |near| format!("; the nearest is `{near}`"));
            return Err(format!("doctor has no finding `{id}`{hint}"));
        }
        if because.is_empty() {
            return Err(format!(
                "`{id}` needs a reason: write `{id}=why this is acceptable`"
            ));
        }
        Ok(Self {
            id: id.to_owned(),
            because: because.to_owned(),
        })
    }
}

/// The findings that an annotation ignores, and one sentence for each line that is invalid.
pub(super) fn annotated(text: &str) -> (Vec<Ignore>, Vec<String>) {
    let mut ignores = Vec::new();
    let mut wrong = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.parse() {
            Ok(ignore) => ignores.push(ignore),
            Err(sentence) => wrong.push(sentence),
        }
    }
    (ignores, wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_ignored_by_name_with_a_reason_in_any_text() {
        let ignore: Ignore = "pdb-blocks-drains= one node = no drains ".parse().unwrap();
        assert_eq!(ignore.id, "pdb-blocks-drains");
        assert_eq!(ignore.because, "one node = no drains");
    }

    #[test]
    fn an_unknown_name_is_refused_and_the_nearest_one_is_suggested() {
        let refused = |text: &str| text.parse::<Ignore>().unwrap_err();
        let said = refused("pdb-block-drain=x");
        assert!(
            said.contains("the nearest is `pdb-blocks-drains`"),
            "{said}"
        );
        let of_a_run = refused("load-too-weak=x");
        assert!(of_a_run.contains("doctor has no finding"), "{of_a_run}");
    }

    #[test]
    fn a_reason_is_required() {
        for text in ["flapping", "flapping=", "flapping=  "] {
            let said = text.parse::<Ignore>().unwrap_err();
            assert!(said.contains("needs a reason"), "{said}");
        }
    }

    #[test]
    fn an_annotation_has_one_entry_per_line_and_a_bad_line_spoils_no_other() {
        let (ignores, wrong) =
            annotated("flapping=by design\n\n nonsense\nat-the-maximum = bought no more\n");
        let ids: Vec<&str> = ignores.iter().map(|i| i.id.as_str()).collect();
        assert_eq!(ids, ["flapping", "at-the-maximum"]);
        assert_eq!(wrong.len(), 1);
    }
}
