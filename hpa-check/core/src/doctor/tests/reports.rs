//! Problem reports from other clusters, each next to a broken case that differs in one point.

use super::broken::{
    Do, container, faults, of_pod, pending, quota, rescaled, set_ready, waiting, with_neighbor,
};
use super::world::{
    ago, autoscaler, busy, condition, healthy, node, owner, pod, pods, refuse, samples, scaler,
    space, target,
};
use crate::metrics_server::{EXTERNAL, MetricsServer};
use crate::model::before;
use crate::observation::Pod;
use crate::quantity::Quantity;
use crate::snapshot::{ClusterSnapshot, DisruptionBudget, EventSnapshot, MetricsApi, TargetLook};
use crate::spec::{
    ContainerResources, InitContainer, MetricIdentifier, MetricSource, MetricSpec, MetricTarget,
};
use crate::units::{Bytes, Millicores};

/// What was reported, what was observed, and what is found: nothing, or an open question. Then the change that
/// makes it a fault, and that fault.
struct Report {
    of: &'static str,
    seen: fn() -> ClusterSnapshot,
    found: &'static [&'static str],
    but: Do,
    fault: &'static str,
}

const REPORTS: &[Report] = &[
    Report {
        of: "KEDA scales by a queue, and one pod has no sample of its CPU",
        seen: || {
            let mut f = by_queue(MetricTarget::AverageValue(Quantity::from_milli(5_000)));
            samples(&mut f).pop();
            f
        },
        found: &[],
        but: |f| scaler(f).object.spec.metrics = vec![MetricSpec::cpu_utilization(50)],
        fault: "metrics-incomplete",
    },
    Report {
        of: "KEDA scales by a queue, and metrics-server has stopped",
        seen: || {
            let mut f = by_queue(MetricTarget::AverageValue(Quantity::from_milli(5_000)));
            for sample in samples(&mut f) {
                sample.timestamp = ago(900);
            }
            f
        },
        found: &[],
        but: |f| scaler(f).object.spec.metrics = vec![MetricSpec::cpu_utilization(50)],
        fault: "needs-second-look",
    },
    Report {
        of: "a queue has its share for each pod, and the selector matches a Job's completed pod",
        seen: || {
            let mut f = by_queue(MetricTarget::AverageValue(Quantity::from_milli(5_000)));
            stranger(&mut f, "Succeeded");
            f
        },
        found: &[],
        but: |f| scaler(f).object.spec.metrics = vec![MetricSpec::cpu_utilization(50)],
        fault: "completed-pods-counted",
    },
    Report {
        of: "a queue has its share for each pod, and the selector matches another's pod",
        seen: || {
            let mut f = by_queue(MetricTarget::AverageValue(Quantity::from_milli(5_000)));
            stranger(&mut f, "Running");
            f
        },
        found: &[],
        // A total is divided among the ready pods.
        but: |f| {
            let total = MetricTarget::Value(Quantity::from_milli(5_000));
            scaler(f).object.spec.metrics[0].target = total;
        },
        fault: "selector-matches-others",
    },
    Report {
        of: "a memory metric, and one sample lacks the memory of a container",
        seen: || {
            let mut f = by_memory();
            for sample in samples(&mut f) {
                sample.containers[0].cpu = None;
            }
            f
        },
        found: &[],
        but: |f| samples(f)[1].containers[0].memory = None,
        fault: "metrics-incomplete",
    },
    Report {
        of: "OpenKruise has a StatefulSet of its own",
        seen: || of_kind("apps.kruise.io/v1beta1", "StatefulSet"),
        found: &[],
        but: |f| "v1".clone_into(&mut scaler(f).object.spec.scale_target_ref.api_version),
        fault: "target-api-version",
    },
    Report {
        of: "two autoscalers of kinds that are called alike in two groups",
        seen: || {
            let mut f = with_neighbor();
            let reference = &mut space(&mut f).autoscalers[1].object.spec.scale_target_ref;
            "apps.example.com/v1".clone_into(&mut reference.api_version);
            "cart".clone_into(&mut reference.name);
            f
        },
        found: &[],
        but: |f| {
            let reference = &mut space(f).autoscalers[1].object.spec.scale_target_ref;
            "apps/v1".clone_into(&mut reference.api_version);
        },
        fault: "ambiguous-selector",
    },
    Report {
        of: "an operator's resource is done, which it calls Progressing False",
        seen: || {
            let mut f = of_kind("example.com/v1", "Gateway");
            target(&mut f).object.conditions[0] = condition("Progressing", "False", "AsExpected");
            f
        },
        found: &[],
        but: |f| {
            target(f).object.conditions[0] =
                condition("Progressing", "False", "ProgressDeadlineExceeded");
        },
        fault: "rollout-stuck",
    },
    Report {
        of: "a ReplicaSet that is younger than the list of them",
        seen: || {
            let mut f = healthy();
            let owned = ("ReplicaSet/web-1".to_owned(), "Deployment/web".to_owned());
            space(&mut f).owners = [owned].into();
            f
        },
        found: &[],
        but: |f| pods(f)[0].pod.owner = Some("ReplicaSet/web-1".to_owned()),
        fault: "selector-matches-others",
    },
    Report {
        of: "an operator names what it makes in its own way",
        seen: || {
            let mut f = of_kind("example.com/v1", "Gateway");
            for pod in pods(&mut f) {
                pod.pod.owner = Some("GatewayPodSet/gw-of-cart".to_owned());
            }
            f
        },
        found: &[],
        but: |f| pods(f)[0].pod.owner = Some("Job/migrate".to_owned()),
        fault: "selector-matches-others",
    },
    Report {
        of: "the pods of the last scale-down still have their place in the quota",
        seen: || {
            let mut f = healthy();
            ending(&mut f, 4);
            space(&mut f).quotas.push(quota("pods", "10", "7"));
            f
        },
        found: &[],
        but: |f| {
            pods(f).retain(|p| !p.pod.deleting);
        },
        fault: "quota-exceeded",
    },
    Report {
        of: "pods of two templates take different shares of a quota",
        seen: || {
            let mut f = healthy();
            pods(&mut f)[0].pod.containers = vec![container("app", Some(400))];
            space(&mut f)
                .quotas
                .push(quota("requests.cpu", "1500m", "600m"));
            f
        },
        found: &[],
        but: |f| {
            for pod in pods(f) {
                pod.pod.containers[0].cpu_request = Some(Millicores(200));
            }
        },
        fault: "quota-exceeded",
    },
    Report {
        of: "the pods of the last scale-down still have their place on the nodes",
        seen: || {
            let mut f = healthy();
            ending(&mut f, 4);
            f.room.as_mut().unwrap().nodes = vec![node("node-1", "linux", 1_200, 900)];
            f
        },
        found: &[],
        but: |f| pods(f).retain(|p| !p.pod.deleting),
        fault: "capacity-too-small",
    },
    Report {
        of: "a StatefulSet that was refused a pod, and has made it since",
        seen: || {
            let mut f = of_kind("apps/v1", "StatefulSet");
            for pod in pods(&mut f) {
                pod.pod.owner = Some("StatefulSet/cart".to_owned());
                pod.pod.life.created = Some(ago(60));
            }
            target(&mut f).object.spec_replicas = 5;
            space(&mut f).events.push(refused_pod(300));
            f
        },
        found: &[],
        but: |f| space(f).events[0] = refused_pod(30),
        fault: "pods-refused",
    },
    Report {
        of: "of two targets with the same labels one rests at zero",
        seen: || {
            let mut f = with_neighbor();
            let TargetLook::Read(other) = &mut space(&mut f).autoscalers[1].target else {
                unreachable!()
            };
            "pod-template-hash=6d".clone_into(&mut other.object.selector);
            other.object.spec_replicas = 0;
            f
        },
        found: &[],
        but: |f| {
            let TargetLook::Read(other) = &mut space(f).autoscalers[1].target else {
                unreachable!()
            };
            other.object.spec_replicas = 3;
        },
        fault: "ambiguous-selector",
    },
    Report {
        of: "the pods of a rollout have waited for a node for less than a node autoscaler takes to say so",
        seen: || {
            let mut f = waiting(&[]);
            f.room = None;
            pods(&mut f).last_mut().unwrap().pod.life.created = Some(ago(5));
            f
        },
        found: &[],
        but: |f| pods(f).last_mut().unwrap().pod.life.created = Some(ago(60)),
        fault: "unschedulable",
    },
    Report {
        of: "pods of a lower priority are making room",
        seen: || {
            let mut f = waiting(&[]);
            pods(&mut f).last_mut().unwrap().pod.life.nominated_node = Some("node-1".to_owned());
            f
        },
        found: &[],
        but: |f| pods(f).last_mut().unwrap().pod.life.created = Some(ago(3_600)),
        fault: "unschedulable",
    },
    Report {
        of: "a node was consolidated, and the pod's successor is starting",
        seen: || {
            let mut f = healthy();
            let object = &mut target(&mut f).object;
            object.ready_replicas = 2;
            let last = pods(&mut f).last_mut().unwrap();
            last.pod.started = Some(ago(15));
            set_ready(last, "False", 15);
            let evicted = ("Evicted", "Evicted pod: Underutilized/Delete", 20);
            let mut event = of_pod(evicted);
            "Pod/cart-6d-9".clone_into(&mut event.about);
            space(&mut f).events.push(event);
            f
        },
        found: &[],
        but: |f| {
            pods(f).pop();
            target(f).object.replicas = 2;
        },
        fault: "pods-evicted",
    },
    Report {
        of: "a pod that restarted last week and is not ready for a moment",
        seen: || restarted(1, 700_000),
        found: &[],
        but: |f| {
            let last = &mut pods(f).last_mut().unwrap().pod;
            (last.restarts, last.life.last_exit) = (4, Some(ago(40)));
        },
        fault: "pods-crash",
    },
    Report {
        of: "a container that was killed once and is starting again",
        seen: || restarted(1, 20),
        found: &[],
        but: |f| pods(f).last_mut().unwrap().pod.restarts = 2,
        fault: "pods-crash",
    },
    Report {
        of: "a model is loaded for minutes, and a startup probe allows that",
        seen: || {
            let mut f = starting(400);
            let allowed = std::time::Duration::from_mins(15);
            pods(&mut f).last_mut().unwrap().pod.life.start_allowance = Some(allowed);
            f
        },
        found: &["pods-starting"],
        but: |f| pods(f).last_mut().unwrap().pod.life.start_allowance = None,
        fault: "pods-not-ready",
    },
    Report {
        of: "a model is loaded for minutes, as it was by the other pods",
        seen: || {
            let mut f = starting(400);
            for pod in pods(&mut f).iter_mut().take(3) {
                pod.pod.started = Some(ago(7_000));
                set_ready(pod, "True", 6_700);
            }
            f
        },
        found: &["pods-starting"],
        but: |f| {
            for pod in pods(f).iter_mut().take(3) {
                set_ready(pod, "True", 6_990);
            }
        },
        fault: "pods-not-ready",
    },
    Report {
        of: "none was ever ready, so that nothing tells how long a start takes",
        seen: || {
            let mut f = healthy();
            for pod in pods(&mut f) {
                pod.pod.started = Some(ago(300));
                set_ready(pod, "False", 300);
            }
            f
        },
        found: &["pods-starting"],
        but: |f| {
            for pod in pods(f) {
                set_ready(pod, "False", 700);
            }
        },
        fault: "pods-not-ready",
    },
    Report {
        of: "the controller has had no metric for as long as new pods have none",
        seen: || {
            let mut f = healthy();
            let says = "unable to get metrics for resource cpu: no metrics returned from resource metrics API";
            refuse(&mut f, "ScalingActive", "FailedGetResourceMetric", says);
            scaler(&mut f).inactive_since = Some(ago(20));
            f
        },
        found: &["metrics-not-yet"],
        but: |f| scaler(f).inactive_since = Some(ago(200)),
        fault: "metric-failed",
    },
    Report {
        of: "every morning the replicas go up, and of the evenings no event is left",
        seen: || {
            let mut f = healthy();
            let up = "New size: 10; reason: cpu resource utilization (percentage of request) above target";
            let mut event = rescaled(up, 4);
            event.first = Some(ago(3 * 86_400));
            space(&mut f).events.push(event);
            f
        },
        found: &[],
        but: |f| space(f).events[0].first = Some(ago(1_200)),
        fault: "replicas-moved-by-another",
    },
    Report {
        of: "the limits of a new template cap the metric, and those of the old one do not",
        seen: || {
            let mut f = healthy();
            for (n, pod) in pods(&mut f).iter_mut().enumerate() {
                let limit = if n == 0 { 50 } else { 400 };
                pod.pod.containers[0].cpu_limit = Some(Millicores(limit));
            }
            f
        },
        found: &[],
        but: |f| {
            for pod in pods(f) {
                pod.pod.containers[0].cpu_limit = Some(Millicores(50));
            }
        },
        fault: "limit-caps-utilization",
    },
    Report {
        of: "a node was lost while the others are as busy as they should be",
        seen: || {
            let mut f = busy();
            let lost = &mut pods(&mut f)[2];
            set_ready(lost, "False", 20);
            lost.pod.life.unready_reason = Some(String::new());
            let late = "Readiness probe failed: context deadline exceeded";
            space(&mut f).events.push(super::broken::of_probe(late));
            f
        },
        found: &[],
        but: |f| pods(f)[2].pod.life.unready_reason = Some("ContainersNotReady".to_owned()),
        fault: "readiness-fails-under-load",
    },
    Report {
        of: "the samples are from the future, because the node's clock is ahead",
        seen: || {
            let mut f = healthy();
            let ahead = std::time::Duration::from_secs(45);
            for sample in samples(&mut f) {
                sample.timestamp = crate::model::after(f_now(), ahead);
            }
            f
        },
        found: &[],
        but: |f| {
            for sample in samples(f) {
                sample.timestamp = before(f_now(), std::time::Duration::from_mins(5));
            }
        },
        fault: "needs-second-look",
    },
    Report {
        of: "prometheus-adapter averages over five minutes",
        seen: || {
            let mut f = healthy();
            for sample in samples(&mut f) {
                (sample.window, sample.timestamp) = (std::time::Duration::from_mins(5), ago(200));
            }
            f
        },
        found: &[],
        but: |f| {
            for sample in samples(f) {
                sample.timestamp = ago(1_000);
            }
        },
        fault: "needs-second-look",
    },
    Report {
        of: "a GitOps tool wrote the replicas before the autoscaler's last scaling",
        seen: || {
            let mut f = healthy();
            target(&mut f).owners_of_replicas = vec![owner("argocd-controller", 8_000)];
            f
        },
        found: &[],
        but: |f| target(f).owners_of_replicas = vec![owner("argocd-controller", 600)],
        fault: "replicas-moved-by-another",
    },
    Report {
        of: "the controller of a managed cluster writes through /scale under a name of its own",
        seen: || {
            let mut f = healthy();
            let mut own = owner("vpa-recommender", 7_200);
            own.through_scale = true;
            target(&mut f).owners_of_replicas = vec![own];
            f
        },
        found: &[],
        but: |f| target(f).owners_of_replicas = vec![owner("helm", 600)],
        fault: "replicas-moved-by-another",
    },
    Report {
        of: "a native sidecar of a mesh may use what the application's limit keeps from it",
        seen: || {
            let mut f = healthy();
            for pod in pods(&mut f) {
                pod.pod.containers[0].cpu_limit = Some(Millicores(45));
                native_sidecar(&mut pod.pod, 2_000);
            }
            for sample in samples(&mut f) {
                let proxy =
                    crate::observation::ContainerSample::of_cpu("istio-proxy", Millicores(20));
                sample.containers.push(proxy);
            }
            f
        },
        found: &[],
        but: |f| {
            for pod in pods(f) {
                native_sidecar(&mut pod.pod, 10);
            }
        },
        fault: "limit-caps-utilization",
    },
    Report {
        of: "Prometheus Operator calls the StatefulSet of Prometheus/k8s prometheus-k8s",
        seen: || {
            let mut f = of_kind("monitoring.coreos.com/v1", "Prometheus");
            "k8s".clone_into(&mut scaler(&mut f).object.spec.scale_target_ref.name);
            for pod in pods(&mut f) {
                pod.pod.owner = Some("StatefulSet/prometheus-k8s".to_owned());
            }
            f
        },
        found: &[],
        but: |f| pods(f)[0].pod.owner = Some("DaemonSet/node-exporter".to_owned()),
        fault: "selector-matches-others",
    },
    Report {
        of: "an operator names the Deployment that it makes after nothing that can be known",
        seen: || {
            let mut f = of_kind("machinelearning.seldon.io/v1", "SeldonDeployment");
            for pod in pods(&mut f) {
                pod.pod.owner = Some("ReplicaSet/seldon-6f1ed002ab5b4a4b8e2f-57d".to_owned());
            }
            f
        },
        found: &[],
        but: |f| {
            for pod in pods(f).iter_mut().take(2) {
                pod.pod.owner = Some("ReplicaSet/cart-5d8".to_owned());
            }
        },
        fault: "selector-matches-others",
    },
    Report {
        of: "another writer came first in the latest sync",
        seen: || {
            let mut f = healthy();
            let says = "the HPA controller was unable to update the target scale: Operation cannot be fulfilled on deployments.apps \"cart\": the object has been modified; please apply your changes to the latest version and try again";
            refuse(&mut f, "AbleToScale", "FailedUpdateScale", says);
            scaler(&mut f).unable_since = Some(ago(10));
            f
        },
        found: &["sync-failed"],
        but: |f| scaler(f).unable_since = Some(ago(31)),
        fault: "rescale-failed",
    },
    Report {
        of: "the kind of the target was installed a moment ago, and the target is there",
        seen: || {
            let mut f = of_kind("argoproj.io/v1alpha1", "Rollout");
            let says = "no matches for kind \"Rollout\" in group \"argoproj.io\"";
            refuse(&mut f, "AbleToScale", "FailedGetScale", says);
            f
        },
        found: &[],
        but: |f| {
            scaler(f).target = TargetLook::Absent {
                message: "the server could not find the requested resource".to_owned(),
            };
        },
        fault: "target-api-version",
    },
    Report {
        of: "two autoscalers counted the same pods until a moment ago",
        seen: || {
            let mut f = healthy();
            refuse(
                &mut f,
                "ScalingActive",
                "AmbiguousSelector",
                "controlled by multiple HPAs",
            );
            scaler(&mut f).inactive_since = Some(ago(14));
            f
        },
        found: &["metrics-not-yet"],
        but: |f| scaler(f).inactive_since = Some(ago(100)),
        fault: "ambiguous-selector",
    },
    Report {
        of: "metrics-server is restarted, and the controller has still got metrics",
        seen: || {
            let mut f = healthy();
            f.metrics_api = MetricsApi::Unavailable {
                message: "MissingEndpoints".to_owned(),
                since: Some(ago(20)),
            };
            space(&mut f).samples = Some(Err(
                "the server is currently unable to handle the request".to_owned(),
            ));
            f
        },
        found: &["metrics-api-silent"],
        but: |f| {
            if let MetricsApi::Unavailable { since, .. } = &mut f.metrics_api {
                *since = Some(ago(600));
            }
        },
        fault: "metrics-api-unavailable",
    },
    Report {
        of: "metrics-server has just been restarted, and has no sample yet",
        seen: || {
            let mut f = healthy();
            samples(&mut f).clear();
            f
        },
        found: &["metrics-api-silent"],
        but: super::broken::no_metrics,
        fault: "metrics-api-unavailable",
    },
    Report {
        of: "an adapter is being restarted",
        seen: || {
            let mut f = by_queue(MetricTarget::AverageValue(Quantity::from_milli(5_000)));
            f.metrics_servers.push(MetricsServer {
                group: EXTERNAL.to_owned(),
                registered: true,
                service: Some("keda/keda-operator-metrics-apiserver".to_owned()),
                unavailable: Some("Available False, MissingEndpoints: no addresses".to_owned()),
                unavailable_since: Some(ago(25)),
            });
            f
        },
        found: &["metrics-api-silent"],
        but: |f| f.metrics_servers[0].unavailable_since = Some(ago(3_000)),
        fault: "adapter-unavailable",
    },
    Report {
        of: "metrics-server takes a sample a minute, as its own default is, and a pod is two minutes old",
        seen: || {
            let mut f = healthy();
            for sample in samples(&mut f) {
                sample.window = std::time::Duration::from_mins(1);
            }
            samples(&mut f).pop();
            let last = pods(&mut f).last_mut().unwrap();
            last.pod.started = Some(ago(130));
            set_ready(last, "True", 120);
            f
        },
        found: &[],
        but: |f| set_ready(pods(f).last_mut().unwrap(), "True", 300),
        fault: "metrics-incomplete",
    },
    Report {
        of: "a batch comes every eight minutes, and the autoscaler follows it",
        seen: || {
            let mut f = healthy();
            let up = "New size: 6; reason: cpu resource utilization (percentage of request) above target";
            let down = "New size: 3; reason: All metrics below target";
            let mut events = vec![rescaled(up, 4), rescaled(down, 4)];
            for event in &mut events {
                event.first = Some(ago(4 * 480));
            }
            space(&mut f).events = events;
            f
        },
        found: &[],
        but: |f| {
            for event in &mut space(f).events {
                event.first = Some(ago(4 * 200));
            }
        },
        fault: "flapping",
    },
    Report {
        of: "a person woke the target up, and the autoscaler goes on from there",
        seen: || {
            let mut f = healthy();
            target(&mut f).owners_of_replicas = vec![owner("kubectl", 600)];
            f
        },
        found: &[],
        but: |f| target(f).owners_of_replicas = vec![owner("kubectl-client-side-apply", 600)],
        fault: "replicas-moved-by-another",
    },
    Report {
        of: "a target was scaled to 0 minutes ago",
        seen: || {
            let mut f = healthy();
            let object = &mut target(&mut f).object;
            (object.spec_replicas, object.replicas, object.ready_replicas) = (0, 0, 0);
            target(&mut f).owners_of_replicas = vec![owner("argocd-controller", 600)];
            pods(&mut f).clear();
            samples(&mut f).clear();
            f
        },
        found: &[],
        but: |f| target(f).object.spec_replicas = 1,
        fault: "replicas-moved-by-another",
    },
    Report {
        of: "KEDA scaled the target before there was the autoscaler",
        seen: || {
            let mut f = healthy();
            target(&mut f)
                .owners_of_replicas
                .push(owner("keda-operator", 90_000));
            f
        },
        found: &[],
        but: |f| {
            target(f)
                .owners_of_replicas
                .push(owner("keda-operator", 9_000));
        },
        fault: "another-scaler",
    },
    Report {
        of: "EKS Fargate is creating a node of its own for the pod",
        seen: || {
            let mut f = waiting(&[]);
            f.room = None;
            let last = &mut pods(&mut f).last_mut().unwrap().pod;
            last.life.created = Some(ago(70));
            last.life.nominated_node = Some("fargate-ip-10-0-1-2".to_owned());
            f
        },
        found: &[],
        but: |f| pods(f).last_mut().unwrap().pod.life.nominated_node = None,
        fault: "unschedulable",
    },
    Report {
        of: "no scheduler has seen the pod yet",
        seen: || {
            let mut f = untouched();
            pods(&mut f).last_mut().unwrap().pod.life.created = Some(ago(300));
            f
        },
        found: &[],
        // No Fargate profile matches it, or the scheduler that it names does not run.
        but: |f| pods(f).last_mut().unwrap().pod.life.created = Some(ago(1_200)),
        fault: "unschedulable",
    },
    Report {
        of: "the image of a Windows container is pulled for minutes on a new node",
        seen: || {
            let mut f = starting(420);
            let last = &mut pods(&mut f).last_mut().unwrap().pod;
            "Pending".clone_into(&mut last.phase);
            f
        },
        found: &["pods-starting"],
        but: |f| "Running".clone_into(&mut pods(f).last_mut().unwrap().pod.phase),
        fault: "pods-not-ready",
    },
    Report {
        of: "pods on Windows nodes have a sample each, with no limits and no native sidecars",
        seen: || {
            let mut f = busy();
            for sample in samples(&mut f) {
                sample.window = std::time::Duration::from_secs(17);
            }
            f
        },
        found: &[],
        // The kubelets of these nodes give no metrics.
        but: |f| samples(f).truncate(2),
        fault: "metrics-incomplete",
    },
    Report {
        of: "pods on the host's network take a port of their node each, and a node is on its way",
        seen: || {
            let says = "pod triggered scale-up: [{web 3->4 (max: 10)}]";
            let mut f = waiting(&[("TriggeredScaleUp", says, 60)]);
            let ports = "0/3 nodes are available: 3 node(s) didn't have free ports for the requested pod ports.";
            pods(&mut f).last_mut().unwrap().pod.unschedulable = Some(ports.to_owned());
            f
        },
        found: &[],
        but: |f| space(f).events.clear(),
        fault: "unschedulable",
    },
    Report {
        of: "CronHPA raised the target once, through /scale",
        seen: || {
            let mut f = healthy();
            let mut cron = owner("kubernetes-cronhpa-controller", 600);
            cron.through_scale = true;
            target(&mut f).owners_of_replicas = vec![cron];
            f
        },
        found: &[],
        // It does so all the time, and the autoscaler puts them back.
        but: |f| {
            let up = "New size: 3; reason: Current number of replicas below Spec.MinReplicas";
            let event = rescaled(up, 3);
            space(f).events.push(event);
        },
        fault: "replicas-moved-by-another",
    },
    Report {
        of: "an operator has not written the selector of its new object yet",
        seen: || {
            let mut f = of_kind("flink.apache.org/v1beta1", "FlinkDeployment");
            let workload = target(&mut f);
            workload.created = Some(ago(10));
            workload.object.selector.clear();
            f
        },
        found: &[],
        but: |f| target(f).created = Some(ago(600)),
        fault: "invalid-selector",
    },
    Report {
        of: "a disruption budget of a target that rests at zero asks for no pods",
        seen: || {
            let mut f = by_queue(MetricTarget::AverageValue(Quantity::from_milli(5_000)));
            scaler(&mut f).object.spec.min_replicas = Some(0);
            space(&mut f).budgets.push(DisruptionBudget {
                name: "cart".to_owned(),
                selector: "app=cart".to_owned(),
                min_available: Some("0".to_owned()),
                max_unavailable: None,
            });
            f
        },
        found: &[],
        but: |f| space(f).budgets[0].min_available = Some("1".to_owned()),
        fault: "pdb-blocks-drains",
    },
    Report {
        of: "a proxy in the template uses more than its small request, and the application idles",
        seen: || proxied(20, 15),
        found: &[],
        but: |f| *f = proxied(2, 98),
        fault: "sidecar-dilutes-utilization",
    },
    Report {
        of: "an injected proxy uses twice its small request, and the application idles",
        seen: || {
            let mut f = proxied(20, 4);
            target(&mut f).template.pop();
            f
        },
        found: &[],
        but: |f| {
            *f = proxied(2, 98);
            target(f).template.pop();
        },
        fault: "sidecar-dilutes-utilization",
    },
    Report {
        of: "Helm installed the target again, and its upgrade came before the autoscaler's first scaling of it",
        seen: || {
            let mut f = healthy();
            target(&mut f).created = Some(ago(3_000));
            target(&mut f).owners_of_replicas = vec![owner("helm", 600)];
            f
        },
        found: &[],
        but: |f| {
            let status = scaler(f).object.status.as_mut().unwrap();
            status.last_scale = Some(ago(1_200));
        },
        fault: "replicas-moved-by-another",
    },
    Report {
        of: "a new pod has four times its request while it starts",
        seen: || {
            let mut f = healthy();
            f.room.as_mut().unwrap().nodes = vec![node("node-1", "linux", 1_200, 600)];
            pods(&mut f)[2].pod.containers[0].cpu_request = Some(Millicores(400));
            f
        },
        found: &[],
        but: |f| {
            for pod in pods(f) {
                pod.pod.containers[0].cpu_request = Some(Millicores(400));
            }
        },
        fault: "capacity-too-small",
    },
    Report {
        of: "an injected proxy has a request for CPU, and memory is measured too",
        seen: with_proxy_beside_memory,
        found: &[],
        but: |f| pods(f)[1].pod.containers[1].memory_request = None,
        fault: "metric-failed",
    },
    Report {
        of: "memory is measured by its amount, and a container has no request for it",
        seen: || {
            let mut f = with_proxy_beside_memory();
            let amount = Quantity::from_milli(500_000_000_000);
            scaler(&mut f).object.spec.metrics[1].target = MetricTarget::AverageValue(amount);
            pods(&mut f)[1].pod.containers[1].memory_request = None;
            f
        },
        found: &[],
        but: |f| {
            let percent = MetricTarget::Utilization(50);
            scaler(f).object.spec.metrics[1].target = percent;
        },
        fault: "metric-failed",
    },
    Report {
        of: "all pods are new and take longer than a sample to become ready",
        seen: || {
            let mut f = healthy();
            for pod in pods(&mut f) {
                pod.pod.started = Some(ago(100));
                set_ready(pod, "False", 100);
            }
            let says = "did not receive metrics for targeted pods (pods might be unready)";
            refuse(&mut f, "ScalingActive", "FailedGetResourceMetric", says);
            scaler(&mut f).inactive_since = Some(ago(95));
            f
        },
        found: &["metrics-not-yet"],
        but: |f| set_ready(&mut pods(f)[0], "True", 90),
        fault: "metric-failed",
    },
    Report {
        of: "a quota has enough memory for all pods",
        seen: || {
            let mut f = by_memory();
            space(&mut f)
                .quotas
                .push(quota("requests.memory", "1000M", "300M"));
            f
        },
        found: &[],
        but: |f| space(f).quotas[0] = quota("requests.memory", "900M", "300M"),
        fault: "quota-exceeded",
    },
    Report {
        of: "an init container requests as much as the pod's containers together",
        seen: || {
            let mut f = healthy();
            init_of(&mut f, 100);
            space(&mut f)
                .quotas
                .push(quota("requests.cpu", "1", "300m"));
            f
        },
        found: &[],
        but: |f| {
            init_of(f, 400);
            space(f).quotas[0] = quota("requests.cpu", "1", "1200m");
        },
        fault: "quota-exceeded",
    },
];

