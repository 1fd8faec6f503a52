package scenario

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A Step is something that happens at one moment: it changes the simulated state, or performs an action.
type Step struct {
	// Phase is the phase of hpa-check in which the step starts; by default the beginning.
	Phase string `json:"phase,omitempty"`
	// After is the time since the start of the phase.
	After metav1.Duration `json:"after,omitzero"`
	// Every repeats the step for as long as the phase lasts.
	Every metav1.Duration `json:"every,omitzero"`
	// Lasts reverts the step after this time; by default it stays.
	Lasts metav1.Duration `json:"lasts,omitzero"`
	// World is the simulated state from then on; fields that are not set stay the same.
	World
	// Do is an action on the cluster.
	Do *Act `json:"do,omitempty"`
}

// A World is the state that the fake kubelet simulates.
type World struct {
	// Load is the CPU that the ready pods use together.
	Load *resource.Quantity `json:"load,omitempty"`
	// Memory is what each running pod uses; without it 10Mi.
	Memory *resource.Quantity `json:"memory,omitempty"`
	// External is the value of every external metric; without it there is none.
	External *resource.Quantity `json:"external,omitempty"`
	// PerPod is the value of every custom metric of a pod; without it there is none.
	PerPod *resource.Quantity `json:"perPod,omitempty"`
	// PerObject is the value of every custom metric of another object; without it there is none.
	PerObject *resource.Quantity `json:"perObject,omitempty"`
	// AdapterDown makes the custom and external metrics APIs unavailable.
	AdapterDown *bool `json:"adapterDown,omitempty"`
	// Incomplete is how many pods' samples lack the CPU of their last container.
	Incomplete *int `json:"incomplete,omitempty"`
	// Hot gives one pod all the work.
	Hot *bool `json:"hot,omitempty"`
	// ReadyAfter is the time from a pod's creation until it is ready.
	ReadyAfter *metav1.Duration `json:"readyAfter,omitempty"`
	// Fate is what happens to new pods: ready, never-ready, crash, unschedulable.
	Fate *string `json:"fate,omitempty"`
	// Spared is how many pods become ready despite the fate.
	Spared *int `json:"spared,omitempty"`
	// Unready is how many of the ready pods fail their probe.
	Unready *int `json:"unready,omitempty"`
	// Unsampled is how many pods metrics-server can't scrape.
	Unsampled *int `json:"unsampled,omitempty"`
	// Frozen makes metrics-server return the same samples forever.
	Frozen *bool `json:"frozen,omitempty"`
	// Status is the HTTP status that the metrics API returns instead of samples.
	Status *int `json:"status,omitempty"`
	// Slow is the delay of its responses.
	Slow *metav1.Duration `json:"slow,omitempty"`
}

// An Act changes an object or deletes it.
type Act struct {
	// As is the field manager.
	As string `json:"as"`
	// Patch changes a field.
	Patch *Patch `json:"patch,omitempty"`
	// Delete names an object as Kind/name.
	Delete string `json:"delete,omitempty"`
	// Event is created for each pod that fits on no node.
	Event *Event `json:"event,omitempty"`
}

// An Event is an event about a pod.
type Event struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// what counts the things that an act does.
func (a *Act) what() int {
	n := 0
	for _, given := range []bool{a.Patch != nil, a.Delete != "", a.Event != nil} {
		if given {
			n++
		}
	}
	return n
}

// Fates of pods.
const (
	FateReady         = "ready"
	FateNeverReady    = "never-ready"
	FateCrash         = "crash"
	FateUnschedulable = "unschedulable"
)

var (
	phases = []string{"", "preflight", "baseline", "up", "hold", "down", "done"}
	fates  = []string{FateReady, FateNeverReady, FateCrash, FateUnschedulable}
)

