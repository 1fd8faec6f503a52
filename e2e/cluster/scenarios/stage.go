package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"hpa-check/e2e/cluster/fakekubelet"
	"hpa-check/e2e/cluster/scenario"
)

// A Stage is a cluster in which scenarios run.
type stage struct {
	*theatre
	kubeconfig string
	minor      int    // of Kubernetes 1
	log        string // the controller manager's, or empty
	dynamic    dynamic.Interface
	client     kubernetes.Interface
	kubelet    *fakekubelet.Kubelet
	process    *exec.Cmd
	state      string
	unwatch    context.CancelFunc
}

// open starts a cluster, or uses the given one.
func (t *theatre) open(ctx context.Context, kind scenario.Cluster, number int) (*stage, error) {
	s := &stage{theatre: t, kubeconfig: t.kubeconfig, log: t.controllerLog}
	ctx, s.unwatch = context.WithCancel(ctx)
	if s.kubeconfig == "" {
		if err := s.start(ctx, number); err != nil {
			return nil, err
		}
	}
	if err := s.furnish(ctx, kind); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stage) furnish(ctx context.Context, kind scenario.Cluster) error {
	config, err := clientcmd.BuildConfigFromFlags("", s.kubeconfig)
	if err != nil {
		return fmt.Errorf("the kubeconfig %s can't be used: %w", s.kubeconfig, err)
	}
	config.QPS, config.Burst = 500, 1000
	config.WarningHandler = rest.NoWarnings{}
	if s.dynamic, err = dynamic.NewForConfig(config); err != nil {
		return err
	}
	if s.client, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	if s.minor, err = minorOf(s.client); err != nil {
		return err
	}
	if s.theatre.mode.Name != scenario.ControlPlane {
		s.kubelet = fakekubelet.Idle()
		return nil
	}
	if err := s.define(ctx); err != nil {
		return err
	}
	resolution := s.theatre.mode.Controller.MetricResolution.Duration
	s.kubelet, err = fakekubelet.New(ctx, s.client, resolution, kind.MetricsAPI != "unavailable")
	if err != nil {
		return err
	}
	if kind.NodeCPU != "" {
		if err := s.registerNode(ctx, kind.NodeCPU); err != nil {
			return err
		}
	}
	if kind.MetricsAPI == "absent" {
		return nil
	}
	versions := strings.Split(cmp.Or(kind.MetricsVersions, "v1beta1"), ",")
	if err := s.kubelet.API().Register(ctx, s.client, s.dynamic, versions...); err != nil {
		return err
	}
	return s.kubelet.API().RegisterAdapters(ctx, s.dynamic)
}

// minorOf asks for the server's minor version; some providers write it with a plus.
func minorOf(client kubernetes.Interface) (int, error) {
	version, err := client.Discovery().ServerVersion()
	if err != nil {
		return 0, fmt.Errorf("the server does not report its version: %w", err)
	}
	minor, err := strconv.Atoi(strings.TrimSuffix(version.Minor, "+"))
	if err != nil {
		return 0, fmt.Errorf("the server's minor version is %q, which is not a number", version.Minor)
	}
	return minor, nil
}

var readyLine = regexp.MustCompile(`^cluster (\S+): .* ready after .* kubeconfig (\S+)$`)

// start starts a control plane that ends with this process. If a name's ports are in use, it tries another.
func (s *stage) start(ctx context.Context, number int) error {
	const tries = 5
	var err error
	for try := range tries {
		name := fmt.Sprintf("s%d-%d-%d", os.Getpid(), number, try)
		if err = s.startNamed(ctx, name); err == nil || !strings.Contains(err.Error(), "choose another --name") {
			return err
		}
	}
	return err
}

func (s *stage) startNamed(ctx context.Context, name string) error {
	controller := &s.theatre.mode.Controller
	state, err := filepath.Abs(filepath.Join(s.out, "..", "clusters"))
	if err != nil {
		return err
	}
	up := exec.CommandContext(ctx, s.cluster, "up", "--control-plane", "--stay", "--name", name, "--state", state,
		"--sync-period", controller.SyncPeriod.Duration.String(),
		"--downscale-stabilization", controller.Stabilization.Duration.String(),
		"--cpu-initialization-period", controller.Initialization.Duration.String(),
		"--initial-readiness-delay", controller.ReadinessDelay.Duration.String())
	up.Cancel = func() error { return up.Process.Signal(syscall.SIGTERM) }
	up.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	var complaint strings.Builder
	up.Stderr = &complaint
	out, err := up.StdoutPipe()
	if err != nil {
		return err
	}
	if err := up.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	parts := readyLine.FindStringSubmatch(strings.TrimSpace(line))
	if err != nil || parts == nil {
		up.Wait()
		return errors.New(strings.TrimSpace(line + complaint.String()))
	}
	go io.Copy(io.Discard, out)
	fmt.Fprintln(os.Stderr, strings.TrimSpace(line))
	s.process, s.kubeconfig, s.state = up, parts[2], filepath.Join(state, name)
	s.log = filepath.Join(s.state, "log", "kube-controller-manager.log")
	return nil
}

// close ends a cluster that open started, including its state; scenarios keep their own records.
func (s *stage) close() {
	s.unwatch()
	if s.kubelet != nil {
		s.kubelet.Close()
	}
	if s.process == nil {
		return
	}
	s.process.Process.Signal(syscall.SIGTERM)
	ended := make(chan struct{})
	go func() { s.process.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		s.process.Process.Kill()
		<-ended
	}
	os.RemoveAll(s.state)
}
