package demographics_test

import (
	"bytes"
	"errors"
	"fmt"
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

func TestPatchNames(t *testing.T) {
	add := func(members string) string { return `{"op":"add","path":"/name/-","value":{` + members + `}}` }
	runPatchRows(t, []patchRow{
		{name: "second usual", patches: add(`"use":"usual","family":"X"`), issue: forbidden("multiple usual names cannot be added")},
		{name: "second nickname", patches: add(`"use":"nickname","family":"X"`), issue: forbidden("multiple nickname names cannot be added")},
		{name: "usual removed", patches: thisName + `{"op":"remove","path":"/name/0"}`, issue: forbidden("not permitted to remove usual name")},
		{name: "another old name", patches: add(`"use":"old","period":{"start":"2019-12-31"},"prefix":["Dr"],"given":["Joe"],"family":"Bloggs"`),
			values: map[string]string{"name.3.family": "Bloggs", "name.3.id": "00000001", "name.3.period.start": "2019-12-31"}},
		{name: "use changed", patches: thisName + `{"op":"replace","path":"/name/0/use","value":"old"}`, issue: invalid("use of an existing name cannot be changed")},
		{name: "unknown use", patches: add(`"use":"official","family":"X"`), issue: badValue("official", "name/3/use")},
		{name: "no use", patches: add(`"family":"X"`), issue: missing("name/3/use")},
		{name: "no family", patches: add(`"use":"old"`), issue: missing("name/3/family")},
		{name: "family removed", patches: thisName + `{"op":"remove","path":"/name/0/family"}`, issue: missing("name/0/family")},
		{name: "backtick", patches: thisName + "{\"op\":\"replace\",\"path\":\"/name/0/given/0\",\"value\":\"A`nne\"}", issue: badValue("A`nne", "name/0/given")},
		{name: "multiplication sign", patches: thisName + `{"op":"replace","path":"/name/0/family","value":"A×B"}`, issue: badValue("A×B", "name/0/family")},
		{name: "all that is allowed", patches: thisName + `{"op":"replace","path":"/name/0/family","value":"O'Ñeill-Ÿ.9 ſ"}`, values: map[string]string{"name.0.family": "O'Ñeill-Ÿ.9 ſ"}},
		{name: "36 characters", patches: thisName + `{"op":"replace","path":"/name/0/family","value":"` + strings.Repeat("x", 36) + `"}`, issue: badValue(strings.Repeat("x", 36), "name/0/family")},
		{name: "six given names", patches: add(`"use":"old","family":"X","given":["A","B","C","D","E","F"]`), issue: "400 TOO_MANY_VALUES_SUBMITTED Too many values submitted - ['A', 'B', 'C', 'D', 'E', 'F'] in field 'name/3/given'"},
		{name: "suffix in lower case", patches: add(`"use":"old","family":"X","suffix":["phD"]`), issue: badValue("phD", "name/3/suffix")},
		{name: "title and full stop", patches: add(`"use":"old","family":"X","prefix":["dr.","Prof.",""],"suffix":[""]`), values: map[string]string{"name.3.prefix": "[Dr Prof]", "name.3.suffix": "-"}},
		{name: "starts tomorrow", patches: add(`"use":"old","family":"X","period":{"start":"2024-05-07"}`), issue: badValue("2024-05-07", "name/3/period/start")},
		{name: "ends before it starts", patches: add(`"use":"old","family":"X","period":{"start":"2024-05-01","end":"2024-04-01"}`), issue: badValue("2024-04-01", "name/3/period/end")},
		{name: "an end without a start", patches: add(`"use":"old","family":"X","period":{"end":"2024-04-01"}`), issue: missing("name/3/period/start")},
		{name: "a day that is none", patches: add(`"use":"old","family":"X","period":{"start":"2024-02-30"}`), issue: badValue("2024-02-30", "name/3/period/start")},
		{name: "period removed", patches: thisName + `{"op":"remove","path":"/name/0/period"}`, issue: missing("name/0/period")},
		{name: "another member", patches: add(`"use":"old","family":"X","text":"X"`), issue: invalid("Additional properties are not allowed ('text' was unexpected)")},
		{name: "given that is no list", patches: thisName + `{"op":"replace","path":"/name/0/given","value":"Anne"}`, issue: badValue("Anne", "name/0/given")},
		{name: "an item that is no object", patches: `{"op":"replace","path":"/name/0","value":"Anne"}`, issue: invalid("no id or url found for path with root /name/0")},
		{name: "whole, without period", patches: `{"op":"replace","path":"/name/1","value":{"id":"NAME0002","use":"nickname","family":"Fernsby","given":["Rosie"]}}`,
			values: map[string]string{"name.1.given.0": "Rosie", "name.1.period.start": "2024-05-06", "name.1.id": "NAME0002"}},
	})
}

func TestPatchAddresses(t *testing.T) {
	add := func(members string) string { return `{"op":"add","path":"/address/-","value":{` + members + `}}` }
	replaceHome := func(members string) string {
		return `{"op":"replace","path":"/address/0","value":{"id":"ADDR0001","use":"home",` + members + `}}`
	}
	paf := func(kind, value string) string {
		return `{"url":"` + uk + `AddressKey","extension":[{"url":"type","valueCoding":{"code":"` + kind + `"}},{"url":"value","valueString":"` + value + `"}]}`
	}
	const lines = `"line":["","2 Quay","","Leeds",""]`
	runPatchRows(t, []patchRow{
		{name: "second home", patches: add(`"use":"home",` + lines), issue: invalid("multiple home addresses cannot be added")},
		{name: "billing", patches: add(`"use":"billing","period":{"start":"2024-01-01","end":"2024-12-31"},` + lines),
			values: map[string]string{"address.3.line": "[2 Quay Leeds]", "address.3.id": "00000001"}},
		{name: "billing without end", patches: add(`"use":"billing","period":{"start":"2024-01-01"},` + lines), issue: missing("address/3/period/end")},
		{name: "billing without period", patches: add(`"use":"billing",` + lines), issue: missing("address/3/period/start")},
		{name: "temp without text", patches: `{"op":"replace","path":"/address/1","value":{"id":"ADDR0002","use":"temp","period":{"start":"2024-01-01","end":"2024-02-01"},` + lines + `}}`, issue: missing("address/1/text")},
		{name: "temp text removed", patches: `{"op":"test","path":"/address/1/id","value":"ADDR0002"},{"op":"remove","path":"/address/1/text"}`, issue: missing("address/1/text")},
		{name: "temp of another kind", patches: `{"op":"test","path":"/address/1/id","value":"ADDR0002"},{"op":"replace","path":"/address/1/text","value":"Castle"}`, issue: badValue("Castle", "address/1/text")},
		{name: "temp postcode only", patches: `{"op":"test","path":"/address/1/id","value":"ADDR0002"},{"op":"replace","path":"/address/1/postalCode","value":"ZE1 1AB"}`, values: map[string]string{"address.1.postalCode": "ZE1 1AB"}},
		{name: "work added", patches: add(`"use":"work",` + lines), issue: invalid("multiple work addresses cannot be added")},
		{name: "work added where there is none", number: bareNumber, patches: add(`"use":"work",` + lines), issue: invalid("a work address can only be removed")},
		{name: "work changed", patches: `{"op":"test","path":"/address/2/id","value":"ADDR0003"},{"op":"replace","path":"/address/2/line/0","value":"x"}`, issue: invalid("a work address can only be removed")},
		{name: "work removed", patches: `{"op":"test","path":"/address/2/id","value":"ADDR0003"},{"op":"remove","path":"/address/2"}`, values: map[string]string{"address.2": "-"}},
		{name: "no use", patches: add(lines), issue: missing("address/3/use")},
		{name: "unknown use", patches: add(`"use":"old",` + lines), issue: badValue("old", "address/3/use")},
		{name: "home with three lines", patches: replaceHome(`"line":["2 Quay","Leeds","West"]`), issue: invalid("address lines 1 and 4 or 2 and 4 must be completed as a minimum")},
		{name: "home with three lines and a key", patches: replaceHome(`"line":["2 Quay","Leeds","West"],"postalCode":"ZE1 1AA","extension":[` + paf("PAF", "9876543") + `]`), values: map[string]string{"address.0.line": "[2 Quay Leeds West]", "address.0.period.start": "2024-05-06"}},
		{name: "home of no fixed abode", patches: replaceHome(`"postalCode":"ZZ99 3VZ"`), values: map[string]string{"address.0.line": "-"}},
		{name: "home without anything", patches: replaceHome(`"period":{"start":"2024-01-01"}`), issue: invalid("address lines 1 and 4 or 2 and 4 must be completed as a minimum")},
		{name: "lines replaced as a whole", patches: thisAddress + `{"op":"replace","path":"/address/0/line","value":["2 Quay","Leeds"]}`, values: map[string]string{"address.0.line": "[2 Quay Leeds]"}},
		{name: "one line", patches: `{"op":"replace","path":"/address/1/id","value":"ADDR0002"},{"op":"replace","path":"/address/1/line/0","value":"2 Beach Row"}`, values: map[string]string{"address.1.line": "[2 Beach Row Seaside]"}},
		{name: "six lines", patches: replaceHome(`"line":["1","2","3","4","5","6"]`), issue: "400 TOO_MANY_VALUES_SUBMITTED Too many values submitted - ['1', '2', '3', '4', '5', '6'] in field 'address/0/line'"},
		{name: "a line that is no text", patches: thisAddress + `{"op":"replace","path":"/address/0/line/0","value":2}`, issue: badValue("[2, 'Upper Hamlet', 'Little Town', 'Exampleshire']", "address/0/line")},
		{name: "key without parts", patches: thisAddress + `{"op":"replace","path":"/address/0/extension","value":[{"url":"` + uk + `AddressKey"}]}`, issue: missing("address/0/extension/0/extension")},
		{name: "key of another type", patches: thisAddress + `{"op":"replace","path":"/address/0/extension","value":[` + paf("GPS", "1") + `]}`, issue: badValue("GPS", "address/0/extension/0/extension/type")},
		{name: "key too long", patches: thisAddress + `{"op":"replace","path":"/address/0/extension","value":[` + paf("PAF", "123456789") + `]}`, issue: badValue("123456789", "address/0/extension/0/extension/value")},
		{name: "key of letters", patches: thisAddress + `{"op":"replace","path":"/address/0/extension","value":[` + paf("UPRN", "12x") + `]}`, issue: badValue("12x", "address/0/extension/0/extension/value")},
		{name: "two of a key", patches: thisAddress + `{"op":"replace","path":"/address/0/extension","value":[` + paf("UPRN", "1") + `,` + paf("UPRN", "2") + `]}`, issue: invalid("multiple address keys of type UPRN cannot be added")},
		{name: "both keys, older prefix", patches: thisAddress + `{"op":"replace","path":"/address/0/extension","value":[` + paf("PAF", "1") + `,` + strings.Replace(paf("UPRN", "123456789012"), uk, oldUK, 1) + `]}`, values: map[string]string{"address.0.extension.1.url": uk + "AddressKey"}},
		{name: "another extension", patches: thisAddress + `{"op":"replace","path":"/address/0/extension","value":[{"url":"x"}]}`, issue: badValue("x", "address/0/extension/0/url")},
		{name: "moved", patches: `{"op":"test","path":"/address/0/id","value":"ADDR0001"},{"op":"remove","path":"/address/0"},` + add(`"use":"home","postalCode":"ZE1 1AA",`+lines),
			values: map[string]string{"address.2.postalCode": "ZE1 1AA", "address.2.id": "00000001"}},
	})
}

func TestPatchContacts(t *testing.T) {
	add := func(list, members string) string {
		return `{"op":"add","path":"/` + list + `/-","value":{` + members + `}}`
	}
	const emergency = `"relationship":[{"coding":[{"code":"C"}]}]`
	runPatchRows(t, []patchRow{
		{name: "second home phone", patches: add("telecom", `"system":"phone","use":"home","value":"1"`), issue: invalid("multiple telecoms of the same system and use cannot be added")},
		{name: "work phone", patches: add("telecom", `"system":"phone","use":"work","value":"01632960003"`), values: map[string]string{"telecom.3.value": "01632960003", "telecom.3.period.start": "2024-05-06"}},
		{name: "system changed", patches: `{"op":"test","path":"/telecom/0/id","value":"TELE0001"},{"op":"replace","path":"/telecom/0/system","value":"fax"}`, issue: invalid("system and use of an existing telecom cannot be changed")},
		{name: "use changed", patches: `{"op":"test","path":"/telecom/0/id","value":"TELE0001"},{"op":"replace","path":"/telecom/0/use","value":"work"}`, issue: invalid("system and use of an existing telecom cannot be changed")},
		{name: "value changed", patches: `{"op":"test","path":"/telecom/0/id","value":"TELE0001"},{"op":"replace","path":"/telecom/0/value","value":"2"}`, values: map[string]string{"telecom.0.value": "2"}},
		{name: "unknown system", patches: add("telecom", `"system":"sms","use":"work","value":"1"`), issue: badValue("sms", "telecom/3/system")},
		{name: "unknown use", patches: add("telecom", `"system":"phone","use":"old","value":"1"`), issue: badValue("old", "telecom/3/use")},
		{name: "no value", patches: add("telecom", `"system":"phone","use":"work"`), issue: missing("telecom/3/value")},
		{name: "bad email", patches: add("telecom", `"system":"email","use":"work","value":"not an email"`), issue: badValue("not an email", "telecom/3/value")},
		{name: "short email", patches: add("telecom", `"system":"email","use":"work","value":"a@b.uk"`), issue: badValue("a@b.uk", "telecom/3/value")},
		{name: "starts tomorrow", patches: add("telecom", `"system":"phone","use":"work","value":"1","period":{"start":"2024-05-07"}`), issue: badValue("2024-05-07", "telecom/3/period/start")},

		{name: "another contact", patches: add("contact", emergency+`,"telecom":[{"system":"phone","value":"1"}]`), values: map[string]string{"contact.1.id": "00000001", "contact.1.telecom.0.value": "1", "contact.1.period.start": "2024-05-06"}},
		{name: "a friend", patches: add("contact", `"relationship":[{"coding":[{"code":"N"}]}],"telecom":[{"system":"phone","value":"1"}]`), issue: badValue("N", "contact/1/relationship/0/coding/0/code")},
		{name: "a contact without relationship", patches: add("contact", `"telecom":[{"system":"phone","value":"1"}]`), issue: missing("contact/1/relationship")},
		{name: "a contact without number", patches: add("contact", emergency), issue: missing("contact/1/telecom")},
		{name: "a contact's use", patches: add("contact", emergency+`,"telecom":[{"system":"phone","value":"1","use":"home"}]`), issue: invalid("Additional properties are not allowed ('use' was unexpected)")},
		{name: "a contact's fax", patches: add("contact", emergency+`,"telecom":[{"system":"fax","value":"1"}]`), issue: badValue("fax", "contact/1/telecom/0/system")},
		{name: "a contact's empty number", patches: add("contact", emergency+`,"telecom":[{"system":"phone"}]`), issue: missing("contact/1/telecom/0/value")},

		{name: "practice", patches: `{"op":"replace","path":"/generalPractitioner/0/id","value":"GPRA0001"},{"op":"replace","path":"/generalPractitioner/0/identifier/value","value":"Y99903"}`,
			issue: forbidden("source not permitted to update 'generalPractitioner'")},
		{name: "practice by a privileged source", caller: registrar, patches: `{"op":"replace","path":"/generalPractitioner/0/id","value":"GPRA0001"},{"op":"replace","path":"/generalPractitioner/0/identifier/value","value":"Y99903"}`,
			values: map[string]string{"generalPractitioner.0.identifier.value": "Y99903"}},
		{name: "practice removed", patches: `{"op":"test","path":"/generalPractitioner/0/id","value":"GPRA0001"},{"op":"remove","path":"/generalPractitioner/0"}`, issue: forbidden("source not permitted to update 'generalPractitioner'")},
		{name: "practice removed by a privileged source", caller: registrar, patches: `{"op":"test","path":"/generalPractitioner/0/id","value":"GPRA0001"},{"op":"remove","path":"/generalPractitioner/0"}`, values: map[string]string{"generalPractitioner": "-"}},
		{name: "practice without a code", caller: registrar, number: bareNumber, patches: add("generalPractitioner", `"type":"Organization"`), issue: missing("generalPractitioner/0/identifier")},
		{name: "practice that is a person", caller: registrar, number: bareNumber, patches: add("generalPractitioner", `"type":"Practitioner","identifier":{"value":"Y1234"}`), issue: badValue("Practitioner", "generalPractitioner/0/type")},
		{name: "first practice", caller: registrar, number: bareNumber, patches: add("generalPractitioner", `"type":"Organization","identifier":{"value":"Y1234"}`), values: map[string]string{"generalPractitioner.0.id": "00000001"}},
		{name: "second practice", caller: registrar, patches: add("generalPractitioner", `"type":"Organization","identifier":{"value":"Y1234"}`), issue: invalid("multiple general practitioners cannot be added")},
		{name: "practice with an end", caller: registrar, patches: `{"op":"replace","path":"/generalPractitioner/0/id","value":"GPRA0001"},{"op":"add","path":"/generalPractitioner/0/identifier/period/end","value":"2024-01-01"}`, issue: invalid("an end date can not be provided on a general practitioner")},
		{name: "no code of a practice", caller: registrar, number: bareNumber, patches: add("generalPractitioner", `"type":"Organization","identifier":{"value":"?"}`), issue: badValue("?", "generalPractitioner/0/identifier/value")},
	})
}

func TestPatchVitals(t *testing.T) {
	set := func(member, value string) string {
		return `{"op":"replace","path":"/` + member + `","value":"` + value + `"}`
	}
	died := func(when string) string {
		return addExtension(deathURL, deathMembers("1")) + `,{"op":"add","path":"/deceasedDateTime","value":"` + when + `"}`
	}
	runPatchRows(t, []patchRow{
		{name: "gender", patches: set("gender", "male"), values: map[string]string{"gender": "male"}},
		{name: "gender other", patches: set("gender", "other"), issue: badValue("other", "gender")},
		{name: "gender removed", patches: `{"op":"remove","path":"/gender"}`, issue: forbidden("source not permitted to remove 'gender'")},
		{name: "gender that is not there", number: bareNumber, patches: set("gender", "male"), issue: invalid("Invalid patch - can't replace non-existent object 'gender'")},
		{name: "birth date removed", patches: `{"op":"remove","path":"/birthDate"}`, issue: forbidden("source not permitted to remove 'birthDate'")},
		{name: "birth date", patches: set("birthDate", "1980-05-07"), values: map[string]string{"birthDate": "1980-05-07"}},
		{name: "birth tomorrow", patches: set("birthDate", "2024-05-07"), issue: invalid("birthDate cannot be in the future")},
		{name: "birth in a year", patches: set("birthDate", "1980"), issue: badValue("1980", "birthDate")},
		{name: "birth after death", number: deceasedNumber, patches: set("birthDate", "2020-01-01"), issue: invalid("birthDate cannot be after deceasedDateTime")},
		{name: "multiple birth", patches: `{"op":"replace","path":"/multipleBirthInteger","value":2}`, values: map[string]string{"multipleBirthInteger": "2"}},
		{name: "multiple birth of ten", patches: `{"op":"replace","path":"/multipleBirthInteger","value":10}`, issue: badValue("10", "multipleBirthInteger")},
		{name: "multiple birth of text", patches: `{"op":"replace","path":"/multipleBirthInteger","value":"2"}`, issue: badValue("2", "multipleBirthInteger")},

		{name: "death", patches: died("2024-05-01T00:00:00+00:00"), values: map[string]string{"deceasedDateTime": "2024-05-01T00:00:00+00:00", "extension.5.extension.1.valueDateTime": "2024-05-06T12:00:00+00:00"}},
		{name: "death, older prefix, no offset", patches: strings.ReplaceAll(died("2024-05-01T00:00:00"), uk, oldUK), values: map[string]string{"deceasedDateTime": "2024-05-01T00:00:00", "extension.5.url": deathURL}},
		{name: "death, date only, today", patches: died("2024-05-06"), values: map[string]string{"deceasedDateTime": "2024-05-06"}},
		{name: "death in another zone", patches: died("2024-01-05T00:00:00+01:00"), issue: badValue("2024-01-05T00:00:00+01:00", "deceasedDateTime")},
		{name: "death in another zone, alone", patches: `{"op":"add","path":"/deceasedDateTime","value":"2024-01-05T00:00:00+01:00"}`, issue: badValue("2024-01-05T00:00:00+01:00", "deceasedDateTime")},
		{name: "death in a month", patches: died("2024-01"), issue: badValue("2024-01", "deceasedDateTime")},
		{name: "death tomorrow", patches: died("2024-05-07"), issue: invalid("deceasedDateTime cannot be in the future")},
		{name: "death before birth", patches: died("1980-05-05"), issue: invalid("deceasedDateTime cannot be before birthDate")},
		{name: "death on the day of birth", patches: died("1980-05-06T00:00:00+00:00"), values: map[string]string{"deceasedDateTime": "1980-05-06T00:00:00+00:00"}},
		{name: "date alone", patches: `{"op":"add","path":"/deceasedDateTime","value":"2024-05-01"}`, issue: invalid("deceasedDateTime and death notification must be added in the same request")},
		{name: "notification alone", patches: addExtension(deathURL, deathMembers("1")), issue: invalid("deceasedDateTime and death notification must be added in the same request")},
		{name: "formal from anybody", patches: addExtension(deathURL, deathMembers("2")) + `,{"op":"add","path":"/deceasedDateTime","value":"2024-05-01"}`, issue: forbidden("source not permitted to record a formal death notification")},
		{name: "formal from a registrar", caller: registrar, patches: addExtension(deathURL, deathMembers("2")) + `,{"op":"add","path":"/deceasedDateTime","value":"2024-05-01"}`, values: map[string]string{"deceasedDateTime": "2024-05-01"}},
		{name: "removed", patches: addExtension(deathURL, deathMembers("U")) + `,{"op":"add","path":"/deceasedDateTime","value":"2024-05-01"}`, issue: "400 UNSUPPORTED_VALUE Unsupported value - 'U' in field 'extension/5/deathNotificationStatus'"},
		{name: "unknown status", patches: addExtension(deathURL, deathMembers("7")) + `,{"op":"add","path":"/deceasedDateTime","value":"2024-05-01"}`, issue: badValue("7", "extension/5/deathNotificationStatus")},
		{name: "formal death replaced", number: deceasedNumber, patches: set("deceasedDateTime", "2019-04-04"), issue: forbidden("source not permitted to replace 'deceasedDateTime'")},
		{name: "death removed", number: deceasedNumber, patches: `{"op":"remove","path":"/deceasedDateTime"}`, issue: forbidden("source not permitted to remove 'deceasedDateTime'")},
		{name: "notification removed", number: deceasedNumber, patches: `{"op":"test","path":"/extension/0/url","value":"` + deathURL + `"},{"op":"remove","path":"/extension/0"}`, issue: forbidden("source not permitted to remove 'deathNotificationStatus'")},
		{name: "notification made informal", number: deceasedNumber, patches: `{"op":"replace","path":"/extension/0","value":{"url":"` + deathURL + `",` + deathMembers("1") + `}}`, values: map[string]string{"extension.0.extension.0.valueCodeableConcept.coding.0.code": "1"}},
	})
}

func TestPatchExtensions(t *testing.T) {
	codes := func(members ...string) string { return `"extension":[` + strings.Join(members, ",") + `]` }
	coded := func(url, code string) string {
		return `{"url":"` + url + `","valueCodeableConcept":{"coding":[{"code":"` + code + `"}]}}`
	}
	const birthPlace = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
	named := func(i int, url string) string {
		return fmt.Sprintf(`{"op":"test","path":"/extension/%d/url","value":"%s"},`, i, url)
	}
	rows := []patchRow{
		{name: "dispenser, older prefix", patches: addExtension(oldUK+"PreferredDispenserOrganization", pharmacyMembers("FQ003")), values: map[string]string{"extension.5.url": uk + "PreferredDispenserOrganization", "extension.5.id": "-"}},
		{name: "second pharmacy", patches: addExtension(uk+"NominatedPharmacy", pharmacyMembers("FQ003")), issue: invalid("multiple extensions with url '" + uk + "NominatedPharmacy' cannot be added")},
		{name: "no ODS code", patches: addExtension(uk+"MedicalApplianceSupplier", pharmacyMembers("F?")), issue: badValue("F?", "extension/5/valueReference/identifier/value")},
		{name: "unknown extension", patches: addExtension("https://example.org/x", `"valueString":"x"`), issue: invalid("Additional properties are not allowed ('valueString' was unexpected)")},
		{name: "unknown extension without value", patches: addExtension("https://example.org/x", `"extension":[]`), issue: badValue("https://example.org/x", "extension/5/url")},
		{name: "no url", patches: `{"op":"add","path":"/extension/-","value":{"extension":[]}}`, issue: missing("extension/5/url")},
		{name: "read-only extension", patches: named(4, "https://fhir.nhs.uk/StructureDefinition/Extension-PDS-RemovalFromRegistration") + `{"op":"replace","path":"/extension/4/extension/0/valueCodeableConcept/coding/0/code","value":"DEA"}`,
			issue: badValue("https://fhir.nhs.uk/StructureDefinition/Extension-PDS-RemovalFromRegistration", "extension/4/url")},
		{name: "read-only extension removed", patches: named(4, "https://fhir.nhs.uk/StructureDefinition/Extension-PDS-RemovalFromRegistration") + `{"op":"remove","path":"/extension/4"}`,
			issue: forbidden("source not permitted to remove 'https://fhir.nhs.uk/StructureDefinition/Extension-PDS-RemovalFromRegistration'")},

		{name: "interpreter removed", patches: named(1, uk+"NHSCommunication") + `{"op":"remove","path":"/extension/1/extension/1"}`, issue: invalid("interpreterRequired cannot be removed")},
		{name: "communication removed", patches: named(1, uk+"NHSCommunication") + `{"op":"remove","path":"/extension/1"}`, values: map[string]string{"extension.1.url": uk + "ContactPreference"}},
		{name: "language removed", patches: named(1, uk+"NHSCommunication") + `{"op":"remove","path":"/extension/1/extension/0"}`, issue: missing("extension/1/language")},
		{name: "English", number: bareNumber, patches: addExtension(uk+"NHSCommunication", codes(coded("language", "en"))), issue: badValue("en", "extension/0/language")},
		{name: "no language", number: bareNumber, patches: addExtension(uk+"NHSCommunication", codes(coded("language", "Welsh"))), issue: badValue("Welsh", "extension/0/language")},
		{name: "British Sign Language", number: bareNumber, patches: addExtension(uk+"NHSCommunication", codes(coded("language", "q4"), `{"url":"interpreterRequired","valueBoolean":false}`)), values: map[string]string{"extension.0.extension.1.valueBoolean": "false"}},
		{name: "q6", number: bareNumber, patches: addExtension(uk+"NHSCommunication", codes(coded("language", "q6"))), issue: badValue("q6", "extension/0/language")},
		{name: "interpreter perhaps", number: bareNumber, patches: addExtension(uk+"NHSCommunication", codes(coded("language", "fr"), `{"url":"interpreterRequired","valueBoolean":"perhaps"}`)), issue: badValue("perhaps", "extension/0/interpreterRequired")},

		{name: "times without method", patches: named(2, uk+"ContactPreference") + `{"op":"remove","path":"/extension/2/extension/0"}`, issue: invalid("a PreferredContactTimes requires a PreferredContactMethod")},
		{name: "format", number: bareNumber, patches: addExtension(uk+"ContactPreference", codes(coded("PreferredWrittenCommunicationFormat", "12"))), values: map[string]string{"extension.0.url": uk + "ContactPreference"}},
		{name: "unknown format", number: bareNumber, patches: addExtension(uk+"ContactPreference", codes(coded("PreferredWrittenCommunicationFormat", "14"))), issue: badValue("14", "extension/0/PreferredWrittenCommunicationFormat")},
		{name: "unknown method", number: bareNumber, patches: addExtension(uk+"ContactPreference", codes(coded("PreferredContactMethod", "9"))), issue: badValue("9", "extension/0/PreferredContactMethod")},
		{name: "long times", number: bareNumber, patches: addExtension(uk+"ContactPreference", codes(coded("PreferredContactMethod", "8"), `{"url":"PreferredContactTimes","valueString":"`+strings.Repeat("x", 41)+`"}`)), issue: badValue(strings.Repeat("x", 41), "extension/0/PreferredContactTimes")},
		{name: "preference of nothing", number: bareNumber, patches: addExtension(uk+"ContactPreference", codes()), issue: missing("extension/0/extension")},

		{name: "place of birth", number: bareNumber, patches: addExtension(birthPlace, `"valueAddress":{"district":"Shire"}`), values: map[string]string{"extension.0.valueAddress.district": "Shire"}},
		{name: "place of birth nowhere", number: bareNumber, patches: addExtension(birthPlace, `"valueAddress":{}`), issue: missing("extension/0/valueAddress")},
		{name: "place of birth in a country", number: bareNumber, patches: addExtension(birthPlace, `"valueAddress":{"country":"England"}`), issue: badValue("England", "extension/0/valueAddress/country")},
		{name: "place of birth in Sark", number: bareNumber, patches: addExtension(birthPlace, `"valueAddress":{"country":"7"}`)},
		{name: "place of birth with a street", number: bareNumber, patches: addExtension(birthPlace, `"valueAddress":{"line":"1 Street"}`), issue: badValue("1 Street", "extension/0/valueAddress/line")},
	}
	runPatchRows(t, rows)
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
