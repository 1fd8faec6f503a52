package agreement

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"time"
)

// A Result is the part of hpa-check's result document that contains decisions.
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
		Proposed []Step    `json:"proposals"`
	} `json:"timeline"`
}

// A Record is a sync that changed the autoscaler's status, with the model's explanation.
type Record struct {
	At        time.Time `json:"at"`
	Current   int       `json:"current"`
	Desired   int       `json:"desired"`
	Model     *int      `json:"model"`
	Proposed  *Range    `json:"proposed"`
	Explained bool      `json:"explained"`
	Sentence  string    `json:"sentence"`
}

// A Range bounds the metrics' proposal over every interpretation that fits the observations.
type Range struct {
	Low  int `json:"low"`
	High int `json:"high"`
}

func (r Range) includes(replicas int) bool { return r.Low <= replicas && replicas <= r.High }

func (r Range) String() string {
	if r.Low == r.High {
		return fmt.Sprint(r.Low)
	}
	return fmt.Sprintf("%d to %d", r.Low, r.High)
}

// A Step is a range that applies from a moment on.
type Step struct {
	At time.Time `json:"at"`
	Range
}

// ReadResult reads a result document.
func ReadResult(file string) (*Result, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	result := &Result{}
	if err := json.Unmarshal(content, result); err != nil {
		return nil, fmt.Errorf("%s is not a result of hpa-check: %w", file, err)
	}
	return result, nil
}

// An Agreement counts the controller's decisions, and those that the model agrees with.
type Agreement struct {
	// Decided counts decisions visible in the status, and DecidedAlike those that the model explains exactly.
	Decided, DecidedAlike int
	// Proposed counts the metrics' proposals behind these decisions, before any limit; only the log contains them. They
	// are alike if an interpretation of the observations leads to them.
	Proposed, ProposedAlike int
	// Silent counts proposals that did not change the status, compared with what the model considers possible then.
	Silent, SilentAlike int
	// Disagreements lists all others.
	Disagreements []Disagreement
}

// A Disagreement is both values, how often in a row they occurred, and when first.
type Disagreement struct {
	About string // what it is in, for whoever sums up
	At    float64
	Text  string
	Times int
}

func (d Disagreement) String() string {
	text := fmt.Sprintf("at %.1f s: %s", d.At, d.Text)
	if d.Times > 1 {
		text += fmt.Sprintf(" (%d times)", d.Times)
	}
	return text
}

// Add adds another agreement's counts.
func (a *Agreement) Add(b Agreement) {
	a.Decided += b.Decided
	a.DecidedAlike += b.DecidedAlike
	a.Proposed += b.Proposed
	a.ProposedAlike += b.ProposedAlike
	a.Silent += b.Silent
	a.SilentAlike += b.SilentAlike
	a.Disagreements = append(a.Disagreements, b.Disagreements...)
}

// Summary says how often the log and the model agree.
func (a *Agreement) Summary() string {
	return fmt.Sprintf("the controller's log against the model: %d of %d decisions alike, and the proposals behind them in %d of %d;\n"+
		"of syncs that changed nothing the proposal is one that the model holds possible in %d of %d",
		a.DecidedAlike, a.Decided, a.ProposedAlike, a.Proposed, a.SilentAlike, a.Silent)
}

const (
	// Near is the usual delay between the log line and its record, because the status is written and watched later.
	Near = 500 * time.Millisecond
	// Late is the longest delay on a busy machine.
	Late = 3 * time.Second
)

// Compare compares each logged decision of the run with its record or, without a record, with the proposals that the
// model considers possible at that time.
func Compare(result *Result, logged []Sync) Agreement {
	var a Agreement
	timeline := &result.Timeline
	records := recordsOf(logged, timeline.Syncs)
	for line, sync := range logged {
		// Decisions just before the first observation were not watched.
		if sync.At.Before(timeline.From.Add(Near)) || sync.At.After(timeline.Until) {
			continue
		}
		say := func(format string, args ...any) {
			a.disagree(sync.At.Sub(timeline.From).Seconds(), fmt.Sprintf(format, args...))
		}
		model, hasModel := inForce(timeline.Proposed, sync.At)
		i, seen := records[line]
		if !seen {
			if !hasModel || sync.Proposed == nil {
				continue
			}
			a.Silent++
			if model.includes(*sync.Proposed) {
				a.SilentAlike++
			} else {
				say("the controller proposes %d and writes nothing; the model considers %v possible", *sync.Proposed, model)
			}
			continue
		}
		record := &timeline.Syncs[i]
		a.Decided++
		switch {
		case sync.Desired != nil && *sync.Desired != record.Desired:
			say("the controller logs %d, but hpa-check saw %d in the status", *sync.Desired, record.Desired)
		case !record.Explained:
			say("the controller %s; %s", sync.decision(), record.Sentence)
		case sync.Desired != nil && (record.Model == nil || *record.Model != *sync.Desired):
			say("the controller decides %d, and the model decides nothing: %s", *sync.Desired, record.Sentence)
		default:
			a.DecidedAlike++
			if sync.Proposed == nil {
				continue
			}
			a.Proposed++
			if record.Proposed != nil && record.Proposed.includes(*sync.Proposed) {
				a.ProposedAlike++
			} else {
				say("both decide %d, but the controller proposes %d and the model %v", record.Desired, *sync.Proposed, record.Proposed)
			}
		}
	}
	return a
}

func (a *Agreement) disagree(at float64, text string) {
	if n := len(a.Disagreements); n > 0 && a.Disagreements[n-1].Text == text {
		a.Disagreements[n-1].Times++
		return
	}
	a.Disagreements = append(a.Disagreements, Disagreement{At: at, Text: text, Times: 1})
}

// recordsOf maps each line of the log that shows in the status to its record. A record belongs to the newest
// line before it with the same decision, or to the newest line if none has it. On a busy machine the next sync can be
// logged before the status of one that scaled is seen.
func recordsOf(logged []Sync, records []Record) map[int]int {
	of := map[int]int{}
	next := 0
	for i, record := range records {
		best := -1
		for line := next; line < len(logged) && !logged[line].At.After(record.At.Add(logged[line].early())); line++ {
			late := record.At.Sub(logged[line].At)
			alike := logged[line].decides(&record) && late <= Late
			if alike || (late <= Near && (best < 0 || !logged[best].decides(&record))) {
				best = line
			}
		}
		if best >= 0 {
			of[best] = i
			next = best + 1
		}
	}
	return of
}

// early is how long before its line a sync's record can be.
func (s *Sync) early() time.Duration {
	if s.Desired == nil && s.Proposed == nil {
		return Near
	}
	return Near / 10
}

// inForce is the range at an instant: that of the step before it, and of one that starts within Near, since a
// record's instant is when it was observed.
func inForce(steps []Step, at time.Time) (Range, bool) {
	later := sort.Search(len(steps), func(i int) bool { return steps[i].At.After(at) })
	var found []Range
	if later > 0 {
		found = append(found, steps[later-1].Range)
	}
	if later < len(steps) && !steps[later].At.After(at.Add(Near)) {
		found = append(found, steps[later].Range)
	}
	if len(found) == 0 {
		return Range{}, false
	}
	both := found[0]
	for _, r := range found[1:] {
		both.Low, both.High = min(both.Low, r.Low), max(both.High, r.High)
	}
	return both, true
}
