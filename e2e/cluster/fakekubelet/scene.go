package fakekubelet

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"hpa-check/e2e/cluster/scenario"
)

// tick is how often a scene checks its pods and its script.
const tick = 100 * time.Millisecond

// A Scene is one namespace in which one script runs.
type Scene struct {
	kubelet   *Kubelet
	namespace string
	script    []scenario.Step
	image     string
	act       func(context.Context, *scenario.Act) error
	end       context.CancelFunc
	ended     chan struct{}

	taken map[types.UID]*taken // only used by the scene's own goroutine
	done  map[int]int

	lock    sync.Mutex
	run     scenario.Run
	world   scenario.World
	scraped time.Time
	samples []v1beta1.PodMetrics
	errors  []string
}

// Enter records that hpa-check has entered a phase.
func (s *Scene) Enter(phase string, at time.Time) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.run.Phases = append(s.run.Phases, scenario.PhaseStart{Phase: phase, At: at})
}

// End stops the scene and returns its errors.
func (s *Scene) End() []string {
	s.end()
	<-s.ended
	s.kubelet.forget(s.namespace)
	return s.errors
}

func (s *Scene) play(ctx context.Context) {
	defer close(s.ended)
	clock := time.NewTicker(tick)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-clock.C:
			s.move(ctx, now)
		}
	}
}

// move updates everything to the script's current state.
func (s *Scene) move(ctx context.Context, now time.Time) {
	pods := oldest(s.kubelet.pods(s.namespace))
	s.lock.Lock()
	s.world = scenario.At(s.script, &s.run, now)
	world := s.world
	acts := scenario.Due(s.script, &s.run, now, s.done)
	s.scrape(pods, now)
	s.lock.Unlock()
	for _, act := range acts {
		if err := s.act(ctx, act); err != nil && ctx.Err() == nil {
			s.errors = append(s.errors, err.Error())
		}
	}
	s.mark(ctx, pods, &world, now)
}

// scrape takes new samples when they are due.
func (s *Scene) scrape(pods []*corev1.Pod, now time.Time) {
	if now.Before(s.scraped.Add(s.kubelet.resolution)) {
		return
	}
	s.scraped = now
	if !scenario.Or(s.world.Frozen, false) {
		s.samples = samples(pods, &s.world, s.kubelet.resolution, now)
	}
}

// mark writes the status of each pod whose state changed.
func (s *Scene) mark(ctx context.Context, pods []*corev1.Pod, world *scenario.World, now time.Time) {
	spared, failing := s.spared(pods), scenario.Or(world.Unready, 0)
	for _, pod := range pods {
		if pod.DeletionTimestamp != nil {
			continue
		}
		of := s.taken[pod.UID]
		if of == nil {
			of = &taken{seen: now, fate: fateOf(world, spared), state: pending}
			s.taken[pod.UID] = of
			if of.fate == scenario.FateReady {
				spared++
			}
		}
		state := next(pod, of, world, s.image, failing > 0, now)
		if of.fate == scenario.FateReady {
			failing--
		}
		if state == of.state {
			continue
		}
		patch, err := json.Marshal(map[string]any{"status": statusOf(pod, state, now)})
		if err != nil {
			s.errors = append(s.errors, err.Error())
			continue
		}
		// If a pod is gone or was changed in the meantime, retry on the next tick.
		_, err = s.kubelet.client.CoreV1().Pods(s.namespace).Patch(ctx, pod.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "kubelet"}, "status")
		if err == nil {
			of.state = state
		}
	}
}

// spared counts the existing pods that are meant to become ready.
func (s *Scene) spared(pods []*corev1.Pod) int {
	n := 0
	for _, pod := range pods {
		if of := s.taken[pod.UID]; of != nil && of.fate == scenario.FateReady && pod.DeletionTimestamp == nil {
			n++
		}
	}
	return n
}
