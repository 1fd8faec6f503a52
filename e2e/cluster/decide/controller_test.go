//go:build controller

package podautoscaler

// The controller's own answer to a case: its code, on a cluster that contains only the case.

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	k8serrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	autoscalingclient "k8s.io/client-go/kubernetes/typed/autoscaling/v2"
	v1core "k8s.io/client-go/kubernetes/typed/core/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	scaleclient "k8s.io/client-go/scale"
	"k8s.io/client-go/tools/record"
	"k8s.io/component-base/featuregate"
	autoscalingdefaults "k8s.io/kubernetes/pkg/apis/autoscaling/v2"
	metricsclient "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
	customapi "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"
	externalapi "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
	metricsapi "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	resourceclient "k8s.io/metrics/pkg/client/clientset/versioned/typed/metrics/v1beta1"
	customclient "k8s.io/metrics/pkg/client/custom_metrics"
	externalclient "k8s.io/metrics/pkg/client/external_metrics"
)

const (
	namespace  = "test-namespace"
	targetName = "test-rc"
	hpaName    = "test-hpa"
	key        = namespace + "/" + hpaName
)

func answer(c testCase, now time.Time) any {
	switch input := c.Input.(type) {
	case resourceReplicas:
		return proposal(input, now)
	case reconcileInput:
		return reconcile(input, now)
	case convertInput:
		return convert(input, now)
	case stabilizeInput:
		return stabilize(input, now)
	}
	panic("a case of no kind")
}

type proposalResult struct {
	Replicas        int32 `json:"replicas"`
	Utilization     int32 `json:"utilization"`
	RawAverageMilli int64 `json:"rawAverageMilli"`
}

type errorResult struct {
	Error string `json:"error"`
}

func proposal(input resourceReplicas, now time.Time) any {
	pods := podList(input.Pods, labels.Set{"name": "app"}, now)
	// An earlier sync may have switched it off.
	setGates(map[string]bool{"PodLevelResources": true})
	settings := input.Controller
	settings.Tolerance = input.Tolerance.ScaleUp
	calculator := calculator(pods, metricsOf{items: podMetrics(input.PodMetrics, now)}, nil, settings)
	container := ""
	if input.Container != nil {
		container = *input.Container
	}
	replicas, utilization, raw, err := resourceReplicasOf(calculator, input, container)
	if err != nil {
		return errorResult{err.Error()}
	}
	return proposalResult{replicas, utilization, raw}
}

type limitResult struct {
	Replicas int32  `json:"replicas"`
	Reason   string `json:"reason"`
}

func convert(input convertInput, now time.Time) any {
	controller := afresh(controllerInput{ScaleUpLimitFactor: 2, ScaleUpLimitMinimum: 4})
	controller.scaleUpEvents[key] = events(input.ScaleUpEvents, now)
	controller.scaleDownEvents[key] = events(input.ScaleDownEvents, now)
	replicas, reason, _ := controller.convertDesiredReplicasWithBehaviorRate(NormalizationArg{
		Key:               key,
		ScaleUpBehavior:   input.ScaleUp.toAPI(),
		ScaleDownBehavior: input.ScaleDown.toAPI(),
		MinReplicas:       input.MinReplicas,
		MaxReplicas:       input.MaxReplicas,
		CurrentReplicas:   input.CurrentReplicas,
		DesiredReplicas:   input.DesiredReplicas,
	})
	return limitResult{replicas, reason}
}

type stabilizeResult struct {
	StabilizedReplicas int32 `json:"stabilizedReplicas"`
}

func stabilize(input stabilizeInput, now time.Time) any {
	controller := afresh(controllerInput{ScaleUpLimitFactor: 2, ScaleUpLimitMinimum: 4})
	controller.recommendations[key] = recommendations(input.Recommendations, now)
	replicas, _, _ := controller.stabilizeRecommendationWithBehaviors(NormalizationArg{
		Key:               key,
		ScaleUpBehavior:   &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: &input.ScaleUpStabilizationWindowSeconds},
		ScaleDownBehavior: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: &input.ScaleDownStabilizationWindowSeconds},
		CurrentReplicas:   input.CurrentReplicas,
		DesiredReplicas:   input.DesiredReplicas,
	})
	return stabilizeResult{replicas}
}

