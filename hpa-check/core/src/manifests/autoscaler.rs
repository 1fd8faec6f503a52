//! The one HorizontalPodAutoscaler among objects as people write them and as `kubectl get -o yaml` prints them.

use serde_json::Value;

const KIND: &str = "HorizontalPodAutoscaler";

/// The autoscaler among documents, some of which may be lists. The error is the end of a sentence that
/// begins with where they came from.
pub fn autoscaler(documents: &[Value]) -> Result<&Value, String> {
    let objects: Vec<&Value> = documents.iter().flat_map(objects).collect();
    let mut found = objects.iter().filter(|object| object["kind"] == KIND);
    let object = found.next().ok_or_else(|| {
        let kinds = objects.iter().filter_map(|object| object["kind"].as_str());
        match kinds.collect::<Vec<_>>().as_slice() {
            [] => "has no object in it".to_owned(),
            kinds => format!("has no {KIND}, but {}", kinds.join(", ")),
        }
    })?;
    if found.next().is_some() {
        return Err(format!("has more than one {KIND}"));
    }
    match object["apiVersion"].as_str().unwrap_or_default() {
        "autoscaling/v2" => Ok(object),
        version => Err(format!("is a {KIND} of {version}")),
    }
}

/// The document itself, or what it lists.
fn objects(document: &Value) -> Vec<&Value> {
    match document.get("items") {
        Some(items) => items.as_array().into_iter().flatten().collect(),
        None => vec![document],
    }
}
