//go:build controller && !since32

package podautoscaler

import v1 "k8s.io/api/core/v1"

// Before 1.32 a pod had no requests of its own.
func setPodRequests(*v1.Pod, v1.ResourceList) {}