type reconcileResult struct {
	StatusDesiredReplicas int32            `json:"statusDesiredReplicas"`
	ScaleUpdated          bool             `json:"scaleUpdated"`
	Conditions            []conditionInput `json:"conditions"`
	Utilization           *int32           `json:"utilization"`
	CurrentMetrics        []currentResult  `json:"currentMetrics"`
	Error                 *string          `json:"error"`
	Reason                string           `json:"reason"`
}

// What the status shows for one metric; no type if it failed.
type currentResult struct {
	Type               string `json:"type"`
	AverageUtilization *int32 `json:"averageUtilization"`
	AverageValueMilli  *int64 `json:"averageValueMilli"`
	ValueMilli         *int64 `json:"valueMilli"`
}

func currentOf(status autoscalingv2.MetricStatus) currentResult {
	var current autoscalingv2.MetricValueStatus
	switch {
	case status.Resource != nil:
		current = status.Resource.Current
	case status.ContainerResource != nil:
		current = status.ContainerResource.Current
	case status.Pods != nil:
		current = status.Pods.Current
	case status.Object != nil:
		current = status.Object.Current
	case status.External != nil:
		current = status.External.Current
	}
	milli := func(amount *resource.Quantity) *int64 {
		if amount == nil {
			return nil
		}
		return ptr(amount.MilliValue())
	}
	return currentResult{string(status.Type), current.AverageUtilization, milli(current.AverageValue), milli(current.Value)}
}

func reconcile(input reconcileInput, now time.Time) any {
	fault := faultInput{}
	if input.Fault != nil {
		fault = *input.Fault
	}
	setGates(input.FeatureGates)
	hpa := input.HPA.toAPI(input.Scale.SpecReplicas)
	scales := &scales{fault: fault, spec: input.Scale.SpecReplicas, status: input.Scale.StatusReplicas, selector: input.Scale.Selector}
	if fault.ScaleStatusSelector != "" {
		scales.selector = fault.ScaleStatusSelector
	}
	written := &writtenHPA{last: hpa}
	recorder := record.NewFakeRecorder(100)

	own := labels.Set{"name": "app"}
	for name, value := range fault.ExtraPodLabels {
		own[name] = value
	}
	controller := afresh(input.Controller)
	controller.eventRecorder = recorder
	defer register(fault.OtherHPASelectors)()
	controller.enqueueHPA(hpa)
	defer controller.deleteHPA(hpa)
	pods := podList(input.Pods, own, now)
	controller.podLister = pods
	resources := metricsOf{items: podMetrics(input.PodMetrics, now), err: fault.PodMetricsListError}
	controller.replicaCalc = calculator(pods, resources, readings(input.OtherMetrics), input.Controller)
	controller.scaleNamespacer = scales
	controller.hpaNamespacer = written
	if input.Recommendations != nil {
		controller.recommendations[key] = recommendations(input.Recommendations, now)
	}

	result := reconcileResult{Conditions: []conditionInput{}, CurrentMetrics: []currentResult{}}
	if err := controller.reconcileAutoscaler(context.Background(), hpa, key); err != nil {
		text := err.Error()
		result.Error = &text
	}
	result.StatusDesiredReplicas = written.last.Status.DesiredReplicas
	result.ScaleUpdated = scales.updated
	for _, c := range written.last.Status.Conditions {
		result.Conditions = append(result.Conditions, conditionInput{string(c.Type), string(c.Status), c.Reason})
	}
	for _, m := range written.last.Status.CurrentMetrics {
		result.CurrentMetrics = append(result.CurrentMetrics, currentOf(m))
	}
	for _, m := range written.last.Status.CurrentMetrics {
		if m.Resource != nil && m.Resource.Name == v1.ResourceCPU && m.Resource.Current.AverageUtilization != nil {
			result.Utilization = m.Resource.Current.AverageUtilization
			break
		}
	}
	result.Reason = rescaleReason(recorder)
	return result
}

