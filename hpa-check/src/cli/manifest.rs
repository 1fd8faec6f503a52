//! A HorizontalPodAutoscaler as people write it and as `kubectl get hpa -o yaml` prints it: `autoscaling/v2` in
//! YAML or JSON, alone, in a List, or as one of several documents with other objects beside it.

use std::path::Path;

use hpa_check_core::manifests;
use hpa_check_core::spec::{AutoscalerSpec, MetricSpec};
use serde::Deserialize;
use serde_json::Value;

use crate::failure::Failure;
use crate::notice::notice;

/// Reads the spec from a file.
pub(crate) fn read(path: &Path) -> Result<AutoscalerSpec, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|e| Failure::usage(format!("the manifest `{shown}` can't be read: {e}")))?;
    parse(&text).map_err(|what| {
        Failure::usage(format!(
            "the manifest `{shown}` {what}; give one HorizontalPodAutoscaler of autoscaling/v2"
        ))
    })
}

/// Reads the spec from a file for what has only the pods' CPU to go by. Other metrics are left out, and
/// that is said: nobody knows their values.
pub(crate) fn read_cpu(path: &Path) -> Result<AutoscalerSpec, Failure> {
    let mut spec = read(path)?;
    for metric in spec.metrics.iter().filter(|m| !m.is_cpu()) {
        notice(&format!(
            "hpa-check: the metric \"{}\" of `{}` is left out, because nothing is known of its values here",
            metric.source,
            path.display()
        ));
    }
    spec.metrics.retain(MetricSpec::is_cpu);
    Ok(spec)
}

/// The error is the end of a sentence that begins with the manifest.
fn parse(text: &str) -> Result<AutoscalerSpec, String> {
    let unreadable = |e: &dyn std::fmt::Display| {
        let message = e.to_string();
        let line = message.lines().next().unwrap_or_default();
        format!("can't be understood: {line}")
    };
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|e| unreadable(&e))?;
    let object = manifests::autoscaler(&documents)?;
    AutoscalerSpec::deserialize(&object["spec"]).map_err(|e| unreadable(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = include_str!("../../../k8s/base/hpa.yaml");

    /// As `kubectl get hpa,deploy -o yaml` prints them.
    const LIST: &str = "
apiVersion: v1
kind: List
metadata: {resourceVersion: ''}
items:
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: shop}, spec: {replicas: 3}}
- apiVersion: autoscaling/v2
  kind: HorizontalPodAutoscaler
  metadata: {name: shop, uid: u, resourceVersion: '7'}
  spec:
    scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
    minReplicas: 2
    maxReplicas: 9
    metrics:
    - {type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: 64Mi}}}
    - {type: External, external: {metric: {name: queue}, target: {type: AverageValue, averageValue: '100'}}}
    behavior: {scaleUp: {tolerance: 600m}, scaleDown: {tolerance: '0.1'}}
  status: {currentReplicas: 3, desiredReplicas: 3}
";

    #[test]
    fn this_repository_s_own_manifest_is_read() {
        let spec = parse(OWN).unwrap();
        assert_eq!((spec.min_replicas, spec.max_replicas), (Some(3), 10));
        assert_eq!(spec.cpu_target_percent(), Some(50));
        let down = spec.behavior.unwrap().scale_down.unwrap();
        assert_eq!(down.stabilization_window_seconds, Some(300));
    }

    #[test]
    fn an_autoscaler_is_found_in_a_list_with_its_status_and_quantities_as_the_api_prints_them() {
        let spec = parse(LIST).unwrap();
        let metrics: Vec<String> = spec.metrics.iter().map(|m| m.source.to_string()).collect();
        assert_eq!(metrics, ["memory", "external metric queue"]);
        let behavior = spec.behavior.unwrap();
        assert_eq!(behavior.scale_up.unwrap().tolerance, Some(0.6));
        assert_eq!(behavior.scale_down.unwrap().tolerance, Some(0.1));
    }

    #[test]
    fn an_autoscaler_is_found_among_several_documents() {
        let service = "apiVersion: v1\nkind: Service\nspec: {}\n---\n";
        let spec = parse(&format!("{service}{OWN}")).unwrap();
        assert_eq!(spec.max_replicas, 10);
        let error = parse(&format!("{OWN}\n---\n{OWN}")).unwrap_err();
        assert_eq!(error, "has more than one HorizontalPodAutoscaler");
    }

    #[test]
    fn what_is_no_such_autoscaler_is_refused_in_one_line() {
        let service = "apiVersion: v1\nkind: Service\nspec: {}\n";
        let older = OWN.replace("autoscaling/v2", "autoscaling/v1");
        for text in ["", "kind: Deployment\n", "a: [", service, &older] {
            let error = parse(text).unwrap_err();
            assert!(!error.contains('\n'), "{text:?}: {error}");
        }
        assert_eq!(
            parse(service).unwrap_err(),
            "has no HorizontalPodAutoscaler, but Service"
        );
    }
}
