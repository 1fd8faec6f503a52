//! CPU of a fixed set of nodes, and which of them a pod may use.
//!
//! Source: the scheduler's plugins `nodeaffinity`, `tainttoleration` and `defaultpreemption`. What is in doubt counts
//! as room: a bound that is too high costs a warning, but one that is too low would condemn a good cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::PodSnapshot;
use crate::model::counted::whole_request;
use crate::model::selector::Selector;
use crate::units::Millicores;

/// The label with a node's operating system.
pub const OS: &str = "kubernetes.io/os";

/// Taints that the cluster itself sets and may lift any moment: a cordon, pressure, a node that does not answer.
const PASSING: [&str; 2] = ["node.kubernetes.io/", "node.cloudprovider.kubernetes.io/"];

/// The most nodes that evidence names.
const NAMED: usize = 3;

/// CPU of a fixed set of nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Room {
    /// The nodes.
    pub nodes: Vec<NodeRoom>,
}

/// CPU of one node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeRoom {
    /// Its name.
    pub name: String,
    /// Its labels, and its name as the label `metadata.name`.
    pub labels: BTreeMap<String, String>,
    /// Its taints that keep pods away.
    pub taints: Vec<Taint>,
    /// CPU that it can give to pods.
    pub allocatable: Millicores,
    /// CPU requested by the pods on it, by their priority.
    pub requested: BTreeMap<i32, Millicores>,
}

/// A taint with the effect `NoSchedule` or `NoExecute`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value; may be empty.
    pub value: String,
    /// Its effect.
    pub effect: String,
}

/// A toleration of a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Toleration {
    /// The taint's key; empty for any.
    pub key: String,
    /// `Exists`, `Equal` or empty for `Equal`.
    pub operator: String,
    /// The taint's value, for `Equal`.
    pub value: String,
    /// The taint's effect; empty for any.
    pub effect: String,
}

/// Which nodes a pod may use, by its spec.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Placement {
    /// `spec.os.name`.
    pub os: Option<String>,
    /// Selectors in text form, of which a node has to match one; none if any node will do.
    pub nodes: Vec<String>,
    /// `spec.tolerations`.
    pub tolerations: Vec<Toleration>,
    /// `spec.priority`: the pod may displace pods of a lower one.
    pub priority: i32,
}

impl Toleration {
    fn covers(&self, taint: &Taint) -> bool {
        let is_any_or = |own: &str, other: &str| own.is_empty() || own == other;
        let value = match self.operator.as_str() {
            "" | "Equal" => self.value == taint.value,
            _ => true,
        };
        is_any_or(&self.effect, &taint.effect) && is_any_or(&self.key, &taint.key) && value
    }
}

/// A placement with its selectors parsed once for all nodes; one that can't be parsed is `None`.
struct Parsed<'a> {
    placement: &'a Placement,
    nodes: Vec<Option<Selector>>,
}

impl<'a> From<&'a Placement> for Parsed<'a> {
    fn from(placement: &'a Placement) -> Self {
        let parsed = placement
            .nodes
            .iter()
            .map(|text| Selector::parse(text).ok());
        Self {
            placement,
            nodes: parsed.collect(),
        }
    }
}

impl NodeRoom {
    /// Why a pod can't use it, if it can't.
    fn bars(&self, pod: &Parsed<'_>, os: Option<&str>) -> Option<String> {
        let own = self.labels.get(OS).map(String::as_str);
        if let (Some(own), Some(wanted)) = (own, pod.placement.os.as_deref().or(os))
            && own != wanted
        {
            return Some(format!("its operating system is {own}"));
        }
        let fits = |one: &Option<Selector>| one.as_ref().is_none_or(|s| s.matches(&self.labels));
        if !pod.nodes.is_empty() && !pod.nodes.iter().any(fits) {
            return Some("the pods' node selector or affinity excludes it".to_owned());
        }
        let stays = |taint: &&Taint| !PASSING.iter().any(|prefix| taint.key.starts_with(prefix));
        let mut taints = self.taints.iter().filter(stays);
        let tolerations = &pod.placement.tolerations;
        let taint = taints.find(|taint| !tolerations.iter().any(|t| t.covers(taint)))?;
        let Taint { key, value, effect } = taint;
        let value = Some(value).filter(|value| !value.is_empty());
        let value = value.map_or_else(String::new, |value| format!("={value}"));
        Some(format!("taint {key}{value}:{effect}"))
    }

    /// CPU that pods of this priority can have on it, of which its pods `own` millicores already.
    fn left(&self, priority: i32, own: i64) -> i64 {
        let taken = self.requested.range(priority..).map(|(_, cpu)| cpu.0);
        let others = (taken.sum::<i64>() - own).max(0);
        (self.allocatable.0 - others).max(0)
    }
}

impl Room {
    /// CPU that these pods of one scale target can have, with what they have already, and how that is known.
    pub fn of(&self, pods: &[&PodSnapshot]) -> (Millicores, String) {
        let placements: BTreeSet<&Placement> =
            pods.iter().map(|p| Arc::as_ref(&p.placement)).collect();
        let os = self.os_of(pods);
        let priority = placements
            .iter()
            .map(|p| p.priority)
            .max()
            .unwrap_or_default();
        let mut own: BTreeMap<&str, i64> = BTreeMap::new();
        for pod in pods {
            if let (Some(node), Some(cpu)) = (&pod.node, whole_request(&pod.pod, "cpu")) {
                *own.entry(node).or_default() += cpu;
            }
        }
        let placements: Vec<Parsed<'_>> = placements.into_iter().map(Into::into).collect();
        let (mut total, mut allocatable, mut requested) = (0, 0, 0);
        let mut barred = Vec::new();
        for node in &self.nodes {
            let own = own.remove(node.name.as_str()).unwrap_or_default();
            let mut bars = placements.iter().map(|pod| node.bars(pod, os));
            // A node counts if any of the pods may use it. Pods that are there from before stay.
            let why = bars
                .next()
                .flatten()
                .filter(|_| bars.all(|bar| bar.is_some()));
            if let Some(why) = why {
                total += own;
                barred.push(format!("{} ({why})", node.name));
                continue;
            }
            total += node.left(priority, own);
            allocatable += node.allocatable.0;
            requested += node.requested.values().map(|cpu| cpu.0).sum::<i64>();
        }
        // Pods on nodes that were not there when the nodes were read.
        total += own.values().sum::<i64>();
        let (allocatable, requested) = (Millicores(allocatable), Millicores(requested));
        let mut how = format!("nodes: {allocatable} allocatable, {requested} requested");
        if !barred.is_empty() {
            let (count, all) = (barred.len(), self.nodes.len());
            let more = if count > NAMED { ", …" } else { "" };
            barred.truncate(NAMED);
            how = format!(
                "{how}; {count} of {all} nodes don't count: {}{more}",
                barred.join(", ")
            );
        }
        (Millicores(total), how)
    }

    /// The operating system of the nodes on which the ready pods run: their images run on no other.
    fn os_of(&self, pods: &[&PodSnapshot]) -> Option<&str> {
        let ready = pods.iter().filter(|p| p.pod.is_ready());
        let homes: BTreeSet<&str> = ready.filter_map(|p| p.node.as_deref()).collect();
        let homes = self
            .nodes
            .iter()
            .filter(|node| homes.contains(node.name.as_str()));
        let mut all = homes.map(|node| node.labels.get(OS).map(String::as_str));
        let first = all.next().flatten()?;
        all.all(|os| os == Some(first)).then_some(first)
    }
}
