//! CPU requests and limits of the running pods. The template is not what counts: injectors add to it.

use super::super::facts::PodFacts;
use super::super::patient::Patient;
use crate::findings::Evidence;

/// Percent of its own request from which on a container is called saturated.
const SATURATED: i64 = 90;

pub(super) fn injected_without(patient: &Patient<'_>) -> Option<Evidence> {
    let template = &patient.workload()?.template;
    let lacking = lacking(patient);
    let injected = |name: &str| !template.iter().any(|t| t == name);
    let all = !template.is_empty() && lacking.iter().all(|(_, name)| injected(name));
    let (_, first) = lacking.first().filter(|_| all)?;
    Some(Evidence::new(
        format!(
            "the injected container {first} has no CPU request; the template is fine, the running pod is not"
        ),
        evidence(&lacking).chain([format!(
            "{}: containers of the template {}",
            patient.reference(),
            template.join(", ")
        )]),
    ))
}

pub(super) fn missing(patient: &Patient<'_>) -> Option<Evidence> {
    if injected_without(patient).is_some() {
        return None;
    }
    let lacking = lacking(patient);
    if let Some((_, first)) = lacking.first() {
        let (count, all) = (lacking.len(), patient.pods.len());
        return Some(Evidence::new(
            format!(
                "container {first} has no CPU request ({count} containers in {all} pods have none), \
                 so a utilization can't be computed"
            ),
            evidence(&lacking),
        ));
    }
    // Pods that may not be read leave the controller's word.
    let (_, message) = patient.refusal("ScalingActive")?;
    (patient.space.pods.is_none() && message.contains("missing request for cpu")).then(|| {
        Evidence::new(
            "a container has no CPU request, so a utilization can't be computed",
            [format!("condition ScalingActive: {message}")],
        )
    })
}

fn evidence<'b>(lacking: &'b [(&PodFacts, &str)]) -> impl Iterator<Item = String> + 'b {
    // Room is left for what else is quoted.
    lacking
        .iter()
        .take(4)
        .map(|(pod, name)| format!("pod {}, container {name}: no requests.cpu", pod.pod.name))
}

/// Every pod counts here, whatever its state: one container of one of them stops the autoscaler.
fn lacking<'a>(patient: &Patient<'a>) -> Vec<(&'a PodFacts, &'a str)> {
    if patient.cpu().is_none() {
        return Vec::new();
    }
    let containers = patient
        .pods
        .iter()
        .flat_map(|p| p.pod.containers.iter().map(move |c| (*p, c)));
    containers
        .filter(|(_, c)| patient.counts(&c.name) && c.cpu_request.is_none())
        .map(|(p, c)| (p, c.name.as_str()))
        .collect()
}

pub(super) fn limit_caps(patient: &Patient<'_>) -> Option<Evidence> {
    let fires = patient.fires_above()?;
    let pod = patient.living().next()?;
    let request = patient.request(pod)?;
    let counted = pod
        .pod
        .containers
        .iter()
        .filter(|c| patient.counts(&c.name));
    let limit: i64 = counted
        .map(|c| c.cpu_limit.map(|l| l.0))
        .sum::<Option<_>>()?;
    let highest = limit * 100 / request;
    #[expect(clippy::cast_precision_loss, reason = "a percentage is far below 2^52")]
    let capped = highest as f64 <= fires;
    capped.then(|| {
        Evidence::new(
            format!(
                "the CPU limit of {limit}m caps the utilization at {highest} % of the request of \
                 {request}m, and nothing happens up to {fires:.0} %"
            ),
            [format!(
                "pod {}: requests.cpu {request}m, limits.cpu {limit}m",
                pod.pod.name
            )],
        )
    })
}

/// Use and request of one container, summed over pods.
#[derive(Default)]
struct Share<'a> {
    name: &'a str,
    used: i64,
    request: i64,
}

pub(super) fn diluted(patient: &Patient<'_>) -> Option<Evidence> {
    let fires = patient.fires_above()?;
    if patient.container().is_some() {
        return None;
    }
    let shares = shares(patient)?;
    let busiest = shares.iter().max_by_key(|s| s.used)?;
    let percent = |used: i64, request: i64| used * 100 / request.max(1);
    let own = percent(busiest.used, busiest.request);
    let used: i64 = shares.iter().map(|s| s.used).sum();
    let request: i64 = shares.iter().map(|s| s.request).sum();
    let average = percent(used, request);
    #[expect(clippy::cast_precision_loss, reason = "a percentage is far below 2^52")]
    let hidden = average as f64 <= fires && own as f64 > fires;
    (shares.len() > 1 && hidden && own >= SATURATED).then(|| {
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

/// The containers of the ready pods; `None` where a use or a request is not known.
fn shares<'a>(patient: &Patient<'a>) -> Option<Vec<Share<'a>>> {
    let mut shares: Vec<Share<'a>> = Vec::new();
    for (pod, sample) in patient
        .samples()
        .filter(|(p, _)| super::super::patient::is_ready(p))
    {
        for container in &pod.pod.containers {
            let used = sample
                .containers
                .iter()
                .find(|s| s.name == container.name)?;
            let name = container.name.as_str();
            let position = shares.iter().position(|s| s.name == name);
            let position = position.unwrap_or_else(|| {
                shares.push(Share {
                    name,
                    ..Share::default()
                });
                shares.len() - 1
            });
            shares[position].used += used.cpu.map_or(0, |cpu| cpu.0);
            shares[position].request += container.cpu_request?.0;
        }
    }
    Some(shares)
}
