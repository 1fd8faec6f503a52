//! The state of the pods of a load's Job.

use std::time::Duration;

use hpa_check_core::observation::{GeneratorVerdict, LoadResult, LoadSecond};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Pod};

use crate::load::command::Printed;
use crate::load::foreign::Counts;

/// The annotation that selects one of several containers, as in kubectl.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// A pod of the Job.
#[derive(Default)]
pub(super) struct LoadPod {
    /// The container that generates the load: the first one unless an annotation names another.
    pub(super) container: Option<String>,
    began_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    pub(super) exit_code: Option<i32>,
    pub(super) stuck: Option<Stuck>,
    /// Whether its log is being read.
    pub(super) followed: bool,
    pub(super) log_ended: bool,
    /// Whether the API server no longer has it.
    pub(super) gone: bool,
    pub(super) printed: Printed,
    /// The last second it reported.
    pub(super) second: Option<LoadSecond>,
}

/// Why a pod has not started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stuck {
    /// It may still start.
    Waiting(String),
    /// It will not start without help.
    ForGood(String),
}

impl LoadPod {
    /// Updates the pod's state.
    pub(super) fn see(&mut self, pod: &Pod) {
        self.container = container(pod);
        let status = pod.status.as_ref();
        let statuses = status.and_then(|s| s.container_statuses.as_deref());
        let own = |s: &&ContainerStatus| Some(&s.name) == self.container.as_ref();
        let state = statuses
            .unwrap_or_default()
            .iter()
            .find(own)
            .and_then(|s| s.state.as_ref());
        if let Some(running) = state.and_then(|s| s.running.as_ref()) {
            self.began_at = running.started_at.as_ref().map(|time| time.0);
        }
        if let Some(ended) = state.and_then(|s| s.terminated.as_ref()) {
            self.began_at = ended
                .started_at
                .as_ref()
                .map(|time| time.0)
                .or(self.began_at);
            self.ended_at = ended.finished_at.as_ref().map(|time| time.0);
            self.exit_code = Some(ended.exit_code);
        }
        self.stuck = if self.has_begun() {
            None
        } else {
            state.and_then(waiting).or_else(|| unscheduled(pod))
        };
    }

    /// Whether its container runs or has run.
    pub(super) fn has_begun(&self) -> bool {
        self.began_at.is_some() || self.exit_code.is_some()
    }

    /// Whether nothing more is expected from it.
    pub(super) fn is_over(&self) -> bool {
        let ended = self.exit_code.is_some() || self.gone;
        ended && (self.log_ended || !self.followed)
    }

    /// How long its container ran.
    pub(super) fn ran(&self) -> Option<Duration> {
        let took = self.ended_at?.duration_since(self.began_at?);
        Duration::try_from(took).ok()
    }

    /// Adds its counts. Without a known summary, the last second that it reported counts.
    pub(super) fn add_to(&self, result: &mut LoadResult, summary: Option<Counts>) {
        let reported = || self.second.as_ref().map(Counts::of);
        let counts = summary.or_else(reported).unwrap_or_default();
        result.requests += counts.requests;
        result.failed += counts.failed;
        result.wrong += counts.wrong;
        result.verified += counts.verified;
        let verdict = counts.generator.unwrap_or(GeneratorVerdict::Ok);
        if severity(verdict) > severity(result.generator) {
            result.generator = verdict;
        }
    }
}

/// The totals of all pods' last seconds. Percentiles can't be added, so the slowest pod's are used.
pub(super) fn total<'a>(seconds: impl Iterator<Item = &'a LoadSecond>) -> Option<LoadSecond> {
    seconds.cloned().reduce(|mut sum, second| {
        sum.users += second.users;
        sum.offered_rps = match (sum.offered_rps, second.offered_rps) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
        sum.rps += second.rps;
        sum.failed += second.failed;
        sum.wrong += second.wrong;
        sum.verified += second.verified;
        sum.p50_us = sum.p50_us.max(second.p50_us);
        sum.p99_us = sum.p99_us.max(second.p99_us);
        for (pod, answers) in second.pods {
            *sum.pods.entry(pod).or_default() += answers;
        }
        sum
    })
}

fn severity(verdict: GeneratorVerdict) -> u8 {
    match verdict {
        GeneratorVerdict::Ok => 0,
        GeneratorVerdict::Suspect => 1,
        GeneratorVerdict::Saturated => 2,
    }
}

fn container(pod: &Pod) -> Option<String> {
    let annotations = pod.metadata.annotations.as_ref();
    let named = annotations.and_then(|a| a.get(DEFAULT_CONTAINER)).cloned();
    named.or_else(|| Some(pod.spec.as_ref()?.containers.first()?.name.clone()))
}

/// Why the kubelet does not start the container. Some reasons resolve by themselves.
fn waiting(state: &ContainerState) -> Option<Stuck> {
    let waiting = state.waiting.as_ref()?;
    let reason = waiting.reason.as_deref().unwrap_or_default();
    let said = waiting.message.as_deref().unwrap_or_default();
    let why = format!("{reason}: {said}");
    match reason {
        "ImagePullBackOff"
        | "InvalidImageName"
        | "ErrImageNeverPull"
        | "CreateContainerConfigError" => Some(Stuck::ForGood(why)),
        "" | "ContainerCreating" | "PodInitializing" => None,
        _ => Some(Stuck::Waiting(why)),
    }
}

