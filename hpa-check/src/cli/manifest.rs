//! A HorizontalPodAutoscaler as people write it: `autoscaling/v2` in YAML or JSON.

use std::path::Path;

use hpa_check_core::spec::{AutoscalerSpec, MetricSpec};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use serde_json::Value;

use crate::failure::Failure;
use crate::feed::live::autoscaler as convert;

/// Reads the spec from a file.
pub(crate) fn read(path: &Path) -> Result<AutoscalerSpec, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        Failure::usage(format!(
            "the manifest `{}` can't be read: {e}",
            path.display()
        ))
    })?;
    parse(&text).map_err(|what| {
        Failure::usage(format!(
            "the manifest `{}` {what}; give one HorizontalPodAutoscaler of autoscaling/v2 whose \
             metrics are CPU in percent of the request",
            path.display()
        ))
    })
}

/// The error is the end of a sentence that begins with the manifest.
fn parse(text: &str) -> Result<AutoscalerSpec, String> {
    let unclear = |error: &dyn std::fmt::Display| {
        let message = error.to_string();
        format!(
            "can't be understood: {}",
            message.lines().next().unwrap_or_default()
        )
    };
    let manifest: Value = serde_saphyr::from_str(text).map_err(|e| unclear(&e))?;
    let (version, kind) = (&manifest["apiVersion"], &manifest["kind"]);
    if kind != "HorizontalPodAutoscaler" || version != "autoscaling/v2" {
        return Err(format!("is {kind} of {version}"));
    }
    let manifest: HorizontalPodAutoscaler =
        serde_json::from_value(manifest).map_err(|e| unclear(&e))?;
    let spec = convert(manifest).spec;
    let of_cpu = |m: &MetricSpec| m.is_cpu() && m.utilization().is_some();
    if !spec.metrics.iter().all(of_cpu) {
        return Err("has a metric that can't be rehearsed".to_owned());
    }
    Ok(spec)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = include_str!("../../../k8s/base/hpa.yaml");

    #[test]
    fn this_repository_s_own_manifest_is_read() {
        let spec = parse(OWN).unwrap();
        assert_eq!((spec.min_replicas, spec.max_replicas), (Some(3), 10));
        assert_eq!(spec.cpu_target_percent(), Some(50));
        let down = spec.behavior.unwrap().scale_down.unwrap();
        assert_eq!(down.stabilization_window_seconds, Some(300));
    }

    #[test]
    fn what_is_no_such_autoscaler_is_refused_in_one_line() {
        let service = "apiVersion: v1\nkind: Service\nspec: {}\n";
        let older = OWN.replace("autoscaling/v2", "autoscaling/v1");
        for text in ["", "kind: Deployment\n", "a: [", service, &older] {
            let error = parse(text).unwrap_err();
            assert!(!error.contains('\n'), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_metric_other_than_cpu_is_refused() {
        let error = parse(&OWN.replace("name: cpu", "name: memory")).unwrap_err();
        assert!(error.contains("can't be rehearsed"), "{error}");
    }
}
