package main

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"text/template"
)

//go:embed config/*
var configs embed.FS

// A setting is the templates' input.
type setting struct {
	Dir, NodeName, NodeIP, PodSubnet, Cgroup string
}

// writeConfigs fills the templates into the state folder.
func writeConfigs(p *plan) error {
	s := setting{p.Dir, nodeName, p.nodeIP(), p.podSubnet(), p.cgroup()}
	if err := os.MkdirAll(p.path("cni"), 0o755); err != nil {
		return err
	}
	for name, target := range map[string]string{
		"containerd.toml":     p.path("containerd.toml"),
		"kubelet.yaml":        p.path("kubelet.yaml"),
		"kube-proxy.yaml":     p.path("kube-proxy.yaml"),
		"metrics-server.yaml": p.path("metrics-server.yaml"),
		"bridge.conflist":     p.path("cni", "10-bridge.conflist"),
	} {
		t, err := template.ParseFS(configs, "config/"+name)
		if err != nil {
			return err
		}
		var text bytes.Buffer
		if err := t.Execute(&text, s); err != nil {
			return err
		}
		if err := os.WriteFile(target, text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (n *machine) client(name string, more ...string) []string {
	config := n.pki(name + ".kubeconfig")
	return append([]string{
		"--kubeconfig=" + config, "--authentication-kubeconfig=" + config, "--authorization-kubeconfig=" + config,
	}, more...)
}

func (n *machine) apiserver() []string {
	return []string{
		fmt.Sprintf("--etcd-servers=http://127.0.0.1:%d", n.etcdPort()),
		"--bind-address=" + n.apiAddress(), "--advertise-address=" + n.nodeIP(), fmt.Sprintf("--secure-port=%d", n.apiPort()),
		"--tls-cert-file=" + n.pki("apiserver.crt"), "--tls-private-key-file=" + n.pki("apiserver.key"),
		"--client-ca-file=" + n.pki("ca.crt"), "--authorization-mode=Node,RBAC",
		"--service-cluster-ip-range=" + n.serviceSubnet(), "--endpoint-reconciler-type=" + n.endpointReconciler(),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + n.pki("sa.pub"), "--service-account-signing-key-file=" + n.pki("sa.key"),
		"--kubelet-client-certificate=" + n.pki("apiserver-kubelet-client.crt"),
		"--kubelet-client-key=" + n.pki("apiserver-kubelet-client.key"),
		"--kubelet-certificate-authority=" + n.pki("ca.crt"), "--kubelet-preferred-address-types=InternalIP",
		"--requestheader-client-ca-file=" + n.pki("front-proxy-ca.crt"),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--proxy-client-cert-file=" + n.pki("front-proxy-client.crt"),
		"--proxy-client-key-file=" + n.pki("front-proxy-client.key"),
		// An aggregated API is at an EndpointSlice's address here; without a node, it is at a Service's external
		// name.
		fmt.Sprintf("--enable-aggregator-routing=%t", !n.ControlPlane),
	}
}

// endpointReconciler keeps the endpoints of the Service kubernetes, through which pods reach the API server.
// Without a node there are no pods, and the API server's address is one that no endpoint may have.
func (p *plan) endpointReconciler() string {
	if p.ControlPlane {
		return "none"
	}
	return "lease"
}

func (n *machine) controllers() []string {
	flags := n.client("kube-controller-manager",
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", n.controllersPort()), "--leader-elect=false", "--use-service-account-credentials=true",
		"--service-account-private-key-file="+n.pki("sa.key"), "--root-ca-file="+n.pki("ca.crt"),
		"--horizontal-pod-autoscaler-sync-period="+n.SyncPeriod.String(),
		"--horizontal-pod-autoscaler-downscale-stabilization="+n.Stabilization.String(),
		"--horizontal-pod-autoscaler-cpu-initialization-period="+n.Initialization.String(),
		"--horizontal-pod-autoscaler-initial-readiness-delay="+n.ReadinessDelay.String(),
		"--v=4", // the autoscaler's own proposals stand in its log from this level on
	)
	if n.ControlPlane {
		flags = append(flags, withoutNode...)
	}
	return flags
}

func (n *machine) kubelet() []string {
	return []string{
		"--config=" + n.path("kubelet.yaml"), "--kubeconfig=" + n.pki("kubelet.kubeconfig"),
		"--root-dir=" + n.path("kubelet"), "--hostname-override=" + nodeName, "--node-ip=" + n.nodeIP(),
	}
}

func (n *machine) metricsServer() []string {
	return n.client("metrics-server",
		"--bind-address="+n.nodeIP(), "--secure-port=10270",
		"--tls-cert-file="+n.pki("metrics-server-serving.crt"),
		"--tls-private-key-file="+n.pki("metrics-server-serving.key"),
		"--kubelet-insecure-tls", "--kubelet-preferred-address-types=InternalIP",
		"--metric-resolution="+n.MetricResolution.String(),
		"--kubelet-request-timeout=5s", // has to be below the resolution
	)
}
