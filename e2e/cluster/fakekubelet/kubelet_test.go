package fakekubelet

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hpa-check/e2e/cluster/scenario"
)

var now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func pod(name string, age time.Duration, s state) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(now.Add(-age)), Labels: map[string]string{serves: service}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "there"}}},
	}
	if s != pending {
		p.Status = statusOf(p, s, now)
	}
	return p
}

func world(load string) *scenario.World {
	quantity := resource.MustParse(load)
	return &scenario.World{Load: &quantity}
}

func TestTheLoadIsSpreadOverTheReadyPods(t *testing.T) {
	pods := []*corev1.Pod{pod("a", 3, ready), pod("b", 2, ready), pod("c", 1, notReady), pod("d", 0, pending)}
	list := samples(pods, world("1500m"), 2*time.Second, now)
	got := map[string]int64{}
	for _, sample := range list {
		got[sample.Name] = sample.Containers[0].Usage.Cpu().MilliValue()
	}
	if len(got) != 3 || got["a"] != 750 || got["b"] != 750 || got["c"] != 1 {
		t.Errorf("the samples are %v", got)
	}
}

func TestAHotPodHasAllTheLoadAndAnUnsampledOneNoSample(t *testing.T) {
	w, hot, unsampled := world("900m"), true, 1
	w.Hot, w.Unsampled = &hot, &unsampled
	pods := []*corev1.Pod{pod("a", 3, ready), pod("b", 2, ready), pod("c", 1, ready)}
	list := samples(pods, w, time.Second, now)
	if len(list) != 2 || list[0].Name != "b" || list[0].Containers[0].Usage.Cpu().MilliValue() != 1 {
		t.Errorf("the samples are %+v", list)
	}
}

func TestAPodOfAnotherServiceHasNoLoad(t *testing.T) {
	other := pod("b", 2, ready)
	other.Labels = nil
	list := samples([]*corev1.Pod{pod("a", 3, ready), other}, world("400m"), time.Second, now)
	if list[0].Containers[0].Usage.Cpu().MilliValue() != 400 || list[1].Containers[0].Usage.Cpu().MilliValue() != 1 {
		t.Errorf("the samples are %+v", list)
	}
}

func TestWhatBecomesOfAPodIsWhatTheScriptSays(t *testing.T) {
	long := taken{seen: now.Add(-time.Minute)}
	with := func(fate string) *taken { of := long; of.fate = fate; return &of }
	elsewhere := pod("a", 1, pending)
	elsewhere.Spec.Containers[0].Image = "elsewhere"
	for name, c := range map[string]struct {
		pod     *corev1.Pod
		of      *taken
		failing bool
		want    state
	}{
		"a sound one":                 {pod("a", 1, pending), with(scenario.FateReady), false, ready},
		"one just made":               {pod("a", 1, pending), &taken{seen: now, fate: scenario.FateReady}, false, pending},
		"one whose probe fails":       {pod("a", 1, ready), with(scenario.FateReady), true, notReady},
		"one that never gets ready":   {pod("a", 1, pending), with(scenario.FateNeverReady), false, notReady},
		"one that crashes":            {pod("a", 1, pending), with(scenario.FateCrash), false, crashing},
		"one that fits nowhere":       {pod("a", 1, pending), with(scenario.FateUnschedulable), false, unschedulable},
		"one with an image not there": {elsewhere, with(scenario.FateReady), false, imageMissing},
	} {
		if got := next(c.pod, c.of, &scenario.World{}, "there", c.failing, now); got != c.want {
			t.Errorf("%s becomes %s, not %s", name, got, c.want)
		}
	}
}

func TestAsManyPodsAreSparedAsTheScriptSays(t *testing.T) {
	fate, spared := scenario.FateCrash, 2
	w := &scenario.World{Fate: &fate, Spared: &spared}
	for already, want := range []string{scenario.FateReady, scenario.FateReady, scenario.FateCrash} {
		if got := fateOf(w, already); got != want {
			t.Errorf("beside %d the fate is %s", already, got)
		}
	}
}

func TestReadinessChangesItsTimeOnlyWhenItChanges(t *testing.T) {
	p := pod("a", 1, ready)
	later := now.Add(time.Minute)
	same, other := statusOf(p, ready, later), statusOf(p, notReady, later)
	readyAt := func(s corev1.PodStatus) time.Time {
		for _, c := range s.Conditions {
			if c.Type == corev1.PodReady {
				return c.LastTransitionTime.Time
			}
		}
		return time.Time{}
	}
	if !readyAt(same).Equal(now) || !readyAt(other).Equal(later) {
		t.Errorf("ready since %s, unready since %s", readyAt(same), readyAt(other))
	}
	if !same.StartTime.Time.Equal(now) {
		t.Errorf("started %s", same.StartTime)
	}
}
