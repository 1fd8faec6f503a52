package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"hpa-check/e2e/cluster/scenario"
)

// maker is the field manager that creates objects.
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
		return fmt.Errorf("%s %s can't be created: %w", object.GetKind(), object.GetName(), err)
	}
	return nil
}

// define creates the CRDs in the folder crds, and waits until they are served.
func (s *stage) define(ctx context.Context) error {
	definitions, err := scenario.Manifests(filepath.Join(s.scenarios, "crds"))
	if err != nil {
		return err
	}
	for _, definition := range definitions {
		if err := s.create(ctx, definition); err != nil {
			return err
		}
	}
	return s.until(ctx, 20*time.Second, "the custom resources were not served", func() bool {
		for _, definition := range definitions {
			object, err := s.api(definition).Get(ctx, definition.GetName(), metav1.GetOptions{})
			if err != nil || !established(object) {
				return false
			}
		}
		return true
	})
}

func established(object *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	return slices.ContainsFunc(conditions, func(condition any) bool {
		c, ok := condition.(map[string]any)
		return ok && c["type"] == "Established" && c["status"] == "True"
	})
}

// registerNode creates a node that accepts pods but does not run them.
func (s *stage) registerNode(ctx context.Context, cpu string) error {
	amount, err := resource.ParseQuantity(cpu)
	if err != nil {
		return fmt.Errorf("cluster.nodeCPU %q is not a quantity: %w", cpu, err)
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node1"}}
	node.Status.Allocatable = corev1.ResourceList{corev1.ResourceCPU: amount}
	_, err = s.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{FieldManager: maker})
	return err
}

func (s *stage) until(ctx context.Context, limit time.Duration, failure string, done func() bool) error {
	for begun := time.Now(); time.Since(begun) < limit; {
		if done() {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("interrupted")
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s within %s", failure, limit)
}
