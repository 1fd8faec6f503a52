//! What the pods' containers request and use at the moment of the snapshot.

use std::time::Duration;

use super::look::SnapshotView;
use crate::findings::{Evidence, catalog};
use crate::model::after;
use crate::observation::PodSample;
use crate::rules::rule::{Rule, Weight};
use crate::rules::shared::requests::{lacking, quotes};
use crate::rules::view::PodView;

pub(crate) const RULES: &[Rule] = &[
    Rule::snapshot(
        &catalog::INJECTED_CONTAINER_WITHOUT_REQUEST,
        Weight::Cause,
        injected_without,
    ),
    Rule::snapshot(
        &catalog::SIDECAR_DILUTES_UTILIZATION,
        Weight::Cause,
        diluted,
    ),
    Rule::snapshot(&catalog::STARTUP_COUNTS_AS_LOAD, Weight::Cause, startup),
];

/// A container that uses at least this percentage of its own request is saturated.
const SATURATED: i64 = 90;

/// A pod that is ready this soon after its start has no readiness check.
const AT_ONCE: Duration = Duration::from_secs(5);

fn injected_without(look: &SnapshotView<'_>) -> Option<Evidence> {
    let template = &look.workload()?.template;
    let view = look.view();
    let lacking = lacking(view);
    let injected = |name: &str| !template.iter().any(|t| t == name);
    let all = !template.is_empty() && lacking.iter().all(|(_, name)| injected(name));
    let (_, first) = lacking.first().filter(|_| all)?;
    let template = format!(
        "{}: containers of the template {}",
        view.reference(),
        template.join(", ")
    );
    Some(Evidence::new(
        format!(
            "the injected container {first} has no CPU request; the template is fine, the running pod is not"
        ),
        quotes(&lacking).chain([template]),
    ))
}

/// Use and request of one container, summed over pods.
struct Share<'a> {
    name: &'a str,
    used: i64,
    request: i64,
}

fn diluted(look: &SnapshotView<'_>) -> Option<Evidence> {
    let fires = look.view().fires_above()?;
    let whole_pods = look.view().cpu()?.source.container().is_none();
    let shares = shares(look).filter(|_| whole_pods)?;
    let busiest = shares.iter().max_by_key(|s| s.used)?;
    if !is_main(look, busiest.name) {
        return None;
    }
    let percent = |used: i64, request: i64| used * 100 / request.max(1);
    let own = percent(busiest.used, busiest.request);
    let used: i64 = shares.iter().map(|s| s.used).sum();
    let request: i64 = shares.iter().map(|s| s.request).sum();
    let average = percent(used, request);
    #[expect(clippy::cast_precision_loss, reason = "a percentage is far below 2^52")]
    let hidden = average as f64 <= fires && own as f64 > fires;
    // A sidecar that is nearly as busy hides nothing; the difference is only rounding.
    let others = percent(used - busiest.used, request - busiest.request);
    let idle = others * 2 <= own && (used - busiest.used) * 2 <= busiest.used;
    (shares.len() > 1 && hidden && idle && own >= SATURATED).then(|| {
        Evidence::new(
            format!(
                "container {} is at {own} % of its request while the pods' average is {average} %",
                busiest.name
            ),
            shares.iter().map(|s| {
                let (used, request) = (s.used, s.request);
                format!(
                    "container {}: uses {used}m of a request of {request}m, all pods together",
                    s.name
                )
            }),
        )
    })
}

/// Whether a container is the application's: the template has it, and it is no native sidecar. A mesh's proxy may
/// well use more than its small request.
fn is_main(look: &SnapshotView<'_>, container: &str) -> bool {
    let template = look.workload().map_or(&[][..], |w| &w.template);
    let native = |p: &PodView<'_>| {
        let mut inits = p.pod.init_containers.iter();
        inits.any(|c| c.sidecar && c.resources.name == container)
    };
    let own = template.is_empty() || template.iter().any(|name| name == container);
    own && !look.view().living().iter().any(native)
}

/// The containers of the ready pods; `None` if a use or a request is unknown.
fn shares<'a>(look: &'a SnapshotView<'_>) -> Option<Vec<Share<'a>>> {
    let mut shares: Vec<Share<'a>> = Vec::new();
    for (pod, sample) in ready_and_sampled(look) {
        for container in &pod.pod.containers {
            let mut used = sample.containers.iter();
            let used = used.find(|s| s.name == container.name)?.cpu?.0;
            let request = container.cpu_request?.0;
            let name = container.name.as_str();
            match shares.iter_mut().find(|s| s.name == name) {
                Some(share) => {
                    share.used += used;
                    share.request += request;
                }
                None => shares.push(Share {
                    name,
                    used,
                    request,
                }),
            }
        }
    }
    Some(shares)
}

fn ready_and_sampled<'a>(
    look: &'a SnapshotView<'_>,
) -> impl Iterator<Item = (PodView<'a>, &'a PodSample)> {
    let pods = look.view().living().into_iter().filter(PodView::is_ready);
    pods.filter_map(|p| Some((p, p.sample?)))
}

fn startup(look: &SnapshotView<'_>) -> Option<Evidence> {
    let view = look.view();
    let target = view.target_percent()?;
    let believed = view.controller().cpu_initialization_period;
    let (mut young, mut old) = (Vec::new(), Vec::new());
    for (pod, sample) in ready_and_sampled(look) {
        let percent = view.used(sample)? * 100 / view.request(pod.pod)?;
        let since = pod.since?;
        let at_once = pod
            .pod
            .started
            .is_some_and(|at| since <= after(at, AT_ONCE));
        if view.longer(Some(since), believed) {
            old.push(percent);
        } else if at_once && !look.is_probed(pod.name()) {
            young.push((pod.name(), percent));
        }
    }
    let mean = |list: &[i64]| {
        list.iter()
            .sum::<i64>()
            .checked_div(i64::try_from(list.len()).ok()?)
    };
    let burn = mean(&young.iter().map(|(_, p)| *p).collect::<Vec<_>>())?;
    let work = mean(&old)?;
    (burn * 2 >= target * 3 && work <= target).then(|| {
        Evidence::new(
            format!(
                "new pods use {burn} % of their request and the others {work} %; the new ones were \
                 ready at once, so their start counts as load"
            ),
            young
                .iter()
                .map(|(name, percent)| format!("pod {name}: no readiness probe, uses {percent} %")),
        )
    })
}