/// Memory beside the CPU, and a proxy in each pod, with requests for both.
fn with_proxy_beside_memory() -> ClusterSnapshot {
    let mut facts = by_memory();
    let metrics = &mut scaler(&mut facts).object.spec.metrics;
    metrics.insert(0, MetricSpec::cpu_utilization(50));
    for pod in pods(&mut facts) {
        let mut proxy = container("proxy", Some(100));
        proxy.memory_request = Some(Bytes(Quantity::from_milli(100_000_000_000)));
        pod.pod.containers.push(proxy);
    }
    for sample in samples(&mut facts) {
        let mut proxy = sample.containers[0].clone();
        "proxy".clone_into(&mut proxy.name);
        sample.containers.push(proxy);
    }
    facts
}

/// Five pods with a proxy each, and what the two containers of each use. The busier application has a proxy that
/// requests as much as itself.
fn proxied(proxy: i64, app: i64) -> ClusterSnapshot {
    let mut facts = super::broken::with_sidecar();
    if proxy > app {
        for pod in pods(&mut facts) {
            pod.pod.containers[1].cpu_request = Some(Millicores(10));
        }
    }
    for sample in samples(&mut facts) {
        sample.containers[0].cpu = Some(Millicores(app));
        sample.containers[1].cpu = Some(Millicores(proxy));
    }
    facts
}

