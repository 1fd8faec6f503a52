//! Properties of every input.

use proptest::prelude::*;
use serde_json::json;

use crate::case::{Reconcile, even, propose};

proptest! {
    #[test]
    fn a_size_within_the_bounds_never_leaves_them(current in 3_i32..=10, milli in 0_i64..2_000, behavior: bool) {
        let behavior = if behavior { json!({}) } else { json!(null) };
        let pods = usize::try_from(current).unwrap();
        let decided = Reconcile::of(current, pods, milli).with("hpa/behavior", behavior).decide();
        prop_assert!((3..=10).contains(&decided.desired()), "{}", decided.desired());
    }

    #[test]
    fn more_use_never_asks_for_fewer(current in 1_usize..=10, milli in 0_i64..500, more in 0_i64..500) {
        let wanted = |milli| {
            let (pods, metrics) = even(current, milli);
            propose(i32::try_from(current).unwrap(), &pods, &metrics)["replicas"].as_i64().unwrap()
        };
        prop_assert!(wanted(milli) <= wanted(milli + more));
    }

    #[test]
    fn a_pod_more_that_is_missing_never_makes_a_bigger_change(milli in 0_i64..500, missing in 0_usize..4) {
        let (pods, metrics) = even(4 + missing, milli);
        let current = i32::try_from(4 + missing).unwrap();
        let all = propose(current, &pods, &metrics)["replicas"].as_i64().unwrap();
        let some = propose(current, &pods, &metrics[..4])["replicas"].as_i64().unwrap();
        let current = i64::from(current);
        prop_assert!((some - current).abs() <= (all - current).abs(), "{} {} {}", current, all, some);
    }

    #[test]
    fn what_is_decided_is_what_the_status_says(current in 0_i32..=12, milli in 0_i64..500) {
        let decided = Reconcile::of(current, usize::try_from(current).unwrap(), milli).decide();
        prop_assert_eq!(decided.scaled(), decided.desired() != i64::from(current));
    }
}
