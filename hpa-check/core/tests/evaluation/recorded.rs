//! Recordings in which several readings fit one status.

use std::io::BufReader;

use hpa_check_core::documents::trace::Reader;

use super::world::replay;

/// The controller read 6 where another reading that fits the status asks for 10. It held no proposal of 10, so
/// there was none for it to violate.
#[test]
fn a_reading_that_fits_as_well_as_another_is_no_proof_of_a_scale_down_too_early() {
    let recording = include_str!("../recordings/flapping-busy-machine.jsonl");
    let mut reader = Reader::new(BufReader::new(recording.as_bytes())).unwrap();
    let observations: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
    let result = replay(&reader.header().expectation.clone(), &observations);
    let ids: Vec<&str> = result
        .verdict
        .reasons
        .iter()
        .map(|r| r.id.as_str())
        .collect();
    assert_eq!(ids[0], "flapping");
    assert!(!ids.contains(&"scale-down-too-early"), "{ids:?}");
    assert_eq!(result.syncs.explained, result.syncs.observed);
    // The log of the controller says that it had proposed 6.
    let held = result
        .timeline
        .syncs
        .iter()
        .rfind(|s| (s.current, s.desired) == (10, 10) && s.utilization == Some(35));
    let proposed = held.unwrap().proposed.unwrap();
    assert!(proposed.low <= 6 && 6 <= proposed.high, "{proposed}");
}

/// The API server refused the status of the sync that scaled 10 → 5, on a conflict, so the next one shows a size that
/// no status decided. The controller remembers that it scaled, and has to be taken to.
#[test]
fn a_scaling_whose_status_was_refused_is_known_by_the_size_that_the_controller_wrote() {
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
