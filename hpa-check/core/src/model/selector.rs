//! Label selectors in their text form, `a=b,c!=d,e in (f,g),!h`, and whether an autoscaler may use one.
//!
//! Source: `k8s.io/apimachinery/pkg/labels`, `Parse`, and `validateAndParseSelector` in
//! `horizontal.go`.

mod parse;

use std::collections::BTreeMap;

use super::error::SelectorError;

/// A parsed selector: every requirement must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector(Vec<Requirement>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
    Above(i64),
    Below(i64),
}

impl Selector {
    /// Parses the text form. The error names what is wrong; empty text selects everything.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        parse::requirements(text).map(Self)
    }

    /// Whether the labels satisfy every requirement.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|r| r.test.holds(labels.get(&r.key)))
    }

    /// A label that every selected object has, if the selector has an equality.
    pub fn required_label(&self) -> Option<(&str, &str)> {
        self.0.iter().find_map(|r| match &r.test {
            Test::In(values) => match values.as_slice() {
                [value] => Some((r.key.as_str(), value.as_str())),
                _ => None,
            },
            _ => None,
        })
    }

    /// The labels implied by the equalities: every selected pod has at least these.
    pub fn implied_labels(&self) -> BTreeMap<String, String> {
        self.0
            .iter()
            .filter_map(|r| match &r.test {
                Test::In(values) => Some((r.key.clone(), values.first()?.clone())),
                Test::Exists => Some((r.key.clone(), String::new())),
                Test::NotIn(_) | Test::Absent | Test::Above(_) | Test::Below(_) => None,
            })
            .collect()
    }
}

impl Test {
    fn holds(&self, label: Option<&String>) -> bool {
        let number = || label.and_then(|value| value.parse::<i64>().ok());
        match self {
            Self::In(values) => label.is_some_and(|value| values.contains(value)),
            Self::NotIn(values) => label.is_none_or(|value| !values.contains(value)),
            Self::Exists => label.is_some(),
            Self::Absent => label.is_none(),
            Self::Above(least) => number().is_some_and(|value| value > *least),
            Self::Below(most) => number().is_some_and(|value| value < *most),
        }
    }
}

/// The selector in a target's `/scale`, parsed once for all syncs that use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetSelector {
    text: String,
    parsed: Result<Selector, SelectorError>,
}

impl TargetSelector {
    /// Parses a selector. A sync with one that is empty or invalid fails as the controller's does.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let parsed = Selector::parse(&text);
        Self { text, parsed }
    }

    /// Its text form.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The selector, if it is valid.
    pub fn parsed(&self) -> Option<&Selector> {
        self.parsed.as_ref().ok()
    }

    /// Checks that it selects pods that no other autoscaler counts.
    pub(super) fn check(&self, shares_pods: bool) -> Result<(), Unusable> {
        if self.text.is_empty() {
            return Err(Unusable {
                reason: "InvalidSelector",
                message: "the HPA target's scale is missing a selector".to_owned(),
                error: "selector is required".to_owned(),
            });
        }
        let unusable = |reason, error: String| Unusable {
            reason,
            message: error.clone(),
            error,
        };
        if let Err(e) = &self.parsed {
            let error = format!(
                "couldn't convert selector into a corresponding internal selector object: {e}"
            );
            return Err(unusable("InvalidSelector", error));
        }
        if shares_pods {
            let text = &self.text;
            let error = format!("pods by selector {text} are controlled by more than one HPA");
            return Err(unusable("AmbiguousSelector", error));
        }
        Ok(())
    }
}

/// Why a target's selector can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unusable {
    /// The reason of the condition.
    pub(super) reason: &'static str,
    /// The message of the condition.
    pub(super) message: String,
    /// The sync's error.
    pub(super) error: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> BTreeMap<String, String> {
        text.split(',')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    #[test]
    fn every_operator_matches_as_in_the_api() {
        let having = labels("app=fib,n=7,empty=");
        for (selector, expected) in [
            ("", true),
            ("  ", true),
            ("app=fib", true),
            ("app==fib", true),
            ("app=other", false),
            ("app!=other", true),
            ("missing!=x", true),
            ("app in (fib, other)", true),
            ("app in (other)", false),
            ("empty in ()", true),
            ("app notin (other,)", true),
            ("missing notin (x)", true),
            ("app", true),
            ("missing", false),
            ("!missing", true),
            ("! app", false),
            ("n>6", true),
            ("n>7", false),
            ("n<8,app", true),
            ("app>1", false),
            ("empty=", true),
            ("in=in", false),
            ("example.com/name=x", false),
        ] {
            let parsed = Selector::parse(selector).unwrap();
            assert_eq!(parsed.matches(&having), expected, "{selector}");
        }
    }

    #[test]
    fn invalid_selectors_are_refused_in_the_apis_words() {
        for (selector, expected) in [
            (
                "cheddar cheese",
                "unable to parse requirement: found 'cheese', expected: in, notin, =, ==, !=, gt, lt",
            ),
            ("a=b,", "found '', expected: identifier after ','"),
            ("a=b=c", "found '=', expected: ',' or 'end of string'"),
            (
                "=",
                "found '=', expected: !, identifier, or 'end of string'",
            ),
            (
                "a in b",
                "unable to parse requirement: found 'b' expected: '('",
            ),
        ] {
            assert_eq!(Selector::parse(selector), Err(SelectorError::new(expected)));
        }
        for selector in [
            "-a=b", "a=-b", "a/b/c", "A/b", "a in (b", "a in", "!", "a>b", "a,,b", "a!b",
        ] {
            assert!(Selector::parse(selector).is_err(), "{selector}");
        }
    }
}
