package fakekubelet

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hpa-check/e2e/cluster/scenario"
)

// A state is the state that a kubelet and a scheduler would give a pod.
type state string

const (
	pending       state = "pending"
	unschedulable state = "unschedulable"
	imageMissing  state = "image-missing"
	crashing      state = "crashing"
	notReady      state = "not-ready"
	ready         state = "ready"
	completed     state = "completed"
)

// A taken pod is one that the fake kubelet has taken over; its fate is decided then.
type taken struct {
	seen  time.Time
	fate  string
	state state
}

// oldest sorts pods by creation time.
func oldest(pods []*corev1.Pod) []*corev1.Pod {
	sorted := slices.Clone(pods)
	slices.SortFunc(sorted, func(a, b *corev1.Pod) int {
		if byTime := a.CreationTimestamp.Compare(b.CreationTimestamp.Time); byTime != 0 {
			return byTime
		}
		return strings.Compare(a.Name, b.Name)
	})
	return sorted
}

// fateOf decides a new pod's fate, given the number of spared pods that still exist.
func fateOf(world *scenario.World, spared int) string {
	fate := scenario.Or(world.Fate, scenario.FateReady)
	if spared < scenario.Or(world.Spared, 0) {
		return scenario.FateReady
	}
	return fate
}

// next is the state that a pod should be in. Failing are the ready pods whose probe fails now.
func next(pod *corev1.Pod, of *taken, world *scenario.World, image string, failing bool, now time.Time) state {
	for _, container := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if container.Image != image {
			return imageMissing
		}
	}
	if of.fate == scenario.FateUnschedulable {
		return unschedulable
	}
	if now.Before(of.seen.Add(scenario.Or(world.ReadyAfter, metav1.Duration{Duration: 500 * time.Millisecond}).Duration)) {
		return pending
	}
	switch {
	case ownedBy(pod, "Job"):
		return completed
	case of.fate == scenario.FateCrash:
		return crashing
	case of.fate == scenario.FateNeverReady || failing:
		return notReady
	default:
		return ready
	}
}

func ownedBy(pod *corev1.Pod, kind string) bool {
	owner := metav1.GetControllerOf(pod)
	return owner != nil && owner.Kind == kind
}

// statusOf is the status that a kubelet would write for a pod in a state.
func statusOf(pod *corev1.Pod, s state, now time.Time) corev1.PodStatus {
	at := metav1.NewTime(now)
	status := corev1.PodStatus{Phase: corev1.PodRunning, StartTime: pod.Status.StartTime}
	if status.StartTime == nil && s != unschedulable {
		status.StartTime = &at
	}
	condition := func(kind corev1.PodConditionType, holds bool, reason, message string) {
		c := corev1.PodCondition{Type: kind, Status: corev1.ConditionFalse, LastTransitionTime: at, Reason: reason, Message: message}
		if holds {
			c.Status = corev1.ConditionTrue
		}
		for _, old := range pod.Status.Conditions {
			if old.Type == kind && old.Status == c.Status {
				c.LastTransitionTime = old.LastTransitionTime
			}
		}
		status.Conditions = append(status.Conditions, c)
	}
	switch s {
	case unschedulable:
		status.Phase = corev1.PodPending
		condition(corev1.PodScheduled, false, corev1.PodReasonUnschedulable, "0/1 nodes are available: 1 Insufficient cpu.")
		return status
	case imageMissing:
		status.Phase = corev1.PodPending
	case completed:
		status.Phase = corev1.PodSucceeded
	}
	isReady, reason := s == ready, ""
	if !isReady {
		reason = "ContainersNotReady"
	}
	condition(corev1.PodScheduled, true, "", "")
	condition(corev1.PodInitialized, true, "", "")
	condition(corev1.ContainersReady, isReady, reason, "")
	condition(corev1.PodReady, isReady, reason, "")
	for _, container := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, containerStatus(container, s, at))
	}
	for _, container := range pod.Spec.InitContainers {
		status.InitContainerStatuses = append(status.InitContainerStatuses, containerStatus(container, s, at))
	}
	return status
}

func containerStatus(container corev1.Container, s state, at metav1.Time) corev1.ContainerStatus {
	running := s == ready || s == notReady
	status := corev1.ContainerStatus{Name: container.Name, Image: container.Image, Ready: s == ready, Started: &running}
	waiting := func(reason, message string) {
		status.State.Waiting = &corev1.ContainerStateWaiting{Reason: reason, Message: message}
	}
	switch s {
	case imageMissing:
		waiting("ImagePullBackOff", fmt.Sprintf("Back-off pulling image %q", container.Image))
	case crashing:
		status.RestartCount = 3
		waiting("CrashLoopBackOff", "back-off 40s restarting failed container")
	case completed:
		status.State.Terminated = &corev1.ContainerStateTerminated{Reason: "Completed", FinishedAt: at}
	default:
		status.State.Running = &corev1.ContainerStateRunning{StartedAt: at}
	}
	return status
}
