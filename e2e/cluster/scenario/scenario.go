// Package scenario reads the scenarios in e2e/scenarios: what is in the cluster, what happens to it, and what
// hpa-check must report.
package scenario

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// A Scenario is one file. It extends the scenario that it is from.
type Scenario struct {
	// Name is the file's name.
	Name string `json:"-"`
	// About says in one sentence what the scenario shows.
	About string `json:"about"`
	// From is the neighbor that this one differs from.
	From string `json:"from,omitempty"`
	// Modes are the clusters that can show it; by default its parent's, and without a parent both.
	Modes []string `json:"modes,omitempty"`
	// Cluster is what differs in the cluster itself, so that the scenario needs a cluster of its own.
	Cluster Cluster `json:"cluster,omitzero"`
	// Patches change one field of the manifests each.
	Patches []Patch `json:"patches,omitempty"`
	// Objects are other objects in the namespace.
	Objects []map[string]any `json:"objects,omitempty"`
	// Script is what happens.
	Script []Step `json:"script,omitempty"`
	// Flags are flags for hpa-check run.
	Flags []string `json:"flags,omitempty"`
	// Expect is what hpa-check must report.
	Expect Expect `json:"expect"`
	// Doctor is what `hpa-check doctor` must report after the run, if it is set.
	Doctor *Expect `json:"doctor,omitempty"`
	// Before is what it must report on an older Kubernetes, whose controller has a different rule.
	Before *Before `json:"before,omitempty"`
}

// Before is the end of the check on Kubernetes older than a minor version.
type Before struct {
	// Minor is the first minor version of Kubernetes 1 with the rule.
	Minor int `json:"minor"`
	Expect
}

// On returns the scenario as it is on a minor version of Kubernetes 1.
func (s Scenario) On(minor int) *Scenario {
	if s.Before != nil && minor < s.Before.Minor {
		s.Expect = s.Before.Expect
	}
	return &s
}

// A Cluster has the settings that scenarios in one cluster share. Its zero value is a healthy cluster.
type Cluster struct {
	// MetricsAPI is served, absent (nothing is registered) or unavailable (registered, and not answering).
	MetricsAPI string `json:"metricsAPI,omitempty"`
	// MetricsVersions are the registered versions; by default only v1beta1.
	MetricsVersions string `json:"metricsVersions,omitempty"`
	// NodeCPU is the allocatable CPU of the only node; by default there is no node.
	NodeCPU string `json:"nodeCPU,omitempty"`
}

// Expect is the end of the check.
type Expect struct {
	// Exit is hpa-check's exit code.
	Exit int `json:"exit"`
	// Reason is the verdict's first reason; doctor has none if it finds nothing.
	Reason string `json:"reason,omitempty"`
}

// A Mode is a kind of cluster, and how scenarios are run in it.
type Mode struct {
	// Name is the file's name: control-plane or node.
	Name string `json:"-"`
	// Controller are the settings that `cluster up` and hpa-check both take.
	Controller Controller `json:"controller"`
	// Patches adapt the manifests, mostly their periods.
	Patches []Patch `json:"patches,omitempty"`
	// Image is fib-server's image in this mode; by default the one in the manifests.
	Image string `json:"image,omitempty"`
	// Flags are flags for hpa-check run.
	Flags []string `json:"flags,omitempty"`
	// Load are the load generator's flags on a node, by default hpa-check's own. In a control plane the script is the load.
	Load []string `json:"load,omitempty"`
	// Parallel is how many scenarios run at once in one cluster.
	Parallel int `json:"parallel"`
}

// A Controller has the flags of kube-controller-manager and metrics-server that set the periods.
type Controller struct {
	SyncPeriod       metav1.Duration `json:"syncPeriod"`
	Stabilization    metav1.Duration `json:"downscaleStabilization"`
	Initialization   metav1.Duration `json:"cpuInitializationPeriod"`
	ReadinessDelay   metav1.Duration `json:"initialReadinessDelay"`
	MetricResolution metav1.Duration `json:"metricResolution"`
}

// The modes.
const (
	ControlPlane = "control-plane"
	Node         = "node"
)

