package main

import (
	"fmt"
	"sync"
	"time"

	"hpa-check/e2e/cluster/agreement"
	"hpa-check/e2e/cluster/scenario"
)

// A table has a row for each scenario that is over.
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
	fmt.Printf("    %-*s  %-13s  %-30s  %-30s  %7s  %s\n", t.width, "scenario", "mode", "expected", "got", "seconds", "syncs as the model")
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
	if all := g.agreement.Written + g.agreement.Silent; all > 0 {
		syncs = fmt.Sprintf("%d of %d", g.agreement.WrittenAgreed+g.agreement.SilentAgreed, all)
	}
	fmt.Printf("%-3s %-*s  %-13s  %-30s  %-30s  %7.1f  %s\n", mark, t.width, s.Name, t.mode, said(s.Expect), was, took.Seconds(), syncs)
	switch {
	case err != nil:
		fmt.Printf("    %v\n", err)
	case mark == "BAD":
		fmt.Printf("    %s\n", g.message)
	}
	for i, line := range g.agreement.Disagreements {
		g.agreement.Disagreements[i] = s.Name + " " + line
	}
	t.agreement.Add(g.agreement)
}

func said(e scenario.Expect) string { return fmt.Sprintf("%d %s", e.Exit, e.Reason) }

func (t *table) failed() int { return t.bad }

// end sums up.
func (t *table) end(took time.Duration) {
	fmt.Printf("\n%d of %d scenarios ended as expected, in %.0f s\n", t.rows-t.bad, t.rows, took.Seconds())
	a := t.agreement
	if a.Written+a.Silent == 0 {
		return
	}
	fmt.Printf("the model agrees with the controller's log in %d of %d decisions that the status showed, and %d of %d that it did not\n",
		a.WrittenAgreed, a.Written, a.SilentAgreed, a.Silent)
	for _, line := range a.Disagreements {
		fmt.Printf("  %s\n", line)
	}
}
