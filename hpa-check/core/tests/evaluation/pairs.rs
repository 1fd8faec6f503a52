//! The truth table: for every finding a broken run that ends in it, and a healthy run that differs in one
//! respect and passes.

use std::collections::BTreeMap;

use hpa_check_core::findings::catalog;
use hpa_check_core::judge;
use hpa_check_core::verdict::Outcome;

use super::world::{World, healthy};
use super::{environment, flags, keda, lifecycle, limits, nodes, setup, writers, wrong};

/// A healthy run, and the one change that breaks it.
pub(crate) struct Pair {
    pub finding: &'static str,
    pub healthy: World,
    pub breaks: fn(&mut World),
}

impl Pair {
    pub(crate) fn broken(&self) -> World {
        let mut world = self.healthy.clone();
        (self.breaks)(&mut world);
        world
    }
}

/// A run of `healthy()` with one change that breaks it.
pub(crate) fn pair(finding: &'static str, breaks: fn(&mut World)) -> Pair {
    beside(healthy(), finding, breaks)
}

/// A run with one change that breaks it, and the healthy run made for it.
pub(crate) fn beside(healthy: World, finding: &'static str, breaks: fn(&mut World)) -> Pair {
    Pair {
        finding,
        healthy,
        breaks,
    }
}

fn table() -> Vec<Pair> {
    let tables = [
        setup::pairs(),
        environment::pairs(),
        wrong::pairs(),
        limits::pairs(),
        keda::pairs(),
        nodes::pairs(),
        flags::pairs(),
        lifecycle::pairs(),
        writers::pairs(),
    ];
    tables.into_iter().flatten().collect()
}

#[test]
fn each_broken_run_ends_in_its_finding_with_evidence() {
    let known: BTreeMap<&str, Outcome> = catalog::ALL.iter().map(|f| (f.id, f.outcome)).collect();
    let mut others = Vec::new();
    for pair in table() {
        let verdict = pair.broken().result().verdict;
        let outcome = known[pair.finding];
        let code = match pair.finding {
            "interrupted" => 105,
            _ => outcome.exit_code(),
        };
        let first = &verdict.reasons[0];
        let named = first.id == pair.finding && first.outcome == outcome;
        let shown = !first.evidence.is_empty() && first.fix.is_some();
        let ended = (verdict.outcome, verdict.exit_code) == (outcome, code);
        if !(named && shown && ended) {
            others.push((pair.finding, verdict));
        }
    }
    assert!(others.is_empty(), "{others:#?}");
}

#[test]
fn its_healthy_counterpart_passes() {
    let mut others = Vec::new();
    for pair in table() {
        let verdict = pair.healthy.result().verdict;
        if verdict.outcome != Outcome::Pass {
            others.push((pair.finding, verdict));
        }
    }
    assert!(others.is_empty(), "{others:#?}");
}

#[test]
fn every_finding_except_the_proofs_of_a_pass_has_its_pair() {
    let proofs = healthy().result().verdict.reasons;
    let mut covered: Vec<&str> = proofs.iter().map(|r| r.id.as_str()).collect();
    let pairs = table();
    covered.extend(pairs.iter().map(|pair| pair.finding));
    // A test next to `docs/findings.md` keeps it equal to this list.
    for finding in judge::findings_of_a_run() {
        assert!(covered.contains(&finding.id), "{} has no pair", finding.id);
    }
}
