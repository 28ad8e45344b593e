package demographics

import (
	"fmt"
	"strings"

	"vertebra/api/fhir"
)

// Code is the code of an issue in the service's own code system.
type Code string

// The codes of the catalogue (contract 1.3).
const (
	CodeResourceNotFound       Code = "RESOURCE_NOT_FOUND"
	CodeInvalidatedResource    Code = "INVALIDATED_RESOURCE"
	CodeInvalidResourceID      Code = "INVALID_RESOURCE_ID"
	CodeTooManyMatches         Code = "TOO_MANY_MATCHES"
	CodeInvalidSearchData      Code = "INVALID_SEARCH_DATA"
	CodeAdditionalProperties   Code = "ADDITIONAL_PROPERTIES"
	CodeMissingValue           Code = "MISSING_VALUE"
	CodeInvalidValue           Code = "INVALID_VALUE"
	CodeUnsupportedService     Code = "UNSUPPORTED_SERVICE"
	CodeUnsupportedRequest     Code = "UNSUPPORTED_REQUEST"
	CodeInvalidUpdate          Code = "INVALID_UPDATE"
	CodeForbiddenUpdate        Code = "FORBIDDEN_UPDATE"
	CodePreconditionFailed     Code = "PRECONDITION_FAILED"
	CodeVersionMismatch        Code = "RESOURCE_VERSION_MISMATCH"
	CodeInvalidCreate          Code = "INVALID_CREATE"
	CodeSingleMatch            Code = "SINGLE_MATCH"
	CodeMultipleMatches        Code = "MULTIPLE_MATCHES"
	CodeTooFewValues           Code = "TOO_FEW_VALUES_SUBMITTED"
	CodeTooManyValues          Code = "TOO_MANY_VALUES_SUBMITTED"
	CodeValidationError        Code = "VALIDATION_ERROR"
	CodeUnsupportedCharacters  Code = "UNSUPPORTED_CHARACTERS_IN_FIELD"
	CodeUnsupportedValue       Code = "UNSUPPORTED_VALUE"
	CodeBirthDeathInconsistent Code = "INSERT_BIRTH_DEATH_STATUS_INCONSISTENT"
	CodeUnauthorised           Code = "ACCESS_DENIED"
	CodeInvalidMethod          Code = "INVALID_METHOD"
	CodeUnableToCallService    Code = "UNABLE_TO_CALL_SERVICE"
	CodeTooManyRequests        Code = "TOO_MANY_REQUESTS"
	CodeServiceUnavailable     Code = "SERVICE_UNAVAILABLE"
	CodeUnknownError           Code = "UNKNOWN_ERROR"
)

// row is a line of the catalogue.
type row struct {
	status                  int
	severity, kind, display string
}

