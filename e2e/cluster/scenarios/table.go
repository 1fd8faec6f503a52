package main

import (
	"fmt"
	"sync"
	"time"

	"hpa-check/e2e/cluster/agreement"
	"hpa-check/e2e/cluster/scenario"
)

// A table has a row for each finished scenario.
type table struct {
	lock      sync.Mutex
	mode      string
	width     int
	bad       int
	rows      int
	agreement agreement.Agreement
}

func newTable(scenarios []*scenario.Scenario, mode string) *table {
	t := &table{mode: mode}
	for _, s := range scenarios {
		t.width = max(t.width, len(s.Name))
	}
	fmt.Printf("    %-*s  %-13s  %-30s  %-30s  %7s  %s\n", t.width, "scenario", "mode", "expected", "got", "seconds", "decided as the model")
	return t
}

func (t *table) add(s *scenario.Scenario, g got, err error, took time.Duration) {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.rows++
	mark, was := "ok", said(g.Expect)
	if err != nil {
		was = "-"
	}
	if err != nil || g.Expect != s.Expect {
		mark = "BAD"
		t.bad++
	}
	syncs := ""
	if g.agreement.Decided > 0 {
		syncs = fmt.Sprintf("%d of %d", g.agreement.DecidedAlike, g.agreement.Decided)
	}
	fmt.Printf("%-3s %-*s  %-13s  %-30s  %-30s  %7.1f  %s\n", mark, t.width, s.Name, t.mode, said(s.Expect), was, took.Seconds(), syncs)
	switch {
	case err != nil:
		fmt.Printf("    %v\n", err)
	case mark == "BAD":
		fmt.Printf("    %s\n", g.message)
	}
	for i := range g.agreement.Disagreements {
		g.agreement.Disagreements[i].About = s.Name
	}
	t.agreement.Add(g.agreement)
}

func said(e scenario.Expect) string { return fmt.Sprintf("%d %s", e.Exit, e.Reason) }

func (t *table) failed() int { return t.bad }

// end prints the summary.
func (t *table) end(took time.Duration) {
	fmt.Printf("\n%d of %d scenarios ended as expected, in %.0f s\n", t.rows-t.bad, t.rows, took.Seconds())
	a := t.agreement
	if a.Decided+a.Silent == 0 {
		return
	}
	fmt.Println(a.Summary())
	for _, d := range a.Disagreements {
		fmt.Printf("  %-*s  %s\n", t.width, d.About, d)
	}
}
