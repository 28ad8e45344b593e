package demographics_test

import (
	"errors"
	"strings"
	"testing"

	"vertebra/api/access"
	"vertebra/api/demographics"
	"vertebra/api/fhir"
)

// Every operation in every mode, as contract 1.1 and 1.4 have it. "own" is allowed for
// the patient's own number.
func TestAccessTable(t *testing.T) {
	modes := []access.Mode{access.HealthcareWorker, access.Application, access.PrivilegedApplication, access.Patient, "", "root"}
	const (
		patientCannot = "403 Patient cannot perform this action"
		cannotUpdate  = "403 Cannot update resource with application-restricted access token"
		cannotCreate  = "403 Cannot create resource with application-restricted access token"
		cannotGet     = "403 Cannot GET resource with application-restricted access token"
		cannotPost    = "403 Cannot POST resource with application-restricted access token"
	)
	as := func(text string, mode access.Mode) string {
		return strings.Replace(text, "application-restricted", string(mode), 1)
	}
	for op, row := range map[demographics.Operation][4]string{
		demographics.OpSearch:          {"", "", "", patientCannot},
		demographics.OpRetrieve:        {"", "", "", "own"},
		demographics.OpUpdate:          {"", cannotUpdate, cannotUpdate, "own"},
		demographics.OpCreate:          {"", cannotCreate, cannotCreate, cannotCreate},
		demographics.OpCreateAtBirth:   {"", cannotCreate, cannotCreate, cannotCreate},
		demographics.OpRelatedPersons:  {"", "", "", "own"},
		demographics.OpReadCoverage:    {cannotGet, cannotGet, cannotGet, "own"},
		demographics.OpReplaceCoverage: {cannotPost, cannotPost, cannotPost, "own"},
		demographics.Operation(99):     {patientCannot, patientCannot, patientCannot, patientCannot},
	} {
		for i, mode := range modes {
			want := patientCannot
			if i < len(row) {
				want = as(row[i], mode)
			}
			caller := access.Caller{Mode: mode, Patient: fullNumber, IdentityProofing: "P9.Cm"}
			_, own := demographics.Asked(op, caller, fullNumber)
			_, others := demographics.Asked(op, caller, deceasedNumber)
			allow := demographics.Allow(op, caller)
			if want == "own" {
				if own != nil || allow != nil || refusal(others) != patientCannot {
					t.Errorf("operation %d as %q: own %q, others %q, at all %q", op, mode, refusal(own), refusal(others), refusal(allow))
				}
				continue
			}
			if refusal(own) != want || refusal(others) != want || refusal(allow) != want {
				t.Errorf("operation %d as %q: own %q, others %q, at all %q; want %q", op, mode, refusal(own), refusal(others), refusal(allow), want)
			}
		}
	}
}

func refusal(err error) string {
	var issue *fhir.Issue
	if !errors.As(err, &issue) {
		return ""
	}
	return "403 "[:4*min(1, issue.Status/403)] + issue.Coding.Display
}

func TestIdentityProofing(t *testing.T) {
	for vector, ok := range map[string]bool{
		"P9.Cp.Cd": true, "P9.Cp.Ck": true, "P9.Cm": true,
		"": false, "P5.Cp.Cd": false, "P5.Cm": false, "P0.Cp": false, "P9": false, "P9.Cp": false, "P9.Cp.Cd.": false, "p9.cm": false,
	} {
		err := demographics.Allow(demographics.OpRetrieve, access.Caller{Mode: access.Patient, IdentityProofing: vector})
		if (err == nil) != ok {
			t.Errorf("%q: %v", vector, err)
		}
	}
}

