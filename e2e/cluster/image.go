package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// writeImage writes a one-layer image as `docker save` would. The same binary gives the same bytes: no
// time and no name of this machine goes into it.
func writeImage(binary, reference, out string) error {
	content, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	program := "/" + filepath.Base(binary)
	layer, err := archive(file{strings.TrimPrefix(program, "/"), content, 0o755})
	if err != nil {
		return err
	}
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH,
		"os":           "linux",
		"config":       map[string]any{"Entrypoint": []string{program}, "User": "65532:65532"},
		"rootfs":       map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + digest(layer)}},
		"history":      []map[string]any{{"created": "1970-01-01T00:00:00Z", "created_by": "e2e/cluster"}},
	})
	if err != nil {
		return err
	}
	layerName, configName := digest(layer)+"/layer.tar", digest(config)+".json"
	manifest, err := json.Marshal([]map[string]any{{
		"Config": configName, "RepoTags": []string{reference}, "Layers": []string{layerName},
	}})
	if err != nil {
		return err
	}
	whole, err := archive(
		file{configName, config, 0o644}, file{layerName, layer, 0o644}, file{"manifest.json", manifest, 0o644},
	)
	if err != nil {
		return err
	}
	if err := os.WriteFile(out+".tmp", whole, 0o644); err != nil {
		return err
	}
	return os.Rename(out+".tmp", out)
}

type file struct {
	name    string
	content []byte
	mode    int64
}

func archive(files ...file) ([]byte, error) {
	var buffer bytes.Buffer
	writer := tar.NewWriter(&buffer)
	for _, f := range files {
		header := &tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.content)), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if err := writer.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := writer.Write(f.content); err != nil {
			return nil, err
		}
	}
	err := writer.Close()
	return buffer.Bytes(), err
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// image PROGRAM REFERENCE OUT.tar makes an image of one static program.
func image(args []string) error {
	if len(args) != 3 {
		return errors.New("expected PROGRAM REFERENCE OUT.tar")
	}
	return writeImage(args[0], args[1], args[2])
}

// load IMAGE.tar imports an image into a running cluster, from outside its namespaces.
func load(args []string) error {
	if len(args) == 0 {
		return errors.New("expected IMAGE.tar [--name CLUSTER]")
	}
	p, err := parsePlan("load", args[1:], false)
	if err != nil {
		return err
	}
	tarball, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	command, err := inside(p, importing(tarball)...)
	if err != nil {
		return err
	}
	return runImport(command)
}

// importImage imports an image from inside the node.
func importImage(tarball string) error {
	command := importing(tarball)
	return runImport(exec.Command(command[0], command[1:]...))
}

func importing(tarball string) []string {
	return []string{"ctr", "-n", "k8s.io", "images", "import", tarball}
}

func runImport(command *exec.Cmd) error {
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("the image can't be imported: %s", strings.TrimSpace(string(out)))
	}
	return nil
}
