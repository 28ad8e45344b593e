package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/tidwall/gjson"
)

// TestTranscripts plays testdata/cases/*.txt against a sandbox. The form, line by line:
//
//	== 1.5 name            a case; the store is reset and seeded with testdata/cases/seed.json
//	> GET /Patient/1       a request below the FHIR prefix, or //x for the path /x
//	> Name: value          a header; a request has an X-Request-ID unless "Name: -" leaves it out;
//	                       "Authorization: as PERSONA" sends a token of the sandbox for that persona
//	| {...}                the body
//	< 200                  the status; the lines up to the next > are about this answer
//	< Name: value          a header; - for absent, ~RE for a pattern
//	path = JSON            a gjson path and its value
//	path ~ RE              its text matches
//	path !                 it is absent
//	? CODE issue severity  the one issue of an OperationOutcome; "; diagnostics" or "; ~RE" behind it, or none
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "cases", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	if extra := os.Getenv("VERTEBRA_TRANSCRIPTS"); extra != "" {
		files, _ = filepath.Glob(extra)
	}
	seed, err := os.ReadFile(filepath.Join("testdata", "cases", "seed.json"))
	if err != nil {
		t.Fatal(err)
	}
	player := &transcriptPlayer{base: startProcess(t, builtBinary(t), "dev", "--patients", "0").base(), seed: seed}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range strings.Split("\n"+string(text), "\n== ")[1:] {
			name, steps, _ := strings.Cut(c, "\n")
			t.Run(name, func(t *testing.T) { player.play(t, steps) })
		}
	}
	t.Logf("%d checks", player.checks)
}

type transcriptPlayer struct {
	base   string
	seed   []byte
	checks int

	request transcriptRequest
	sent    bool
	header  http.Header
	body    []byte
	status  int
}

type transcriptRequest struct {
	method, path string
	header       http.Header
	body         bytes.Buffer
}

func (p *transcriptPlayer) play(t *testing.T, steps string) {
	p.begin("POST //sandbox/v1/seed")
	p.request.header.Set("Content-Type", "application/json")
	p.request.body.Write(p.seed)
	p.send(t)
	if p.status != http.StatusOK {
		t.Fatalf("seed: %d %s", p.status, p.body)
	}
	for line := range strings.Lines(steps) {
		p.step(t, strings.TrimRight(line, "\n"))
	}
}

func (p *transcriptPlayer) step(t *testing.T, line string) {
	t.Helper()
	mark, rest, _ := strings.Cut(line, " ")
	switch {
	case line == "" || mark == "#":
	case mark == ">" && !strings.Contains(strings.SplitN(rest, " ", 2)[0], ":"):
		p.begin(rest)
	case mark == ">":
		p.setHeader(t, rest)
	case mark == "|":
		p.request.body.WriteString(rest)
	default:
		p.send(t)
		p.checks++
		if fault := p.check(mark, rest); fault != "" {
			t.Errorf("%s %s: %s: %s\n%d %.1500s", p.request.method, p.request.path, line, fault, p.status, p.body)
		}
	}
}

func (p *transcriptPlayer) begin(line string) {
	method, path, _ := strings.Cut(line, " ")
	p.request = transcriptRequest{method: method, path: path, header: http.Header{"X-Request-Id": {uuid.NewString()}}}
	p.sent = false
}

func (p *transcriptPlayer) setHeader(t *testing.T, line string) {
	t.Helper()
	name, value, _ := strings.Cut(line, ":")
	if value = strings.TrimSpace(value); value == "-" {
		p.request.header.Del(name)
		return
	}
	if persona, ok := strings.CutPrefix(value, "as "); ok {
		value = "Bearer " + p.token(t, persona)
	}
	p.request.header.Set(name, value)
}

// token asks the sandbox for a persona's token.
func (p *transcriptPlayer) token(t *testing.T, persona string) string {
	t.Helper()
	response, err := plainClient.Post(p.base+"/sandbox/v1/token", "application/json", strings.NewReader(fmt.Sprintf(`{"persona":%q}`, persona)))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	token := gjson.GetBytes(body, "access_token").String()
	if err != nil || token == "" {
		t.Fatalf("token for %s: %v %d %s", persona, err, response.StatusCode, body)
	}
	return token
}

// send sends the request that was begun, once.
func (p *transcriptPlayer) send(t *testing.T) {
	t.Helper()
	if p.sent {
		return
	}
	p.sent = true
	target := p.base + demographicsPath + p.request.path
	if rest, ok := strings.CutPrefix(p.request.path, "//"); ok {
		target = p.base + "/" + rest
	}
	request, err := http.NewRequestWithContext(t.Context(), p.request.method, target, bytes.NewReader(p.request.body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = p.request.header
	response, err := plainClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if p.body, err = io.ReadAll(io.LimitReader(response.Body, 4<<20)); err != nil {
		t.Fatal(err)
	}
	p.status, p.header = response.StatusCode, response.Header
}

// check returns what is wrong with the answer, "" when nothing is.
func (p *transcriptPlayer) check(mark, rest string) string {
	switch {
	case mark == "<" && strings.Contains(rest, ":"):
		name, want, _ := strings.Cut(rest, ":")
		return differs(p.header.Get(name), strings.TrimSpace(want))
	case mark == "<":
		return differs(fmt.Sprint(p.status), rest)
	case mark == "?":
		return p.checkOutcome(rest)
	}
	operator, want, _ := strings.Cut(rest, " ")
	got := gjson.GetBytes(p.body, mark)
	switch operator {
	case "!":
		return differs(got.Raw, "-")
	case "~":
		return differs(got.String(), "~"+want)
	case "=":
		return differs(got.Raw, want)
	}
	return "this line is no check"
}

func (p *transcriptPlayer) checkOutcome(want string) string {
	issue := gjson.GetBytes(p.body, "issue.0")
	coding := issue.Get("details.coding.0")
	got := fmt.Sprintf("%s %s %s", coding.Get("code"), issue.Get("code"), issue.Get("severity"))
	if d := issue.Get("diagnostics"); d.Exists() {
		got += "; " + d.String()
	}
	if start, pattern, ok := strings.Cut(want, "; ~"); ok {
		want = "~^" + regexp.QuoteMeta(start+"; ") + ".*" + pattern
	}
	if fault := differs(got, want); fault != "" {
		return fault
	}
	shape := fmt.Sprintf("%s %d %d %s %s", gjson.GetBytes(p.body, "resourceType"), gjson.GetBytes(p.body, "issue.#").Int(),
		issue.Get("details.coding.#").Int(), coding.Get("version").Raw, coding.Get("system"))
	return differs(shape, `OperationOutcome 1 1 "1" https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode`)
}

// differs compares a text with what was wanted: "-" is nothing, ~RE a pattern.
func differs(got, want string) string {
	if want == "-" {
		want = ""
	}
	if pattern, ok := strings.CutPrefix(want, "~"); ok {
		if matched, err := regexp.MatchString(pattern, got); err != nil || !matched {
			return fmt.Sprintf("got %q", got)
		}
		return ""
	}
	if got != want {
		return fmt.Sprintf("got %q", got)
	}
	return ""
}