/// Each pod runs an init container with this request first.
fn init_of(facts: &mut ClusterSnapshot, request: i64) {
    for pod in pods(facts) {
        pod.pod.init_containers = vec![InitContainer {
            resources: container("migrate", Some(request)),
            sidecar: false,
        }];
    }
}

/// A fourth pod that neither a scheduler nor a kubelet has written to.
fn untouched() -> ClusterSnapshot {
    let mut facts = healthy();
    pending(&mut facts);
    let last = &mut pods(&mut facts).last_mut().unwrap().pod;
    (last.started, last.ready) = (None, None);
    facts
}

/// Gives a pod an init container that goes on running, which is listed among the containers too.
fn native_sidecar(pod: &mut Pod, limit: i64) {
    let limit = Some(Millicores(limit));
    let resources = ContainerResources::cpu("istio-proxy", Some(Millicores(10)), limit);
    pod.containers.truncate(1);
    pod.containers.push(resources.clone());
    let sidecar = true;
    pod.init_containers = vec![InitContainer { resources, sidecar }];
}

fn f_now() -> jiff::Timestamp {
    super::world::now()
}

fn by_queue(target: MetricTarget) -> ClusterSnapshot {
    let mut facts = healthy();
    let source = MetricSource::External(MetricIdentifier {
        name: "s0-rabbitmq-orders".to_owned(),
        selector: None,
    });
    scaler(&mut facts).object.spec.metrics = vec![MetricSpec { source, target }];
    facts
}

