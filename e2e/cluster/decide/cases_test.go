//go:build controller

package podautoscaler

// Random cases, near the boundaries where decisions change.

import (
	"fmt"
	"math"
	"math/rand/v2"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type draw struct {
	*rand.Rand
	version string
	gates   []string
}

func pick[T any](d draw, values ...T) T { return values[d.IntN(len(values))] }

func some[T any](d draw, percent int, value T) *T {
	if d.IntN(100) < percent {
		return &value
	}
	return nil
}

func ptr[T any](value T) *T { return &value }

func (d draw) newCase(n int) testCase {
	switch d.IntN(10) {
	case 0, 1, 2:
		return testCase{fmt.Sprint("proposal-", n), "resource_replicas", d.proposal()}
	case 3:
		return testCase{fmt.Sprint("convert-", n), "convert_with_behavior_rate", d.convert()}
	case 4:
		return testCase{fmt.Sprint("stabilize-", n), "stabilize_with_behaviors", d.stabilize()}
	default:
		return testCase{fmt.Sprint("reconcile-", n), "reconcile", d.reconcile()}
	}
}

// Never a whole second: the controller's own clock advances while it decides, so its answer at the exact end of
// a period is random.
func (d draw) age() float64 {
	whole := pick(d, d.IntN(12), d.IntN(70), d.IntN(320), d.IntN(1000))
	return math.Round(float64(whole)*10+float64(1+d.IntN(9))) / 10
}

func (d draw) controller() controllerInput {
	return controllerInput{
		Version:                        d.version,
		Tolerance:                      pick(d, 0.1, 0.1, 0.1, 0, 0.01, 0.2, 0.5),
		CPUInitializationPeriodSeconds: pick(d, 300, 300, 0, 10, 60),
		InitialReadinessDelaySeconds:   pick(d, 30, 30, 0, 5, 60),
		DownscaleStabilizationSeconds:  pick(d, 300, 0, 15, 60),
		ScaleUpLimitFactor:             2,
		ScaleUpLimitMinimum:            4,
	}
}

// Pods and their use, together: most use about what the target asks for.
func (d draw) podsAndMetrics() ([]podInput, []metricInput) {
	pods, metrics := []podInput{}, []metricInput{}
	names := pick(d, []string{"a"}, []string{"a"}, []string{"a", "b"}, []string{"a", "b", "c"})
	request := pick(d, int64(100), 3, 250, 333, 1000)
	level := pick(d, 0.5, 0.5, 0.45, 0.55, 0.05, 0.9, 2.0, 8.0)
	messy := d.IntN(3) == 0
	for i := range pick(d, 0, 1, 2, 3, 3, 5, 10, 17) {
		start := d.age()
		pod := podInput{Name: fmt.Sprintf("pod-%d", i), Phase: "Running", StartAgoSeconds: &start}
		ready := &readyInput{Status: "True", LastTransitionAgoSeconds: ptr(pick(d, start, math.Max(0.1, math.Round((start-float64(d.IntN(40)))*10)/10)))}
		pod.ReadyCondition = ready
		if messy {
			pod.Phase = pick(d, "Running", "Running", "Running", "Pending", "Failed", "Succeeded", "Unknown", "")
			pod.Deleting = d.IntN(8) == 0
			ready.Status = pick(d, "True", "True", "False", "Unknown")
			if d.IntN(12) == 0 {
				ready.LastTransitionAgoSeconds = nil
			}
			if d.IntN(12) == 0 {
				pod.StartAgoSeconds = nil
			}
			if d.IntN(12) == 0 {
				pod.ReadyCondition = nil
			}
		}
		metric := metricInput{Pod: pod.Name, TimestampAgoSeconds: ptr(d.age()), WindowSeconds: pick(d, 15, 15, 15.1, 30, 10, 0, 60)}
		if messy && d.IntN(15) == 0 {
			metric.TimestampAgoSeconds = nil
		}
		d.containers(&pod, &metric, names, request, level, messy)
		d.podLevel(&pod, request)
		pods = append(pods, pod)
		if d.IntN(10) != 0 {
			metrics = append(metrics, metric)
		}
	}
	if d.IntN(20) == 0 {
		metrics = append(metrics, metricInput{Pod: "of-nobody", TimestampAgoSeconds: ptr(5.5), WindowSeconds: 15, Containers: []useInput{{"a", ptr(int64(50)), ptr(50 * mebi)}}})
	}
	if d.IntN(40) == 0 {
		metrics = []metricInput{}
	}
	return pods, metrics
}

// Thousandths of a byte per mebibyte, the unit the controller computes in.
const mebi = int64(1<<20) * 1000

// The pod's containers and sidecars with their use. Memory has its own level.
func (d draw) containers(pod *podInput, metric *metricInput, names []string, request int64, level float64, messy bool) {
	memoryLevel := pick(d, level, 0.46, 0.5, 0.55, 0.3, 0.9)
	for at, name := range names {
		share := request / int64(len(names))
		memory := 64 * mebi
		container := containerInput{Name: name, CPURequestMilli: &share, MemoryRequestMilli: &memory}
		if d.IntN(60) == 0 {
			container.CPURequestMilli = pick(d, nil, ptr(int64(0)))
		}
		if d.IntN(60) == 0 {
			container.MemoryRequestMilli = pick(d, nil, ptr(int64(0)))
		}
		if d.IntN(15) == 0 {
			container.RunningCPUMilli = ptr(share * 2)
		}
		if at > 0 && d.IntN(4) == 0 {
			container.Sidecar = true
			pod.InitContainers = append(pod.InitContainers, container)
		} else {
			pod.Containers = append(pod.Containers, container)
		}
		used := useInput{Name: name}
		if !messy || d.IntN(20) != 0 {
			used.CPUUsageMilli = ptr(int64(float64(share) * level * (0.8 + 0.4*d.Float64())))
		}
		if !messy || d.IntN(20) != 0 {
			used.MemoryUsageMilli = ptr(int64(float64(memory)*memoryLevel*(0.8+0.4*d.Float64())) / 1000 * 1000)
		}
		if !messy || d.IntN(20) != 0 {
			metric.Containers = append(metric.Containers, used)
		}
	}
	if messy && d.IntN(25) == 0 {
		pod.Containers, pod.InitContainers = nil, nil
	}
}

// Pod-level requests, the overhead, and the startup peak.
func (d draw) podLevel(pod *podInput, request int64) {
	if d.IntN(12) == 0 {
		first := containerInput{Name: "migrate", CPURequestMilli: pick(d, nil, ptr(request*3)), MemoryRequestMilli: pick(d, nil, ptr(200*mebi))}
		pod.InitContainers = append([]containerInput{first}, pod.InitContainers...)
	}
	if d.IntN(6) == 0 {
		pod.Resources = &amountsInput{
			CPUMilli:    pick(d, nil, ptr(request), ptr(request*2), ptr(int64(0))),
			MemoryMilli: pick(d, nil, ptr(128*mebi)),
			HugePages:   d.IntN(4) == 0,
		}
		for i := range pod.Containers {
			if d.IntN(2) == 0 {
				pod.Containers[i].CPURequestMilli = nil
			}
		}
	}
	if d.IntN(8) == 0 {
		pod.Overhead = &amountsInput{CPUMilli: pick(d, nil, ptr(int64(10))), MemoryMilli: pick(d, nil, ptr(8*mebi))}
	}
}

func (d draw) proposal() resourceReplicas {
	pods, metrics := d.podsAndMetrics()
	tolerance := pick(d, toleranceInput{0.1, 0.1}, toleranceInput{0.1, 0.1}, toleranceInput{0, 0}, toleranceInput{0.05, 0.3})
	if !configurableTolerance {
		tolerance.ScaleDown = tolerance.ScaleUp
	}
	return resourceReplicas{
		CurrentReplicas:   max(0, int32(len(pods)+pick(d, 0, 0, 0, -1, 1, 4))),
		Metric:            pick(d, "cpu", "cpu", "cpu", "memory", "memory"),
		Container:         pick(d, nil, nil, ptr("a"), ptr("b"), ptr("absent")),
		TargetUtilization: int32(pick(d, 50, 50, 50, 80, 1, 100, 200, 1+d.IntN(99))),
		Tolerance:         tolerance,
		Controller:        d.controller(),
		Pods:              pods,
		PodMetrics:        metrics,
	}
}

func (d draw) rules(up bool, gates map[string]bool) *rulesInput {
	rules := &rulesInput{
		StabilizationWindowSeconds: some(d, 60, int32(pick(d, 0, 15, 60, 300))),
		SelectPolicy:               some(d, 40, pick(d, "Max", "Min", "Disabled")),
	}
	for range pick(d, 0, 0, 1, 1, 2, 3) {
		rules.Policies = append(rules.Policies, d.policy(up))
	}
	if len(gates) > 0 || d.IntN(3) == 0 {
		rules.Tolerance = some(d, 50, resource.MustParse(pick(d, "0", "50m", "0.1", "300m", "1m", "9m", "0.0005", "600m")))
	}
	return rules
}

func (d draw) policy(up bool) policyInput {
	policy := policyInput{Type: pick(d, "Pods", "Percent"), PeriodSeconds: int32(pick(d, 15, 60, 1, 300))}
	policy.Value = int32(pick(d, 1, 2, 4, 10))
	if policy.Type == "Percent" {
		policy.Value = int32(pick(d, 10, 50, 100, 1))
		if up {
			policy.Value = int32(pick(d, 10, 50, 100, 200, 1))
		}
	}
	return policy
}

func (d draw) fullRules(up bool) rulesInput {
	rules := *d.rules(up, nil)
	rules.Tolerance = nil
	if rules.SelectPolicy == nil {
		rules.SelectPolicy = ptr("Max")
	}
	if rules.StabilizationWindowSeconds == nil {
		rules.StabilizationWindowSeconds = ptr(int32(0))
	}
	if len(rules.Policies) == 0 {
		rules.Policies = []policyInput{d.policy(up)}
	}
	return rules
}

func (d draw) convert() convertInput {
	events := func() []eventInput {
		list := []eventInput{}
		for range d.IntN(4) {
			list = append(list, eventInput{int32(1 + d.IntN(6)), d.age()})
		}
		return list
	}
	low := int32(pick(d, 0, 1, 3, 5))
	return convertInput{
		CurrentReplicas: int32(d.IntN(25)),
		DesiredReplicas: int32(d.IntN(40)),
		MinReplicas:     low,
		MaxReplicas:     low + int32(pick(d, 0, 1, 7, 30)),
		ScaleUp:         d.fullRules(true),
		ScaleDown:       d.fullRules(false),
		ScaleUpEvents:   events(),
		ScaleDownEvents: events(),
	}
}

func (d draw) recommendations() []recommendation {
	list := []recommendation{}
	for range d.IntN(5) {
		r := recommendation{int32(d.IntN(15)), ptr(d.age())}
		if d.IntN(20) == 0 {
			r.AgoSeconds = nil
		}
		list = append(list, r)
	}
	return list
}

func (d draw) stabilize() stabilizeInput {
	return stabilizeInput{
		Recommendations:                     d.recommendations(),
		CurrentReplicas:                     int32(d.IntN(15)),
		DesiredReplicas:                     int32(d.IntN(15)),
		ScaleUpStabilizationWindowSeconds:   int32(pick(d, 0, 0, 15, 60, 300)),
		ScaleDownStabilizationWindowSeconds: int32(pick(d, 0, 15, 60, 300, 300)),
	}
}

// A metric of any type, with its API's answer if it is a custom or external one.
func (d draw) metric(at int, pods []podInput) (autoscalingv2.MetricSpec, *readingInput) {
	switch d.IntN(12) {
	case 0, 1:
		source := &autoscalingv2.ContainerResourceMetricSource{Name: d.resource(), Container: pick(d, "a", "b", "absent"), Target: d.resourceTarget()}
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ContainerResourceMetricSourceType, ContainerResource: source}, nil
	case 2:
		return d.podsMetric(at, pods)
	case 3:
		return d.objectMetric(at, len(pods))
	case 4, 5:
		return d.externalMetric(at, len(pods))
	case 6:
		if d.IntN(6) == 0 {
			return autoscalingv2.MetricSpec{Type: "CheddarCheese"}, nil
		}
	}
	source := &autoscalingv2.ResourceMetricSource{Name: d.resource(), Target: d.resourceTarget()}
	return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: source}, nil
}

