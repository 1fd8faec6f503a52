package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"hpa-check/e2e/cluster/fakekubelet"
)

const (
	// writers is how many pods' status are written at the same time.
	writers = 32
	// resolution is the time between samples.
	resolution = 15 * time.Second
)

// A node has all pods: each is ready immediately, and uses two fifths of its request or slightly more.
type node struct {
	client kubernetes.Interface
	lister listers.PodLister
	made   chan *corev1.Pod
}

func newNode(ctx context.Context, client kubernetes.Interface) (*node, error) {
	factory := informers.NewSharedInformerFactory(client, 0)
	pods := factory.Core().V1().Pods()
	n := &node{client: client, lister: pods.Lister(), made: make(chan *corev1.Pod, 100_000)}
	_, err := pods.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: func(object any) {
		if pod, ok := object.(*corev1.Pod); ok && !fakekubelet.IsReady(pod) {
			n.made <- pod
		}
	}})
	if err != nil {
		return nil, err
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), pods.Informer().HasSynced) {
		return nil, errors.New("the pods can't be followed")
	}
	for range writers {
		go n.makeReady(ctx)
	}
	return n, nil
}

func (n *node) makeReady(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case pod := <-n.made:
			pod = pod.DeepCopy()
			now := metav1.Now()
			pod.Status.Phase, pod.Status.StartTime = corev1.PodRunning, &now
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: now}}
			pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
				Name: "main", Image: "localhost/app", Ready: true,
				State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
			}}
			if _, err := n.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{}); err != nil && ctx.Err() == nil {
				n.made <- pod
			}
		}
	}
}

// ready is the number of ready pods.
func (n *node) ready() int {
	count := 0
	for _, pod := range n.pods() {
		if fakekubelet.IsReady(pod) {
			count++
		}
	}
	return count
}

func (n *node) pods() []*corev1.Pod {
	pods, _ := n.lister.List(labels.Everything()) // reading from a cache can't fail
	return pods
}

func (n *node) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /apis/metrics.k8s.io/{version}", fakekubelet.Discover)
	mux.HandleFunc("GET /apis/metrics.k8s.io/{version}/pods", n.samples)
	mux.HandleFunc("GET /apis/metrics.k8s.io/{version}/namespaces/{namespace}/pods", n.samples)
	return mux
}

func (n *node) samples(w http.ResponseWriter, r *http.Request) {
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		fakekubelet.Answer(w, http.StatusBadRequest, metav1.Status{Status: metav1.StatusFailure, Message: err.Error()})
		return
	}
	namespace := r.PathValue("namespace") // empty for all
	pods, _ := n.lister.Pods(namespace).List(selector)
	scraped := time.Now().Truncate(resolution)
	list := v1beta1.PodMetricsList{
		TypeMeta: metav1.TypeMeta{Kind: "PodMetricsList", APIVersion: "metrics.k8s.io/" + r.PathValue("version")},
		Items:    make([]v1beta1.PodMetrics, 0, len(pods)),
	}
	// Between 40 and 42 percent, with a different value at each scrape.
	use := 40_000_000 + scraped.Unix()/int64(resolution.Seconds())%3*1_000_000
	for _, pod := range pods {
		if !fakekubelet.IsReady(pod) {
			continue
		}
		list.Items = append(list.Items, v1beta1.PodMetrics{
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, Labels: pod.Labels, CreationTimestamp: metav1.NewTime(scraped)},
			Timestamp:  metav1.NewTime(scraped), Window: metav1.Duration{Duration: resolution},
			Containers: []v1beta1.ContainerMetrics{{Name: "main", Usage: corev1.ResourceList{
				corev1.ResourceCPU:    *resource.NewScaledQuantity(use, resource.Nano),
				corev1.ResourceMemory: resource.MustParse("10Mi"),
			}}},
		})
	}
	fakekubelet.Answer(w, http.StatusOK, list)
}
