//! Findings that somebody chose to ignore, and why.

use crate::judge::findings_of_a_snapshot;
use crate::nearest::nearest;

/// The annotation of an autoscaler that names what to ignore: `ID=REASON`, one a line.
pub const ANNOTATION: &str = "hpa-check/ignore";

/// One finding to ignore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignore {
    /// The finding's name.
    pub id: String,
    /// Why, in the words of who ignores it.
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
                "`{id}` needs a reason: write `{id}=why it is all right`"
            ));
        }
        Ok(Self {
            id: id.to_owned(),
            because: because.to_owned(),
        })
    }
}

/// What an annotation says to ignore, and what is wrong with it, a sentence for each line that can't be taken.
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
    fn a_finding_is_ignored_by_its_name_with_a_reason_that_may_hold_any_text() {
        let ignore: Ignore = "pdb-blocks-drains= one node = no drains ".parse().unwrap();
        assert_eq!(ignore.id, "pdb-blocks-drains");
        assert_eq!(ignore.because, "one node = no drains");
    }

    #[test]
    fn a_name_that_does_not_exist_is_refused_with_the_nearest_one() {
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
    fn an_annotation_has_a_line_for_each_and_a_bad_line_spoils_no_other() {
        let (ignores, wrong) =
            annotated("flapping=by design\n\n nonsense\nat-the-maximum = bought no more\n");
        let ids: Vec<&str> = ignores.iter().map(|i| i.id.as_str()).collect();
        assert_eq!(ids, ["flapping", "at-the-maximum"]);
        assert_eq!(wrong.len(), 1);
    }
}