func (d draw) resource() v1.ResourceName {
	return pick(d, v1.ResourceCPU, v1.ResourceCPU, v1.ResourceCPU, v1.ResourceMemory)
}

func (d draw) resourceTarget() autoscalingv2.MetricTarget {
	switch d.IntN(12) {
	case 0, 1, 2:
		amount := pick(d, "1m", "45m", "50m", "0.12", "400m", "2550m", "32Mi", "64Mi")
		return autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: quantity(amount)}
	case 3:
		return autoscalingv2.MetricTarget{}
	}
	percent := int32(pick(d, 50, 50, 50, 80, 1, 100, 200))
	return autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent}
}

// A target in total or per pod; rarely one of the wrong type, or none.
func (d draw) amountTarget() autoscalingv2.MetricTarget {
	amount := quantity(pick(d, "100", "100", "10", "2550m", "1k"))
	switch d.IntN(16) {
	case 0:
		return autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, AverageValue: amount}
	case 1:
		return autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType}
	case 2, 3, 4, 5, 6, 7:
		return autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: amount}
	}
	return autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: amount}
}

// A value near what this many pods would have at the target; rarely one that overflows.
func (d draw) amount(target autoscalingv2.MetricTarget, pods int) resource.Quantity {
	each := int64(100_000)
	if target.AverageValue != nil {
		each = target.AverageValue.MilliValue() * int64(max(1, int32(pods)))
	} else if target.Value != nil {
		each = target.Value.MilliValue()
	}
	if d.IntN(60) == 0 {
		return *resource.NewQuantity(4_000_000_000_000_000, resource.DecimalSI)
	}
	if d.IntN(40) == 0 {
		return *resource.NewMilliQuantity(-each, resource.DecimalSI)
	}
	level := pick(d, 1, 0.9, 1.1, 0.5, 2, 0, 5) * (0.98 + 0.04*d.Float64())
	if d.IntN(3) == 0 {
		level = pick(d, 1, 0.9, 1.1, 0.5, 2)
	}
	return *resource.NewMilliQuantity(int64(float64(each)*level), resource.DecimalSI)
}

