package demographics_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"vertebra/api/access"
	"vertebra/api/demographics"
	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// The people of the fixtures in testdata.
const (
	fullNumber     = "9990000018"
	deceasedNumber = "9000000009"
	bareNumber     = "9000000017"
	absentNumber   = "9000000025"
)

var (
	worker     = access.Caller{Mode: access.HealthcareWorker, RoleIDs: []string{"1"}}
	app        = access.Caller{Mode: access.Application}
	privileged = access.Caller{Mode: access.PrivilegedApplication}
	registrar  = access.Caller{Mode: access.HealthcareWorker, Privileged: true}
)

func patient(number string) access.Caller {
	return access.Caller{Mode: access.Patient, Patient: number, IdentityProofing: "P9.Cp.Cd"}
}

func now() time.Time { return time.Date(2024, 5, 6, 12, 0, 0, 0, time.UTC) }

// cabinet is a Reader that mutations can be applied to.
type cabinet map[record.Key]record.Record

func (s cabinet) Get(k record.Key) (record.Record, bool, error) {
	rec, ok := s[k]
	return rec, ok, nil
}

func (s cabinet) Scan(subject record.Subject, table record.Table) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		keys := slices.Collect(maps.Keys(s))
		slices.SortFunc(keys, func(a, b record.Key) int { return strings.Compare(a.Rest, b.Rest) })
		for _, k := range keys {
			if k.Subject == subject && k.Table == table && !yield(s[k], nil) {
				return
			}
		}
	}
}

// apply does what the store does: all conditions, then all writes.
func (s cabinet) apply(t testing.TB, m record.Mutation) {
	t.Helper()
	for _, r := range m.Reads {
		if s[r.Key].Version != r.Version {
			t.Fatalf("condition on table %d: version %d, have %d", r.Key.Table, r.Version, s[r.Key].Version)
		}
	}
	for _, w := range m.Writes {
		if w.Version == 0 {
			delete(s, w.Key)
			continue
		}
		s[w.Key] = record.Record{Key: w.Key, Version: w.Version, Time: now().UnixMicro(), Attributes: w.Attributes, Body: w.Body}
	}
}

func (s cabinet) put(t testing.TB, p demographics.Person) {
	t.Helper()
	writes, err := demographics.PersonWrites(p)
	if err != nil {
		t.Fatal(err)
	}
	s.apply(t, record.Mutation{Writes: writes})
}

func (s cabinet) patient(number string) []byte {
	return s[record.Key{Subject: record.Subject(number), Table: record.Demographics}].Body
}

// cabinetWith has the people of testdata, each after the edits.
func cabinetWith(t testing.TB, edits ...func(*fhir.Value)) cabinet {
	t.Helper()
	s := cabinet{}
	for _, name := range []string{"full", "deceased", "bare"} {
		text, err := os.ReadFile(filepath.Join("testdata", "patient_"+name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		tree, err := fhir.ParseJSON(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, edit := range edits {
			edit(tree)
		}
		s.put(t, personOf(t, tree.JSON()))
	}
	return s
}

func personOf(t testing.TB, body []byte) demographics.Person {
	t.Helper()
	number, ok := fhir.ParseNumber(get(t, body, "id"))
	if !ok {
		t.Fatal("a fixture without a valid number")
	}
	version, err := strconv.ParseUint(get(t, body, "meta.versionId"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return demographics.Person{Number: number, Version: version, Body: body}
}

// security is an edit that gives everybody that confidentiality.
func security(code string) func(*fhir.Value) {
	return func(tree *fhir.Value) {
		tree.Get("meta").Get("security").At(0).Set("code", fhir.NewString(code))
	}
}

// get returns what is at a dotted path of some JSON, "" when there is nothing.
func get(t testing.TB, body []byte, path string) string {
	t.Helper()
	v, ok := lookup(t, body, path)
	if !ok {
		return ""
	}
	return fmt.Sprint(v)
}

func lookup(t testing.TB, body []byte, path string) (any, bool) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	for step := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			next, ok := in[step]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n >= len(in) {
				return nil, false
			}
			v = in[n]
		default:
			return nil, false
		}
	}
	return v, true
}

// issueOf is an error as a client sees it: status, code and diagnostics.
func issueOf(err error) string {
	if err == nil {
		return ""
	}
	var issue *fhir.Issue
	if !errors.As(err, &issue) {
		return "fault: " + err.Error()
	}
	return strings.TrimSpace(fmt.Sprint(issue.Status, " ", issue.Coding.Code, " ", issue.Diagnostics))
}