// Gates that need PodLevelResources, which can't be switched off while they are on.
var needPodLevelResources = []featuregate.Feature{
	"InPlacePodLevelResourcesVerticalScaling", "PodLevelResourceManagers", "PodLevelResourcesFixDefaulting",
	"PodLevelResourcesFixKubeletQOSClass",
}

func setGates(gates map[string]bool) {
	known := utilfeature.DefaultMutableFeatureGate.GetAll()
	all := maps.Clone(gates)
	maps.DeleteFunc(all, func(gate string, _ bool) bool {
		_, there := known[featuregate.Feature(gate)]
		return !there
	})
	for _, gate := range needPodLevelResources {
		if _, there := known[gate]; there {
			all[string(gate)] = false
		}
	}
	must(utilfeature.DefaultMutableFeatureGate.SetFromMap(all))
}

// The reason for the rescale, from its event.
func rescaleReason(recorder *record.FakeRecorder) string {
	for {
		select {
		case event := <-recorder.Events:
			for _, kind := range []string{"SuccessfulRescale", "FailedRescale"} {
				if strings.Contains(event, " "+kind+" ") {
					_, reason, _ := strings.Cut(event, "; reason: ")
					reason, _, _ = strings.Cut(reason, "; error: ")
					return reason
				}
			}
		default:
			return ""
		}
	}
}

// One controller answers all cases: each starts with what it would know after a restart.
var subject = NewHorizontalController(context.Background(), noEvents{}, nil, nil, mapper(), nil,
	informers.NewSharedInformerFactory(nil, 0).Autoscaling().V2().HorizontalPodAutoscalers(),
	informers.NewSharedInformerFactory(nil, 0).Core().V1().Pods(),
	0, 0, 0, 0, 0)

func afresh(settings controllerInput) *HorizontalController {
	scaleUpLimitFactor = settings.ScaleUpLimitFactor
	scaleUpLimitMinimum = settings.ScaleUpLimitMinimum
	setTolerance(subject, settings.Tolerance)
	subject.downscaleStabilisationWindow = seconds(settings.DownscaleStabilizationSeconds)
	subject.recommendations = map[string][]timestampedRecommendation{}
	subject.scaleUpEvents = map[string][]timestampedScaleEvent{}
	subject.scaleDownEvents = map[string][]timestampedScaleEvent{}
	return subject
}

type noEvents struct{}

func (noEvents) Events(string) v1core.EventInterface { return nil }

// Registers other autoscalers as their own first syncs would, and returns a function that removes them.
func register(texts []string) func() {
	var rivals []*autoscalingv2.HorizontalPodAutoscaler
	for i, text := range texts {
		rival := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprint("rival-", i)}}
		subject.podLister = pods{}
		subject.enqueueHPA(rival)
		_, err := subject.validateAndParseSelector(rival, text)
		must(err)
		rivals = append(rivals, rival)
	}
	return func() {
		for _, rival := range rivals {
			subject.deleteHPA(rival)
		}
	}
}