func (d draw) identifier(kind string, at int) autoscalingv2.MetricIdentifier {
	metric := autoscalingv2.MetricIdentifier{Name: fmt.Sprint(kind, "-", at)}
	if d.IntN(3) == 0 {
		metric.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"topic": "jobs", "az": "b"}}
	}
	if d.IntN(8) == 0 {
		metric.Selector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: "topic", Operator: metav1.LabelSelectorOpIn, Values: []string{"jobs", "mail"}}, {Key: "old", Operator: metav1.LabelSelectorOpDoesNotExist}}}
	}
	return metric
}

func (d draw) podsMetric(at int, pods []podInput) (autoscalingv2.MetricSpec, *readingInput) {
	target := autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: quantity(pick(d, "100", "10", "2550m"))}
	metric := autoscalingv2.MetricSpec{Type: autoscalingv2.PodsMetricSourceType,
		Pods: &autoscalingv2.PodsMetricSource{Metric: d.identifier("pods", at), Target: target}}
	reading := &readingInput{Metric: metric, Answer: answerInput{Pods: []podValueInput{}}}
	for _, pod := range pods {
		if d.IntN(12) != 0 {
			reading.Answer.Pods = append(reading.Answer.Pods, podValueInput{pod.Name, d.amount(target, 1)})
		}
	}
	return metric, d.perhapsFailing(reading)
}

