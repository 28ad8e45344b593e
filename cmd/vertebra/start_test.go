package main

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestDevStarts: what dev prints works when pasted, and SIGTERM leaves nothing behind.
func TestDevStarts(t *testing.T) {
	began := time.Now()
	p := startProcess(t, builtBinary(t), "dev")
	t.Logf("ready after %v", time.Since(began).Round(time.Millisecond))
	commands := printedCommands(p.out.String())
	if len(commands) != 3 {
		t.Fatalf("%d lines to try, want 3:\n%s", len(commands), p.out.String())
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Log("no curl here: the printed lines are not run")
		commands = nil
	}
	for _, line := range commands {
		out, err := exec.Command("sh", "-c", line).Output()
		if status, _, _ := strings.Cut(string(out), "\r\n"); err != nil || status != "HTTP/1.1 200 OK" {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
	took, err := p.stop()
	if err != nil || took > 5*time.Second {
		t.Errorf("SIGTERM: %v after %v", err, took)
	}
	t.Logf("ended after %v", took.Round(time.Millisecond))
	if left, err := os.ReadDir(p.temp); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v %v", left, err)
	}
}

// TestServeHasNoSandbox: the sandbox answers under dev and nowhere else.
func TestServeHasNoSandbox(t *testing.T) {
	binary := builtBinary(t)
	open := startProcess(t, binary, "dev", "--patients", "0")
	if got := sandboxStatus(t, open.base()); got != http.StatusOK {
		t.Errorf("dev answers %d, so the other half of this test proves nothing", got)
	}
	closed := startServe(t, binary, t.TempDir())
	if got := sandboxStatus(t, closed.base()); got < 400 || got > 499 {
		t.Errorf("serve answers %d", got)
	}
}

// startServe starts a real node of one on the data directory.
func startServe(t *testing.T, binary, data string) *process {
	t.Helper()
	return startProcess(t, binary, "serve", "--node-id", "n1", "--dc", "dc1", "--data", data, "--shards", "2", "--replicas", "1",
		"--bootstrap-expect", "1", "--access", "gateway", "--peer", freeAddress(t), "--gossip", freeAddress(t))
}

func sandboxStatus(t *testing.T, base string) int {
	t.Helper()
	response, err := plainClient.Post(base+"/sandbox/v1/seed", "application/json", strings.NewReader(`{"seed":{"patients":["`+seedNumber+`"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}
