//go:build controller && since33

package podautoscaler

// From 1.33 on, an autoscaler can have its own tolerance, so the calculator receives it with each call.

import (
	"context"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
	metricsclient "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
)

const configurableTolerance = true

func newCalculator(client metricsclient.MetricsClient, pods corelisters.PodLister, settings controllerInput) *ReplicaCalculator {
	return NewReplicaCalculator(client, pods, seconds(settings.CPUInitializationPeriodSeconds), seconds(settings.InitialReadinessDelaySeconds))
}

func setTolerance(controller *HorizontalController, tolerance float64) {
	controller.tolerance = tolerance
}

func setOwnTolerance(rules *autoscalingv2.HPAScalingRules, tolerance *resource.Quantity) {
	rules.Tolerance = tolerance
}

func resourceReplicasOf(calculator *ReplicaCalculator, input resourceReplicas, container string) (int32, int32, int64, error) {
	replicas, utilization, raw, _, err := calculator.GetResourceReplicas(context.Background(), input.CurrentReplicas,
		input.TargetUtilization, v1.ResourceName(input.Metric),
		Tolerances{scaleDown: input.Tolerance.ScaleDown, scaleUp: input.Tolerance.ScaleUp},
		namespace, labels.SelectorFromSet(labels.Set{"name": "app"}), container)
	return replicas, utilization, raw, err
}
