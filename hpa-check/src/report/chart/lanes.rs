//! Labels above a panel, each to the left of a hairline that falls to its point. They are placed in lanes so
//! that none overlaps another or another's hairline.

/// Where a label goes: its lane, counted upwards from the panel, and where it ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) lane: usize,
    pub(super) end: f64,
}

/// Places labels whose hairlines are at `x`, in ascending order, into this many lanes. A label that fits in no
/// lane is left out.
pub(super) fn place(labels: &[(f64, f64)], left: f64, lanes: usize) -> Vec<Option<Place>> {
    let mut taken = vec![f64::NEG_INFINITY; lanes];
    labels
        .iter()
        .map(|(x, width)| {
            let end = x.max(left + width);
            let begin = end - width;
            // Hairlines of higher lanes cross this one.
            let free = (0..lanes).find(|lane| taken[*lane..].iter().all(|used| *used < begin));
            let lane = free?;
            taken[lane] = end;
            Some(Place { lane, end })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(labels: &[(f64, f64)]) -> Vec<Option<usize>> {
        let places = place(labels, 0.0, 2);
        places.iter().map(|p| p.map(|p| p.lane)).collect()
    }

    #[test]
    fn labels_that_are_far_apart_share_the_lowest_lane() {
        assert_eq!(lanes(&[(100.0, 40.0), (200.0, 40.0)]), [Some(0), Some(0)]);
    }

    #[test]
    fn a_label_that_would_overlap_another_moves_up_a_lane() {
        assert_eq!(lanes(&[(100.0, 40.0), (130.0, 40.0)]), [Some(0), Some(1)]);
    }

    #[test]
    fn no_label_overlaps_a_hairline_from_a_higher_lane() {
        let close = [(100.0, 40.0), (130.0, 40.0), (150.0, 40.0), (180.0, 40.0)];
        assert_eq!(lanes(&close), [Some(0), Some(1), None, Some(0)]);
    }

    #[test]
    fn a_label_at_the_edge_stays_on_the_sheet() {
        let places = place(&[(10.0, 40.0)], 5.0, 2);
        assert_eq!(places, [Some(Place { lane: 0, end: 45.0 })]);
    }
}
