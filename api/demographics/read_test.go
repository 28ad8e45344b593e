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

func TestReadAnswersTheStoredBytes(t *testing.T) {
	s := cabinetWith(t)
	answer, err := demographics.Read(s, worker, fullNumber)
	if err != nil {
		t.Fatal(err)
	}
	stored := s.patient(fullNumber)
	if answer.Status != 200 || answer.Version != 4 || &answer.Body[0] != &stored[0] || len(answer.Body) != len(stored) {
		t.Errorf("status %d, version %d, %d bytes of %d: an unrestricted person's body is what is stored, not a copy",
			answer.Status, answer.Version, len(answer.Body), len(stored))
	}
	if allocs := testing.AllocsPerRun(100, func() {
		if _, err := demographics.Read(s, worker, fullNumber); err != nil {
			t.Fatal(err)
		}
	}); allocs > 1 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestReadErrors(t *testing.T) {
	s := cabinetWith(t)
	withdrawn := personOf(t, s.patient(fullNumber))
	withdrawn.Status = demographics.Status{State: demographics.Invalidated}
	gone := cabinet{}
	gone.put(t, withdrawn)
	const patientRefused = "403 ACCESS_DENIED Your access token has insufficient permissions. See documentation regarding Patient access restrictions https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir"
	unproved := patient(fullNumber)
	unproved.IdentityProofing = "P5.Cp.Cd"
	for _, c := range []struct {
		name   string
		reader cabinet
		caller access.Caller
		number string
		want   string
	}{
		{"no number", s, worker, "9000000000", "400 INVALID_RESOURCE_ID"},
		{"no number at all", s, worker, "", "400 INVALID_RESOURCE_ID"},
		{"nobody", s, worker, absentNumber, "404 RESOURCE_NOT_FOUND"},
		{"invalidated", gone, worker, fullNumber, "404 INVALIDATED_RESOURCE"},
		{"an application", s, app, fullNumber, ""},
		{"a privileged application", s, privileged, fullNumber, ""},
		{"a patient", s, patient(fullNumber), fullNumber, ""},
		{"another patient", s, patient(deceasedNumber), fullNumber, patientRefused},
		{"another patient, who is not there", s, patient(deceasedNumber), absentNumber, patientRefused},
		{"a patient, no number", s, patient(deceasedNumber), "12", "400 INVALID_RESOURCE_ID"},
		{"identity not proved", s, unproved, fullNumber, patientRefused},
		{"nobody in particular", s, access.Caller{}, fullNumber, patientRefused},
	} {
		if _, err := demographics.Read(c.reader, c.caller, c.number); issueOf(err) != c.want {
			t.Errorf("%s: %q, want %q", c.name, issueOf(err), c.want)
		}
	}
}

func TestReadOfASupersededNumberLeadsToTheRetainedOne(t *testing.T) {
	s := cabinetWith(t)
	old := personOf(t, s.patient(deceasedNumber))
	old.Status = demographics.Status{State: demographics.Superseded, By: fullNumber}
	s.put(t, old)
	for _, caller := range []access.Caller{worker, patient(deceasedNumber)} {
		_, err := demographics.Read(s, caller, deceasedNumber)
		var superseded *demographics.SupersededError
		if !errors.As(err, &superseded) || superseded.By != fullNumber {
			t.Fatalf("%s: %v", caller.Mode, err)
		}
		if strings.ContainsAny(err.Error(), "0123456789") {
			t.Errorf("%q names somebody", err)
		}
		answer, err := demographics.ReadRetained(s, caller, superseded.By)
		if err != nil || answer.Version != 4 || get(t, answer.Body, "id") != fullNumber {
			t.Errorf("%s: version %d, %v", caller.Mode, answer.Version, err)
		}
	}
}

func TestReadOfDamagedAttributesIsAFault(t *testing.T) {
	s := cabinetWith(t)
	key := record.Key{Subject: fullNumber, Table: record.Demographics}
	for _, damaged := range [][]byte{nil, {1}, {9, 0, 'U', 1}, {1, 2, 'U', 1, '9'}, {1, 0, 'R', 0, 1, 200, 200, 1}} {
		rec := s[key]
		rec.Attributes = damaged
		s[key] = rec
		if _, err := demographics.Read(s, worker, fullNumber); !errors.Is(err, demographics.ErrCorruptAttributes) {
			t.Errorf("%v: %v", damaged, err)
		}
	}
}

// members are the top-level members of a Patient, each list with how many items.
func members(t *testing.T, body []byte) string {
	t.Helper()
	v, err := fhir.ParseJSON(body)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	var names []string
	for _, p := range v.Properties {
		name := p.Name
		for _, item := range p.Value.List() {
			url := item.Get("url").Str()
			name += " " + item.Get("use").Str() + url[strings.LastIndexAny(url, "/-")+1:]
		}
		names = append(names, strings.TrimSpace(name))
	}
	return strings.Join(names, ", ")
}

const wholePatient = "resourceType, id, identifier, meta, name usual nickname maiden, gender, birthDate, multipleBirthInteger, address home temp work, telecom home home mobile, contact, generalPractitioner, managingOrganization, " +
	"extension NominatedPharmacy NHSCommunication ContactPreference birthPlace RemovalFromRegistration"

func TestViews(t *testing.T) {
	const (
		restricted = "resourceType, id, identifier, meta, name usual nickname maiden, gender, birthDate, multipleBirthInteger, extension NHSCommunication ContactPreference RemovalFromRegistration"
		minimal    = "resourceType, id, identifier, meta"
		found      = "resourceType, id, identifier, meta, name usual nickname, gender, birthDate, multipleBirthInteger, address home, telecom home home mobile, contact, generalPractitioner"
		withheld   = "resourceType, id, identifier, meta, name usual nickname, gender, birthDate, multipleBirthInteger"
	)
	for _, c := range []struct {
		security     string
		caller       access.Caller
		read, search string
	}{
		{"U", worker, wholePatient, found},
		{"U", app, wholePatient, found},
		{"U", patient(fullNumber), wholePatient, found},
		{"U", privileged, wholePatient, "resourceType, id, identifier, meta, name usual nickname, gender, birthDate, multipleBirthInteger, telecom home home mobile, contact"},
		{"R", worker, restricted, withheld},
		{"R", app, restricted, withheld},
		{"R", patient(fullNumber), restricted, withheld},
		{"R", privileged, wholePatient, withheld},
		{"V", worker, minimal, minimal},
		{"V", privileged, minimal, minimal},
		{"REDACTED", worker, minimal, minimal},
	} {
		s := cabinetWith(t, security(c.security))
		answer, err := demographics.Read(s, c.caller, fullNumber)
		if err != nil {
			t.Fatal(err)
		}
		if got := members(t, answer.Body); got != c.read {
			t.Errorf("%s read by %s:\n%s\nwant\n%s", c.security, c.caller.Mode, got, c.read)
		}
		view, err := demographics.SearchView(c.caller, s[record.Key{Subject: fullNumber, Table: record.Demographics}])
		if err != nil {
			t.Fatal(err)
		}
		if got := members(t, view); got != c.search {
			t.Errorf("%s found by %s:\n%s\nwant\n%s", c.security, c.caller.Mode, got, c.search)
		}
	}
}

// A search returns one extension, and restricted people keep it.
func TestDeathNotificationIsNeverHidden(t *testing.T) {
	for _, code := range []string{"U", "R"} {
		s := cabinetWith(t, security(code))
		view, err := demographics.SearchView(worker, s[record.Key{Subject: deceasedNumber, Table: record.Demographics}])
		if err != nil {
			t.Fatal(err)
		}
		want := "resourceType, id, meta, name usual, gender, birthDate, deceasedDateTime, extension DeathNotificationStatus"
		if got := members(t, view); got != want {
			t.Errorf("%s: %s", code, got)
		}
	}
}

func TestConsentAndUnknownMembersOfARestrictedPatientAreHidden(t *testing.T) {
	consent := func(tree *fhir.Value) {
		tree.Set("extension", fhir.NewArray(fhir.NewObject(fhir.Property{Name: "url", Value: fhir.NewString("https://hl7.org/fhir/R4/consent.html")})))
		tree.Set("photo", fhir.NewString("of the front door"))
	}
	answer, err := demographics.Read(cabinetWith(t, consent), worker, bareNumber)
	if want := "resourceType, id, meta, photo"; err != nil || members(t, answer.Body) != want {
		t.Errorf("%v: %s", err, answer.Body)
	}
	answer, err = demographics.Read(cabinetWith(t, consent, security("R")), worker, bareNumber)
	if want := "resourceType, id, meta"; err != nil || members(t, answer.Body) != want {
		t.Errorf("%v: %s", err, answer.Body)
	}
}

func TestAttributesOfASupersededPersonNeedTheNumber(t *testing.T) {
	if _, err := demographics.Attributes([]byte(`{}`), demographics.Status{State: demographics.Superseded}); err == nil {
		t.Error("superseded by nobody")
	}
	if _, err := demographics.Attributes([]byte(`[]`), demographics.Status{}); err == nil {
		t.Error("a Patient that is an array")
	}
}

func BenchmarkRead(b *testing.B) {
	s := cabinetWith(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := demographics.Read(s, worker, fullNumber); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadRestricted(b *testing.B) {
	s := cabinetWith(b, security("R"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := demographics.Read(s, worker, fullNumber); err != nil {
			b.Fatal(err)
		}
	}
}

// Why somebody was removed from registration is coded more coarsely for callers
// than it is stored (contract 1.8), whatever else is hidden.
func TestInternalReasonsForRemovalAreOtherReasons(t *testing.T) {
	const code = "extension.4.extension.0.valueCodeableConcept.coding.0.code"
	for stored, want := range map[string]string{"SCT": "SCT", "AFN": "ORR", "": "ORR"} {
		s := cabinetWith(t, func(tree *fhir.Value) {
			if removal := tree.Get("extension").At(4); removal != nil {
				removal.Get("extension").At(0).Get("valueCodeableConcept").Get("coding").At(0).Set("code", fhir.NewString(stored))
			}
		})
		answer, err := demographics.Read(s, worker, fullNumber)
		if err != nil || get(t, answer.Body, code) != want {
			t.Errorf("%q is shown as %q, %v", stored, get(t, answer.Body, code), err)
		}
		if got := get(t, s.patient(fullNumber), code); got != stored {
			t.Errorf("%q is stored as %q", stored, got)
		}
	}
}
