package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// node is the first process in the node's namespaces: it sets them up, starts the components in the required
// order, and reaps orphaned processes. When it ends, the kernel ends all others.
func node(args []string) error {
	p, err := parsePlan("node", args, true)
	if err != nil {
		return err
	}
	if err := furnish(p); err != nil {
		return err
	}
	n := &machine{plan: p, pids: map[int]component{}}
	if err := n.startAll(); err != nil {
		return err
	}
	return n.untilToldToStop()
}

// furnish sets up the namespaces.
func furnish(p *plan) error {
	// Mounts must not propagate to the machine.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("the mounts can't be made private: %w", err)
	}
	// Within the node, mounts are shared, because pods' mounts must reach the runtime's own namespaces.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED, ""); err != nil {
		return err
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return err
	}
	// The kubelet expects containerd's socket at a fixed path; the machine's own socket is not touched.
	if err := syscall.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	for _, dir := range []string{"/run/netns", "/run/lock", p.path("pod-logs"), p.path("kubelet")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := syscall.Sethostname([]byte(nodeName)); err != nil {
		return err
	}
	if err := ip("link set lo up"); err != nil {
		return err
	}
	for i := 0; ; i++ {
		if exec.Command("ip", "link", "show", p.nodeLink()).Run() == nil {
			break
		}
		if i == 100 {
			return errors.New("the interface to the machine never came")
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := ip(
		fmt.Sprintf("addr add %s/24 dev %s", p.nodeIP(), p.nodeLink()),
		fmt.Sprintf("link set %s up", p.nodeLink()),
		fmt.Sprintf("route add default via %s", p.hostIP()),
	); err != nil {
		return err
	}
	// Missing on kernels without bridge filtering, where bridged packets always or never pass iptables.
	os.WriteFile("/proc/sys/net/bridge/bridge-nf-call-iptables", []byte("1"), 0o644)
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644)
}

// machine are the running components of one node.
type machine struct {
	*plan
	pids map[int]component
	// How processes are started; nil for the default.
	attributes *syscall.SysProcAttr
}

// A component is a program that can be started.
type component struct {
	name, program string
	args          []string
}

func (n *machine) startAll() error {
	for _, step := range []func() error{
		func() error { return n.start("etcd", n.path("etcd"), strconv.Itoa(n.etcdPort())) },
		func() error { return n.startOther("containerd", "containerd", "-c", n.path("containerd.toml")) },
		func() error { return n.start("kube-apiserver", n.apiserver()...) },
		n.waitForContainerd,
		n.importPause,
		n.waitForAPI,
		// Start it once the API is ready: the controller manager exits if a role does not exist yet.
		func() error { return n.start("kube-controller-manager", n.controllers()...) },
		func() error {
			return n.start("kube-scheduler", n.client("kube-scheduler", "--bind-address=127.0.0.1", "--leader-elect=false")...)
		},
		func() error { return n.start("kubelet", n.kubelet()...) },
		func() error { return n.start("kube-proxy", "--config="+n.path("kube-proxy.yaml")) },
		n.registerMetricsServer,
		func() error {
			return n.startOther("metrics-server", filepath.Join(n.Bin, "metrics-server"), n.metricsServer()...)
		},
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (n *machine) start(name string, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return n.startOther(name, self, append([]string{name}, args...)...)
}

func (n *machine) startOther(name, program string, args ...string) error {
	return n.run(component{name, program, args})
}

func (n *machine) run(c component) error {
	// A restarted component appends to its old log.
	log, err := os.OpenFile(n.path("log", c.name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command(c.program, c.args...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = n.attributes
	if err := command.Start(); err != nil {
		return fmt.Errorf("%s can't be started: %w", c.name, err)
	}
	n.pids[command.Process.Pid] = c
	return os.WriteFile(n.path(c.name+".pid"), fmt.Appendf(nil, "%d\n", command.Process.Pid), 0o644)
}

func (n *machine) waitForContainerd() error {
	return within(20*time.Second, "containerd did not answer", func() bool {
		return exec.Command("ctr", "version").Run() == nil
	})
}

// importPause imports the image of the process that holds every pod's network namespace.
func (n *machine) importPause() error {
	tar := n.path("pause.tar")
	if err := writeImage(filepath.Join(n.Bin, "pause"), "localhost/pause:1", tar); err != nil {
		return err
	}
	return importImage(tar)
}

func (n *machine) waitForAPI() error {
	return within(30*time.Second, "the API server was not ready", func() bool { return answers(n.server() + "/readyz") })
}

// answers reports whether an address responds with 200.
func answers(url string) bool {
	client := http.Client{
		Timeout:   time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}, // sends no secrets, so anyone may answer
	}
	answer, err := client.Get(url)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

func (n *machine) registerMetricsServer() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	apply := exec.Command(self, "kubectl", "--kubeconfig", n.kubeconfig(), "apply", "-f", n.path("metrics-server.yaml"))
	if out, err := apply.CombinedOutput(); err != nil {
		return fmt.Errorf("metrics-server can't be registered: %s", strings.TrimSpace(string(out)))
	}
	return nil
}

func within(limit time.Duration, failure string, done func() bool) error {
	for begun := time.Now(); time.Since(begun) < limit; time.Sleep(50 * time.Millisecond) {
		if done() {
			return nil
		}
	}
	return fmt.Errorf("%s within %s", failure, limit)
}

// untilToldToStop reaps processes. It reports a component that exits, and restarts it if configured to. By default it does
// not, because a test that kills a component wants it gone.
func (n *machine) untilToldToStop() error {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	due := make(chan component)
	for {
		select {
		case got := <-signals:
			if got != syscall.SIGCHLD {
				return nil
			}
			for _, ended := range n.reap() {
				if n.Restart > 0 {
					time.AfterFunc(n.Restart, func() { due <- ended })
				}
			}
		case again := <-due:
			if err := n.run(again); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}
}

// reap reaps every process that has ended, and returns those that are components.
func (n *machine) reap() []component {
	var ended []component
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err != nil || pid <= 0 {
			return ended
		}
		if c, ok := n.pids[pid]; ok {
			fmt.Fprintf(os.Stderr, "%s ended: status %d, signal %d\n", c.name, status.ExitStatus(), status.Signal())
			delete(n.pids, pid)
			ended = append(ended, c)
		}
	}
}