fn unscheduled(pod: &Pod) -> Option<Stuck> {
    let conditions = pod.status.as_ref()?.conditions.as_deref()?;
    let condition = conditions
        .iter()
        .find(|c| c.type_ == "PodScheduled" && c.status == "False")?;
    let reason = condition.reason.as_deref().unwrap_or_default();
    let said = condition.message.as_deref().unwrap_or_default();
    Some(Stuck::Waiting(format!("{reason}: {said}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pod(status: &Value) -> Pod {
        let pod = json!({"metadata": {"name": "load-1"}, "spec": {"containers": [{"name": "k6"}, {"name": "proxy"}]}, "status": status});
        serde_json::from_value(pod).unwrap()
    }

    fn state(state: &Value) -> Pod {
        let proxy = json!({"name": "proxy", "ready": true, "restartCount": 0, "image": "", "imageID": "", "state": {"running": {}}});
        let own = json!({"name": "k6", "ready": false, "restartCount": 0, "image": "", "imageID": "", "state": state});
        pod(&json!({"containerStatuses": [proxy, own]}))
    }

    fn seen(pods: &[Pod]) -> LoadPod {
        let mut known = LoadPod::default();
        for pod in pods {
            known.see(pod);
        }
        known
    }

    #[test]
    fn the_first_container_generates_the_load_unless_an_annotation_names_another() {
        let mut pod = pod(&json!({}));
        assert_eq!(seen(&[pod.clone()]).container.as_deref(), Some("k6"));
        let annotation = (DEFAULT_CONTAINER.to_owned(), "proxy".to_owned());
        pod.metadata.annotations = Some([annotation].into());
        assert_eq!(seen(&[pod]).container.as_deref(), Some("proxy"));
    }

    #[test]
    fn a_container_that_ended_gives_its_exit_code_and_how_long_it_ran() {
        let running = state(&json!({"running": {"startedAt": "2026-03-01T10:00:00Z"}}));
        let ended = state(
            &json!({"terminated": {"exitCode": 7, "startedAt": "2026-03-01T10:00:00Z", "finishedAt": "2026-03-01T10:00:03Z"}}),
        );
        let begun = seen(std::slice::from_ref(&running));
        assert!(begun.has_begun() && !begun.is_over());
        let over = seen(&[running, ended]);
        assert_eq!(
            (over.exit_code, over.ran()),
            (Some(7), Some(Duration::from_secs(3)))
        );
        assert!(over.is_over());
    }

    #[test]
    fn a_pod_is_over_only_when_its_log_has_ended_too() {
        let mut pod = seen(&[state(&json!({"terminated": {"exitCode": 0}}))]);
        pod.followed = true;
        assert!(!pod.is_over());
        pod.log_ended = true;
        assert!(pod.is_over());
    }

    #[test]
    fn an_image_that_cannot_be_pulled_is_final_and_a_full_node_may_have_room_later() {
        let image =
            state(&json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}));
        let why = "ImagePullBackOff: no such image".to_owned();
        assert_eq!(seen(&[image]).stuck, Some(Stuck::ForGood(why)));
        let full = pod(
            &json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]}),
        );
        let why = "Unschedulable: 0/1 nodes".to_owned();
        assert_eq!(seen(&[full]).stuck, Some(Stuck::Waiting(why)));
        let creating = state(&json!({"waiting": {"reason": "ContainerCreating"}}));
        assert_eq!(seen(&[creating]).stuck, None);
    }

    #[test]
    fn the_seconds_of_several_pods_are_one_second_of_load() {
        let second = |rps: f64, p99| LoadSecond {
            users: 10,
            offered_rps: Some(rps),
            rps,
            failed: 1,
            wrong: 0,
            verified: 5,
            p50_us: None,
            p99_us: Some(p99),
            pods: [("app-1".to_owned(), 3)].into(),
        };
        let sum = total([second(40.0, 900), second(60.0, 700)].iter()).unwrap();
        assert_eq!((sum.users, sum.failed, sum.verified), (20, 2, 10));
        assert_eq!((sum.offered_rps, sum.p99_us), (Some(100.0), Some(900)));
        assert_eq!(sum.pods["app-1"], 6);
        assert_eq!(total([].iter()), None);
    }

    #[test]
    fn a_pod_without_a_summary_counts_with_its_last_second() {
        let mut pod = LoadPod {
            second: total(
                [LoadSecond {
                    failed: 2,
                    verified: 8,
                    ..LoadSecond::default()
                }]
                .iter(),
            ),
            ..LoadPod::default()
        };
        let mut result = LoadResult::default();
        pod.add_to(&mut result, None);
        assert_eq!((result.requests, result.failed), (10, 2));
        let summary = Counts {
            requests: 100,
            generator: Some(GeneratorVerdict::Suspect),
            ..Counts::default()
        };
        pod.second = None;
        pod.add_to(&mut result, Some(summary));
        assert_eq!(
            (result.requests, result.generator),
            (110, GeneratorVerdict::Suspect)
        );
    }
}
