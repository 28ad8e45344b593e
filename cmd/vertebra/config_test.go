package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// serveArgs are the flags without which serve does not start.
func serveArgs(more ...string) []string {
	return append([]string{"--node-id", "n1", "--dc", "leeds", "--data", "data", "--access", "gateway"}, more...)
}

func (p *testProgram) serveSettings(t *testing.T, args ...string) (settings, error) {
	t.Helper()
	cmd := p.serveCommand()
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return p.nodeSettings(cmd.Flags(), false)
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vertebra.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Flags win over variables, variables over the file, the file over defaults.
func TestSettingsPrecedence(t *testing.T) {
	file := writeFile(t, "http: 127.0.0.1:1001\ngrpc: 127.0.0.1:1002\nadmin: 127.0.0.1:1003\nelection-timeout: 2s\npublic-url: [http://a, http://b]\n")
	p := newTestProgram("VERTEBRA_GRPC=127.0.0.1:2002", "VERTEBRA_ADMIN=127.0.0.1:2003", "VERTEBRA_SHARDS=3", "OTHER=1")
	s, err := p.serveSettings(t, serveArgs("--config", file, "--admin", "127.0.0.1:3003")...)
	if err != nil {
		t.Fatal(err)
	}
	got := []any{s.HTTP, s.GRPC, s.Admin, s.Peer, s.Shards, s.ElectionTimeout, s.PublicURLs}
	want := []any{"127.0.0.1:1001", "127.0.0.1:2002", "127.0.0.1:3003", "127.0.0.1:7080", 3, 2 * time.Second, []string{"http://a", "http://b"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// A flag wins even when it says what the default says.
func TestAFlagSetToItsDefaultWins(t *testing.T) {
	p := newTestProgram("VERTEBRA_HTTP=127.0.0.1:2001")
	s, err := p.serveSettings(t, serveArgs("--http", "127.0.0.1:8080")...)
	if err != nil || s.HTTP != "127.0.0.1:8080" {
		t.Errorf("got %q, %v", s.HTTP, err)
	}
}

func TestListsComeFromVariables(t *testing.T) {
	p := newTestProgram("VERTEBRA_PUBLIC_URL=http://a,http://b")
	s, err := p.serveSettings(t, serveArgs()...)
	if want := []string{"http://a", "http://b"}; err != nil || !reflect.DeepEqual(s.PublicURLs, want) {
		t.Errorf("got %q, %v", s.PublicURLs, err)
	}
}

func TestUnknownVariablesAreNamedWithoutTheirValue(t *testing.T) {
	p := newTestProgram("VERTEBRA_DTAA=secret", "VERTEBRA_CONFIG=secret")
	if _, err := p.serveSettings(t, serveArgs()...); err != nil {
		t.Fatal(err)
	}
	got := p.err.String()
	if !strings.Contains(got, "VERTEBRA_DTAA") || !strings.Contains(got, "VERTEBRA_CONFIG") || strings.Contains(got, "secret") {
		t.Errorf("warned %q", got)
	}
}

func TestBadFilesAreRefused(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"unknown key":    {"htpp: 127.0.0.1:1\n", `unknown setting "htpp"`},
		"nested key":     {"http:\n  address: 127.0.0.1:1\n", `unknown setting "http.address"`},
		"config in file": {"config: x.yaml\n", `unknown setting "config"`},
		"key of dev":     {"patients: 3\n", `unknown setting "patients"`},
		"twice":          {"http: 127.0.0.1:1\nhttp: 127.0.0.1:2\n", "already defined"},
		"not YAML":       {"\t:", "--config"},
		"wrong type":     {"shards: many\n", "shards"},
		"bad duration":   {"election-timeout: soon\n", "election-timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newTestProgram().serveSettings(t, serveArgs("--config", writeFile(t, test.text))...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want it to say %q", err, test.want)
			}
		})
	}
	if _, err := newTestProgram().serveSettings(t, serveArgs("--config", "missing.yaml")...); err == nil || !strings.Contains(err.Error(), "missing.yaml") {
		t.Errorf("missing file: %v", err)
	}
}

// Every fault is named by its setting, and all at once.
func TestServeNamesEveryFault(t *testing.T) {
	_, err := newTestProgram().serveSettings(t,
		"--node-id", "N 1", "--http", "8080", "--grpc", "0.0.0.0:9090", "--admin", "127.0.0.1:99999", "--peer", "example.com:1",
		"--gossip", "127.0.0.1:7", "--shards", "0", "--replicas", "10", "--bootstrap-expect", "10", "--join", "n2",
		"--certs", "dir", "--public-url", "leeds", "--election-timeout", "1ms", "--log-format", "xml", "--log-level", "loud")
	if err == nil {
		t.Fatal("taken")
	}
	for _, name := range []string{
		"node-id", "dc", "data", "http", "grpc", "admin", "peer", "shards", "replicas", "bootstrap-expect", "join",
		"certs", "access", "public-url", "election-timeout", "log-format", "log-level",
	} {
		if !strings.Contains(err.Error(), "--"+name+": ") {
			t.Errorf("--%s is not named in\n%v", name, err)
		}
	}
	if strings.Contains(err.Error(), "--gossip") {
		t.Errorf("--gossip is named and is right:\n%v", err)
	}
}

func TestTwoListenersAtOneAddress(t *testing.T) {
	_, err := newTestProgram().serveSettings(t, serveArgs("--grpc", "127.0.0.1:8080")...)
	if err == nil || !strings.Contains(err.Error(), `--grpc: "127.0.0.1:8080" is the address of --http already`) {
		t.Errorf("got %v", err)
	}
	if _, err := newTestProgram().serveSettings(t, serveArgs("--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0")...); err != nil {
		t.Errorf("any free port, twice: %v", err)
	}
}

func TestIsLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "localhost:1": true,
		":1": false, "0.0.0.0:1": false, "[::]:1": false, "10.0.0.1:1": false, "localhost.example:1": false, "127.0.0.1": false,
	} {
		if isLoopback(address) != want {
			t.Errorf("%s: %v", address, !want)
		}
	}
}

func TestWrongUse(t *testing.T) {
	for _, args := range [][]string{
		{"dev", "--nodes", "10"}, {"dev", "--wan", "uk"}, {"dev", "--access", "strict"}, {"dev", "--patients", "-1"},
		{"dev", "--bootstrap-expect", "1"}, {"dev", "extra"}, {"serve"}, {"nonsense"},
		{"generate", "--patients", "0"}, {"generate", "--patients", "1000000000"},
		{"load"}, {"load", "-", "--grpc", "example.com:1"}, {"load", "-", "--batch", "1001"}, {"load", "-", "--in-flight", "0"},
		{"check"},
	} {
		p := newTestProgram()
		if status := p.run(t.Context(), args); status != exitUsage {
			t.Errorf("%v: status %d, %s", args, status, p.err.String())
		}
	}
}
