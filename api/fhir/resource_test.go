package fhir_test

import (
	"strings"
	"testing"
	"time"

	"vertebra/api/fhir"
)

func TestOutcomeJSON(t *testing.T) {
	i := &fhir.Issue{
		Status: 400, Severity: "error", Type: "value",
		Coding:      fhir.Coding{System: "s", Version: "1", Code: "C", Display: "D"},
		Text:        "T",
		Diagnostics: `says "x"`,
		Expression:  []string{"a", "b"},
	}
	const want = `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"value","details":{"coding":[{"system":"s","version":"1","code":"C","display":"D"}],"text":"T"},"diagnostics":"says \"x\"","expression":["a","b"]}]}`
	if got := string(fhir.OutcomeJSON(i)); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	bare := &fhir.Issue{Severity: "error", Type: "unknown"}
	const two = `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"unknown"},{"severity":"error","code":"unknown"}]}`
	if got := string(fhir.OutcomesJSON(bare, bare)); got != two {
		t.Errorf("%s\nwant %s", got, two)
	}
	if got := i.Error(); got != "C" {
		t.Errorf("an issue logs as %q: the code and nothing of the request", got)
	}
	if got := bare.Error(); got != "unknown" {
		t.Errorf("%q", got)
	}
}

func TestSearchsetJSON(t *testing.T) {
	now := time.Date(2019, 12, 25, 13, 0, 0, 999, time.FixedZone("", 3600))
	empty := fhir.Searchset{Timestamp: now}
	if got, want := string(empty.JSON()), `{"resourceType":"Bundle","type":"searchset","timestamp":"2019-12-25T12:00:00+00:00","total":0}`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	full := fhir.Searchset{Timestamp: now, VersionID: 7, Entries: []fhir.Entry{
		{FullURL: "u/1", Score: 1, Resource: []byte(`{"id":"1"}`)}, {Resource: []byte(`{}`)},
	}}
	const want = `{"resourceType":"Bundle","type":"searchset","meta":{"versionId":"7"},"timestamp":"2019-12-25T12:00:00+00:00","total":2,"entry":[{"fullUrl":"u/1","search":{"score":1},"resource":{"id":"1"}},{"resource":{}}]}`
	if got := string(full.JSON()); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestScoreIsOneForAnExactMatchOnly(t *testing.T) {
	for score, want := range map[float64]string{
		1: "1", 0.99999: "0.9999", 0.9259: "0.9259", 0.92594: "0.9259", 0.965: "0.965", 0.5: "0.5", 0.00001: "0.0001",
	} {
		set := fhir.Searchset{Entries: []fhir.Entry{{Score: score, Resource: []byte("{}")}}}
		if got := string(set.JSON()); !strings.Contains(got, `"score":`+want+`}`) {
			t.Errorf("%v was written in %s, want %s", score, got, want)
		}
	}
}

func TestETag(t *testing.T) {
	if v, ok := fhir.ParseETag(fhir.ETag(42)); !ok || v != 42 {
		t.Errorf("W/\"42\" was read as %d, %v", v, ok)
	}
	for _, s := range []string{"", "42", `"42"`, `W/42`, `W/""`, `W/"042"`, `W/"-1"`, `W/"+1"`, `w/"1"`, `W/"1`, `W/"1" `, `*`, `W/"18446744073709551616"`} {
		if v, ok := fhir.ParseETag(s); ok {
			t.Errorf("%q was read as %d", s, v)
		}
	}
}

func TestParseDate(t *testing.T) {
	for s, want := range map[string]fhir.Precision{"2010": fhir.ToYear, "2010-10": fhir.ToMonth, "2010-10-22": fhir.ToDay, "2024-02-29": fhir.ToDay} {
		if d, ok := fhir.ParseDate(s); !ok || d.Precision != want {
			t.Errorf("%s: %v, %v", s, d.Precision, ok)
		}
	}
	for _, s := range []string{"", "20101022", "2010-13", "2010-02-30", "2023-02-29", "2010-1-1", "2010-10-22T00:00:00Z", "abcd", "10-10-2010", " 2010"} {
		if _, ok := fhir.ParseDate(s); ok {
			t.Errorf("%q is no date", s)
		}
	}
	if _, ok := fhir.ParseDay("2010-10"); ok {
		t.Error("a month is no day")
	}
}

func TestParseDateTime(t *testing.T) {
	noon := time.Date(2010, 10, 22, 12, 0, 0, 0, time.UTC)
	for s, want := range map[string]fhir.Date{
		"2010-10-22T12:00:00":       {Time: noon, Precision: fhir.ToSecond},
		"2010-10-22T12:00:00Z":      {Time: noon, Precision: fhir.ToSecond, Offset: "Z"},
		"2010-10-22T12:00:00+00:00": {Time: noon, Precision: fhir.ToSecond, Offset: "+00:00"},
		"2010-10-22T13:00:00+01:00": {Time: noon, Precision: fhir.ToSecond, Offset: "+01:00"},
		"2010-10-22":                {Time: noon.Truncate(24 * time.Hour), Precision: fhir.ToDay},
	} {
		d, ok := fhir.ParseDateTime(s)
		if !ok || !d.Time.Equal(want.Time) || d.Precision != want.Precision || d.Offset != want.Offset {
			t.Errorf("%s: %+v, %v", s, d, ok)
		}
	}
	for _, s := range []string{"", "2010-10-22T12:00", "2010-10-22T25:00:00", "2010-10-22T12:00:00.5", "2010-10-22T12:00:00+0100", "2010-10-22 12:00:00", "2010-10-22T12:00:00+00:00x"} {
		if d, ok := fhir.ParseDateTime(s); ok {
			t.Errorf("%q was read as %+v", s, d)
		}
	}
}

func TestPythonIsBounded(t *testing.T) {
	long := fhir.NewArray()
	for range 1000 {
		long.Items = append(long.Items, fhir.NewString("äöü"))
	}
	if got := fhir.Python(long); len(got) > 1100 || !strings.HasPrefix(got, "['äöü', 'äöü'") {
		t.Errorf("%d bytes: %.40s", len(got), got)
	}
	if got, want := fhir.Python(parse(t, `{"a":[null,false,1.5,"it's","both ' and \" \n"]}`)), `{'a': [None, False, 1.5, "it's", 'both \' and " \n']}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
