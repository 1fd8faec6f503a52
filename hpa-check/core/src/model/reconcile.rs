//! One sync of the controller, whole: `reconcileAutoscaler` in `horizontal.go`, with the memory that
//! the controller keeps between syncs.

use jiff::Timestamp;

use super::conditions::{self, ABLE_TO_SCALE, SCALED_TO_ZERO, SCALING_ACTIVE, SCALING_LIMITED};
use super::normalize::{self, Changes, FullBehavior, Limited, Recommendation, ScaleEvent};
use super::pods::{Pod, PodMetric};
use super::proposal::{self, Ask, Proposal, Scene};
use super::selector::Selector;
use super::{Rules, Settings, Tolerances, before};
use crate::observation::Condition;
use crate::spec::{AutoscalerSpec, MetricSpec};

/// The controller's memory of one autoscaler. It lives in the controller's process: a restart
/// begins with an empty one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Autoscaler {
    /// The settings of the controller.
    pub settings: Settings,
    /// Feature gates and version rules.
    pub rules: Rules,
    /// Proposals of earlier syncs; `None` until the first sync, which records the present size.
    pub recommendations: Option<Vec<Recommendation>>,
    /// Growths that the controller made.
    pub ups: Vec<ScaleEvent>,
    /// Shrinkages that the controller made.
    pub downs: Vec<ScaleEvent>,
}

/// The target's `/scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale<'a> {
    /// `spec.replicas`.
    pub replicas: i32,
    /// `status.selector`.
    pub selector: &'a str,
}

/// What a sync finds.
#[derive(Debug, Clone, Copy)]
pub struct Sync<'a> {
    /// The instant.
    pub now: Timestamp,
    /// What the autoscaler is told to do.
    pub spec: &'a AutoscalerSpec,
    /// The target's size, or why it can't be had.
    pub scale: Result<Scale<'a>, &'a str>,
    /// The pods that the selector matches.
    pub pods: &'a [Pod],
    /// The metrics API's answer, or its error.
    pub metrics: Result<&'a [PodMetric], &'a str>,
    /// The error of the custom and external metrics APIs, of which nothing else is modelled.
    pub other_metrics_error: &'a str,
    /// Selectors of other autoscalers of the namespace.
    pub other_selectors: &'a [Selector],
    /// Why the target's size can't be written.
    pub update_error: Option<&'a str>,
    /// The status' conditions before.
    pub conditions: &'a [Condition],
    /// `status.desiredReplicas` before.
    pub desired_before: i32,
}

/// What a sync decides, with the arithmetic behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// `spec.replicas` of the target when the sync began.
    pub current: i32,
    /// `status.desiredReplicas` afterwards.
    pub desired: i32,
    /// Whether the target's size was written.
    pub scaled: bool,
    /// The CPU utilization in the status, in percent.
    pub utilization: Option<i32>,
    /// What the metrics ask for, before any limit.
    pub proposed: Option<i32>,
    /// The proposal of each metric, in the spec's order.
    pub metrics: Vec<(MetricSpec, Result<Proposal, String>)>,
    /// The proposal after stabilization.
    pub stabilized: Option<i32>,
    /// The bounds' and policies' word.
    pub limited: Option<Limited>,
    /// The status' conditions afterwards.
    pub conditions: Vec<Condition>,
    /// The reason in the event of a rescale; may be empty.
    pub reason: String,
    /// What the sync failed with; a sync can fail for one metric and still scale by another.
    pub error: Option<String>,
}

impl Autoscaler {
    /// A controller that has just started.
    pub fn new(settings: Settings, rules: Rules) -> Self {
        Self {
            settings,
            rules,
            ..Self::default()
        }
    }