// LoadMode reads the settings for running scenarios in a kind of cluster.
func LoadMode(dir, name string) (*Mode, error) {
	mode := &Mode{Name: name}
	file := filepath.Join(dir, "modes", name+".yaml")
	if err := read(file, mode); err != nil {
		return nil, err
	}
	if mode.Parallel < 1 {
		return nil, fmt.Errorf("%s: parallel is %d, but must be at least 1", file, mode.Parallel)
	}
	return mode, nil
}

// Load reads every scenario of a folder with everything it inherits, sorted by name.
func Load(dir string) ([]*Scenario, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no scenarios (*.yaml)", dir)
	}
	own := map[string]*Scenario{}
	for _, file := range files {
		s := &Scenario{Name: strings.TrimSuffix(filepath.Base(file), ".yaml")}
		if err := read(file, s); err != nil {
			return nil, err
		}
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		own[s.Name] = s
	}
	var whole []*Scenario
	for _, file := range files {
		s, err := resolve(own, strings.TrimSuffix(filepath.Base(file), ".yaml"), nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		whole = append(whole, s)
	}
	return whole, nil
}

func read(file string, into any) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(content, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

func (s *Scenario) check() error {
	if s.About == "" {
		return fmt.Errorf("about is empty, but should say in one sentence what the scenario shows")
	}
	if s.Expect.Reason == "" {
		return fmt.Errorf("expect.reason is empty, but should name the verdict's first reason (docs/findings.md)")
	}
	if s.Before != nil && (s.Before.Minor == 0 || s.Before.Reason == "") {
		return fmt.Errorf("before is incomplete, but should have a minor version, an exit code and a reason")
	}
	if api := s.Cluster.MetricsAPI; !slices.Contains([]string{"", "served", "absent", "unavailable"}, api) {
		return fmt.Errorf("cluster.metricsAPI is %q, but must be served, absent or unavailable", api)
	}
	for _, mode := range s.Modes {
		if mode != ControlPlane && mode != Node {
			return fmt.Errorf("there is no mode %q, only %s and %s", mode, ControlPlane, Node)
		}
	}
	if s.Cluster != (Cluster{}) && !slices.Equal(s.Modes, []string{ControlPlane}) {
		return fmt.Errorf("cluster is set, which only works in a control plane: set modes: [%s]", ControlPlane)
	}
	for i, step := range s.Script {
		if err := step.check(); err != nil {
			return fmt.Errorf("script[%d]: %w", i, err)
		}
	}
	return nil
}

// resolve returns a scenario with everything it inherits; trail are the scenarios being resolved.
func resolve(own map[string]*Scenario, name string, trail []string) (*Scenario, error) {
	s, ok := own[name]
	if !ok {
		return nil, fmt.Errorf("from names %q, which does not exist", name)
	}
	if slices.Contains(trail, name) {
		return nil, fmt.Errorf("from is circular: %s", strings.Join(append(trail, name), ", "))
	}
	if s.From == "" {
		whole := *s
		if whole.Modes == nil {
			whole.Modes = []string{ControlPlane, Node}
		}
		return &whole, nil
	}
	base, err := resolve(own, s.From, append(trail, name))
	if err != nil {
		return nil, err
	}
	whole := *s
	whole.Patches = slices.Concat(base.Patches, s.Patches)
	whole.Objects = slices.Concat(base.Objects, s.Objects)
	whole.Script = slices.Concat(base.Script, s.Script)
	whole.Flags = slices.Concat(base.Flags, s.Flags)
	if whole.Modes == nil {
		whole.Modes = base.Modes
	}
	if whole.Cluster == (Cluster{}) {
		whole.Cluster = base.Cluster
	}
	return &whole, nil
}

// Differences counts how a scenario differs from its parent. A patch counts as one difference, and so does everything that
// happens in one phase.
func (s *Scenario) Differences() int {
	phases := map[string]bool{}
	for _, step := range s.Script {
		phases[step.Phase] = true
	}
	n := len(s.Patches) + len(s.Objects) + len(phases) + len(s.Flags)
	if s.Cluster != (Cluster{}) {
		n++
	}
	return n
}

// In reports whether a kind of cluster can run the scenario.
func (s *Scenario) In(mode string) bool { return slices.Contains(s.Modes, mode) }

// String is the cluster's difference as people read it.
func (c Cluster) String() string {
	if c == (Cluster{}) {
		return "sound"
	}
	text, _ := json.Marshal(c) // of strings alone, it can't fail
	return string(text)
}
