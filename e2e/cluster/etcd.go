package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
)

// etcd runs an embedded etcd in a folder, on loopback, until told to stop. It never syncs to disk,
// because the state need not survive the machine.
func etcd(args []string) error {
	if len(args) != 2 {
		return errors.New("expected the folder for its data and the first of its two ports")
	}
	port, err := strconv.Atoi(args[1])
	if err != nil {
		return fmt.Errorf("the port %q is not a number", args[1])
	}
	config := embed.NewConfig()
	config.Dir = args[0]
	config.LogLevel = "warn"
	config.UnsafeNoFsync = true
	client := url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)}
	peer := url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port+1)}
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	server, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	defer server.Close()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	select {
	case <-signals:
		return nil
	case err := <-server.Err():
		return err
	}
}
