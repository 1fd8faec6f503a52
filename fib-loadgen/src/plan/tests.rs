//! What the plan promises, in numbers.

use proptest::prelude::*;

use super::*;

fn staged(stages: &[&str]) -> Wanted {
    let stages = stages.iter().map(|text| text.parse().unwrap()).collect();
    Wanted {
        stages,
        ..Wanted::default()
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

#[test]
fn five_hundred_users_are_up_within_ten_seconds_by_default() {
    let plan = Plan::new(&Wanted {
        users: Some(500),
        ..Wanted::default()
    })
    .unwrap();
    assert_eq!(plan.users(), 500);
    assert!(plan.shape.at(seconds(10.0)) >= 500.0);
    assert!(plan.shape.end() > seconds(30.0));
}

#[test]
fn a_colon_ramps_and_an_at_sign_jumps() {
    let plan = Plan::new(&staged(&["10s:100/s", "10s@400/s", "10s:0/s"])).unwrap();
    assert!((plan.shape.at(seconds(5.0)) - 50.0).abs() < 1e-9);
    assert!((plan.shape.at(seconds(10.0)) - 400.0).abs() < 1e-9);
    assert!((plan.shape.at(seconds(25.0)) - 200.0).abs() < 1e-9);
    // 500 in the ramp, 4000 while holding, 2000 in the ramp-down.
    assert!((plan.shape.area(seconds(30.0)) - 6500.0).abs() < 1e-6);
}

#[test]
fn phases_are_named_by_what_happens_in_them() {
    let plan = Plan::new(&staged(&["8s@20/s", "40s@430/s", "30s:40/s", "5s@40/s"])).unwrap();
    let names: Vec<_> = plan.phases().into_iter().map(|phase| phase.name).collect();
    assert_eq!(names, ["hold", "hold-2", "ramp-down", "hold-3"]);
    assert_eq!(phase_at(&plan.phases(), seconds(8.0)), 1);
    assert_eq!(phase_at(&plan.phases(), seconds(999.0)), 3);
}

#[test]
fn the_warm_up_is_a_phase_of_its_own_and_not_judged() {
    let wanted = Wanted {
        warmup: seconds(2.0),
        ..staged(&["10s@5"])
    };
    let phases = Plan::new(&wanted).unwrap().phases();
    assert_eq!(
        (phases[0].name.as_str(), phases[0].judged),
        ("warmup", false)
    );
    assert_eq!(phases[1].start, seconds(2.0));
}

#[test]
fn plans_that_contradict_themselves_are_refused() {
    let refused = [
        staged(&["1s:5", "1s:5/s"]),
        Wanted {
            run_time: Some(seconds(1.0)),
            ..staged(&["1s:5"])
        },
        Wanted {
            users: Some(5),
            ..staged(&["1s:5"])
        },
        Wanted {
            think: Some((seconds(1.0), seconds(1.0))),
            rate: Some(5.0),
            ..Wanted::default()
        },
        Wanted {
            rate: Some(0.0),
            ..Wanted::default()
        },
        Wanted {
            warmup: seconds(60.0),
            ..Wanted::default()
        },
        staged(&["0s:5"]),
    ];
    for wanted in refused {
        assert!(Plan::new(&wanted).is_err(), "{wanted:?}");
    }
}

#[test]
fn uniform_tickets_are_due_evenly_and_end_with_the_plan() {
    let plan = Plan::new(&staged(&["2s@100/s"])).unwrap();
    let schedule = Schedule::new(&plan, 1);
    let dues: Vec<_> = std::iter::from_fn(|| schedule.take())
        .map(|ticket| ticket.due.unwrap())
        .collect();
    assert_eq!(dues.len(), 200);
    assert_eq!(dues[50], seconds(0.5));
    assert_eq!(schedule.take(), None);
}

#[test]
fn poisson_tickets_keep_the_rate_and_the_seed_decides_them() {
    let wanted = Wanted {
        arrival: Arrival::Poisson,
        ..staged(&["100s@100/s"])
    };
    let plan = Plan::new(&wanted).unwrap();
    let dues = |seed| -> Vec<_> {
        let schedule = Schedule::new(&plan, seed);
        std::iter::from_fn(move || schedule.take()).collect()
    };
    assert_eq!(dues(7), dues(7));
    assert_ne!(dues(7), dues(8));
    // 10,000 expected, standard deviation 100.
    assert!(
        (9_600..10_400).contains(&dues(7).len()),
        "{}",
        dues(7).len()
    );
}

#[test]
fn the_number_of_requests_is_exact() {
    let plan = Plan::new(&Wanted {
        users: Some(3),
        requests: Some(7),
        ..Wanted::default()
    })
    .unwrap();
    let schedule = Schedule::new(&plan, 1);
    assert_eq!(std::iter::from_fn(|| schedule.take()).count(), 7);
}

proptest! {
    #[test]
    fn inverse_undoes_area(from in 0.0_f64..1000.0, to in 0.0_f64..1000.0, share in 0.0_f64..0.999) {
        prop_assume!(from + to > 1.0);
        let stages = [format!("0s:{from}/s"), format!("10s:{to}/s"), "5s@7/s".to_owned()];
        let stages: Vec<&str> = stages.iter().map(String::as_str).collect();
        let shape = Plan::new(&staged(&stages)).unwrap().shape;
        let area = shape.area(seconds(15.0)) * share;
        let at = shape.inverse(area).unwrap();
        // The instant's rounding to nanoseconds, times the rate.
        prop_assert!((shape.area(at) - area).abs() < 1e-3, "{} {}", shape.area(at), area);
    }
}

fn tickets(plan: &Plan) -> Vec<Ticket> {
    let schedule = Schedule::new(plan, 42);
    std::iter::from_fn(|| schedule.take()).collect()
}

fn by_shards(plan: &Plan, of: u32) -> Vec<Ticket> {
    let mut all: Vec<Ticket> = (0..of)
        .flat_map(|index| tickets(&plan.clone().part(Shard { index, of }).unwrap()))
        .collect();
    all.sort_by_key(|ticket| ticket.index);
    all
}

#[test]
fn shards_together_send_every_ticket_exactly_once_and_on_time() {
    for arrival in [Arrival::Uniform, Arrival::Poisson] {
        let wanted = Wanted {
            arrival,
            ..staged(&["3s:100/s", "5s@37/s", "2s:0/s"])
        };
        let plan = Plan::new(&wanted).unwrap();
        let whole = tickets(&plan);
        for of in [1, 2, 3, 7] {
            let parts = by_shards(&plan, of);
            assert_eq!(parts.len(), whole.len(), "{arrival:?} {of}");
            assert_eq!(parts, whole, "{arrival:?} {of}");
        }
    }
}

#[test]
fn shards_divide_users_and_requests_without_losing_any() {
    let closed = Plan::new(&Wanted {
        users: Some(10),
        requests: Some(103),
        ..Wanted::default()
    })
    .unwrap();
    let parts: Vec<Plan> = (0..4)
        .map(|index| closed.clone().part(Shard { index, of: 4 }).unwrap())
        .collect();
    let users: Vec<u32> = parts.iter().map(Plan::users).collect();
    assert_eq!(users, [3, 3, 2, 2]);
    assert_eq!(
        parts.iter().filter_map(|part| part.requests).sum::<u64>(),
        103
    );
    let numbers: Vec<u64> = by_shards(&closed, 4)
        .iter()
        .map(|ticket| ticket.index)
        .collect();
    assert_eq!(numbers, (0..103).collect::<Vec<_>>());
    assert!(closed.part(Shard { index: 11, of: 12 }).is_err());
}

#[test]
fn a_shards_index_is_below_their_count() {
    assert_eq!("3/4".parse(), Ok(Shard { index: 3, of: 4 }));
    for text in ["", "4/4", "0/0", "-1/4", "a/4", "1", "0/99999"] {
        assert!(text.parse::<Shard>().is_err(), "{text}");
    }
}
