//! The evaluated settings as text, to name the differences.

use std::time::Duration;

use super::Difference;
use crate::documents::result::RunResult;
use crate::observation::ControllerConfig;
use crate::run::timeline::Step;
use crate::sim::{Ceiling, LoadProfile, Simulation};
use crate::spec::Behavior;

type Settings = Vec<(&'static str, String)>;

pub(super) fn of_simulation(simulation: &Simulation) -> Settings {
    let scenario = &simulation.scenario;
    let (spec, pod) = (&scenario.spec, &scenario.pod);
    let mut settings = vec![
        ("kind", "simulation".to_owned()),
        ("minimum", spec.effective_min().to_string()),
        ("maximum", spec.max_replicas.to_string()),
        ("behavior", behavior(spec.behavior.as_ref())),
        ("CPU request", pod.request.to_string()),
        (
            "most work of a pod",
            match (pod.limit, pod.ceiling) {
                (Some(limit), _) => format!("its limit, {limit}"),
                (None, Ceiling::TwiceRequest) => "twice its request".to_owned(),
                (None, Ceiling::At(most)) => most.to_string(),
                (None, Ceiling::Unlimited) => "unlimited".to_owned(),
            },
        ),
        ("pod start", time(pod.start)),
        ("load", load(&scenario.load)),
        ("length", time(scenario.length)),
        ("metrics resolution", time(scenario.resolution)),
        ("hpa-check", simulation.version.clone()),
    ];
    if let Some(target) = spec.cpu_target_percent() {
        settings.push(("CPU target", format!("{target} %")));
    }
    settings.extend(controller(&scenario.controller));
    settings.extend(scenario.kubernetes.clone().map(|v| ("Kubernetes", v)));
    settings
}

pub(super) fn of_run(result: &RunResult) -> Settings {
    let timeline = &result.timeline;
    let mut settings = vec![("hpa-check", result.version.clone())];
    settings.extend(last(&timeline.min_replicas).map(|min| ("minimum", min.to_string())));
    settings.extend(last(&timeline.max_replicas).map(|max| ("maximum", max.to_string())));
    let target = last(&timeline.target_percent).flatten();
    settings.extend(target.map(|percent| ("CPU target", format!("{percent} %"))));
    let request = timeline
        .pods
        .iter()
        .filter_map(|pod| pod.request_milli)
        .max();
    settings.extend(request.map(|milli| ("CPU request", format!("{milli}m"))));
    if let Some(context) = &result.setting {
        settings.push(("kind", context.source.clone()));
        settings.push(("autoscaler", context.autoscaler.clone()));
        settings.push(("metrics resolution", time(context.metrics_resolution)));
        settings.extend(controller(&context.controller));
        settings.extend(context.kubernetes.clone().map(|v| ("Kubernetes", v)));
    }
    if let Some(command) = result.load.as_ref().and_then(|load| load.command.clone()) {
        settings.push(("load", command));
    }
    settings
}

/// The settings that differ, in the order of the first side.
pub(super) fn differences(a: &Settings, b: &Settings) -> Vec<Difference> {
    let value = |all: &Settings, name: &str| {
        let found = all.iter().find(|(n, _)| *n == name);
        found.map(|(_, value)| value.clone())
    };
    let mut names: Vec<&'static str> = a.iter().map(|(name, _)| *name).collect();
    names.extend(
        b.iter()
            .map(|(name, _)| *name)
            .filter(|name| value(a, name).is_none()),
    );
    let all = names.into_iter().map(|name| Difference {
        setting: name.to_owned(),
        a: value(a, name),
        b: value(b, name),
    });
    all.filter(|difference| difference.a != difference.b)
        .collect()
}

fn controller(config: &ControllerConfig) -> Settings {
    vec![
        ("sync period", time(config.sync_period)),
        ("tolerance", config.tolerance.to_string()),
        (
            "downscale stabilization",
            time(config.downscale_stabilization),
        ),
        (
            "CPU initialization period",
            time(config.cpu_initialization_period),
        ),
        (
            "initial readiness delay",
            time(config.initial_readiness_delay),
        ),
    ]
}

fn behavior(behavior: Option<&Behavior>) -> String {
    behavior.map_or_else(|| "none".to_owned(), |b| b.written().to_string())
}

fn load(load: &LoadProfile) -> String {
    if let Some(source) = &load.source {
        return source.clone();
    }
    let points = &load.points;
    if points.len() > 12 {
        let most = points.iter().map(|p| p.millicores).fold(0.0, f64::max);
        return format!(
            "{} points, {:.2} cores at most",
            points.len(),
            most / 1_000.0
        );
    }
    let points = points.iter();
    let points: Vec<String> = points
        .map(|p| format!("{}s:{:.0}m", p.second, p.millicores))
        .collect();
    points.join(" ")
}

fn last<T: Copy>(steps: &[Step<T>]) -> Option<T> {
    steps.last().map(|step| step.value)
}

fn time(time: Duration) -> String {
    if time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{} ms", time.as_millis())
    }
}
