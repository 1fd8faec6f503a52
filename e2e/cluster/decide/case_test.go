//go:build controller

package podautoscaler

// One line of `hpa-check decide`'s input, as docs/decide.md describes it. Ages are seconds before now;
// null is the zero time.

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
}

type readyInput struct {
	Status                   string   `json:"status"`
	LastTransitionAgoSeconds *float64 `json:"lastTransitionAgoSeconds"`
}

type containerInput struct {
	Name            string `json:"name"`
	CPURequestMilli *int64 `json:"cpuRequestMilli"`
}

type metricInput struct {
	Pod                 string     `json:"pod"`
	TimestampAgoSeconds *float64   `json:"timestampAgoSeconds"`
	WindowSeconds       float64    `json:"windowSeconds"`
	Containers          []useInput `json:"containers"`
}

type useInput struct {
	Name          string `json:"name"`
	CPUUsageMilli int64  `json:"cpuUsageMilli"`
}

type reconcileInput struct {
	Pods            []podInput       `json:"pods"`
	PodMetrics      []metricInput    `json:"podMetrics"`
	HPA             hpaInput         `json:"hpa"`
	Scale           scaleInput       `json:"scale"`
	Controller      controllerInput  `json:"controller"`
	Recommendations []recommendation `json:"recommendations"`
	FeatureGates    map[string]bool  `json:"featureGates"`
	Fault           *faultInput      `json:"fault"`
}

type hpaInput struct {
	MinReplicas       *int32           `json:"minReplicas"`
	MaxReplicas       int32            `json:"maxReplicas"`
	Metrics           []metricSpec     `json:"metrics"`
	Behavior          *behaviorInput   `json:"behavior"`
	InitialConditions []conditionInput `json:"initialConditions"`
}

type metricSpec struct {
	Type               string  `json:"type"`
	Name               string  `json:"name"`
	Container          *string `json:"container,omitempty"`
	AverageUtilization *int32  `json:"averageUtilization,omitempty"`
	AverageValueMilli  *int64  `json:"averageValueMilli,omitempty"`
}

type behaviorInput struct {
	ScaleUp   *rulesInput `json:"scaleUp,omitempty"`
	ScaleDown *rulesInput `json:"scaleDown,omitempty"`
}

type rulesInput struct {
	StabilizationWindowSeconds *int32        `json:"stabilizationWindowSeconds,omitempty"`
	SelectPolicy               *string       `json:"selectPolicy,omitempty"`
	Policies                   []policyInput `json:"policies,omitempty"`
	Tolerance                  *float64      `json:"tolerance,omitempty"`
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