    /// One sync.
    pub fn sync(&mut self, sync: Sync<'_>) -> Decision {
        let mut decision = Decision {
            current: 0,
            desired: sync.desired_before,
            scaled: false,
            utilization: None,
            proposed: None,
            metrics: Vec::new(),
            stabilized: None,
            limited: None,
            conditions: sync.conditions.to_vec(),
            reason: String::new(),
            error: None,
        };
        let scale = match sync.scale {
            Ok(scale) => scale,
            Err(e) => {
                let message =
                    format!("the HPA controller was unable to get the target's current scale: {e}");
                conditions::set(
                    &mut decision.conditions,
                    ABLE_TO_SCALE,
                    false,
                    "FailedGetScale",
                    message,
                );
                decision.error = Some(format!("failed to query scale subresource: {e}"));
                return decision;
            }
        };
        conditions::set(
            &mut decision.conditions,
            ABLE_TO_SCALE,
            true,
            "SucceededGetScale",
            "the HPA controller was able to get the target's current scale",
        );
        let current = scale.replicas;
        decision.current = current;
        self.recommendations.get_or_insert_with(|| {
            vec![Recommendation {
                replicas: current,
                at: sync.now,
            }]
        });

        let wanted = match self.want(&sync, scale, &mut decision) {
            Want::Stop => return decision,
            Want::Stay => current,
            Want::Replicas(wanted) => wanted,
        };
        self.rescale(&sync, current, wanted, &mut decision);
        decision
    }

    /// How many replicas it should be.
    fn want(&mut self, sync: &Sync<'_>, scale: Scale<'_>, decision: &mut Decision) -> Want {
        let current = scale.replicas;
        let (min, max) = (sync.spec.effective_min(), sync.spec.max_replicas);
        let at_zero =
            self.rules.scale_to_zero && conditions::is_true(&decision.conditions, SCALED_TO_ZERO);
        if current == 0 {
            let may_return = at_zero && (min != 0 || has_object_or_external(sync.spec));
            if !may_return {
                conditions::set(
                    &mut decision.conditions,
                    SCALING_ACTIVE,
                    false,
                    "ScalingDisabled",
                    "scaling is disabled since the replica count of the target is zero",
                );
                if !self.rules.scale_to_zero {
                    decision.conditions.retain(|c| c.kind != SCALED_TO_ZERO);
                }
                return Want::Stay;
            }
        } else if current > max {
            "Current number of replicas above Spec.MaxReplicas".clone_into(&mut decision.reason);
            return Want::Replicas(max);
        } else if current < min {
            "Current number of replicas below Spec.MinReplicas".clone_into(&mut decision.reason);
            return Want::Replicas(min);
        }

        let Some((proposed, metric)) = self.propose(sync, scale, decision) else {
            return Want::Stop;
        };
        decision.proposed = Some(proposed);
        let wanted = proposed.max(0);
        if wanted > current {
            // A proposal that is not above zero leaves the metric unnamed.
            let metric = if proposed > 0 { metric.as_str() } else { "" };
            decision.reason = format!("{metric} above target");
        }
        if wanted < current {
            "All metrics below target".clone_into(&mut decision.reason);
        }
        let mut wanted = self.normalize(sync, current, wanted, decision);
        if current == 0 && min != 0 && at_zero && wanted < min {
            wanted = min;
            if decision.reason.is_empty() {
                "Current number of replicas below Spec.MinReplicas"
                    .clone_into(&mut decision.reason);
            }
        }
        Want::Replicas(wanted)
    }

