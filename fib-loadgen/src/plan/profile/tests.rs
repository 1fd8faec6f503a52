//! Each profile is the load that its name promises, and the autoscaler's rule responds as it should.

use super::*;
use crate::plan::Shape;

fn shape(spec: &str) -> Shape {
    let profile: Profile = spec.parse().unwrap();
    Shape::from_stages(0.0, &profile.stages).unwrap()
}

fn counts(spec: &str) -> Vec<u32> {
    let profile: Profile = spec.parse().unwrap();
    let shape = Shape::from_stages(0.0, &profile.stages).unwrap();
    let replicas = expected(&shape, &profile.autoscaler.unwrap());
    replicas
        .into_iter()
        .map(|replicas| replicas.count)
        .collect()
}

fn at(shape: &Shape, seconds: u64) -> f64 {
    shape.at(Duration::from_secs(seconds))
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-6
}

#[test]
fn generic_profiles_have_their_levels() {
    let spike = shape("spike:base=10/s,peak=90/s,before=10s,for=5s,after=10s");
    for (second, level) in [(5, 10.0), (12, 90.0), (20, 10.0)] {
        assert!(near(at(&spike, second), level), "{second}");
    }
    let step = shape("step:from=10,to=40,steps=4,each=10s");
    for (second, level) in [(5, 10.0), (15, 20.0), (25, 30.0), (35, 40.0)] {
        assert!(near(at(&step, second), level), "{second}");
    }
    let ramp = shape("ramp:from=0/s,to=100/s,over=10s,hold=5s");
    assert!(near(at(&ramp, 5), 50.0) && near(at(&ramp, 12), 100.0));
    let soak = shape("soak:level=10/s,ramp=10s,for=1h");
    assert!(near(at(&soak, 5), 5.0) && near(at(&soak, 1_000), 10.0));
    assert_eq!(soak.end(), Duration::from_secs(3_620));
}

#[test]
fn a_sine_is_close_to_a_sine_and_has_its_mean() {
    let sine = shape("sine:level=200/s,by=100/s,period=60s,periods=3");
    for second in 0..180 {
        #[expect(clippy::cast_precision_loss, reason = "a second")]
        let angle = second as f64 / 60.0 * std::f64::consts::TAU;
        let off = (at(&sine, second) - (200.0 + 100.0 * angle.sin())).abs();
        assert!(off < 1.0, "{second}: {off}");
    }
    assert!(near(sine.area(Duration::from_mins(3)), 36_000.0));
}

#[test]
fn a_step_leads_from_the_fewest_pods_to_the_most_and_back() {
    // From 3, the policies allow 3 + 4 = 7, then 14, of which 10 is the maximum.
    assert_eq!(counts("hpa-step:cost=20ms"), [3, 7, 10, 3]);
    assert_eq!(
        counts("hpa-step:cost=1ms,min=1,max=40,target=80%,request=1"),
        [1, 5, 10, 20, 40, 1]
    );
}

#[test]
fn scale_down_waits_for_its_window() {
    let profile: Profile = "hpa-down:cost=20ms".parse().unwrap();
    let shape = Shape::from_stages(0.0, &profile.stages).unwrap();
    let replicas = expected(&shape, &profile.autoscaler.unwrap());
    let fall = shape.pieces()[1].start;
    assert_eq!(
        replicas.iter().map(|r| r.count).collect::<Vec<_>>(),
        [10, 3]
    );
    let wait = replicas[1].at.saturating_sub(fall);
    assert!(
        wait >= Duration::from_mins(5) && wait <= Duration::from_secs(330),
        "{wait:?}"
    );
}

#[test]
fn a_staircase_visits_every_number_that_the_tolerance_allows() {
    assert_eq!(
        counts("hpa-staircase:cost=20ms"),
        [3, 4, 5, 6, 7, 8, 9, 10, 3]
    );
    // 10 % of ten pods is one: eleven pods can't be reached, twelve can.
    assert_eq!(
        counts("hpa-staircase:cost=20ms,min=9,max=14"),
        [9, 10, 12, 14, 9]
    );
    assert_eq!(
        counts("hpa-staircase:cost=20ms,tolerance=0%,min=9,max=12"),
        [9, 10, 11, 12, 9]
    );
}

#[test]
fn flapping_within_the_tolerance_scales_nothing_but_beyond_it_does() {
    assert_eq!(counts("hpa-flap:cost=20ms"), [3]);
    let profile: Profile = "hpa-flap:cost=20ms".parse().unwrap();
    let shape = Shape::from_stages(0.0, &profile.stages).unwrap();
    let strict = Autoscaler {
        tolerance: 0.05,
        ..profile.autoscaler.unwrap()
    };
    assert_ne!(expected(&shape, &strict)[0].count, 3);
}

#[test]
fn a_spike_within_the_scale_up_window_scales_nothing_but_without_a_window_it_does() {
    assert_eq!(counts("hpa-spike:cost=20ms,up-window=2m"), [3]);
    assert_eq!(counts("hpa-spike:cost=20ms").first(), Some(&3));
    assert!(counts("hpa-spike:cost=20ms").contains(&7));
}

#[test]
fn a_rate_keeps_exactly_the_pods_it_was_made_for_at_their_target() {
    let autoscaler: Profile = "hpa-step:cost=20ms,request=200m,target=50%"
        .parse()
        .unwrap();
    let autoscaler = autoscaler.autoscaler.unwrap();
    // 100 millicores per pod are 100 ms of CPU per second, which is five requests of 20 ms.
    assert!(near(autoscaler.rate_for(1.0), 5.0) && near(autoscaler.pods_for(50.0), 10.0));
    assert_eq!(
        (
            autoscaler.recommends(16.0, 3),
            autoscaler.recommends(17.0, 3)
        ),
        (3, 4)
    );
    assert_eq!(autoscaler.recommends(1e6, 3), 10);
}

#[test]
fn an_invalid_profile_is_refused_with_the_valid_ones() {
    for (spec, said) in [
        ("nothing", "hpa-step"),
        ("spike:top=1", "it has base"),
        ("spike:base", "KEY=VALUE"),
        ("spike:base=5,peak=5/s", "both"),
        ("sine:level=10/s,by=20/s", "can't be negative"),
        ("hpa-step:min=5,max=5", "min below"),
        ("hpa-step:cost=0s", "above 0"),
        ("hpa-step:cost=1ms,min=5,max=5", "min below"),
        ("step:steps=99999", "at most"),
    ] {
        let why = spec.parse::<Profile>().unwrap_err();
        assert!(why.contains(said), "{spec}: {why}");
    }
}

#[test]
fn an_autoscaler_profile_accepts_a_measured_cost() {
    let profile: Profile = "hpa-step:max=4".parse().unwrap();
    assert!(profile.lacks_cost);
    let measured = profile.with_cost(Duration::from_millis(20)).unwrap();
    let typed: Profile = "hpa-step:max=4,cost=20ms".parse().unwrap();
    assert_eq!(measured.stages, typed.stages);
    assert!(!measured.lacks_cost && !typed.lacks_cost);
}

#[test]
fn the_help_names_every_profile_and_each_is_valid() {
    let help = help();
    for (name, _, defaults) in GENERIC.iter().chain(&autoscaler::PROFILES) {
        assert!(help.contains(name));
        let cost = if defaults.iter().any(|(key, _)| *key == "cost") {
            ":cost=20ms"
        } else {
            ""
        };
        assert!(format!("{name}{cost}").parse::<Profile>().is_ok(), "{name}");
    }
}
