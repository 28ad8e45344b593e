package demographics_test

import (
	"fmt"
	"strings"
	"testing"

	"vertebra/api/demographics"
	"vertebra/api/fhir"
)

// The catalogue of contract 1.3: what each issue is answered with.
func TestCatalogue(t *testing.T) {
	for _, c := range []struct {
		issue *fhir.Issue
		want  string
	}{
		{demographics.ResourceNotFound(), "404 information not-found RESOURCE_NOT_FOUND | Resource not found | "},
		{demographics.InvalidatedResource(), "404 error processing INVALIDATED_RESOURCE | Resource that has been marked as invalid was requested - invalid resources cannot be retrieved | "},
		{demographics.InvalidResourceID(), "400 error value INVALID_RESOURCE_ID | Resource Id is invalid | "},
		{demographics.TooManyMatches(), "200 information multiple-matches TOO_MANY_MATCHES | Too Many Matches | "},
		{demographics.InvalidSearchData("r"), "400 error value INVALID_SEARCH_DATA | Search data is invalid | Invalid search data provided - 'r'"},
		{demographics.AdditionalProperties("year"), "400 error invariant ADDITIONAL_PROPERTIES | Additional properties should not be included | Invalid request with error - Additional properties are not allowed ('year' was unexpected)"},
		{demographics.AdditionalProperties("model", "year"), "400 error invariant ADDITIONAL_PROPERTIES | Additional properties should not be included | Invalid request with error - Additional properties are not allowed ('model', 'year' were unexpected)"},
		{demographics.MissingValue("p"), "400 error required MISSING_VALUE | Required value is missing | Missing value - 'p'"},
		{demographics.InvalidValue("v", "f"), "400 error value INVALID_VALUE | Provided value is invalid | Invalid value - 'v' in field 'f'"},
		{demographics.InvalidHeader("v", "h"), "400 error value INVALID_VALUE | Provided value is invalid | Invalid value - 'v' in header 'h'"},
		{demographics.UnsupportedService(), "400 error processing UNSUPPORTED_SERVICE | Unsupported Service | "},
		{demographics.UnsupportedRequest("/HelloWorld"), "400 error value UNSUPPORTED_REQUEST | The request is not one that is supported. | Unsupported path - '/HelloWorld'"},
		{demographics.InvalidUpdate("r"), "400 error structure INVALID_UPDATE | Update is invalid | Invalid update with error - r"},
		{demographics.ForbiddenUpdate("r"), "403 information forbidden FORBIDDEN_UPDATE | Update is forbidden | Forbidden update with error - r"},
		{demographics.PreconditionFailed(), "412 error structure PRECONDITION_FAILED | Required condition was not fulfilled | Invalid request with error - If-Match header must be supplied to update this resource"},
		{demographics.VersionMismatch(), "409 error conflict RESOURCE_VERSION_MISMATCH | Resource version supplied does not match actual version | "},
		{demographics.InvalidCreate("r"), "400 error value INVALID_CREATE | Patient create data is invalid | Invalid patient create data provided - 'r'"},
		{demographics.NewIssue(demographics.CodeSingleMatch, "d"), "200 error value SINGLE_MATCH | Single match found | d"},
		{demographics.NewIssue(demographics.CodeMultipleMatches, "d"), "200 error value MULTIPLE_MATCHES | Multiple matches found | d"},
		{demographics.TooFewValues("l", "f"), "400 error value TOO_FEW_VALUES_SUBMITTED | Too few values submitted | Too few values submitted - l in field 'f'"},
		{demographics.TooManyValues("l", "f"), "400 error value TOO_MANY_VALUES_SUBMITTED | Too many values submitted | Too many values submitted - l in field 'f'"},
		{demographics.UnsupportedValue("U", "f"), "400 error value UNSUPPORTED_VALUE | Unsupported value | Unsupported value - 'U' in field 'f'"},
		{demographics.NewIssue(demographics.CodeValidationError, ""), "400 error value VALIDATION_ERROR | Validation error | "},
		{demographics.NewIssue(demographics.CodeUnsupportedCharacters, ""), "400 error value UNSUPPORTED_CHARACTERS_IN_FIELD | Unsupported characters in field | "},
		{demographics.NewIssue(demographics.CodeBirthDeathInconsistent, ""), "400 error processing INSERT_BIRTH_DEATH_STATUS_INCONSISTENT | INSERT_BIRTH_DEATH_STATUS_INCONSISTENT | "},
		{demographics.Unauthorised("Missing access token"), "401 error forbidden ACCESS_DENIED | Access Denied - Unauthorised | Missing access token"},
		{demographics.NewIssue(demographics.CodeUnableToCallService, ""), "408 error timeout UNABLE_TO_CALL_SERVICE | Unable to call service | "},
		{demographics.TooManyRequests("d"), "429 error value TOO_MANY_REQUESTS | Too many requests | d"},
		{demographics.ServiceUnavailable(), "503 error timeout SERVICE_UNAVAILABLE | Service unavailable | The downstream domain processing has not completed within the configured timeout period. Using the same 'X-Request-ID' header, retry your request after the time specified by the 'Retry-After' response header."},
		{demographics.UnknownError("m1"), "500 error unknown UNKNOWN_ERROR | Unknown Error | An unknown error occurred processing this request. Contact us for assistance diagnosing this issue: https://digital.nhs.uk/developer/help-and-support. (Message ID: m1)"},
		{demographics.NewIssue("NO_SUCH_CODE", ""), "500 error unknown UNKNOWN_ERROR | Unknown Error | "},
	} {
		i := c.issue
		got := fmt.Sprintf("%d %s %s %s | %s | %s", i.Status, i.Severity, i.Type, i.Coding.Code, i.Coding.Display, i.Diagnostics)
		if got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
		if i.Coding.System != "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode" || i.Coding.Version != "1" {
			t.Errorf("%s: coding of %s, version %s", i.Coding.Code, i.Coding.System, i.Coding.Version)
		}
	}
}

func TestOutcomeWithoutDiagnosticsHasNone(t *testing.T) {
	const want = `{"resourceType":"OperationOutcome","issue":[{"severity":"information","code":"not-found","details":{"coding":[{"system":"https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode","version":"1","code":"RESOURCE_NOT_FOUND","display":"Resource not found"}]}}]}`
	if got := string(fhir.OutcomeJSON(demographics.ResourceNotFound())); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestIssuesRepeatALittleOfTheRequest(t *testing.T) {
	i := demographics.InvalidValue(strings.Repeat("ä", 10_000), "f")
	if len(i.Diagnostics) > 350 || !strings.HasSuffix(i.Diagnostics, "ä...' in field 'f'") {
		t.Errorf("%d bytes, ending in %q", len(i.Diagnostics), i.Diagnostics[len(i.Diagnostics)-20:])
	}
}
