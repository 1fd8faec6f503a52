package main

import (
	"fmt"
	"strings"
)

// What this repository's manifests promise, and how balanced the load must be.
const (
	fewest, most = 3, 10
	mostOverMean = 1.3
)

// summary summarizes a run that passed.
func (r *run) summary() []string {
	var path []string
	for i, point := range r.result.Replicas.Path {
		if i == 0 || point.Ready != r.result.Replicas.Path[i-1].Ready {
			path = append(path, fmt.Sprint(point.Ready))
		}
	}
	lines := []string{
		fmt.Sprintf("verdict: %s", r.result.Verdict.Outcome),
		fmt.Sprintf("ready pods: %s", strings.Join(path, " → ")),
		fmt.Sprintf("syncs explained by the model: %d of %d; longest gap in the watch: %d ms",
			r.result.Syncs.Explained, r.result.Syncs.Observed, r.result.LongestGap),
	}
	if load := r.result.Load; load != nil {
		lines = append(lines, told("requests", load.Requests, *load))
	}
	lines = append(lines, told("requests through a rolling update and a pod's deletion", r.rollout.Totals.Sent, r.rollout.Totals))
	if spread, ok := r.trace.spreadAfterScaleUp(); ok {
		lines = append(lines, fmt.Sprintf("busiest of %d pods: %.2f times its share of %d answers, in the minute that ends two minutes after the last scale-up",
			spread.pods, spread.overMean(), spread.answers))
	}
	return lines
}

func told(what string, requests int, t totals) string {
	return fmt.Sprintf("%s: %d, %d failed, %d wrong, %d verified", what, requests, t.Failed, t.Wrong, t.Verified)
}

// missing lists what was not proven, one sentence each.
func (r *run) missing() []string {
	var sentences []string
	not := func(format string, args ...any) { sentences = append(sentences, fmt.Sprintf(format, args...)) }
	if r.result.Verdict.Outcome != "pass" {
		not("the verdict is %s, not pass: %s", r.result.Verdict.Outcome, r.firstReason())
	}
	replicas := r.result.Replicas
	for _, want := range []struct {
		what   string
		ready  *int
		wanted int
	}{
		{"ready at first", replicas.First, fewest},
		{"ready at least", replicas.MinReady, fewest},
		{"ready at most", replicas.MaxReady, most},
		{"ready at the end", replicas.Last, fewest},
	} {
		if want.ready == nil || *want.ready != want.wanted {
			not("%s pods were %s, not %d", orNone(want.ready), want.what, want.wanted)
		}
	}
	if syncs := r.result.Syncs; syncs.Observed == 0 || syncs.Explained != syncs.Observed {
		not("the model explains %d of %d syncs", syncs.Explained, syncs.Observed)
	}
	if load := r.result.Load; load == nil {
		not("the run has no account of its load")
	} else {
		sentences = append(sentences, lost("the run", load.Requests, *load)...)
	}
	sentences = append(sentences, lost("the rolling update", r.rollout.Totals.Sent, r.rollout.Totals)...)
	if spread, ok := r.trace.spreadAfterScaleUp(); !ok {
		not("the load did not last for two minutes after the last scale-up, so its spread can't be told")
	} else if spread.overMean() > mostOverMean {
		not("the busiest pod had %.2f times its share of the answers, more than %.1f", spread.overMean(), mostOverMean)
	}
	return sentences
}

// lost says how many requests were lost.
func lost(when string, requests int, t totals) []string {
	if requests > 0 && t.Failed == 0 && t.Wrong == 0 && t.Verified == requests {
		return nil
	}
	return []string{fmt.Sprintf("%s sent %d requests, of which %d failed, %d were wrong and %d were verified",
		when, requests, t.Failed, t.Wrong, t.Verified)}
}

func (r *run) firstReason() string {
	if len(r.result.Verdict.Reasons) == 0 {
		return "it has no reason"
	}
	first := r.result.Verdict.Reasons[0]
	return first.ID + ", " + first.Message
}

func orNone(number *int) string {
	if number == nil {
		return "no"
	}
	return fmt.Sprint(*number)
}
