package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// devPorts are free ones; the default ports may be in use where tests run.
func devPorts(args ...string) []string {
	return append([]string{"dev", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, args...)
}

// startDev runs the sandbox until the test ends it, and returns when it is ready.
func startDev(t *testing.T, p *testProgram, args ...string) (end func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	status := make(chan int, 1)
	go func() { status <- p.run(ctx, devPorts(args...)) }()
	deadline := time.After(20 * time.Second)
	for tick := time.NewTicker(time.Millisecond); !strings.Contains(p.err.String(), "msg=ready"); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not ready: %s", p.err.String())
		case s := <-status:
			t.Fatalf("ended with status %d: %s", s, p.err.String())
		}
	}
	return func() int { cancel(); return <-status }
}

// adminURL finds the admin port in what dev printed.
func adminURL(t *testing.T, p *testProgram) string {
	t.Helper()
	found := regexp.MustCompile(`(http://\S+)/metrics`).FindStringSubmatch(p.out.String())
	if found == nil {
		t.Fatalf("no metrics in\n%s", p.out.String())
	}
	return found[1]
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestDevFillsPrintsServesAndEnds(t *testing.T) {
	p := newTestProgram()
	end := startDev(t, p, "--patients", "30")
	if len(p.node.people) != 30 || !p.node.settings.Sandbox || p.node.settings.Shards != devShards {
		t.Errorf("%d people, settings %+v", len(p.node.people), p.node.settings)
	}
	admin := adminURL(t, p)
	for path, want := range map[string]string{"/readyz": "ok", "/livez": "ok", "/metrics": "go_goroutines", "/debug/pprof/": "heap"} {
		if status, body := get(t, admin+path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.80s", path, status, body)
		}
	}
	if status, _ := get(t, admin+"/nothing"); status != http.StatusNotFound {
		t.Errorf("/nothing: %d", status)
	}
	data := p.node.settings.Data
	if _, err := os.Stat(data); err != nil {
		t.Errorf("data: %v", err)
	}
	if status := end(); status != 0 || !p.node.stopped {
		t.Errorf("status %d, stopped %v: %s", status, p.node.stopped, p.err.String())
	}
	if _, err := os.Stat(data); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("temporary data is still there: %v", err)
	}
}

// The one shown is neither restricted nor dead; an apostrophe in a name does not end a
// word of the shell.
func TestDevPrintsThreeLinesToTry(t *testing.T) {
	p := newTestProgram()
	startDev(t, p, "--patients", "3")()
	_, try, _ := strings.Cut(p.out.String(), "Try\n\n")
	try = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`).ReplaceAllString(try, "UUID")
	try = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`).ReplaceAllString(try, "HOST")
	want := `curl -i -H 'X-Request-ID: UUID' 'http://HOST/personal-demographics/FHIR/R4/Patient/9910000002'

curl -i -H 'X-Request-ID: UUID' 'http://HOST/personal-demographics/FHIR/R4/Patient?birthdate=eq1980-01-02&family=O%27Hara+2&gender=female'

curl -i -H 'X-Request-ID: UUID' -X PATCH -H 'If-Match: W/"3"' -H 'Content-Type: application/json-patch+json' -d '{"patches":[{"op":"add","path":"/telecom/-","value":{"system":"email","use":"temp","value":"try.me@example.com"}}]}' 'http://HOST/personal-demographics/FHIR/R4/Patient/9910000002'
`
	if try != want {
		t.Errorf("printed\n%s\nwant\n%s", try, want)
	}
}