func calculator(pods corelisters.PodLister, metrics metricsOf, others readings, settings controllerInput) *ReplicaCalculator {
	client := metricsclient.NewRESTMetricsClient(metrics, others, externals{others})
	return newCalculator(client, pods, settings)
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

func ago(age *float64, now time.Time) metav1.Time {
	if age == nil {
		return metav1.Time{}
	}
	return metav1.NewTime(now.Add(-time.Duration(math.Round(*age*1000)) * time.Millisecond))
}

func recommendations(input []recommendation, now time.Time) []timestampedRecommendation {
	list := []timestampedRecommendation{}
	for _, r := range input {
		list = append(list, timestampedRecommendation{r.Replicas, ago(r.AgoSeconds, now).Time})
	}
	return list
}

func events(input []eventInput, now time.Time) []timestampedScaleEvent {
	list := []timestampedScaleEvent{}
	for _, e := range input {
		list = append(list, timestampedScaleEvent{e.ReplicaChange, ago(&e.AgoSeconds, now).Time, false})
	}
	return list
}

func (rules rulesInput) toAPI() *autoscalingv2.HPAScalingRules {
	api := &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: rules.StabilizationWindowSeconds}
	if rules.SelectPolicy != nil {
		policy := autoscalingv2.ScalingPolicySelect(*rules.SelectPolicy)
		api.SelectPolicy = &policy
	}
	for _, p := range rules.Policies {
		api.Policies = append(api.Policies, autoscalingv2.HPAScalingPolicy{
			Type: autoscalingv2.HPAScalingPolicyType(p.Type), Value: p.Value, PeriodSeconds: p.PeriodSeconds})
	}
	setOwnTolerance(api, rules.Tolerance)
	return api
}

func (input hpaInput) toAPI(replicas int32) *autoscalingv2.HorizontalPodAutoscaler {
	hpa := &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: hpaName},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{Kind: "ReplicationController", Name: targetName, APIVersion: "v1"},
			MinReplicas:    input.MinReplicas,
			MaxReplicas:    input.MaxReplicas,
		},
		Status: autoscalingv2.HorizontalPodAutoscalerStatus{CurrentReplicas: replicas, DesiredReplicas: replicas},
	}
	for _, metric := range input.Metrics {
		hpa.Spec.Metrics = append(hpa.Spec.Metrics, *metric.DeepCopy())
	}
	if input.Behavior != nil {
		hpa.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{}
		if input.Behavior.ScaleUp != nil {
			hpa.Spec.Behavior.ScaleUp = input.Behavior.ScaleUp.toAPI()
		}
		if input.Behavior.ScaleDown != nil {
			hpa.Spec.Behavior.ScaleDown = input.Behavior.ScaleDown.toAPI()
		}
	}
	for _, c := range input.InitialConditions {
		hpa.Status.Conditions = append(hpa.Status.Conditions, autoscalingv2.HorizontalPodAutoscalerCondition{
			Type: autoscalingv2.HorizontalPodAutoscalerConditionType(c.Type), Status: v1.ConditionStatus(c.Status), Reason: c.Reason})
	}
	// What the API server would have filled in.
	minReplicas := hpa.Spec.MinReplicas
	autoscalingdefaults.SetDefaults_HorizontalPodAutoscaler(hpa)
	hpa.Spec.MinReplicas = minReplicas
	return hpa
}

// The pods, in the case's order: the controller names the first invalid one, and a lister's own order is
// random.
type pods struct{ items []*v1.Pod }

func podList(input []podInput, own labels.Set, now time.Time) pods {
	list := pods{}
	for _, p := range input {
		start := ago(p.StartAgoSeconds, now)
		pod := &v1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: p.Name, Labels: own},
			Status:     v1.PodStatus{Phase: v1.PodPhase(p.Phase), StartTime: &start},
		}
		if p.Deleting {
			pod.DeletionTimestamp = &metav1.Time{Time: now}
		}
		if p.ReadyCondition != nil {
			pod.Status.Conditions = []v1.PodCondition{{
				Type: v1.PodReady, Status: v1.ConditionStatus(p.ReadyCondition.Status),
				LastTransitionTime: ago(p.ReadyCondition.LastTransitionAgoSeconds, now)}}
		}
		for _, c := range p.Containers {
			pod.Spec.Containers = append(pod.Spec.Containers, c.toAPI(pod))
		}
		for _, c := range p.InitContainers {
			container := c.toAPI(pod)
			if always := v1.ContainerRestartPolicyAlways; c.Sidecar {
				container.RestartPolicy = &always
			}
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, container)
		}
		if p.Resources != nil {
			setPodRequests(pod, p.Resources.toAPI())
		}
		if p.Overhead != nil {
			pod.Spec.Overhead = p.Overhead.toAPI()
		}
		list.items = append(list.items, pod)
	}
	return list
}

