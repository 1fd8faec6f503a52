// Command proof reads the output of a run on a cluster, prints what was proven, and fails with one sentence per thing that
// was not.
package main

import (
	"fmt"
	"os"
	"strconv"
)

const usage = `usage: proof FOLDER                   what e2e/run wrote
       proof fault PART CODE FOLDER   what a run of e2e/faults wrote, and its exit code
`

func main() {
	switch args := os.Args[1:]; {
	case len(args) == 1:
		proveRun(args[0])
	case len(args) == 4 && args[0] == "fault":
		proveFault(args[1], args[2], args[3])
	default:
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
}

func proveRun(folder string) {
	run, err := read(folder)
	if err != nil {
		fail(err)
	}
	for _, line := range run.summary() {
		fmt.Println(line)
	}
	missing := run.missing()
	for _, sentence := range missing {
		fmt.Fprintf(os.Stderr, "proof: not proven: %s\n", sentence)
	}
	if len(missing) > 0 {
		os.Exit(1)
	}
}

func proveFault(part, code, folder string) {
	number, err := strconv.Atoi(code)
	if err != nil {
		fail(fmt.Errorf("the exit code %q is not a number", code))
	}
	ended, err := fault(part, number, folder)
	if ended != "" {
		fmt.Println(ended)
	}
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintf(os.Stderr, "proof: %v\n", err)
	os.Exit(1)
}
