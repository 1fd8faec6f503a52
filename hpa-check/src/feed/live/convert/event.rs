//! `v1` Event.

use hpa_check_core::observation::Event;
use jiff::Timestamp;
use k8s_openapi::api::core::v1;

/// Selects the events about the autoscaler, its target, or the target's pods.
#[derive(Debug, Clone)]
pub(in crate::feed::live) struct About {
    pub(in crate::feed::live) autoscaler: String,
    pub(in crate::feed::live) target_kind: String,
    pub(in crate::feed::live) target_name: String,
    /// Earlier events are not part of the run: the API keeps events for an hour.
    pub(in crate::feed::live) since: Timestamp,
}

impl About {
    /// The event, if it concerns this run.
    pub(in crate::feed::live) fn event(&self, object: v1::Event) -> Option<Event> {
        let kind = object.involved_object.kind.unwrap_or_default();
        let name = object.involved_object.name.unwrap_or_default();
        let series = object.series.as_ref();
        let last = [
            object.last_timestamp.as_ref().map(|time| time.0),
            object.event_time.as_ref().map(|time| time.0),
            series
                .and_then(|s| s.last_observed_time.as_ref())
                .map(|time| time.0),
        ]
        .into_iter()
        .flatten()
        .max();
        if !self.concerns(&kind, &name) || last.is_some_and(|last| last < self.since) {
            return None;
        }
        Some(Event {
            about: format!("{kind}/{name}"),
            kind: object.type_.unwrap_or_default(),
            reason: object.reason.unwrap_or_default(),
            message: object.message.unwrap_or_default(),
            count: object.count.or(series.and_then(|s| s.count)).unwrap_or(1),
        })
    }

    fn concerns(&self, kind: &str, name: &str) -> bool {
        match kind {
            "HorizontalPodAutoscaler" => name == self.autoscaler,
            "ReplicaSet" | "Pod" => name
                .strip_prefix(&self.target_name)
                .is_some_and(|rest| rest.starts_with('-')),
            _ => kind == self.target_kind && name == self.target_name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn about() -> About {
        About {
            autoscaler: "fib-hpa".into(),
            target_kind: "Deployment".into(),
            target_name: "fib".into(),
            since: "2026-01-01T01:00:00Z".parse().unwrap(),
        }
    }

    fn event(kind: &str, name: &str, last: &str) -> v1::Event {
        serde_json::from_value(json!({
            "metadata": {}, "involvedObject": {"kind": kind, "name": name}, "type": "Normal",
            "reason": "SuccessfulRescale", "message": "New size: 6", "count": 2, "lastTimestamp": last
        }))
        .unwrap()
    }

    #[test]
    fn events_of_the_autoscaler_its_target_and_its_pods_are_converted() {
        for (kind, name) in [
            ("HorizontalPodAutoscaler", "fib-hpa"),
            ("Deployment", "fib"),
            ("ReplicaSet", "fib-59d"),
            ("Pod", "fib-59d-x2x"),
        ] {
            let seen = about()
                .event(event(kind, name, "2026-01-01T01:00:01Z"))
                .unwrap();
            assert_eq!(seen.about, format!("{kind}/{name}"));
            assert_eq!(seen.count, 2);
        }
    }

    #[test]
    fn events_of_neighbors_and_earlier_events_are_ignored() {
        for (kind, name, last) in [
            ("HorizontalPodAutoscaler", "other", "2026-01-01T01:00:01Z"),
            ("Deployment", "fibber", "2026-01-01T01:00:01Z"),
            ("Pod", "fibber-1", "2026-01-01T01:00:01Z"),
            ("Deployment", "fib", "2026-01-01T00:59:59Z"),
        ] {
            assert_eq!(
                about().event(event(kind, name, last)),
                None,
                "{kind}/{name} {last}"
            );
        }
    }
}
