//! Watches that break, and what is reported about the time in between.

use super::{now, server, watch};
use crate::api_server::{Fault, objects};

#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_normally_is_resumed_without_a_gap_or_a_list() {
    let server = server();
    let mut watched = watch(&server).await;
    watched.hush();
    server.close("pods");
    server.put(objects::pod("fib-3", "fib", now()));
    watched.wait(1.0).await;
    assert_eq!(watched.about("pods"), ["+ fib-3"]);
    assert_eq!(watched.gaps("pods"), []);
    assert_eq!(server.asked("watch pods").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_every_watch_immediately_is_not_called_in_a_tight_loop() {
    let server = server();
    let mut watched = watch(&server).await;
    for _ in 0..100 {
        server.close("pods");
        watched.wait(0.1).await;
    }
    assert!(server.asked("watch pods").len() <= 52);
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_cut_in_the_middle_is_read_again_completely() {
    let server = server();
    let mut watched = watch(&server).await;
    watched.hush();
    server.cut("pods");
    server.delete("pods/fib-1");
    watched.wait(1.0).await;
    assert_eq!(watched.about("pods"), ["- fib-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_expires_while_watching_leads_to_a_list_with_what_was_deleted_in_between() {
    let server = server();
    let mut watched = watch(&server).await;
    watched.wait(9.9).await;
    watched.hush();
    server.expire("pods");
    server.delete("pods/fib-1");
    server.put(objects::pod("fib-3", "fib", now()));
    server.forget(false);
    watched.wait(1.0).await;
    assert_eq!(watched.about("pods"), ["- fib-1", "+ fib-3"]);
    // From the list, which was the last time that everything was known for certain.
    let gaps = [(0, 102, "too old resource version".to_owned())];
    assert_eq!(watched.gaps("pods"), gaps);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_expires_before_a_resume_is_a_gap_in_either_form_of_the_error() {
    for in_stream in [false, true] {
        let server = server();
        let mut watched = watch(&server).await;
        let start = super::tenths(now());
        server.bookmark("pods");
        watched.wait(0.0).await;
        server.close("pods");
        server.delete("pods/fib-1");
        server.forget(in_stream);
        watched.hush();
        watched.wait(3.0).await;
        assert_eq!(watched.about("pods"), ["- fib-1"], "in stream: {in_stream}");
        let gaps = watched.gaps("pods");
        assert_eq!(gaps.len(), 1, "in stream: {in_stream}: {gaps:?}");
        assert_eq!(gaps[0].0, start);
        assert!(gaps[0].1 >= 4, "{gaps:?}");
    }
}

/// The server goes away for 20 s and comes back without its history: one gap, from the last known state to the
/// list that closes it, even if the first answer to a watch is a 200.
#[tokio::test(start_paused = true)]
async fn a_restart_is_one_gap_from_the_last_known_state_to_the_list_after_it() {
    for in_stream in [false, true] {
        let server = server();
        let mut watched = watch(&server).await;
        let start = super::tenths(now());
        server.bookmark("pods");
        watched.wait(5.0).await;
        watched.hush();
        server.stop();
        server.delete("pods/fib-2");
        server.forget(in_stream);
        watched.wait(20.0).await;
        assert_eq!(watched.about("pods"), Vec::<String>::new());
        server.start();
        watched.wait(10.0).await;
        assert_eq!(watched.about("pods"), ["- fib-2"]);
        let gaps = watched.gaps("pods");
        assert_eq!(gaps.len(), 1, "in stream: {in_stream}: {gaps:?}");
        let (from, until, why) = &gaps[0];
        assert_eq!(*from, start);
        assert!((250..=300 + start).contains(until), "{until}");
        assert!(why.contains("reset"), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_keeps_its_history_replays_what_happened_in_between() {
    let server = server();
    let mut watched = watch(&server).await;
    watched.hush();
    server.stop();
    watched.wait(0.3).await;
    server.delete("pods/fib-1");
    server.put(objects::pod("fib-3", "fib", now()));
    server.delete("pods/fib-3");
    server.start();
    watched.wait(5.0).await;
    assert_eq!(watched.about("pods"), ["- fib-1", "+ fib-3", "- fib-3"]);
    assert_eq!(watched.gaps("pods").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_died_silently_is_noticed_and_the_gap_starts_at_the_last_known_state() {
    let server = server();
    let mut watched = watch(&server).await;
    watched.wait(6.9).await;
    server.bookmark("pods");
    watched.wait(3.0).await;
    watched.hush();
    server.silence("pods");
    server.delete("pods/fib-1");
    watched.wait(40.0).await;
    assert_eq!(watched.about("pods"), ["- fib-1"]);
    let [(from, until, why)] = &watched.gaps("pods")[..] else {
        panic!("{:?}", watched.gaps("pods"));
    };
    assert_eq!(*from, 70);
    assert!((350..=370).contains(until), "{until}");
    assert_eq!(why, "no answer within 35 s");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_accepts_requests_and_never_answers_is_retried_after_the_deadline() {
    let server = server();
    let mut watched = watch(&server).await;
    watched.hush();
    server.fail("watch pods", Fault::Silence, 1);
    server.close("pods");
    watched.wait(15.0).await;
    let [(_, _, why)] = &watched.gaps("pods")[..] else {
        panic!("{:?}", watched.gaps("pods"));
    };
    assert_eq!(why, "no answer within 10 s");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_sheds_load_is_left_alone_for_as_long_as_it_asks() {
    let server = server();
    server.fail("list pods", Fault::Shed { retry_after: 7 }, 1);
    let mut watched = watch(&server).await;
    watched.wait(10.0).await;
    let asked = server.asked("list pods");
    let wait = asked[1].saturating_sub(asked[0]).as_secs_f64();
    assert!((7.0..7.1).contains(&wait), "{asked:?}");
    assert_eq!(watched.about("pods"), ["+ fib-1", "+ fib-2"]);
    assert!(watched.gaps("pods")[0].2.starts_with("Too many requests"));
}

#[tokio::test(start_paused = true)]
async fn a_faulty_server_is_retried_less_and_less_often_and_never_given_up() {
    let server = server();
    server.fail("list pods", Fault::Status(500, "InternalError"), 20);
    let mut watched = watch(&server).await;
    watched.wait(90.0).await;
    assert_eq!(watched.about("pods"), ["+ fib-1", "+ fib-2"]);
    let asked = server.asked("list pods");
    let longest = asked
        .windows(2)
        .map(|w| w[1].saturating_sub(w[0]))
        .max()
        .unwrap();
    assert_eq!(longest.as_secs(), 5);
    assert_eq!(watched.gaps("pods").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn expired_credentials_are_a_gap_that_ends_when_they_are_valid_again() {
    let server = server();
    let mut watched = watch(&server).await;
    watched.hush();
    server.fail("*", Fault::Status(401, "Unauthorized"), usize::MAX);
    for plural in ["pods", "deployments", "horizontalpodautoscalers"] {
        server.close(plural);
    }
    watched.wait(20.0).await;
    server.heal("*");
    watched.wait(10.0).await;
    for resource in ["pods", "target", "autoscaler"] {
        let gaps = watched.gaps(resource);
        assert_eq!(gaps.len(), 1, "{resource}: {gaps:?}");
        assert!(gaps[0].1 - gaps[0].0 >= 190, "{gaps:?}");
        assert!(gaps[0].2.contains("Unauthorized"), "{gaps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_expires_between_two_pages_is_started_over() {
    let server = server();
    for n in 3..=600 {
        server.put(objects::pod(&format!("fib-{n}"), "fib", now()));
    }
    let mut watched = watch(&server).await;
    watched.hush();
    server.forget(false);
    server.fail("list pods", Fault::Status(410, "Expired"), 2);
    server.close("pods");
    server.delete("pods/fib-600");
    watched.wait(5.0).await;
    assert_eq!(watched.about("pods"), ["- fib-600"]);
}
