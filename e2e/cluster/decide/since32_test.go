//go:build controller && since32

package podautoscaler

import v1 "k8s.io/api/core/v1"

func setPodRequests(pod *v1.Pod, requests v1.ResourceList) {
	pod.Spec.Resources = &v1.ResourceRequirements{Requests: requests}
}