func (s *Step) check() error {
	if !slices.Contains(phases, s.Phase) {
		return fmt.Errorf("there is no phase %q, only %q", s.Phase, phases[1:])
	}
	if s.After.Duration < 0 || s.Every.Duration < 0 || s.Lasts.Duration < 0 {
		return errors.New("after, every and lasts can't be below 0")
	}
	if s.Fate != nil && !slices.Contains(fates, *s.Fate) {
		return fmt.Errorf("there is no fate %q, only %q", *s.Fate, fates)
	}
	if s.Do != nil && s.Do.what() != 1 {
		return errors.New("do has to have either patch or delete or event")
	}
	return nil
}

// A Run has the start times of one check and of its phases.
type Run struct {
	Begun  time.Time
	Phases []PhaseStart
}

// A PhaseStart is when hpa-check entered a phase.
type PhaseStart struct {
	Phase string
	At    time.Time
}

// span is when a step's phase began, and when it ended (the zero time while it lasts).
func (r *Run) span(phase string) (from, until time.Time, entered bool) {
	if phase == "" {
		return r.Begun, time.Time{}, true
	}
	for i, start := range r.Phases {
		if start.Phase == phase {
			if i+1 < len(r.Phases) {
				until = r.Phases[i+1].At
			}
			return start.At, until, true
		}
	}
	return time.Time{}, time.Time{}, false
}

// times counts how often a step has happened by now, and says when it did last.
func (s *Step) times(run *Run, now time.Time) (int, time.Time) {
	from, until, entered := run.span(s.Phase)
	first := from.Add(s.After.Duration)
	if !entered || now.Before(first) || (!until.IsZero() && first.After(until)) {
		return 0, time.Time{}
	}
	if s.Every.Duration == 0 {
		return 1, first
	}
	if !until.IsZero() && until.Before(now) {
		now = until
	}
	repeats := now.Sub(first) / s.Every.Duration
	return int(repeats) + 1, first.Add(repeats * s.Every.Duration)
}

// At is the state at a moment: all steps so far, the latest on top.
func At(script []Step, run *Run, now time.Time) World {
	type happened struct {
		at   time.Time
		step *Step
	}
	var steps []happened
	for i := range script {
		n, at := script[i].times(run, now)
		if lasts := script[i].Lasts.Duration; n == 0 || (lasts > 0 && !now.Before(at.Add(lasts))) {
			continue
		}
		steps = append(steps, happened{at, &script[i]})
	}
	slices.SortStableFunc(steps, func(a, b happened) int { return a.at.Compare(b.at) })
	var world World
	for _, h := range steps {
		world.put(&h.step.World)
	}
	return world
}

// Due are the actions that are due and not done yet; done counts them by step.
func Due(script []Step, run *Run, now time.Time, done map[int]int) []*Act {
	var acts []*Act
	for i := range script {
		if script[i].Do == nil {
			continue
		}
		if n, _ := script[i].times(run, now); n > done[i] {
			done[i] = n
			acts = append(acts, script[i].Do)
		}
	}
	return acts
}

func (w *World) put(over *World) {
	put(&w.Load, over.Load)
	put(&w.Memory, over.Memory)
	put(&w.External, over.External)
	put(&w.PerPod, over.PerPod)
	put(&w.PerObject, over.PerObject)
	put(&w.AdapterDown, over.AdapterDown)
	put(&w.Incomplete, over.Incomplete)
	put(&w.Hot, over.Hot)
	put(&w.ReadyAfter, over.ReadyAfter)
	put(&w.Fate, over.Fate)
	put(&w.Spared, over.Spared)
	put(&w.Unready, over.Unready)
	put(&w.Unsampled, over.Unsampled)
	put(&w.Frozen, over.Frozen)
	put(&w.Status, over.Status)
	put(&w.Slow, over.Slow)
}

func put[T any](field **T, over *T) {
	if over != nil {
		*field = over
	}
}

// Or is a field's value, or a default if it is not set.
func Or[T any](field *T, otherwise T) T {
	if field == nil {
		return otherwise
	}
	return *field
}
