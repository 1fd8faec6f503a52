// Command application is a service unrelated to fib-server: `GET /?ms=N` uses N milliseconds of CPU (10 by default). It
// shuts down gracefully: after SIGTERM it keeps serving for five seconds.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

const (
	defaultCost = 10 * time.Millisecond
	mostCost    = time.Second
	drain       = 5 * time.Second
)

func main() {
	server := &http.Server{Addr: ":8080", Handler: http.HandlerFunc(answer), ReadHeaderTimeout: 5 * time.Second}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	ended := make(chan struct{})
	go func() {
		<-signals
		time.Sleep(drain)
		_ = server.Shutdown(context.Background())
		close(ended)
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		fmt.Fprintln(os.Stderr, "application:", err)
		os.Exit(1)
	}
	<-ended
}

func answer(w http.ResponseWriter, r *http.Request) {
	cost := defaultCost
	if text := r.URL.Query().Get("ms"); text != "" {
		ms, err := strconv.Atoi(text)
		if err != nil || ms < 0 || time.Duration(ms)*time.Millisecond > mostCost {
			http.Error(w, "ms is not a number from 0 to 1000", http.StatusBadRequest)
			return
		}
		cost = time.Duration(ms) * time.Millisecond
	}
	sum, err := burn(cost)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "OK %.0f\n", sum)
}

// burn uses CPU time rather than wall time, so a request costs the same on a busy machine.
func burn(cost time.Duration) (float64, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began, err := used()
	sum := 0.0
	for now := began; err == nil && now-began < cost; now, err = used() {
		for i := range 10_000 {
			sum += float64(i%7) * 0.5
		}
	}
	return sum, err
}

// used is the CPU time of this thread.
func used() (time.Duration, error) {
	const ofThread = 1 // RUSAGE_THREAD
	var usage syscall.Rusage
	err := syscall.Getrusage(ofThread, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), err
}
