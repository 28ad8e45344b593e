package load

import (
	"regexp"

	"github.com/tidwall/gjson"
	"google.golang.org/grpc/codes"

	vertebrav1 "vertebra/api/proto/vertebra/v1"
)

// fieldPattern finds the name of a field in diagnostics such as "Invalid value - 'x' in
// field 'name/0/use'" and "Missing value - 'name/0/family'".
var fieldPattern = regexp.MustCompile(`(?:in field|Missing value -) '([A-Za-z][A-Za-z0-9_./\[\]:-]{0,100})'`)

// longDigits is what no field name has and an NHS number or a date of birth does.
var longDigits = regexp.MustCompile(`[0-9]{4}`)

// reasonOf says why the server refused a line: the code of its OperationOutcome and the
// field at fault. The diagnostics themselves may repeat what the line holds, so they
// stay out.
func reasonOf(failure *vertebrav1.Error) string {
	outcome := failure.GetOutcome()
	reason := gjson.GetBytes(outcome, "issue.0.details.coding.0.code").String()
	if reason == "" {
		reason = codes.Code(failure.GetCode()).String()
	}
	field := gjson.GetBytes(outcome, "issue.0.expression.0").String()
	if found := fieldPattern.FindStringSubmatch(gjson.GetBytes(outcome, "issue.0.diagnostics").String()); field == "" && found != nil {
		field = found[1]
	}
	if field == "" || longDigits.MatchString(field) {
		return reason
	}
	return reason + " in " + field
}
