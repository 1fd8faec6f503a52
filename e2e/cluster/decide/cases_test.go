//go:build controller

package podautoscaler

// Cases at random, near the borders where decisions change.

import (
	"fmt"
	"math"
	"math/rand/v2"
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

// Never a whole second: the controller's own clock goes on while it decides, so at the exact end of a
// period its answer is chance.
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

// Pods and what they use, in one go: most use what would be near the target.
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
		for _, name := range names {
			share := request / int64(len(names))
			container := containerInput{Name: name, CPURequestMilli: &share}
			if d.IntN(60) == 0 {
				container.CPURequestMilli = pick(d, nil, ptr(int64(0)))
			}
			pod.Containers = append(pod.Containers, container)
			if !messy || d.IntN(20) != 0 {
				use := int64(float64(share) * level * (0.8 + 0.4*d.Float64()))
				metric.Containers = append(metric.Containers, useInput{name, use})
			}
		}
		if messy && d.IntN(25) == 0 {
			pod.Containers = nil
		}
		pods = append(pods, pod)
		if d.IntN(10) != 0 {
			metrics = append(metrics, metric)
		}
	}
	if d.IntN(20) == 0 {
		metrics = append(metrics, metricInput{Pod: "of-nobody", TimestampAgoSeconds: ptr(5.5), WindowSeconds: 15, Containers: []useInput{{"a", 50}}})
	}
	if d.IntN(40) == 0 {
		metrics = []metricInput{}
	}
	return pods, metrics
}

func (d draw) proposal() resourceReplicas {
	pods, metrics := d.podsAndMetrics()
	tolerance := pick(d, toleranceInput{0.1, 0.1}, toleranceInput{0.1, 0.1}, toleranceInput{0, 0}, toleranceInput{0.05, 0.3})
	return resourceReplicas{
		CurrentReplicas:   int32(max(0, len(pods)+pick(d, 0, 0, 0, -1, 1, 4))),
		Metric:            pick(d, "cpu", "cpu", "cpu", "cpu", "memory"),
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
		rules.Tolerance = some(d, 50, pick(d, 0, 0.05, 0.1, 0.3, 0.001))
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

func (d draw) metric() metricSpec {
	m := metricSpec{Type: "Resource", Name: "cpu"}
	switch d.IntN(8) {
	case 0, 1:
		m.Type, m.Container = "ContainerResource", ptr(pick(d, "a", "b", "absent"))
	case 2:
		if d.IntN(4) == 0 {
			return metricSpec{Type: "CheddarCheese"}
		}
	}
	switch d.IntN(12) {
	case 0, 1, 2:
		m.AverageValueMilli = ptr(int64(pick(d, 1, 45, 50, 120, 400)))
	case 3:
	default:
		m.AverageUtilization = ptr(int32(pick(d, 50, 50, 50, 80, 1, 100, 200)))
	}
	return m
}

func (d draw) reconcile() reconcileInput {
	pods, metrics := d.podsAndMetrics()
	gates := map[string]bool{}
	for _, gate := range d.gates {
		gates[gate] = d.IntN(2) == 0
	}
	hpa := hpaInput{MinReplicas: pick(d, ptr(int32(3)), ptr(int32(3)), ptr(int32(1)), nil, ptr(int32(0)), ptr(int32(5)))}
	hpa.MaxReplicas = int32(pick(d, 10, 10, 5, 8, 30))
	for range pick(d, 1, 1, 1, 2, 3) {
		hpa.Metrics = append(hpa.Metrics, d.metric())
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
	replicas := int32(max(0, len(pods)+pick(d, 0, 0, 0, 0, -1, 1, 3)))
	input := reconcileInput{
		Pods: pods, PodMetrics: metrics, HPA: hpa,
		Scale:        scaleInput{SpecReplicas: replicas, StatusReplicas: replicas, Selector: "name=app"},
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
