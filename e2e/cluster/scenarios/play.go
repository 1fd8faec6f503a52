package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"hpa-check/e2e/cluster/agreement"
	"hpa-check/e2e/cluster/fakekubelet"
	"hpa-check/e2e/cluster/scenario"
)

// longest is how long a check may take before it is stopped.
const longest = 15 * time.Minute

// Got is the outcome of a play.
type got struct {
	scenario.Expect
	message   string
	agreement agreement.Agreement
}

// A play is one scenario running on a stage.
type play struct {
	*stage
	scenario  *scenario.Scenario
	namespace string
	dir       string
	objects   []*unstructured.Unstructured
	scene     *fakekubelet.Scene
}

// play creates the scenario's objects in its own namespace, runs its script, and lets hpa-check watch.
func (s *stage) play(ctx context.Context, of *scenario.Scenario) (got, error) {
	p := &play{stage: s, scenario: of, namespace: of.Name, dir: filepath.Join(s.out, of.Name)}
	if err := os.RemoveAll(p.dir); err != nil {
		return got{}, err
	}
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return got{}, err
	}
	var err error
	if p.objects, err = of.Build(s.theatre.manifests, s.theatre.mode, p.namespace); err != nil {
		return got{}, err
	}
	defer p.clear()
	for _, object := range p.objects {
		if err := p.own(ctx, object); err != nil {
			return got{}, err
		}
		if err := p.create(ctx, object); err != nil {
			return got{}, err
		}
	}
	p.scene = s.kubelet.Play(ctx, p.namespace, of.Script, p.theatre.mode.ImageOf(p.theatre.manifests), p.act)
	code, err := p.watched(ctx)
	if err == nil && of.Doctor != nil {
		err = p.doctor(ctx, *of.Doctor)
	}
	errs := p.scene.End()
	if err != nil {
		return got{}, err
	}
	if len(errs) > 0 {
		return got{}, fmt.Errorf("the script failed: %s", errs[0])
	}
	return p.judge(code)
}

// watched lets hpa-check watch, after the controller's first sync and once the scenario's Jobs are complete.
func (p *play) watched(ctx context.Context) (int, error) {
	if err := p.seenByController(ctx); err != nil {
		return 0, err
	}
	if err := p.jobsOver(ctx); err != nil {
		return 0, err
	}
	return p.check(ctx)
}

// seenByController waits for the autoscaler's first status, as people do between apply and check.
func (p *play) seenByController(ctx context.Context) error {
	at := slices.IndexFunc(p.objects, func(o *unstructured.Unstructured) bool { return o.GetKind() == "HorizontalPodAutoscaler" })
	if at < 0 {
		return errors.New("the manifests have no HorizontalPodAutoscaler")
	}
	limit := 20*time.Second + 2*p.theatre.mode.Controller.SyncPeriod.Duration
	return p.until(ctx, limit, "the controller did not sync the autoscaler", func() bool {
		object, err := p.api(p.objects[at]).Get(ctx, p.objects[at].GetName(), metav1.GetOptions{})
		if err != nil {
			return false
		}
		conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
		return len(conditions) > 0
	})
}

