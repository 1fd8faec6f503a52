package fakekubelet

import (
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	customapi "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"
	externalapi "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"

	"hpa-check/e2e/cluster/scenario"
)

// The groups that adapters serve, each in one version.
const (
	external, externalVersion = "external.metrics.k8s.io", "v1beta1"
	custom, customVersion     = "custom.metrics.k8s.io", "v1beta2"
)

// discoverAny answers that the group is served. It lists no metrics, because every name is valid.
func discoverAny(group string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		Answer(w, http.StatusOK, metav1.APIResourceList{
			TypeMeta:     metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
			GroupVersion: group + "/" + r.PathValue("version"),
			APIResources: []metav1.APIResource{},
		})
	}
}

// external answers with the one value that the script gives every external metric.
func (s *Kubelet) external(w http.ResponseWriter, r *http.Request) {
	value := s.value(r, func(scene *Scene) *resource.Quantity { return scene.world.External })
	if value == nil {
		refuse(w, http.StatusNotFound)
		return
	}
	Answer(w, http.StatusOK, externalapi.ExternalMetricValueList{
		TypeMeta: metav1.TypeMeta{Kind: "ExternalMetricValueList", APIVersion: external + "/" + externalVersion},
		Items: []externalapi.ExternalMetricValue{{
			MetricName: r.PathValue("metric"), Timestamp: metav1.NewTime(time.Now()), Value: *value,
		}},
	})
}

// custom answers with the script's value for each pod that the selector matches, or for one object.
func (s *Kubelet) custom(w http.ResponseWriter, r *http.Request) {
	list := customapi.MetricValueList{
		TypeMeta: metav1.TypeMeta{Kind: "MetricValueList", APIVersion: custom + "/" + customVersion},
	}
	put := func(kind, name string, value *resource.Quantity) {
		list.Items = append(list.Items, customapi.MetricValue{
			DescribedObject: corev1.ObjectReference{Kind: kind, Namespace: r.PathValue("namespace"), Name: name},
			Metric:          customapi.MetricIdentifier{Name: r.PathValue("metric")},
			Timestamp:       metav1.NewTime(time.Now()), Value: *value,
		})
	}
	if r.PathValue("resource") != "pods" {
		value := s.value(r, func(scene *Scene) *resource.Quantity { return scene.world.PerObject })
		if value == nil {
			refuse(w, http.StatusNotFound)
			return
		}
		put("Object", r.PathValue("name"), value)
		Answer(w, http.StatusOK, list)
		return
	}
	value := s.value(r, func(scene *Scene) *resource.Quantity { return scene.world.PerPod })
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if value == nil || err != nil {
		refuse(w, http.StatusNotFound)
		return
	}
	for _, pod := range oldest(s.pods(r.PathValue("namespace"))) {
		if pod.Status.Phase == corev1.PodRunning && selector.Matches(labels.Set(pod.Labels)) {
			put("Pod", pod.Name, value)
		}
	}
	Answer(w, http.StatusOK, list)
}

// value is the current value in the script of the request's namespace.
func (s *Kubelet) value(r *http.Request, of func(*Scene) *resource.Quantity) *resource.Quantity {
	scene := s.scene(r.PathValue("namespace"))
	if scene == nil {
		return nil
	}
	scene.lock.Lock()
	defer scene.lock.Unlock()
	if scenario.Or(scene.world.AdapterDown, false) {
		return nil
	}
	return of(scene)
}
