package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"vertebra/bench/load"
)

func TestProgressLine(t *testing.T) {
	now := load.Summary{Loaded: 500, LoadedNow: 100, Offset: 600, Elapsed: 10 * time.Second}
	for _, test := range []struct {
		start, size int64
		want        string
	}{
		{0, 1000, "f: 500 people, 10/s, 60 %, 7s left"},
		{500, 1000, "f: 500 people, 10/s, 60 %, 40s left"}, // resumed: only 100 bytes in 10 s
		{0, -1, "f: 500 people, 10/s"},
	} {
		if got := progressLine("f", test.start, test.size, now); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestSummaryLine(t *testing.T) {
	s := load.Summary{Loaded: 1_000_000, LoadedNow: 400_000, Bad: 3, Elapsed: 100 * time.Second}
	if got, want := summaryLine(s), "loaded 400000 people in 1m40s (4000 records/s), 3 lines left out"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s.ResumedAt, s.Retries, s.Reconnects = 600_000, 2, 1
	if got, want := summaryLine(s), "loaded 400000 people in 1m40s (4000 records/s), 3 lines left out; "+
		"1000000 in all, resumed behind line 600000; 2 retries, 1 reconnects"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBadLinesAreListedUpToABound(t *testing.T) {
	var out bytes.Buffer
	s := newProgress(&out, "f", -1)
	for i := range int64(maxBadShown + 50) {
		s.bad(load.BadLine{Line: i + 1, Reason: "not JSON"})
	}
	last := fmt.Sprintf("f:%d: left out: not JSON\nf: further lines left out are counted, not listed\n", maxBadShown)
	if strings.Count(out.String(), "\n") != maxBadShown+1 || !strings.HasSuffix(out.String(), last) {
		t.Errorf("%d lines", strings.Count(out.String(), "\n"))
	}
}
