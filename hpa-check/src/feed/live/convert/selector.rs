//! A label selector as text for an API query.

use hpa_check_core::spec::LabelSelector;
use serde_json::Value;

/// From a workload's `spec.selector`: a label selector, or a plain map as in `ReplicationController`. `None` if
/// there is none or it is empty: an empty selector would match every pod in the namespace.
pub(in crate::feed::live) fn text(selector: &Value) -> Option<String> {
    let object = selector.as_object()?;
    let selector = if object.contains_key("matchLabels") || object.contains_key("matchExpressions")
    {
        serde_json::from_value::<LabelSelector>(selector.clone()).ok()?
    } else {
        LabelSelector {
            match_labels: serde_json::from_value(selector.clone()).ok()?,
            match_expressions: Vec::new(),
        }
    };
    selector.query().filter(|query| !query.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn labels_and_expressions_become_one_text() {
        let selector = json!({
            "matchLabels": {"app": "fib", "tier": "web"},
            "matchExpressions": [
                {"key": "track", "operator": "In", "values": ["stable", "canary"]},
                {"key": "env", "operator": "NotIn", "values": ["dev"]},
                {"key": "owner", "operator": "Exists"},
                {"key": "job", "operator": "DoesNotExist"}]
        });
        assert_eq!(
            text(&selector).unwrap(),
            "app=fib,tier=web,track in (stable,canary),env notin (dev),owner,!job"
        );
    }

    #[test]
    fn a_plain_map_is_a_selector_too() {
        assert_eq!(text(&json!({"app": "fib"})).unwrap(), "app=fib");
    }

    #[test]
    fn a_selector_that_is_empty_or_unreadable_is_no_selector() {
        for selector in [
            json!({}),
            json!({"matchLabels": {}}),
            json!({"matchExpressions": [{"key": "a", "operator": "Near"}]}),
            Value::Null,
        ] {
            assert_eq!(text(&selector), None, "{selector}");
        }
    }
}
