package main

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// builtBinary builds the program into the test's own folder, so that nothing is left behind.
func builtBinary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vertebra")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// process is a running vertebra. Its addresses are chosen before it starts.
type process struct {
	t                 *testing.T
	command           *exec.Cmd
	http, grpc, admin string
	temp              string
	out, log          lockedBuffer
	done              chan struct{}
	err               error
}

// startProcess runs a subcommand on free loopback ports, with a temporary folder of
// its own, and waits until /readyz answers 200.
func startProcess(t *testing.T, binary string, arguments ...string) *process {
	t.Helper()
	p := &process{t: t, http: freeAddress(t), grpc: freeAddress(t), admin: freeAddress(t), temp: t.TempDir(), done: make(chan struct{})}
	arguments = append(arguments, "--http", p.http, "--grpc", p.grpc, "--admin", p.admin)
	p.command = exec.Command(binary, arguments...)
	p.command.Env = append(os.Environ(), "TMPDIR="+p.temp)
	p.command.Stdout, p.command.Stderr = &p.out, &p.log
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.err = p.command.Wait(); close(p.done) }()
	t.Cleanup(p.kill)
	p.waitReady()
	return p
}

// kill ends the process as a crash does. A process that has ended is left alone.
func (p *process) kill() {
	_ = p.command.Process.Kill()
	<-p.done
}

// stop sends SIGTERM and returns how long the process took and what it ended with.
func (p *process) stop() (time.Duration, error) {
	began := time.Now()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	<-p.done
	return time.Since(began), p.err
}

func (p *process) base() string { return "http://" + p.http }

// waitReady asks /readyz until it answers 200, the process ends, or a minute passes.
func (p *process) waitReady() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			p.t.Fatalf("ended before it was ready: %v\n%s", p.err, p.log.String())
		case <-ctx.Done():
			p.t.Fatalf("not ready: %v\n%s", ctx.Err(), p.log.String())
		case <-tick.C:
			if isReady(ctx, p.base()) {
				return
			}
		}
	}
}

func isReady(ctx context.Context, base string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", nil)
	if err != nil {
		return false
	}
	response, err := plainClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// plainClient keeps no connection, so that none outlives a killed process.
var plainClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}

// freeAddress is a loopback port that nobody had a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// printedCommands are the curl lines that dev prints.
func printedCommands(out string) []string {
	var lines []string
	scanner := bufio.NewScanner(strings.NewReader(out))
	for scanner.Scan() {
		if strings.HasPrefix(scanner.Text(), "curl ") {
			lines = append(lines, scanner.Text())
		}
	}
	return lines
}
