//! The settings to try, and every combination of them.

use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sim::Scenario;
use crate::spec::{AutoscalerSpec, PolicyKind, ScalingPolicy, ScalingRules};
use crate::units::Millicores;

/// The settings to try. An empty list keeps a setting as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Grid {
    /// Lower bounds.
    pub min_replicas: Vec<i32>,
    /// Upper bounds.
    #[serde(default)]
    pub max_replicas: Vec<i32>,
    /// CPU targets in percent.
    pub target_percent: Vec<i32>,
    /// Scale-down windows in seconds.
    pub window_seconds: Vec<i32>,
    /// Rate limits for scale-up.
    pub policies: Vec<ScaleUpPolicy>,
    /// CPU requests.
    pub requests: Vec<Millicores>,
}

/// A rate limit for scale-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScaleUpPolicy {
    /// No `behavior`, which has a limit of its own: twice the pods per sync, or 4.
    Legacy,
    /// `behavior` with the API's defaults: 4 pods or 100 % in 15 s.
    Default,
    /// One policy.
    Only(ScalingPolicy),
}

impl FromStr for ScaleUpPolicy {
    type Err = String;

    /// Parses `legacy`, `default`, `pods=4/15s` or `percent=100/15s`.
    fn from_str(text: &str) -> Result<Self, String> {
        let policy = || {
            let (kind, rest) = text.split_once('=')?;
            let kind = match kind {
                "pods" => PolicyKind::Pods,
                "percent" => PolicyKind::Percent,
                _ => return None,
            };
            let (value, period) = rest.split_once('/')?;
            let period = program_common::duration::parse(period).ok()?.as_secs();
            let (value, period_seconds) = (value.parse().ok()?, i32::try_from(period).ok()?);
            (value > 0 && (1..=1800).contains(&period_seconds)).then_some(Self::Only(
                ScalingPolicy {
                    kind,
                    value,
                    period_seconds,
                },
            ))
        };
        match text {
            "legacy" => Ok(Self::Legacy),
            "default" => Ok(Self::Default),
            _ => policy().ok_or_else(|| {
                format!(
                    "`{text}` is not a policy: write legacy, default, pods=4/15s or percent=100/15s"
                )
            }),
        }
    }
}

/// The settings that vary.
#[derive(Debug, Clone)]
pub(super) struct Combination {
    pub(super) spec: AutoscalerSpec,
    pub(super) request: Millicores,
    pub(super) policy: Option<ScaleUpPolicy>,
}

impl Combination {
    pub(super) fn of(scenario: &Scenario) -> Self {
        Self {
            spec: scenario.spec.clone(),
            request: scenario.pod.request,
            policy: None,
        }
    }

    pub(super) fn apply(&self, scenario: &Scenario) -> Scenario {
        let mut changed = scenario.clone();
        changed.spec = self.spec.clone();
        changed.pod.request = self.request;
        changed
    }

    /// How many settings differ from these. A spec without a scale-down window has the controller's.
    pub(super) fn changes(&self, now: &Self, window: Duration) -> usize {
        let behavior = |of: &Self| of.spec.behavior.clone();
        let up = |of: &Self| behavior(of).and_then(|behavior| behavior.scale_up);
        let down = |of: &Self| {
            let seconds = of.window_seconds().map(u64::try_from);
            seconds.map_or(window, |s| Duration::from_secs(s.unwrap_or_default()))
        };
        [
            self.spec.effective_min() != now.spec.effective_min(),
            self.spec.max_replicas != now.spec.max_replicas,
            self.spec.cpu_target_percent() != now.spec.cpu_target_percent(),
            self.request != now.request,
            up(self) != up(now) || behavior(self).is_some() != behavior(now).is_some(),
            down(self) != down(now),
        ]
        .into_iter()
        .filter(|differs| *differs)
        .count()
    }

    /// The scale-down window, if the spec sets one.
    pub(super) fn window_seconds(&self) -> Option<i32> {
        let down = self.spec.behavior.as_ref()?.scale_down.as_ref()?;
        down.stabilization_window_seconds
    }
}

/// Every valid combination: those with a minimum above the maximum are left out.
pub(super) fn combinations(scenario: &Scenario, grid: &Grid) -> Vec<Combination> {
    let mut all = vec![Combination::of(scenario)];
    all = each(all, &grid.policies, |s, policy| {
        let behavior = &mut s.spec.behavior;
        s.policy = Some(*policy);
        match policy {
            ScaleUpPolicy::Legacy => *behavior = None,
            ScaleUpPolicy::Default => behavior.get_or_insert_default().scale_up = None,
            ScaleUpPolicy::Only(policy) => {
                let rules = behavior
                    .get_or_insert_default()
                    .scale_up
                    .get_or_insert_default();
                rules.policies = Some(vec![*policy]);
            }
        }
    });
    all = each(all, &grid.window_seconds, |s, window| {
        let down = s.spec.behavior.get_or_insert_default();
        let rules: &mut ScalingRules = down.scale_down.get_or_insert_default();
        rules.stabilization_window_seconds = Some(*window);
    });
    all = each(all, &grid.min_replicas, |s, min| {
        s.spec.min_replicas = Some(*min);
    });
    all = each(all, &grid.max_replicas, |s, max| s.spec.max_replicas = *max);
    all = each(all, &grid.target_percent, |s, target| {
        s.spec.set_utilization(*target);
    });
    all = each(all, &grid.requests, |s, request| s.request = *request);
    all.retain(|s| s.spec.effective_min() <= s.spec.max_replicas);
    all
}

fn each<T>(
    all: Vec<Combination>,
    values: &[T],
    change: impl Fn(&mut Combination, &T),
) -> Vec<Combination> {
    if values.is_empty() {
        return all;
    }
    let mut more = Vec::with_capacity(all.len() * values.len());
    for one in all {
        for value in values {
            let mut changed = one.clone();
            change(&mut changed, value);
            more.push(changed);
        }
    }
    more
}
