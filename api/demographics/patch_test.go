package demographics_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"vertebra/api/access"
	"vertebra/api/demographics"
	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// sequence makes object ids 00000001, 00000002 and so on.
func sequence() func() string {
	n := 0
	return func() string { n++; return fmt.Sprintf("%08X", n) }
}

// patchRequest is a well-formed request of a healthcare worker with the given patches.
func patchRequest(number string, version uint64, patches string) demographics.PatchRequest {
	return demographics.PatchRequest{
		Caller: worker, Number: number, IfMatch: fhir.ETag(version),
		ContentType: "application/json-patch+json", Body: []byte(`{"patches":[` + patches + `]}`),
		Now: now(), RequestID: record.RequestID{1}, NewID: sequence(),
	}
}

func TestPatchEnvelope(t *testing.T) {
	const replace = `{"op":"replace","path":"/gender","value":"male"}`
	s := cabinetWith(t)
	for _, c := range []struct {
		name string
		edit func(*demographics.PatchRequest)
		want string
	}{
		{"all in order", func(*demographics.PatchRequest) {}, ""},
		{"bad number before everything", func(r *demographics.PatchRequest) {
			r.Number, r.IfMatch, r.ContentType, r.Caller = "9000000000", "", "", app
		}, "400 INVALID_RESOURCE_ID"},
		{"no If-Match before content type", func(r *demographics.PatchRequest) { r.IfMatch, r.ContentType, r.Caller = "", "", app },
			"412 PRECONDITION_FAILED Invalid request with error - If-Match header must be supplied to update this resource"},
		{"no content type before access", func(r *demographics.PatchRequest) { r.ContentType, r.Caller = "", app }, "400 UNSUPPORTED_SERVICE"},
		{"another content type", func(r *demographics.PatchRequest) { r.ContentType = "text/plain" }, "400 UNSUPPORTED_SERVICE"},
		{"as the mock takes it", func(r *demographics.PatchRequest) { r.ContentType = "Application/JSON; charset=utf-8" }, ""},
		{"access before existence", func(r *demographics.PatchRequest) { r.Number, r.Caller = absentNumber, app },
			"403 INVALID_METHOD Your app has insufficient permissions to use this method. Please contact support."},
		{"existence before patches", func(r *demographics.PatchRequest) { r.Number, r.Body = absentNumber, nil }, "404 RESOURCE_NOT_FOUND"},
		{"patches before version", func(r *demographics.PatchRequest) { r.Body, r.IfMatch = []byte(`{}`), `W/"9"` }, "400 INVALID_UPDATE Invalid update with error - No patches found"},
		{"empty patches", func(r *demographics.PatchRequest) { r.Body = []byte(`{"patches":[]}`) }, "400 INVALID_UPDATE Invalid update with error - No patches found"},
		{"no body", func(r *demographics.PatchRequest) { r.Body = []byte(" \n") }, "400 INVALID_UPDATE Invalid update with error - No patches found"},
		{"a bare list", func(r *demographics.PatchRequest) { r.Body = []byte(`[` + replace + `]`) }, "400 INVALID_UPDATE Invalid update with error - No patches found"},
		{"no JSON", func(r *demographics.PatchRequest) { r.Body = []byte(`{"patches":[{"op":}]}`) },
			"400 INVALID_UPDATE Invalid update with error - the request is not valid JSON - not a JSON value at byte 18 in 'patches/0/op'"},
		{"a duplicate", func(r *demographics.PatchRequest) { r.Body = []byte(`{"patches":[],"patches":[]}`) },
			"400 INVALID_UPDATE Invalid update with error - the request is not valid JSON - duplicate member at byte 23 in 'patches'"},
		{"too large", func(r *demographics.PatchRequest) { r.Body = make([]byte, 1<<20) }, "400 INVALID_UPDATE Invalid update with error - the request is too large"},
		{"too many", func(r *demographics.PatchRequest) {
			r.Body = []byte(`{"patches":[` + strings.Repeat(replace+",", 100) + replace + `]}`)
		}, "400 INVALID_UPDATE Invalid update with error - more than 100 patches"},
		{"version before operations", func(r *demographics.PatchRequest) {
			r.IfMatch, r.Body = `W/"3"`, []byte(`{"patches":[{"op":"bad"}]}`)
		}, "409 RESOURCE_VERSION_MISMATCH"},
		{"If-Match that is no weak ETag", func(r *demographics.PatchRequest) { r.IfMatch = `"4"` }, "409 RESOURCE_VERSION_MISMATCH"},
		{"If-Match any", func(r *demographics.PatchRequest) { r.IfMatch = `*` }, "409 RESOURCE_VERSION_MISMATCH"},
		{"unknown op before paths", func(r *demographics.PatchRequest) {
			r.Body = []byte(`{"patches":[{"op":"replace","path":"not a path"},{"op":"bad_value","path":"not a path"}]}`)
		}, "400 INVALID_VALUE Invalid value - 'bad_value' in field '1/op'"},
		{"move", func(r *demographics.PatchRequest) {
			r.Body = []byte(`{"patches":[{"op":"move","from":"/gender","path":"/birthDate"}]}`)
		}, "400 INVALID_VALUE Invalid value - 'move' in field '0/op'"},
		{"no op", func(r *demographics.PatchRequest) { r.Body = []byte(`{"patches":[{"path":"/gender"}]}`) }, "400 MISSING_VALUE Missing value - '0/op'"},
		{"op that is no text", func(r *demographics.PatchRequest) { r.Body = []byte(`{"patches":[{"op":["add"]}]}`) }, "400 INVALID_VALUE Invalid value - '['add']' in field '0/op'"},
		{"an operation that is none", func(r *demographics.PatchRequest) { r.Body = []byte(`{"patches":["add"]}`) }, "400 INVALID_VALUE Invalid value - ''add'' in field '0'"},
		{"no path", func(r *demographics.PatchRequest) { r.Body = []byte(`{"patches":[{"op":"remove"}]}`) }, "400 MISSING_VALUE Missing value - '0/path'"},
		{"a path that is none", func(r *demographics.PatchRequest) { r.Body = []byte(`{"patches":[{"op":"remove","path":"gender"}]}`) }, "400 INVALID_VALUE Invalid value - 'gender' in field '0/path'"},
		{"the whole document", func(r *demographics.PatchRequest) {
			r.Body = []byte(`{"patches":[{"op":"replace","path":"","value":{}}]}`)
		}, "400 INVALID_VALUE Invalid value - '' in field '0/path'"},
		{"no value", func(r *demographics.PatchRequest) {
			r.Body = []byte(`{"patches":[{"op":"replace","path":"/gender"}]}`)
		}, "400 MISSING_VALUE Missing value - '0/value'"},
		{"null", func(r *demographics.PatchRequest) {
			r.Body = []byte(`{"patches":[{"op":"add","path":"/name/-","value":{"given":[null]}}]}`)
		}, "400 INVALID_VALUE Invalid value - 'null' in field '0/value'"},
	} {
		req := patchRequest(fullNumber, 4, replace)
		c.edit(&req)
		if _, err := demographics.Patch(s, req); issueOf(err) != c.want {
			t.Errorf("%s: %q\nwant %q", c.name, issueOf(err), c.want)
		}
	}
}

