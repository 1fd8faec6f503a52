//! The wiring between the autoscaler, its target and the pods.

use super::rule::{Find, Rule, Weight};
use super::run_only::run::RunView;
use crate::findings::{Evidence, catalog};
use crate::observation::Fact;

pub(super) const RULES: &[Rule] = &[
    AUTOSCALER_GONE,
    TARGET_NOT_FOUND,
    TARGET_NOT_SCALABLE,
    SCALE_UNREADABLE,
    SCALING_DISABLED,
    AMBIGUOUS_SELECTOR,
    INVALID_SELECTOR,
    SELECTOR_MATCHES_OTHERS,
    RESCALE_FAILED,
];

const AUTOSCALER_GONE: Rule = Rule {
    finding: &catalog::AUTOSCALER_GONE,
    weight: Weight::Blocker,
    find: Find::Run(|run| {
        let gone = run.state.autoscaler_gone;
        let gone = gone.filter(|_| run.state.autoscaler.is_none())?;
        Some(Evidence::new(
            "the autoscaler was deleted during the run",
            [format!("deleted {}", run.clock(gone))],
        ))
    }),
};

const TARGET_NOT_FOUND: Rule = Rule {
    finding: &catalog::TARGET_NOT_FOUND,
    weight: Weight::Blocker,
    find: Find::Run(|run| {
        let name = target_name(run);
        if let Some(("FailedGetScale", message)) = run.state.refusal("AbleToScale") {
            return (run.state.target.is_none() || says_not_found(message)).then(|| {
                Evidence::new(
                    format!("the scale target{name} can't be found"),
                    [quoted("FailedGetScale", message)],
                )
            });
        }
        let gone = run.state.target_gone;
        let gone = gone.filter(|_| run.state.target.is_none())?;
        Some(Evidence::new(
            format!("the scale target{name} was deleted"),
            [format!("deleted {}", run.clock(gone))],
        ))
    }),
};

/// The API server's words for a kind without the subresource, as client-go gives them.
const NO_SCALE: &str = "could not find the requested resource";

const TARGET_NOT_SCALABLE: Rule = Rule {
    finding: &catalog::TARGET_NOT_SCALABLE,
    weight: Weight::Blocker,
    find: Find::Run(|run| {
        let fact = run.state.facts.iter().find_map(|fact| match fact {
            Fact::NotScalable { kind, message } => Some((kind, message)),
            _ => None,
        });
        let refusal = run.state.refusal("AbleToScale");
        let refusal = refusal.filter(|(reason, _)| *reason == "FailedGetScale");
        let said = refusal.map(|(reason, message)| quoted(reason, message));
        if let Some((kind, message)) = fact {
            let api = format!("the API server, of its scale: {message}");
            return Some(Evidence::new(
                format!("a {kind} can't be scaled"),
                [api].into_iter().chain(said),
            ));
        }
        let there = run.state.target.is_some();
        let (_, message) = refusal.filter(|(_, m)| there && m.contains(NO_SCALE))?;
        Some(Evidence::new(
            format!("the scale target{} can't be scaled", target_name(run)),
            [quoted("FailedGetScale", message)],
        ))
    }),
};

const SCALE_UNREADABLE: Rule = Rule {
    finding: &catalog::SCALE_UNREADABLE,
    weight: Weight::Cause,
    find: Find::Run(|run| {
        let refusal = run.state.refusal("AbleToScale");
        let (_, message) = refusal.filter(|(reason, _)| *reason == "FailedGetScale")?;
        let other = !says_not_found(message) && !message.contains(NO_SCALE);
        (run.state.target.is_some() && other && !run.complete()).then(|| {
            Evidence::new(
                format!("the controller can't read the scale of{}", target_name(run)),
                [quoted("FailedGetScale", message)],
            )
        })
    }),
};

