package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"syscall"
)

// A control plane without a node: etcd, the API server and the controller manager on loopback, without Linux namespaces or
// root. A pod does not change until something writes its status.

// withoutNode are the controller manager's flags when a fake kubelet replaces the nodes.
var withoutNode = []string{
	// A node without heartbeats is not a fault here.
	"--controllers=*,-node-lifecycle-controller",
	// Many autoscalers that sync every second exceed the default limit of twenty requests per second.
	"--kube-api-qps=500", "--kube-api-burst=1000",
	// A metrics API that is slow for one autoscaler must not hold up the others.
	"--concurrent-horizontal-pod-autoscaler-syncs=20",
}

// Ports: a node has a network of its own. A control plane uses ten of the machine's ports, derived from its
// name, below the kernel's ephemeral range.
func (p *plan) port(node, alone int) int {
	if p.ControlPlane {
		return 21000 + 10*p.number() + alone
	}
	return node
}

func (p *plan) apiPort() int         { return p.port(16443, 0) }
func (p *plan) etcdPort() int        { return p.port(12379, 1) } // and the next one, for peers
func (p *plan) controllersPort() int { return p.port(10257, 3) }

func (p *plan) apiAddress() string {
	if p.ControlPlane {
		return "127.0.0.1"
	}
	return p.nodeIP()
}

func (p *plan) server() string { return fmt.Sprintf("https://%s:%d", p.apiAddress(), p.apiPort()) }

// refuseControlPlane returns an error that says why a control plane can't be started.
func refuseControlPlane(p *plan) error {
	if err := nameFree(p); err != nil {
		return err
	}
	for _, port := range []int{p.apiPort(), p.etcdPort(), p.etcdPort() + 1, p.controllersPort()} {
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			return fmt.Errorf("the port %d is in use on this machine; choose another --name", port)
		}
		listener.Close()
	}
	return nil
}

func (p *plan) controlPlaneReady() bool {
	return answers(p.server()+"/readyz") && answers(fmt.Sprintf("https://127.0.0.1:%d/healthz", p.controllersPort()))
}

// superviseControlPlane runs the components until it is stopped. If it is killed, they die with it.
func superviseControlPlane(p *plan) error {
	// The kernel kills a child when the thread that started it ends, so this thread must stay.
	runtime.LockOSThread()
	if err := os.WriteFile(p.path("supervisor.pid"), fmt.Appendf(nil, "%d\n", os.Getpid()), 0o644); err != nil {
		return err
	}
	defer os.Remove(p.path("supervisor.pid"))
	m := &machine{plan: p, pids: map[int]component{}, attributes: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}}
	defer m.endAll()
	for _, step := range []func() error{
		func() error { return m.start("etcd", m.path("etcd"), strconv.Itoa(m.etcdPort())) },
		func() error { return m.start("kube-apiserver", m.apiserver()...) },
		m.waitForAPI,
		// Start it once the API is ready: the controller manager exits if a role does not exist yet.
		func() error { return m.start("kube-controller-manager", m.controllers()...) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return m.untilToldToStop()
}

// endAll kills the components; their state need not survive.
func (n *machine) endAll() {
	for pid := range n.pids {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	for len(n.pids) > 0 {
		pid, err := syscall.Wait4(-1, nil, 0, nil)
		if err != nil && err != syscall.EINTR {
			return
		}
		delete(n.pids, pid)
	}
}
