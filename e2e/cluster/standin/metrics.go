package standin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"hpa-check/e2e/cluster/scenario"
)

const group = "metrics.k8s.io"

// serve opens a port on loopback. The certificate is nobody's: the APIService asks for no other.
func (s *Standin) serve() error {
	certificate, err := selfSigned()
	if err != nil {
		return err
	}
	s.listener, err = net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /apis/"+group+"/{version}", s.discover)
	mux.HandleFunc("GET /apis/"+group+"/{version}/namespaces/{namespace}/pods", s.list)
	s.server = &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}},
		ErrorLog:  log.New(io.Discard, "", 0), // handshakes that a cluster on its way down breaks off
	}
	go s.server.ServeTLS(s.listener, "", "")
	return nil
}

func (s *Standin) discover(w http.ResponseWriter, r *http.Request) {
	if !s.available {
		refuse(w, http.StatusServiceUnavailable)
		return
	}
	answer(w, http.StatusOK, metav1.APIResourceList{
		TypeMeta:     metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
		GroupVersion: group + "/" + r.PathValue("version"),
		APIResources: []metav1.APIResource{{Name: "pods", Namespaced: true, Kind: "PodMetrics", Verbs: metav1.Verbs{"get", "list"}}},
	})
}

func (s *Standin) list(w http.ResponseWriter, r *http.Request) {
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
	answer(w, http.StatusOK, list)
}

func (s *Scene) shown() (scenario.World, []v1beta1.PodMetrics) {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.world, s.samples
}

func refuse(w http.ResponseWriter, status int) {
	answer(w, status, metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure,
		Message: "the script says so", Code: int32(status),
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 1),
		DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
