package agreement

import (
	"strings"
	"testing"
	"time"
)

const log = `I0101 00:00:10.000000    7 horizontal.go:907] "Proposing desired replicas" desiredReplicas=8 metric="cpu" scaleTarget="Deployment/one/fib-server"
I0101 00:00:10.000100    7 horizontal.go:907] "Proposing desired replicas" desiredReplicas=4 metric="cpu" scaleTarget="Deployment/two/fib-server"
I0101 00:00:10.000200    7 event.go:389] "Event occurred" object="one/fib-server" message="New size: 7; desiredReplicas=9"
I0101 00:00:10.010000    7 horizontal.go:981] "Successfully rescaled" HPA="one/fib-server" currentReplicas=3 desiredReplicas=7 reason="cpu above target"
I0101 00:00:11.000000    7 horizontal.go:907] "Proposing desired replicas" desiredReplicas=7 metric="cpu" scaleTarget="Deployment/one/fib-server"
I0101 00:00:11.000100    7 horizontal.go:1008] "Decided not to scale" scaleTarget="Deployment/one/fib-server" desiredReplicas=7 lastScaleTime=""
I0101 00:00:12.000000    7 horizontal.go:981] "Successfully rescaled" HPA="one/fib-server" currentReplicas=14 desiredReplicas=10 reason="above"
`

func at(second float64) time.Time {
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.Local).Add(time.Duration(second * float64(time.Second)))
}

func read(t *testing.T) []Sync {
	t.Helper()
	syncs, err := ReadLog(strings.NewReader(log), "one", "fib-server", "Deployment/fib-server", at(100))
	if err != nil {
		t.Fatal(err)
	}
	return syncs
}

func TestTheLogTellsOfEachSyncOfOneAutoscalerWhatWasProposedAndDecided(t *testing.T) {
	syncs := read(t)
	if len(syncs) != 3 {
		t.Fatalf("%d syncs were read", len(syncs))
	}
	first, second, third := syncs[0], syncs[1], syncs[2]
	if *first.Proposed != 8 || *first.Desired != 7 || !first.At.Equal(at(10.01)) {
		t.Errorf("the first is %+v", first)
	}
	if *second.Proposed != 7 || *second.Desired != 7 || third.Proposed != nil || *third.Desired != 10 {
		t.Errorf("the others are %+v and %+v", second, third)
	}
}

func TestALogOfNewYearsEveIsOfTheYearBefore(t *testing.T) {
	eve := strings.ReplaceAll(log, "I0101", "I1231")
	syncs, err := ReadLog(strings.NewReader(eve), "one", "fib-server", "Deployment/fib-server", at(5))
	if err != nil || syncs[0].At.Year() != 2025 {
		t.Errorf("%v, %v", syncs, err)
	}
}

func TestAnExcerptIsOfOneNamespaceAndNotOfOneWhoseNameGoesOn(t *testing.T) {
	var out strings.Builder
	lines := "a \"one/x\"\nb \"one-more/x\"\nc Deployment/one/x\nd namespace=\"one\"\n"
	if err := Excerpt(strings.NewReader(lines), "one", &out); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "a \"one/x\"\nc Deployment/one/x\nd namespace=\"one\"\n" {
		t.Errorf("the excerpt is %q", got)
	}
}

// result is a run that saw the first and the third sync in the status.
func result() *Result {
	seven, ten := 7, 10
	r := &Result{}
	r.Timeline.From, r.Timeline.Until = at(0), at(60)
	r.Timeline.Proposed = []Step{{at(10.05), Range{8, 9}}}
	r.Timeline.Syncs = []Record{
		{At: at(10.05), Desired: 7, Model: &seven, Proposed: &Range{8, 9}, Explained: true},
		{At: at(12.05), Desired: 10, Model: &ten, Explained: true},
	}
	return r
}

func TestDecisionsThatTheModelComesToAreCounted(t *testing.T) {
	a := Compare(result(), read(t))
	if a.Decided != 2 || a.DecidedAlike != 2 || a.Proposed != 1 || a.ProposedAlike != 1 {
		t.Errorf("%+v", a)
	}
}

func TestAProposalIsAlikeIfAnInterpretationComesToIt(t *testing.T) {
	for low, alike := range map[int]int{7: 1, 8: 1, 9: 0} {
		r := result()
		r.Timeline.Syncs[0].Proposed = &Range{low, 9}
		if a := Compare(r, read(t)[:1]); a.ProposedAlike != alike {
			t.Errorf("from %d on: %+v", low, a)
		}
	}
}

