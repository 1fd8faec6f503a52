//! Runs in which the autoscaler was right, but its environment could not follow.

use hpa_check_core::observation::GeneratorVerdict;

use super::pairs::{Pair, beside, pair};
use super::world::{Fate, Metrics, World, healthy};

pub(crate) fn pairs() -> Vec<Pair> {
    vec![
        beside(
            World {
                quota: Some(10),
                ..healthy()
            },
            "quota-exceeded",
            |w| w.quota = Some(6),
        ),
        beside(
            World {
                refuses: "violates PodSecurity \"restricted:latest\"",
                ..healthy()
            },
            "pods-refused",
            |w| w.quota = Some(6),
        ),
        pair("pods-not-ready", |w| {
            w.fate = |n| after_the_sixth(n, Fate::NeverReady);
        }),
        pair("pods-not-ready", |w| w.fate = |_| Fate::NeverReady),
        pair("pods-starting", |w| {
            w.fate = |n| after_the_sixth(n, Fate::Starts);
        }),
        pair("image-missing", |w| {
            w.fate = |n| after_the_sixth(n, Fate::Waits("ImagePullBackOff"));
        }),
        pair("pods-crash", |w| {
            w.fate = |n| after_the_sixth(n, Fate::Waits("CrashLoopBackOff"));
        }),
        pair("unschedulable", |w| {
            w.fate = |n| after_the_sixth(n, Fate::FitsNowhere);
        }),
        pair("metrics-api-unavailable", |w| {
            w.metrics = Metrics::Fails("the server is currently unable to handle the request");
        }),
        pair("metrics-incomplete", |w| w.metrics = Metrics::Leaves(2)),
        pair("metrics-stale", |w| w.metrics = Metrics::StopsAt(9)),
        pair("rescale-failed", |w| {
            w.refusal = Some((
                "AbleToScale",
                "FailedUpdateScale",
                "admission webhook denied",
            ));
        }),
        // A generator at its limit does not matter if it was strong enough.
        beside(saturated(), "generator-saturated", |w| w.high = 300),
        beside(saturated(), "generator-saturated", |w| w.account.failed = 7),
    ]
}

pub(crate) fn after_the_sixth(pod: usize, fate: Fate) -> Fate {
    if pod > 6 { fate } else { Fate::Serves }
}

pub(crate) fn saturated() -> World {
    let mut world = healthy();
    world.account.generator = GeneratorVerdict::Saturated;
    world.account.generator_reasons = vec!["CPU of the generator at 98 %".into()];
    world
}
