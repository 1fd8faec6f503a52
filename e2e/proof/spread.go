package main

import "time"

// How long after the last scale-up the load has to be spread, and over how long it is averaged until then:
// a Service spreads connections by chance, and a pod's share is as steady as connections are renewed.
const (
	settled  = 2 * time.Minute
	averaged = time.Minute
)

// A spread is the distribution of a window's answers over the pods.
type spread struct {
	pods    int
	answers int
	most    int
}

// overMean is how many times its fair share the busiest pod had.
func (s spread) overMean() float64 {
	if s.answers == 0 {
		return 0
	}
	return float64(s.most) * float64(s.pods) / float64(s.answers)
}

// spreadAfterScaleUp counts the answers in the minute that ends two minutes after the last scale-up. False
// when the load did not last that long.
func (t trace) spreadAfterScaleUp() (spread, bool) {
	var last *step
	for i := 1; i < len(t.steps); i++ {
		if t.steps[i].replicas > t.steps[i-1].replicas {
			last = &t.steps[i]
		}
	}
	if last == nil {
		return spread{}, false
	}
	until := last.at.Add(settled)
	from := until.Add(-averaged)
	answers := map[string]int{}
	whole := false
	for _, s := range t.seconds {
		if s.at.Before(from) {
			continue
		}
		if s.at.After(until) {
			whole = true
			break
		}
		for pod, count := range s.pods {
			answers[pod] += count
		}
	}
	// A pod that never answered still counts.
	found := spread{pods: max(last.replicas, len(answers))}
	for _, count := range answers {
		found.answers += count
		found.most = max(found.most, count)
	}
	return found, whole && found.answers > 0
}
