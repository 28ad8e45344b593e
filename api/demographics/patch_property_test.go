package demographics_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"vertebra/api/demographics"
	"vertebra/api/fhir"
)

// anyOperation draws an operation that is sometimes right, often nearly.
func anyOperation() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		list := rapid.SampledFrom([]string{"name", "address", "telecom", "contact", "extension", "gender", "pets"}).Draw(t, "list")
		item := rapid.SampledFrom([]string{"", "/-", "/0", "/1", "/2", "/9"}).Draw(t, "item")
		part := rapid.SampledFrom([]string{"", "", "/id", "/url", "/use", "/family", "/line", "/line/0", "/given/0", "/period/start", "/extension/0"}).Draw(t, "part")
		value := rapid.SampledFrom([]string{
			`"NAME0001"`, `"NAME0002"`, `"ADDR0001"`, `"TELE0003"`, `"CONT0001"`, `"` + uk + `NominatedPharmacy"`, `"male"`, `"Newname"`, `"2020-01-01"`, `[]`, `{}`, `7`,
			`{"use":"old","family":"Newname"}`, `{"id":"NAME0002","use":"nickname","family":"Newname"}`, `{"system":"phone","use":"work","value":"1"}`,
			`{"use":"billing","period":{"start":"2024-01-01","end":"2024-02-01"},"line":["1","","","4"]}`, `["1","","","4"]`,
		}).Draw(t, "value")
		op := rapid.SampledFrom([]string{"add", "replace", "remove", "test"}).Draw(t, "op")
		return fmt.Sprintf(`{"op":"%s","path":"/%s%s%s","value":%s}`, op, list, item, part, value)
	})
}

// likelyOperation draws operations of which most requests are accepted.
func likelyOperation() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{
		`{"op":"replace","path":"/gender","value":"male"}`, `{"op":"replace","path":"/birthDate","value":"1981-01-01"}`,
		thisName + `{"op":"replace","path":"/name/0/given/0","value":"Anne"}`,
		`{"op":"add","path":"/name/-","value":{"use":"old","family":"Newname"}}`,
		`{"op":"add","path":"/contact/-","value":{"relationship":[{"coding":[{"code":"C"}]}],"telecom":[{"system":"phone","value":"1"}]}}`,
		`{"op":"test","path":"/telecom/0/id","value":"TELE0001"},{"op":"remove","path":"/telecom/0"}`,
		thisAddress + `{"op":"replace","path":"/address/0/line/0","value":"1 Street"}`,
		`{"op":"add","path":"/address/-","value":{"use":"billing","period":{"start":"2024-01-01","end":"2024-02-01"},"line":["1","","","4"]}}`,
	})
}

// Whatever is asked for: a refusal decides nothing, an acceptance gives a Patient one
// version on whose items all have ids of their own, and the same request again is a
// version mismatch.
func TestPatchProperties(t *testing.T) {
	accepted := 0
	rapid.Check(t, func(rt *rapid.T) {
		s := cabinetWith(t)
		before := bytes.Clone(s.patient(fullNumber))
		operations := rapid.SliceOfN(rapid.OneOf(anyOperation(), likelyOperation(), likelyOperation()), 1, 4).Draw(rt, "operations")
		req := patchRequest(fullNumber, 4, strings.Join(operations, ","))
		d, err := demographics.Patch(s, req)
		if !bytes.Equal(before, s.patient(fullNumber)) {
			rt.Fatal("deciding changed what is stored")
		}
		if err != nil {
			if strings.HasPrefix(issueOf(err), "fault: ") || len(d.Mutation.Writes) != 0 || d.Answer.Body != nil {
				rt.Fatalf("%s, and %d writes", issueOf(err), len(d.Mutation.Writes))
			}
			return
		}
		accepted++
		s.apply(t, d.Mutation)
		after, err := fhir.ParseJSON(s.patient(fullNumber))
		if err != nil || after.Get("meta").Get("versionId").Str() != "5" || after.Get("id").Str() != fullNumber {
			rt.Fatalf("%v: %s", err, d.Answer.Body)
		}
		checkIDs(rt, after)
		if _, err := demographics.Patch(s, req); issueOf(err) != "409 RESOURCE_VERSION_MISMATCH" {
			rt.Fatalf("the same again: %q", issueOf(err))
		}
		if again, err := demographics.Read(s, worker, fullNumber); err != nil || !bytes.Equal(again.Body, d.Answer.Body) {
			rt.Fatalf("%v: a read says otherwise than the update", err)
		}
	})
	if accepted == 0 {
		t.Error("no request was accepted: the property was not tried")
	}
}

func checkIDs(t *rapid.T, patient *fhir.Value) {
	seen := map[string]bool{}
	for _, list := range []string{"name", "address", "telecom", "contact", "generalPractitioner"} {
		v := patient.Get(list)
		if v != nil && len(v.Items) == 0 {
			t.Fatalf("%s is empty", list)
		}
		for _, item := range v.List() {
			id := item.Get("id").Str()
			if id == "" || seen[id] {
				t.Fatalf("%s has an item with id %q", list, id)
			}
			seen[id] = true
		}
	}
}