// The operations that most rows begin with.
const (
	thisName    = `{"op":"test","path":"/name/0/id","value":"NAME0001"},`
	thisAddress = `{"op":"replace","path":"/address/0/id","value":"ADDR0001"},`
)

// extension adds one with the given URL and members, and nothing else.
func addExtension(url, members string) string {
	return `{"op":"add","path":"/extension/-","value":{"url":"` + url + `",` + members + `}}`
}

const (
	uk       = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-"
	oldUK    = "https://fhir.nhs.uk/R4/StructureDefinition/Extension-UKCore-"
	deathURL = uk + "DeathNotificationStatus"
)

func deathMembers(code string) string {
	return `"extension":[{"url":"deathNotificationStatus","valueCodeableConcept":{"coding":[{"code":"` + code + `"}]}}]`
}

func pharmacyMembers(ods string) string {
	return `"valueReference":{"identifier":{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"` + ods + `"}}`
}

// patchRow is a request on one of the fixtures and what comes of it: an issue, or
// values of the answer, "-" for one that is not there.
type patchRow struct {
	name, number string
	patches      string
	issue        string
	values       map[string]string
	caller       access.Caller
}

func runPatchRows(t *testing.T, rows []patchRow) {
	t.Helper()
	for _, c := range rows {
		t.Run(c.name, func(t *testing.T) {
			s := cabinetWith(t)
			if c.number == "" {
				c.number = fullNumber
			}
			before := bytes.Clone(s.patient(c.number))
			version := gjson.GetBytes(before, "meta.versionId").Uint()
			req := patchRequest(c.number, version, c.patches)
			if c.caller.Mode != "" {
				req.Caller = c.caller
			}
			d, err := demographics.Patch(s, req)
			if !bytes.Equal(before, s.patient(c.number)) {
				t.Fatal("deciding changed what is stored")
			}
			if got := issueOf(err); got != c.issue {
				t.Fatalf("%q\nwant %q", got, c.issue)
			}
			if err != nil {
				if len(d.Mutation.Writes)+len(d.Mutation.Appends) > 0 || d.Answer.Body != nil {
					t.Error("refused, and decided something")
				}
				return
			}
			s.apply(t, d.Mutation)
			if got := get(t, d.Answer.Body, "meta.versionId"); d.Answer.Version != version+1 || got != fmt.Sprint(version+1) {
				t.Errorf("version %d, meta.versionId %s after %d", d.Answer.Version, got, version)
			}
			for path, want := range c.values {
				got, ok := lookup(t, d.Answer.Body, path)
				if want == "-" && ok || want != "-" && fmt.Sprint(got) != want {
					t.Errorf("%s is %v, want %s", path, got, want)
				}
			}
		})
	}
}

