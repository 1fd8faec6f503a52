package scenario

import (
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

var begun = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func script(t *testing.T, text string) []Step {
	t.Helper()
	var steps []Step
	if err := yaml.UnmarshalStrict([]byte(text), &steps); err != nil {
		t.Fatal(err)
	}
	return steps
}

func second(n float64) time.Time { return begun.Add(time.Duration(n * float64(time.Second))) }

func load(steps []Step, run *Run, at float64) string {
	world := At(steps, run, second(at))
	return world.Load.String()
}

func TestAStepHoldsFromItsPhaseOnAndALaterOneTakesItsPlace(t *testing.T) {
	steps := script(t, `
- {load: 150m}
- {phase: up, load: 1500m}
- {phase: up, after: 3s, load: 2}
`)
	run := &Run{Begun: begun, Phases: []PhaseStart{{"baseline", second(1)}, {"up", second(10)}, {"down", second(20)}}}
	for at, want := range map[float64]string{0: "150m", 9.9: "150m", 10: "1500m", 12.9: "1500m", 13: "2", 25: "2"} {
		if got := load(steps, run, at); got != want {
			t.Errorf("at %v s the load is %s, not %s", at, got, want)
		}
	}
}

func TestOfTwoStepsAtOneInstantTheOneFurtherDownCounts(t *testing.T) {
	steps := script(t, `
- {phase: down, load: 150m}
- {phase: down, load: 1500m}
`)
	run := &Run{Begun: begun, Phases: []PhaseStart{{"down", second(1)}}}
	if got := load(steps, run, 2); got != "1500m" {
		t.Errorf("the load is %s", got)
	}
}

func TestAStepThatIsNotReachedInItsPhaseNeverComes(t *testing.T) {
	steps := script(t, `
- {load: 150m}
- {phase: up, after: 30s, load: 1500m}
`)
	run := &Run{Begun: begun, Phases: []PhaseStart{{"up", second(10)}, {"hold", second(20)}}}
	if got := load(steps, run, 60); got != "150m" {
		t.Errorf("the load is %s", got)
	}
}

func TestAStepThatLastsIsTakenBackAndMayComeAgain(t *testing.T) {
	steps := script(t, `
- {load: 150m}
- {phase: up, every: 8s, lasts: 4s, load: 1500m}
`)
	run := &Run{Begun: begun, Phases: []PhaseStart{{"up", begun}}}
	for at, want := range map[float64]string{1: "1500m", 5: "150m", 9: "1500m", 13: "150m"} {
		if got := load(steps, run, at); got != want {
			t.Errorf("at %v s the load is %s, not %s", at, got, want)
		}
	}
}

func TestAnActIsDoneOnceForEachTimeThatItIsDue(t *testing.T) {
	steps := script(t, `[{phase: up, after: 1s, every: 3s, do: {as: somebody, delete: Deployment/a}}]`)
	run := &Run{Begun: begun, Phases: []PhaseStart{{"up", begun}, {"down", second(8)}}}
	done := map[int]int{}
	var at []float64
	for now := 0.0; now < 20; now += 0.5 {
		if len(Due(steps, run, second(now), done)) > 0 {
			at = append(at, now)
		}
	}
	if len(at) != 3 || at[0] != 1 || at[1] != 4 || at[2] != 7 {
		t.Errorf("it was done at %v, not at 1, 4 and 7 s", at)
	}
}
