//go:build controller

// Package podautoscaler is the controller's own, put together from its module by ./run, so that its unexported
// steps can be called too.
package podautoscaler

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/klog/v2"
)

var (
	count   = flag.Int("cases", 100_000, "how many cases")
	seed    = flag.Uint64("seed", uint64(time.Now().UnixNano()), "makes the same cases again")
	program = flag.String("hpa-check", "", "the program to ask")
	version = flag.String("kubernetes", "", "the controller's version, such as 1.36")
)

func TestHpaCheckDecidesAsTheController(t *testing.T) {
	klog.SetLogger(klog.Logger{})
	utilruntime.ErrorHandlers = nil
	d := draw{Rand: rand.New(rand.NewPCG(*seed, 1)), version: *version, gates: settableGates()}

	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	var cases []testCase
	var expected []any
	kinds := map[string]int{}
	for n := range *count {
		c := d.newCase(n)
		cases = append(cases, c)
		expected = append(expected, plain(t, inTime(c)))
		kinds[c.Kind]++
		if err := encoder.Encode(c); err != nil {
			t.Fatal(err)
		}
	}

	model := decide(t, &lines)
	wrong := 0
	for i, c := range cases {
		if i >= len(model) {
			t.Fatalf("hpa-check answered %d of %d cases", len(model), len(cases))
		}
		if reflect.DeepEqual(comparable(expected[i]), comparable(model[i])) {
			continue
		}
		if wrong++; wrong <= 5 {
			line, _ := json.Marshal(c)
			t.Errorf("%s\n  the controller: %v\n  hpa-check:      %v", line, expected[i], model[i])
		}
	}
	fmt.Printf("decide: %d of %d cases as Kubernetes %s decides them (%v, seed %d)\n",
		len(cases)-wrong, len(cases), *version, kinds, *seed)
}

// inTime is the controller's answer. The controller reads the clock itself, and the cases' ages are a tenth of
// a second away from where decisions change, so an answer that took too long on a busy machine is computed
// again.
func inTime(c testCase) any {
	const soon = 50 * time.Millisecond
	for {
		now := time.Now()
		if got := answer(c, now); time.Since(now) < soon {
			return got
		}
	}
}

// featuregate.PreAlpha, which was added in 1.31.
const preAlpha = "PRE-ALPHA"

// Gates that can still be set both ways in this version.
func settableGates() []string {
	known := []string{"HPAConfigurableTolerance", "HPAScaleToZero", "PodLevelResources"}
	var gates []string
	for name, spec := range utilfeature.DefaultMutableFeatureGate.GetAll() {
		settable := !spec.LockToDefault && string(spec.PreRelease) != preAlpha
		if settable && slices.Contains(known, string(name)) {
			gates = append(gates, string(name))
		}
	}
	slices.Sort(gates)
	return gates
}

func decide(t *testing.T, input io.Reader) []any {
	command := exec.Command(*program, "decide")
	command.Stdin = input
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s decide: %v", *program, err)
	}
	var answers []any
	scanner := bufio.NewScanner(bytes.NewReader(output))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var line struct {
			Result any `json:"result"`
		}
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, line.Result)
	}
	return answers
}

// The value after a round trip through JSON.
func plain(t *testing.T, value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var back any
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

// The controller's message for pods with two autoscalers differs by version and names them in the order of a Go
// map, so only its start is compared.
func comparable(result any) any {
	members, ok := result.(map[string]any)
	if !ok {
		return result
	}
	if text, ok := members["error"].(string); ok {
		members["error"], _, _ = strings.Cut(text, "are controlled by ")
	}
	return members
}