func TestASilentSyncIsHeldAgainstWhatTheModelHoldsPossibleThen(t *testing.T) {
	a := Compare(result(), read(t))
	if a.Silent != 1 || a.SilentAlike != 0 || len(a.Disagreements) != 1 || !strings.Contains(a.Disagreements[0].String(), "at 11.0 s") {
		t.Errorf("%+v", a)
	}
}

func TestARecordThatIsSeenLateIsStillOfItsLine(t *testing.T) {
	r := result()
	r.Timeline.Syncs[0].At = at(10.9)
	if a := Compare(r, read(t)[:1]); a.Decided != 1 || a.ProposedAlike != 1 || a.Silent != 0 {
		t.Errorf("%+v", a)
	}
}

// refused is a scaling whose status the API server rejects, so the next sync's status is the first to show its size.
const refused = `I0101 00:00:15.400000    7 horizontal.go:907] "Proposing desired replicas" desiredReplicas=2 metric="cpu" scaleTarget="Deployment/one/fib-server"
I0101 00:00:15.420000    7 horizontal.go:981] "Successfully rescaled" HPA="one/fib-server" currentReplicas=10 desiredReplicas=5 reason="All metrics below target"
I0101 00:00:16.410000    7 horizontal.go:907] "Proposing desired replicas" desiredReplicas=1 metric="cpu" scaleTarget="Deployment/one/fib-server"
I0101 00:00:16.410100    7 horizontal.go:1008] "Decided not to scale" scaleTarget="Deployment/one/fib-server" desiredReplicas=5 lastScaleTime=""
`

func TestARecordThatScalesNothingIsNotThatOfAScalingWhoseStatusWasRefused(t *testing.T) {
	syncs, err := ReadLog(strings.NewReader(refused), "one", "fib-server", "Deployment/fib-server", at(100))
	if err != nil || len(syncs) != 2 {
		t.Fatalf("%d syncs were read, %v", len(syncs), err)
	}
	five := 5
	r := &Result{}
	r.Timeline.From, r.Timeline.Until = at(0), at(60)
	r.Timeline.Proposed = []Step{{at(14.4), Range{2, 2}}, {at(16.42), Range{1, 1}}}
	r.Timeline.Syncs = []Record{
		{At: at(16.42), Current: 5, Desired: 5, Model: &five, Proposed: &Range{1, 1}, Explained: true},
	}
	a := Compare(r, syncs)
	if a.ProposedAlike != 1 || a.Silent != 1 || a.SilentAlike != 1 || len(a.Disagreements) != 0 {
		t.Errorf("%+v", a)
	}
	// A record that scales is that of the scaling, even if it is seen after the next sync.
	r.Timeline.Syncs[0] = Record{At: at(16.45), Current: 10, Desired: 5, Model: &five, Proposed: &Range{2, 2}, Explained: true}
	if a := Compare(r, syncs); a.ProposedAlike != 1 || a.SilentAlike != 1 || len(a.Disagreements) != 0 {
		t.Errorf("%+v", a)
	}
}

func TestARecordSeenAfterTheNextSyncBelongsToTheSyncThatWroteTheReplicas(t *testing.T) {
	r := result()
	r.Timeline.Syncs = r.Timeline.Syncs[:1]
	r.Timeline.Syncs[0].At = at(11.2)
	r.Timeline.Proposed = []Step{{at(5), Range{6, 7}}}
	a := Compare(r, read(t)[:2])
	if a.Decided != 1 || a.ProposedAlike != 1 || a.Silent != 1 || a.SilentAlike != 1 {
		t.Errorf("%+v", a)
	}
}

// failing is a rejected sync that scales nothing, after one that repeats the decision and shows in no status.
const failing = `I0101 00:00:20.000000    7 horizontal.go:907] "Proposing desired replicas" desiredReplicas=2 metric="cpu" scaleTarget="Deployment/one/fib-server"
I0101 00:00:20.000100    7 horizontal.go:1008] "Decided not to scale" scaleTarget="Deployment/one/fib-server" desiredReplicas=3 lastScaleTime=""
I0101 00:00:21.000000    7 horizontal.go:907] "Proposing desired replicas" desiredReplicas=15 metric="cpu" scaleTarget="Deployment/one/fib-server"
E0101 00:00:21.010000    7 horizontal.go:289] "Unhandled Error" err="failed to rescale Deployment/one/fib-server: deployments.apps \"fib-server\" is forbidden" logger="UnhandledError"
E0101 00:00:22.000000    7 horizontal.go:289] "Unhandled Error" err="failed to compute desired number of replicas based on listed metrics for Deployment/one/fib-server: invalid metrics (1 invalid out of 2)" logger="UnhandledError"
E0101 00:00:22.100000    7 horizontal.go:289] "Unhandled Error" err="failed to rescale Deployment/two/fib-server: no" logger="UnhandledError"
`

