//! A decision in one sentence, with the arithmetic to the replica.

use std::fmt::Write as _;

use super::decision::{Decision, FallibleStep};
use super::metrics::is_larger;
use super::proposal::Proposal;
use crate::quantity::Quantity;
use crate::spec::{MetricSpec, MetricTarget};
use crate::units::{Bytes, Millicores};

impl Decision {
    /// Such as "3 ready pods average 92 % of 100m (target 50 %, ratio 1.84) → wants 6; …". If there are several
    /// metrics, the deciding one comes first, then what each of the others would ask for alone.
    pub fn explain(&self) -> String {
        let mut text = self.proposal();
        if let (Some(proposed), Some(stabilized)) = (self.proposed, self.stabilized)
            && stabilized != proposed.max(0)
        {
            let _ = write!(text, "; held at {stabilized} by earlier recommendations");
        }
        if let (Some(stabilized), Some(limited)) = (self.stabilized, self.limited)
            && limited.replicas != stabilized
        {
            let by = match limited.reason {
                "TooFewReplicas" => "the minimum",
                "TooManyReplicas" => "the maximum",
                "ScaleUpLimit" => "the scale-up limit",
                _ => "the scale-down limit",
            };
            let _ = write!(text, "; {by} makes it {}", limited.replicas);
        }
        if self.scaled {
            let _ = write!(text, "; scaled {} → {}", self.current, self.desired);
        } else {
            let _ = write!(text, "; stays at {}", self.current);
        }
        text
    }

    /// What the metrics ask for, and why.
    pub(crate) fn proposal(&self) -> String {
        match self.driver() {
            _ if self.failed_at == Some(FallibleStep::ComputeMetrics) => self.refusal(),
            Some((spec, proposal)) => {
                let mut text = String::new();
                if self.metrics.len() > 1 || !spec.is_cpu() {
                    let _ = write!(text, "{}: ", spec.source);
                }
                text.push_str(&arithmetic(spec, proposal, self.current));
                text.push_str(&self.beside(spec));
                text
            }
            None => match &self.error {
                Some(error) => format!("no proposal: {error}"),
                None if self.reason.is_empty() => {
                    format!("{} replicas, and no metric was evaluated", self.current)
                }
                None => self.reason.clone().into_owned(),
            },
        }
    }
}

/// Which metric decides, and what the others would ask for.
impl Decision {
    /// The metric with the largest proposal; the first one wins a tie, as in the controller.
    pub fn driver(&self) -> Option<(&MetricSpec, &Proposal)> {
        let good = self.metrics.iter();
        let good = good.filter_map(|(spec, outcome)| Some((spec, outcome.as_ref().ok()?)));
        good.reduce(|best, next| {
            if is_larger(next.1.replicas, best.1.replicas) {
                next
            } else {
                best
            }
        })
    }

    /// What every other metric would ask for, or why it can't.
    fn beside(&self, driver: &MetricSpec) -> String {
        let mut text = String::new();
        for (spec, outcome) in self.metrics.iter().filter(|(spec, _)| spec != driver) {
            let source = &spec.source;
            let _ = match outcome {
                Ok(proposal) => {
                    write!(text, "; {source} alone would ask for {}", proposal.replicas)
                }
                Err(error) => write!(text, "; {source} fails, which blocks scale-down: {error}"),
            };
        }
        text
    }

    /// Why there is no proposal although a metric may have one: a failed metric blocks scale-down.
    fn refusal(&self) -> String {
        let error = self.error.as_deref().unwrap_or_default();
        match self.driver() {
            Some((spec, proposal)) => format!(
                "no scale-down to the {} that {} alone would ask for, because another metric fails: {error}",
                proposal.replicas, spec.source
            ),
            None => format!("no proposal: {error}"),
        }
    }
}

/// The value against the target, such as `46 of 50 %`.
fn level(spec: &MetricSpec, proposal: &Proposal) -> String {
    let shown = |milli| amount(spec, milli);
    match spec.target {
        MetricTarget::Utilization(target) => {
            format!("{} of {target} %", proposal.utilization.unwrap_or_default())
        }
        MetricTarget::AverageValue(target) => format!(
            "{} of {} per pod",
            shown(proposal.raw_average),
            shown(target.milli())
        ),
        MetricTarget::Value(target) => format!(
            "{} of {}",
            shown(proposal.total.unwrap_or_default()),
            shown(target.milli())
        ),
        MetricTarget::Missing => "no target".to_owned(),
    }
}

/// An amount in thousandths, shown in the metric's unit.
fn amount(spec: &MetricSpec, milli: i64) -> String {
    match spec.resource() {
        Some(("cpu", _)) => Millicores(milli).to_string(),
        Some(("memory", _)) => shown_bytes(milli),
        _ => Quantity::from_milli(milli).to_string(),
    }
}

/// Bytes for display: whole mebibytes if the amount is large.
fn shown_bytes(milli: i64) -> String {
    const MEBI: i64 = 1024 * 1024 * 1000;
    let rounded = if milli >= 10 * MEBI {
        milli / MEBI * MEBI
    } else {
        milli / 1000 * 1000
    };
    Bytes(Quantity::from_milli(rounded)).to_string()
}

fn arithmetic(spec: &MetricSpec, proposal: &Proposal, current: i32) -> String {
    let groups = &proposal.groups;
    let ratio = proposal.ratio;
    let mut text = match (proposal.utilization, spec.utilization()) {
        (Some(utilization), Some(target)) => {
            let request = i64::try_from(groups.ready.max(1)).map_or(0, |n| proposal.requested / n);
            format!(
                "{} average {utilization} % of {} (target {target} %, ratio {ratio:.2})",
                pods(groups.ready, "ready"),
                amount(spec, request),
            )
        }
        _ if spec.source.is_object_or_external() => {
            format!("{} (ratio {ratio:.2})", level(spec, proposal))
        }
        _ => format!(
            "{} average {} (ratio {ratio:.2})",
            pods(groups.ready, "ready"),
            amount(spec, proposal.raw_average),
        ),
    };
    if proposal.from_status {
        text.push_str(", from the status only");
    }
    if let Some(second) = proposal.second_ratio {
        let assumed = match spec.utilization() {
            _ if proposal.ratio > 1.0 => "0",
            Some(target) if target <= 100 => "its full request",
            _ => "the target",
        };
        // At a ratio of exactly 1 nothing is assumed.
        #[expect(
            clippy::float_cmp,
            reason = "the controller asks for exactly 1 as well"
        )]
        let guessed = proposal.ratio != 1.0;
        if guessed && !groups.missing.is_empty() {
            let _ = write!(
                text,
                ", {} counted as {assumed}",
                pods(groups.missing.len(), "missing")
            );
        }
        if !groups.unready.is_empty() && proposal.ratio > 1.0 {
            let _ = write!(
                text,
                ", {} counted as 0",
                pods(groups.unready.len(), "unready")
            );
        }
        let _ = write!(text, " (then ratio {second:.2})");
    }
    if proposal.replicas == current {
        let _ = write!(text, " → keep {current}");
    } else {
        let _ = write!(text, " → wants {}", proposal.replicas);
    }
    text
}

fn pods(count: usize, kind: &str) -> String {
    format!("{count} {kind} pod{}", if count == 1 { "" } else { "s" })
}
