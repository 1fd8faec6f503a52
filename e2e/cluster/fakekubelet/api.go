package fakekubelet

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
)

const (
	group = "metrics.k8s.io"
	// metricsService is the Service for this port.
	metricsService = "metrics-server"
)

// A MetricsAPI serves metrics.k8s.io on a loopback port.
type MetricsAPI struct {
	listener net.Listener
	server   *http.Server
}

// Serve opens the port with a self-signed certificate, which the APIService accepts.
func Serve(handler http.Handler) (*MetricsAPI, error) {
	certificate, err := selfSigned()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}},
		ErrorLog:  log.New(io.Discard, "", 0), // handshakes that are cut off when a cluster shuts down
	}
	go server.ServeTLS(listener, "", "")
	return &MetricsAPI{listener, server}, nil
}

// Register makes the API server forward metrics.k8s.io to this port, and waits until it reports whether the API is
// available.
func (m *MetricsAPI) Register(ctx context.Context, client kubernetes.Interface, objects dynamic.Interface, versions ...string) error {
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: metricsService, Namespace: metav1.NamespaceSystem},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"},
	}
	if _, err := client.CoreV1().Services(service.Namespace).Create(ctx, service, metav1.CreateOptions{}); err != nil {
		return err
	}
	return m.aggregate(ctx, objects, group, versions...)
}

// RegisterAdapters does the same for custom and external metrics. The Service is the one of [MetricsAPI.Register].
func (m *MetricsAPI) RegisterAdapters(ctx context.Context, objects dynamic.Interface) error {
	if err := m.aggregate(ctx, objects, external, externalVersion); err != nil {
		return err
	}
	return m.aggregate(ctx, objects, custom, customVersion)
}

func (m *MetricsAPI) aggregate(ctx context.Context, objects dynamic.Interface, group string, versions ...string) error {
	services := objects.Resource(schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"})
	port := int64(m.listener.Addr().(*net.TCPAddr).Port)
	for _, version := range versions {
		object := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
			"metadata": map[string]any{"name": version + "." + group},
			"spec": map[string]any{
				"service": map[string]any{"name": metricsService, "namespace": metav1.NamespaceSystem, "port": port},
				"group":   group, "version": version, "insecureSkipTLSVerify": true,
				"groupPriorityMinimum": int64(100), "versionPriority": int64(100),
			},
		}}
		if _, err := services.Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return err
		}
		if err := settled(ctx, services, object.GetName()); err != nil {
			return err
		}
	}
	return nil
}

// settled waits until the API server reports whether an aggregated API is available.
func settled(ctx context.Context, services dynamic.ResourceInterface, name string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for !isSettled(ctx, services, name) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the API server did not report whether %s is available: %w", name, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}

func isSettled(ctx context.Context, services dynamic.ResourceInterface, name string) bool {
	object, err := services.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return false
	}
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, condition := range conditions {
		c, _ := condition.(map[string]any)
		if c["type"] == "Available" {
			return c["status"] == "True" || c["reason"] == "FailedDiscoveryCheck"
		}
	}
	return false
}

// Close stops serving.
func (m *MetricsAPI) Close() { m.server.Close() }

// Discover lists the API's resources.
func Discover(w http.ResponseWriter, r *http.Request) {
	Answer(w, http.StatusOK, metav1.APIResourceList{
		TypeMeta:     metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
		GroupVersion: group + "/" + r.PathValue("version"),
		APIResources: []metav1.APIResource{{Name: "pods", Namespaced: true, Kind: "PodMetrics", Verbs: metav1.Verbs{"get", "list"}}},
	})
}

// Answer writes an object.
func Answer(w http.ResponseWriter, status int, body any) {
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