func TestASyncThatFailsIsOneOfItsOwnAndTheRecordOfItIsNotAnOlderDecisions(t *testing.T) {
	syncs, err := ReadLog(strings.NewReader(failing), "one", "fib-server", "Deployment/fib-server", at(100))
	if err != nil || len(syncs) != 3 {
		t.Fatalf("%d syncs were read, %v", len(syncs), err)
	}
	if syncs[1].Desired != nil || *syncs[1].Proposed != 15 || syncs[2].Desired != nil || syncs[2].Proposed != nil {
		t.Errorf("those that fail are %+v and %+v", syncs[1], syncs[2])
	}
	three := 3
	r := &Result{}
	r.Timeline.From, r.Timeline.Until = at(0), at(60)
	r.Timeline.Proposed = []Step{{at(19), Range{2, 2}}, {at(21.01), Range{15, 15}}}
	r.Timeline.Syncs = []Record{
		{At: at(21.02), Desired: 3, Model: &three, Proposed: &Range{15, 15}, Explained: true},
		{At: at(22.01), Desired: 3, Explained: true, Sentence: "no proposal: invalid metrics"},
	}
	a := Compare(r, syncs)
	if a.Decided != 2 || a.DecidedAlike != 2 || a.Proposed != 1 || a.ProposedAlike != 1 || a.SilentAlike != 1 {
		t.Errorf("%+v", a)
	}
}

// slow has two consecutive syncs whose update is rejected, on a machine so busy that each error is logged long
// after the decision and after the status was observed.
const slow = `I0101 00:00:30.000000    7 horizontal.go:846] "Proposing desired replicas" desiredReplicas=15 metric="cpu" scaleTarget="Deployment/one/fib-server"
E0101 00:00:30.480000    7 horizontal.go:275] "Unhandled Error" err="failed to rescale Deployment/one/fib-server: the object has been modified" logger="UnhandledError"
I0101 00:00:31.400000    7 horizontal.go:846] "Proposing desired replicas" desiredReplicas=9 metric="cpu" scaleTarget="Deployment/one/fib-server"
E0101 00:00:32.200000    7 horizontal.go:275] "Unhandled Error" err="failed to rescale Deployment/one/fib-server: the object has been modified" logger="UnhandledError"
E0101 00:00:33.200000    7 horizontal.go:275] "Unhandled Error" err="failed to compute desired number of replicas based on listed metrics for Deployment/one/fib-server: none" logger="UnhandledError"
`

func TestARecordIsSeenBeforeTheErrorOfItsSyncIsLogged(t *testing.T) {
	syncs, err := ReadLog(strings.NewReader(slow), "one", "fib-server", "Deployment/fib-server", at(100))
	if err != nil || len(syncs) != 3 || !syncs[0].At.Equal(at(30)) || !syncs[1].At.Equal(at(31.4)) {
		t.Fatalf("%v, %v", syncs, err)
	}
	seven := 7
	r := &Result{}
	r.Timeline.From, r.Timeline.Until = at(0), at(60)
	r.Timeline.Syncs = []Record{
		{At: at(30.42), Desired: 7, Model: &seven, Proposed: &Range{15, 15}, Explained: true},
		{At: at(32.15), Desired: 7, Model: &seven, Proposed: &Range{9, 9}, Explained: true},
		{At: at(33.1), Desired: 7, Explained: true, Sentence: "no proposal"},
	}
	if a := Compare(r, syncs); a.Decided != 3 || a.ProposedAlike != 2 || len(a.Disagreements) != 0 {
		t.Errorf("%+v", a)
	}
}

func TestEachKindOfDisagreementIsToldApart(t *testing.T) {
	four := 4
	for want, spoil := range map[string]func(*Result){
		"saw 4":                     func(r *Result) { r.Timeline.Syncs[0].Desired = 4 },
		"the model 9":               func(r *Result) { r.Timeline.Syncs[0].Proposed = &Range{9, 9} },
		"who knows":                 func(r *Result) { r.Timeline.Syncs[0].Explained, r.Timeline.Syncs[0].Sentence = false, "who knows" },
		"the model decides nothing": func(r *Result) { r.Timeline.Syncs[0].Model = &four },
	} {
		r := result()
		spoil(r)
		a := Compare(r, read(t)[:1])
		if a.Decided != 1 || a.ProposedAlike != 0 || len(a.Disagreements) != 1 || !strings.Contains(a.Disagreements[0].Text, want) {
			t.Errorf("%q: %+v", want, a)
		}
	}
}
