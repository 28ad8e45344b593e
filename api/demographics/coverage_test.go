package demographics_test

import (
	"errors"
	"strings"
	"testing"

	"vertebra/api/access"
	"vertebra/api/demographics"
	"vertebra/api/fhir"
	"vertebra/storage/record"
)

const coverageBody = `{"resourceType":"Coverage","status":"active",
	"subscriber":{"identifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018"}},
	"identifier":[{"value":"ES1234","assigner":{"display":"Spain"}}],"payor":[{"identifier":{"value":"ES-11/22"}}],
	"beneficiary":{"identifier":{"value":"178705ABC"}},"period":{"end":"2030-12-31"}}`

func coverageRequest(body string, version uint64) demographics.CoverageRequest {
	return demographics.CoverageRequest{
		Caller: patient(fullNumber), IfMatch: fhir.ETag(version), Body: []byte(body), Now: now(), RequestID: record.RequestID{2},
	}
}

func TestCoverage(t *testing.T) {
	s := cabinetWith(t)
	answer, err := demographics.ReadCoverage(s, patient(fullNumber), fullNumber, now())
	const none = `{"resourceType":"Bundle","type":"searchset","meta":{"versionId":"4"},"timestamp":"2024-05-06T12:00:00+00:00","total":0}`
	if err != nil || answer.Status != 200 || answer.Version != 4 || string(answer.Body) != none {
		t.Fatalf("%v, %d, %s", err, answer.Version, answer.Body)
	}
	d, err := demographics.ReplaceCoverage(s, coverageRequest(coverageBody, 4))
	if err != nil {
		t.Fatal(issueOf(err))
	}
	if d.Answer.Status != 201 || d.Answer.Version != 5 || d.Mutation.Request != (record.RequestID{2}) || d.Mutation.Outcome.Status != 201 {
		t.Errorf("%d, version %d", d.Answer.Status, d.Answer.Version)
	}
	s.apply(t, d.Mutation)
	answer, err = demographics.ReadCoverage(s, patient(fullNumber), fullNumber, now())
	if err != nil || answer.Version != 5 {
		t.Fatal(err, answer.Version)
	}
	for path, want := range map[string]string{
		"total": "1", "meta.versionId": "5", "entry.0.resource.identifier.0.value": "ES1234",
		"entry.0.fullUrl": "https://api.service.nhs.uk/personal-demographics/FHIR/R4/Coverage?subscriber:identifier=9990000018",
	} {
		if got := get(t, answer.Body, path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if _, err := demographics.ReplaceCoverage(s, coverageRequest(coverageBody, 4)); issueOf(err) != "409 RESOURCE_VERSION_MISMATCH" {
		t.Errorf("%q", issueOf(err))
	}
	if d, err := demographics.ReplaceCoverage(s, coverageRequest(coverageBody, 5)); err != nil || d.Answer.Version != 6 {
		t.Errorf("%v, version %d", err, d.Answer.Version)
	}
}

func TestCoverageRefusals(t *testing.T) {
	s := cabinetWith(t)
	replace := func(old, new string) string { return strings.Replace(coverageBody, old, new, 1) }
	for _, c := range []struct {
		name, body, want string
	}{
		{"no identifier", replace(`"value":"ES1234",`, ``), missing("identifier/0/value")},
		{"no status", replace(`"status":"active",`, ``), missing("status")},
		{"another status", replace(`"active"`, `"draft"`), badValue("draft", "status")},
		{"no subscriber", replace(`"value":"9990000018"`, `"x":1`), missing("subscriber/identifier/value")},
		{"no beneficiary", replace(`"value":"178705ABC"`, `"x":1`), missing("beneficiary/identifier/value")},
		{"no payor", replace(`"value":"ES-11/22"`, `"x":1`), missing("payor/0/identifier/value")},
		{"no end", replace(`"end":"2030-12-31"`, `"x":1`), missing("period/end")},
		{"no such day", replace(`2030-12-31`, `2030-12-32`), badValue("2030-12-32", "period/end")},
		{"a month", replace(`2030-12-31`, `2030-12`), badValue("2030-12", "period/end")},
		{"26 characters", replace(`ES1234`, strings.Repeat("x", 26)), badValue(strings.Repeat("x", 26), "identifier/0/value")},
		{"31 characters", replace(`ES-11/22`, strings.Repeat("x", 31)), badValue(strings.Repeat("x", 31), "payor/0/identifier/value")},
		{"a character that is none", replace(`ES1234`, `ES_1234`), badValue("ES_1234", "identifier/0/value")},
		{"another resource", replace(`"Coverage"`, `"Patient"`), badValue("Patient", "resourceType")},
		{"no resource type", `{}`, missing("resourceType")},
		{"another member", replace(`"status"`, `"pets":1,"status"`), "400 ADDITIONAL_PROPERTIES Invalid request with error - Additional properties are not allowed ('pets' was unexpected)"},
		{"no number", replace(`9990000018`, `9000000000`), "400 INVALID_RESOURCE_ID"},
		{"somebody else's", replace(`9990000018`, deceasedNumber), "403 ACCESS_DENIED Your access token has insufficient permissions. See documentation regarding Patient access restrictions https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir"},
		{"no JSON", `{"a":`, badValue("<not JSON>", "a")},
		{"too large", `"` + strings.Repeat("x", 20_000) + `"`, badValue("<too large>", "Coverage")},
	} {
		if _, err := demographics.ReplaceCoverage(s, coverageRequest(c.body, 4)); issueOf(err) != c.want {
			t.Errorf("%s: %q\nwant %q", c.name, issueOf(err), c.want)
		}
	}
	req := coverageRequest(coverageBody, 4)
	req.IfMatch = ""
	if _, err := demographics.ReplaceCoverage(s, req); !strings.HasPrefix(issueOf(err), "412 PRECONDITION_FAILED") {
		t.Errorf("%q", issueOf(err))
	}
	req.Caller = worker
	const refused = "403 ACCESS_DENIED Your app has insufficient permissions to use this operation. Please contact support."
	if _, err := demographics.ReplaceCoverage(s, req); issueOf(err) != refused {
		t.Errorf("%q", issueOf(err))
	}
	if _, err := demographics.ReadCoverage(s, app, fullNumber, now()); issueOf(err) != refused {
		t.Errorf("%q", issueOf(err))
	}
	if _, err := demographics.ReadCoverage(s, patient(absentNumber), absentNumber, now()); issueOf(err) != "404 RESOURCE_NOT_FOUND" {
		t.Errorf("%q", issueOf(err))
	}
}

func TestCoverageOfASupersededNumber(t *testing.T) {
	s := cabinetWith(t)
	old := personOf(t, s.patient(deceasedNumber))
	old.Status = demographics.Status{State: demographics.Superseded, By: fullNumber}
	s.put(t, old)
	_, err := demographics.ReadCoverage(s, patient(deceasedNumber), deceasedNumber, now())
	var superseded *demographics.SupersededError
	if !errors.As(err, &superseded) {
		t.Fatal(err)
	}
	if answer, err := demographics.RetainedCoverage(s, superseded.By, now()); err != nil || answer.Version != 4 {
		t.Errorf("%v, version %d", err, answer.Version)
	}
	req := coverageRequest(strings.Replace(coverageBody, fullNumber, deceasedNumber, 1), 4)
	req.Caller = patient(deceasedNumber)
	if _, err := demographics.ReplaceCoverage(s, req); !errors.As(err, &superseded) {
		t.Fatal(err)
	}
	req.Retained = superseded.By
	d, err := demographics.ReplaceCoverage(s, req)
	if err != nil || d.Mutation.Subject != fullNumber || get(t, d.Answer.Body, "entry.0.resource.subscriber.identifier.value") != fullNumber {
		t.Errorf("%v: %s", err, d.Answer.Body)
	}
}

func TestCoverageParameters(t *testing.T) {
	const want = "400 INVALID_SEARCH_DATA Invalid search data provided - 'Coverage search request must follow the format /Coverage?subscriber:identifier=NHS_NUMBER'"
	for name, parameters := range map[string]map[string][]string{
		"none": nil, "another": {"patient": {"1"}}, "twice": {"subscriber:identifier": {"1", "2"}},
		"one more": {"subscriber:identifier": {"1"}, "x": {"1"}},
	} {
		if _, err := demographics.CoverageNumber(parameters); issueOf(err) != want {
			t.Errorf("%s: %q", name, issueOf(err))
		}
	}
	if n, err := demographics.CoverageNumber(map[string][]string{"subscriber:identifier": {"1"}}); n != "1" || err != nil {
		t.Errorf("%q, %v", n, err)
	}
	if n, err := demographics.CoverageSubscriber([]byte(coverageBody)); n != fullNumber || err != nil {
		t.Errorf("%q, %v", n, err)
	}
	if _, err := demographics.CoverageSubscriber([]byte(`{}`)); err == nil {
		t.Error("the subscriber of nothing")
	}
}

func TestRelatedPersons(t *testing.T) {
	related := func(s cabinet, id string) {
		k := record.Key{Subject: fullNumber, Table: record.RelatedPersons, Rest: id}
		s[k] = record.Record{Key: k, Version: 1, Body: []byte(`{"resourceType":"RelatedPerson","id":"` + id + `"}`)}
	}
	const none = `{"resourceType":"Bundle","type":"searchset","timestamp":"2024-05-06T12:00:00+00:00","total":0}`
	for _, c := range []struct {
		name, code string
		caller     access.Caller
		n          int
	}{
		{"two", "U", worker, 2},
		{"two of the patient's own", "U", patient(fullNumber), 2},
		{"none of a restricted patient", "R", worker, 0},
		{"two of a restricted patient, privileged", "R", privileged, 2},
		{"none of a very restricted patient", "V", privileged, 0},
	} {
		s := cabinetWith(t, security(c.code))
		related(s, "BBBB0002")
		related(s, "AAAA0001")
		answer, err := demographics.RelatedPersons(s, c.caller, fullNumber, now())
		if err != nil || answer.Status != 200 || answer.Version != 0 {
			t.Fatalf("%s: %v", c.name, err)
		}
		if c.n == 0 {
			if string(answer.Body) != none {
				t.Errorf("%s: %s", c.name, answer.Body)
			}
			continue
		}
		if got := get(t, answer.Body, "entry.0.fullUrl"); got != "https://api.service.nhs.uk/personal-demographics/FHIR/R4/Patient/9990000018/RelatedPerson/AAAA0001" || get(t, answer.Body, "total") != "2" {
			t.Errorf("%s: %s", c.name, answer.Body)
		}
	}
	s := cabinetWith(t)
	if answer, err := demographics.RelatedPersons(s, worker, fullNumber, now()); err != nil || string(answer.Body) != none {
		t.Errorf("%v: %s", err, answer.Body)
	}
	for number, want := range map[string]string{"12": "400 INVALID_RESOURCE_ID", absentNumber: "404 RESOURCE_NOT_FOUND"} {
		if _, err := demographics.RelatedPersons(s, worker, number, now()); issueOf(err) != want {
			t.Errorf("%q", issueOf(err))
		}
	}
}

func TestHistory(t *testing.T) {
	if got, want := string(demographics.History(nil)), `{"resourceType":"Bundle","type":"history","total":0}`; got != want {
		t.Errorf("%s", got)
	}
	s := cabinetWith(t)
	rec := s[record.Key{Subject: fullNumber, Table: record.Demographics}]
	body := demographics.History([]record.Record{rec, rec})
	for path, want := range map[string]string{
		"total": "2", "entry.1.resource.id": fullNumber, "entry.1.response.etag": `W/"4"`, "entry.0.response.lastModified": "2024-05-06T12:00:00+00:00",
		"entry.0.fullUrl": "https://api.service.nhs.uk/personal-demographics/FHIR/R4/Patient/9990000018",
	} {
		if got := get(t, body, path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}
