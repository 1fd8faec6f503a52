package fakekubelet

import (
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"hpa-check/e2e/cluster/scenario"
)

func (s *Kubelet) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /apis/"+group+"/{version}", s.discover)
	mux.HandleFunc("GET /apis/"+group+"/{version}/namespaces/{namespace}/pods", s.list)
	mux.HandleFunc("GET /apis/"+external+"/{version}", discoverAny(external))
	mux.HandleFunc("GET /apis/"+external+"/{version}/namespaces/{namespace}/{metric}", s.external)
	mux.HandleFunc("GET /apis/"+custom+"/{version}", discoverAny(custom))
	mux.HandleFunc("GET /apis/"+custom+"/{version}/namespaces/{namespace}/{resource}/{name}/{metric}", s.custom)
	return mux
}

func (s *Kubelet) discover(w http.ResponseWriter, r *http.Request) {
	if !s.available {
		refuse(w, http.StatusServiceUnavailable)
		return
	}
	Discover(w, r)
}

func (s *Kubelet) list(w http.ResponseWriter, r *http.Request) {
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		refuse(w, http.StatusBadRequest)
		return
	}
	list := v1beta1.PodMetricsList{
		TypeMeta: metav1.TypeMeta{Kind: "PodMetricsList", APIVersion: group + "/" + r.PathValue("version")},
		Items:    []v1beta1.PodMetrics{},
	}
	if scene := s.scene(r.PathValue("namespace")); scene != nil {
		world, samples := scene.shown()
		if slow := scenario.Or(world.Slow, metav1.Duration{}).Duration; slow > 0 {
			select {
			case <-time.After(slow):
			case <-r.Context().Done():
				return
			}
		}
		if status := scenario.Or(world.Status, http.StatusOK); status != http.StatusOK {
			refuse(w, status)
			return
		}
		for _, sample := range samples {
			if selector.Matches(labels.Set(sample.Labels)) {
				list.Items = append(list.Items, sample)
			}
		}
	}
	if !s.available {
		refuse(w, http.StatusServiceUnavailable)
		return
	}
	Answer(w, http.StatusOK, list)
}

func (s *Scene) shown() (scenario.World, []v1beta1.PodMetrics) {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.world, s.samples
}

func refuse(w http.ResponseWriter, status int) {
	Answer(w, status, metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure,
		Message: "the script says so", Code: int32(status),
	})
}
