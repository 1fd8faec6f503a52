// Command agree compares one run's result with the log of the controller manager that made its decisions.
package main

import (
	"fmt"
	"os"
	"time"

	"hpa-check/e2e/cluster/agreement"
)

func main() {
	if len(os.Args) != 6 {
		fmt.Fprintln(os.Stderr, "usage: agree RESULT.json CONTROLLER.log NAMESPACE AUTOSCALER KIND/TARGET")
		os.Exit(2)
	}
	if err := agree(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
		fmt.Fprintf(os.Stderr, "agree: %v\n", err)
		os.Exit(1)
	}
}

// agree prints the agreement. A different decision is an error.
func agree(resultFile, logFile, namespace, autoscaler, target string) error {
	result, err := agreement.ReadResult(resultFile)
	if err != nil {
		return err
	}
	log, err := os.Open(logFile)
	if err != nil {
		return err
	}
	defer log.Close()
	syncs, err := agreement.ReadLog(log, namespace, autoscaler, target, time.Now())
	if err != nil {
		return err
	}
	a := agreement.Compare(result, syncs)
	fmt.Println(a.Summary())
	for _, d := range a.Disagreements {
		fmt.Println("  " + d.String())
	}
	if a.Decided == 0 || a.DecidedAlike < a.Decided {
		return fmt.Errorf("the model agrees with %d of %d decisions, but must agree with all", a.DecidedAlike, a.Decided)
	}
	return nil
}
