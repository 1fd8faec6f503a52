//! The whole catalog: every reason that a verdict can have, in order of precedence. What explains
//! the rest comes first, so a fault in the setup stands before its symptoms.

use super::finding::Finding;
use crate::verdict::Outcome;

/// Declares each finding as a constant, and the list of all of them in the order given here.
macro_rules! catalog {
    ($($name:ident = $id:literal, $outcome:ident, $meaning:literal, $fix:literal;)*) => {
        $(
            #[doc = $meaning]
            pub const $name: Finding = Finding {
                id: $id,
                outcome: Outcome::$outcome,
                meaning: $meaning,
                fix: $fix,
            };
        )*

        /// Every finding, by precedence.
        pub const ALL: &[&Finding] = &[$(&$name),*];
    };
}

catalog! {
    SCALING_PAUSED = "scaling-paused", Inconclusive,
        "KEDA's `ScaledObject` is paused, so the autoscaler is not meant to scale and nothing can be proved.",
        "Remove the annotation from the ScaledObject, and run again.";
    AUTOSCALER_GONE = "autoscaler-gone", Wrong,
        "The autoscaler was deleted during the run.",
        "Find out who deletes it, and run again.";
    TARGET_API_VERSION = "target-api-version", Wrong,
        "The apiVersion of scaleTargetRef is not of the API group that has the kind.",
        "Set scaleTargetRef.apiVersion, `apps/v1` for a Deployment, StatefulSet or ReplicaSet.";
    TARGET_NOT_FOUND = "target-not-found", Wrong,
        "The autoscaler's scaleTargetRef points at nothing that can be scaled.",
        "Correct apiVersion (apps/v1 for a Deployment), kind and name of scaleTargetRef.";
    TARGET_NOT_SCALABLE = "target-not-scalable", Wrong,
        "The scale target is there, and its kind has no scale subresource.",
        "Point scaleTargetRef at a Deployment, StatefulSet, ReplicaSet or a custom resource with a scale subresource.";
    SCALE_UNREADABLE = "scale-unreadable", Environment,
        "The controller could not read the target's scale, although the target is there.",
        "Read the message: the API server, an admission rule or the controller's own rights.";
    SCALING_DISABLED = "scaling-disabled", Wrong,
        "The target has zero replicas, which switches the autoscaler off until somebody sets at least one.",
        "Scale the target to its minimum once, and find out who set it to 0.";
    NO_CPU_METRIC = "no-cpu-metric", Wrong,
        "The autoscaler's spec has no CPU metric, and one was asserted by name.",
        "Add a metric of type Resource, name cpu, with a target of type Utilization.";
    NO_SUCH_METRIC = "no-such-metric", Wrong,
        "The autoscaler's spec lacks a metric that was asserted by name.",
        "Add the metric, or assert one that the spec has.";
    INJECTED_CONTAINER_WITHOUT_REQUEST = "injected-container-without-request", Wrong,
        "A container that is not in the template, so was injected, has no CPU request, and the autoscaler stops.",
        "Set the injector's CPU request for its container: an annotation of the pod template, or its own settings.";
    MISSING_CPU_REQUEST = "missing-cpu-request", Wrong,
        "A container that counts has no CPU request, so its utilization is undefined and the autoscaler stops.",
        "Give every container of the pods, injected sidecars too, `resources.requests.cpu`.";
    BOUNDS_LEAVE_NO_ROOM = "bounds-leave-no-room", Wrong,
        "The spec's bounds are equal, so nothing can ever scale.",
        "Set maxReplicas above minReplicas.";
    SPEC_BOUNDS_DIFFER = "spec-bounds-differ", Wrong,
        "The spec's bounds are not the asserted ones.",
        "Set minReplicas and maxReplicas as asserted, or assert what is meant.";
    SPEC_TARGET_DIFFERS = "spec-target-differs", Wrong,
        "A metric's target in the spec is not the asserted one.",
        "Set the target as asserted, or assert what is meant.";
    SCALE_UP_DISABLED = "scale-up-disabled", Wrong,
        "The spec's behavior forbids every step up.",
        "Remove `selectPolicy: Disabled` from behavior.scaleUp.";
    SCALE_DOWN_DISABLED = "scale-down-disabled", Wrong,
        "The spec's behavior forbids every step down.",
        "Remove `selectPolicy: Disabled` from behavior.scaleDown, or run with --scale-down skip.";
    LIMIT_CAPS_UTILIZATION = "limit-caps-utilization", Wrong,
        "The CPU limit keeps the utilization inside the tolerance of the target, so the autoscaler can never fire.",
        "Raise the CPU limit or remove it, or lower the target.";
    METRIC_CONTAINER_MISSING = "metric-container-missing", Wrong,
        "A metric is of a container that none of the pods has, so it can't be computed.",
        "Name the container that does the work in containerResource.container.";
    ANOTHER_SCALER = "another-scaler", Wrong,
        "Another controller scales the same target.",
        "Keep one of the two: remove the other scaler, or this autoscaler.";
    AMBIGUOUS_SELECTOR = "ambiguous-selector", Wrong,
        "Two autoscalers count the same pods, so the controller stops both.",
        "Keep one autoscaler for each target, and labels that no other target shares.";
    INVALID_SELECTOR = "invalid-selector", Wrong,
        "The target's scale subresource reports no selector that can be used.",
        "Have the target's kind report `status.selector` in its scale subresource.";
    COMPLETED_PODS_COUNTED = "completed-pods-counted", Wrong,
        "The selector matches pods that have succeeded, and before 1.38 the controller counts them as pods without metrics.",
        "Give the jobs' pods labels that the selector does not match, or have them deleted (ttlSecondsAfterFinished).";
    SELECTOR_MATCHES_OTHERS = "selector-matches-others", Wrong,
        "The selector also matches pods of other owners, and the autoscaler averages over them.",
        "Give the target's pods a label that no other pod has, and select by it.";
    NO_METRICS_API = "no-metrics-api", Environment,
        "No resource metrics API is registered, so the autoscaler has nothing to go by.",
        "Install metrics-server.";
    RESCALE_FAILED = "rescale-failed", Environment,
        "The controller decided, and was not allowed to write the target's size.",
        "Find the admission webhook, quota or RBAC rule that the message names.";
    CPU_REQUEST_TOO_HIGH = "cpu-request-too-high", Inconclusive,
        "At this CPU request all the CPU there is can't make the metric ask for the maximum.",
        "Lower the CPU request of the pods, or test on more CPU.";
    QUOTA_EXCEEDED = "quota-exceeded", Environment,
        "A ResourceQuota keeps the target below its maximum.",
        "Raise the quota, or lower the maximum or the requests.";
    PODS_REFUSED = "pods-refused", Environment,
        "The API server refuses to make the target's pods.",
        "Read the message: a LimitRange, a pod security level or an admission webhook refuses them.";
    CAPACITY_TOO_SMALL = "capacity-too-small", Environment,
        "The requests of as many pods as the maximum do not fit into the CPU there is.",
        "Lower the CPU request of the pods, or add CPU.";
    REPLICAS_MOVED_BY_ANOTHER = "replicas-moved-by-another", Wrong,
        "Somebody else than the autoscaler writes the target's replicas.",
        "Remove `replicas` from the manifest that is applied, or have the tool ignore that field.";
    VPA_CHANGES_REQUESTS = "vpa-changes-requests", Wrong,
        "A VerticalPodAutoscaler changes the requests that the utilization is measured by.",
        "Take the resource out of the VPA's controlledResources, or set its updateMode to Off.";
    IMAGE_MISSING = "image-missing", Environment,
        "Pods wait for an image that can't be pulled.",
        "Push the image, correct its name, or load it into the cluster (`kind load docker-image`).";
    UNSCHEDULABLE = "unschedulable", Environment,
        "Pods fit on no node.",
        "Add nodes, or lower the pods' requests.";
    NODES_UNKNOWN = "nodes-unknown", Inconclusive,
        "Pods fit on no node, and events can't be read, so whether nodes are being made for them is not known.",
        "Grant list and watch on events, or look at the pods' events: `kubectl describe pod NAME`.";
    NODES_NOT_IN_TIME = "nodes-not-in-time", Inconclusive,
        "Pods waited for nodes that were being made, and the run ended before the nodes were there.",
        "Wait longer with --patience, or have the nodes there before the run.";
    PODS_EVICTED = "pods-evicted", Environment,
        "Pods of the target were preempted or evicted, so fewer were ready than the autoscaler had asked for.",
        "Give the pods a higher PriorityClass against preemption, and a PodDisruptionBudget against drains and consolidation.";
    PODS_CRASH = "pods-crash", Environment,
        "Containers of the pods can't be started, or end again and again.",
        "Read `kubectl logs --previous` of one of the pods.";
    READINESS_FAILS_UNDER_LOAD = "readiness-fails-under-load", Wrong,
        "Pods that had been ready stopped being so while the CPU is busy, so the load falls on ever fewer.",
        "Raise the readiness probe's timeout and failure threshold, or have it answered apart from the work.";
    UNREADY_PODS_HOLD_SCALING = "unready-pods-hold-scaling", Wrong,
        "Pods that are not ready count as idle and pull the average into the band in which nothing happens.",
        "Mend or remove the pods that never become ready; until then the autoscaler underrates the load.";
    PODS_NOT_READY = "pods-not-ready", Environment,
        "Pods run and do not become ready; the autoscaler counts them as idle.",
        "Check the readiness probe's path, port and timeout against what the pods answer.";
    ROLLOUT_STUCK = "rollout-stuck", Wrong,
        "A rollout does not come to its end, so part of the pods are of the old template.",
        "See `kubectl rollout status`; then mend, resume or undo it.";
    METRICS_API_UNAVAILABLE = "metrics-api-unavailable", Environment,
        "The resource metrics API is registered and does not answer, or answers nothing for the pods.",
        "Read metrics-server's log; on kind it needs --kubelet-insecure-tls.";
    METRICS_INCOMPLETE = "metrics-incomplete", Environment,
        "Ready pods lack a CPU sample for longer than a new pod needs to get one; the autoscaler guesses for them.",
        "Find out why metrics-server can't scrape the nodes of these pods.";
    METRICS_STALE = "metrics-stale", Environment,
        "The CPU samples stopped getting newer, so decisions are made on what was.",
        "Check metrics-server and its --metric-resolution (15 s; its own default is 60 s).";
    ADAPTER_UNAVAILABLE = "adapter-unavailable", Environment,
        "Nothing serves the API of a custom or external metric, or its `APIService` is not available.",
        "Install or repair the adapter that serves the metric.";
    SCALED_OBJECT_NOT_READY = "scaled-object-not-ready", Environment,
        "KEDA reports that the `ScaledObject` does not work, so its triggers decide nothing.",
        "Read the condition: `kubectl describe scaledobject NAME`, then KEDA's operator log.";
    HELD_BY_KEDA = "held-by-keda", Inconclusive,
        "KEDA holds the target at zero or at its fallback, so the load decides nothing.",
        "Make a trigger active, or repair the one that fails, and run again.";
    METRIC_FAILED = "metric-failed", Environment,
        "The controller can't compute a metric. Without it no step down is made, and with no other metric none at all.",
        "Read the message; for custom and external metrics, check their adapter.";
    WRONG_ANSWERS = "wrong-answers", Wrong,
        "The service gave answers that are not the number asked for.",
        "Mend the service; the load generator's result has samples of the answers.";
    LOAD_ELSEWHERE = "load-elsewhere", Inconclusive,
        "Pods that are not the target's answered, so the load goes elsewhere.",
        "Give --target the address of the Service that selects the target's pods.";
    PORT_FORWARD = "port-forward", Inconclusive,
        "The load enters on this machine and one of several ready pods gets all of it, as through `kubectl port-forward`, which picks one pod.",
        "Load from inside the cluster, or give --target an address that the Service answers on, such as a NodePort or an Ingress.";
    LOAD_NOT_SPREAD = "load-not-spread", Wrong,
        "A few pods do nearly all the work while the others idle, so more pods do not help.",
        "Have clients renew their connections (or balance by request): a Service balances connections only.";
    SIDECAR_DILUTES_UTILIZATION = "sidecar-dilutes-utilization", Wrong,
        "An idle sidecar's request hides that the working container is at its own, so the autoscaler does not fire.",
        "Use a ContainerResource metric of the working container, or lower the sidecar's request.";
    METRIC_CONTAINER_IDLE = "metric-container-idle", Wrong,
        "The metric is of a container that gets none of the load, so the autoscaler sees nothing of it.",
        "Name the container that does the work in containerResource.container.";
    STARTUP_COUNTS_AS_LOAD = "startup-counts-as-load", Wrong,
        "New pods are ready at once and burn CPU while they start, which counts as load.",
        "Add a startup or readiness probe that fails until the start's work is done.";
    LEFT_BOUNDS = "left-bounds", Wrong,
        "The target's replicas were outside the spec's bounds after the baseline.",
        "Find out who wrote them: `kubectl get deploy NAME -o yaml --show-managed-fields`.";
    MINIMUM_NOT_HELD = "minimum-not-held", Wrong,
        "Fewer pods than the minimum were ready for a sync period or longer, after the baseline.",
        "Find out why pods were lost: restarts, evictions, failing probes.";
    SCALE_DOWN_TOO_EARLY = "scale-down-too-early", Wrong,
        "The replicas fell below a proposal that the stabilization window still held.",
        "Check that the controller's --horizontal-pod-autoscaler-downscale-stabilization is the one given to this tool.";
    SCALE_UP_MISSING = "scale-up-missing", Wrong,
        "The metric asked for more pods in one sync after the other, and the controller did not scale.",
        "Read the autoscaler's conditions and events: `kubectl describe hpa NAME`.";
    DECISION_UNEXPLAINED = "decision-unexplained", Wrong,
        "The controller's decisions disagree with the model's on the same pods and metrics, several times in a row.",
        "Check that the controller's flags and the Kubernetes version are the ones given to this tool.";
    FLAPPING = "flapping", Wrong,
        "The replicas go up and down again and again.",
        "Lengthen the scale-down stabilization, or choose a target further from where the load sits.";
    GENERATOR_SATURATED = "generator-saturated", Environment,
        "The load generator was itself the limit: the load was weaker than planned, or requests failed that might not have.",
        "Give the generator more CPU, or run it on another machine.";
    FAILED_REQUESTS = "failed-requests", Wrong,
        "The service lost requests, as one does that ends before its connections have.",
        "Have the pods drain: a preStop pause, then finish what was begun; raise queue limits for bursts.";
    INTERRUPTED = "interrupted", Inconclusive,
        "The run was told to stop before its end; the exit code is 105.",
        "Let it run to its end.";
    LOAD_TOO_WEAK = "load-too-weak", Inconclusive,
        "The metric never asked for the maximum: too little load for this CPU request to tell anything.",
        "Raise the load, or lower the pods' CPU request.";
    WATCH_GAP = "watch-gap", Inconclusive,
        "Something changed unseen, or may have: the replicas, the ready pods, the rest before the load. So what was asserted can't be said to have held.",
        "Run again, nearer to the API server or with a steadier connection.";
    NO_SYNCS_SEEN = "no-syncs-seen", Inconclusive,
        "The autoscaler's controller wrote no status while it was watched.",
        "Check that kube-controller-manager runs, and that the right autoscaler is watched.";
    METRICS_NOT_READ = "metrics-not-read", Inconclusive,
        "The metrics API answered later than this tool waits, so the decisions can't be followed.",
        "Wait longer with --request-timeout, or run nearer to the API server.";
    TOO_LITTLE_EXPLAINED = "too-little-explained", Inconclusive,
        "Most decisions can't be followed from what was seen, so they can't be called right.",
        "See the decisions' sentences for what was missing.";
    LOAD_STAYS_ON = "load-stays-on", Inconclusive,
        "The metric kept asking for more than the minimum after the load's end, so no scale-down was due.",
        "Find the other load on the service, or end the load for certain.";
    SCALE_UP_TOO_LATE = "scale-up-too-late", Wrong,
        "The metric asked for the maximum, and the controller did not ask the target for it in the computed time.",
        "Read the autoscaler's conditions and events; a policy or a stabilization window for scale-up may be too slow.";
    SCALE_DOWN_MISSING = "scale-down-missing", Wrong,
        "The load was over for longer than the computed time, and the controller kept the replicas up.",
        "Read the autoscaler's conditions and events: `kubectl describe hpa NAME`.";
    WINDOW_TOO_SHORT = "window-too-short", Inconclusive,
        "The run ended before the way up and down was seen to its end, and nothing was found that stopped it.",
        "Give it more time (--patience), or ask for less (--scale-down one-step).";
    REPLICAS_IN_MANIFEST = "replicas-in-manifest", Wrong,
        "The manifest of the target sets replicas, so the next apply puts them back.",
        "Remove `replicas` with `kubectl apply edit-last-applied`, then from the file: removed from the file alone, it drops to 1 once.";
    REPLICAS_PERHAPS_APPLIED = "replicas-perhaps-applied", Inconclusive,
        "A manifest sets replicas, and whether the tool that applies it leaves them to the autoscaler could not be read.",
        "Grant list on applications.argoproj.io or get on kustomizations.kustomize.toolkit.fluxcd.io, or remove `replicas` from Git.";
    PDB_BLOCKS_DRAINS = "pdb-blocks-drains", Wrong,
        "The PodDisruptionBudget allows no disruption at the minimum. It does not hinder scaling, and blocks node drains.",
        "Use maxUnavailable: 1, or a minAvailable below minReplicas.";
    METRICS_NOT_YET = "metrics-not-yet", Inconclusive,
        "The pods are too young to have CPU samples.",
        "Look again in a minute.";
    AT_THE_MAXIMUM = "at-the-maximum", Pass,
        "The metric asks for more than the maximum, which holds.",
        "Raise maxReplicas if the load is meant to be served.";
    SCALE_DOWN_HELD = "scale-down-held", Pass,
        "The scale-down waits until its stabilization window has passed.",
        "Wait, or shorten behavior.scaleDown.stabilizationWindowSeconds.";
    ROLLOUT_IN_PROGRESS = "rollout-in-progress", Pass,
        "A rollout is on, and its surge pods count.",
        "Judge the replicas once it is over.";
    JUST_SCALED = "just-scaled", Pass,
        "The replicas were changed a moment ago, so nothing can be said of the effect yet.",
        "Look again in a minute.";
    METRICS_COARSE = "metrics-coarse", Pass,
        "Each CPU sample covers most of a minute, so the autoscaler reacts late.",
        "Run metrics-server with --metric-resolution=15s; 60 s is its own default.";
    REPLICAS_LEFT_ALONE = "replicas-left-alone", Pass,
        "A manifest sets replicas, and whoever applies it leaves them to the autoscaler.",
        "Nothing; without `replicas` in Git nobody has to ignore them.";
    REPLICAS_FROM_CHART = "replicas-from-chart", Pass,
        "Helm wrote the replicas, so its chart has set them.",
        "Look into `helm get manifest`, and let the chart set replicas only where no autoscaler does.";
    VPA_OBSERVES = "vpa-observes", Pass,
        "A VerticalPodAutoscaler recommends requests for the same resource, and leaves running pods alone.",
        "Keep its updateMode at Off or Initial while an autoscaler measures by these requests.";
    RESIZE_NOT_DONE = "resize-not-done", Pass,
        "Pods run with other requests than their specs have: a resize in place is not done, and the autoscaler measures by the specs.",
        "Read the message; a resize that no node has room for waits, or is infeasible for good.";
    NODES_ON_THEIR_WAY = "nodes-on-their-way", Pass,
        "Pods wait for nodes that are being made.",
        "Look again when the nodes are there.";
    IDLE_AT_ZERO = "idle-at-zero", Pass,
        "The target is idle at zero replicas, and its scaler brings it back when there is work.",
        "Nothing, if it is meant to be idle.";
    PAUSED = "paused", Pass,
        "The `ScaledObject` is paused by its annotation.",
        "Remove the annotation from the ScaledObject when the pause is over.";
    PAUSED_AT_REPLICAS = "paused-at-replicas", Pass,
        "The `ScaledObject` is paused at a number of replicas by its annotation.",
        "Remove the annotation from the ScaledObject when the pause is over.";
    FALLBACK = "fallback", Pass,
        "A trigger of the `ScaledObject` fails, and the replicas are those of its fallback.",
        "Repair the trigger: `kubectl describe scaledobject NAME` has its error.";
    PATH_PROVEN = "path-proven", Pass,
        "The ready pods went from the minimum to the maximum under load, and back as far as asked.",
        "";
    BOUNDS_HELD = "bounds-held", Pass,
        "The replicas never left the bounds; the longest gap in the watch says how strong that is.",
        "";
    DECISIONS_EXPLAINED = "decisions-explained", Pass,
        "The model follows the controller's decisions to the replica.",
        "";
    ANSWERS_VERIFIED = "answers-verified", Pass,
        "Every answer that the load got was proved right, and no request failed.",
        "";
    SIMULATED = "simulated", Pass,
        "This was computed, not seen: it proves nothing of a cluster.",
        "";
}

