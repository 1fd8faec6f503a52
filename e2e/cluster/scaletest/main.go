// Command scaletest fills a control plane without nodes with autoscaled applications, and keeps it busy, to
// measure the cost of watching one of them or of reading all of them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"hpa-check/e2e/cluster/fakekubelet"
)

// Size is the number of each.
type size struct {
	namespaces, applications, pods int
}

// A scaleTest is the cluster with everything created in it.
type scaleTest struct {
	size
	client  kubernetes.Interface
	dynamic dynamic.Interface
	node    *node
	written atomic.Int64
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	klog.SetLogger(logr.Discard()) // client-go's messages when a cluster shuts down
	if err := run(ctx); err != nil && ctx.Err() == nil {
		fmt.Fprintf(os.Stderr, "scale-test: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	c := &scaleTest{}
	kubeconfig := flag.String("kubeconfig", "", "the control plane's kubeconfig")
	flag.IntVar(&c.namespaces, "namespaces", 10, "namespaces, named scale-N")
	flag.IntVar(&c.applications, "applications", 6, "applications in each, named app-N: a Deployment and its autoscaler")
	flag.IntVar(&c.pods, "pods", 10, "pods of each")
	rate := flag.Int("churn", 0, "changes per second in all namespaces except scale-0: half of them to pods' status, half events")
	flag.Parse()
	if *kubeconfig == "" || c.namespaces < 2 || c.applications < 1 || c.pods < 1 || *rate < 0 {
		return errors.New("needs --kubeconfig, at least 2 namespaces, and at least 1 application and pod in each")
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return fmt.Errorf("the kubeconfig %s can't be used: %w", *kubeconfig, err)
	}
	config.QPS, config.Burst = 1000, 2000
	config.WarningHandler = rest.NoWarnings{}
	if c.client, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	if c.dynamic, err = dynamic.NewForConfig(config); err != nil {
		return err
	}
	if c.node, err = newNode(ctx, c.client); err != nil {
		return err
	}
	api, err := fakekubelet.Serve(c.node.handler())
	if err != nil {
		return err
	}
	defer api.Close()
	if err := api.Register(ctx, c.client, c.dynamic, "v1beta1"); err != nil {
		return err
	}
	begun := time.Now()
	if err := c.fill(ctx); err != nil {
		return err
	}
	fmt.Printf("scale-test: %d applications with %d pods are ready after %s\n", c.namespaces*c.applications, c.node.ready(), time.Since(begun).Round(time.Second))
	c.churn(ctx, *rate)
	fmt.Printf("scale-test: %d changes\n", c.written.Load())
	return nil
}

// minimum is the autoscalers' minimum: the number of existing pods, so that nothing scales.
func (c *scaleTest) minimum() *int32 { return new(int32(c.pods)) }
