//! Whether the load is spread evenly over the pods. An average hides one hot pod among idle ones.

use crate::findings::{Evidence, catalog};
use crate::rules::rule::{Rule, Weight};
use crate::rules::view::{UseView, View};

pub(crate) const RULES: &[Rule] = &[Rule::shared(
    &catalog::LOAD_NOT_SPREAD,
    Weight::Cause,
    not_spread,
)];

/// The spread of the load at one instant.
enum Skew<'a> {
    /// One pod does most of the work.
    Hot { pod: &'a str, sentence: String },
    /// No pod does.
    Even,
}

pub(crate) fn not_spread(view: &dyn View) -> Option<Evidence> {
    let (uses, needed) = view.uses_under_load();
    uneven(view, &uses, needed)
}

/// A load on the same pod in so many samples in a row.
pub(crate) fn uneven(view: &dyn View, uses: &[UseView<'_>], needed: usize) -> Option<Evidence> {
    let target = view.target_percent()?;
    let mut row: Vec<(&UseView<'_>, &str, String)> = Vec::new();
    let mut shown = None;
    for now in uses {
        match skew(now, target) {
            Some(Skew::Hot { pod, sentence }) => {
                if row.last().is_some_and(|(_, before, _)| *before != pod) {
                    row.clear();
                }
                row.push((now, pod, sentence));
            }
            Some(Skew::Even) => row.clear(),
            None => {}
        }
        if row.len() >= needed.max(1) {
            shown = Some(row.clone());
        }
    }
    let row = shown?;
    let (newest, _, message) = row.last()?;
    let mut pods = newest.pods.clone();
    pods.sort_by_key(|(_, used, _)| -used);
    let instants = row.iter().rev().take(3);
    let instants = instants.map(|(now, _, sentence)| format!("{}: {sentence}", view.clock(now.at)));
    let each = pods
        .iter()
        .map(|(pod, used, _)| format!("pod {pod}: uses {used}m"));
    Some(Evidence::new(message.clone(), instants.chain(each)).at(newest.at))
}

/// `None` if it can't be determined because there are too few pods or none is busy.
fn skew<'a>(now: &UseView<'a>, target: i64) -> Option<Skew<'a>> {
    let (pod, hottest, request) = *now.pods.iter().max_by_key(|(pod, used, _)| (*used, *pod))?;
    let pods = i64::try_from(now.pods.len()).ok()?;
    if pods < 3 || hottest * 100 < request * target {
        return None;
    }
    let total: i64 = now.pods.iter().map(|(_, used, _)| used).sum();
    // Idle: less than a quarter of a fair share.
    let is_idle = |used: i64| used * 4 * pods < total;
    let idle = now
        .pods
        .iter()
        .filter(|(_, used, _)| is_idle(*used))
        .count();
    if idle * 2 < now.pods.len() {
        return Some(Skew::Even);
    }
    let (percent, others) = (hottest * 100 / request, total - hottest);
    let sentence = format!(
        "pod {pod} uses {hottest}m of CPU, {percent} % of its request, while {idle} of {pods} pods \
         idle (all others together: {others}m)"
    );
    Some(Skew::Hot { pod, sentence })
}