func invalid(reason string) string { return "400 INVALID_UPDATE Invalid update with error - " + reason }
func forbidden(reason string) string {
	return "403 FORBIDDEN_UPDATE Forbidden update with error - " + reason
}
func badValue(value, field string) string {
	return "400 INVALID_VALUE Invalid value - '" + value + "' in field '" + field + "'"
}
func missing(field string) string { return "400 MISSING_VALUE Missing value - '" + field + "'" }

func TestPatchSafety(t *testing.T) {
	runPatchRows(t, []patchRow{
		// 1: the item is named
		{name: "no id", patches: `{"op":"replace","path":"/address/0/line/0","value":"8 Quarry Bank"},{"op":"replace","path":"/address/0/postalCode","value":"ZE9 9ZX"}`,
			issue: invalid("no id or url found for path with root /address/0")},
		{name: "no id of another", patches: thisAddress + `{"op":"replace","path":"/address/1/postalCode","value":"ZE9 9ZX"}`,
			issue: invalid("no id or url found for path with root /address/1")},
		{name: "no url", patches: `{"op":"replace","path":"/extension/0/valueReference/identifier/value","value":"FQ002"}`,
			issue: invalid("no id or url found for path with root /extension/0")},
		{name: "whole item without id", patches: `{"op":"replace","path":"/address/0","value":{"use":"home"}}`,
			issue: invalid("no id or url found for path with root /address/0")},
		{name: "id by replace", patches: thisAddress + `{"op":"replace","path":"/address/0/postalCode","value":"ZE9 9ZX"}`,
			values: map[string]string{"address.0.postalCode": "ZE9 9ZX", "address.0.id": "ADDR0001", "address.0.period.start": "2012-03-04"}},
		{name: "id by add, afterwards", patches: `{"op":"replace","path":"/address/0/postalCode","value":"ZE9 9ZX"},{"op":"add","path":"/address/0/id","value":"ADDR0001"}`,
			values: map[string]string{"address.0.postalCode": "ZE9 9ZX"}},
		{name: "id by test", patches: thisName + `{"op":"replace","path":"/name/0/given/0","value":"Anne"}`,
			values: map[string]string{"name.0.given.0": "Anne", "name.0.family": "Fernsby", "name.0.id": "NAME0001"}},
		{name: "url by test", patches: `{"op":"test","path":"/extension/0/url","value":"` + uk + `NominatedPharmacy"},{"op":"replace","path":"/extension/0/valueReference/identifier/value","value":"FQ002"}`,
			values: map[string]string{"extension.0.valueReference.identifier.value": "FQ002"}},
		{name: "url of the older prefix", patches: `{"op":"replace","path":"/extension/0/url","value":"` + oldUK + `NominatedPharmacy"},{"op":"replace","path":"/extension/0/valueReference/identifier/value","value":"FQ002"}`,
			values: map[string]string{"extension.0.valueReference.identifier.value": "FQ002", "extension.0.url": uk + "NominatedPharmacy"}},
		{name: "whole suffix", patches: thisName + `{"op":"remove","path":"/name/0/suffix"}`, values: map[string]string{"name.0.suffix": "-"}},
		{name: "the last suffix", patches: thisName + `{"op":"remove","path":"/name/0/suffix/0"}`, values: map[string]string{"name.0.suffix": "-"}},
		{name: "a test alone", patches: `{"op":"test","path":"/name/0/family","value":"Fernsby"}`},

		// 2: the named item exists
		{name: "unknown id", patches: `{"op":"replace","path":"/address/0/line/0","value":"x"},{"op":"replace","path":"/address/0/id","value":"123456"}`,
			issue: invalid("no 'address' resources with object id '123456'")},
		{name: "unknown id alone", patches: `{"op":"replace","path":"/address/0/id","value":"123456"}`, issue: invalid("no 'address' resources with object id '123456'")},
		{name: "unknown id by test", patches: `{"op":"test","path":"/address/0/id","value":"123456"},{"op":"remove","path":"/address/0"}`,
			issue: invalid("no 'address' resources with object id '123456'")},
		{name: "unknown id in a whole item", patches: `{"op":"replace","path":"/address/0","value":{"id":"123456"}}`, issue: invalid("no 'address' resources with object id '123456'")},
		{name: "another item's id", patches: `{"op":"replace","path":"/address/0/id","value":"ADDR0002"}`, issue: invalid("no 'address' resources with object id 'ADDR0002'")},
		{name: "another item's id in a whole item", patches: `{"op":"replace","path":"/address/0","value":{"id":"ADDR0002"}}`, issue: invalid("no 'address' resources with object id 'ADDR0002'")},
		{name: "another extension in its place", patches: `{"op":"replace","path":"/extension/0","value":{"url":"` + deathURL + `",` + deathMembers("1") + `}}`,
			issue: invalid("no 'extension' resources with url '" + deathURL + "'")},
		{name: "an id is not removed", patches: `{"op":"test","path":"/address/0/id","value":"ADDR0001"},{"op":"remove","path":"/address/0/id"}`, issue: invalid("id cannot be removed from 'address'")},

		// 3: a removal is tested
		{name: "removal first", patches: `{"op":"remove","path":"/name/1"}`,
			issue: invalid("removal '/name/1' is not immediately preceded by equivalent test - instead it is the first item")},
		{name: "removal first, out of bounds", patches: `{"op":"remove","path":"/name/9"}`,
			issue: invalid("removal '/name/9' is not immediately preceded by equivalent test - instead it is the first item")},
		{name: "removal after something else", patches: thisName + `{"op":"remove","path":"/name/1"}`,
			issue: invalid("removal '/name/1' is not immediately preceded by equivalent test - instead it is preceded by 'test /name/0/id'")},
		{name: "removal after a test of a part", patches: `{"op":"test","path":"/name/1/use","value":"nickname"},{"op":"remove","path":"/name/1"}`,
			issue: invalid("removal '/name/1' is not immediately preceded by equivalent test - instead it is preceded by 'test /name/1/use'")},
		{name: "removal after a replacement", patches: `{"op":"replace","path":"/name/1/id","value":"NAME0002"},{"op":"remove","path":"/name/1"}`,
			issue: invalid("removal '/name/1' is not immediately preceded by equivalent test - instead it is preceded by 'replace /name/1/id'")},
		{name: "removal by id", patches: `{"op":"test","path":"/name/1/id","value":"NAME0002"},{"op":"remove","path":"/name/1"}`,
			values: map[string]string{"name.1.id": "NAME0003", "name.2": "-"}},
		{name: "removal by url", patches: `{"op":"test","path":"/extension/0/url","value":"` + uk + `NominatedPharmacy"},{"op":"remove","path":"/extension/0"}`,
			values: map[string]string{"extension.0.url": uk + "NHSCommunication"}},
		{name: "removal by the whole", patches: `{"op":"test","path":"/name/1","value":{"suffix":[],"use":"nickname","id":"NAME0002","period":{"start":"1990-01-01"},"given":["Mina"],"family":"Fernsby"}},{"op":"remove","path":"/name/1"}`,
			values: map[string]string{"name.1.id": "NAME0003"}},
		{name: "removal of a part of an extension, by the parent", patches: `{"op":"test","path":"/extension/2/url","value":"` + uk + `ContactPreference"},{"op":"remove","path":"/extension/2/extension/1"}`,
			values: map[string]string{"extension.2.extension.0.url": "PreferredContactMethod", "extension.2.extension.1": "-"}},
		{name: "removal of a part of an extension, by the part", patches: `{"op":"replace","path":"/extension/2/url","value":"` + uk + `ContactPreference"},{"op":"test","path":"/extension/2/extension/1/url","value":"PreferredContactTimes"},{"op":"remove","path":"/extension/2/extension/1"}`,
			values: map[string]string{"extension.2.extension.1": "-"}},
		{name: "removal of a part of an extension, untested", patches: `{"op":"replace","path":"/extension/2/url","value":"` + uk + `ContactPreference"},{"op":"remove","path":"/extension/2/extension/1"}`,
			issue: invalid("removal '/extension/2/extension/1' is not immediately preceded by equivalent test - instead it is preceded by 'replace /extension/2/url'")},
		{name: "the last of a list", patches: `{"op":"test","path":"/contact/0/id","value":"CONT0001"},{"op":"remove","path":"/contact/0"}`, values: map[string]string{"contact": "-"}},

		// 4: additions
		{name: "add at an index", patches: `{"op":"add","path":"/name/0","value":{"use":"old","family":"X"}}`, issue: invalid("add to list 'name' must use '/name/-'")},
		{name: "add with an id", patches: `{"op":"add","path":"/name/-","value":{"id":"NAME0009","use":"old","family":"X"}}`, issue: invalid("an id cannot be supplied when adding to 'name'")},
		{name: "add no object", patches: `{"op":"add","path":"/name/-","value":"X"}`, issue: badValue("X", "name")},
		{name: "add to a list that is not there", number: bareNumber, patches: `{"op":"add","path":"/name/-","value":{"use":"usual","family":"Newname"}}`,
			values: map[string]string{"name.0.family": "Newname", "name.0.id": "00000001", "name.0.period.start": "2024-05-06"}},
		{name: "add to a sub-list by index", patches: thisName + `{"op":"add","path":"/name/0/given/1","value":"Anne"}`, values: map[string]string{"name.0.given.1": "Anne", "name.0.given.2": "Rose"}},
		{name: "a list as a whole", patches: `{"op":"replace","path":"/name","value":[]}`, issue: invalid("the list 'name' cannot be changed as a whole")},
		{name: "a list removed as a whole", patches: `{"op":"remove","path":"/address"}`, issue: invalid("the list 'address' cannot be changed as a whole")},
		{name: "a list added as a whole", number: bareNumber, patches: `{"op":"add","path":"/address","value":[]}`, issue: invalid("the list 'address' cannot be changed as a whole")},

		// 5: pointers
		{name: "out of bounds", patches: `{"op":"replace","path":"/address/3/id","value":"ADDR0001"},{"op":"replace","path":"/address/3/line/0","value":"x"}`, issue: invalid("Invalid patch - index '3' is out of bounds")},
		{name: "no addresses", number: bareNumber, patches: `{"op":"replace","path":"/address/0/id","value":"456"},{"op":"replace","path":"/address/0/line/0","value":"x"}`, issue: invalid("Invalid patch - index '0' is out of bounds")},
		{name: "out of bounds before an unknown id", patches: `{"op":"replace","path":"/address/0/id","value":"123456"},{"op":"replace","path":"/address/7/id","value":"ADDR0001"}`, issue: invalid("Invalid patch - index '7' is out of bounds")},
		{name: "out of bounds after a removal", patches: `{"op":"test","path":"/name/1/id","value":"NAME0002"},{"op":"remove","path":"/name/1"},{"op":"test","path":"/name/2/id","value":"NAME0003"},{"op":"remove","path":"/name/2"}`, issue: invalid("Invalid patch - index '2' is out of bounds")},
		{name: "stale index after a removal", patches: `{"op":"test","path":"/telecom/0/id","value":"TELE0001"},{"op":"remove","path":"/telecom/0"},{"op":"test","path":"/telecom/1/id","value":"TELE0002"},{"op":"remove","path":"/telecom/1"}`,
			issue: invalid("Invalid patch - 'TELE0003' (<class 'str'>) is not equal to tested value 'TELE0002' (<class 'str'>)")},
		{name: "no index", patches: `{"op":"test","path":"/name/first/id","value":"NAME0001"}`, issue: invalid("Invalid patch - 'first' is not a valid sequence index")},
		{name: "replace nothing", patches: `{"op":"replace","path":"/address/1/id","value":"ADDR0002"},{"op":"replace","path":"/address/1/extension","value":[]}`, issue: invalid("Invalid patch - can't replace non-existent object 'extension'")},
		{name: "replace an array under a wrong id", patches: `{"op":"replace","path":"/address/0/id","value":"456"},{"op":"replace","path":"/address/0/line","value":["2 Whitehall Quay"]}`, issue: invalid("Invalid patch - can't replace non-existent object 'line'")},
		{name: "remove nothing", patches: thisName + `{"op":"remove","path":"/name/0/given/2"}`, issue: invalid("Invalid patch - can't remove non-existent object '2'")},
		{name: "failed test of a whole extension", patches: `{"op":"test","path":"/extension/0","value":{"url":"x"}},{"op":"remove","path":"/extension/0"}`,
			issue: invalid("Invalid patch - {'url': '" + uk + "NominatedPharmacy', 'valueReference': {'identifier': {'system': 'https://fhir.nhs.uk/Id/ods-organization-code', 'value': 'FQ001'}}} (<class 'dict'>) is not equal to tested value {'url': 'x'} (<class 'dict'>)")},

		// roots
		{name: "unknown root", patches: `{"op":"add","path":"/pets","value":[]}`, issue: invalid("Update unsupported for resource - 'pets'")},
		{name: "read-only root", patches: `{"op":"replace","path":"/meta/versionId","value":"9"}`, issue: invalid("Update unsupported for resource - 'meta'")},
		{name: "another number", patches: `{"op":"replace","path":"/id","value":"9000000009"}`, issue: invalid("Update unsupported for resource - 'id'")},
		{name: "test of a read-only root", patches: `{"op":"test","path":"/meta/versionId","value":"4"}`},
		{name: "nothing of several", patches: `{"op":"replace","path":"/gender","value":"male"},{"op":"test","path":"/birthDate","value":"1999-01-01"}`,
			issue: invalid("Invalid patch - '1980-05-06' (<class 'str'>) is not equal to tested value '1999-01-01' (<class 'str'>)")},
	})
}

