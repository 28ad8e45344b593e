package demographics_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"vertebra/api/access"
	"vertebra/api/demographics"
	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// TestSharedCases runs the searches and creates of the shared cases against the rules.
func TestSharedCases(t *testing.T) {
	text, err := os.ReadFile("../../../shared/cases/demographics-and-pointers.json")
	if err != nil {
		t.Skip("the shared cases are not beside this repository")
	}
	ran := 0
	gjson.ParseBytes(text).ForEach(func(_, c gjson.Result) bool {
		path := c.Get("request.path").String()
		search := c.Get("request.method").String() == "GET" && strings.HasPrefix(path, "/Patient?")
		create := c.Get("request.method").String() == "POST" && path == "/Patient"
		if c.Get("api").String() != "pds" || !search && !create {
			return true
		}
		ran++
		t.Run(c.Get("id").String(), func(t *testing.T) { runCase(t, c, path, search) })
		return true
	})
	if ran == 0 {
		t.Error("no case was run")
	}
}

func runCase(t *testing.T, c gjson.Result, path string, search bool) {
	s := newShelf()
	c.Get("seed.patients").ForEach(func(_, p gjson.Result) bool {
		s.load(t, p.Raw)
		return true
	})
	mode := access.Mode(c.Get("mode").String())
	if mode == "healthcare-worker" {
		mode = access.HealthcareWorker
	}
	var answer fhir.Answer
	var err error
	if search {
		answer, err = s.trace(t, strings.TrimPrefix(path, "/Patient?"), mode)
	} else {
		answer, err = s.create(t, c.Get("request.body").Raw, mode)
	}
	var issue *fhir.Issue
	if errors.As(err, &issue) {
		answer = fhir.Answer{Status: issue.Status, Body: fhir.OutcomeJSON(issue)}
	} else if err != nil {
		t.Fatal(err)
	}
	if want := c.Get("expect.status").Int(); int64(answer.Status) != want {
		t.Errorf("status %d, want %d: %s", answer.Status, want, answer.Body)
	}
	c.Get("expect.jsonpath").ForEach(func(path, want gjson.Result) bool {
		if got := gjson.GetBytes(answer.Body, path.String()); !fits(got, want) {
			t.Errorf("%s is %s, want %s", path, got.Raw, want.Raw)
		}
		return true
	})
	c.Get("expect.absent").ForEach(func(_, path gjson.Result) bool {
		if got := gjson.GetBytes(answer.Body, path.String()); got.Exists() {
			t.Errorf("%s is there: %s", path, got.Raw)
		}
		return true
	})
}

// fits compares with a value or a one-key matcher of the cases.
func fits(got, want gjson.Result) bool {
	if !want.IsObject() {
		var a, b any
		return json.Unmarshal([]byte(want.Raw), &a) == nil && got.Exists() &&
			json.Unmarshal([]byte(got.Raw), &b) == nil && fmt.Sprint(a) == fmt.Sprint(b)
	}
	ok := true
	want.ForEach(func(name, w gjson.Result) bool {
		switch name.String() {
		case "$any":
			ok = got.Exists()
		case "$gt":
			ok = got.Float() > w.Float()
		case "$lte":
			ok = got.Exists() && got.Float() <= w.Float()
		case "$endsWith":
			ok = strings.HasSuffix(got.String(), w.String())
		case "$startsWith":
			ok = strings.HasPrefix(got.String(), w.String())
		case "$regex":
			ok = regexp.MustCompile(w.String()).MatchString(got.String())
		default:
			ok = false
		}
		return ok
	})
	return ok
}

// create runs the whole flow of a create, as DESIGN.md lists it.
func (s *shelf) create(t testing.TB, body string, mode access.Mode) (fhir.Answer, error) {
	t.Helper()
	if err := demographics.Allow(demographics.OpCreate, access.Caller{Mode: mode}); err != nil {
		return fhir.Answer{}, err
	}
	n, err := demographics.ParseCreate([]byte(body), noon())
	if err != nil {
		return fhir.Answer{}, err
	}
	return s.createAs(t, n, record.RequestID{1}, "9990000085")
}

func (s *shelf) createAs(t testing.TB, n demographics.Newcomer, request record.RequestID, number fhir.Number) (fhir.Answer, error) {
	t.Helper()
	claim, taken, err := demographics.TakeClaim(s, n, number, request, noon())
	if err != nil {
		return fhir.Answer{}, err
	}
	if !s.apply(taken.Mutation) {
		t.Fatal("the claim met a conflict")
	}
	defer func() {
		released, err := demographics.Release(s, n, claim)
		if err != nil || !s.apply(released.Mutation) {
			t.Fatalf("release: %v", err)
		}
	}()
	if err := demographics.Duplicates(s.find(n.DuplicateQuery()), claim); err != nil {
		return fhir.Answer{}, err
	}
	ids := 0
	d, err := demographics.Create(s, n, demographics.Creation{
		Claim: claim, Request: request, Now: noon(),
		NewID:          func() string { ids++; return fmt.Sprintf("A1B2C%03X", ids) },
		NotificationID: "0f3c3d9e-0000-4000-8000-000000000001",
	})
	if err != nil {
		return fhir.Answer{}, err
	}
	if !s.apply(d.Mutation) {
		t.Fatal("the create met a conflict")
	}
	return d.Answer, nil
}