// catalogue is the error catalogue of contract 1.3, line by line. Where the
// contract gives a code two meanings, the line is the common one and the function
// that makes the other says so. ok is false for a code that is not in it.
func catalogue(c Code) (r row, ok bool) {
	const (
		information = "information"
		failure     = "error"
	)
	switch c {
	case CodeResourceNotFound:
		return row{404, information, "not-found", "Resource not found"}, true
	case CodeInvalidatedResource:
		return row{404, failure, "processing", "Resource that has been marked as invalid was requested - invalid resources cannot be retrieved"}, true
	case CodeInvalidResourceID:
		return row{400, failure, "value", "Resource Id is invalid"}, true
	case CodeTooManyMatches:
		return row{200, information, "multiple-matches", "Too Many Matches"}, true
	case CodeInvalidSearchData:
		return row{400, failure, "value", "Search data is invalid"}, true
	case CodeAdditionalProperties:
		return row{400, failure, "invariant", "Additional properties should not be included"}, true
	case CodeMissingValue:
		return row{400, failure, "required", "Required value is missing"}, true
	case CodeInvalidValue:
		return row{400, failure, "value", "Provided value is invalid"}, true
	case CodeUnsupportedService:
		return row{400, failure, "processing", "Unsupported Service"}, true
	case CodeUnsupportedRequest:
		return row{400, failure, "value", "The request is not one that is supported."}, true
	case CodeInvalidUpdate:
		return row{400, failure, "structure", "Update is invalid"}, true
	case CodeForbiddenUpdate:
		return row{403, information, "forbidden", "Update is forbidden"}, true
	case CodePreconditionFailed:
		return row{412, failure, "structure", "Required condition was not fulfilled"}, true
	case CodeVersionMismatch:
		return row{409, failure, "conflict", "Resource version supplied does not match actual version"}, true
	case CodeInvalidCreate:
		return row{400, failure, "value", "Patient create data is invalid"}, true
	case CodeSingleMatch:
		return row{200, failure, "value", "Single match found"}, true
	case CodeMultipleMatches:
		return row{200, failure, "value", "Multiple matches found"}, true
	case CodeTooFewValues:
		return row{400, failure, "value", "Too few values submitted"}, true
	case CodeTooManyValues:
		return row{400, failure, "value", "Too many values submitted"}, true
	case CodeValidationError:
		return row{400, failure, "value", "Validation error"}, true
	case CodeUnsupportedCharacters:
		return row{400, failure, "value", "Unsupported characters in field"}, true
	case CodeUnsupportedValue:
		return row{400, failure, "value", "Unsupported value"}, true
	case CodeBirthDeathInconsistent:
		return row{400, failure, "processing", string(CodeBirthDeathInconsistent)}, true
	case CodeUnauthorised:
		return row{401, failure, "forbidden", "Access Denied - Unauthorised"}, true
	case CodeInvalidMethod:
		return row{403, failure, "forbidden", ""}, true
	case CodeUnableToCallService:
		return row{408, failure, "timeout", "Unable to call service"}, true
	case CodeTooManyRequests:
		return row{429, failure, "value", "Too many requests"}, true
	case CodeServiceUnavailable:
		return row{503, failure, "timeout", "Service unavailable"}, true
	case CodeUnknownError:
		return row{500, failure, "unknown", "Unknown Error"}, true
	}
	return row{}, false
}

// NewIssue returns the catalogue's issue of that code. A code that is not in the
// catalogue gives UNKNOWN_ERROR.
func NewIssue(c Code, diagnostics string) *fhir.Issue {
	r, ok := catalogue(c)
	if !ok {
		c = CodeUnknownError
		r, _ = catalogue(c)
	}
	return &fhir.Issue{
		Status: r.status, Severity: r.severity, Type: r.kind,
		Coding: fhir.Coding{
			System:  "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode",
			Version: "1", Code: string(c), Display: r.display,
		},
		Diagnostics: diagnostics,
	}
}

// ResourceNotFound: there is no such person.
func ResourceNotFound() *fhir.Issue { return NewIssue(CodeResourceNotFound, "") }

// InvalidatedResource: the number was withdrawn and stands for nobody.
func InvalidatedResource() *fhir.Issue { return NewIssue(CodeInvalidatedResource, "") }

// InvalidResourceID: the path's last part is not an NHS number.
func InvalidResourceID() *fhir.Issue { return NewIssue(CodeInvalidResourceID, "") }

// TooManyMatches answers a search that found more than it may return; HTTP 200.
func TooManyMatches() *fhir.Issue { return NewIssue(CodeTooManyMatches, "") }

// InvalidSearchData refuses what is searched by.
func InvalidSearchData(reason string) *fhir.Issue {
	return NewIssue(CodeInvalidSearchData, "Invalid search data provided - '"+reason+"'")
}

// AdditionalProperties refuses parameters that are not known. There is at least one.
func AdditionalProperties(names ...string) *fhir.Issue {
	verb := "was"
	if len(names) > 1 {
		verb = "were"
	}
	return NewIssue(CodeAdditionalProperties, fmt.Sprintf(
		"Invalid request with error - Additional properties are not allowed ('%s' %s unexpected)",
		strings.Join(names, "', '"), verb))
}

// MissingValue says which value is missing.
func MissingValue(path string) *fhir.Issue {
	return NewIssue(CodeMissingValue, "Missing value - '"+path+"'")
}

