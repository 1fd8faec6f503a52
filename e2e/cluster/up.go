package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ready is the node's condition as kubectl prints it.
const readyQuery = `jsonpath={.status.conditions[?(@.type=="Ready")].status}`

// up starts a supervisor for the cluster, which starts the node, and waits until the node is ready.
func up(args []string) error {
	p, err := parsePlan("up", args, true)
	if err != nil {
		return err
	}
	if err := refuse(p); err != nil {
		return err
	}
	begun := time.Now()
	if !p.ControlPlane {
		sweep(p)
	}
	if err := os.RemoveAll(p.Dir); err != nil {
		return err
	}
	if err := os.MkdirAll(p.path("log"), 0o755); err != nil {
		return err
	}
	if err := writeCertificates(p); err != nil {
		return err
	}
	if !p.ControlPlane {
		if err := writeConfigs(p); err != nil {
			return err
		}
	}
	log, err := os.Create(p.path("log", "supervisor.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	supervisor := exec.Command(self, append([]string{"supervise"}, p.args()...)...)
	supervisor.Stdout, supervisor.Stderr = log, log
	supervisor.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if p.Stay {
		// The kernel signals a child when the thread that started it ends, so this thread must stay.
		runtime.LockOSThread()
		supervisor.SysProcAttr.Pdeathsig = syscall.SIGTERM
	}
	if err := supervisor.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- supervisor.Wait() }()
	if err := waitReady(p, ended); err != nil {
		down([]string{"--name", p.Name, "--state", filepath.Dir(p.Dir)})
		return fmt.Errorf("%w\n%s", err, lastWords(p))
	}
	what := "node"
	if p.ControlPlane {
		what = "control plane"
	}
	fmt.Printf("cluster %s: %s ready after %.1f s; kubeconfig %s\n", p.Name, what, time.Since(begun).Seconds(), p.kubeconfig())
	if p.Stay {
		return stay(p, ended)
	}
	return nil
}

// stay waits until this process is stopped, then ends the cluster.
func stay(p *plan, ended <-chan error) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	select {
	case err := <-ended:
		return fmt.Errorf("the cluster exited: %v", err)
	case <-signals:
		return down([]string{"--name", p.Name, "--state", filepath.Dir(p.Dir)})
	}
}

func waitReady(p *plan, ended <-chan error) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ready := func() bool {
		out, err := exec.Command(self, "kubectl", "--kubeconfig", p.kubeconfig(), "get", "node", nodeName, "-o", readyQuery).Output()
		return err == nil && strings.TrimSpace(string(out)) == "True"
	}
	if p.ControlPlane {
		ready = p.controlPlaneReady
	}
	limit := time.After(90 * time.Second)
	for {
		if ready() {
			return nil
		}
		select {
		case err := <-ended:
			return fmt.Errorf("the cluster exited before it was ready: %v", err)
		case <-limit:
			return errors.New("the cluster was not ready within 90 s")
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// lastWords are the last lines of the logs, for a helpful error.
func lastWords(p *plan) string {
	var text strings.Builder
	logs, _ := filepath.Glob(p.path("log", "*.log"))
	for _, log := range logs {
		content, err := os.ReadFile(log)
		if err != nil || len(content) == 0 {
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(content)), "\n")
		fmt.Fprintf(&text, "--- %s\n%s\n", filepath.Base(log), strings.Join(lines[max(0, len(lines)-3):], "\n"))
	}
	return text.String()
}

// refuse returns an error that says why this machine can't run a node.
func refuse(p *plan) error {
	if p.ControlPlane {
		return refuseControlPlane(p)
	}
	if os.Geteuid() != 0 {
		return errors.New("a node needs root; run it with sudo, or leave the node out with --control-plane")
	}
	for tool, pkg := range map[string]string{
		"containerd": "containerd", "ctr": "containerd", "runc": "runc", "iptables": "iptables", "ip": "iproute2",
	} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%s is missing; install it with: apt-get install containerd runc iptables iproute2 containernetworking-plugins (%s has it)", tool, pkg)
		}
	}
	if _, err := os.Stat("/usr/lib/cni/bridge"); err != nil {
		return errors.New("the CNI plugins are missing in /usr/lib/cni; install them with: apt-get install containernetworking-plugins")
	}
	if _, err := os.Stat(filepath.Join(p.Bin, "metrics-server")); err != nil {
		return errors.New("metrics-server is not built; build both with: e2e/build")
	}
	if _, err := os.Stat("/proc/self/ns/pid"); err != nil {
		return errors.New("this kernel has no pid namespaces, which a cluster lives in")
	}
	for _, controller := range []string{"cpu", "memory", "pids"} {
		if !hasController(controller) {
			return fmt.Errorf("the cgroup controller %s, which limits pods, is missing; enable it on the kernel's command line", controller)
		}
	}
	if err := nameFree(p); err != nil {
		return err
	}
	return subnetsFree(p)
}

func nameFree(p *plan) error {
	if supervisorPid(p) != 0 {
		return fmt.Errorf("a cluster named %q is already running; end it with: down --name %s", p.Name, p.Name)
	}
	return nil
}

func subnetsFree(p *plan) error {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return err
	}
	for _, subnet := range []string{p.nodeSubnet(), p.podSubnet(), p.serviceSubnet()} {
		_, wanted, err := net.ParseCIDR(subnet)
		if err != nil {
			return err
		}
		for _, address := range addresses {
			used, ok := address.(*net.IPNet)
			if ok && (wanted.Contains(used.IP) || used.Contains(wanted.IP)) {
				return fmt.Errorf("the subnet %s is in use by %s on this machine; choose another --name", subnet, used)
			}
		}
	}
	return nil
}

// supervisorPid is the process that supervises this cluster, or 0.
func supervisorPid(p *plan) int {
	content, err := os.ReadFile(p.path("supervisor.pid"))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 0
	}
	// The PID may have been reused since.
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || !strings.Contains(string(line), "\x00supervise\x00--name\x00"+p.Name+"\x00") {
		return 0
	}
	return pid
}

// down ends the cluster and removes what it left.
func down(args []string) error {
	p, err := parsePlan("down", args, false)
	if err != nil {
		return err
	}
	if pid := supervisorPid(p); pid != 0 {
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			return fmt.Errorf("its supervisor, process %d, can't be signaled: %w", pid, err)
		}
		for i := 0; i < 300 && supervisorPid(p) != 0; i++ {
			time.Sleep(100 * time.Millisecond)
		}
		if supervisorPid(p) != 0 {
			return fmt.Errorf("its supervisor, process %d, did not end within 30 s", pid)
		}
	}
	sweep(p)
	return nil
}