    /// The largest proposal of the metrics, and the metric's name: `computeReplicasForMetrics`.
    fn propose(
        &self,
        sync: &Sync<'_>,
        scale: Scale<'_>,
        decision: &mut Decision,
    ) -> Option<(i32, String)> {
        if let Err((reason, condition, error)) = check_selector(sync, scale.selector) {
            conditions::set(
                &mut decision.conditions,
                SCALING_ACTIVE,
                false,
                reason,
                condition,
            );
            decision.error = Some(error);
            return None;
        }
        let (mut replicas, mut name) = (0, String::new());
        let mut failed = 0;
        let mut first_failure = None;
        for spec in &sync.spec.metrics {
            match self.metric(sync, scale.replicas, spec) {
                Ok(proposal) => {
                    if replicas == 0 || proposal.replicas > replicas {
                        replicas = proposal.replicas;
                        name = metric_name(spec);
                    }
                    decision.metrics.push((spec.clone(), Ok(proposal)));
                }
                Err(MetricFailure {
                    reason,
                    cause,
                    error,
                }) => {
                    failed += 1;
                    decision.metrics.push((spec.clone(), Err(error.clone())));
                    first_failure.get_or_insert((reason, cause, error));
                }
            }
        }
        decision.utilization = decision
            .metrics
            .iter()
            .find_map(|(spec, outcome)| match outcome {
                Ok(proposal) if spec.name == "cpu" => proposal.utilization,
                _ => None,
            });
        let all = sync.spec.metrics.len();
        if let Some((reason, cause, error)) = first_failure {
            decision.error = Some(format!(
                "invalid metrics ({failed} invalid out of {all}), first error is: {error}"
            ));
            if failed >= all || replicas < scale.replicas {
                let message = format!("the HPA was unable to compute the replica count: {cause}");
                conditions::set(
                    &mut decision.conditions,
                    SCALING_ACTIVE,
                    false,
                    reason,
                    message,
                );
                return None;
            }
        }
        let message =
            format!("the HPA was able to successfully calculate a replica count from {name}");
        conditions::set(
            &mut decision.conditions,
            SCALING_ACTIVE,
            true,
            "ValidMetricFound",
            message,
        );
        Some((replicas, name))
    }

    /// One metric's proposal: `computeReplicasForMetric`.
    fn metric(
        &self,
        sync: &Sync<'_>,
        current: i32,
        spec: &MetricSpec,
    ) -> Result<Proposal, MetricFailure> {
        let container = match spec.kind.as_str() {
            "Resource" => None,
            "ContainerResource" => Some(spec.container.as_deref().unwrap_or_default()),
            _ => return Err(other_metric(spec, sync.other_metrics_error)),
        };
        let scene = Scene {
            now: sync.now,
            settings: &self.settings,
            rules: self.rules,
            pods: sync.pods,
            metrics: sync.metrics,
        };
        let ask = Ask {
            current,
            resource: &spec.name,
            container,
            tolerances: self.tolerances(sync.spec),
        };
        let outcome = match (spec.average_value_milli, spec.average_utilization) {
            (Some(target), _) => proposal::value_replicas(scene, ask, target)
                .map_err(|e| format!("failed to get {} usage: {e}", spec.name)),
            (None, Some(target)) => proposal::utilization_replicas(scene, ask, target)
                .map_err(|e| format!("failed to get {} utilization: {e}", spec.name)),
            (None, None) => Err(
                "invalid resource metric source: neither an average utilization target \
                                 nor an average value (usage) target was set"
                    .to_owned(),
            ),
        };
        outcome.map_err(|cause| match container {
            None => MetricFailure {
                reason: "FailedGetResourceMetric",
                error: format!("failed to get {} resource metric value: {cause}", spec.name),
                cause,
            },
            Some(container) => MetricFailure {
                reason: "FailedGetContainerResourceMetric",
                error: format!("failed to get {container} container metric value: {cause}"),
                cause,
            },
        })
    }

    /// `tolerancesForHpa`.
    fn tolerances(&self, spec: &AutoscalerSpec) -> Tolerances {
        let behavior = spec
            .behavior
            .as_ref()
            .filter(|_| self.rules.configurable_tolerance);
        let of = |rules: Option<&crate::spec::ScalingRules>| {
            rules
                .and_then(|r| r.tolerance)
                .unwrap_or(self.settings.tolerance)
        };
        Tolerances {
            scale_up: of(behavior.and_then(|b| b.scale_up.as_ref())),
            scale_down: of(behavior.and_then(|b| b.scale_down.as_ref())),
        }
    }

