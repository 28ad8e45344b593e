package api

import (
	"errors"
	"net/http"

	"vertebra/api/access"
	"vertebra/api/demographics"
	"vertebra/api/fhir"
)

// contentTypeFHIR is what every service answers in.
const contentTypeFHIR = "application/fhir+json"

// The edge speaks in the national catalogue of errors, which the demographics
// service writes out (contract 1.3): what goes wrong before a service's own rules
// are reached reads the same for all of them.

func tooManyRequests() *fhir.Issue {
	return demographics.TooManyRequests("This API is currently receiving a high volume of requests and is being rate limited. " +
		"Please see: https://digital.nhs.uk/developer/guides-and-documentation/reference-guide#rate-limits for more details.")
}

func unsupportedPath(err error) *fhir.Issue {
	var path *UnsupportedPathError
	errors.As(err, &path)
	return demographics.UnsupportedRequest(path.Path)
}

func refused(err error) *fhir.Issue {
	var refusal *access.Refusal
	errors.As(err, &refusal)
	return demographics.Unauthorised(refusal.Reason)
}

func malformed(err error) *fhir.Issue {
	var syntax *fhir.SyntaxError
	errors.As(err, &syntax)
	return withStatus(http.StatusBadRequest, "structure", syntax.Error())
}

// withStatus is a refusal that the catalogue has no code for.
func withStatus(status int, kind, diagnostics string) *fhir.Issue {
	issue := demographics.NewIssue(demographics.CodeInvalidValue, diagnostics)
	issue.Status, issue.Type = status, kind
	return issue
}

func encodedBody() *fhir.Issue {
	issue := demographics.NewIssue(demographics.CodeUnsupportedService, "The header 'Content-Encoding' is not supported")
	issue.Status, issue.Type = http.StatusUnsupportedMediaType, "not-supported"
	return issue
}

func mayNotLoad() *fhir.Issue {
	issue := demographics.Unauthorised("Loading records needs the scope " + access.LoadScope)
	issue.Status, issue.Coding.Display = http.StatusForbidden, "Access Denied"
	return issue
}

// noSuchPath is answered outside of every service.
func noSuchPath() *fhir.Issue {
	return &fhir.Issue{Status: http.StatusNotFound, Severity: "error", Type: "not-found", Diagnostics: "No service answers at this path"}
}