func FuzzPatchEnvelope(f *testing.F) {
	for _, patches := range []string{
		`{"op":"replace","path":"/gender","value":"male"}`, thisName + `{"op":"remove","path":"/name/0/suffix"}`,
		`{"op":"add","path":"/name/-","value":{"use":"old","family":"X","given":[{}],"period":7}}`,
		`{"op":"add","path":"/extension/-","value":{"url":"` + uk + `ContactPreference","extension":[7,{"url":[]}]}}`,
		`{"op":"test","path":"/~1/~0","value":{}}`, `{"op":"add","path":"/contact/-","value":{"relationship":[7],"telecom":[[]]}}`,
		addExtension(deathURL, deathMembers("1")), `{"op":"add","path":"/address/-","value":{"use":"temp","extension":[{"url":"x","extension":7}]}}`,
	} {
		f.Add([]byte(`{"patches":[` + patches + `]}`))
	}
	f.Add([]byte(`{"patches":7}`))
	f.Add([]byte(`[`))
	s := cabinetWith(f)
	before := bytes.Clone(s.patient(fullNumber))
	f.Fuzz(func(t *testing.T, body []byte) {
		req := patchRequest(fullNumber, 4, "")
		req.Body = body
		d, err := demographics.Patch(s, req)
		if !bytes.Equal(before, s.patient(fullNumber)) {
			t.Fatal("deciding changed what is stored")
		}
		if err != nil {
			if strings.HasPrefix(issueOf(err), "fault: ") {
				t.Fatal(err)
			}
			return
		}
		if _, err := fhir.ParseJSON(d.Mutation.Writes[0].Body); err != nil || d.Answer.Version != 5 {
			t.Fatalf("%v, version %d", err, d.Answer.Version)
		}
	})
}

// What is stored and breaks a rule does not stop a change of something else
// (contract 1.9.3).
func TestStoredDataThatBreaksARuleBlocksNothing(t *testing.T) {
	s := cabinetWith(t, func(tree *fhir.Value) {
		if tree.Get("id").Str() != fullNumber {
			return
		}
		name := tree.Get("name").At(0)
		name.Get("period").Delete("start")
		name.Set("prefix", fhir.NewArray(fhir.NewString("×")))
		name.Set("suffix", fhir.NewArray(fhir.NewString("mbe")))
		name.Set("text", fhir.NewString("as it was"))
		name.Delete("family")
		tree.Get("name").At(1).Set("use", fhir.NewString("usual"))
		tree.Set("gender", fhir.NewString("other"))
		tree.Set("birthDate", fhir.NewString("1980"))
	})
	for _, patches := range []string{
		`{"op":"test","path":"/telecom/0/id","value":"TELE0001"},{"op":"replace","path":"/telecom/0/value","value":"1"}`,
		`{"op":"replace","path":"/multipleBirthInteger","value":2}`,
	} {
		if _, err := demographics.Patch(s, patchRequest(fullNumber, 4, patches)); err != nil {
			t.Errorf("%s: %q", patches, issueOf(err))
		}
	}
	d, err := demographics.Patch(s, patchRequest(fullNumber, 4, thisName+`{"op":"replace","path":"/name/0/given/0","value":"Anne"}`))
	if err != nil {
		t.Fatalf("another given name: %q", issueOf(err))
	}
	for path, want := range map[string]string{
		"name.0.given.0": "Anne", "name.0.prefix": "[×]", "name.0.suffix": "[mbe]", "name.0.text": "as it was", "name.1.use": "usual", "name.0.family": "-",
	} {
		if got, ok := lookup(t, d.Answer.Body, path); ok == (want == "-") || ok && fmt.Sprint(got) != want {
			t.Errorf("%s is %v, want %s: the request did not touch it", path, got, want)
		}
	}
	if _, err := demographics.Patch(s, patchRequest(fullNumber, 4, thisName+`{"op":"add","path":"/name/0/prefix/-","value":"Dr"}`)); issueOf(err) != badValue("×", "name/0/prefix") {
		t.Errorf("another prefix: %q", issueOf(err))
	}
}

func TestPatchGivesTwoItemsTwoIDs(t *testing.T) {
	req := patchRequest(fullNumber, 4, `{"op":"add","path":"/name/-","value":{"use":"old","family":"X"}},{"op":"add","path":"/name/-","value":{"use":"old","family":"Y"}}`)
	ids := []string{"AAAAAAAA", "AAAAAAAA", "BBBBBBBB"}
	req.NewID = func() string { id := ids[0]; ids = ids[1:]; return id }
	d, err := demographics.Patch(cabinetWith(t), req)
	if err != nil || get(t, d.Answer.Body, "name.3.id") != "AAAAAAAA" || get(t, d.Answer.Body, "name.4.id") != "BBBBBBBB" {
		t.Errorf("%v: %s", err, d.Answer.Body)
	}
}
