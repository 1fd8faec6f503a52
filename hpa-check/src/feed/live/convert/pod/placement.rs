//! Which nodes a pod may use, by its spec.

use hpa_check_core::snapshot::Placement;
use hpa_check_core::snapshot::room::Toleration;

use super::scheduling::{Requirement, Term};
use super::shape::{Object, Spec};

/// The selectors of which a node has to match one: the node selector, with each term of the affinity.
fn nodes(spec: &Spec) -> Vec<String> {
    let plain = spec.node_selector.iter().map(|(k, v)| format!("{k}={v}"));
    let plain: Vec<String> = plain.collect();
    let affinity = spec.affinity.as_ref();
    let terms = affinity.map_or(&[][..], |a| &a.node_affinity.required.node_selector_terms);
    let of_term = |term: &Term| {
        let all = term.match_expressions.iter().chain(&term.match_fields);
        let all = all.map(Requirement::text).chain(plain.iter().cloned());
        all.collect::<Vec<_>>().join(",")
    };
    // The scheduler ignores a term without requirements.
    let terms = terms.iter();
    let terms = terms.filter(|t| !t.match_expressions.is_empty() || !t.match_fields.is_empty());
    let terms: Vec<String> = terms.map(of_term).collect();
    match (terms.is_empty(), plain.is_empty()) {
        (true, true) => Vec::new(),
        (true, false) => vec![plain.join(",")],
        (false, _) => terms,
    }
}

/// The node that a pod was placed on.
pub(in crate::feed::live) fn node<M>(object: &Object<M>) -> Option<String> {
    Some(object.spec.node_name.clone()).filter(|name| !name.is_empty())
}

/// Which nodes a pod may use.
pub(in crate::feed::live) fn placement<M>(object: &Object<M>) -> Placement {
    let spec = &object.spec;
    let tolerations = spec.tolerations.iter().map(|t| Toleration {
        key: t.key.clone(),
        operator: t.operator.clone(),
        value: t.value.clone(),
        effect: t.effect.clone(),
    });
    Placement {
        os: spec.os.as_ref().map(|os| os.name.clone()),
        nodes: nodes(spec),
        tolerations: tolerations.collect(),
        priority: spec.priority.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hpa_check_core::model::selector::Selector;
    use serde_json::{Value, json};

    use super::super::super::meta::Meta;
    use super::*;

    fn of(spec: Value) -> Placement {
        let object = json!({"metadata": {"name": "p"}, "spec": spec});
        placement::<Meta>(&serde_json::from_value(object).unwrap())
    }

    #[test]
    fn a_pod_may_use_the_nodes_that_its_selector_and_one_term_of_its_affinity_match() {
        let affinity = |terms: Value| {
            json!({"nodeSelector": {"disk": "ssd"}, "affinity": {"nodeAffinity":
                {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}})
        };
        let labels = BTreeMap::from([
            ("disk".to_owned(), "ssd".to_owned()),
            ("zone".to_owned(), "b".to_owned()),
            ("cores".to_owned(), "8".to_owned()),
            ("metadata.name".to_owned(), "node-1".to_owned()),
        ]);
        let term = |key: &str, operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
        for (terms, expected) in [
            (json!([]), true),
            (json!([{}]), true),
            (json!([term("zone", "In", &["a", "b"])]), true),
            (json!([term("zone", "NotIn", &["a", "b"])]), false),
            (
                json!([term("zone", "In", &["a"]), term("disk", "Exists", &[])]),
                true,
            ),
            (json!([term("disk", "DoesNotExist", &[])]), false),
            (json!([term("cores", "Gt", &["4"])]), true),
            (json!([term("cores", "Lt", &["4"])]), false),
            (
                json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-2"]}]}]),
                false,
            ),
        ] {
            let nodes = of(affinity(terms.clone())).nodes;
            let mut fits = nodes.iter().map(|text| Selector::parse(text).unwrap());
            assert_eq!(fits.any(|s| s.matches(&labels)), expected, "{terms}");
        }
        let unknown = of(affinity(json!([term("zone", "Near", &["a"])])));
        assert!(Selector::parse(&unknown.nodes[0]).is_err());
        assert_eq!(of(json!({"nodeSelector": {}})), Placement::default());
    }
}
