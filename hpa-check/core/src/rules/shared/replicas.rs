//! The replicas over time: who else writes them, whether they stay within bounds, whether they flap.

use std::time::Duration;

use crate::findings::{Evidence, catalog};
use crate::rules::rule::{Rule, Weight};
use crate::rules::view::{SizeView, View, Writer};

pub(crate) const RULES: &[Rule] = &[
    Rule::shared(&catalog::REPLICAS_MOVED_BY_ANOTHER, Weight::Cause, moved),
    Rule::shared(&catalog::LEFT_BOUNDS, Weight::Cause, left_bounds),
    Rule::shared(&catalog::FLAPPING, Weight::Cause, flapping),
];

/// The load does not explain this many rises and falls.
pub(crate) const CYCLES: usize = 3;

/// A rise and a fall within this time count as flapping. The default stabilization window is as long, so an autoscaler
/// that follows a real load takes longer.
const QUICK: Duration = Duration::from_mins(5);

fn moved(view: &dyn View) -> Option<Evidence> {
    let writes = view.conflicting_writes()?;
    let times = writes.times;
    let writer = writes.writer.as_ref().map(|writer| match writer {
        Writer::Manager(name) => name.clone(),
        Writer::Owner => format!("the owner of {}", view.reference()),
    });
    let message = match writer {
        Some(writer) => {
            let often = if times == 1 { "once" } else { "more than once" };
            format!("{writer} changed the replicas {often} ({times}×), against the autoscaler")
        }
        None => format!(
            "the autoscaler had to set the same size {times} times: another writer keeps reverting it"
        ),
    };
    let owned = writes.writer == Some(Writer::Owner);
    let advice = owned.then(|| "Point scaleTargetRef at the owner.".to_owned());
    Some(
        Evidence::new(message, writes.quotes)
            .at(writes.at)
            .advising(advice),
    )
}

fn left_bounds(view: &dyn View) -> Option<Evidence> {
    // KEDA holds an idle or paused target outside the autoscaler's bounds.
    let held = |replicas: i32| view.scaled_object().is_some_and(|s| s.holds_at(replicas));
    let outside = |size: &SizeView| {
        let (min, max) = size.bounds;
        let mut replicas = size.replicas.iter().copied();
        replicas.all(|replicas| (replicas < min || replicas > max) && !held(replicas))
    };
    let sizes: Vec<SizeView> = view.sizes().into_iter().filter(outside).collect();
    let quotes: Vec<String> = sizes
        .iter()
        .map(|size| {
            let replicas: Vec<String> = size.replicas.iter().map(i32::to_string).collect();
            let (replicas, (min, max)) = (replicas.join(", then "), size.bounds);
            format!(
                "spec.replicas {replicas} {} (bounds {min}..{max})",
                view.clock(size.at)
            )
        })
        .collect();
    let first = quotes.first()?.clone();
    let message = format!("the replicas left the bounds: {first}");
    Some(Evidence::new(message, quotes).at(sizes.first().map(|size| size.at)))
}

fn flapping(view: &dyn View) -> Option<Evidence> {
    let swings = view.swings();
    let (ups, downs) = (swings.ups, swings.downs);
    let cycles = swings.cycles();
    (cycles >= CYCLES && is_quick(cycles, swings.within)).then(|| {
        let within = swings.within.map_or_else(String::new, |within| {
            format!(" within {} minutes", within.as_secs().max(60) / 60)
        });
        Evidence::new(
            format!("the replicas went up {ups} times and down {downs} times{within}"),
            swings.quotes,
        )
        .at(swings.at)
    })
}

/// Whether so many rises and falls in that time are more than a real load explains; in an unknown time they are.
pub(crate) fn is_quick(cycles: usize, within: Option<Duration>) -> bool {
    let allowed = QUICK * u32::try_from(cycles).unwrap_or(u32::MAX);
    within.is_none_or(|within| within <= allowed)
}
