//go:build controller

package podautoscaler

import (
	"encoding/json"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
)

// One line of `hpa-check decide`'s input, as described in docs/decide.md. Ages are seconds before now; null is
// the zero time.

type testCase struct {
	ID    string `json:"id"`
	Kind  string `json:"kind"`
	Input any    `json:"input"`
}

type resourceReplicas struct {
	CurrentReplicas   int32           `json:"currentReplicas"`
	Metric            string          `json:"metric"`
	Container         *string         `json:"container"`
	TargetUtilization int32           `json:"targetUtilization"`
	Tolerance         toleranceInput  `json:"tolerance"`
	Controller        controllerInput `json:"controller"`
	Pods              []podInput      `json:"pods"`
	PodMetrics        []metricInput   `json:"podMetrics"`
}

type toleranceInput struct {
	ScaleUp   float64 `json:"scaleUp"`
	ScaleDown float64 `json:"scaleDown"`
}

type controllerInput struct {
	Version                        string  `json:"version"`
	Tolerance                      float64 `json:"tolerance"`
	CPUInitializationPeriodSeconds int     `json:"cpuInitializationPeriodSeconds"`
	InitialReadinessDelaySeconds   int     `json:"initialReadinessDelaySeconds"`
	DownscaleStabilizationSeconds  int     `json:"downscaleStabilizationSeconds"`
	ScaleUpLimitFactor             float64 `json:"scaleUpLimitFactor"`
	ScaleUpLimitMinimum            float64 `json:"scaleUpLimitMinimum"`
}

type podInput struct {
	Name            string           `json:"name"`
	Phase           string           `json:"phase"`
	Deleting        bool             `json:"deleting"`
	StartAgoSeconds *float64         `json:"startAgoSeconds"`
	ReadyCondition  *readyInput      `json:"readyCondition"`
	Containers      []containerInput `json:"containers"`
	InitContainers  []containerInput `json:"initContainers,omitempty"`
	Resources       *amountsInput    `json:"resources,omitempty"`
	Overhead        *amountsInput    `json:"overhead,omitempty"`
}

// Pod-level requests, or the overhead.
type amountsInput struct {
	CPUMilli    *int64 `json:"cpuMilli,omitempty"`
	MemoryMilli *int64 `json:"memoryMilli,omitempty"`
	HugePages   bool   `json:"hugePages,omitempty"`
}

type readyInput struct {
	Status                   string   `json:"status"`
	LastTransitionAgoSeconds *float64 `json:"lastTransitionAgoSeconds"`
}

type containerInput struct {
	Name               string `json:"name"`
	CPURequestMilli    *int64 `json:"cpuRequestMilli"`
	MemoryRequestMilli *int64 `json:"memoryRequestMilli"`
	Sidecar            bool   `json:"sidecar,omitempty"`
	// What the container runs with while a resize is unfinished; the controller does not read it.
	RunningCPUMilli *int64 `json:"runningCpuMilli,omitempty"`
}

type metricInput struct {
	Pod                 string     `json:"pod"`
	TimestampAgoSeconds *float64   `json:"timestampAgoSeconds"`
	WindowSeconds       float64    `json:"windowSeconds"`
	Containers          []useInput `json:"containers"`
}

type useInput struct {
	Name             string `json:"name"`
	CPUUsageMilli    *int64 `json:"cpuUsageMilli"`
	MemoryUsageMilli *int64 `json:"memoryUsageMilli"`
}

// The answer of the custom or external metrics API for one metric.
type readingInput struct {
	Metric autoscalingv2.MetricSpec `json:"metric"`
	Answer answerInput              `json:"answer"`
}

// One of these three.
type answerInput struct {
	Pods   []podValueInput
	Values []resource.Quantity
	Error  string
}

func (a answerInput) MarshalJSON() ([]byte, error) {
	switch {
	case a.Error != "":
		return json.Marshal(map[string]any{"error": a.Error})
	case a.Pods != nil:
		return json.Marshal(map[string]any{"pods": a.Pods})
	}
	return json.Marshal(map[string]any{"values": a.Values})
}

