package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// inside is a command in the node's mount and process namespaces, run from outside.
func inside(p *plan, command ...string) (*exec.Cmd, error) {
	pid, err := os.ReadFile(p.path("node.pid"))
	if err != nil {
		return nil, fmt.Errorf("no cluster named %q is running", p.Name)
	}
	args := []string{"--mount", "--pid", "--target", strings.TrimSpace(string(pid)), "--"}
	return exec.Command("nsenter", append(args, command...)...), nil
}

// enter -- COMMAND runs a command in a cluster's mounts and processes, such as ctr.
func enter(args []string) error {
	end := slices.Index(args, "--")
	if end < 0 || end == len(args)-1 {
		return errors.New("expected [--name CLUSTER] -- COMMAND")
	}
	p, err := parsePlan("enter", args[:end], false)
	if err != nil {
		return err
	}
	command, err := inside(p, args[end+1:]...)
	if err != nil {
		return err
	}
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	return command.Run()
}

// kill COMPONENT kills a component, like a crash.
func kill(args []string) error {
	if len(args) == 0 {
		return errors.New("expected COMPONENT [--name CLUSTER]")
	}
	p, err := parsePlan("kill", args[1:], false)
	if err != nil {
		return err
	}
	pid, err := os.ReadFile(p.path(args[0] + ".pid"))
	if err != nil {
		return fmt.Errorf("the cluster %q is not running a component %q", p.Name, args[0])
	}
	command, err := inside(p, "kill", "-KILL", strings.TrimSpace(string(pid)))
	if err != nil {
		return err
	}
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s can't be killed: %s", args[0], strings.TrimSpace(string(out)))
	}
	return nil
}
