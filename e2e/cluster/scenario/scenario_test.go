package scenario

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	folder    = "../../scenarios"
	manifests = "../../../k8s/base"
	findings  = "../../../docs/findings.md"
)

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const end = "\nexpect: {exit: 0, reason: path-proven}\n"

func TestAScenarioHasAllThatItsNeighborHasAndItsOwnOnTop(t *testing.T) {
	dir := write(t, map[string]string{
		"a": "about: a\nmodes: [control-plane]\nscript: [{load: 1}]\ncluster: {metricsAPI: absent}" + end,
		"b": "about: b\nfrom: a\nscript: [{load: 2}]\nflags: [--x]" + end,
	})
	all, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	b := all[1]
	if len(b.Script) != 2 || b.Script[1].Load.Value() != 2 || b.Cluster.MetricsAPI != "absent" || b.In(Node) || !b.In(ControlPlane) {
		t.Errorf("b is %+v", b)
	}
}

func TestAnOlderKubernetesMayEndInAnotherWay(t *testing.T) {
	dir := write(t, map[string]string{
		"a": "about: a\nbefore: {minor: 35, exit: 91, reason: flapping}" + end,
	})
	all, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for minor, exit := range map[int]int{34: 91, 35: 0, 37: 0} {
		if got := all[0].On(minor).Expect.Exit; got != exit {
			t.Errorf("on 1.%d it is expected to end with %d", minor, got)
		}
	}
}

func TestWhatCannotBePlayedIsRefusedWithTheFileAndTheReason(t *testing.T) {
	for text, want := range map[string]string{
		"about: a\nscript: [{phase: rest}]" + end: `no phase "rest"`,
		"about: a\nscript: [{fate: odd}]" + end:   `no fate "odd"`,
		"about: a\nscript: [{do: {as: x}}]" + end: "either patch or delete or event",
		"about: a\nfrom: b" + end:                 "does not exist",
		"about: a\nfrom: a" + end:                 "circular: a, a",
		"about: a\nmodes: [kind]" + end:           `no mode "kind"`,
		"about: a\nlod: 1" + end:                  "lod",
		"about: a\nexpect: {exit: 0}":             "expect.reason is empty",
		"about: a\nbefore: {minor: 35}" + end:     "before is incomplete",
	} {
		_, err := Load(write(t, map[string]string{"a": text}))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "a.yaml") {
			t.Errorf("%q gives %v, which does not say %q", text, err, want)
		}
	}
}

func TestEveryBrokenScenarioDiffersInOneThingFromOneThatPasses(t *testing.T) {
	all, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*Scenario{}
	for _, s := range all {
		byName[s.Name] = s
	}
	for _, s := range all {
		if s.Expect.Exit == 0 {
			continue
		}
		neighbor := byName[s.From]
		if neighbor == nil || neighbor.Expect.Exit != 0 {
			t.Errorf("%s has no neighbor that passes", s.Name)
			continue
		}
		own := &Scenario{}
		if err := read(filepath.Join(folder, s.Name+".yaml"), own); err != nil {
			t.Fatal(err)
		}
		if n := own.Differences(); n != 1 {
			t.Errorf("%s differs from %s in %d things", s.Name, s.From, n)
		}
	}
}

func TestEveryReasonExpectedIsAKnownFinding(t *testing.T) {
	page, err := os.ReadFile(findings)
	if err != nil {
		t.Fatal(err)
	}
	all, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		row := strings.Contains(string(page), "| `"+s.Expect.Reason+"` |")
		if !row {
			t.Errorf("%s expects %s, which docs/findings.md does not list", s.Name, s.Expect.Reason)
		}
		if s.Doctor != nil && s.Doctor.Reason != "" && !strings.Contains(string(page), "| `"+s.Doctor.Reason+"` |") {
			t.Errorf("%s expects doctor to say %s, which docs/findings.md does not list", s.Name, s.Doctor.Reason)
		}
	}
}

func TestEveryScenariosObjectsCanBeBuiltInEveryMode(t *testing.T) {
	base, err := Manifests(manifests)
	if err != nil {
		t.Fatal(err)
	}
	all, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{ControlPlane, Node} {
		mode, err := LoadMode(folder, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			if !s.In(name) {
				continue
			}
			objects, err := s.Build(base, mode, s.Name)
			if err != nil {
				t.Errorf("%s in mode %s: %v", s.Name, name, err)
				continue
			}
			if objects[0].GetKind() != "Namespace" || objects[0].GetName() != s.Name {
				t.Errorf("%s begins with %s %s", s.Name, objects[0].GetKind(), objects[0].GetName())
			}
		}
	}
}

func deployment() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": "a"}, "spec": map[string]any{"replicas": int64(1)},
	}}
}

func TestTheScenariosPatchComesAfterTheModesAndLeavesTheManifestAsItWas(t *testing.T) {
	base := []*unstructured.Unstructured{deployment()}
	patch := func(n int) Patch {
		return Patch{Target: "Deployment/a", Op: "replace", Path: "/spec/replicas", Value: n}
	}
	s := &Scenario{Patches: []Patch{patch(3)}}
	objects, err := s.Build(base, &Mode{Patches: []Patch{patch(2)}}, "here")
	if err != nil {
		t.Fatal(err)
	}
	replicas, _, _ := unstructured.NestedInt64(objects[0].Object, "spec", "replicas")
	before, _, _ := unstructured.NestedInt64(base[0].Object, "spec", "replicas")
	if replicas != 3 || before != 1 || objects[0].GetNamespace() != "here" {
		t.Errorf("%d replicas in %q, and %d in the manifest", replicas, objects[0].GetNamespace(), before)
	}
}

func TestAModesImageTakesThePlaceOfTheManifestsAndNotOfAPatchs(t *testing.T) {
	manifest := deployment()
	manifest.Object["spec"] = map[string]any{"template": map[string]any{"spec": map[string]any{
		"containers": []any{map[string]any{"image": "ours:1"}},
	}}}
	patched := func(image string) *Scenario {
		return &Scenario{Patches: []Patch{{Target: "Deployment/a", Op: "replace", Path: "/spec/template/spec/containers/0/image", Value: image}}}
	}
	for _, c := range []struct {
		of   *Scenario
		mode Mode
		want string
	}{
		{&Scenario{}, Mode{}, "ours:1"},
		{&Scenario{}, Mode{Image: "there"}, "there"},
		{patched("missing"), Mode{Image: "there"}, "missing"},
		{patched("$(image)"), Mode{Image: "there"}, "there"},
	} {
		objects, err := c.of.Build([]*unstructured.Unstructured{manifest}, &c.mode, "here")
		if err != nil {
			t.Fatal(err)
		}
		if got := ownImage(objects); got != c.want {
			t.Errorf("the image is %s, not %s", got, c.want)
		}
	}
}

func TestAPatchOfNothingIsAnError(t *testing.T) {
	for _, patch := range []Patch{
		{Target: "Deployment/b", Op: "remove", Path: "/spec"},
		{Target: "Deployment/a", Op: "remove", Path: "/spec/other"},
		{Target: "a", Op: "remove", Path: "/spec"},
	} {
		s := &Scenario{Patches: []Patch{patch}}
		if _, err := s.Build([]*unstructured.Unstructured{deployment()}, &Mode{}, "here"); err == nil {
			t.Errorf("%+v was applied", patch)
		}
	}
}
