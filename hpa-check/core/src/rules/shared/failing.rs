//! Shared by the findings about single pods.

use crate::findings::Evidence;
use crate::rules::view::{PodView, View};

/// The running pods that `wrong` reports, if the state of single pods is meaningful.
pub(super) fn failing(
    view: &dyn View,
    wrong: impl Fn(&PodView<'_>) -> Option<String>,
    what: &str,
) -> Option<Evidence> {
    if view.is_complete() || !view.lacks_ready_pods() {
        return None;
    }
    let living = view.living();
    let bad: Vec<String> = living
        .iter()
        .filter_map(|p| Some(format!("pod {}: {}", p.name(), wrong(p)?)))
        .collect();
    (!bad.is_empty()).then(|| {
        let count = format!("{} of {} pods", bad.len(), living.len());
        Evidence::new(format!("{count} {what}"), bad)
    })
}
