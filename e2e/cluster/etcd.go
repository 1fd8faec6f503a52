package main

import (
	"errors"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
)

// etcd runs an embedded etcd in a folder, on loopback, until told to stop. It never waits for the disk:
// the state is not meant to outlive the machine.
func etcd(args []string) error {
	if len(args) != 1 {
		return errors.New("expected the folder for its data")
	}
	config := embed.NewConfig()
	config.Dir = args[0]
	config.LogLevel = "warn"
	config.UnsafeNoFsync = true
	client := url.URL{Scheme: "http", Host: "127.0.0.1:12379"}
	peer := url.URL{Scheme: "http", Host: "127.0.0.1:12380"}
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