    /// Stabilization and limits, on the path that the spec chooses.
    fn normalize(
        &mut self,
        sync: &Sync<'_>,
        current: i32,
        wanted: i32,
        decision: &mut Decision,
    ) -> i32 {
        let now = sync.now;
        let (min, max) = (sync.spec.effective_min(), sync.spec.max_replicas);
        let history = self.recommendations.get_or_insert_default();
        let (stabilized, reason, limited) = match &sync.spec.behavior {
            None => {
                let window = self.settings.downscale_stabilization;
                let stabilized = normalize::stabilize_legacy(history, wanted, now, window);
                remember(history, wanted, now, |r| r.at < before(now, window));
                let limited =
                    normalize::limit_legacy(current, stabilized, min, max, &self.settings);
                (stabilized, "ScaleDownStabilized", limited)
            }
            Some(behavior) => {
                let full = FullBehavior::of(behavior, &self.settings);
                let (up, down) = (full.up.window, full.down.window);
                let stabilized = normalize::stabilize(history, current, wanted, now, up, down);
                let longest = before(now, up.max(down));
                remember(history, wanted, now, |r| r.at < longest);
                let changes = Changes {
                    up: &self.ups,
                    down: &self.downs,
                };
                let limited =
                    normalize::limit(current, stabilized, (min, max), &full, changes, now);
                let reason = if wanted >= current {
                    "ScaleUpStabilized"
                } else {
                    "ScaleDownStabilized"
                };
                (stabilized, reason, limited)
            }
        };
        let (reason, message) = if stabilized == wanted {
            ("ReadyForNewScale", "recommended size matches current size")
        } else if reason == "ScaleUpStabilized" {
            (
                reason,
                "recent recommendations were lower than current one, applying the lowest recent recommendation",
            )
        } else {
            (
                reason,
                "recent recommendations were higher than current one, applying the highest recent recommendation",
            )
        };
        conditions::set(
            &mut decision.conditions,
            ABLE_TO_SCALE,
            true,
            reason,
            message,
        );
        let is_limited = limited.replicas != stabilized;
        let message = conditions::limited_message(limited.reason);
        conditions::set(
            &mut decision.conditions,
            SCALING_LIMITED,
            is_limited,
            limited.reason,
            message,
        );
        decision.stabilized = Some(stabilized);
        decision.limited = Some(limited);
        limited.replicas
    }

    /// Writes the target's size if it changes, and remembers the change.
    fn rescale(&mut self, sync: &Sync<'_>, current: i32, wanted: i32, decision: &mut Decision) {
        if wanted == current {
            decision.desired = current;
            return;
        }
        if let Some(e) = sync.update_error {
            let message = format!("the HPA controller was unable to update the target scale: {e}");
            conditions::set(
                &mut decision.conditions,
                ABLE_TO_SCALE,
                false,
                "FailedUpdateScale",
                message,
            );
            decision.error = Some(format!("failed to rescale: {e}"));
            return;
        }
        let message = format!("the HPA controller was able to update the target scale to {wanted}");
        conditions::set(
            &mut decision.conditions,
            ABLE_TO_SCALE,
            true,
            "SucceededRescale",
            message,
        );
        if let Some(behavior) = &sync.spec.behavior {
            let full = FullBehavior::of(behavior, &self.settings);
            let event = ScaleEvent {
                change: wanted.wrapping_sub(current).wrapping_abs(),
                at: sync.now,
            };
            let (events, rules) = if wanted > current {
                (&mut self.ups, &full.up)
            } else {
                (&mut self.downs, &full.down)
            };
            let cutoff = before(sync.now, normalize::longest_period(rules));
            replace_last(events, event, |e| e.at < cutoff);
        }
        if self.rules.scale_to_zero {
            let to_zero = current > 0
                && wanted == 0
                && sync.spec.effective_min() == 0
                && has_object_or_external(sync.spec);
            let (reason, message) = if to_zero {
                (
                    "ScaledToZero",
                    "the HPA controller scaled the workload to zero",
                )
            } else {
                (
                    "NotScaledToZero",
                    "the HPA controller did not scale the workload to zero",
                )
            };
            conditions::set(
                &mut decision.conditions,
                SCALED_TO_ZERO,
                to_zero,
                reason,
                message,
            );
        } else {
            decision.conditions.retain(|c| c.kind != SCALED_TO_ZERO);
        }
        decision.desired = wanted;
        decision.scaled = true;
    }
}