func TestAdmitChecksInTheOrderOfTheContract(t *testing.T) {
	const (
		uuid     = "60E0B220-8136-4CA5-AE46-1D97EF59D068"
		badID    = "400 INVALID_VALUE Invalid value - '1234' in header 'X-Request-ID'"
		noID     = "400 MISSING_VALUE Invalid request with error - X-Request-ID header must be supplied to access this resource"
		noIf     = "412 PRECONDITION_FAILED Invalid request with error - If-Match header must be supplied to update this resource"
		noType   = "400 UNSUPPORTED_SERVICE"
		token    = "401 ACCESS_DENIED Missing Authorization header"
		noNumber = "400 INVALID_RESOURCE_ID"
		noUpdate = "403 INVALID_METHOD Your app has insufficient permissions to use this method. Please contact support."
		role     = "400 INVALID_VALUE Invalid value - '7' in header 'NHSD-Session-URID'. Refer to the guidance for this header in our API Specification https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir"
		noRole   = "400 INVALID_VALUE Invalid value - '' in header 'NHSD-Session-URID'. Refer to the guidance for this header in our API Specification https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir"
	)
	twoRoles := access.Caller{Mode: access.HealthcareWorker, RoleIDs: []string{"1", "2"}}
	noRoles := access.Caller{Mode: access.HealthcareWorker}
	unknown := access.Caller{Mode: "unknown"}
	good := demographics.Headers{RequestID: uuid, IfMatch: `W/"1"`, ContentType: "application/json-patch+json"}
	with := func(edit func(*demographics.Headers)) demographics.Headers {
		h := good
		edit(&h)
		return h
	}
	for _, c := range []struct {
		name   string
		op     demographics.Operation
		h      demographics.Headers
		number string
		caller access.Caller
		want   string
	}{
		{"GET", demographics.OpRetrieve, demographics.Headers{RequestID: strings.ToLower(uuid)}, fullNumber, worker, ""},
		{"GET: request id first", demographics.OpRetrieve, demographics.Headers{RequestID: "1234"}, "9000000000", unknown, badID},
		{"GET: no request id", demographics.OpRetrieve, demographics.Headers{}, "9000000000", unknown, noID},
		{"GET: then the token", demographics.OpRetrieve, demographics.Headers{RequestID: uuid}, "9000000000", unknown, token},
		{"GET: then the number", demographics.OpRetrieve, demographics.Headers{RequestID: uuid}, "9000000000", worker, noNumber},
		{"PATCH: number first", demographics.OpUpdate, demographics.Headers{}, "9000000000", unknown, noNumber},
		{"PATCH: then If-Match", demographics.OpUpdate, demographics.Headers{}, fullNumber, unknown, noIf},
		{"PATCH: then content type", demographics.OpUpdate, demographics.Headers{IfMatch: "x"}, fullNumber, unknown, noType},
		{"PATCH: then request id", demographics.OpUpdate, with(func(h *demographics.Headers) { h.RequestID = "1234" }), fullNumber, unknown, badID},
		{"PATCH: then the token", demographics.OpUpdate, good, fullNumber, unknown, token},
		{"PATCH: then the mode", demographics.OpUpdate, good, fullNumber, app, noUpdate},
		{"PATCH", demographics.OpUpdate, good, fullNumber, worker, ""},
		{"search", demographics.OpSearch, demographics.Headers{RequestID: uuid}, "", app, ""},
		{"related", demographics.OpRelatedPersons, demographics.Headers{RequestID: uuid}, "1", worker, noNumber},
		{"POST Coverage: If-Match", demographics.OpReplaceCoverage, demographics.Headers{RequestID: uuid}, "", patient(fullNumber), noIf},
		{"POST Coverage", demographics.OpReplaceCoverage, good, "", patient(fullNumber), ""},

		{"one role need not be said", demographics.OpSearch, good, "", worker, ""},
		{"no roles", demographics.OpSearch, good, "", noRoles, ""},
		{"a role nobody has", demographics.OpSearch, with(func(h *demographics.Headers) { h.SessionRole = "7" }), "", noRoles, role},
		{"a role of somebody else", demographics.OpSearch, with(func(h *demographics.Headers) { h.SessionRole = "7" }), "", worker, role},
		{"one of two roles", demographics.OpSearch, with(func(h *demographics.Headers) { h.SessionRole = "2" }), "", twoRoles, ""},
		{"neither of two roles", demographics.OpSearch, good, "", twoRoles, noRole},
		{"an application has none", demographics.OpSearch, with(func(h *demographics.Headers) { h.SessionRole = "7" }), "", app, ""},
	} {
		got, err := demographics.Admit(c.op, c.h, c.number, func() (access.Caller, error) {
			if c.caller.Mode == "unknown" {
				return access.Caller{}, demographics.Unauthorised("Missing Authorization header")
			}
			return c.caller, nil
		})
		if issueOf(err) != c.want {
			t.Errorf("%s: %q\nwant %q", c.name, issueOf(err), c.want)
		}
		if err == nil && got.Mode != c.caller.Mode {
			t.Errorf("%s: admitted as %q", c.name, got.Mode)
		}
	}
}

func TestIsRequestID(t *testing.T) {
	for s, want := range map[string]bool{
		"60E0B220-8136-4ca5-AE46-1D97EF59D068": true, "": false, "1234": false,
		"60E0B220-8136-4CA5-AE46-1D97EF59D06": false, "60E0B220-8136-4CA5-AE46-1D97EF59D06G": false,
		"60E0B220081360-4CA5-AE46-1D97EF59D06": false, "60E0B2208136-4CA5-AE46-1D97EF59D0680-": false,
		"60E0B220-8136-4CA5-AE46-1D97EF59D068\n": false,
	} {
		if got := demographics.IsRequestID(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}
