//! A load inside the cluster, as manifests: the user's own Job, or one that loads a URL with `fib-loadgen`.

use hpa_check_core::manifests::objects;
use http::Uri;
use serde_json::{Value, json};

/// The image that loads a URL. A release uses the image published with it.
pub(crate) const IMAGE: &str = match option_env!("FIB_LOADGEN_IMAGE") {
    Some(image) => image,
    None => concat!("fib-loadgen:", env!("CARGO_PKG_VERSION")),
};

/// The load of a URL unless flags say otherwise: 50 users, one request after the other, until stopped.
const FLAGS: [&str; 4] = ["--users", "50", "--run-time", "0"];

/// A Job, and the ConfigMaps that its pods read, in the order in which they are created.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LoadJob {
    pub(crate) configs: Vec<Value>,
    pub(crate) job: Value,
    /// The load's URL, if known.
    pub(crate) url: Option<String>,
}

impl LoadJob {
    /// The Job in a file's documents. The error is the end of a sentence.
    pub(crate) fn of(documents: &[Value]) -> Result<Self, String> {
        let (mut configs, mut jobs) = (Vec::new(), Vec::new());
        for object in objects(documents) {
            match object["kind"].as_str() {
                Some("Job") => jobs.push(object.clone()),
                Some("ConfigMap") => configs.push(object.clone()),
                Some(kind) => {
                    return Err(format!(
                        "has a {kind}: a run only creates a Job and its ConfigMaps, so apply the rest first"
                    ));
                }
                None => {
                    return Err("has an object without a kind: expected a Job of batch/v1".into());
                }
            }
        }
        let count = jobs.len();
        let Some(job) = jobs.pop().filter(|_| count == 1) else {
            return Err(format!("has {count} Jobs: expected one"));
        };
        if job["apiVersion"] != "batch/v1" {
            return Err(format!(
                "has a Job of {}: expected batch/v1",
                job["apiVersion"]
            ));
        }
        Ok(Self {
            configs,
            job,
            url: None,
        })
    }

    /// A Job in which `fib-loadgen` loads the URL, with these flags or the default ones.
    pub(crate) fn loading(url: &str, image: &str, flags: &[String]) -> Self {
        let mut args = vec![url.to_owned()];
        if flags.is_empty() {
            args.extend(FLAGS.map(str::to_owned));
        } else {
            args.extend_from_slice(flags);
        }
        // The seconds and the result both go to the pod's log.
        let reporting = ["--ui", "none", "-o", "ndjson=-", "-o", "json=/dev/stderr"];
        args.extend(reporting.map(str::to_owned));
        Self {
            configs: Vec::new(),
            job: own_job(image, &args),
            url: Some(url.to_owned()),
        }
    }
}

/// Whether the argument is a URL rather than a file.
pub(crate) fn is_url(text: &str) -> bool {
    let uri: Option<Uri> = text.parse().ok();
    uri.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")))
}

/// It satisfies the restricted Pod Security Standard, and ends by itself if nobody is left to delete it.
fn own_job(image: &str, args: &[String]) -> Value {
    let labels = json!({
        "app.kubernetes.io/name": "fib-loadgen",
        "app.kubernetes.io/managed-by": "hpa-check",
        "fib-server/client": "true",
    });
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"generateName": "hpa-check-load-", "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": 7200,
            "ttlSecondsAfterFinished": 600,
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "restartPolicy": "Never",
                    "nodeSelector": {"kubernetes.io/os": "linux"},
                    "automountServiceAccountToken": false,
                    "enableServiceLinks": false,
                    "securityContext": {
                        "runAsNonRoot": true,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [{
                        "name": "fib-loadgen",
                        "image": image,
                        "args": args,
                        "resources": {
                            "requests": {"cpu": "500m", "memory": "128Mi"},
                            "limits": {"cpu": "2", "memory": "512Mi"},
                        },
                        "securityContext": {
                            "allowPrivilegeEscalation": false,
                            "readOnlyRootFilesystem": true,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }],
                },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Value {
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "k6"}})
    }

    #[test]
    fn a_job_is_found_with_its_config_maps_even_in_a_list() {
        let script =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "script"}});
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [job(), script]});
        for documents in [vec![script.clone(), Value::Null, job()], vec![list]] {
            let load = LoadJob::of(&documents).unwrap();
            assert_eq!((load.job, load.configs), (job(), vec![script.clone()]));
        }
    }

    #[test]
    fn anything_but_one_job_and_its_config_maps_is_refused_with_advice() {
        let service = json!({"apiVersion": "v1", "kind": "Service"});
        let old = json!({"apiVersion": "batch/v1beta1", "kind": "Job"});
        for (documents, expected) in [
            (vec![], "has 0 Jobs: expected one"),
            (vec![job(), job()], "has 2 Jobs: expected one"),
            (vec![job(), service], "apply the rest first"),
            (vec![json!({"name": "x"})], "without a kind"),
            (vec![old], "expected batch/v1"),
        ] {
            let error = LoadJob::of(&documents).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_url_is_loaded_by_the_image_and_its_seconds_and_result_go_to_the_log() {
        let flags = ["--rate".to_owned(), "40/s".to_owned()];
        for (flags, expected) in [
            (&flags[..], "--rate 40/s"),
            (&[], "--users 50 --run-time 0"),
        ] {
            let load = LoadJob::loading("http://cart.shop.svc/items", "fib-loadgen:1", flags);
            let container = &load.job["spec"]["template"]["spec"]["containers"][0];
            assert_eq!(container["image"], "fib-loadgen:1");
            let args: Vec<&str> = container["args"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Value::as_str)
                .collect();
            let line = args.join(" ");
            assert!(
                line.starts_with(&format!("http://cart.shop.svc/items {expected} --ui")),
                "{line}"
            );
            assert!(line.ends_with("-o ndjson=- -o json=/dev/stderr"), "{line}");
        }
    }

    #[test]
    fn only_an_http_or_https_address_is_a_url() {
        assert!(is_url("http://app") && is_url("https://app.shop.svc:8443/items"));
        for file in [
            "job.yaml",
            "./k6/job.yaml",
            "-",
            "C:\\job.yaml",
            "app.shop.svc:80",
        ] {
            assert!(!is_url(file), "{file}");
        }
    }
}
