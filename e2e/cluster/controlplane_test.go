package main

import (
	"net"
	"slices"
	"strings"
	"testing"
)

func TestTwoControlPlanesShareNoPort(t *testing.T) {
	one, two := &plan{Name: "default", ControlPlane: true}, &plan{Name: "second", ControlPlane: true}
	seen := map[int]bool{}
	for _, p := range []*plan{one, two} {
		for _, port := range []int{p.apiPort(), p.etcdPort(), p.etcdPort() + 1, p.controllersPort()} {
			if seen[port] {
				t.Errorf("the port %d is given twice", port)
			}
			seen[port] = true
		}
	}
}

func TestAControlPlaneIsOnLoopbackAndANodeIsNot(t *testing.T) {
	alone, node := &plan{Name: "a", ControlPlane: true}, &plan{Name: "a"}
	if !strings.HasPrefix(alone.server(), "https://127.0.0.1:") || strings.Contains(node.server(), "127.0.0.1") {
		t.Errorf("they are at %s and %s", alone.server(), node.server())
	}
}

func TestATakenPortIsRefusedInOneSentence(t *testing.T) {
	p := &plan{Name: "taken", Dir: t.TempDir(), ControlPlane: true}
	listener, err := net.Listen("tcp", strings.TrimPrefix(p.server(), "https://"))
	if err != nil {
		t.Skip("the port is taken already")
	}
	defer listener.Close()
	if err := refuseControlPlane(p); err == nil || !strings.Contains(err.Error(), "choose another --name") {
		t.Errorf("the answer is %v", err)
	}
}

func TestTheKeeperIsToldWhatKindOfClusterItKeeps(t *testing.T) {
	p, err := parsePlan("up", []string{"--control-plane", "--name", "a"}, true)
	if err != nil {
		t.Fatal(err)
	}
	again, err := parsePlan("supervise", p.args(), true)
	if err != nil || !again.ControlPlane {
		t.Errorf("%+v, %v", again, err)
	}
	if !slices.Equal(p.args()[:2], []string{"--name", "a"}) {
		t.Error("down finds the supervisor by its first flag")
	}
}

func TestPodsReachTheAPIServerByItsService(t *testing.T) {
	node := &machine{plan: &plan{Name: "a"}}
	if flags := node.apiserver(); !slices.Contains(flags, "--endpoint-reconciler-type=lease") {
		t.Errorf("nobody writes the endpoints of the Service kubernetes: %v", flags)
	}
}
