//! A decision in one sentence, with the arithmetic to the replica.

use std::fmt::Write as _;

use super::proposal::Proposal;
use super::reconcile::Decision;
use crate::spec::MetricSpec;
use crate::units::Millicores;

impl Decision {
    /// Such as "wants 7: 3 ready pods average 92 % of 100m (ratio 1.84) → 6; …".
    pub fn explain(&self) -> String {
        let mut text = match self.metrics.iter().find(|(spec, _)| spec.name == "cpu") {
            Some((spec, Ok(proposal))) => arithmetic(spec, proposal, self.current),
            Some((_, Err(error))) => format!("no proposal: {error}"),
            None => match &self.error {
                Some(error) => format!("no proposal: {error}"),
                None if self.reason.is_empty() => {
                    format!("{} replicas, and no metric was asked", self.current)
                }
                None => self.reason.clone(),
            },
        };
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
                "ScaleUpLimit" => "the limit of one step up",
                _ => "the limit of one step down",
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
}

fn arithmetic(spec: &MetricSpec, proposal: &Proposal, current: i32) -> String {
    let groups = &proposal.groups;
    let mut text = format!("{} average ", pods(groups.ready, "ready"));
    match (proposal.utilization, spec.average_utilization) {
        (Some(utilization), Some(target)) => {
            let request = i64::try_from(groups.ready.max(1)).map_or(0, |n| proposal.requested / n);
            let _ = write!(
                text,
                "{utilization} % of {} (target {target} %, ratio {:.2})",
                Millicores(request),
                proposal.ratio
            );
        }
        _ => {
            let _ = write!(
                text,
                "{} (ratio {:.2})",
                Millicores(proposal.raw_average),
                proposal.ratio
            );
        }
    }
    if let Some(second) = proposal.second_ratio {
        let assumed = match spec.average_utilization {
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
