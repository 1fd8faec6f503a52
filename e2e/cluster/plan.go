package main

import (
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// A plan is everything about a cluster that is derived from its name and settings. Clusters with different names share no
// address, interface, cgroup or folder.
type plan struct {
	Name string
	Dir  string // the state folder
	Bin  string // where metrics-server is

	// ControlPlane leaves the node out: no root is needed, everything is on loopback.
	ControlPlane bool
	// Stay keeps `up` running, and ends the cluster when `up` is stopped or killed.
	Stay bool

	// Settings of the controller manager and metrics-server.
	SyncPeriod       time.Duration
	Stabilization    time.Duration
	Initialization   time.Duration
	ReadinessDelay   time.Duration
	MetricResolution time.Duration

	// How long after its exit a component is restarted; zero is never.
	Restart time.Duration
}

const nodeName = "node1"

var validName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,19}$`)

// parsePlan reads the flags that every command has, and for `up` the settings too.
func parsePlan(command string, args []string, settings bool) (*plan, error) {
	p := &plan{}
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.StringVar(&p.Name, "name", "default", "name of the cluster; clusters of different names run side by side")
	root := flags.String("state", "", "folder for the state of all clusters [default: next to this program]")
	if settings {
		flags.BoolVar(&p.ControlPlane, "control-plane", false, "only etcd, API server and controller manager, on loopback; needs no root")
		flags.BoolVar(&p.Stay, "stay", false, "keep running, and end the cluster on Ctrl-C, SIGTERM or the end of this process")
		flags.DurationVar(&p.SyncPeriod, "sync-period", 15*time.Second, "time between two syncs of the autoscaler")
		flags.DurationVar(&p.Stabilization, "downscale-stabilization", 5*time.Minute, "scale-down window if the spec has none")
		flags.DurationVar(&p.Initialization, "cpu-initialization-period", 5*time.Minute, "how long a pod is young")
		flags.DurationVar(&p.ReadinessDelay, "initial-readiness-delay", 30*time.Second, "how long readiness may flicker")
		flags.DurationVar(&p.MetricResolution, "metric-resolution", 15*time.Second, "time between two samples, at least 10s")
		flags.DurationVar(&p.Restart, "restart", 0, "restart a component this long after its exit [default: never]")
	}
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if !validName.MatchString(p.Name) {
		return nil, fmt.Errorf("the name %q is not valid for an interface and a folder; use up to 20 lower-case letters, digits and dashes", p.Name)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p.Bin = filepath.Dir(self)
	if *root == "" {
		*root = filepath.Join(p.Bin, "..", "clusters")
	}
	if *root, err = filepath.Abs(*root); err != nil {
		return nil, err
	}
	p.Dir = filepath.Join(*root, p.Name)
	if settings && p.MetricResolution < 10*time.Second {
		return nil, fmt.Errorf("metric-resolution %s is below metrics-server's minimum of 10s", p.MetricResolution)
	}
	return p, nil
}

// number is the cluster's own third byte in its subnets.
func (p *plan) number() int {
	if p.Name == "default" {
		return 0
	}
	h := fnv.New32a()
	h.Write([]byte(p.Name))
	return 1 + int(h.Sum32()%254)
}

func (p *plan) nodeIP() string        { return fmt.Sprintf("10.245.%d.1", p.number()) }
func (p *plan) hostIP() string        { return fmt.Sprintf("10.245.%d.2", p.number()) }
func (p *plan) nodeSubnet() string    { return fmt.Sprintf("10.245.%d.0/24", p.number()) }
func (p *plan) podSubnet() string     { return fmt.Sprintf("10.244.%d.0/24", p.number()) }
func (p *plan) serviceSubnet() string { return fmt.Sprintf("10.243.%d.0/24", p.number()) }
func (p *plan) serviceIP() string     { return fmt.Sprintf("10.243.%d.1", p.number()) }
func (p *plan) hostLink() string      { return fmt.Sprintf("hpae2e%dh", p.number()) }
func (p *plan) nodeLink() string      { return fmt.Sprintf("hpae2e%dn", p.number()) }
func (p *plan) cgroup() string        { return "hpa-e2e-" + p.Name }
func (p *plan) path(parts ...string) string {
	return filepath.Join(append([]string{p.Dir}, parts...)...)
}
func (p *plan) pki(file string) string { return p.path("pki", file) }
func (p *plan) kubeconfig() string     { return p.pki("admin.kubeconfig") }

// args are the flags for restarting the supervisor and the node.
func (p *plan) args() []string {
	return []string{
		"--name", p.Name, "--state", filepath.Dir(p.Dir), fmt.Sprintf("--control-plane=%t", p.ControlPlane),
		"--sync-period", p.SyncPeriod.String(), "--downscale-stabilization", p.Stabilization.String(),
		"--cpu-initialization-period", p.Initialization.String(), "--initial-readiness-delay", p.ReadinessDelay.String(),
		"--metric-resolution", p.MetricResolution.String(), "--restart", p.Restart.String(),
	}
}

func kubeconfig(args []string) error {
	p, err := parsePlan("kubeconfig", args, false)
	if err != nil {
		return err
	}
	if _, err := os.Stat(p.kubeconfig()); err != nil {
		return fmt.Errorf("no cluster named %q is running; start it with: up --name %s", p.Name, p.Name)
	}
	fmt.Println(p.kubeconfig())
	return nil
}
