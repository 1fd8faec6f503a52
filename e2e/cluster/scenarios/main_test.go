package main

import (
	"strings"
	"testing"

	"hpa-check/e2e/cluster/scenario"
)

func TestScenariosShareAClusterUnlessTheyCountItsCPU(t *testing.T) {
	sound, other := &scenario.Scenario{Name: "a"}, &scenario.Scenario{Name: "b"}
	if placeOf(sound) != placeOf(other) {
		t.Error("two sound ones are apart")
	}
	sound.Cluster.NodeCPU, other.Cluster.NodeCPU = "4", "4"
	if placeOf(sound) == placeOf(other) {
		t.Error("two with a node are together")
	}
	other.Cluster = scenario.Cluster{MetricsAPI: "absent"}
	if placeOf(&scenario.Scenario{}) == placeOf(other) {
		t.Error("one without metrics is among the sound ones")
	}
}

func TestANameThatCannotBePlayedIsRefused(t *testing.T) {
	all := []*scenario.Scenario{{Name: "a", Modes: []string{scenario.ControlPlane}}, {Name: "b", Modes: []string{scenario.Node}}}
	if chosen, err := choose(all, scenario.ControlPlane, nil); err != nil || len(chosen) != 1 {
		t.Errorf("%v, %v", chosen, err)
	}
	for _, name := range []string{"b", "c"} {
		if _, err := choose(all, scenario.ControlPlane, []string{name}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s gives %v", name, err)
		}
	}
}

func TestANodeIsNotStartedHereAndAControlPlaneNotTaken(t *testing.T) {
	for _, args := range [][]string{{"--mode", "node"}, {"--kubeconfig", "x"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%v was taken", args)
		}
	}
}
