package api_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vertebra/api"
)

var rewrite = flag.Bool("rewrite", false, "write what the edge answers into the transcripts")

// TestTranscripts runs the conversations of testdata/*.txt against an edge behind
// a real listener. Lines that begin with > are sent, those with < are what came
// back: status, headers in order, body. A file is one conversation, over the people
// of testdata/people.ndjson. After a change that is meant, run with -rewrite and
// read the difference.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			r := newRig(t, api.Limits{})
			r.load(t, "testdata/people.ndjson")
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := converse(t, r.serve(t).URL, string(text))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(text) {
				t.Errorf("the conversation went differently:\n%s", difference(string(text), got))
			}
			if strings.Contains(r.log.String(), "9000000") {
				t.Error("an NHS number was logged")
			}
		})
	}
}

// converse plays a transcript and returns it as it went.
func converse(t *testing.T, base, transcript string) string {
	t.Helper()
	var out, request strings.Builder
	for line := range strings.Lines(transcript) {
		switch {
		case strings.HasPrefix(line, ">"):
			request.WriteString(strings.TrimPrefix(strings.TrimPrefix(line, ">"), " "))
			out.WriteString(line)
		case strings.HasPrefix(line, "<"):
			// Written anew.
		default:
			if request.Len() > 0 {
				out.WriteString(exchange(t, base, request.String()))
				request.Reset()
			}
			out.WriteString(line)
		}
	}
	if request.Len() > 0 {
		out.WriteString(exchange(t, base, request.String()))
	}
	return out.String()
}

// exchange sends one request and returns its answer as lines of a transcript.
func exchange(t *testing.T, base, text string) string {
	t.Helper()
	head, body, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	method, target, _ := strings.Cut(lines[0], " ")
	if rest, ok := strings.CutPrefix(target, "R4"); ok {
		target = "/personal-demographics/FHIR/R4" + rest
	}
	r, err := http.NewRequest(method, base+target, strings.NewReader(strings.TrimSuffix(body, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		r.Header.Set(name, strings.TrimSpace(value))
	}
	r.Header["User-Agent"] = nil
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return show(answer, got)
}

func show(answer *http.Response, body []byte) string {
	var out strings.Builder
	fmt.Fprintf(&out, "< %d\n", answer.StatusCode)
	var names []string
	for name := range answer.Header {
		if name != "Date" && name != "Content-Length" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&out, "< %s: %s\n", name, strings.Join(answer.Header[name], ", "))
	}
	for line := range bytes.Lines(bytes.TrimSpace(body)) {
		fmt.Fprintf(&out, "< %s\n", bytes.TrimSpace(line))
	}
	return out.String()
}

// difference shows the lines that are not equal.
func difference(want, got string) string {
	var out strings.Builder
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		var a, b string
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			fmt.Fprintf(&out, "line %d\n  want %s\n  got  %s\n", i+1, a, b)
		}
	}
	return out.String()
}
