//! A fleet at a glance: by cause, by namespace, by owner.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AutoscalerReport, weight};
use crate::findings::{Weight, catalog, rank};
use crate::verdict::Outcome;

/// A report's autoscalers in groups. Known and ignored findings are counted separately.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Groups {
    /// By finding, heaviest first.
    pub causes: Vec<Cause>,
    /// By namespace, those with the most faulty autoscalers first.
    pub namespaces: Vec<Part>,
    /// By owner label, in the same order. The entry without a name is for autoscalers without a label.
    pub owners: Vec<Part>,
}

/// A finding and the autoscalers that have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// The finding's name.
    pub id: String,
    /// How heavy it is.
    pub weight: Weight,
    /// The outcome it leads to.
    pub outcome: Outcome,
    /// What it means.
    pub meaning: Option<String>,
    /// What to do.
    pub fix: Option<String>,
    /// The autoscalers that have it, as `namespace/name`.
    pub autoscalers: Vec<String>,
}

/// The autoscalers of one namespace or one owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// The namespace, or the value of the owner label.
    pub name: Option<String>,
    /// The number of autoscalers.
    pub autoscalers: u64,
    /// How many of them have a fault.
    pub faulty: u64,
    /// The number of findings that the baseline has.
    pub known: u64,
    /// The number of ignored findings.
    pub ignored: u64,
    /// The findings, heaviest first.
    pub findings: Vec<Count>,
}

/// How many autoscalers have a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Count {
    /// The finding's name.
    pub id: String,
    /// The number of autoscalers.
    pub autoscalers: u64,
}

impl Groups {
    /// Groups the autoscalers.
    pub fn of(autoscalers: &[AutoscalerReport]) -> Self {
        Self {
            causes: causes(autoscalers),
            namespaces: parts(autoscalers, |a| Some(a.namespace.as_str())),
            owners: parts(autoscalers, |a| a.owner.as_deref()),
        }
    }
}

fn causes(autoscalers: &[AutoscalerReport]) -> Vec<Cause> {
    let mut causes: BTreeMap<(usize, &str), Cause> = BTreeMap::new();
    for autoscaler in autoscalers {
        for finding in &autoscaler.findings {
            let id = finding.id.as_str();
            let cause = causes.entry(place(id)).or_insert_with(|| Cause {
                id: id.to_owned(),
                weight: weight(finding),
                outcome: finding.outcome,
                meaning: meaning(id),
                fix: finding.fix.clone(),
                autoscalers: Vec::new(),
            });
            cause.autoscalers.push(autoscaler.full_name());
        }
    }
    causes.into_values().collect()
}

/// By precedence; names unknown to this version come last.
fn place(id: &str) -> (usize, &str) {
    (rank(id).unwrap_or(usize::MAX), id)
}

fn meaning(id: &str) -> Option<String> {
    let finding = catalog::ALL.get(rank(id)?)?;
    Some(finding.meaning.to_owned())
}

fn parts<'a>(
    autoscalers: &'a [AutoscalerReport],
    name: impl Fn(&'a AutoscalerReport) -> Option<&'a str>,
) -> Vec<Part> {
    let mut members: BTreeMap<Option<&str>, Vec<&AutoscalerReport>> = BTreeMap::new();
    for autoscaler in autoscalers {
        members
            .entry(name(autoscaler))
            .or_default()
            .push(autoscaler);
    }
    let mut parts: Vec<Part> = members
        .into_iter()
        .map(|(name, members)| part(name, &members))
        .collect();
    // The sort is stable, so equal entries stay in order of name.
    parts.sort_by_key(|part| std::cmp::Reverse(part.faulty));
    parts
}

fn part(name: Option<&str>, members: &[&AutoscalerReport]) -> Part {
    let mut counts: BTreeMap<(usize, &str), u64> = BTreeMap::new();
    for finding in members.iter().flat_map(|a| &a.findings) {
        *counts.entry(place(&finding.id)).or_default() += 1;
    }
    let total = |of: fn(&AutoscalerReport) -> usize| members.iter().map(|a| of(a) as u64).sum();
    Part {
        name: name.map(str::to_owned),
        autoscalers: members.len() as u64,
        faulty: total(|a| usize::from(!a.is_healthy())),
        known: total(|a| a.known.len()),
        ignored: total(|a| a.ignored.len()),
        findings: counts
            .into_iter()
            .map(|((_, id), autoscalers)| Count {
                id: id.to_owned(),
                autoscalers,
            })
            .collect(),
    }
}
