// Command proof reads what a run on a cluster left, prints what was proven, and fails with a sentence for
// each thing that was not.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: proof FOLDER (the folder that e2e/run writes its results into)")
		os.Exit(2)
	}
	run, err := read(os.Args[1])
	if err != nil {
		fmt.Fprintf(os.Stderr, "proof: %v\n", err)
		os.Exit(1)
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