func TestPatchByAPatient(t *testing.T) {
	me := patient(fullNumber)
	refused := invalid("This user does not have permission to update the fields in the patches provided.")
	phone := func(use string) string {
		return `{"op":"add","path":"/telecom/-","value":{"system":"phone","use":"` + use + `","value":"1"}}`
	}
	rows := []patchRow{
		{name: "gender", patches: `{"op":"replace","path":"/gender","value":"male"}`, issue: refused},
		{name: "name", patches: thisName + `{"op":"replace","path":"/name/0/given/0","value":"Anne"}`, issue: refused},
		{name: "unknown", patches: `{"op":"add","path":"/pets","value":[]}`, issue: refused},
		{name: "address in part", patches: thisAddress + `{"op":"replace","path":"/address/0/postalCode","value":"ZE1 1AA"}`, values: map[string]string{"address.0.postalCode": "ZE1 1AA"}},
		{name: "emergency contact", patches: `{"op":"test","path":"/contact/0/id","value":"CONT0001"},{"op":"remove","path":"/contact/0"}`},
		{name: "work phone", patches: phone("work"), issue: refused},
		{name: "home phone removed", patches: `{"op":"test","path":"/telecom/0/id","value":"TELE0001"},{"op":"remove","path":"/telecom/0"}`, issue: refused},
		{name: "mobile in part", patches: `{"op":"test","path":"/telecom/2/id","value":"TELE0003"},{"op":"replace","path":"/telecom/2/value","value":"1"}`, issue: refused},
		{name: "mobile as a whole", patches: `{"op":"replace","path":"/telecom/2","value":{"id":"TELE0003","system":"phone","use":"mobile","value":"07700900002"}}`, values: map[string]string{"telecom.2.value": "07700900002"}},
		{name: "email removed", patches: `{"op":"test","path":"/telecom/1/id","value":"TELE0002"},{"op":"remove","path":"/telecom/1"}`},
		{name: "pharmacy in part", patches: `{"op":"test","path":"/extension/0/url","value":"` + uk + `NominatedPharmacy"},{"op":"replace","path":"/extension/0/valueReference/identifier/value","value":"FQ002"}`, issue: refused},
		{name: "pharmacy as a whole", patches: `{"op":"replace","path":"/extension/0","value":{"url":"` + uk + `NominatedPharmacy",` + pharmacyMembers("FQ002") + `}}`, values: map[string]string{"extension.0.valueReference.identifier.value": "FQ002"}},
		{name: "contact preference", patches: `{"op":"test","path":"/extension/2/url","value":"` + uk + `ContactPreference"},{"op":"remove","path":"/extension/2"}`, issue: refused},
		{name: "death", patches: addExtension(deathURL, deathMembers("1")), issue: refused},
	}
	for i := range rows {
		rows[i].caller = me
	}
	runPatchRows(t, rows)
}

