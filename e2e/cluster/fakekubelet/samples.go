package fakekubelet

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"hpa-check/e2e/cluster/scenario"
)

const (
	// idle is the CPU of an idle container.
	idle = 1_000_000
	// serves is the label of the pods that get the load, from the Service's selector.
	serves, service = "app.kubernetes.io/name", "fib-server"
)

// samples are what metrics-server would have scraped. The load is spread over the Service's ready pods, so with
// more pods each uses less.
func samples(pods []*corev1.Pod, world *scenario.World, window time.Duration, now time.Time) []v1beta1.PodMetrics {
	var running, loaded []*corev1.Pod
	for _, pod := range oldest(pods) {
		if pod.Status.Phase != corev1.PodRunning || pod.DeletionTimestamp != nil {
			continue
		}
		running = append(running, pod)
		if IsReady(pod) && pod.Labels[serves] == service {
			loaded = append(loaded, pod)
		}
	}
	var list []v1beta1.PodMetrics
	for i, pod := range running {
		if i < scenario.Or(world.Unsampled, 0) {
			continue
		}
		sample := v1beta1.PodMetrics{
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, Labels: pod.Labels, CreationTimestamp: metav1.NewTime(now)},
			Timestamp:  metav1.NewTime(now), Window: metav1.Duration{Duration: window},
		}
		share := int64(idle)
		if at := slices.Index(loaded, pod); at >= 0 {
			share = max(idle, shareOf(world, at, len(loaded)))
		}
		for at, container := range containers(pod) {
			use := int64(idle)
			if at == 0 {
				use = share
			}
			memory := resource.MustParse("10Mi")
			if at == 0 {
				memory = scenario.Or(world.Memory, memory)
			}
			sample.Containers = append(sample.Containers, v1beta1.ContainerMetrics{Name: container, Usage: corev1.ResourceList{
				corev1.ResourceCPU:    *resource.NewScaledQuantity(use, resource.Nano),
				corev1.ResourceMemory: memory,
			}})
		}
		if i < scenario.Or(world.Incomplete, 0) {
			delete(sample.Containers[len(sample.Containers)-1].Usage, corev1.ResourceCPU)
		}
		list = append(list, sample)
	}
	return list
}

// shareOf is the CPU of one of the loaded pods, in nanocores.
func shareOf(world *scenario.World, at, among int) int64 {
	load := scenario.Or(world.Load, resource.Quantity{})
	nano := load.ScaledValue(resource.Nano)
	if scenario.Or(world.Hot, false) {
		if at == 0 {
			return nano
		}
		return idle
	}
	return nano / int64(among)
}

// containers are the regular containers, and the init containers that keep running (sidecars).
func containers(pod *corev1.Pod) []string {
	var names []string
	for _, container := range pod.Spec.Containers {
		names = append(names, container.Name)
	}
	for _, container := range pod.Spec.InitContainers {
		if container.RestartPolicy != nil && *container.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			names = append(names, container.Name)
		}
	}
	return names
}

// IsReady reports whether the pod's status says that it is ready.
func IsReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}
