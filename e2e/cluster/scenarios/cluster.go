package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
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