func TestPatchOfARestrictedPatientIsForbidden(t *testing.T) {
	const replace = `{"op":"replace","path":"/gender","value":"male"}`
	for _, code := range []string{"R", "V"} {
		s := cabinetWith(t, security(code))
		_, err := demographics.Patch(s, patchRequest(fullNumber, 4, replace))
		if got, want := issueOf(err), forbidden("updates to a restricted patient are not permitted"); got != want {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
		req := patchRequest(fullNumber, 4, replace)
		req.Caller = registrar
		d, err := demographics.Patch(s, req)
		if err != nil {
			t.Fatal(err)
		}
		if got := members(t, d.Answer.Body); strings.Contains(got, "address") {
			t.Errorf("%s: the answer to an update shows what a read does not: %s", code, got)
		}
		if stored := members(t, d.Mutation.Writes[0].Body); stored != wholePatient {
			t.Errorf("%s: stored %s", code, stored)
		}
	}
}

func TestPatchMutation(t *testing.T) {
	s := cabinetWith(t)
	d, err := demographics.Patch(s, patchRequest(fullNumber, 4, thisName+`{"op":"replace","path":"/name/0/family","value":"Newname"}`))
	if err != nil {
		t.Fatal(err)
	}
	m := d.Mutation
	if m.Subject != fullNumber || m.Request != (record.RequestID{1}) || m.Time != 0 {
		t.Error("the mutation is about the patient, remembers the request, and leaves the time to the leader")
	}
	if o := m.Outcome; o.Status != 200 || o.Version != 5 || o.Subject != fullNumber {
		t.Errorf("outcome %d, version %d", o.Status, o.Version)
	}
	if len(m.Reads) != 2 || m.Reads[0].Version != 4 || m.Reads[1].Version != 0 {
		t.Errorf("conditions %v: the patient at 4, the register absent", m.Reads)
	}
	if w := m.Writes[0]; !w.KeepHistory || w.Version != 5 || len(w.Document) == 0 || len(w.Postings) == 0 {
		t.Error("the patient's write keeps history and is searchable")
	}
	s.apply(t, m)
	register, err := demographics.DecodeRegister(s[record.Key{Subject: fullNumber, Table: record.Register}].Body)
	if err != nil || len(register.History.Name) != 1 || !strings.Contains(string(register.History.Name[0]), "Fernsby") {
		t.Errorf("the former name is not in the register: %v", err)
	}

	// The second of two with the same If-Match.
	if _, err := demographics.Patch(s, patchRequest(fullNumber, 4, `{"op":"replace","path":"/gender","value":"male"}`)); issueOf(err) != "409 RESOURCE_VERSION_MISMATCH" {
		t.Errorf("%q", issueOf(err))
	}
	d, err = demographics.Patch(s, patchRequest(fullNumber, 5, `{"op":"replace","path":"/gender","value":"male"}`))
	if err != nil || d.Mutation.Reads[1].Version != 5 {
		t.Errorf("%v: the register was written with version 5", err)
	}
}

func TestPatchOfASupersededNumber(t *testing.T) {
	s := cabinetWith(t)
	old := personOf(t, s.patient(deceasedNumber))
	old.Status = demographics.Status{State: demographics.Superseded, By: fullNumber}
	s.put(t, old)
	req := patchRequest(deceasedNumber, 4, thisAddress+`{"op":"replace","path":"/address/0/postalCode","value":"ZE1 1AA"}`)
	req.Caller = patient(deceasedNumber)
	_, err := demographics.Patch(s, req)
	var superseded *demographics.SupersededError
	if !errors.As(err, &superseded) {
		t.Fatal(err)
	}
	req.Requested, req.Number = req.Number, string(superseded.By)
	d, err := demographics.Patch(s, req)
	if err != nil || d.Mutation.Subject != fullNumber || d.Answer.Version != 5 {
		t.Errorf("%v, version %d", err, d.Answer.Version)
	}
	req.IfMatch = `W/"1"`
	if _, err := demographics.Patch(s, req); issueOf(err) != "409 RESOURCE_VERSION_MISMATCH" {
		t.Errorf("%q: the old number's version is not the retained one's", issueOf(err))
	}
}

func TestPatchWithoutFreeIDsIsAFault(t *testing.T) {
	req := patchRequest(fullNumber, 4, `{"op":"add","path":"/name/-","value":{"use":"old","family":"X"}}`)
	req.NewID = func() string { return "NAME0001" }
	if _, err := demographics.Patch(cabinetWith(t), req); err == nil || !strings.HasPrefix(issueOf(err), "fault: ") {
		t.Errorf("%q", issueOf(err))
	}
	taken := []string{"NAME0001", "ADDR0002", "", "FFFFFFFF"}
	req.NewID = func() string { id := taken[0]; taken = taken[1:]; return id }
	if d, err := demographics.Patch(cabinetWith(t), req); err != nil || get(t, d.Answer.Body, "name.3.id") != "FFFFFFFF" {
		t.Errorf("%v", err)
	}
}

func BenchmarkPatch(b *testing.B) {
	s := cabinetWith(b)
	req := patchRequest(fullNumber, 4, thisName+`{"op":"replace","path":"/name/0/family","value":"Newname"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := demographics.Patch(s, req); err != nil {
			b.Fatal(err)
		}
	}
}