fn by_memory() -> ClusterSnapshot {
    let mut facts = healthy();
    scaler(&mut facts).object.spec.metrics[0].source = MetricSource::Resource {
        name: "memory".to_owned(),
    };
    for pod in pods(&mut facts) {
        pod.pod.containers[0].memory_request = Some(Bytes(Quantity::from_milli(100_000_000_000)));
    }
    for sample in samples(&mut facts) {
        sample.containers[0].memory = Some(Bytes(Quantity::from_milli(20_000_000_000)));
    }
    facts
}

/// A target of that kind.
pub(super) fn of_kind(api_version: &str, kind: &str) -> ClusterSnapshot {
    let mut facts = healthy();
    let reference = &mut scaler(&mut facts).object.spec.scale_target_ref;
    api_version.clone_into(&mut reference.api_version);
    kind.clone_into(&mut reference.kind);
    for pod in pods(&mut facts) {
        pod.pod.owner = Some(format!("{kind}/cart"));
    }
    facts
}

/// A foreign pod that the selector matches.
fn stranger(facts: &mut ClusterSnapshot, phase: &str) {
    let mut other = pod("cart", 7);
    phase.clone_into(&mut other.pod.phase);
    other.pod.owner = Some("Job/migrate".to_owned());
    pods(facts).push(other);
}