// The container, and in the pod's status what it runs with while a resize is unfinished.
func (c containerInput) toAPI(pod *v1.Pod) v1.Container {
	container := v1.Container{Name: c.Name}
	container.Resources.Requests = amountsInput{CPUMilli: c.CPURequestMilli, MemoryMilli: c.MemoryRequestMilli}.toAPI()
	if c.RunningCPUMilli != nil {
		running := amountsInput{CPUMilli: c.RunningCPUMilli}.toAPI()
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, v1.ContainerStatus{
			Name: c.Name, AllocatedResources: running, Resources: &v1.ResourceRequirements{Requests: running}})
	}
	return container
}

func (a amountsInput) toAPI() v1.ResourceList {
	list := v1.ResourceList{}
	if a.CPUMilli != nil {
		list[v1.ResourceCPU] = *resource.NewMilliQuantity(*a.CPUMilli, resource.DecimalSI)
	}
	if a.MemoryMilli != nil {
		list[v1.ResourceMemory] = *resource.NewMilliQuantity(*a.MemoryMilli, resource.BinarySI)
	}
	if a.HugePages {
		list["hugepages-2Mi"] = resource.MustParse("4Mi")
	}
	return list
}

func (p pods) List(selector labels.Selector) ([]*v1.Pod, error) {
	var found []*v1.Pod
	for _, pod := range p.items {
		if selector.Matches(labels.Set(pod.Labels)) {
			found = append(found, pod)
		}
	}
	return found, nil
}

func (p pods) Pods(string) corelisters.PodNamespaceLister { return podsOfNamespace{p} }

type podsOfNamespace struct{ pods }

func (p podsOfNamespace) Get(name string) (*v1.Pod, error) {
	panic("the controller gets no pod by name")
}

// The resource metrics API.
type metricsOf struct {
	resourceclient.PodMetricsesGetter
	items []metricsapi.PodMetrics
	err   string
}

func podMetrics(input []metricInput, now time.Time) []metricsapi.PodMetrics {
	list := []metricsapi.PodMetrics{}
	for _, m := range input {
		item := metricsapi.PodMetrics{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: m.Pod, Labels: labels.Set{"name": "app"}},
			Timestamp:  ago(m.TimestampAgoSeconds, now),
			Window:     metav1.Duration{Duration: time.Duration(math.Round(m.WindowSeconds*1000)) * time.Millisecond},
		}
		for _, c := range m.Containers {
			item.Containers = append(item.Containers, metricsapi.ContainerMetrics{
				Name:  c.Name,
				Usage: amountsInput{CPUMilli: c.CPUUsageMilli, MemoryMilli: c.MemoryUsageMilli}.toAPI(),
			})
		}
		list = append(list, item)
	}
	return list
}

func (m metricsOf) PodMetricses(string) resourceclient.PodMetricsInterface {
	return metricsOfNamespace{of: m}
}

type metricsOfNamespace struct {
	resourceclient.PodMetricsInterface
	of metricsOf
}

func (m metricsOfNamespace) List(context.Context, metav1.ListOptions) (*metricsapi.PodMetricsList, error) {
	if m.of.err != "" {
		return nil, errors.New(m.of.err)
	}
	return &metricsapi.PodMetricsList{Items: m.of.items}, nil
}

// The custom metrics API, and through externals the external one: each metric by name.
type readings []readingInput

