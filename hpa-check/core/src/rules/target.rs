//! The wiring between the autoscaler, its target and the pods.

use super::{Case, Found, Rule, Weight};
use crate::findings::Finding;
use crate::observation::Fact;
use crate::verdict::Outcome;

pub(super) const AUTOSCALER_GONE: Rule = Rule {
    finding: Finding {
        id: "autoscaler-gone",
        outcome: Outcome::Wrong,
        meaning: "The autoscaler was deleted during the run.",
        fix: "Find out who deletes it, and run again.",
    },
    weight: Weight::Blocker,
    find: |case| {
        let gone = case.state.autoscaler_gone;
        let gone = gone.filter(|_| case.state.autoscaler.is_none())?;
        Some(Found::new(
            "the autoscaler was deleted during the run",
            [format!("deleted {}", case.clock(gone))],
        ))
    },
};

pub(super) const TARGET_NOT_FOUND: Rule = Rule {
    finding: Finding {
        id: "target-not-found",
        outcome: Outcome::Wrong,
        meaning: "The autoscaler's scaleTargetRef points at nothing that can be scaled.",
        fix: "Correct apiVersion (apps/v1 for a Deployment), kind and name of scaleTargetRef.",
    },
    weight: Weight::Blocker,
    find: |case| {
        let reference = case.spec().map(|s| &s.scale_target_ref);
        let name = reference.map_or_else(String::new, |r| {
            format!(" {} {}/{}", r.api_version, r.kind, r.name)
        });
        if let Some(("FailedGetScale", message)) = case.state.refusal("AbleToScale") {
            return Some(Found::new(
                format!("the scale target{name} can't be found"),
                [quoted("FailedGetScale", message)],
            ));
        }
        let gone = case.state.target_gone;
        let gone = gone.filter(|_| case.state.target.is_none())?;
        Some(Found::new(
            format!("the scale target{name} was deleted"),
            [format!("deleted {}", case.clock(gone))],
        ))
    },
};

pub(super) const SCALING_DISABLED: Rule = Rule {
    finding: Finding {
        id: "scaling-disabled",
        outcome: Outcome::Wrong,
        meaning: "The target has zero replicas, which switches the autoscaler off until somebody sets at least one.",
        fix: "Scale the target to its minimum once, and find out who set it to 0.",
    },
    weight: Weight::Blocker,
    find: |case| {
        (case.state.target.as_ref()?.spec_replicas == 0).then(|| {
            Found::new(
                "the target is scaled to 0, which switches the autoscaler off",
                ["target: spec.replicas 0".to_owned()],
            )
        })
    },
};

pub(super) const AMBIGUOUS_SELECTOR: Rule = Rule {
    finding: Finding {
        id: "ambiguous-selector",
        outcome: Outcome::Wrong,
        meaning: "Two autoscalers count the same pods, so the controller stops both.",
        fix: "Keep one autoscaler for each target, and labels that no other target shares.",
    },
    weight: Weight::Blocker,
    find: |case| {
        if let Some(("AmbiguousSelector", message)) = case.state.refusal("ScalingActive") {
            return Some(Found::new(
                "another autoscaler counts the same pods, and the controller stopped both",
                [quoted("AmbiguousSelector", message)],
            ));
        }
        let reference = &case.spec()?.scale_target_ref;
        let ours = format!("{}/{}", reference.kind, reference.name);
        case.state.facts.iter().find_map(|fact| match fact {
            Fact::OtherAutoscaler { name, target } if *target == ours => Some(Found::new(
                format!("the autoscaler {name} scales {ours} too"),
                [format!("autoscaler {name}: scaleTargetRef {target}")],
            )),
            _ => None,
        })
    },
};

pub(super) const INVALID_SELECTOR: Rule = Rule {
    finding: Finding {
        id: "invalid-selector",
        outcome: Outcome::Wrong,
        meaning: "The target's scale subresource reports no selector that can be used.",
        fix: "Have the target's kind report `status.selector` in its scale subresource.",
    },
    weight: Weight::Blocker,
    find: |case| match case.state.refusal("ScalingActive") {
        Some((reason @ ("InvalidSelector" | "SelectorRequired"), message)) => Some(Found::new(
            "the target's scale subresource reports no usable selector",
            [quoted(reason, message)],
        )),
        _ => None,
    },
};

pub(super) const FOREIGN_PODS: Rule = Rule {
    finding: Finding {
        id: "selector-matches-others",
        outcome: Outcome::Wrong,
        meaning: "The selector also matches pods of other owners, and the autoscaler averages over them.",
        fix: "Give the target's pods a label that no other pod has, and select by it.",
    },
    weight: Weight::Blocker,
    find: foreign_pods,
};

fn foreign_pods(case: &Case<'_>) -> Option<Found> {
    let name = &case.spec()?.scale_target_ref.name;
    let ours = |owner: &str| {
        let owner = owner.rsplit_once('/').map_or(owner, |(_, name)| name);
        owner == name
            || owner
                .strip_prefix(name.as_str())
                .is_some_and(|r| r.starts_with('-'))
    };
    let living = case.state.pods.values().filter(|p| p.lives());
    let foreign: Vec<String> = living
        .filter_map(|p| {
            let owner = p.pod.owner.as_deref().filter(|owner| !ours(owner))?;
            Some(format!("pod {} belongs to {owner}", p.pod.name))
        })
        .collect();
    (!foreign.is_empty()).then(|| {
        let count = foreign.len();
        Found::new(
            format!("the selector matches {count} pods that do not belong to {name}"),
            foreign,
        )
    })
}

pub(super) const RESCALE_FAILED: Rule = Rule {
    finding: Finding {
        id: "rescale-failed",
        outcome: Outcome::Surroundings,
        meaning: "The controller decided, and was not allowed to write the target's size.",
        fix: "Find the admission webhook, quota or RBAC rule that the message names.",
    },
    weight: Weight::Cause,
    find: |case| match case.state.refusal("AbleToScale") {
        Some(("FailedUpdateScale", message)) if !case.complete() => Some(Found::new(
            "the controller could not write the target's size",
            [quoted("FailedUpdateScale", message)],
        )),
        _ => None,
    },
};

fn quoted(reason: &str, message: &str) -> String {
    format!("condition {reason}: {message}")
}
