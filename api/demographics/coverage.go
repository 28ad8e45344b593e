package demographics

import (
	"errors"
	"time"

	"vertebra/api/access"
	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// CoverageNumber reads the parameters of GET /Coverage: exactly one, the number.
func CoverageNumber(parameters map[string][]string) (string, error) {
	const name = "subscriber:identifier"
	if values := parameters[name]; len(parameters) == 1 && len(values) == 1 {
		return values[0], nil
	}
	return "", InvalidSearchData("Coverage search request must follow the format /Coverage?subscriber:identifier=NHS_NUMBER")
}

// ReadCoverage answers GET /Coverage (contract 1.11): the EHIC data of a person.
//
// Data that nobody has written yet has the person's version, as the public service
// answers; once written it has its own counter from there on.
//
// Errors as Read's; upon *SupersededError the caller calls RetainedCoverage.
func ReadCoverage(r Reader, caller access.Caller, number string, now time.Time) (fhir.Answer, error) {
	n, err := Asked(OpReadCoverage, caller, number)
	if err != nil {
		return fhir.Answer{}, err
	}
	return RetainedCoverage(r, n, now)
}

// RetainedCoverage is to ReadCoverage what ReadRetained is to Read.
func RetainedCoverage(r Reader, n fhir.Number, now time.Time) (fhir.Answer, error) {
	c, err := coverage(r, n)
	if err != nil {
		return fhir.Answer{}, err
	}
	return c.answer(200, now), nil
}

// covered is a person's EHIC data, as it is or is going to be.
type covered struct {
	number  fhir.Number
	version uint64
	// reads are the conditions under which it is so.
	reads []record.Read
	// body is nil when nobody has written any.
	body []byte
}

func coverageKey(n fhir.Number) record.Key {
	return record.Key{Subject: record.Subject(n), Table: record.Coverages}
}

func coverage(r Reader, n fhir.Number) (covered, error) {
	owner, _, err := person(r, n)
	if err != nil {
		return covered{}, err
	}
	rec, found, err := r.Get(coverageKey(n))
	c := covered{number: n, version: owner.Version, reads: []record.Read{
		{Key: owner.Key, Version: owner.Version}, {Key: coverageKey(n), Version: rec.Version},
	}}
	if found {
		c.version, c.body = rec.Version, rec.Body
	}
	return c, err
}

func (c *covered) answer(status int, now time.Time) fhir.Answer {
	set := fhir.Searchset{Timestamp: now, VersionID: c.version}
	if c.body != nil {
		set.Entries = []fhir.Entry{{
			FullURL:  publicBase + "/Coverage?subscriber:identifier=" + string(c.number),
			Resource: c.body,
		}}
	}
	return fhir.Answer{Status: status, Version: c.version, Body: set.JSON()}
}

// CoverageRequest is a POST /Coverage.
type CoverageRequest struct {
	Caller access.Caller
	// Retained is the number to which the subscriber's led; empty when it is that.
	Retained  fhir.Number
	IfMatch   string
	Body      []byte
	Now       time.Time
	RequestID record.RequestID
}

// CoverageSubscriber reads whom a POST /Coverage is about, so that it can be sent
// where that person is, with the issues of a body that does not say.
func CoverageSubscriber(body []byte) (string, error) {
	resource, err := parseCoverage(body)
	if err != nil {
		return "", err
	}
	return resource.Get("subscriber").Get("identifier").Get("value").Str(), nil
}

// ReplaceCoverage decides a POST /Coverage (contract 1.11). Upon *SupersededError the
// caller asks again with Retained.
func ReplaceCoverage(r Reader, req CoverageRequest) (Decision, error) {
	if err := Allow(OpReplaceCoverage, req.Caller); err != nil {
		return Decision{}, err
	}
	if err := checkIfMatch(req.IfMatch); err != nil {
		return Decision{}, err
	}
	resource, err := parseCoverage(req.Body)
	if err != nil {
		return Decision{}, err
	}
	subscriber := resource.Get("subscriber").Get("identifier").Get("value")
	n, err := Asked(OpReplaceCoverage, req.Caller, subscriber.Str())
	if err != nil {
		return Decision{}, err
	}
	if req.Retained != "" {
		n = req.Retained
		subscriber.Text = string(n)
	}
	c, err := coverage(r, n)
	if err != nil {
		return Decision{}, err
	}
	if err := checkVersion(req.IfMatch, c.version); err != nil {
		return Decision{}, err
	}
	c.version++
	c.body = resource.JSON()
	return c.decide(req), nil
}

func (c *covered) decide(req CoverageRequest) Decision {
	subject := record.Subject(c.number)
	return Decision{
		Mutation: record.Mutation{
			Subject: subject,
			Request: req.RequestID,
			Outcome: record.Outcome{Status: 201, Version: c.version, Subject: subject},
			Reads:   c.reads,
			Writes: []record.Write{{
				Key: coverageKey(c.number), Version: c.version, KeepHistory: true, Body: c.body,
			}},
		},
		Answer: c.answer(201, req.Now),
	}
}

const (
	maxCoverageBytes      = 16 << 10
	maxCoverageCharacters = 25
	maxPayorCharacters    = 30
)

// parseCoverage reads a Coverage and reports the first thing that is wrong with it.
func parseCoverage(body []byte) (*fhir.Value, error) {
	if len(body) > maxCoverageBytes {
		return nil, InvalidValue("<too large>", "Coverage")
	}
	resource, err := fhir.ParseJSON(body)
	if err != nil {
		var syntax *fhir.SyntaxError
		errors.As(err, &syntax)
		return nil, InvalidValue("<not JSON>", shortened(syntax.Path))
	}
	if kind := resource.Get("resourceType"); kind.Str() != "Coverage" {
		return nil, invalidOrMissing(kind, "resourceType")
	}
	if status := resource.Get("status"); status.Str() != "active" {
		return nil, invalidOrMissing(status, "status")
	}
	for _, f := range [...]struct {
		value *fhir.Value
		path  string
		most  int
	}{
		{resource.Get("identifier").At(0).Get("value"), "identifier/0/value", maxCoverageCharacters},
		{resource.Get("subscriber").Get("identifier").Get("value"), "subscriber/identifier/value", maxCoverageCharacters},
		{resource.Get("beneficiary").Get("identifier").Get("value"), "beneficiary/identifier/value", maxCoverageCharacters},
		{resource.Get("payor").At(0).Get("identifier").Get("value"), "payor/0/identifier/value", maxPayorCharacters},
	} {
		if !isCoverageText(f.value.Str(), f.most) {
			return nil, invalidOrMissing(f.value, f.path)
		}
	}
	end := resource.Get("period").Get("end")
	if _, ok := fhir.ParseDay(end.Str()); !ok {
		return nil, invalidOrMissing(end, "period/end")
	}
	return resource, checkCoverageMembers(resource)
}

// checkCoverageMembers refuses members that the service does not keep: what it would
// store is sent to other countries.
func checkCoverageMembers(resource *fhir.Value) error {
	for _, p := range resource.Properties {
		switch p.Name {
		case "resourceType", "status", "subscriber", "beneficiary", "identifier", "payor", "period":
		default:
			return AdditionalProperties(shortened(p.Name))
		}
	}
	return nil
}

// isCoverageText: the characters of contract 1.11.
func isCoverageText(s string, most int) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		case c == '-', c == ',', c == '/', c == ':', c == '\'', c == '.', c == ' ':
		default:
			return false
		}
	}
	return s != "" && len(s) <= most
}
