package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vertebra/bench"
	"vertebra/bench/people"
)

func TestBenchRefusesWhatItCannotMeasure(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"nobody":            {[]string{"--patients", "0"}, "--patients"},
		"no client":         {[]string{"--clients", "0"}, "--clients"},
		"no time":           {[]string{"--seconds", "0"}, "--seconds"},
		"no address":        {[]string{"--http", "here"}, "--http"},
		"another machine":   {[]string{"--grpc", "192.0.2.1:9090"}, "not loopback"},
		"admin elsewhere":   {[]string{"--admin", "192.0.2.1:7070"}, "--admin"},
		"unknown workload":  {[]string{"--workload", "read-http,fly"}, `"fly"`},
		"more than all":     {[]string{"--patients", "10", "--fresh", "11"}, "--fresh"},
		"warm-up backwards": {[]string{"--warm-up", "-1"}, "--warm-up"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTestProgram()
			if status := p.run(t.Context(), append([]string{"bench"}, c.args...)); status != exitUsage || !strings.Contains(p.err.String(), c.want) {
				t.Errorf("status %d, %s", status, p.err.String())
			}
		})
	}
}

// startReads serves the records of a seed's people by number, and a page of metrics.
func startReads(t *testing.T, patients int) (address string) {
	t.Helper()
	bodies := map[string][]byte{}
	for i := range patients {
		if p := people.New(1).Person(i); p.Live {
			bodies[demographicsPath+"/Patient/"+string(p.Number)] = p.Resource
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			return
		}
		body, ok := bodies[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(body) // a client that is gone
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestBenchPrintsAndKeepsWhatItMeasured(t *testing.T) {
	address := startReads(t, 40)
	file := filepath.Join(t.TempDir(), "report.json")
	p := newTestProgram()
	status := p.run(t.Context(), []string{"bench", "--http", address, "--admin", address, "--patients", "40",
		"--seconds", "1", "--warm-up", "0", "--clients", "2", "--workload", "read-http", "--json", file})
	if status != 0 || !strings.Contains(p.out.String(), "\nread-http ") {
		t.Fatalf("status %d, %s%s", status, p.out.String(), p.err.String())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var report bench.Report
	if err := json.Unmarshal(text, &report); err != nil || len(report.Results) != 1 || report.Results[0].Operations == 0 ||
		report.Settings.Clients != 2 || report.Environment.CPUs == 0 {
		t.Errorf("%v: %s", err, text)
	}
}

func TestBenchSaysWhatIsWrong(t *testing.T) {
	address := startReads(t, 40)
	args := []string{"bench", "--http", address, "--admin", "", "--seconds", "1", "--warm-up", "0"}
	p := newTestProgram()
	status := p.run(t.Context(), append(args, "--patients", "40", "--workload", "trace-exact"))
	if status != exitFindings || !strings.Contains(p.out.String(), "HTTP 404") || !strings.Contains(p.err.String(), "answered wrongly") {
		t.Errorf("no search: status %d, %s%s", status, p.out.String(), p.err.String())
	}
	p = newTestProgram()
	status = p.run(t.Context(), append(args, "--patients", "40", "--seed", "2", "--workload", "none"))
	if status != exitFailed || !strings.Contains(p.err.String(), "--seed") {
		t.Errorf("other people: status %d, %s", status, p.err.String())
	}
}
