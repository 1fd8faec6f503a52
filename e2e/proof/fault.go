package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// killed is the exit code that a shell gives for a process that got SIGKILL.
const killed = 137

// When a pod is killed, all requests it is answering are lost at once: connections end in these ways within this time. A
// connection that it refuses afterwards carried nothing, and the generator retries it.
var endedByDeath = []string{"send", "closed.before_response", "body.reset"}

const atOnce = 0.5 // seconds

// fault checks a run in which a part was killed. The sentence says how it ended; the error says why that is wrong.
func fault(part string, code int, folder string) (string, error) {
	path := filepath.Join(folder, part+".json")
	if part == "hpa-check" {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("%s exists, although its writer was killed before the verdict", path)
		}
		if code != killed {
			return "", fmt.Errorf("hpa-check ended with %d, not by the signal", code)
		}
		return "hpa-check killed: nothing half-written is left", nil
	}
	var r result
	if err := readJSON(path, &r); err != nil {
		return "", err
	}
	run := run{result: r}
	ended := fmt.Sprintf("%s killed: %s (%s)", part, r.Verdict.Outcome, run.firstReason())
	if r.Load == nil {
		return ended, errors.New("the run has no account of its load")
	}
	ended += fmt.Sprintf("; %s", told("requests", r.Load.Requests, *r.Load))
	if r.Load.Wrong > 0 {
		return ended, errors.New("an answer was wrong")
	}
	if part == "pod" {
		var account load
		if err := readJSON(filepath.Join(folder, part+".load.json"), &account); err != nil {
			return ended, err
		}
		if err := account.lostByDeath(); err != nil {
			return ended, err
		}
		if later := r.Load.Failed - account.Totals.Failed; later > 0 {
			return ended, fmt.Errorf("%d requests were lost during the low load, long after the pod was killed", later)
		}
		if r.Load.Failed > 0 && r.Verdict.Outcome == "wrong" && r.Verdict.Reasons[0].ID == "failed-requests" {
			return ended, nil
		}
	} else if r.Load.Failed > 0 {
		return ended, fmt.Errorf("%d requests were lost, although no pod was killed", r.Load.Failed)
	}
	if r.Verdict.Outcome == "wrong" {
		return ended, errors.New("an autoscaler that did right was called wrong")
	}
	return ended, nil
}

// lostByDeath reports lost requests that the killed pod was not answering.
func (l load) lostByDeath() error {
	var first, last float64
	for i, e := range l.Errors {
		if !slices.Contains(endedByDeath, e.Class) {
			return fmt.Errorf("%d requests failed with %s, which is not a failure that a killed pod causes", e.Count, e.Class)
		}
		if i == 0 || e.First < first {
			first = e.First
		}
		last = max(last, e.Last)
	}
	if last-first > atOnce {
		return fmt.Errorf("requests were lost for %.1f s, but a pod dies at once", last-first)
	}
	return nil
}
