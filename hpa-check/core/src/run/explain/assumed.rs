//! Flags and the version of the controller that are only assumed: a sync that they can't explain may follow from other
//! values, and then it proves nothing.

use std::time::Duration;

use super::memories::{Gathered, Memories, Question};
use super::memory::Windows;
use super::sightings::{ReadingSearch, Sightings, Span};
use crate::model::VersionGates;
use crate::model::reconcile::Controller;
use crate::observation::{ControllerConfig, RunContext};
use crate::spec::AutoscalerSpec;

/// Values that are in use or that differ in effect: a decision depends only on the side of the limit.
const TOLERANCES: [f64; 12] = [
    0.0, 0.01, 0.02, 0.03, 0.05, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 1.0,
];
const PERIODS: [Duration; 8] = [
    Duration::ZERO,
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_mins(1),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(30),
    Duration::from_hours(1),
];

/// The minor versions of Kubernetes whose rules differ.
const MINORS: std::ops::RangeInclusive<u32> = 30..=37;

/// Which of the controller's properties are assumed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Assumed {
    flags: bool,
    version: bool,
}

impl Assumed {
    pub(super) fn of(setting: &RunContext) -> Self {
        Self {
            flags: !setting.controller_is_stated(),
            version: setting.kubernetes.is_none(),
        }
    }
}

/// Whether the scale-down window comes from the controller's flag, and not from the spec.
pub(crate) fn window_is_a_flag(spec: &AutoscalerSpec) -> bool {
    let rules = spec.behavior.as_ref().and_then(|b| b.scale_down.as_ref());
    rules.is_none_or(|rules| rules.stabilization_window_seconds.is_none())
}

/// What else explains the status, such as `another tolerance than the assumed 0.1`.
pub(super) fn another_controller(
    question: &Question<'_>,
    (before, assumed): (&Memories, Assumed),
    (sightings, search): (&Sightings, ReadingSearch),
    when: Span,
) -> Option<String> {
    let flag = assumed.flags && window_is_a_flag(question.spec);
    let mut memories = before.clone();
    if flag {
        memories.map(|memory| memory.lose_order(when.until));
    }
    let explains = |controller: &Controller| {
        let windows = Windows::of(question.spec, controller);
        let other = Question {
            controller,
            windows: &windows,
            ..*question
        };
        let search = ReadingSearch {
            initialization: controller.settings.cpu_initialization_period,
            ..search
        };
        let mut gathered = Gathered::default();
        other.gather(sightings, search, &mut gathered);
        let advance = memories.advance(&other, &gathered.readings, when);
        advance.nearest.is_some()
    };
    let mut others = Vec::new();
    if assumed.flags {
        others.extend(flags(question.controller, flag));
    }
    if assumed.version {
        others.extend(versions(question.controller, question.spec));
    }
    others.extend(gates(question.controller, question.spec));
    let mut others = others.into_iter();
    others.find_map(|(name, controller)| explains(&controller).then_some(name))
}

/// Controllers of other versions.
fn versions(
    assumed: &Controller,
    spec: &AutoscalerSpec,
) -> impl Iterator<Item = (String, Controller)> {
    MINORS.map(|minor| {
        let other = Controller {
            gates: VersionGates::of_version(format!("1.{minor}").as_str()).shown_by(spec),
            ..assumed.clone()
        };
        (
            "another version of Kubernetes than the newest".to_owned(),
            other,
        )
    })
}

/// A controller with the feature gates that the stored spec shows, if they are off by default.
fn gates(assumed: &Controller, spec: &AutoscalerSpec) -> Option<(String, Controller)> {
    let gates = assumed.gates.shown_by(spec);
    let other = Controller {
        gates,
        ..assumed.clone()
    };
    let phrase = "another feature gate than the version's own";
    (gates != assumed.gates).then(|| (phrase.to_owned(), other))
}

fn another(name: &str, assumed: &str) -> String {
    format!("another {name} than the assumed {assumed}")
}

/// Controllers with another value of each flag.
fn flags(assumed: &Controller, window_is_a_flag: bool) -> Vec<(String, Controller)> {
    let own = &assumed.settings;
    let with = |change: &dyn Fn(&mut ControllerConfig)| {
        let mut other = assumed.clone();
        change(&mut other.settings);
        other
    };
    let named = |name: &str, value: Duration| another(name, &format!("{} s", value.as_secs()));
    let window = named("downscale stabilization", own.downscale_stabilization);
    let initialization = named("CPU initialization period", own.cpu_initialization_period);
    let delay = named("initial readiness delay", own.initial_readiness_delay);
    let tolerance = another("tolerance", &own.tolerance.to_string());
    // The memory already is that of any window.
    let windows = window_is_a_flag.then(|| (window, assumed.clone()));
    let tolerances = TOLERANCES
        .iter()
        .map(|value| (tolerance.clone(), with(&|c| c.tolerance = *value)));
    let initializations = PERIODS.iter().map(|value| {
        let other = with(&|c| c.cpu_initialization_period = *value);
        (initialization.clone(), other)
    });
    let delays = PERIODS.iter().map(|value| {
        let other = with(&|c| c.initial_readiness_delay = *value);
        (delay.clone(), other)
    });
    let others = windows.into_iter().chain(tolerances);
    others.chain(initializations).chain(delays).collect()
}