// jobsOver waits for the scenario's Jobs, which test completed pods.
func (p *play) jobsOver(ctx context.Context) error {
	for _, object := range p.objects {
		if object.GetKind() != "Job" {
			continue
		}
		err := p.until(ctx, 20*time.Second, "the Job "+object.GetName()+" did not complete", func() bool {
			now, err := p.api(object).Get(ctx, object.GetName(), metav1.GetOptions{})
			if err != nil {
				return false
			}
			wanted, _, _ := unstructured.NestedInt64(now.Object, "spec", "completions")
			succeeded, _, _ := unstructured.NestedInt64(now.Object, "status", "succeeded")
			return succeeded >= wanted
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// act performs a script's action on one of the scenario's objects.
func (p *play) act(ctx context.Context, act *scenario.Act) error {
	if act.Event != nil {
		return p.tell(ctx, act.As, act.Event)
	}
	reference := act.Delete
	if act.Patch != nil {
		reference = act.Patch.Target
	}
	kind, name, err := scenario.Named(reference)
	if err != nil {
		return err
	}
	for _, object := range p.objects {
		if object.GetKind() != kind || object.GetName() != name {
			continue
		}
		if act.Patch == nil {
			return p.api(object).Delete(ctx, name, metav1.DeleteOptions{})
		}
		patch, err := act.Patch.JSON()
		if err != nil {
			return err
		}
		_, err = p.api(object).Patch(ctx, name, types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: act.As})
		return err
	}
	return fmt.Errorf("no object is %s, which the script acts on", reference)
}

// own completes an object's owner references: without the right uid the garbage collector would delete the
// object. The owners were created before it.
func (p *play) own(ctx context.Context, object *unstructured.Unstructured) error {
	owners := object.GetOwnerReferences()
	for i := range owners {
		at := slices.IndexFunc(p.objects, func(o *unstructured.Unstructured) bool {
			return o.GetKind() == owners[i].Kind && o.GetName() == owners[i].Name
		})
		if at < 0 {
			return fmt.Errorf("no object is %s/%s, which owns %s", owners[i].Kind, owners[i].Name, object.GetName())
		}
		owner, err := p.api(p.objects[at]).Get(ctx, owners[i].Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		owners[i].UID = owner.GetUID()
	}
	if len(owners) > 0 {
		object.SetOwnerReferences(owners)
	}
	return nil
}

// tell creates an event for each pod that fits on no node, or repeats an existing one.
func (p *play) tell(ctx context.Context, as string, event *scenario.Event) error {
	pods, err := p.client.CoreV1().Pods(p.namespace).List(ctx, metav1.ListOptions{FieldSelector: "status.phase=Pending"})
	if err != nil {
		return err
	}
	for _, pod := range pods.Items {
		if !slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Reason == corev1.PodReasonUnschedulable }) {
			continue
		}
		now := metav1.Now()
		object := &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{GenerateName: pod.Name + ".", Namespace: p.namespace},
			InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: p.namespace, Name: pod.Name, UID: pod.UID},
			Reason:         event.Reason, Message: event.Message, Type: corev1.EventTypeNormal, Count: 1,
			FirstTimestamp: now, LastTimestamp: now, Source: corev1.EventSource{Component: as},
		}
		if _, err := p.client.CoreV1().Events(p.namespace).Create(ctx, object, metav1.CreateOptions{FieldManager: as}); err != nil {
			return err
		}
	}
	return nil
}

// doctor repeats `hpa-check doctor` until it reports what is expected, because the cluster needs a moment to settle.
func (p *play) doctor(ctx context.Context, want scenario.Expect) error {
	file := filepath.Join(p.dir, "doctor.json")
	var last scenario.Expect
	var failure error
	err := p.until(ctx, 20*time.Second, "doctor did not report the expected verdict", func() bool {
		controller := &p.theatre.mode.Controller
		seconds := func(d metav1.Duration) string { return strconv.Itoa(int(d.Duration.Seconds())) }
		command := exec.CommandContext(ctx, p.hpaCheck, "doctor", "--kubeconfig", p.stage.kubeconfig,
			"--namespace", p.namespace, "--autoscaler", "fib-server", "-o", "json="+file,
			"--sync-period", seconds(controller.SyncPeriod), "--metrics-resolution", seconds(controller.MetricResolution),
			"--downscale-stabilization", seconds(controller.Stabilization))
		out, err := command.CombinedOutput()
		if command.ProcessState == nil {
			failure = err
			return true
		}
		os.WriteFile(filepath.Join(p.dir, "doctor.log"), out, 0o644)
		last = scenario.Expect{Exit: command.ProcessState.ExitCode()}
		if report, err := os.ReadFile(file); err == nil {
			last.Reason = firstFinding(report)
		}
		return last == want
	})
	if failure != nil {
		return failure
	}
	if err != nil {
		return fmt.Errorf("doctor reported %s, expected %s: %w", said(last), said(want), err)
	}
	return nil
}

// firstFinding is the name of the first finding of a doctor's report; empty without one.
func firstFinding(report []byte) string {
	var read struct {
		Autoscalers []struct {
			Findings []struct {
				ID string `json:"id"`
			} `json:"findings"`
		} `json:"autoscalers"`
	}
	if json.Unmarshal(report, &read) != nil || len(read.Autoscalers) == 0 || len(read.Autoscalers[0].Findings) == 0 {
		return ""
	}
	return read.Autoscalers[0].Findings[0].ID
}

