package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// A run is the part of a run's results that proof reads.
type run struct {
	result  result
	trace   trace
	rollout load
}

// A result is the part of hpa-check/1 that is asserted.
type result struct {
	Verdict struct {
		Outcome string
		Reasons []struct{ ID, Message string }
	}
	Replicas struct {
		MinReady *int `json:"min_ready"`
		MaxReady *int `json:"max_ready"`
		First    *int `json:"first_ready"`
		Last     *int `json:"last_ready"`
		Path     []struct{ Spec, Ready int }
	}
	Syncs      struct{ Observed, Explained int }
	LongestGap int `json:"longest_gap_ms"`
	Load       *totals
}

// A load is the part of fib-loadgen/1 that is asserted.
type load struct {
	Totals totals
	Errors []struct {
		Class string
		Count int
		First float64 `json:"first_s"`
		Last  float64 `json:"last_s"`
	}
}

type totals struct {
	Requests, Sent, Failed, Wrong, Verified int
}

// A second is one second of load, with the answers by pod.
type second struct {
	at   time.Time
	pods map[string]int
}

// A step is a change of the target's size.
type step struct {
	at       time.Time
	replicas int
}

type trace struct {
	seconds []second
	steps   []step
}

func read(folder string) (*run, error) {
	var r run
	if err := readJSON(filepath.Join(folder, "result.json"), &r.result); err != nil {
		return nil, err
	}
	if err := readJSON(filepath.Join(folder, "rollout.json"), &r.rollout); err != nil {
		return nil, err
	}
	file, err := os.Open(filepath.Join(folder, "trace.jsonl"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r.trace, err = readTrace(bufio.NewReader(file))
	return &r, err
}

func readJSON(path string, into any) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("%s is not the expected document: %w", path, err)
	}
	return nil
}

// readTrace takes the load and the target's size out of a trace of hpa-check.
func readTrace(reader *bufio.Reader) (trace, error) {
	var t trace
	lines := bufio.NewScanner(reader)
	lines.Buffer(nil, 16<<20)
	for number := 1; lines.Scan(); number++ {
		var line struct {
			At           time.Time
			Seen         string
			Pods         map[string]int
			SpecReplicas int `json:"spec_replicas"`
		}
		// Other observations have keys of the same names and other kinds.
		var kind struct{ Seen string }
		if err := json.Unmarshal(lines.Bytes(), &kind); err != nil {
			return t, fmt.Errorf("line %d of the trace is not JSON: %w", number, err)
		}
		if kind.Seen != "load" && kind.Seen != "target" {
			continue
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return t, fmt.Errorf("line %d of the trace is not an observation: %w", number, err)
		}
		switch {
		case line.Seen == "load":
			t.seconds = append(t.seconds, second{line.At, line.Pods})
		case len(t.steps) == 0 || t.steps[len(t.steps)-1].replicas != line.SpecReplicas:
			t.steps = append(t.steps, step{line.At, line.SpecReplicas})
		}
	}
	return t, lines.Err()
}