// InvalidValue says which value cannot be.
func InvalidValue(value, field string) *fhir.Issue {
	return NewIssue(CodeInvalidValue, "Invalid value - '"+shortened(value)+"' in field '"+field+"'")
}

// InvalidHeader says which request header cannot be.
func InvalidHeader(value, header string) *fhir.Issue {
	return NewIssue(CodeInvalidValue, "Invalid value - '"+shortened(value)+"' in header '"+header+"'")
}

// UnsupportedValue refuses a value that the standard has and this service has not.
func UnsupportedValue(value, field string) *fhir.Issue {
	return NewIssue(CodeUnsupportedValue, "Unsupported value - '"+shortened(value)+"' in field '"+field+"'")
}

// TooManyValues refuses a list that is too long; list is Python's way of writing it.
func TooManyValues(list, field string) *fhir.Issue {
	return NewIssue(CodeTooManyValues, "Too many values submitted - "+list+" in field '"+field+"'")
}

// TooFewValues refuses a list that lacks something.
func TooFewValues(list, field string) *fhir.Issue {
	return NewIssue(CodeTooFewValues, "Too few values submitted - "+list+" in field '"+field+"'")
}

// InvalidUpdate refuses a change that cannot be made.
func InvalidUpdate(reason string) *fhir.Issue {
	return NewIssue(CodeInvalidUpdate, "Invalid update with error - "+reason)
}

// ForbiddenUpdate refuses a change that this caller, or everybody, may not make.
func ForbiddenUpdate(reason string) *fhir.Issue {
	return NewIssue(CodeForbiddenUpdate, "Forbidden update with error - "+reason)
}

// InvalidCreate refuses the data of a new person.
func InvalidCreate(reason string) *fhir.Issue {
	return NewIssue(CodeInvalidCreate, "Invalid patient create data provided - '"+reason+"'")
}

// PreconditionFailed: a change came without If-Match.
func PreconditionFailed() *fhir.Issue {
	return NewIssue(CodePreconditionFailed, "Invalid request with error - If-Match header must be supplied to update this resource")
}

// VersionMismatch: If-Match names another version than the current one.
func VersionMismatch() *fhir.Issue { return NewIssue(CodeVersionMismatch, "") }

// UnsupportedService: a known path, used in a way that it does not have.
func UnsupportedService() *fhir.Issue { return NewIssue(CodeUnsupportedService, "") }

// UnsupportedRequest: there is no such path; suffix is what follows the service's base.
func UnsupportedRequest(suffix string) *fhir.Issue {
	return NewIssue(CodeUnsupportedRequest, "Unsupported path - '"+shortened(suffix)+"'")
}

// Unauthorised: 401, with the reason that contract 1.2 lists.
func Unauthorised(reason string) *fhir.Issue { return NewIssue(CodeUnauthorised, reason) }

// TooManyRequests: 429; the text depends on which limit it was.
func TooManyRequests(diagnostics string) *fhir.Issue {
	return NewIssue(CodeTooManyRequests, diagnostics)
}

// ServiceUnavailable: 503; the outcome may be unknown, and the same request id asks
// for it. The edge adds Retry-After: 5.
func ServiceUnavailable() *fhir.Issue {
	return NewIssue(CodeServiceUnavailable, "The downstream domain processing has not completed within the configured timeout period. "+
		"Using the same 'X-Request-ID' header, retry your request after the time specified by the 'Retry-After' response header.")
}

// UnknownError: 500, with the id by which the log can be searched.
func UnknownError(messageID string) *fhir.Issue {
	return NewIssue(CodeUnknownError, "An unknown error occurred processing this request. Contact us for assistance diagnosing this issue: "+
		"https://digital.nhs.uk/developer/help-and-support. (Message ID: "+messageID+")")
}

// maxQuotedBytes bounds what an answer repeats of a request.
const maxQuotedBytes = 256

// shortened clips s at a character boundary.
func shortened(s string) string {
	if len(s) <= maxQuotedBytes {
		return s
	}
	return strings.ToValidUTF8(s[:maxQuotedBytes], "") + "..."
}
