//! What is wrong with autoscalers, from what the API shows at one look, or at two: no load, no watch.
//!
//! ```text
//! ClusterFacts ─ Patient (one autoscaler, its target, its pods, their use) ─ checks, ranked ─ Examination
//! ```
//!
//! The names of the findings are those of a run wherever the same thing is found.

mod checks;
mod examination;
pub mod facts;
mod index;
mod patient;

use std::collections::BTreeSet;

pub use examination::{Asked, Examination, Examined, SCHEMA, Unseen};

use crate::findings::{Evidence, catalog, rank};
use crate::verdict::{Outcome, Reason};
use checks::{CHECKS, Check, Weight};
use facts::ClusterFacts;
use index::Index;
use patient::Patient;

/// What one autoscaler was found to have, the weightiest first.
#[derive(Debug, Clone, PartialEq)]
struct Ranked {
    rank: usize,
    reason: Reason,
}

/// Examines every autoscaler of the facts. `earlier` is a look some seconds before; without it, what
/// only shows by moving is judged by what one look can tell, or not at all.
pub fn examine(facts: &ClusterFacts, earlier: Option<&ClusterFacts>, asked: &Asked) -> Examination {
    let mut patients = Vec::new();
    let mut weightiest: Option<(usize, Outcome)> = None;
    let mut pods = 0;
    for (name, space) in &facts.namespaces {
        pods += space.pods.as_ref().map_or(0, Vec::len);
        let index = Index::of(space);
        let before = earlier.and_then(|look| Some((look, look.namespaces.get(name)?)));
        let wanted = |name: &String| asked.autoscaler.as_ref().is_none_or(|asked| asked == name);
        for scaler in space.autoscalers.iter().filter(|s| wanted(&s.name)) {
            let patient = Patient::new(facts, name, space, scaler, &index, before, asked);
            let found = check(&patient);
            if let Some(first) = found.first()
                && weightiest.is_none_or(|(rank, _)| first.rank < rank)
            {
                weightiest = Some((first.rank, first.reason.outcome));
            }
            patients.push(Examined::new(
                &patient,
                found.into_iter().map(|r| r.reason).collect(),
            ));
        }
    }
    let blind = facts.unseen.iter().any(|u| u.essential);
    let outcome = match weightiest.map(|(_, outcome)| outcome) {
        None | Some(Outcome::Pass) if blind => Outcome::Inconclusive,
        None => Outcome::Pass,
        Some(outcome) => outcome,
    };
    let spaces: BTreeSet<&str> = patients.iter().map(|p| p.namespace.as_str()).collect();
    Examination {
        schema: SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at: facts.at,
        kubernetes: facts.kubernetes.clone(),
        looks: if earlier.is_some() { 2 } else { 1 },
        outcome,
        exit_code: outcome.exit_code(),
        namespaces: spaces.len() as u64,
        pods: pods as u64,
        autoscalers: patients,
        unseen: facts.unseen.clone(),
    }
}

/// All checks on one autoscaler. A symptom is only asked for while no fault was found that would
/// explain it.
fn check(patient: &Patient<'_>) -> Vec<Ranked> {
    let mut found: Vec<Ranked> = Vec::new();
    for check in CHECKS {
        let explained = found.iter().any(|f| f.reason.outcome != Outcome::Pass);
        if check.weight == Weight::Symptom && explained {
            continue;
        }
        if let Some(what) = (check.find)(patient) {
            found.extend(named(check, what));
        }
    }
    found
}

fn named(check: &Check, found: Evidence) -> Option<Ranked> {
    let rank = rank(check.id)?;
    let reason = catalog::ALL[rank].reason(found);
    Some(Ranked { rank, reason })
}

#[cfg(test)]
mod tests;
