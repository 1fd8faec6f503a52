//! Reduces a long run to few points: the values that share a column of the picture become the first, lowest,
//! highest and last, so that no spike is lost; among many rows the important ones are kept first.

/// Reduces consecutive points that share a column to the first, the lowest, the highest and the last, in order.
pub(super) fn extremes<P: Copy>(
    points: impl IntoIterator<Item = P>,
    column: impl Fn(&P) -> i64,
    value: impl Fn(&P) -> f64,
) -> Vec<P> {
    let mut kept = Vec::new();
    let mut group: Vec<P> = Vec::new();
    for point in points {
        if group
            .first()
            .is_some_and(|first| column(first) != column(&point))
        {
            keep(&group, &value, &mut kept);
            group.clear();
        }
        group.push(point);
    }
    keep(&group, &value, &mut kept);
    kept
}

fn keep<P: Copy>(group: &[P], value: impl Fn(&P) -> f64, kept: &mut Vec<P>) {
    let Some(last) = group.len().checked_sub(1) else {
        return;
    };
    let (mut lowest, mut highest) = (0, 0);
    for (index, point) in group.iter().enumerate() {
        if value(point) < value(&group[lowest]) {
            lowest = index;
        }
        if value(point) > value(&group[highest]) {
            highest = index;
        }
    }
    let mut all = [0, lowest, highest, last];
    all.sort_unstable();
    for (nth, index) in all.into_iter().enumerate() {
        if nth == 0 || all[nth - 1] != index {
            kept.push(group[index]);
        }
    }
}

/// At most this many items, in order: important ones before others, evenly spaced within each group.
pub(super) fn thinned<T>(items: &[T], most: usize, telling: impl Fn(&T) -> bool) -> Vec<&T> {
    if items.len() <= most {
        return items.iter().collect();
    }
    let (first, rest): (Vec<usize>, Vec<usize>) =
        (0..items.len()).partition(|index| telling(&items[*index]));
    let mut kept = evenly(&first, most);
    kept.extend(evenly(&rest, most - kept.len()));
    kept.sort_unstable();
    kept.into_iter().map(|index| &items[index]).collect()
}

fn evenly(all: &[usize], most: usize) -> Vec<usize> {
    let count = all.len().min(most);
    (0..count).map(|n| all[n * all.len() / count]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spike_or_dip_is_lost_however_many_points_share_a_column() {
        let value = |second: i64| match second {
            5_003 => 900.0,
            7_777 => -5.0,
            _ => 100.0 + f64::from(i32::try_from(second % 7).unwrap()),
        };
        let points: Vec<(i64, f64)> = (0..86_400).map(|second| (second, value(second))).collect();
        let kept = extremes(points.iter().copied(), |p| p.0 / 100, |p| p.1);
        assert!(kept.len() <= 4 * 864, "{}", kept.len());
        assert!(kept.contains(&(5_003, 900.0)) && kept.contains(&(7_777, -5.0)));
        assert!(kept.is_sorted_by_key(|p| p.0));
        assert_eq!((kept.first(), kept.last()), (points.first(), points.last()));
    }

    #[test]
    fn points_with_a_column_of_their_own_all_stay() {
        let points = [(0, 3.0), (1, 4.0), (2, 3.0)];
        assert_eq!(extremes(points, |p| p.0, |p| p.1), points);
    }

    #[test]
    fn important_rows_are_kept_before_others() {
        let items: Vec<usize> = (0..1_000).collect();
        let kept = thinned(&items, 100, |n| n % 50 == 0);
        assert_eq!(kept.len(), 100);
        assert!((0..1_000).step_by(50).all(|n| kept.contains(&&n)));
        assert_eq!(thinned(&items, 10, |n| n % 50 == 0).len(), 10);
        assert_eq!(thinned(&items, 5_000, |_| false).len(), 1_000);
    }
}