// check runs hpa-check, informs the fake kubelet of its phases, and returns its exit code.
func (p *play) check(ctx context.Context) (int, error) {
	args, err := p.arguments(ctx)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	command := exec.CommandContext(ctx, p.hpaCheck, args...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 10 * time.Second
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	log, err := os.Create(filepath.Join(p.dir, "hpa-check.log"))
	if err != nil {
		return 0, err
	}
	defer log.Close()
	command.Stderr = log
	trace, err := os.Create(filepath.Join(p.dir, "trace.jsonl"))
	if err != nil {
		return 0, err
	}
	defer trace.Close()
	out, err := command.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := command.Start(); err != nil {
		return 0, err
	}
	if err := p.follow(io.TeeReader(out, trace)); err != nil {
		command.Process.Kill()
		command.Wait()
		return 0, err
	}
	err = command.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() >= 0 {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// follow reads the trace while it is written: the phases in it are the script's clock.
func (p *play) follow(trace io.Reader) error {
	lines := bufio.NewReader(trace)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var seen struct {
			Seen  string `json:"seen"`
			Phase string `json:"phase"`
		}
		if err := json.Unmarshal(line, &seen); err != nil {
			return fmt.Errorf("hpa-check's trace has a line that is not JSON: %w", err)
		}
		if seen.Seen == "phase" {
			p.scene.Enter(seen.Phase, time.Now())
		}
	}
}

func (p *play) arguments(ctx context.Context) ([]string, error) {
	controller := &p.theatre.mode.Controller
	seconds := func(d metav1.Duration) string { return strconv.Itoa(int(d.Duration.Seconds())) }
	args := []string{
		"run", "--kubeconfig", p.stage.kubeconfig, "--namespace", p.namespace, "--autoscaler", "fib-server",
		"--sync-period", seconds(controller.SyncPeriod),
		"--downscale-stabilization", seconds(controller.Stabilization),
		"--cpu-initialization-period", seconds(controller.Initialization),
		"--initial-readiness-delay", seconds(controller.ReadinessDelay),
		"--metrics-resolution", seconds(controller.MetricResolution),
		"--ui", "line", "-o", "json=" + filepath.Join(p.dir, "result.json"), "-o", "trace=-",
	}
	args = slices.Concat(args, p.theatre.mode.Flags, p.scenario.Flags)
	if p.theatre.mode.Name == scenario.ControlPlane {
		return append(args, "--external-load"), nil
	}
	service, err := p.client.CoreV1().Services(p.namespace).Get(ctx, "fib-server", metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	target := "http://" + service.Spec.ClusterIP
	args = append(args, "--target", target)
	if len(p.theatre.mode.Load) == 0 {
		return args, nil
	}
	return slices.Concat(args, []string{"--"}, p.theatre.mode.Load), nil
}

// judge reads hpa-check's result, and compares it with the controller's log.
func (p *play) judge(code int) (got, error) {
	g := got{Expect: scenario.Expect{Exit: code}}
	result, err := agreement.ReadResult(filepath.Join(p.dir, "result.json"))
	if err != nil {
		return g, fmt.Errorf("exit code %d, and %w", code, err)
	}
	if len(result.Verdict.Reasons) > 0 {
		g.Reason, g.message = result.Verdict.Reasons[0].ID, result.Verdict.Reasons[0].Message
	}
	if p.log == "" {
		return g, nil
	}
	excerpt := filepath.Join(p.dir, "controller.log")
	if err := p.excerpt(excerpt); err != nil {
		return g, err
	}
	log, err := os.Open(excerpt)
	if err != nil {
		return g, err
	}
	defer log.Close()
	syncs, err := agreement.ReadLog(log, p.namespace, "fib-server", "Deployment/fib-server", time.Now())
	if err != nil {
		return g, err
	}
	g.agreement = agreement.Compare(result, syncs)
	return g, nil
}

func (p *play) excerpt(file string) error {
	log, err := os.Open(p.log)
	if err != nil {
		return err
	}
	defer log.Close()
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	return agreement.Excerpt(log, p.namespace, out)
}

// clear deletes what would keep running; the end of the cluster or the namespace removes the rest.
func (p *play) clear() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	background := metav1.DeletePropagationBackground
	for _, object := range slices.Backward(p.objects) {
		p.api(object).Delete(ctx, object.GetName(), metav1.DeleteOptions{PropagationPolicy: &background})
	}
}
