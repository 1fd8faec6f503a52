package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"hpa-check/e2e/cluster/scenario"
)

// maker is the name that objects are made in.
const maker = "scenarios"

// api is where objects of this one's kind are. All kinds that scenarios use have regular plurals.
func (s *stage) api(object *unstructured.Unstructured) dynamic.ResourceInterface {
	plural, _ := meta.UnsafeGuessKindToResource(object.GroupVersionKind())
	if object.GetNamespace() == "" {
		return s.dynamic.Resource(plural)
	}
	return s.dynamic.Resource(plural).Namespace(object.GetNamespace())
}

func (s *stage) create(ctx context.Context, object *unstructured.Unstructured) error {
	_, err := s.api(object).Create(ctx, object, metav1.CreateOptions{FieldManager: maker})
	if err != nil {
		return fmt.Errorf("%s %s can't be made: %w", object.GetKind(), object.GetName(), err)
	}
	return nil
}

// registerNode makes a node that takes pods and runs none.
func (s *stage) registerNode(ctx context.Context, cpu string) error {
	amount, err := resource.ParseQuantity(cpu)
	if err != nil {
		return fmt.Errorf("cluster.nodeCPU %q is no quantity: %w", cpu, err)
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node1"}}
	node.Status.Allocatable = corev1.ResourceList{corev1.ResourceCPU: amount}
	_, err = s.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{FieldManager: maker})
	return err
}

// registerMetrics has the API server send questions for metrics.k8s.io to the stand-in.
func (s *stage) registerMetrics(ctx context.Context, kind scenario.Cluster) error {
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "metrics-server", Namespace: metav1.NamespaceSystem},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"},
	}
	if _, err := s.client.CoreV1().Services(service.Namespace).Create(ctx, service, metav1.CreateOptions{}); err != nil {
		return err
	}
	versions := []string{"v1beta1"}
	if kind.MetricsVersions != "" {
		versions = strings.Split(kind.MetricsVersions, ",")
	}
	services := s.dynamic.Resource(schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"})
	for _, version := range versions {
		object := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
			"metadata": map[string]any{"name": version + ".metrics.k8s.io"},
			"spec": map[string]any{
				"service": map[string]any{"name": service.Name, "namespace": service.Namespace, "port": int64(s.standin.Port())},
				"group":   "metrics.k8s.io", "version": version, "insecureSkipTLSVerify": true,
				"groupPriorityMinimum": int64(100), "versionPriority": int64(100),
			},
		}}
		if _, err := services.Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return err
		}
		if err := s.settled(ctx, services, object.GetName()); err != nil {
			return err
		}
	}
	return nil
}

// settled waits until the API server has said whether an aggregated API is available.
func (s *stage) settled(ctx context.Context, services dynamic.ResourceInterface, name string) error {
	return s.until(ctx, 20*time.Second, "the API server said nothing of "+name, func() bool {
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
	})
}

func (s *stage) until(ctx context.Context, limit time.Duration, failure string, done func() bool) error {
	for begun := time.Now(); time.Since(begun) < limit; {
		if done() {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("told to stop")
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s within %s", failure, limit)
}