/// Pairs of findings that would say the same of one fault: where the first is found, the second is not
/// looked for.
pub(crate) const SUPERSEDES: &[(&Finding, &Finding)] = &[
    (&SCALING_PAUSED, &AUTOSCALER_GONE),
    (&TARGET_API_VERSION, &TARGET_NOT_FOUND),
    (&SCALING_DISABLED, &LEFT_BOUNDS),
    (&INJECTED_CONTAINER_WITHOUT_REQUEST, &MISSING_CPU_REQUEST),
    (&NO_METRICS_API, &METRICS_API_UNAVAILABLE),
    (&PORT_FORWARD, &LOAD_NOT_SPREAD),
    (&ANOTHER_SCALER, &REPLICAS_MOVED_BY_ANOTHER),
    (&ANOTHER_SCALER, &REPLICAS_IN_MANIFEST),
    (&REPLICAS_MOVED_BY_ANOTHER, &REPLICAS_IN_MANIFEST),
    (&PODS_EVICTED, &MINIMUM_NOT_HELD),
    (&ANOTHER_SCALER, &REPLICAS_PERHAPS_APPLIED),
    (&REPLICAS_MOVED_BY_ANOTHER, &REPLICAS_PERHAPS_APPLIED),
    (&METRICS_STALE, &METRICS_COARSE),
    (&ROLLOUT_STUCK, &ROLLOUT_IN_PROGRESS),
];
