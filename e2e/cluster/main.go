// Command cluster is a complete one-node Kubernetes in one program. `up` starts it in its own namespaces, `down` ends it,
// and every component, including kubectl, is a subcommand.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

const usage = `usage: cluster COMMAND [flags]

  up          start a cluster and wait until its node is ready (up --help lists its settings)
  down        end a cluster and remove all that it left
  kubeconfig  print where its kubeconfig is
  image       make an image of one static program
  load        import an image into a running cluster
  enter       run a command in a cluster's mounts and processes
  kill        end a component as a crash would
  kubectl     upstream's kubectl
`

// Components are started by the node as subcommands of this program.
var components = map[string]func() int{
	"kube-apiserver":          func() int { return cli.Run(apiserver.NewAPIServerCommand()) },
	"kube-controller-manager": func() int { return cli.Run(controllers.NewControllerManagerCommand()) },
	"kube-scheduler":          func() int { return cli.Run(scheduler.NewSchedulerCommand()) },
	"kubelet":                 func() int { return cli.Run(kubeletCommand(kubelet.NewKubeletCommand)) },
	"kube-proxy":              func() int { return cli.Run(proxy.NewProxyCommand()) },
	"kubectl":                 func() int { return cli.Run(kubectl.NewDefaultKubectlCommand()) },
}

// kubeletCommand calls the constructor of any version: from 1.34 on it takes a context.
func kubeletCommand(constructor any) *cobra.Command {
	switch build := constructor.(type) {
	case func() *cobra.Command:
		return build()
	case func(context.Context) *cobra.Command:
		return build(context.Background())
	default:
		panic(fmt.Sprintf("this Kubernetes builds its kubelet's command with %T: add that form here", constructor))
	}
}

// Commands for users.
var commands = map[string]func([]string) error{
	"up":         up,
	"down":       down,
	"kubeconfig": kubeconfig,
	"image":      image,
	"load":       load,
	"enter":      enter,
	"kill":       kill,
	"supervise":  supervise,
	"node":       node,
	"etcd":       etcd,
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	name, args := os.Args[1], os.Args[2:]
	if component, ok := components[name]; ok {
		os.Args = append([]string{name}, args...)
		os.Exit(component())
	}
	command, ok := commands[name]
	if !ok {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err := command(args); err != nil {
		fmt.Fprintf(os.Stderr, "cluster %s: %v\n", name, err)
		os.Exit(1)
	}
}
