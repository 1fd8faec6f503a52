package main

import (
	"strings"
	"testing"
)

func TestTwoNamesShareNothing(t *testing.T) {
	one, two := &plan{Name: "default"}, &plan{Name: "second"}
	for _, of := range []func(*plan) string{
		(*plan).nodeSubnet, (*plan).podSubnet, (*plan).serviceSubnet, (*plan).hostLink, (*plan).nodeLink, (*plan).cgroup,
	} {
		if of(one) == of(two) {
			t.Errorf("both have %s", of(one))
		}
	}
}

func TestAnInterfaceNameFitsTheKernelsFifteenBytes(t *testing.T) {
	for _, name := range []string{"default", "a", "twenty-letters-in-one"} {
		p := &plan{Name: name}
		if len(p.hostLink()) > 15 || len(p.nodeLink()) > 15 {
			t.Errorf("%s and %s are too long", p.hostLink(), p.nodeLink())
		}
	}
}

func TestANameThatCannotBeAFolderIsRefused(t *testing.T) {
	for _, name := range []string{"", "../x", "A", "a b", strings.Repeat("a", 21)} {
		if _, err := parsePlan("up", []string{"--name", name}, true); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
}

func TestAResolutionBelowTheLeastIsRefused(t *testing.T) {
	if _, err := parsePlan("up", []string{"--metric-resolution", "5s"}, true); err == nil {
		t.Error("5s was taken")
	}
}