func (d draw) objectMetric(at, pods int) (autoscalingv2.MetricSpec, *readingInput) {
	target := d.amountTarget()
	object := pick(d,
		autoscalingv2.CrossVersionObjectReference{APIVersion: "v1", Kind: "Service", Name: "shop"},
		autoscalingv2.CrossVersionObjectReference{APIVersion: "networking.k8s.io/v1", Kind: "Ingress", Name: "shop"},
		autoscalingv2.CrossVersionObjectReference{APIVersion: "v1", Kind: "Namespace", Name: "other"})
	metric := autoscalingv2.MetricSpec{Type: autoscalingv2.ObjectMetricSourceType,
		Object: &autoscalingv2.ObjectMetricSource{DescribedObject: object, Metric: d.identifier("object", at), Target: target}}
	reading := &readingInput{Metric: metric, Answer: answerInput{Values: []resource.Quantity{d.amount(target, pods)}}}
	return metric, d.perhapsFailing(reading)
}

func (d draw) externalMetric(at, pods int) (autoscalingv2.MetricSpec, *readingInput) {
	target := d.amountTarget()
	metric := autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType,
		External: &autoscalingv2.ExternalMetricSource{Metric: d.identifier("external", at), Target: target}}
	reading := &readingInput{Metric: metric, Answer: answerInput{Values: []resource.Quantity{}}}
	for range pick(d, 0, 1, 1, 1, 1, 2, 3) {
		reading.Answer.Values = append(reading.Answer.Values, d.amount(target, pods))
	}
	return metric, d.perhapsFailing(reading)
}