/// What the metrics and bounds lead to.
enum Want {
    /// Nothing could be computed; the status keeps what it had.
    Stop,
    /// Leave the target as it is.
    Stay,
    /// This many replicas.
    Replicas(i32),
}

/// Why a metric gave no proposal.
struct MetricFailure {
    /// The reason of the condition.
    reason: &'static str,
    /// What the condition's message ends with.
    cause: String,
    /// What the event and the sync's error say.
    error: String,
}

fn other_metric(spec: &MetricSpec, error: &str) -> MetricFailure {
    let name = &spec.name;
    let (reason, cause, prefix) = match spec.kind.as_str() {
        "Object" => (
            "FailedGetObjectMetric",
            format!("unable to get metric {name}: {error}"),
            "failed to get object metric value".to_owned(),
        ),
        "Pods" => (
            "FailedGetPodsMetric",
            format!("unable to get metric {name}: {error}"),
            "failed to get pods metric value".to_owned(),
        ),
        "External" => (
            "FailedGetExternalMetric",
            format!(
                "failed to get {name} external metric: unable to get external metric {name}: {error}"
            ),
            format!("failed to get {name} external metric value"),
        ),
        kind => {
            let cause = format!("unknown metric source type {kind:?}");
            return MetricFailure {
                reason: "InvalidMetricSourceType",
                error: cause.clone(),
                cause,
            };
        }
    };
    MetricFailure {
        reason,
        error: format!("{prefix}: {cause}"),
        cause,
    }
}

/// `validateAndParseSelector`: the reason and message of the condition, and the error.
fn check_selector(sync: &Sync<'_>, text: &str) -> Result<(), (&'static str, String, String)> {
    if text.is_empty() {
        let condition = "the HPA target's scale is missing a selector".to_owned();
        return Err((
            "InvalidSelector",
            condition,
            "selector is required".to_owned(),
        ));
    }
    let selector = Selector::parse(text).map_err(|e| {
        let message =
            format!("couldn't convert selector into a corresponding internal selector object: {e}");
        ("InvalidSelector", message.clone(), message)
    })?;
    let implied = selector.implied_labels();
    let shared = sync.other_selectors.iter().any(|other| {
        sync.pods.iter().any(|pod| {
            let mut labels = implied.clone();
            labels.extend(pod.extra_labels.clone());
            other.matches(&labels)
        })
    });
    if shared {
        let message = format!("pods by selector {text} are controlled by multiple HPAs");
        return Err(("AmbiguousSelector", message.clone(), message));
    }
    Ok(())
}

fn has_object_or_external(spec: &AutoscalerSpec) -> bool {
    spec.metrics
        .iter()
        .any(|m| m.kind == "Object" || m.kind == "External")
}

/// How the controller names a metric in its sentences.
fn metric_name(spec: &MetricSpec) -> String {
    let name = &spec.name;
    match (spec.average_value_milli, spec.kind.as_str()) {
        (Some(_), _) => format!("{name} resource"),
        (None, "ContainerResource") => {
            format!("{name} container resource utilization (percentage of request)")
        }
        (None, _) => format!("{name} resource utilization (percentage of request)"),
    }
}

/// Adds a recommendation as the controller does: in the place of the last outdated one.
fn remember(
    history: &mut Vec<Recommendation>,
    replicas: i32,
    at: Timestamp,
    outdated: impl Fn(&Recommendation) -> bool,
) {
    replace_last(history, Recommendation { replicas, at }, outdated);
}

fn replace_last<T>(list: &mut Vec<T>, new: T, outdated: impl Fn(&T) -> bool) {
    match list.iter().rposition(outdated) {
        Some(i) => list[i] = new,
        None => list.push(new),
    }
}
