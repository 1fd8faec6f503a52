//! Recordings in which several readings match one status.

use std::io::BufReader;

use hpa_check_core::documents::trace::Reader;

use super::world::{ids, replay};

/// The controller read 6 where another reading that matches the status asks for 10. It had no proposal of 10,
/// so it could not violate one.
#[test]
fn a_second_reading_that_matches_does_not_prove_an_early_scale_down() {
    let recording = include_str!("../recordings/flapping-busy-machine.jsonl");
    let mut reader = Reader::new(BufReader::new(recording.as_bytes())).unwrap();
    let observations: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
    let result = replay(&reader.header().expectation.clone(), &observations);
    let ids = ids(&result.verdict);
    assert_eq!(ids[0], "flapping");
    assert!(!ids.contains(&"scale-down-too-early"), "{ids:?}");
    assert_eq!(result.syncs.explained, result.syncs.observed);
    // The controller's log says that it had proposed 6.
    let held = result
        .timeline
        .syncs
        .iter()
        .rfind(|s| (s.current, s.desired) == (10, 10) && s.utilization == Some(35));
    let proposed = held.unwrap().proposed.unwrap();
    assert!(proposed.low <= 6 && 6 <= proposed.high, "{proposed}");
}

/// The API server refused the status of the sync that scaled 10 → 5 because of a conflict, so the next status
/// shows a size that no status decided. The controller remembers that it scaled; the model must do the same.
#[test]
fn a_scaling_whose_status_was_refused_is_recognized_by_the_size_that_the_controller_wrote() {
    let recording = include_str!("../recordings/metrics-slow-status-refused.jsonl");
    let mut reader = Reader::new(BufReader::new(recording.as_bytes())).unwrap();
    let observations: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
    let result = replay(&reader.header().expectation.clone(), &observations);
    let sizes: Vec<(i32, i32)> = result
        .timeline
        .syncs
        .iter()
        .map(|s| (s.current, s.desired))
        .collect();
    assert!(sizes.ends_with(&[(10, 10), (5, 5), (3, 3)]), "{sizes:?}");
    assert_eq!(result.syncs.explained, result.syncs.observed);
}