func (r readings) answer(name string) answerInput {
	for _, reading := range r {
		switch metric := reading.Metric; {
		case metric.Pods != nil && metric.Pods.Metric.Name == name,
			metric.Object != nil && metric.Object.Metric.Name == name,
			metric.External != nil && metric.External.Metric.Name == name:
			return reading.Answer
		}
	}
	panic("the case has no reading of " + name)
}

func (r readings) RootScopedMetrics() customclient.MetricsInterface       { return r }
func (r readings) NamespacedMetrics(string) customclient.MetricsInterface { return r }

func (r readings) GetForObject(_ schema.GroupKind, _, name string, _ labels.Selector) (*customapi.MetricValue, error) {
	answer := r.answer(name)
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	return &customapi.MetricValue{Value: answer.Values[0]}, nil
}

func (r readings) GetForObjects(_ schema.GroupKind, _ labels.Selector, name string, _ labels.Selector) (*customapi.MetricValueList, error) {
	answer := r.answer(name)
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	list := &customapi.MetricValueList{}
	for _, value := range answer.Pods {
		list.Items = append(list.Items, customapi.MetricValue{DescribedObject: v1.ObjectReference{Name: value.Pod}, Value: value.Value})
	}
	return list, nil
}

type externals struct{ readings }

func (e externals) NamespacedMetrics(string) externalclient.MetricsInterface { return e }

func (e externals) List(name string, _ labels.Selector) (*externalapi.ExternalMetricValueList, error) {
	answer := e.answer(name)
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	list := &externalapi.ExternalMetricValueList{}
	for _, value := range answer.Values {
		list.Items = append(list.Items, externalapi.ExternalMetricValue{MetricName: name, Value: value})
	}
	return list, nil
}

// The target's scale subresource.
type scales struct {
	scaleclient.ScaleInterface
	fault    faultInput
	spec     int32
	status   int32
	selector string
	tries    int
	updated  bool
}

func (s *scales) Scales(string) scaleclient.ScaleInterface { return s }

func (s *scales) Get(context.Context, schema.GroupResource, string, metav1.GetOptions) (*autoscalingv1.Scale, error) {
	if s.fault.GetScaleError != "" {
		return nil, errors.New(s.fault.GetScaleError)
	}
	return &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: targetName},
		Spec:       autoscalingv1.ScaleSpec{Replicas: s.spec},
		Status:     autoscalingv1.ScaleStatus{Replicas: s.status, Selector: s.selector},
	}, nil
}

func (s *scales) Update(_ context.Context, _ schema.GroupResource, scale *autoscalingv1.Scale, _ metav1.UpdateOptions) (*autoscalingv1.Scale, error) {
	s.tries++
	if s.fault.UpdateScaleError != "" {
		return nil, errors.New(s.fault.UpdateScaleError)
	}
	if s.fault.UpdateScaleConflictOnce && s.tries == 1 {
		return nil, k8serrors.NewConflict(schema.GroupResource{Resource: "replicationcontrollers"}, targetName, errors.New("the object has been modified; please apply your changes to the latest version and try again"))
	}
	s.updated = true
	return scale, nil
}

// The autoscaler as the controller last wrote it.
type writtenHPA struct {
	autoscalingclient.HorizontalPodAutoscalerInterface
	last *autoscalingv2.HorizontalPodAutoscaler
}

func (w *writtenHPA) HorizontalPodAutoscalers(string) autoscalingclient.HorizontalPodAutoscalerInterface {
	return w
}

func (w *writtenHPA) UpdateStatus(_ context.Context, hpa *autoscalingv2.HorizontalPodAutoscaler, _ metav1.UpdateOptions) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	w.last = hpa
	return hpa, nil
}

func mapper() apimeta.RESTMapper {
	mapper := apimeta.NewDefaultRESTMapper([]schema.GroupVersion{v1.SchemeGroupVersion})
	mapper.Add(v1.SchemeGroupVersion.WithKind("ReplicationController"), apimeta.RESTScopeNamespace)
	return mapper
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