/// The reference, with a space before it.
fn target_name(run: &RunView<'_>) -> String {
    let reference = run.spec().map(|s| &s.scale_target_ref);
    reference.map_or_else(String::new, |r| {
        format!(" {} {}/{}", r.api_version, r.kind, r.name)
    })
}

/// Whether the object or its kind is what is missing.
fn says_not_found(message: &str) -> bool {
    ["not found", "no matches for kind"]
        .iter()
        .any(|words| message.contains(words))
}

const SCALING_DISABLED: Rule = Rule {
    finding: &catalog::SCALING_DISABLED,
    weight: Weight::Blocker,
    find: Find::Run(|run| {
        (run.state.target.as_ref()?.spec_replicas == 0).then(|| {
            Evidence::new(
                "the target is scaled to 0, which switches the autoscaler off",
                ["target: spec.replicas 0".to_owned()],
            )
        })
    }),
};

const AMBIGUOUS_SELECTOR: Rule = Rule {
    finding: &catalog::AMBIGUOUS_SELECTOR,
    weight: Weight::Blocker,
    find: Find::Run(|run| {
        if let Some(("AmbiguousSelector", message)) = run.state.refusal("ScalingActive") {
            return Some(Evidence::new(
                "another autoscaler counts the same pods, and the controller stopped both",
                [quoted("AmbiguousSelector", message)],
            ));
        }
        let reference = &run.spec()?.scale_target_ref;
        let ours = format!("{}/{}", reference.kind, reference.name);
        run.state.facts.iter().find_map(|fact| match fact {
            Fact::OtherAutoscaler { name, target } if *target == ours => Some(Evidence::new(
                format!("the autoscaler {name} scales {ours} too"),
                [format!("autoscaler {name}: scaleTargetRef {target}")],
            )),
            _ => None,
        })
    }),
};

const INVALID_SELECTOR: Rule = Rule {
    finding: &catalog::INVALID_SELECTOR,
    weight: Weight::Blocker,
    find: Find::Run(|run| match run.state.refusal("ScalingActive") {
        Some((reason @ ("InvalidSelector" | "SelectorRequired"), message)) => Some(Evidence::new(
            "the target's scale subresource reports no usable selector",
            [quoted(reason, message)],
        )),
        _ => None,
    }),
};

const SELECTOR_MATCHES_OTHERS: Rule = Rule {
    finding: &catalog::SELECTOR_MATCHES_OTHERS,
    weight: Weight::Blocker,
    find: Find::Run(foreign_pods),
};

fn foreign_pods(run: &RunView<'_>) -> Option<Evidence> {
    let name = &run.spec()?.scale_target_ref.name;
    let ours = |owner: &str| {
        let owner = owner.rsplit_once('/').map_or(owner, |(_, name)| name);
        owner == name
            || owner
                .strip_prefix(name.as_str())
                .is_some_and(|r| r.starts_with('-'))
    };
    let living = run.state.pods.values().filter(|p| p.lives());
    let foreign: Vec<String> = living
        .filter_map(|p| {
            let owner = p.pod.owner.as_deref().filter(|owner| !ours(owner))?;
            Some(format!("pod {} belongs to {owner}", p.pod.name))
        })
        .collect();
    (!foreign.is_empty()).then(|| {
        let count = foreign.len();
        Evidence::new(
            format!("the selector matches {count} pods that do not belong to {name}"),
            foreign,
        )
    })
}

const RESCALE_FAILED: Rule = Rule {
    finding: &catalog::RESCALE_FAILED,
    weight: Weight::Cause,
    find: Find::Run(|run| match run.state.refusal("AbleToScale") {
        Some(("FailedUpdateScale", message)) if !run.complete() => Some(Evidence::new(
            "the controller could not write the target's size",
            [quoted("FailedUpdateScale", message)],
        )),
        _ => None,
    }),
};

fn quoted(reason: &str, message: &str) -> String {
    format!("condition {reason}: {message}")
}
