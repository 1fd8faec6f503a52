//! Labels above a panel, each beside a hairline that falls to its point: to the left of it, or to the right where the
//! left edge leaves no room. They are placed in lanes so that none overlaps another or any hairline.

/// Where a label goes: its lane, counted upwards from the panel, and its side of the hairline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) lane: usize,
    pub(super) side: Side,
}

/// A side of a hairline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// Places labels whose hairlines are at `x`, in ascending order, into this many lanes. A label that fits in no
/// lane is left out.
pub(super) fn place(labels: &[(f64, f64)], left: f64, lanes: usize) -> Vec<Option<Place>> {
    let mut taken = vec![f64::NEG_INFINITY; lanes];
    labels
        .iter()
        .map(|(x, width)| {
            let (side, begin) = if x - width < left {
                (Side::Right, *x)
            } else {
                (Side::Left, x - width)
            };
            // Hairlines of higher lanes cross this one, and its own crosses the lower ones.
            let free = |lane: &usize| {
                let (below, rest) = taken.split_at(*lane);
                rest.iter().all(|used| *used < begin) && below.iter().all(|used| used <= x)
            };
            let lane = (0..lanes).find(free)?;
            taken[lane] = begin + width;
            Some(Place { lane, side })
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
    fn a_label_at_the_edge_goes_to_the_right_of_its_hairline() {
        let places = place(&[(10.0, 40.0)], 5.0, 2);
        let right = Place {
            lane: 0,
            side: Side::Right,
        };
        assert_eq!(places, [Some(right)]);
    }

    #[test]
    fn no_hairline_crosses_a_label_to_the_right_of_another() {
        let labels = [(10.0, 40.0), (20.0, 40.0), (50.0, 40.0), (95.0, 40.0)];
        assert_eq!(lanes(&labels), [Some(0), None, Some(1), Some(0)]);
    }
}