func (d draw) perhapsFailing(reading *readingInput) *readingInput {
	if d.IntN(10) == 0 {
		reading.Answer = answerInput{Error: "no such metric"}
	}
	return reading
}

func quantity(text string) *resource.Quantity {
	parsed := resource.MustParse(text)
	return &parsed
}

func (d draw) reconcile() reconcileInput {
	pods, metrics := d.podsAndMetrics()
	gates := map[string]bool{}
	for _, gate := range d.gates {
		gates[gate] = d.IntN(2) == 0
	}
	hpa := hpaInput{MinReplicas: pick(d, ptr(int32(3)), ptr(int32(3)), ptr(int32(1)), nil, ptr(int32(0)), ptr(int32(5)))}
	hpa.MaxReplicas = int32(pick(d, 10, 10, 5, 8, 30))
	readings := []readingInput{}
	for at := range pick(d, 1, 1, 1, 2, 3) {
		metric, reading := d.metric(at, pods)
		hpa.Metrics = append(hpa.Metrics, metric)
		if reading != nil {
			readings = append(readings, *reading)
		}
	}
	if d.IntN(2) == 0 {
		hpa.Behavior = &behaviorInput{}
		if d.IntN(3) > 0 {
			hpa.Behavior.ScaleUp = d.rules(true, gates)
		}
		if d.IntN(3) > 0 {
			hpa.Behavior.ScaleDown = d.rules(false, gates)
		}
	}
	if d.IntN(6) == 0 {
		hpa.InitialConditions = []conditionInput{{"AbleToScale", "True", "ReadyForNewScale"}}
		if d.IntN(2) == 0 {
			hpa.InitialConditions = append(hpa.InitialConditions, conditionInput{"ScaledToZero", pick(d, "True", "False"), "ScaledToZero"})
		}
		if d.IntN(2) == 0 {
			hpa.InitialConditions = append(hpa.InitialConditions, conditionInput{"ScalingActive", pick(d, "True", "False"), "ValidMetricFound"})
		}
	}
	replicas := max(0, int32(len(pods)+pick(d, 0, 0, 0, 0, -1, 1, 3)))
	input := reconcileInput{
		Pods: pods, PodMetrics: metrics, OtherMetrics: readings, HPA: hpa,
		Scale:        scaleInput{SpecReplicas: replicas, StatusReplicas: max(0, replicas+int32(pick(d, 0, 0, 0, -1, 1))), Selector: "name=app"},
		Controller:   d.controller(),
		FeatureGates: gates,
	}
	if d.IntN(3) > 0 {
		input.Recommendations = d.recommendations()
	}
	if d.IntN(5) == 0 {
		input.Fault = pick(d,
			&faultInput{GetScaleError: "no scale"},
			&faultInput{UpdateScaleError: "no update"},
			&faultInput{UpdateScaleConflictOnce: true},
			&faultInput{PodMetricsListError: "no metrics"},
			&faultInput{ScaleStatusSelector: pick(d, " ", "name in (app,other)", "name notin (z)", "name", "!name", "name=other", "not a selector", "a=b,,c")},
			&faultInput{OtherHPASelectors: []string{pick(d, "name=app", "name=other", "tier=web", "name in (app)")},
				ExtraPodLabels: pick(d, nil, map[string]string{"tier": "web"})},
		)
	}
	return input
}