type podValueInput struct {
	Pod   string            `json:"pod"`
	Value resource.Quantity `json:"value"`
}

type reconcileInput struct {
	Pods            []podInput       `json:"pods"`
	PodMetrics      []metricInput    `json:"podMetrics"`
	OtherMetrics    []readingInput   `json:"otherMetrics,omitempty"`
	HPA             hpaInput         `json:"hpa"`
	Scale           scaleInput       `json:"scale"`
	Controller      controllerInput  `json:"controller"`
	Recommendations []recommendation `json:"recommendations"`
	FeatureGates    map[string]bool  `json:"featureGates"`
	Fault           *faultInput      `json:"fault"`
}

type hpaInput struct {
	MinReplicas       *int32                     `json:"minReplicas"`
	MaxReplicas       int32                      `json:"maxReplicas"`
	Metrics           []autoscalingv2.MetricSpec `json:"metrics"` // as the API prints them
	Behavior          *behaviorInput             `json:"behavior"`
	InitialConditions []conditionInput           `json:"initialConditions"`
}

type behaviorInput struct {
	ScaleUp   *rulesInput `json:"scaleUp,omitempty"`
	ScaleDown *rulesInput `json:"scaleDown,omitempty"`
}

type rulesInput struct {
	StabilizationWindowSeconds *int32             `json:"stabilizationWindowSeconds,omitempty"`
	SelectPolicy               *string            `json:"selectPolicy,omitempty"`
	Policies                   []policyInput      `json:"policies,omitempty"`
	Tolerance                  *resource.Quantity `json:"tolerance,omitempty"`
}

type policyInput struct {
	Type          string `json:"type"`
	Value         int32  `json:"value"`
	PeriodSeconds int32  `json:"periodSeconds"`
}

type conditionInput struct {
	Type   string `json:"type"`
	Status string `json:"status"`
	Reason string `json:"reason"`
}

type scaleInput struct {
	SpecReplicas   int32  `json:"specReplicas"`
	StatusReplicas int32  `json:"statusReplicas"`
	Selector       string `json:"selector"`
}

type recommendation struct {
	Replicas   int32    `json:"replicas"`
	AgoSeconds *float64 `json:"agoSeconds"`
}

type faultInput struct {
	GetScaleError           string            `json:"getScaleError,omitempty"`
	UpdateScaleError        string            `json:"updateScaleError,omitempty"`
	UpdateScaleConflictOnce bool              `json:"updateScaleConflictOnce,omitempty"`
	PodMetricsListError     string            `json:"podMetricsListError,omitempty"`
	ExternalMetricError     string            `json:"externalMetricError,omitempty"`
	ScaleStatusSelector     string            `json:"scaleStatusSelector,omitempty"`
	OtherHPASelectors       []string          `json:"otherHpaSelectors,omitempty"`
	ExtraPodLabels          map[string]string `json:"extraPodLabels,omitempty"`
}

type convertInput struct {
	CurrentReplicas int32        `json:"currentReplicas"`
	DesiredReplicas int32        `json:"desiredReplicas"`
	MinReplicas     int32        `json:"minReplicas"`
	MaxReplicas     int32        `json:"maxReplicas"`
	ScaleUp         rulesInput   `json:"scaleUp"`
	ScaleDown       rulesInput   `json:"scaleDown"`
	ScaleUpEvents   []eventInput `json:"scaleUpEvents"`
	ScaleDownEvents []eventInput `json:"scaleDownEvents"`
}

type eventInput struct {
	ReplicaChange int32   `json:"replicaChange"`
	AgoSeconds    float64 `json:"agoSeconds"`
}

type stabilizeInput struct {
	Recommendations                     []recommendation `json:"recommendations"`
	CurrentReplicas                     int32            `json:"currentReplicas"`
	DesiredReplicas                     int32            `json:"desiredReplicas"`
	ScaleUpStabilizationWindowSeconds   int32            `json:"scaleUpStabilizationWindowSeconds"`
	ScaleDownStabilizationWindowSeconds int32            `json:"scaleDownStabilizationWindowSeconds"`
}
