package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestTheSameBinaryGivesTheSameImage(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "program")
	if err := os.WriteFile(binary, []byte("not really a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	var images [2][]byte
	for i := range images {
		out := filepath.Join(dir, "image.tar")
		if err := writeImage(binary, "localhost/program:1", out); err != nil {
			t.Fatal(err)
		}
		images[i], _ = os.ReadFile(out)
	}
	if len(images[0]) == 0 || !bytes.Equal(images[0], images[1]) {
		t.Error("the two images differ")
	}
}
