//! The findings that only an examination has.

use crate::findings::Finding;
use crate::verdict::Outcome;

const fn wrong(id: &'static str, meaning: &'static str, fix: &'static str) -> Finding {
    Finding {
        id,
        outcome: Outcome::Wrong,
        meaning,
        fix,
    }
}

const fn surroundings(id: &'static str, meaning: &'static str, fix: &'static str) -> Finding {
    Finding {
        id,
        outcome: Outcome::Surroundings,
        meaning,
        fix,
    }
}

/// Worth knowing, and no fault.
const fn note(id: &'static str, meaning: &'static str, fix: &'static str) -> Finding {
    Finding {
        id,
        outcome: Outcome::Pass,
        meaning,
        fix,
    }
}

/// All of them, the weightiest first.
pub(crate) const OWN: &[Finding] = &[
    wrong(
        "target-api-version",
        "The apiVersion of scaleTargetRef is not of the API group that has the kind.",
        "Set scaleTargetRef.apiVersion, `apps/v1` for a Deployment, StatefulSet or ReplicaSet.",
    ),
    wrong(
        "injected-container-without-request",
        "A container that is not in the template, so was injected, has no CPU request, and the autoscaler stops.",
        "Set the injector's CPU request for its container: an annotation of the pod template, or its own settings.",
    ),
    wrong(
        "completed-pods-counted",
        "The selector matches pods that have succeeded, and before 1.38 the controller counts them as pods without metrics.",
        "Give the jobs' pods labels that the selector does not match, or have them deleted (ttlSecondsAfterFinished).",
    ),
    wrong(
        "another-scaler",
        "Another controller scales the same target.",
        "Keep one of the two: remove the other scaler, or this autoscaler.",
    ),
    wrong(
        "vpa-changes-requests",
        "A VerticalPodAutoscaler changes the CPU requests that the utilization is measured by.",
        "Take cpu out of the VPA's controlledResources, or set its updateMode to Off.",
    ),
    surroundings(
        "pods-refused",
        "The API server refuses to make the target's pods.",
        "Read the message: a LimitRange, a pod security level or an admission webhook refuses them.",
    ),
    wrong(
        "unready-pods-hold-scaling",
        "Pods that are not ready count as idle and pull the average into the band in which nothing happens.",
        "Mend or remove the pods that never become ready; until then the autoscaler underrates the load.",
    ),
    wrong(
        "readiness-fails-under-load",
        "Pods that had been ready stopped being so while the CPU is busy, so the load falls on ever fewer.",
        "Raise the readiness probe's timeout and failure threshold, or have it answered apart from the work.",
    ),
    wrong(
        "every-pod-unready",
        "Every pod the autoscaler counts is unready, so it has nothing to average.",
        "Find out why none becomes ready: the readiness probe, or the first window of samples.",
    ),
    wrong(
        "rollout-stuck",
        "A rollout does not come to its end, so part of the pods are of the old template.",
        "See `kubectl rollout status`; then mend, resume or undo it.",
    ),
    wrong(
        "sidecar-dilutes-utilization",
        "An idle sidecar's request hides that the working container is at its own, so the autoscaler does not fire.",
        "Use a ContainerResource metric of the working container, or lower the sidecar's request.",
    ),
    wrong(
        "startup-counts-as-load",
        "New pods are ready at once and burn CPU while they start, which counts as load.",
        "Add a startup or readiness probe that fails until the start's work is done.",
    ),
    wrong(
        "replicas-in-manifest",
        "The manifest of the target sets replicas, so the next apply puts them back.",
        "Remove `replicas` with `kubectl apply edit-last-applied`, then from the file: removed from the file alone, it drops to 1 once.",
    ),
    wrong(
        "pdb-blocks-drains",
        "The PodDisruptionBudget allows no disruption at the minimum. It does not hinder scaling, and blocks node drains.",
        "Use maxUnavailable: 1, or a minAvailable below minReplicas.",
    ),
    surroundings(
        "metric-failed",
        "The controller could not compute a metric.",
        "Read the message; for custom and external metrics, check their adapter.",
    ),
    Finding {
        id: "metrics-not-yet",
        outcome: Outcome::Inconclusive,
        meaning: "The pods are too young to have CPU samples.",
        fix: "Look again in a minute.",
    },
    note(
        "at-the-maximum",
        "The metric asks for more than the maximum, which holds.",
        "Raise maxReplicas if the load is meant to be served.",
    ),
    note(
        "scale-down-held",
        "The scale-down waits until its stabilization window has passed.",
        "Wait, or shorten behavior.scaleDown.stabilizationWindowSeconds.",
    ),
    note(
        "rollout-in-progress",
        "A rollout is on, and its surge pods count.",
        "Judge the replicas once it is over.",
    ),
    note(
        "just-scaled",
        "The replicas were changed a moment ago, so nothing can be said of the effect yet.",
        "Look again in a minute.",
    ),
    note(
        "metrics-coarse",
        "Each CPU sample covers most of a minute, so the autoscaler reacts late.",
        "Run metrics-server with --metric-resolution=15s; 60 s is its own default.",
    ),
];
