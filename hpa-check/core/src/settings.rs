//! The evaluated settings as names and values: every page and summary shows them, and a comparison names those
//! that differ.

use std::time::Duration;

use crate::documents::result::{Evaluated, RunResult};
use crate::expectation::{Expectation, ScaleDown};
use crate::observation::ControllerConfig;
use crate::run::timeline::Step;
use crate::sim::{Ceiling, LoadProfile, Scenario, Simulation};
use crate::spec::{AutoscalerSpec, Behavior, ContainerResources, PolicyKind, ScalingRules};
use crate::units::Millicores;

/// Names, in lower case unless they are proper names, and values.
pub type Settings = Vec<(&'static str, String)>;

/// The name of the command line, which is not a setting of the autoscaler.
pub const COMMAND: &str = "command";

/// The settings of a simulation.
pub fn of_simulation(simulation: &Simulation) -> Settings {
    let scenario = &simulation.scenario;
    let (spec, pod) = (&scenario.spec, &scenario.pod);
    let mut settings = vec![
        ("kind", "simulation".to_owned()),
        ("autoscaler", spec.scale_target_ref.name.clone()),
    ];
    settings.extend(of_spec(spec));
    settings.extend([
        ("CPU request", pod.request.to_string()),
        (
            "most work per pod",
            match (pod.limit, pod.ceiling) {
                (Some(limit), _) => format!("its limit, {limit}"),
                (None, Ceiling::TwiceRequest) => "twice its request".to_owned(),
                (None, Ceiling::At(most)) => most.to_string(),
                (None, Ceiling::Unlimited) => "unlimited".to_owned(),
            },
        ),
        ("pod start", time(pod.start)),
        ("load", load(&scenario.load)),
        ("late work", late(scenario).to_owned()),
        ("faults", faults(scenario)),
        ("length", time(scenario.length)),
    ]);
    settings.extend(of_controller(&scenario.controller));
    settings.push(("metrics resolution", time(scenario.resolution)));
    let version = scenario.kubernetes.as_deref();
    let version = version.unwrap_or("the newest rules").to_owned();
    settings.push(("Kubernetes", version));
    settings.push(("hpa-check", simulation.version.clone()));
    settings.extend(simulation.command.clone().map(|c| (COMMAND, c)));
    settings
}

/// The settings of a run. Results of earlier versions have fewer.
pub fn of_run(result: &RunResult) -> Settings {
    let mut settings = Settings::new();
    if let Some(context) = &result.setting {
        settings.push(("kind", context.source.clone()));
        if !context.namespace.is_empty() {
            settings.push(("namespace", context.namespace.clone()));
        }
        settings.push(("autoscaler", context.autoscaler.clone()));
    }
    let none = Evaluated::default();
    let evaluated = result.evaluated.as_ref().unwrap_or(&none);
    match &evaluated.autoscaler {
        Some(spec) => settings.extend(of_spec(spec)),
        None => settings.extend(of_timeline(result)),
    }
    match evaluated.requests.as_slice() {
        [] => settings.extend(request_of_timeline(result)),
        containers => settings.extend(of_containers(containers)),
    }
    settings.push(("expected", expected(&result.expectation)));
    if let Some(context) = &result.setting {
        settings.extend(of_controller(&context.controller));
        settings.push(("metrics resolution", time(context.metrics_resolution)));
        settings.extend(context.kubernetes.clone().map(|v| ("Kubernetes", v)));
    }
    settings.push(("hpa-check", result.version.clone()));
    let recorded_by = evaluated.recorded_by.clone();
    settings.extend(recorded_by.map(|v| ("recorded by", format!("hpa-check {v}"))));
    let load = result.load.as_ref().and_then(|load| load.command.clone());
    settings.extend(load.map(|command| ("load", command)));
    settings.extend(evaluated.command.clone().map(|c| (COMMAND, c)));
    settings
}

fn of_spec(spec: &AutoscalerSpec) -> Settings {
    let target = &spec.scale_target_ref;
    let mut settings = vec![
        ("target", format!("{}/{}", target.kind, target.name)),
        ("minimum", spec.effective_min().to_string()),
        ("maximum", spec.max_replicas.to_string()),
    ];
    let percent = spec.cpu_target_percent();
    settings.extend(percent.map(|percent| ("CPU target", format!("{percent} %"))));
    if percent.is_none() || spec.metrics.len() > 1 {
        let metrics = spec.metrics.iter();
        let told: Vec<String> = metrics
            .map(|metric| format!("{} at {}", metric.source, metric.target))
            .collect();
        settings.push(("metrics", told.join("; ")));
    }
    settings.push(("behavior", behavior(spec.behavior.as_ref())));
    settings
}

/// The autoscaler's settings as far as the timeline of an earlier version's result shows them.
fn of_timeline(result: &RunResult) -> Settings {
    let timeline = &result.timeline;
    let mut settings = Settings::new();
    settings.extend(last(&timeline.min_replicas).map(|min| ("minimum", min.to_string())));
    settings.extend(last(&timeline.max_replicas).map(|max| ("maximum", max.to_string())));
    let target = last(&timeline.target_percent).flatten();
    settings.extend(target.map(|percent| ("CPU target", format!("{percent} %"))));
    settings
}

fn request_of_timeline(result: &RunResult) -> Option<(&'static str, String)> {
    let pods = result.timeline.pods.iter();
    let request = pods.filter_map(|pod| pod.request_milli).max()?;
    Some(("CPU request", Millicores(request).to_string()))
}

/// The requests and limits of one pod, such as `100m` or `app 100m, proxy 20m`.
fn of_containers(containers: &[ContainerResources]) -> Settings {
    let each = |amount: fn(&ContainerResources) -> Option<Millicores>| {
        let told = |container: &ContainerResources| {
            amount(container).map_or_else(|| "none".to_owned(), |cpu| cpu.to_string())
        };
        if let [only] = containers {
            return told(only);
        }
        let all = containers.iter().map(|c| format!("{} {}", c.name, told(c)));
        all.collect::<Vec<_>>().join(", ")
    };
    vec![
        ("CPU request", each(|c| c.cpu_request)),
        ("CPU limit", each(|c| c.cpu_limit)),
    ]
}

fn expected(expected: &Expectation) -> String {
    let own = expected.own;
    let by = |own: bool| if own { " (its own)" } else { "" };
    let back = match expected.scale_down {
        ScaleDown::Full => " and back",
        ScaleDown::OneStep => " and one step down",
        ScaleDown::Skip => "",
    };
    let metrics: Vec<String> = expected.metrics.iter().map(ToString::to_string).collect();
    let target = if metrics.is_empty() {
        let percent = expected.cpu_target_percent;
        format!("{percent} % CPU{}", by(own.cpu_target_percent))
    } else {
        metrics.join(" and ")
    };
    format!(
        "{}{} to {}{} pods{back}, at {target}",
        expected.min_replicas,
        by(own.min_replicas),
        expected.max_replicas,
        by(own.max_replicas),
    )
}

/// The settings of the controller, given or assumed.
pub fn of_controller(config: &ControllerConfig) -> Settings {
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

fn late(scenario: &Scenario) -> &'static str {
    if scenario.backlog { "waits" } else { "is lost" }
}

fn faults(scenario: &Scenario) -> String {
    let faults: Vec<String> = scenario.faults.iter().map(ToString::to_string).collect();
    if faults.is_empty() {
        return "none".to_owned();
    }
    faults.join(", ")
}

fn behavior(behavior: Option<&Behavior>) -> String {
    let Some(behavior) = behavior else {
        return "none".to_owned();
    };
    let sides = [("up", &behavior.scale_up), ("down", &behavior.scale_down)];
    let sides = sides
        .into_iter()
        .filter_map(|(name, rules)| Some(format!("{name}: {}", scaling(rules.as_ref()?))));
    sides.collect::<Vec<_>>().join("; ")
}

/// Such as `100 % in 15 s or 4 pods in 15 s, Max, window 300 s`: what is set, and nothing else.
fn scaling(rules: &ScalingRules) -> String {
    let mut parts = Vec::new();
    if let Some(policies) = &rules.policies {
        let policies = policies.iter().map(|policy| {
            let unit = match policy.kind {
                PolicyKind::Pods => "pods",
                PolicyKind::Percent => "%",
            };
            format!("{} {unit} in {} s", policy.value, policy.period_seconds)
        });
        parts.push(policies.collect::<Vec<_>>().join(" or "));
    }
    parts.extend(rules.select_policy.map(|select| format!("{select:?}")));
    let window = rules.stabilization_window_seconds;
    parts.extend(window.map(|seconds| format!("window {seconds} s")));
    let tolerance = rules.tolerance;
    parts.extend(tolerance.map(|share| format!("tolerance {share}")));
    parts.join(", ")
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

/// A time in whole minutes, whole seconds, or else in milliseconds.
pub fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    if time.subsec_nanos() == 0 && seconds >= 60 && seconds.is_multiple_of(60) {
        format!("{} min", seconds / 60)
    } else if time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{} ms", time.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::evaluator::Evaluator;

    fn value(settings: &Settings, name: &str) -> Option<String> {
        let found = settings.iter().find(|(n, _)| *n == name);
        found.map(|(_, value)| value.clone())
    }

    #[test]
    fn a_run_shows_its_autoscaler_its_requests_its_versions_and_its_command() {
        let scenario = crate::sim::tests::scenario("0s:60m 60s:450m 5m:450m");
        let called = "hpa-check run cart".to_owned();
        let mut evaluator = Evaluator::new(Expectation::default())
            .called(called)
            .recorded_by("0.0.9".to_owned());
        scenario.watch(|seen| evaluator.observe(&seen));
        let mut result = evaluator.finish(crate::sim::BEGIN);
        let settings = of_run(&result);
        for (name, told) in [
            ("minimum", "3"),
            ("CPU target", "50 %"),
            ("CPU request", "100m"),
            ("expected", "3 to 10 pods and back, at 50 % CPU"),
            ("recorded by", "hpa-check 0.0.9"),
            (COMMAND, "hpa-check run cart"),
        ] {
            assert_eq!(
                value(&settings, name).as_deref(),
                Some(told),
                "{settings:?}"
            );
        }
        assert!(value(&settings, "target").is_some() && value(&settings, "behavior").is_some());
        // A result of version 1.1 has only what its timeline shows.
        result.evaluated = None;
        let earlier = of_run(&result);
        assert_eq!(value(&earlier, "maximum").as_deref(), Some("10"));
        assert_eq!(value(&earlier, "CPU request").as_deref(), Some("100m"));
        assert_eq!(value(&earlier, COMMAND), None);
    }

    #[test]
    fn each_container_has_its_request() {
        let cpu = |name: &str, request| ContainerResources::cpu(name, request, None);
        let two = [cpu("app", Some(Millicores(100))), cpu("proxy", None)];
        let settings = of_containers(&two);
        assert_eq!(
            value(&settings, "CPU request").as_deref(),
            Some("app 100m, proxy none")
        );
    }
}
