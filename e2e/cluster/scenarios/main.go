// Command scenarios runs the scenarios in e2e/scenarios, each watched by an hpa-check, and reports whether hpa-check
// reached the expected verdict.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/klog/v2"

	"hpa-check/e2e/cluster/scenario"
)

// Settings are the flags.
type settings struct {
	mode, scenarios, manifests, out, hpaCheck, cluster, kubeconfig, controllerLog string
	parallel                                                                      int
	list                                                                          bool
	names                                                                         []string
}

// Theatre is shared by all scenarios.
type theatre struct {
	settings
	mode      *scenario.Mode
	manifests []*unstructured.Unstructured
	slots     chan struct{}
	starting  sync.Mutex
	table     *table
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	klog.SetLogger(logr.Discard()) // client-go's messages when a cluster shuts down
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "scenarios: %v\n", err)
		os.Exit(1)
	}
}

func parse(args []string) (*settings, error) {
	s := &settings{}
	flags := flag.NewFlagSet("scenarios", flag.ContinueOnError)
	flags.StringVar(&s.mode, "mode", scenario.ControlPlane, "kind of cluster: control-plane or node")
	flags.StringVar(&s.scenarios, "scenarios", "e2e/scenarios", "folder of the scenarios")
	flags.StringVar(&s.manifests, "manifests", "k8s/base", "folder of the manifests that they patch")
	flags.StringVar(&s.out, "out", "target/e2e/scenarios", "folder for results")
	flags.StringVar(&s.hpaCheck, "hpa-check", "target/programs/hpa-check", "the program that is tested")
	flags.StringVar(&s.cluster, "cluster", "target/e2e/bin/cluster", "the program that starts control planes")
	flags.StringVar(&s.kubeconfig, "kubeconfig", "", "play in this cluster instead of starting one (mode node)")
	flags.StringVar(&s.controllerLog, "controller-log", "", "the log of that cluster's controller manager, for the agreement")
	flags.IntVar(&s.parallel, "parallel", 0, "scenarios at the same time [default: the mode's]")
	flags.BoolVar(&s.list, "list", false, "list the scenarios without running them")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: scenarios [flags] [NAME...]   without names: all that the mode can run")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	s.names = flags.Args()
	if (s.mode == scenario.Node) != (s.kubeconfig != "") {
		return nil, errors.New("mode node takes --kubeconfig of a cluster that is up, and mode control-plane starts its own")
	}
	return s, nil
}

func run(ctx context.Context, args []string) error {
	s, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	all, err := scenario.Load(s.scenarios)
	if err != nil {
		return err
	}
	chosen, err := choose(all, s.mode, s.names)
	if err != nil {
		return err
	}
	if s.list {
		for _, one := range chosen {
			fmt.Printf("%-28s %s\n", one.Name, one.About)
		}
		return nil
	}
	t := &theatre{settings: *s, table: newTable(chosen, s.mode)}
	if t.mode, err = scenario.LoadMode(s.scenarios, s.mode); err != nil {
		return err
	}
	if t.manifests, err = scenario.Manifests(s.manifests); err != nil {
		return err
	}
	if t.hpaCheck, err = program(s.hpaCheck, "make programs"); err != nil {
		return err
	}
	if s.mode == scenario.ControlPlane {
		if t.cluster, err = program(s.cluster, "e2e/build"); err != nil {
			return err
		}
	}
	parallel := t.mode.Parallel
	if s.parallel > 0 {
		parallel = s.parallel
	}
	t.slots = make(chan struct{}, parallel)
	begun := time.Now()
	err = t.playAll(ctx, chosen)
	t.table.end(time.Since(begun))
	if err != nil {
		return err
	}
	if failed := t.table.failed(); failed > 0 {
		return fmt.Errorf("%d of %d scenarios did not end as expected; see %s", failed, len(chosen), s.out)
	}
	return nil
}

func program(path, build string) (string, error) {
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s is not built; build it with: %s", path, build)
	}
	return filepath.Abs(path)
}

// choose returns the named scenarios, or all that the mode can run.
func choose(all []*scenario.Scenario, mode string, names []string) ([]*scenario.Scenario, error) {
	var chosen []*scenario.Scenario
	for _, s := range all {
		if s.In(mode) && (len(names) == 0 || slices.Contains(names, s.Name)) {
			chosen = append(chosen, s)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(chosen, func(s *scenario.Scenario) bool { return s.Name == name }) {
			return nil, fmt.Errorf("no scenario %q can run in mode %s; --list shows those that can", name, mode)
		}
	}
	return chosen, nil
}

// A Place is what scenarios must have in common to run in one cluster.
type place struct {
	scenario.Cluster
	alone string // the name of one that shares with nobody
}

// placeOf gives a scenario with a node its own cluster, because other scenarios' requests would use up the node.
func placeOf(s *scenario.Scenario) place {
	if s.Cluster.NodeCPU != "" {
		return place{s.Cluster, s.Name}
	}
	return place{s.Cluster, ""}
}

// playAll runs the scenarios, sharing clusters where possible.
func (t *theatre) playAll(ctx context.Context, chosen []*scenario.Scenario) error {
	kinds := map[place][]*scenario.Scenario{}
	var order []place
	for _, s := range chosen {
		at := placeOf(s)
		if kinds[at] == nil {
			order = append(order, at)
		}
		kinds[at] = append(kinds[at], s)
	}
	// Start the smallest groups first; they finish while the largest is running.
	slices.SortStableFunc(order, func(a, b place) int { return len(kinds[a]) - len(kinds[b]) })
	problems := make(chan error, len(order))
	for i, kind := range order {
		go func() {
			err := t.inCluster(ctx, kind.Cluster, i, kinds[kind])
			if err != nil {
				err = fmt.Errorf("the %s cluster: %w", kind.Cluster, err)
			}
			problems <- err
		}()
	}
	var all []error
	for range order {
		all = append(all, <-problems)
	}
	return errors.Join(all...)
}

// inCluster starts a cluster of a kind and runs its scenarios.
func (t *theatre) inCluster(ctx context.Context, kind scenario.Cluster, number int, scenarios []*scenario.Scenario) error {
	t.starting.Lock()
	stage, err := t.open(ctx, kind, number)
	t.starting.Unlock()
	if err != nil {
		return err
	}
	defer stage.close()
	var playing sync.WaitGroup
	for _, s := range scenarios {
		select {
		case t.slots <- struct{}{}:
		case <-ctx.Done():
			playing.Wait()
			return errors.New("interrupted")
		}
		playing.Go(func() {
			defer func() { <-t.slots }()
			begun := time.Now()
			got, err := stage.play(ctx, s)
			t.table.add(s.On(stage.minor), got, err, time.Since(begun))
		})
	}
	playing.Wait()
	return nil
}
