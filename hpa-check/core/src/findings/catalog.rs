//! The catalog: every reason that a verdict can have, in order of precedence. Causes come before their
//! symptoms, so a fault in the setup comes first.

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
        "KEDA's `ScaledObject` is paused, so the autoscaler should not scale and a run can't prove anything.",
        "Remove the pause annotation from the ScaledObject, then run again.";
    AUTOSCALER_GONE = "autoscaler-gone", Wrong,
        "The autoscaler was deleted during the run.",
        "Find out what deleted it, then run again.";
    TARGET_API_VERSION = "target-api-version", Wrong,
        "The apiVersion in scaleTargetRef belongs to an API group that does not have this kind.",
        "Set scaleTargetRef.apiVersion; for a Deployment, StatefulSet or ReplicaSet it is `apps/v1`.";
    TARGET_NOT_FOUND = "target-not-found", Wrong,
        "scaleTargetRef points at an object that does not exist.",
        "Correct the apiVersion (apps/v1 for a Deployment), kind or name in scaleTargetRef.";
    TARGET_NOT_SCALABLE = "target-not-scalable", Wrong,
        "The scale target exists, but its kind has no scale subresource.",
        "Point scaleTargetRef at a Deployment, StatefulSet, ReplicaSet or a custom resource with a scale subresource.";
    SCALE_UNREADABLE = "scale-unreadable", Environment,
        "The target exists, but the controller could not read its scale subresource.",
        "Read the error message: the cause is the API server, an admission rule or the controller's RBAC.";
    SCALING_DISABLED = "scaling-disabled", Wrong,
        "The target has zero replicas, which turns the autoscaler off until someone sets at least one.",
        "Scale the target to its minimum once, and find out who set it to 0.";
    NO_CPU_METRIC = "no-cpu-metric", Wrong,
        "A CPU metric was asserted, but the autoscaler's spec has none.",
        "Add a metric of type Resource, name cpu, with a target of type Utilization.";
    NO_SUCH_METRIC = "no-such-metric", Wrong,
        "A metric was asserted by name, but the autoscaler's spec does not have it.",
        "Add the metric, or assert one that the spec has.";
    INJECTED_CONTAINER_WITHOUT_REQUEST = "injected-container-without-request", Wrong,
        "An injected container (one that is not in the pod template) has no CPU request, so the autoscaler can't compute utilization and does not scale.",
        "Set the injected container's CPU request with a pod template annotation or in the injector's configuration.";
    MISSING_CPU_REQUEST = "missing-cpu-request", Wrong,
        "A container that the metric counts has no CPU request, so utilization is undefined and the autoscaler does not scale.",
        "Set `resources.requests.cpu` on every container in the pod, including injected sidecars.";
    BOUNDS_LEAVE_NO_ROOM = "bounds-leave-no-room", Wrong,
        "minReplicas equals maxReplicas, so the autoscaler can't scale between the asserted bounds.",
        "Set maxReplicas above minReplicas.";
    NOTHING_TO_SCALE = "nothing-to-scale", Inconclusive,
        "minReplicas equals maxReplicas and no other bounds are asserted, so there is no scaling for a run to observe.",
        "Assert the bounds that the autoscaler should have, or set maxReplicas above minReplicas.";
    SPEC_BOUNDS_DIFFER = "spec-bounds-differ", Wrong,
        "minReplicas or maxReplicas is not what was asserted.",
        "Set minReplicas and maxReplicas as asserted, or change the assertion.";
    SPEC_TARGET_DIFFERS = "spec-target-differs", Wrong,
        "A metric's target is not what was asserted.",
        "Set the target as asserted, or change the assertion.";
    SPEC_CHANGED = "spec-changed", Inconclusive,
        "Someone changed the autoscaler's bounds or CPU target during the run, which had taken them from its spec.",
        "Run again while nobody changes the autoscaler.";
    SCALE_UP_DISABLED = "scale-up-disabled", Wrong,
        "The spec's behavior disables scale-up.",
        "Remove `selectPolicy: Disabled` from behavior.scaleUp.";
    SCALE_DOWN_DISABLED = "scale-down-disabled", Wrong,
        "The spec's behavior disables scale-down.",
        "Remove `selectPolicy: Disabled` from behavior.scaleDown, or run with --scale-down skip.";
    LIMIT_CAPS_UTILIZATION = "limit-caps-utilization", Wrong,
        "The CPU limit caps utilization within the target's tolerance, so the autoscaler can never scale up.",
        "Raise or remove the CPU limit, or lower the target.";
    METRIC_CONTAINER_MISSING = "metric-container-missing", Wrong,
        "A metric names a container that no pod has, so it can't be computed.",
        "Name the container that does the work in containerResource.container.";
    ANOTHER_SCALER = "another-scaler", Wrong,
        "Another controller scales the same target.",
        "Keep one: remove the other scaler or this autoscaler.";
    AMBIGUOUS_SELECTOR = "ambiguous-selector", Wrong,
        "Two autoscalers select the same pods, so the controller stops both.",
        "Keep one autoscaler per target, and give each target labels that no other target shares.";
    INVALID_SELECTOR = "invalid-selector", Wrong,
        "The target's scale subresource has no usable selector.",
        "Make the target's kind report `status.selector` in its scale subresource.";
    COMPLETED_PODS_COUNTED = "completed-pods-counted", Wrong,
        "The selector matches completed pods. Before 1.38 the controller counts them as pods without metrics.",
        "Give Job pods labels that the selector does not match, or delete them with ttlSecondsAfterFinished.";
    SELECTOR_MATCHES_OTHERS = "selector-matches-others", Wrong,
        "The selector also matches pods of other owners, and the autoscaler averages over all of them.",
        "Give the target's pods a label that no other pod has, and select by it.";
    NO_METRICS_API = "no-metrics-api", Environment,
        "The resource metrics API (metrics.k8s.io) is not registered, so the autoscaler has no metrics.",
        "Install metrics-server.";
    RESCALE_FAILED = "rescale-failed", Environment,
        "The controller decided to scale, but its write to the target was rejected.",
        "Find the admission webhook, quota or RBAC rule named in the message.";
    CPU_REQUEST_TOO_HIGH = "cpu-request-too-high", Inconclusive,
        "With this CPU request, even all the available CPU can't push the metric high enough to reach the maximum.",
        "Lower the pods' CPU request, or test with more CPU.";
    QUOTA_EXCEEDED = "quota-exceeded", Environment,
        "A ResourceQuota keeps the target below its maximum.",
        "Raise the quota, or lower the maximum or the requests.";
    PODS_REFUSED = "pods-refused", Environment,
        "The API server rejects the target's pods.",
        "Read the message: a LimitRange, Pod Security or an admission webhook rejects them.";
    PODS_NOT_CREATED = "pods-not-created", Environment,
        "Fewer pods exist than the target asks for, none of them is starting, and nothing says why.",
        "Check that the controller of the target's kind is running: the operator of a custom kind, or kube-controller-manager.";
    CAPACITY_TOO_SMALL = "capacity-too-small", Environment,
        "The cluster does not have enough CPU for the requests of maxReplicas pods.",
        "Lower the pods' CPU request, or add CPU.";
    REPLICAS_MOVED_BY_ANOTHER = "replicas-moved-by-another", Wrong,
        "Something other than the autoscaler writes the target's replicas.",
        "Remove `replicas` from the manifest you apply, or configure the tool to ignore that field.";
    VPA_CHANGES_REQUESTS = "vpa-changes-requests", Wrong,
        "A VerticalPodAutoscaler changes the requests that the utilization is measured by.",
        "Take the resource out of the VPA's controlledResources, or set its updateMode to Off.";
    IMAGE_MISSING = "image-missing", Environment,
        "Pods are waiting for an image that can't be pulled.",
        "Push the image, correct its name, or load it into the cluster (`kind load docker-image`).";
    UNSCHEDULABLE = "unschedulable", Environment,
        "Pods do not fit on any node.",
        "Add nodes, or lower the pods' requests.";
    NODES_UNKNOWN = "nodes-unknown", Inconclusive,
        "Pods fit on no node, and events can't be read, so it is unknown whether nodes are being provisioned for them.",
        "Grant list and watch on events, or look at the pods' events: `kubectl describe pod NAME`.";
    NODES_NOT_IN_TIME = "nodes-not-in-time", Inconclusive,
        "Pods waited for nodes that were being provisioned, and the run ended before the nodes were available.",
        "Raise --patience, or provision the nodes before the run.";
    PODS_EVICTED = "pods-evicted", Environment,
        "Pods of the target were preempted or evicted, so fewer were ready than the autoscaler had set.",
        "Give the pods a higher PriorityClass to avoid preemption, and a PodDisruptionBudget to survive drains and consolidation.";
    PODS_CRASH = "pods-crash", Environment,
        "Containers fail to start or keep crashing.",
        "Check `kubectl logs --previous` for one of the pods.";
    READINESS_WITHDRAWN = "readiness-withdrawn", Environment,
        "Pods stopped being ready although their containers were: their node stopped responding, or a readiness gate closed.",
        "Check the pods' nodes and readiness gates: `kubectl describe pod NAME`.";
    READINESS_FAILS_UNDER_LOAD = "readiness-fails-under-load", Wrong,
        "Ready pods became unready while their CPU was busy, so the load falls on fewer and fewer pods.",
        "Raise the readiness probe's timeout and failureThreshold, or serve the probe separately from the work.";
    UNREADY_PODS_HOLD_SCALING = "unready-pods-hold-scaling", Wrong,
        "Unready pods count as idle and pull the average into the tolerance band, where the autoscaler does nothing.",
        "Fix or remove the pods that never become ready; until then the autoscaler underestimates the load.";
    PODS_NOT_READY = "pods-not-ready", Environment,
        "Pods run but do not become ready; the autoscaler counts them as idle.",
        "Compare the readiness probe's path, port and timeout with what the pods serve.";
    PODS_STARTING = "pods-starting", Inconclusive,
        "Pods have been starting for minutes, and they may still become ready.",
        "Check again in a few minutes; a startup probe says how long a start may take.";
    ROLLOUT_STUCK = "rollout-stuck", Wrong,
        "A rollout does not complete, so some pods still run the old template.",
        "Check `kubectl rollout status`, then fix or undo the rollout.";
    ROLLOUT_BELOW_MINIMUM = "rollout-below-minimum", Inconclusive,
        "A rollout took ready pods below the minimum, so whether the minimum is held otherwise was not seen.",
        "Set maxUnavailable to 0 in the rollout strategy, or run again without a rollout.";
    METRICS_API_UNAVAILABLE = "metrics-api-unavailable", Environment,
        "The resource metrics API is registered, but it does not respond or returns nothing for these pods.",
        "Check metrics-server's log; on kind it needs --kubelet-insecure-tls.";
    METRICS_INCOMPLETE = "metrics-incomplete", Environment,
        "Ready pods have had no CPU sample for longer than a new pod needs to get one; the autoscaler assumes values for them.",
        "Find out why metrics-server can't scrape these pods' nodes.";
    METRICS_STALE = "metrics-stale", Environment,
        "CPU samples stopped updating, so the autoscaler decides on old data.",
        "Check metrics-server and its --metric-resolution (15 s; its own default is 60 s).";
    ADAPTER_UNAVAILABLE = "adapter-unavailable", Environment,
        "Nothing serves the API of a custom or external metric, or its `APIService` is not available.",
        "Install or fix the adapter that serves the metric.";
    METRICS_API_SILENT = "metrics-api-silent", Inconclusive,
        "A metrics API does not answer now, and nothing says that it has been so for long: its server may be restarting.",
        "Check again in a minute.";
    SCALED_OBJECT_NOT_READY = "scaled-object-not-ready", Environment,
        "KEDA reports that the `ScaledObject` is not working, so its triggers have no effect.",
        "Read the condition with `kubectl describe scaledobject NAME`, then KEDA's operator log.";
    HELD_BY_KEDA = "held-by-keda", Inconclusive,
        "KEDA holds the target at zero or at its fallback, so the load has no effect.",
        "Activate a trigger or fix the failing one, then run again.";
    METRIC_FAILED = "metric-failed", Environment,
        "The controller can't compute a metric. It will not scale down without that metric, and if it is the only one, it will not scale at all.",
        "Read the message; for custom and external metrics, check the metrics adapter.";
    WRONG_ANSWERS = "wrong-answers", Wrong,
        "The service returned wrong answers.",
        "Fix the service; the load generator's result has samples of the wrong answers.";
    LOAD_ELSEWHERE = "load-elsewhere", Inconclusive,
        "Pods outside the target answered requests, so the load goes elsewhere.",
        "Set --target to the address of the Service that selects the target's pods.";
    PORT_FORWARD = "port-forward", Inconclusive,
        "The load enters on this machine and a single ready pod gets all of it, as it does through `kubectl port-forward`.",
        "Generate load inside the cluster, or set --target to an address the Service is reachable at, such as a NodePort or an Ingress.";
    LOAD_NOT_SPREAD = "load-not-spread", Wrong,
        "A few pods do nearly all the work while the rest are idle, so adding pods does not help.",
        "Have clients renew their connections, or balance per request: a Service only balances connections.";
    SIDECAR_DILUTES_UTILIZATION = "sidecar-dilutes-utilization", Wrong,
        "An idle sidecar's request hides that the main container is at its own request, so the autoscaler does not scale up.",
        "Use a ContainerResource metric for the main container, or lower the sidecar's request.";
    METRIC_CONTAINER_IDLE = "metric-container-idle", Wrong,
        "The metric is for a container that gets none of the load, so the autoscaler never sees the load.",
        "Name the container that does the work in containerResource.container.";
    STARTUP_COUNTS_AS_LOAD = "startup-counts-as-load", Wrong,
        "New pods are ready immediately and burn CPU during startup, which counts as load.",
        "Add a startup or readiness probe that fails until startup is done.";
    LEFT_BOUNDS = "left-bounds", Wrong,
        "The target's replicas left the spec's bounds after the baseline.",
        "Find out what wrote them: `kubectl get deploy NAME -o yaml --show-managed-fields`.";
    MINIMUM_NOT_HELD = "minimum-not-held", Wrong,
        "Fewer pods than the minimum were ready for at least one sync period after the baseline.",
        "Find out why pods were lost: restarts, evictions or failing probes.";
    SCALE_DOWN_TOO_EARLY = "scale-down-too-early", Wrong,
        "The replicas fell below a recommendation that was still inside the stabilization window.",
        "Check that the controller's --horizontal-pod-autoscaler-downscale-stabilization matches the value given to hpa-check.";
    SCALE_UP_MISSING = "scale-up-missing", Wrong,
        "The metric called for more pods for several syncs in a row, and the controller did not scale up.",
        "Read the autoscaler's conditions and events: `kubectl describe hpa NAME`.";
    DECISION_UNEXPLAINED = "decision-unexplained", Wrong,
        "For the same pods and metrics, the controller's decisions differ from the model's several times in a row.",
        "Check that the controller's flags and Kubernetes version match the ones given to hpa-check.";
    FLAPPING = "flapping", Wrong,
        "The replicas keep going up and down.",
        "Lengthen the scale-down stabilization window, or choose a target further from the steady load.";
    GENERATOR_SATURATED = "generator-saturated", Environment,
        "The load generator was the bottleneck: it sent less load than planned, or requests failed that might not have failed otherwise.",
        "Give the generator more CPU, or run it on another machine.";
    FAILED_REQUESTS = "failed-requests", Wrong,
        "The service lost requests, as it does when it exits before its connections are closed.",
        "Drain pods on shutdown: add a preStop sleep, then finish requests in flight. For bursts, raise queue limits.";
    INTERRUPTED = "interrupted", Inconclusive,
        "The run was interrupted before it finished; the exit code is 105.",
        "Let the run finish.";
    LOAD_TOO_WEAK = "load-too-weak", Inconclusive,
        "The metric never called for the maximum: with this CPU request the load is too low to prove anything.",
        "Raise the load, or lower the pods' CPU request.";
    WATCH_GAP = "watch-gap", Inconclusive,
        "Replicas, ready pods or the idle baseline changed or may have changed during a gap in the watch, so the assertions can't be confirmed.",
        "Run again closer to the API server or on a more stable connection.";
    NO_SYNCS_SEEN = "no-syncs-seen", Inconclusive,
        "The controller never updated the autoscaler's status during the run.",
        "Check that kube-controller-manager is running and that you are watching the right autoscaler.";
    METRICS_NOT_READ = "metrics-not-read", Inconclusive,
        "The metrics API took longer to respond than hpa-check waits, so decisions can't be explained.",
        "Raise --request-timeout, or run closer to the API server.";
    CONTROLLER_UNKNOWN = "controller-unknown", Inconclusive,
        "The controller decided as one with other flags would, or one that restarted unobserved, so its decisions can't be judged.",
        "Pass kube-controller-manager's own flags, such as --downscale-stabilization, and allow reading its lease in kube-system.";
    TOO_LITTLE_EXPLAINED = "too-little-explained", Inconclusive,
        "Most decisions can't be explained from what was observed, so they can't be confirmed.",
        "Each decision's explanation says what was missing.";
    LOAD_STAYS_ON = "load-stays-on", Inconclusive,
        "After the load ended the metric still called for more than the minimum, so no scale-down was due.",
        "Find the other load on the service, or make sure the load really ends.";
    SCALE_UP_TOO_LATE = "scale-up-too-late", Wrong,
        "The metric called for the maximum, but the controller did not set it by the computed deadline.",
        "Read the autoscaler's conditions and events; a scale-up policy or stabilization window may be too slow.";
    SCALE_DOWN_MISSING = "scale-down-missing", Wrong,
        "The load had been over for longer than the computed deadline, and the controller still had not scaled down.",
        "Read the autoscaler's conditions and events: `kubectl describe hpa NAME`.";
    WINDOW_TOO_SHORT = "window-too-short", Inconclusive,
        "The run ended before the whole cycle up and down was seen, and nothing was found that prevented it.",
        "Allow more time (--patience), or require less (--scale-down one-step).";
    REPLICAS_IN_MANIFEST = "replicas-in-manifest", Wrong,
        "The target's manifest sets replicas, so the next apply overwrites the autoscaler's value.",
        "Remove `replicas` with `kubectl apply edit-last-applied` first, then from the file; if you only edit the file, the next apply drops the target to 1 replica once.";
    REPLICAS_PERHAPS_APPLIED = "replicas-perhaps-applied", Inconclusive,
        "A manifest sets replicas, and whether the tool that applies it leaves them to the autoscaler could not be read.",
        "Grant list on applications.argoproj.io or get on kustomizations.kustomize.toolkit.fluxcd.io, or remove `replicas` from Git.";
    PDB_BLOCKS_DRAINS = "pdb-blocks-drains", Wrong,
        "The PodDisruptionBudget allows no disruptions at the minimum. It does not affect scaling, but it blocks node drains.",
        "Use maxUnavailable: 1, or a minAvailable below minReplicas.";
    METRICS_NOT_YET = "metrics-not-yet", Inconclusive,
        "The pods are too new to have CPU samples.",
        "Check again in a minute.";
    NEEDS_SECOND_LOOK = "needs-second-look", Inconclusive,
        "One snapshot shows a problem that may be gone a moment later, or that only a wrong clock shows.",
        "Take a second snapshot: `hpa-check doctor --again 1m`.";
    SYNC_FAILED = "sync-failed", Inconclusive,
        "The controller's latest sync failed, which may have been for a moment.",
        "Check again in a minute.";
    AT_THE_MAXIMUM = "at-the-maximum", Pass,
        "The metric calls for more than maxReplicas; the autoscaler stays at the maximum.",
        "Raise maxReplicas if you want to serve this load.";
    SCALE_DOWN_HELD = "scale-down-held", Pass,
        "Scale-down is waiting for its stabilization window.",
        "Wait, or shorten behavior.scaleDown.stabilizationWindowSeconds.";
    ROLLOUT_PAUSED = "rollout-paused", Pass,
        "Rollouts of the Deployment are paused. The autoscaler still scales it.",
        "Run `kubectl rollout resume` when the new pod template should roll out.";
    ROLLOUT_IN_PROGRESS = "rollout-in-progress", Pass,
        "A rollout is in progress, and its surge pods count.",
        "Check the replicas again when it is done.";
    JUST_SCALED = "just-scaled", Pass,
        "The target was scaled moments ago, so it is too early to see the effect.",
        "Check again in a minute.";
    METRICS_COARSE = "metrics-coarse", Pass,
        "Each CPU sample covers most of a minute, so the autoscaler reacts late.",
        "Run metrics-server with --metric-resolution=15s; its own default is 60 s.";
    REPLICAS_LEFT_ALONE = "replicas-left-alone", Pass,
        "A manifest sets replicas, and the tool that applies it leaves them to the autoscaler.",
        "Nothing is broken; removing `replicas` from Git makes the ignore rule unnecessary.";
    REPLICAS_FROM_CHART = "replicas-from-chart", Pass,
        "Helm wrote the replicas, so its chart sets them.",
        "Check `helm get manifest`, and let the chart set replicas only where no autoscaler does.";
    VPA_OBSERVES = "vpa-observes", Pass,
        "A VerticalPodAutoscaler recommends requests for the same resource but does not change running pods.",
        "Keep its updateMode at Off or Initial while an autoscaler measures by these requests.";
    RESIZE_NOT_DONE = "resize-not-done", Pass,
        "An in-place resize is not finished: pods run with requests other than those in their specs, which the autoscaler uses.",
        "Read the message: a deferred resize waits for room on its node, an infeasible one never fits.";
    NODES_ON_THEIR_WAY = "nodes-on-their-way", Pass,
        "Pods are waiting for nodes that are being provisioned.",
        "Check again when the nodes are available.";
    REPLICAS_PINNED = "replicas-pinned", Pass,
        "minReplicas equals maxReplicas, so the autoscaler keeps that number of replicas.",
        "Nothing if that is intended; otherwise set maxReplicas above minReplicas.";
    SCALED_TO_ZERO = "scaled-to-zero", Pass,
        "Someone scaled the target to 0, which switches the autoscaler off until someone scales it up again.",
        "Nothing if it should be off; otherwise scale the target to its minimum once.";
    REPLICAS_SET_ONCE = "replicas-set-once", Pass,
        "Something other than the autoscaler set the replicas once since the autoscaler last scaled.",
        "Nothing: the autoscaler goes on from that number.";
    IDLE_AT_ZERO = "idle-at-zero", Pass,
        "The target is idle at zero replicas; its scaler brings it back when there is work.",
        "Nothing, if it should be idle.";
    PAUSED = "paused", Pass,
        "An annotation pauses the `ScaledObject`.",
        "Remove the annotation from the ScaledObject to end the pause.";
    PAUSED_AT_REPLICAS = "paused-at-replicas", Pass,
        "An annotation pauses the `ScaledObject` at a fixed number of replicas.",
        "Remove the annotation from the ScaledObject to end the pause.";
    FALLBACK = "fallback", Pass,
        "A trigger of the `ScaledObject` fails, so its fallback sets the replicas.",
        "Fix the trigger; `kubectl describe scaledobject NAME` shows its error.";
    PATH_PROVEN = "path-proven", Pass,
        "Ready pods went from the minimum to the maximum under load, and back down as far as required.",
        "";
    BOUNDS_HELD = "bounds-held", Pass,
        "The replicas never left the bounds. How strong that claim is depends on the longest gap in the watch.",
        "";
    DECISIONS_EXPLAINED = "decisions-explained", Pass,
        "The model reproduces the controller's decisions exactly.",
        "";
    ANSWERS_VERIFIED = "answers-verified", Pass,
        "Every answer was verified as correct, and no request failed.",
        "";
    SIMULATED = "simulated", Pass,
        "This was computed, not observed: it proves nothing about a cluster.",
        "";
}

/// Pairs of findings with the same cause. If the first is found, the second is not evaluated.
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
    (&READINESS_WITHDRAWN, &MINIMUM_NOT_HELD),
    (&ROLLOUT_BELOW_MINIMUM, &MINIMUM_NOT_HELD),
    (&METRICS_API_UNAVAILABLE, &METRICS_API_SILENT),
    (&ADAPTER_UNAVAILABLE, &METRICS_API_SILENT),
    (&ANOTHER_SCALER, &REPLICAS_PERHAPS_APPLIED),
    (&REPLICAS_MOVED_BY_ANOTHER, &REPLICAS_PERHAPS_APPLIED),
    (&METRICS_STALE, &METRICS_COARSE),
    (&ROLLOUT_STUCK, &ROLLOUT_PAUSED),
    (&ROLLOUT_STUCK, &ROLLOUT_IN_PROGRESS),
    (&ROLLOUT_PAUSED, &ROLLOUT_IN_PROGRESS),
    (&SCALING_DISABLED, &SCALED_TO_ZERO),
];
