package agreement

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"time"
)

// A Result is the part of hpa-check's result document that decisions are in.
type Result struct {
	Verdict struct {
		ExitCode int `json:"exit_code"`
		Reasons  []struct {
			ID      string `json:"id"`
			Message string `json:"message"`
		} `json:"reasons"`
	} `json:"verdict"`
	Timeline struct {
		From     time.Time `json:"from"`
		Until    time.Time `json:"until"`
		Syncs    []Record  `json:"syncs"`
		Proposed []Step    `json:"proposed"`
	} `json:"timeline"`
}

// A Record is a sync that showed in the autoscaler's status, with the model's word on it.
type Record struct {
	At        time.Time `json:"at"`
	Current   int       `json:"current"`
	Desired   int       `json:"desired"`
	Model     *int      `json:"model"`
	Explained bool      `json:"explained"`
	Sentence  string    `json:"sentence"`
}

// A Step is what the metrics alone asked for by the model's arithmetic, from an instant on.
type Step struct {
	At    time.Time `json:"at"`
	Value int       `json:"value"`
}

// ReadResult reads a result document.
func ReadResult(file string) (*Result, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	result := &Result{}
	if err := json.Unmarshal(content, result); err != nil {
		return nil, fmt.Errorf("%s is no result of hpa-check: %w", file, err)
	}
	return result, nil
}

// An Agreement counts decisions of the controller by whether the model comes to the same.
type Agreement struct {
	// Written are decisions that the status showed, and WrittenAgreed those that the model explains, with
	// the proposal that the controller logged.
	Written, WrittenAgreed int
	// Silent are decisions that left the status as it was, and SilentAgreed those with the proposal that
	// the model last came to.
	Silent, SilentAgreed int
	// Disagreements say of each other one when it was and what the two said.
	Disagreements []string
}

// Add sums up.
func (a *Agreement) Add(b Agreement) {
	a.Written += b.Written
	a.WrittenAgreed += b.WrittenAgreed
	a.Silent += b.Silent
	a.SilentAgreed += b.SilentAgreed
	a.Disagreements = append(a.Disagreements, b.Disagreements...)
}

// Near is how far a record may lie from the log's line: the status is written and watched after it.
const Near = 500 * time.Millisecond

// Compare holds each logged decision of the run against the record of it; without one, against the
// model's last proposal.
func Compare(result *Result, logged []Sync) Agreement {
	var a Agreement
	timeline := &result.Timeline
	used := map[int]bool{}
	for _, sync := range logged {
		// What came just before the first observation was decided unwatched.
		if sync.At.Before(timeline.From.Add(Near)) || sync.At.After(timeline.Until) {
			continue
		}
		say := func(format string, args ...any) {
			at := sync.At.Sub(timeline.From).Seconds()
			a.Disagreements = append(a.Disagreements, fmt.Sprintf("at %.1f s: ", at)+fmt.Sprintf(format, args...))
		}
		model, hasModel := inForce(timeline.Proposed, sync.At.Add(Near))
		i := nearest(timeline.Syncs, sync.At, used)
		if i < 0 {
			if !hasModel || sync.Proposed == nil {
				continue
			}
			a.Silent++
			if *sync.Proposed == model {
				a.SilentAgreed++
			} else {
				say("the controller proposes %d and writes nothing; the model's last proposal is %d", *sync.Proposed, model)
			}
			continue
		}
		used[i] = true
		record := &timeline.Syncs[i]
		a.Written++
		if sync.Proposed != nil {
			model, hasModel = inForce(timeline.Proposed, record.At)
		}
		switch {
		case record.Desired != sync.Desired:
			say("the controller logs %d, and hpa-check saw %d in the status", sync.Desired, record.Desired)
		case !record.Explained:
			say("the controller decides %d; %s", sync.Desired, record.Sentence)
		case record.Model == nil || *record.Model != sync.Desired:
			say("the controller decides %d, and the model nothing: %s", sync.Desired, record.Sentence)
		case sync.Proposed != nil && (!hasModel || *sync.Proposed != model):
			say("both decide %d, but the controller proposes %d and the model %d", sync.Desired, *sync.Proposed, model)
		default:
			a.WrittenAgreed++
		}
	}
	return a
}

// nearest is the record that follows a log line soonest, or -1.
func nearest(records []Record, at time.Time, used map[int]bool) int {
	best := -1
	for i := range records {
		distance := records[i].At.Sub(at)
		if used[i] || distance < -Near/10 || distance > Near {
			continue
		}
		if best < 0 || distance < records[best].At.Sub(at) {
			best = i
		}
	}
	return best
}

func inForce(steps []Step, at time.Time) (int, bool) {
	later := sort.Search(len(steps), func(i int) bool { return steps[i].At.After(at) })
	if later == 0 {
		return 0, false
	}
	return steps[later-1].Value, true
}
