// Package fakekubelet replaces kubelets and metrics-server in a control plane without nodes. It writes the pods' status and
// serves metrics.k8s.io, following a scenario's script.
package fakekubelet

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"

	"hpa-check/e2e/cluster/scenario"
)

// A Kubelet serves one cluster.
type Kubelet struct {
	client     kubernetes.Interface
	lister     listers.PodLister
	resolution time.Duration
	available  bool
	api        *MetricsAPI

	lock   sync.Mutex
	scenes map[string]*Scene
}

// New starts watching the pods and serving on loopback; with unavailable, every response is 503.
func New(ctx context.Context, client kubernetes.Interface, resolution time.Duration, available bool) (*Kubelet, error) {
	factory := informers.NewSharedInformerFactory(client, 0)
	pods := factory.Core().V1().Pods()
	s := &Kubelet{client: client, lister: pods.Lister(), resolution: resolution, available: available, scenes: map[string]*Scene{}}
	pods.Informer() // what is asked for before the start is followed
	factory.Start(ctx.Done())
	for _, ok := range factory.WaitForCacheSync(ctx.Done()) {
		if !ok {
			return nil, fmt.Errorf("the pods can't be followed")
		}
	}
	var err error
	s.api, err = Serve(s.handler())
	return s, err
}

// Idle leaves pods and metrics to a real node; only a script's actions are performed.
func Idle() *Kubelet {
	return &Kubelet{resolution: time.Hour, scenes: map[string]*Scene{}}
}

// API is where metrics.k8s.io is served; nil on a real node.
func (s *Kubelet) API() *MetricsAPI { return s.api }

// Close stops serving.
func (s *Kubelet) Close() {
	if s.api != nil {
		s.api.Close()
	}
}

// Play runs a script in a namespace. Image is the only image that can be pulled; act performs the script's actions on the
// cluster.
func (s *Kubelet) Play(ctx context.Context, namespace string, script []scenario.Step, image string, act func(context.Context, *scenario.Act) error) *Scene {
	ctx, end := context.WithCancel(ctx)
	scene := &Scene{
		kubelet: s, namespace: namespace, script: script, image: image, act: act, end: end,
		ended: make(chan struct{}), taken: map[types.UID]*taken{}, done: map[int]int{},
		run: scenario.Run{Begun: time.Now()},
	}
	s.lock.Lock()
	s.scenes[namespace] = scene
	s.lock.Unlock()
	go scene.play(ctx)
	return scene
}

func (s *Kubelet) scene(namespace string) *Scene {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.scenes[namespace]
}

func (s *Kubelet) forget(namespace string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	delete(s.scenes, namespace)
}

func (s *Kubelet) pods(namespace string) []*corev1.Pod {
	if s.lister == nil {
		return nil
	}
	pods, err := s.lister.Pods(namespace).List(labels.Everything())
	if err != nil {
		return nil // from a cache, it has no way to fail
	}
	return pods
}
