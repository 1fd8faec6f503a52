//go:build controller && !since33

package podautoscaler

// Before 1.33 all autoscalers shared one tolerance, which the calculator kept.

import (
	"context"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
	metricsclient "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
)

const configurableTolerance = false

func newCalculator(client metricsclient.MetricsClient, pods corelisters.PodLister, settings controllerInput) *ReplicaCalculator {
	return NewReplicaCalculator(client, pods, settings.Tolerance, seconds(settings.CPUInitializationPeriodSeconds), seconds(settings.InitialReadinessDelaySeconds))
}

func setTolerance(*HorizontalController, float64) {}

func setOwnTolerance(*autoscalingv2.HPAScalingRules, *resource.Quantity) {}

func resourceReplicasOf(calculator *ReplicaCalculator, input resourceReplicas, container string) (int32, int32, int64, error) {
	replicas, utilization, raw, _, err := calculator.GetResourceReplicas(context.Background(), input.CurrentReplicas,
		input.TargetUtilization, v1.ResourceName(input.Metric), namespace, labels.SelectorFromSet(labels.Set{"name": "app"}), container)
	return replicas, utilization, raw, err
}
