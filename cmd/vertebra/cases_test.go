package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSharedCases plays the shared black-box cases about demographics.
func TestSharedCases(t *testing.T) {
	cases := filepath.Join("..", "..", "..", "shared", "cases")
	if _, err := os.Stat(filepath.Join(cases, "run")); err != nil {
		t.Skip("the shared cases are not beside the repository")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("the runner of the shared cases needs python3")
	}
	p := startProcess(t, builtBinary(t), "dev", "--patients", "0")
	out, err := exec.Command(python, filepath.Join(cases, "run"), "--base", p.base(), "--tag", "pds",
		filepath.Join(cases, "demographics-and-pointers.json")).CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	last := lines[len(lines)-1]
	if err != nil || !strings.HasSuffix(last, " 0 failed") || strings.HasPrefix(last, "0 passed") {
		t.Errorf("%v\n%s", err, out)
	}
	t.Log(last)
}
