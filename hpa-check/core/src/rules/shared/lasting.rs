//! What may be gone a moment later.

use crate::findings::Evidence;
use crate::rules::rule::SharedFind;
use crate::rules::view::View;

/// What a run watches, or an earlier snapshot shows too.
pub(crate) fn lasting(view: &dyn View, find: SharedFind) -> Option<Evidence> {
    find(view).filter(|_| stands(view, find))
}

/// What only one snapshot shows.
pub(crate) fn momentary(view: &dyn View, find: SharedFind) -> Option<Evidence> {
    find(view).filter(|_| !stands(view, find))
}

fn stands(view: &dyn View, find: SharedFind) -> bool {
    let earlier = view.earlier();
    view.is_watched() || earlier.is_some_and(|view| find(view).is_some())
}
