package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// watched is the namespace without changes.
const watched = "scale-0"

// churn makes changes until stopped: in turn to a pod's status, and an event about a pod.
func (c *scaleTest) churn(ctx context.Context, rate int) {
	if rate == 0 {
		<-ctx.Done()
		return
	}
	var pods []*corev1.Pod
	for _, pod := range c.node.pods() {
		if pod.Namespace != watched {
			pods = append(pods, pod)
		}
	}
	ticker := time.NewTicker(time.Second / time.Duration(rate))
	defer ticker.Stop()
	slots := make(chan struct{}, writers)
	for turn := 0; ; turn++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		pod := pods[rand.IntN(len(pods))]
		change := c.event
		if turn%2 == 0 {
			change = c.touch
		}
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			if change(ctx, pod, turn) == nil {
				c.written.Add(1)
			}
		}()
	}
}

func (c *scaleTest) touch(ctx context.Context, pod *corev1.Pod, turn int) error {
	patch := fmt.Appendf(nil, `{"status":{"message":"change %d"}}`, turn)
	_, err := c.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}

func (c *scaleTest) event(ctx context.Context, pod *corev1.Pod, turn int) error {
	now := metav1.Now()
	event := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: fmt.Sprintf("%s.%d", pod.Name, turn)},
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
		Reason:         "Pulled", Message: "Container image is already present on the machine", Type: corev1.EventTypeNormal,
		FirstTimestamp: now, LastTimestamp: now, Count: 1, Source: corev1.EventSource{Component: "kubelet"},
	}
	_, err := c.client.CoreV1().Events(pod.Namespace).Create(ctx, event, metav1.CreateOptions{})
	return err
}
