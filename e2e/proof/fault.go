package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// killed is the exit code that a shell gives for a process that got SIGKILL.
const killed = 137

// A pod that is killed takes along what it was answering. Connections that are opened to it until the
// endpoints know are refused: at most this share of the requests.
const lostShare = 0.01

// fault judges a run in whose middle a part was killed. The sentence says how it ended; the error, why that
// is not right.
func fault(part string, code int, folder string) (string, error) {
	path := filepath.Join(folder, part+".json")
	if part == "hpa-check" {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("%s is there, though its writer was killed before it had a verdict", path)
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
	lostOnes := r.Load.Failed
	if part == "pod" {
		if float64(lostOnes) > lostShare*float64(r.Load.Requests) {
			return ended, fmt.Errorf("more was lost than the killed pod can have been answering: %d requests", lostOnes)
		}
		if lostOnes > 0 && r.Verdict.Outcome == "wrong" && r.Verdict.Reasons[0].ID == "failed-requests" {
			return ended, nil
		}
	} else if lostOnes > 0 {
		return ended, fmt.Errorf("%d requests were lost, though no pod was killed", lostOnes)
	}
	if r.Verdict.Outcome == "wrong" {
		return ended, errors.New("an autoscaler that did right was called wrong")
	}
	return ended, nil
}
