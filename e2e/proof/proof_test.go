package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// seconds of load with the same answers by pod in each.
func seconds(from, until int, pods map[string]int) []second {
	var made []second
	for i := from; i <= until; i++ {
		made = append(made, second{begin.Add(time.Duration(i) * time.Second), pods})
	}
	return made
}

func scaledUp(seconds ...second) trace {
	return trace{seconds: seconds, steps: []step{{begin, 1}, {begin.Add(10 * time.Second), 2}, {begin.Add(200 * time.Second), 1}}}
}

func TestTheSpreadIsCountedInTheMinuteThatEndsTwoMinutesAfterTheLastScaleUp(t *testing.T) {
	uneven := seconds(0, 69, map[string]int{"a": 10})
	even := seconds(70, 140, map[string]int{"a": 6, "b": 4})
	got, ok := scaledUp(append(uneven, even...)...).spreadAfterScaleUp()
	if !ok || got.pods != 2 || got.overMean() != 1.2 {
		t.Fatalf("got %+v, %v, %f", got, ok, got.overMean())
	}
}

func TestAPodThatNeverAnsweredCounts(t *testing.T) {
	got, ok := scaledUp(seconds(0, 140, map[string]int{"a": 10})...).spreadAfterScaleUp()
	if !ok || got.overMean() != 2 {
		t.Fatalf("got %+v, %v", got, ok)
	}
}

func TestALoadThatEndedBeforeTellsNothing(t *testing.T) {
	if got, ok := scaledUp(seconds(0, 100, map[string]int{"a": 1})...).spreadAfterScaleUp(); ok {
		t.Fatalf("got %+v", got)
	}
}

func TestATraceIsReadForItsLoadAndTheTargetsSize(t *testing.T) {
	text := `{"schema":"hpa-check-trace/1"}
{"at":"2026-01-01T00:00:00Z","seen":"target","spec_replicas":3,"replicas":3}
{"at":"2026-01-01T00:00:01Z","seen":"pod","name":"a"}
{"at":"2026-01-01T00:00:02Z","seen":"target","spec_replicas":3,"replicas":3}
{"at":"2026-01-01T00:00:03Z","seen":"load","users":5,"pods":{"a":7}}
`
	got, err := readTrace(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.steps) != 1 || got.steps[0].replicas != 3 || len(got.seconds) != 1 || got.seconds[0].pods["a"] != 7 {
		t.Fatalf("got %+v", got)
	}
}

// proven is a run that proves everything.
func proven() *run {
	number := func(n int) *int { return &n }
	r := &run{}
	r.result.Verdict.Outcome = "pass"
	r.result.Replicas.First, r.result.Replicas.MinReady = number(3), number(3)
	r.result.Replicas.MaxReady, r.result.Replicas.Last = number(10), number(3)
	r.result.Syncs.Observed, r.result.Syncs.Explained = 20, 20
	r.result.Load = &totals{Requests: 9, Verified: 9}
	r.rollout.Totals = totals{Sent: 5, Verified: 5}
	pods := map[string]int{}
	for i := range 10 {
		pods[fmt.Sprint(i)] = 10
	}
	r.trace = trace{seconds: seconds(0, 140, pods), steps: []step{{begin, 3}, {begin.Add(10 * time.Second), 10}}}
	return r
}

func TestARunThatProvesEverythingLacksNothing(t *testing.T) {
	if got := proven().missing(); len(got) > 0 {
		t.Fatal(got)
	}
}

func TestEachThingThatIsNotProvenIsSaid(t *testing.T) {
	for name, spoil := range map[string]func(*run){
		"verdict":                func(r *run) { r.result.Verdict.Outcome = "inconclusive" },
		"nine pods":              func(r *run) { *r.result.Replicas.MaxReady = 9 },
		"two pods":               func(r *run) { *r.result.Replicas.MinReady = 2 },
		"no first count":         func(r *run) { r.result.Replicas.First = nil },
		"four at the end":        func(r *run) { *r.result.Replicas.Last = 4 },
		"unexplained":            func(r *run) { r.result.Syncs.Explained-- },
		"no syncs":               func(r *run) { r.result.Syncs.Observed, r.result.Syncs.Explained = 0, 0 },
		"no load":                func(r *run) { r.result.Load = nil },
		"failed":                 func(r *run) { r.result.Load.Failed = 1 },
		"not verified":           func(r *run) { r.result.Load.Verified-- },
		"wrong in the update":    func(r *run) { r.rollout.Totals.Wrong = 1 },
		"no request in update":   func(r *run) { r.rollout.Totals = totals{} },
		"one pod does it all":    func(r *run) { r.trace.seconds = seconds(0, 140, map[string]int{"a": 1}) },
		"too short for a spread": func(r *run) { r.trace.seconds = r.trace.seconds[:60] },
	} {
		t.Run(name, func(t *testing.T) {
			r := proven()
			spoil(r)
			if got := r.missing(); len(got) != 1 {
				t.Fatalf("got %q", got)
			}
		})
	}
}

func TestAKilledPartIsNoFaultOfTheAutoscaler(t *testing.T) {
	for _, c := range []struct {
		name, part, result string
		account            string // of the load alone
		code               int
		right              bool
	}{
		{"a pass is right", "apiserver", `{"verdict":{"outcome":"pass"},"load":{"requests":9,"verified":9}}`, "", 0, true},
		{"not knowing is right", "apiserver", `{"verdict":{"outcome":"inconclusive"},"load":{"requests":9}}`, "", 93, true},
		{"blaming the autoscaler is not", "apiserver", `{"verdict":{"outcome":"wrong","reasons":[{"id":"flapping"}]},"load":{"requests":9}}`, "", 91, false},
		{"losing requests is not, without a pod's death", "kubelet", `{"verdict":{"outcome":"pass"},"load":{"requests":900,"failed":1}}`, "", 0, false},
		{"a killed pod loses what it was answering", "pod", losing(39), `{"totals":{"failed":39},"errors":[{"class":"closed.before_response","count":26,"first_s":21.262,"last_s":21.274},{"class":"send","count":13,"first_s":21.268,"last_s":21.273}]}`, 91, true},
		{"it refuses nothing that is not tried again", "pod", losing(1), `{"totals":{"failed":1},"errors":[{"class":"connect.refused","count":1,"first_s":21.2,"last_s":21.2}]}`, 91, false},
		{"and it dies at once", "pod", losing(2), `{"totals":{"failed":2},"errors":[{"class":"send","count":2,"first_s":21.2,"last_s":22.1}]}`, 91, false},
		{"and not again later", "pod", losing(3), `{"totals":{"failed":2},"errors":[{"class":"send","count":2,"first_s":21.2,"last_s":21.3}]}`, 91, false},
		{"a killed run leaves nothing", "hpa-check", "", "", killed, true},
		{"a killed run that left a result does not", "hpa-check", "{}", "", killed, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, content := range map[string]string{".json": c.result, ".load.json": c.account} {
				if content == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(dir, c.part+name), []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := fault(c.part, c.code, dir); (err == nil) != c.right {
				t.Fatalf("got %v", err)
			}
		})
	}
}

// losing is the result of a run whose load lost so many requests.
func losing(requests int) string {
	return fmt.Sprintf(`{"verdict":{"outcome":"wrong","reasons":[{"id":"failed-requests"}]},"load":{"requests":900,"failed":%d}}`, requests)
}
