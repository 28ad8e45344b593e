package demographics_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"vertebra/api/access"
	"vertebra/api/demographics"
	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// TestSharedUpdatesAndReads runs the reads and updates of the shared cases.
func TestSharedUpdatesAndReads(t *testing.T) {
	text, err := os.ReadFile("../../../shared/cases/demographics-and-pointers.json")
	if err != nil {
		t.Skip("the shared cases are not beside this repository")
	}
	ran := 0
	for _, c := range gjson.ParseBytes(text).Array() {
		path, _ := strings.CutPrefix(c.Get("request.path").String(), "/Patient/")
		if c.Get("api").String() != "pds" || path == c.Get("request.path").String() {
			continue
		}
		ran++
		t.Run(c.Get("id").String(), func(t *testing.T) { runUpdateOrRead(t, c) })
	}
	if ran == 0 {
		t.Error("no case was run")
	}
}

func runUpdateOrRead(t *testing.T, c gjson.Result) {
	s := newShelf()
	for _, p := range c.Get("seed.patients").Array() {
		s.load(t, p.Raw)
	}
	c.Get("seed.relatedPersons").ForEach(func(number, list gjson.Result) bool {
		for _, related := range list.Array() {
			k := record.Key{Subject: record.Subject(number.String()), Table: record.RelatedPersons, Rest: related.Get("id").String()}
			s.records[k] = record.Record{Key: k, Version: 1, Body: []byte(related.Raw)}
		}
		return true
	})
	check := func(request, expect gjson.Result) {
		answer, err := serve(s, c.Get("mode").String(), request)
		var issue *fhir.Issue
		if errors.As(err, &issue) {
			answer = fhir.Answer{Status: issue.Status, Body: fhir.OutcomeJSON(issue)}
		} else if err != nil {
			t.Fatal(err)
		}
		if want := expect.Get("status").Int(); int64(answer.Status) != want {
			t.Errorf("status %d, want %d: %s", answer.Status, want, answer.Body)
		}
		expect.Get("jsonpath").ForEach(func(path, want gjson.Result) bool {
			if got := gjson.GetBytes(answer.Body, path.String()); !fits(got, want) {
				t.Errorf("%s is %s, want %s", path, got.Raw, want.Raw)
			}
			return true
		})
	}
	check(c.Get("request"), c.Get("expect"))
	for _, then := range c.Get("then").Array() {
		check(then.Get("request"), then.Get("expect"))
	}
}

// serve does what the edge does with a request on one person.
func serve(s *shelf, mode string, request gjson.Result) (fhir.Answer, error) {
	caller := access.Caller{Mode: access.Mode(mode)}
	switch name, of, _ := strings.Cut(mode, ":"); name {
	case "healthcare-worker":
		caller.Mode = access.HealthcareWorker
	case "patient-access":
		caller = patient(of)
	}
	number, rest, _ := strings.Cut(strings.TrimPrefix(request.Get("path").String(), "/Patient/"), "/")
	h := demographics.Headers{
		RequestID: request.Get("headers.X-Request-ID").String(), IfMatch: request.Get("headers.If-Match").String(),
		ContentType: request.Get("headers.Content-Type").String(),
	}
	op := demographics.OpRetrieve
	if request.Get("method").String() == "PATCH" {
		op = demographics.OpUpdate
	}
	caller, err := demographics.Admit(op, h, number, func() (access.Caller, error) { return caller, nil })
	if err != nil {
		return fhir.Answer{}, err
	}
	switch {
	case op == demographics.OpUpdate:
		d, err := demographics.Patch(s, demographics.PatchRequest{
			Caller: caller, Number: number, IfMatch: h.IfMatch, ContentType: h.ContentType,
			Body: []byte(request.Get("body").Raw), Now: time.Now(), NewID: sequence(),
		})
		if err == nil && !s.apply(d.Mutation) {
			err = errors.New("conflict")
		}
		return d.Answer, err
	case rest == "RelatedPerson":
		return demographics.RelatedPersons(s, caller, number, now())
	}
	answer, err := demographics.Read(s, caller, number)
	var superseded *demographics.SupersededError
	if errors.As(err, &superseded) {
		return demographics.ReadRetained(s, caller, superseded.By)
	}
	return answer, err
}
