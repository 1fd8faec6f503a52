package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// supervise is the process outside the namespaces. It starts the node's first process in new namespaces, waits
// for its end, and removes what outlives namespaces: control groups, and kernel settings that the kubelet
// changes for the whole machine. If it is killed itself, the node dies with it, and the next `up` or `down`
// sweeps.
func supervise(args []string) error {
	p, err := parsePlan("supervise", args, true)
	if err != nil {
		return err
	}
	if p.ControlPlane {
		return superviseControlPlane(p)
	}
	if err := os.WriteFile(p.path("supervisor.pid"), fmt.Appendf(nil, "%d\n", os.Getpid()), 0o644); err != nil {
		return err
	}
	if err := rememberSysctls(p); err != nil {
		return err
	}
	defer sweep(p)
	if err := makeCgroups(p); err != nil {
		return err
	}

	self, err := os.Executable()
	if err != nil {
		return err
	}
	first := exec.Command(self, append([]string{"node"}, p.args()...)...)
	first.Stdout, first.Stderr = os.Stdout, os.Stderr
	first.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
		Setsid:     true,
	}
	if err := first.Start(); err != nil {
		return fmt.Errorf("the node's namespaces can't be created: %w", err)
	}
	// Other processes enter the node's namespaces by this PID.
	if err := os.WriteFile(p.path("node.pid"), fmt.Appendf(nil, "%d\n", first.Process.Pid), 0o644); err != nil {
		return err
	}
	if err := connect(p, first.Process.Pid); err != nil {
		first.Process.Kill()
		first.Wait()
		return err
	}

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	ended := make(chan error, 1)
	go func() { ended <- first.Wait() }()
	select {
	case err := <-ended:
		return fmt.Errorf("the node exited: %v", err)
	case <-signals:
		first.Process.Signal(syscall.SIGTERM)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		first.Process.Kill()
		<-ended
	}
	return nil
}

// connect connects the machine and the node with a pair of interfaces.
func connect(p *plan, pid int) error {
	return ip(
		fmt.Sprintf("link add %s type veth peer name %s netns %d", p.hostLink(), p.nodeLink(), pid),
		fmt.Sprintf("addr add %s/24 dev %s", p.hostIP(), p.hostLink()),
		fmt.Sprintf("link set %s up", p.hostLink()),
		fmt.Sprintf("route add %s via %s", p.podSubnet(), p.nodeIP()),
		fmt.Sprintf("route add %s via %s", p.serviceSubnet(), p.nodeIP()),
	)
}

func ip(commands ...string) error {
	for _, command := range commands {
		if out, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %s", command, strings.TrimSpace(string(out)))
		}
	}
	return nil
}

// sweep removes everything that a cluster with this name can have left on the machine. It runs at every end, and again at
// the next start in case the cluster was killed.
func sweep(p *plan) {
	exec.Command("ip", "link", "del", p.hostLink()).Run()
	// Processes in a control group take a moment to disappear after the namespace's end.
	for i := 0; i < 50 && !removeCgroups(p); i++ {
		time.Sleep(100 * time.Millisecond)
	}
	restoreSysctls(p)
	os.Remove(p.path("supervisor.pid"))
}

// sysctls that the kubelet sets for the whole machine.
var sysctls = []string{"vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops"}

// rememberSysctls records the machine's own values. If another cluster is running, they are in its record: the
// machine's current values were set by its kubelet.
func rememberSysctls(p *plan) error {
	records, err := filepath.Glob(filepath.Join(filepath.Dir(p.Dir), "*", "sysctls"))
	if err != nil {
		return err
	}
	if len(records) > 0 {
		record, err := os.ReadFile(records[0])
		if err != nil {
			return err
		}
		return os.WriteFile(p.path("sysctls"), record, 0o644)
	}
	var lines strings.Builder
	for _, name := range sysctls {
		value, err := os.ReadFile("/proc/sys/" + name)
		if err != nil {
			return err
		}
		fmt.Fprintf(&lines, "%s=%s\n", name, strings.TrimSpace(string(value)))
	}
	return os.WriteFile(p.path("sysctls"), []byte(lines.String()), 0o644)
}

func restoreSysctls(p *plan) {
	content, err := os.ReadFile(p.path("sysctls"))
	if err != nil {
		return
	}
	for line := range strings.Lines(string(content)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			os.WriteFile("/proc/sys/"+name, []byte(value), 0o644)
		}
	}
	os.Remove(p.path("sysctls"))
}

const cgroupRoot = "/sys/fs/cgroup"

func isVersion2() bool {
	_, err := os.Stat(filepath.Join(cgroupRoot, "cgroup.controllers"))
	return err == nil
}

func hasController(name string) bool {
	if isVersion2() {
		all, err := os.ReadFile(filepath.Join(cgroupRoot, "cgroup.controllers"))
		return err == nil && slices.Contains(strings.Fields(string(all)), name)
	}
	_, err := os.Stat(filepath.Join(cgroupRoot, name))
	return err == nil
}

// cgroupDirs are the possible locations of the cluster's cgroup.
func cgroupDirs(p *plan) []string {
	if isVersion2() {
		return []string{filepath.Join(cgroupRoot, p.cgroup())}
	}
	dirs, _ := filepath.Glob(filepath.Join(cgroupRoot, "*"))
	for i, dir := range dirs {
		dirs[i] = filepath.Join(dir, p.cgroup())
	}
	return dirs
}

func makeCgroups(p *plan) error {
	if isVersion2() {
		return os.MkdirAll(filepath.Join(cgroupRoot, p.cgroup()), 0o755)
	}
	for _, controller := range []string{"cpu", "cpuacct", "cpuset", "memory", "pids", "systemd"} {
		parent := filepath.Join(cgroupRoot, controller)
		if _, err := os.Stat(parent); err != nil {
			continue
		}
		if err := os.MkdirAll(filepath.Join(parent, p.cgroup()), 0o755); err != nil {
			return err
		}
	}
	// A new cpuset group has no CPUs, so nothing can run in it.
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		value, err := os.ReadFile(filepath.Join(cgroupRoot, "cpuset", file))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(cgroupRoot, "cpuset", p.cgroup(), file), value, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// removeCgroups removes the groups, the deepest first; false while one is still in use.
func removeCgroups(p *plan) bool {
	for _, root := range cgroupDirs(p) {
		var dirs []string
		filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		for _, dir := range slices.Backward(dirs) {
			if err := syscall.Rmdir(dir); err != nil && !os.IsNotExist(err) {
				return false
			}
		}
	}
	return true
}