/// This many more pods that are being deleted.
fn ending(facts: &mut ClusterSnapshot, count: usize) {
    for n in 0..count {
        let mut old = pod("cart", 40 + n);
        old.pod.deleting = true;
        pods(facts).push(old);
    }
}

pub(super) fn refused_pod(seconds_ago: u64) -> EventSnapshot {
    let says =
        "create Pod cart-3 in StatefulSet cart failed error: admission webhook denied the request";
    EventSnapshot {
        about: "StatefulSet/cart".to_owned(),
        ..of_pod(("FailedCreate", says, seconds_ago))
    }
}

/// A fourth pod, restarted and not ready.
fn restarted(times: i32, seconds_ago: u64) -> ClusterSnapshot {
    let mut facts = healthy();
    pending(&mut facts);
    let last = &mut pods(&mut facts).last_mut().unwrap().pod;
    "Running".clone_into(&mut last.phase);
    (last.restarts, last.life.last_exit) = (times, Some(ago(seconds_ago)));
    facts
}

/// A fourth pod that has been starting for this long.
fn starting(seconds: u64) -> ClusterSnapshot {
    let mut facts = healthy();
    pending(&mut facts);
    let last = pods(&mut facts).last_mut().unwrap();
    "Running".clone_into(&mut last.pod.phase);
    last.pod.started = Some(ago(seconds));
    set_ready(last, "False", seconds);
    facts
}

#[test]
fn a_reported_false_alarm_is_not_a_fault_and_its_broken_neighbor_is() {
    let mut wrong = Vec::new();
    for report in REPORTS {
        let mut facts = (report.seen)();
        let found = faults(&facts);
        if found != report.found {
            wrong.push(format!("{}: {found:?}", report.of));
        }
        (report.but)(&mut facts);
        let found = faults(&facts);
        if found.first().map(String::as_str) != Some(report.fault) {
            wrong.push(format!("not {}: {found:?}", report.fault));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_autoscaler_at_zero_says_so_and_does_not_affect_its_neighbor() {
    let mut facts = healthy();
    space(&mut facts).autoscalers.push(autoscaler("web", 0));
    assert_eq!(faults(&facts), Vec::<String>::new());
}