func TestQuote(t *testing.T) {
	if got, want := quote("O'Hara; rm $x"), `'O'\''Hara; rm $x'`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestDevWithoutPeopleSaysHowToMakeOne(t *testing.T) {
	p := newTestProgram()
	startDev(t, p, "--patients", "0")()
	if got := p.out.String(); strings.Count(got, "curl ") != 3 || !strings.Contains(got, "/sandbox/v1/seed") {
		t.Errorf("printed\n%s", got)
	}
}

func TestDevKeepsAFolderThatWasGiven(t *testing.T) {
	p := newTestProgram()
	dir := t.TempDir()
	file := writeFile(t, `{"id":"a"}`+"\n"+`broken`+"\n")
	startDev(t, p, "--patients", "0", "--data", dir, "--load", file)()
	if _, err := os.Stat(dir); err != nil || p.node.settings.Data != dir {
		t.Errorf("data %q: %v", p.node.settings.Data, err)
	}
	if len(p.node.people) != 1 || !strings.Contains(p.err.String(), ":2: left out: not JSON") {
		t.Errorf("%d people: %s", len(p.node.people), p.err.String())
	}
}

func TestANodeThatCannotStartOrFails(t *testing.T) {
	p := newTestProgram()
	p.node.refuse = errors.New("disk is read-only")
	if status := p.run(t.Context(), devPorts()); status != exitFailed || !strings.Contains(p.err.String(), "disk is read-only") {
		t.Errorf("status %d: %s", status, p.err.String())
	}
	p = newTestProgram()
	p.startNode = func(ctx context.Context, s settings, parts parts) (*running, error) {
		node, err := p.node.start(ctx, s, parts)
		p.node.failed <- errors.New("disk lost")
		return node, err
	}
	if status := p.run(t.Context(), devPorts("--patients", "0")); status != exitFailed || !strings.Contains(p.err.String(), "node failed: disk lost") || !p.node.stopped {
		t.Errorf("status %d: %s", status, p.err.String())
	}
}

func TestServeNeverOpensTheSandbox(t *testing.T) {
	p := newTestProgram("VERTEBRA_SANDBOX=true")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	args := append([]string{"serve"}, serveArgs("--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--admin", "127.0.0.1:0")...)
	if status := p.run(ctx, args); status != 0 {
		t.Fatalf("status %d: %s", status, p.err.String())
	}
	if p.node.settings.Sandbox || p.node.settings.Access != accessGateway {
		t.Errorf("settings %+v", p.node.settings)
	}
}

func TestReadiness(t *testing.T) {
	r := &readiness{}
	r.wait("a")
	r.wait("b")
	r.done("a")
	r.done("unknown")
	if err := r.ready(); err == nil || err.Error() != "b" {
		t.Errorf("got %v", err)
	}
	r.done("b")
	if err := r.ready(); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestLoadCommand(t *testing.T) {
	node := &fakeNode{people: map[string]string{}}
	server, err := node.start(t.Context(), settings{GRPC: "127.0.0.1:0"}, parts{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.stop(context.Background()) }()
	good, bad := writeFile(t, `{"id":"a"}`+"\n"), writeFile(t, `{"id":"b"}`+"\nsecret\n")
	for _, test := range []struct {
		file, stdin   string
		status        int
		stdout, error string
	}{
		{file: good, status: 0, stdout: "loaded 1 people in "},
		{file: bad, status: exitFindings, stdout: ", 1 lines left out", error: ":2: left out: not JSON"},
		{file: "-", stdin: `{"id":"c"}`, status: 0, stdout: "loaded 1 people in "},
		{file: "missing.ndjson", status: exitFailed, error: "missing.ndjson"},
	} {
		p := newTestProgram()
		p.stdin = strings.NewReader(test.stdin)
		status := p.run(t.Context(), []string{"load", test.file, "--grpc", server.grpcAddress})
		if status != test.status || !strings.Contains(p.out.String(), test.stdout) || !strings.Contains(p.err.String(), test.error) {
			t.Errorf("%s: status %d\n%s\n%s", test.file, status, p.out.String(), p.err.String())
		}
		if strings.Contains(p.out.String()+p.err.String(), "secret") {
			t.Errorf("%s: a line's content is shown: %s", test.file, p.err.String())
		}
	}
	if len(node.people) != 3 {
		t.Errorf("%d people", len(node.people))
	}
}

func TestGenerateIsRepeatable(t *testing.T) {
	first, second := newTestProgram(), newTestProgram()
	first.people, second.people = madeUpPeople, madeUpPeople
	path := filepath.Join(t.TempDir(), "people.ndjson")
	if first.run(t.Context(), []string{"generate", "--patients", "20", "--seed", "7"}) != 0 {
		t.Fatal(first.err.String())
	}
	if second.run(t.Context(), []string{"generate", "--patients", "20", "--seed", "7", "--out", path}) != 0 {
		t.Fatal(second.err.String())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if number := numberOf([]byte(line)); len(number) != 10 {
			t.Errorf("a line about %q", number)
		}
	}
	if first.out.String() != string(text) || strings.Count(string(text), "\n") != 20 || second.out.String() != "" {
		t.Errorf("%d bytes to standard output, %d to the file", len(first.out.String()), len(text))
	}
}

func TestCheckCommand(t *testing.T) {
	p := newTestProgram()
	p.check = func(_ context.Context, data string) (checkReport, error) {
		if data != "dir" {
			return checkReport{}, errors.New("not a data directory")
		}
		return checkReport{Shards: 2, Records: 5, Postings: 7, Documents: 5, Findings: []string{"shard 1: a posting without a record"}}, nil
	}
	if status := p.run(t.Context(), []string{"check", "--data", "dir"}); status != exitFindings {
		t.Errorf("status %d: %s", status, p.err.String())
	}
	if want := "shard 1: a posting without a record\nchecked 2 shards, 5 records, 7 postings, 5 indexed documents: 1 findings\n"; p.out.String() != want {
		t.Errorf("printed %q", p.out.String())
	}
	if status := p.run(t.Context(), []string{"check", "--data", "other"}); status != exitFailed {
		t.Errorf("status %d: %s", status, p.err.String())
	}
}

func TestVersion(t *testing.T) {
	info := &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.time", Value: "2026-11-20T12:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}}
	if got, want := buildVersion(info), "vertebra v1.2.3 0123456789ab (modified) 2026-11-20T12:00:00Z"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := buildVersion(nil); got != "vertebra (unknown)" {
		t.Errorf("got %s", got)
	}
	p := newTestProgram()
	if p.run(t.Context(), []string{"version"}) != 0 || !strings.HasPrefix(p.out.String(), "vertebra ") {
		t.Errorf("printed %q", p.out.String())
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		p := newTestProgram()
		if status := p.run(t.Context(), []string{"completion", shell}); status != 0 || !strings.Contains(p.out.String(), "vertebra") {
			t.Errorf("%s: status %d", shell, status)
		}
	}
}
