//! The fields in which two objects differ.

use serde_json::Value;

/// One line for each field that differs: `spec.replicas: 3 → 5`.
pub fn differences(from: &Value, to: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    compare("", from, to, &mut lines);
    lines
}

fn compare(path: &str, from: &Value, to: &Value, lines: &mut Vec<String>) {
    match (from, to) {
        (Value::Object(old), Value::Object(new)) => {
            let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let deeper = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                let (old, new) = (old.get(key), new.get(key));
                compare(
                    &deeper,
                    old.unwrap_or(&Value::Null),
                    new.unwrap_or(&Value::Null),
                    lines,
                );
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&format!("{path}[{index}]"), old, new, lines);
            }
        }
        _ if from == to => {}
        _ => lines.push(format!("{path}: {} → {}", short(from), short(to))),
    }
}

fn short(value: &Value) -> String {
    const MOST: usize = 60;
    match value {
        Value::Null => "nothing".to_owned(),
        value => {
            let text = value.to_string();
            match text.char_indices().nth(MOST) {
                Some((end, _)) => format!("{}…", &text[..end]),
                None => text,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_field_that_differs_is_named_with_both_values() {
        let old = json!({"spec": {"replicas": 3, "same": [1, {"a": 1}], "gone": true}});
        let new = json!({"spec": {"replicas": 5, "same": [1, {"a": 2}], "new": "x"}});
        assert_eq!(
            differences(&old, &new),
            [
                "spec.gone: true → nothing",
                "spec.new: nothing → \"x\"",
                "spec.replicas: 3 → 5",
                "spec.same[1].a: 1 → 2",
            ]
        );
        assert_eq!(differences(&old, &old), Vec::<String>::new());
    }
}
