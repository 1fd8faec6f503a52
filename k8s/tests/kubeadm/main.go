// Command check renders the kubeadm configuration that kind makes of a cluster's file, with kind's own code, for each
// Kubernetes version of k8s/kind/versions, and holds it to the flags that the controller manager has to get.
//
//	check CLUSTER.yaml VERSIONS
package main

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strings"

	"sigs.k8s.io/kind/pkg/apis/config/defaults"
	"sigs.k8s.io/kind/pkg/cluster/internal/kubeadm"
	"sigs.k8s.io/kind/pkg/internal/apis/config/encoding"
	"sigs.k8s.io/kind/pkg/internal/patch"
	"sigs.k8s.io/yaml"
)

// wanted are the flags, in the form of neither version of kubeadm's configuration.
var wanted = map[string]string{
	"horizontal-pod-autoscaler-sync-period":               "5s",
	"horizontal-pod-autoscaler-cpu-initialization-period": "10s",
	"horizontal-pod-autoscaler-initial-readiness-delay":   "5s",
	// What kind itself asks for must not be lost.
	"enable-hostpath-provisioner": "true",
}

var image = regexp.MustCompile(`^([0-9.]+) kindest/node:v([0-9.]+)@sha256:[0-9a-f]{64}$`)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintf(os.Stderr, "kubeadm: %v\n", err)
		os.Exit(1)
	}
}

func run(file, versions string) error {
	cluster, err := encoding.Load(file)
	if err != nil {
		return fmt.Errorf("kind does not read %s: %w", file, err)
	}
	list, err := os.Open(versions)
	if err != nil {
		return err
	}
	defer list.Close()
	newest := ""
	for lines := bufio.NewScanner(list); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		found := image.FindStringSubmatch(line)
		if found == nil || !strings.HasPrefix(found[2], found[1]+".") {
			return fmt.Errorf("%q is not a minor version and its image by digest", line)
		}
		if newest == "" {
			newest = strings.TrimPrefix(line, found[1]+" ")
		}
		if err := check(found[2], cluster.KubeadmConfigPatches); err != nil {
			return fmt.Errorf("Kubernetes %s: %w", found[2], err)
		}
		fmt.Printf("Kubernetes %s: the controller manager gets its flags\n", found[2])
	}
	if newest != defaults.Image {
		return fmt.Errorf("the newest image is %s, and kind's own default is %s", newest, defaults.Image)
	}
	return nil
}

func check(version string, patches []string) error {
	config, err := kubeadm.Config(kubeadm.ConfigData{ClusterName: "check", KubernetesVersion: "v" + version, NodeName: "check", PodSubnet: "10.244.0.0/16", ServiceSubnet: "10.96.0.0/16"})
	if err != nil {
		return err
	}
	patched, err := patch.KubeYAML(config, patches, nil)
	if err != nil {
		return err
	}
	for _, document := range strings.Split(patched, "\n---") {
		var configuration struct {
			Kind              string
			ControllerManager struct{ ExtraArgs any }
		}
		if err := yaml.Unmarshal([]byte(document), &configuration); err != nil {
			return err
		}
		if configuration.Kind == "ClusterConfiguration" {
			return hold(flags(configuration.ControllerManager.ExtraArgs))
		}
	}
	return fmt.Errorf("kind made no ClusterConfiguration")
}

// flags reads both forms: a map up to v1beta3, a list of name and value from v1beta4 on.
func flags(args any) map[string]string {
	found := map[string]string{}
	switch args := args.(type) {
	case map[string]any:
		for name, value := range args {
			found[name] = fmt.Sprint(value)
		}
	case []any:
		for _, arg := range args {
			if pair, ok := arg.(map[string]any); ok {
				found[fmt.Sprint(pair["name"])] = fmt.Sprint(pair["value"])
			}
		}
	}
	return found
}

func hold(found map[string]string) error {
	for name, value := range wanted {
		if found[name] != value {
			return fmt.Errorf("the controller manager gets --%s=%s, expected %s; the patch for this version's kubeadm is missing in the file", name, found[name], value)
		}
	}
	return nil
}
