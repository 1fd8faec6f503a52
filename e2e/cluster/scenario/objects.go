package scenario

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// A Patch is one operation of a JSON Patch (RFC 6902) on one object.
type Patch struct {
	// Target is the object, as Kind/name.
	Target string `json:"target"`
	Op     string `json:"op"`
	Path   string `json:"path"`
	Value  any    `json:"value,omitempty"`
}

// JSON is the patch in the API's form.
func (p *Patch) JSON() ([]byte, error) {
	operation := map[string]any{"op": p.Op, "path": p.Path}
	if p.Op != "remove" {
		operation["value"] = p.Value
	}
	return json.Marshal([]any{operation})
}

// Manifests reads a kustomization's own resources without kustomize: only fields are patched here.
func Manifests(dir string) ([]*unstructured.Unstructured, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096)
		for {
			object := &unstructured.Unstructured{}
			if err := decoder.Decode(object); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			if object.GetKind() != "Kustomization" && len(object.Object) > 0 {
				objects = append(objects, object)
			}
		}
	}
	if len(objects) == 0 {
		return nil, fmt.Errorf("%s holds no manifests (*.yaml)", dir)
	}
	return objects, nil
}

// Build returns the scenario's objects in a namespace, in the order in which to create them: the manifests,
// patched for the mode and then for the scenario, and the scenario's additional objects.
func (s *Scenario) Build(manifests []*unstructured.Unstructured, mode *Mode, namespace string) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	for _, object := range manifests {
		objects = append(objects, object.DeepCopy())
	}
	for _, object := range s.Objects {
		objects = append(objects, (&unstructured.Unstructured{Object: object}).DeepCopy())
	}
	image := mode.ImageOf(manifests)
	for _, object := range objects {
		setImage(object.Object, ownImage(manifests), image)
	}
	for _, patch := range slices.Concat(mode.Patches, s.Patches) {
		if err := apply(objects, &patch); err != nil {
			return nil, err
		}
	}
	for _, object := range objects {
		setImage(object.Object, imagePlaceholder, image)
		if err := settle(object, namespace); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(objects, func(a, b *unstructured.Unstructured) int { return rank(a) - rank(b) })
	return objects, nil
}

// imagePlaceholder stands for the only image in objects that scenarios add.
const imagePlaceholder = "$(image)"

// ImageOf is the only image: the mode's, or that of the manifests.
func (m *Mode) ImageOf(manifests []*unstructured.Unstructured) string {
	if m.Image != "" {
		return m.Image
	}
	return ownImage(manifests)
}

func ownImage(manifests []*unstructured.Unstructured) string {
	for _, object := range manifests {
		containers, _, _ := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
		for _, container := range containers {
			if c, ok := container.(map[string]any); ok {
				return fmt.Sprint(c["image"])
			}
		}
	}
	return ""
}

// setImage replaces one image with another, everywhere.
func setImage(value any, old, image string) {
	switch value := value.(type) {
	case map[string]any:
		if value["image"] == old {
			value["image"] = image
		}
		for _, inner := range value {
			setImage(inner, old, image)
		}
	case []any:
		for _, inner := range value {
			setImage(inner, old, image)
		}
	}
}

// placeholder stands for the namespace's name in objects that contain it.
const placeholder = "$(namespace)"

// clusterWide are the cluster-scoped kinds that scenarios use.
var clusterWide = map[string]bool{"ValidatingAdmissionPolicy": true, "ValidatingAdmissionPolicyBinding": true}

// settle moves an object into the namespace.
func settle(object *unstructured.Unstructured, namespace string) error {
	if object.GetKind() == "Namespace" {
		object.SetName(namespace)
		return nil
	}
	text, err := object.MarshalJSON()
	if err != nil {
		return err
	}
	if err := object.UnmarshalJSON(bytes.ReplaceAll(text, []byte(placeholder), []byte(namespace))); err != nil {
		return err
	}
	if !clusterWide[object.GetKind()] {
		object.SetNamespace(namespace)
	}
	return nil
}

// rank orders objects by their dependencies, which come first.
func rank(object *unstructured.Unstructured) int {
	switch object.GetKind() {
	case "Namespace":
		return 0
	case "Deployment", "Job":
		return 2
	case "HorizontalPodAutoscaler":
		return 3
	default:
		return 1
	}
}

// Named splits Kind/name.
func Named(reference string) (kind, name string, err error) {
	kind, name, ok := strings.Cut(reference, "/")
	if !ok || kind == "" || name == "" {
		return "", "", fmt.Errorf("%q is not an object; expected Kind/name", reference)
	}
	return kind, name, nil
}

// apply patches the object that a patch names.
func apply(objects []*unstructured.Unstructured, patch *Patch) error {
	kind, name, err := Named(patch.Target)
	if err != nil {
		return err
	}
	for _, object := range objects {
		if object.GetKind() != kind || object.GetName() != name {
			continue
		}
		operation, err := patch.JSON()
		if err != nil {
			return err
		}
		decoded, err := jsonpatch.DecodePatch(operation)
		if err != nil {
			return fmt.Errorf("the patch of %s can't be read: %w", patch.Target, err)
		}
		before, err := object.MarshalJSON()
		if err != nil {
			return err
		}
		after, err := decoded.Apply(before)
		if err != nil {
			return fmt.Errorf("%s of %s can't be patched: %w", patch.Path, patch.Target, err)
		}
		return object.UnmarshalJSON(after)
	}
	return fmt.Errorf("no object is %s, which a patch names", patch.Target)
}
