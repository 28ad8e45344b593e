package demographics_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"

	"vertebra/api/access"
	"vertebra/api/demographics"
	"vertebra/api/fhir"
	"vertebra/storage/record"
)

const newcomer = `{"resourceType":"Patient",
 "name":[{"use":"usual","given":["Zebedee"," ","Quentin"],"family":"O'Neill-Šmith","prefix":["","Mr"],"suffix":[""],"period":{"start":"1984-03-02"}}],
 "address":[{"use":"home","period":{"start":"2001-02-03"},"line":["","12 Boar Lane"," ","Leeds",""],"postalCode":"LS1 6AE",
  "extension":[{"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-AddressKey","extension":[{"url":"type","valueCoding":{"code":"PAF"}},{"url":"value","valueString":"12345678"}]}]}],
 "gender":"male","birthDate":"1984-03-02",
 "telecom":[{"system":"email","use":"home","value":"z.oneill@example.com"}],
 "extension":[
  {"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-RegisteringAuthority","extension":[{"url":"registeringAuthorityType","valueCodeableConcept":{"coding":[{"system":"https://fhir.nhs.uk/CodeSystem/UKCore-RegisteringAuthorityType","code":"x"}]}},{"url":"organisationIdentifier","valueString":"RGS"}]},
  {"url":"http://hl7.org/fhir/StructureDefinition/patient-birthPlace","valueAddress":{"city":"Leeds"}},
  {"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSCommunication","extension":[{"url":"language","valueCodeableConcept":{"coding":[{"code":"fr"}]}}]}]}`

// TestCreate is the answer to a create: what is kept, what is dropped, what is made.
func TestCreate(t *testing.T) {
	s := newShelf()
	answer, err := s.create(t, newcomer, access.HealthcareWorker)
	if err != nil {
		t.Fatal(diagnostics(err))
	}
	if answer.Status != 201 || answer.Version != 1 || len(answer.Header) != 0 {
		t.Errorf("answered %d version %d %v", answer.Status, answer.Version, answer.Header)
	}
	for path, want := range map[string]string{
		"id": joseph, "identifier.0.value": joseph, "meta.versionId": "1", "meta.security.0.code": "U", "resourceType": "Patient",
		"name.0.id": "A1B2C001", "address.0.id": "A1B2C002", "telecom.0.id": "A1B2C003", "name.0.given": `["Zebedee","Quentin"]`,
		"name.0.prefix": `["Mr"]`, "name.0.suffix": "", "address.0.line": `["12 Boar Lane","Leeds"]`, "telecom.0.period.start": "2025-06-01",
		"extension.#": "1", "extension.0.url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSCommunication",
		"identifier.0.extension.0.valueCodeableConcept.coding.0.code": "01", "address.0.extension.0.extension.#": "2",
	} {
		if got := gjson.GetBytes(answer.Body, path).String(); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	found, err := s.trace(t, plus("family=O'NEILL-ŠMITH&birthdate=1984-03-02&address-postalcode=LS16AE"), access.HealthcareWorker)
	if err != nil || len(ids(found.Body)) != 1 {
		t.Errorf("not found: %s %v", found.Body, err)
	}
}

// TestDuplicates is contract 1.10: same family name, gender, birth date and postcode.
func TestDuplicates(t *testing.T) {
	s := newShelf()
	seed := resident{number: jane, names: named("usual", "o'neill-šmith", "Another"), birth: "1984-03-02", gender: "male", postcode: "ls16ae"}
	for _, change := range []func(*resident){
		func(p *resident) { p.number, p.gender = anne, "female" },
		func(p *resident) { p.number, p.postcode = moved, "LS1 6AF" },
		func(p *resident) { p.number, p.birth = noDate, "1984-03-03" },
		func(p *resident) { p.number, p.names = retained, named("usual", "O'Neill-Smith", "Another") },
		func(p *resident) { p.number, p.pds = gone, `{"invalidated":true}` },
	} {
		other := seed
		change(&other)
		s.load(t, other.seed())
	}
	n, err := demographics.ParseCreate([]byte(newcomer), noon())
	if err != nil {
		t.Fatal(diagnostics(err))
	}
	for i, want := range []string{
		"no issue: nil",
		"SINGLE_MATCH: Unable to create new patient. NHS number " + jane + " found for supplied demographic data.",
		"MULTIPLE_MATCHES: Unable to create new patient. Multiple matches found for supplied demographic data.",
	} {
		if got := diagnostics(demographics.Duplicates(s.find(n.DuplicateQuery()), demographics.Claim{})); got != want {
			t.Errorf("%d there: %s", i, got)
		}
		s.load(t, seed.seed())
		seed.number = jayne
	}
}

// TestCreateRefusals is the order and the words of contract 1.10.
func TestCreateRefusals(t *testing.T) {
	set := func(path string, value any) string {
		text, err := sjson.Set(newcomer, path, value)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	raw := func(path, value string) string {
		text, err := sjson.SetRaw(newcomer, path, value)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	without := func(paths ...string) string {
		text := newcomer
		for _, path := range paths {
			var err error
			if text, err = sjson.Delete(text, path); err != nil {
				t.Fatal(err)
			}
		}
		return text
	}
	const lines = "INVALID_CREATE: Invalid patient create data provided - 'address lines 1 and 4 or 2 and 4 must be completed as a minimum'"
	for _, c := range []struct{ body, want string }{
		{`{"bananas":1}`, "MISSING_VALUE: Missing value - 'name'"},
		{without("name", "address", "gender"), "MISSING_VALUE: Missing value - 'name'"},
		{without("address", "gender", "birthDate"), "MISSING_VALUE: Missing value - 'address'"},
		{without("gender", "birthDate"), "MISSING_VALUE: Missing value - 'gender'"},
		{without("birthDate"), "MISSING_VALUE: Missing value - 'birthDate'"},
		{`{"name":{},"address":[["another","array"]],"gender":"x","birthDate":1}`, "INVALID_VALUE: Invalid value - '['another', 'array']' in field 'address/0'"},
		{`{"name":{},"address":[{}],"gender":"x","birthDate":1}`, "MISSING_VALUE: Missing value - 'address/0/period'"},
		{raw("name.0.given", `"not an array"`), "INVALID_VALUE: Invalid value - 'not an array' in field 'name/0/given'"},
		{set("gender", "other"), "INVALID_VALUE: Invalid value - 'other' in field 'gender'"},
		{set("birthDate", "19840302"), "INVALID_VALUE: Invalid value - '19840302' in field 'birthDate'"},
		{set("birthDate", "2025-06-02"), "INVALID_VALUE: Invalid value - '2025-06-02' in field 'birthDate'"},
		{set("name.0.given", []string{"Ze`b"}), "INVALID_VALUE: Invalid value - 'Ze`b' in field 'name/0/given'"},
		{set("name.0.given", []string{"One", "Two", "Three", "Four", "Five", "six"}), "TOO_MANY_VALUES_SUBMITTED: Too many values submitted - ['One', 'Two', 'Three', 'Four', 'Five', 'six'] in field 'name/0/given'"},
		{set("name.0.period.end", "2020-01-01"), "INVALID_CREATE: Invalid patient create data provided - 'An end date can not be provided on usual name'"},
		{without("name.0.use"), "MISSING_VALUE: Missing value - 'name/0/use'"},
		{without("name.0.family"), "MISSING_VALUE: Missing value - 'name/0/family'"},
		{set("name.0.use", "old"), "INVALID_VALUE: Invalid value - 'old' in field 'name/0/use'"},
		{without("address.0.extension.0.extension"), "MISSING_VALUE: Missing value - 'address/0/extension/0/extension'"},
		{strings.Replace(set("address.0.line", []string{"1 High St", "", "Leeds"}), "PAF", "UPRN", 1), lines},
		{strings.Replace(without("address.0.line"), "PAF", "UPRN", 1), lines},
		{set("telecom.0.value", "nobody"), "INVALID_CREATE: Invalid patient create data provided - 'email format is invalid'"},
		{without("extension"), "MISSING_VALUE: Missing value - 'extension'"},
		{set("extension.0.extension.0.valueCodeableConcept.coding.0.code", "y"), "INVALID_VALUE: Invalid value - 'y' in field 'extension/0/extension/registeringAuthorityType'"},
		{set("extension.0.extension.1.valueString", "R"), "INVALID_VALUE: Invalid value - 'R' in field 'extension/0/extension/organisationIdentifier'"},
		{set("bananas", 1), "ADDITIONAL_PROPERTIES: Invalid request with error - Additional properties are not allowed ('bananas' was unexpected)"},
		{`[1]`, "INVALID_CREATE: Invalid patient create data provided - 'the body is not a JSON object'"},
	} {
		_, err := demographics.ParseCreate([]byte(c.body), noon())
		if got := diagnostics(err); got != c.want {
			t.Errorf("\nbody %s\ngot  %s\nwant %s", c.body, got, c.want)
		}
	}
	for says, body := range map[string]string{
		"line 1 and 4":            set("address.0.line", []string{"1 High St", "", "", "Leeds"}),
		"postcode and key":        without("address.0.line"),
		"no fixed abode":          strings.NewReplacer("PAF", "UPRN", "LS1 6AE", "ZZ99 3VZ").Replace(without("address.0.line")),
		"without resource type":   without("resourceType"),
		"an accepted extension":   set("extension.3.url", "http://hl7.org/fhir/StructureDefinition/patient-cadavericDonor"),
		"unknown gender":          set("gender", "unknown"),
		"registering authority 1": set("extension.0.extension.0.valueCodeableConcept.coding.0.code", "1"),
	} {
		if _, err := demographics.ParseCreate([]byte(body), noon()); err != nil {
			t.Errorf("%s: %s", says, diagnostics(err))
		}
	}
}

// TestClaims: one identity, one claim at a time; a repeated request gets its own again.
func TestClaims(t *testing.T) {
	s := newShelf()
	n, err := demographics.ParseCreate([]byte(newcomer), noon())
	if err != nil {
		t.Fatal(diagnostics(err))
	}
	ours, theirs := record.RequestID{1}, record.RequestID{2}
	take := func(request record.RequestID, number fhir.Number, at time.Time) (demographics.Claim, error) {
		claim, d, err := demographics.TakeClaim(s, n, number, request, at)
		if err == nil && !s.apply(d.Mutation) {
			t.Fatal("conflict")
		}
		return claim, err
	}
	first, err := take(ours, jane, noon())
	if err != nil || first.Number != jane || first.Repeated || first.Displaced != "" || !first.Until.Equal(noon().Add(time.Minute)) {
		t.Fatalf("first: %+v %v", first.Until, err)
	}
	var held *demographics.ClaimHeldError
	if _, err := take(theirs, jayne, noon().Add(59*time.Second)); !errors.As(err, &held) || !held.Until.Equal(first.Until) {
		t.Fatalf("a live claim was taken over: %v", err)
	}
	again, err := take(ours, jayne, noon().Add(30*time.Second))
	if err != nil || again.Number != jane || !again.Repeated {
		t.Fatalf("the same request: %v", err)
	}
	after, err := take(theirs, jayne, noon().Add(2*time.Minute))
	if err != nil || after.Number != jayne || after.Displaced != jane || after.Repeated {
		t.Fatalf("after its end: %v", err)
	}
	if d, err := demographics.Release(s, n, again); err != nil || len(d.Mutation.Writes) != 0 {
		t.Errorf("a claim that is another's was released: %v", err)
	}
	d, err := demographics.Release(s, n, after)
	if err != nil || !s.apply(d.Mutation) {
		t.Fatal(err)
	}
	if later, err := take(ours, anne, noon().Add(2*time.Minute)); err != nil || later.Displaced != "" {
		t.Errorf("after release: %v", err)
	}
}

// TestRepeatedCreate: the same request again is answered with the person that it made,
// and another one with SINGLE_MATCH.
func TestRepeatedCreate(t *testing.T) {
	s := newShelf()
	n, _ := demographics.ParseCreate([]byte(newcomer), noon())
	first, err := s.createAs(t, n, record.RequestID{1}, jane)
	if err != nil {
		t.Fatal(diagnostics(err))
	}
	again, err := s.createAs(t, n, record.RequestID{1}, jayne)
	if err != nil || again.Status != 201 || !bytes.Equal(first.Body, again.Body) {
		t.Errorf("again: %d %s %v", again.Status, again.Body, err)
	}
	if _, err := s.createAs(t, n, record.RequestID{2}, jayne); !strings.Contains(diagnostics(err), "SINGLE_MATCH") {
		t.Errorf("another: %s", diagnostics(err))
	}
}

// TestTakenNumber: a number that is somebody's is exchanged, and never answered with,
// even when the claim is the request's own again.
func TestTakenNumber(t *testing.T) {
	s := newShelf()
	s.load(t, resident{number: jane, names: named("usual", "Secret"), birth: "1970-01-01"}.seed())
	n, _ := demographics.ParseCreate([]byte(newcomer), noon())
	request := record.RequestID{1}
	for range 2 {
		if answer, err := s.createAs(t, n, request, jane); !errors.Is(err, demographics.ErrNumberTaken) {
			t.Fatalf("answered %s, %v", answer.Body, err)
		}
	}
	if _, err := s.createAs(t, n, record.RequestID{2}, anne); err != nil {
		t.Fatal(diagnostics(err))
	}
	other, _ := demographics.ParseCreate([]byte(strings.Replace(newcomer, "LS1 6AE", "LS1 6AF", 1)), noon())
	if answer, err := s.createAs(t, other, record.RequestID{3}, anne); !errors.Is(err, demographics.ErrNumberTaken) {
		t.Fatalf("another request's person: %s, %v", answer.Body, err)
	}
	claim, _, err := demographics.TakeClaim(s, n, jayne, request, noon(), jane)
	if err != nil || claim.Number != jayne || claim.Repeated {
		t.Errorf("not exchanged: %v", err)
	}
}

// TestDisplacedCreate: once a claim was taken over, its creation cannot happen any
// more, however late it comes.
func TestDisplacedCreate(t *testing.T) {
	s := newShelf()
	n, _ := demographics.ParseCreate([]byte(newcomer), noon())
	c := demographics.Creation{Claim: demographics.Claim{Number: jane, Until: noon().Add(time.Minute)}, Now: noon(), NewID: func() string { return "00000001" }}
	late, err := demographics.Create(s, n, c)
	if err != nil {
		t.Fatal(err)
	}
	refusal, err := demographics.RefuseNumber(s, jane)
	if err != nil || !s.apply(refusal.Mutation) {
		t.Fatal(err)
	}
	if s.apply(late.Mutation) {
		t.Error("a refused number became a person")
	}
	if _, err := demographics.Create(s, n, c); !errors.Is(err, demographics.ErrNumberTaken) {
		t.Errorf("a refused number: %v", err)
	}
	c.Now = noon().Add(31 * time.Second)
	var held *demographics.ClaimHeldError
	if _, err := demographics.Create(s, n, c); !errors.As(err, &held) {
		t.Errorf("with half a minute left: %v", err)
	}
	s.load(t, resident{number: jayne, names: named("usual", "X"), birth: "1984-03-02"}.seed())
	c.Claim.Number, c.Now = jayne, noon()
	if _, err := demographics.Create(s, n, c); !errors.Is(err, demographics.ErrNumberTaken) {
		t.Errorf("somebody's number: %v", err)
	}
	if d, err := demographics.RefuseNumber(s, jayne); err != nil || len(d.Mutation.Writes) != 0 {
		t.Errorf("a person's number was refused: %v", err)
	}
}

func TestClaimIsTheIdentity(t *testing.T) {
	claim := func(from, to string) record.Subject {
		n, err := demographics.ParseCreate([]byte(strings.Replace(newcomer, from, to, 1)), noon())
		if err != nil {
			t.Fatal(diagnostics(err))
		}
		return n.Claim()
	}
	same := claim("", "")
	for _, c := range []struct {
		from, to string
		equal    bool
	}{
		{"O'Neill-Šmith", "O'NEILL-ŠMITH", true}, {"LS1 6AE", "ls16ae", true}, {"Zebedee", "Zoltan", true},
		{"O'Neill-Šmith", "ONeill", false}, {"LS1 6AE", "LS1 6AF", false}, {`"male"`, `"female"`, false}, {`"birthDate":"1984-03-02"`, `"birthDate":"1984-03-03"`, false},
	} {
		if got := claim(c.from, c.to) == same; got != c.equal {
			t.Errorf("%s for %s: same claim %v", c.to, c.from, got)
		}
	}
	if strings.HasPrefix(string(same), record.ControlPrefix) || len(same) > record.MaxSubjectBytes {
		t.Error("the claim is no data subject")
	}
}

func TestAllocate(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	seen := map[fhir.Number]bool{}
	for range 2000 {
		n, err := demographics.Allocate(random, demographics.TestNumbers())
		if _, ok := fhir.ParseNumber(string(n)); err != nil || !ok || n[:3] != "999" {
			t.Fatalf("allocated %v, %v", ok, err)
		}
		seen[n] = true
	}
	if len(seen) < 1990 {
		t.Errorf("only %d different ones of 2,000", len(seen))
	}
	if _, err := demographics.Allocate(strings.NewReader("short"), demographics.TestNumbers()); err == nil {
		t.Error("allocated without randomness")
	}
	if _, err := demographics.Allocate(random, demographics.NumberRange{First: 2, Last: 1}); !errors.Is(err, demographics.ErrNoNumber) {
		t.Error("allocated of an empty range")
	}
}

// TestObjectIDs: a source that repeats itself still gives unique ids.
func TestObjectIDs(t *testing.T) {
	n, _ := demographics.ParseCreate([]byte(newcomer), noon())
	d, err := demographics.Create(newShelf(), n, demographics.Creation{
		Claim: demographics.Claim{Number: jane, Until: noon().Add(time.Hour)}, Now: noon(), NewID: func() string { return "10000001" },
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, path := range []string{"name.0.id", "address.0.id", "telecom.0.id"} {
		id := gjson.GetBytes(d.Answer.Body, path).String()
		if seen[id] || len(id) != 8 {
			t.Errorf("%s is %q", path, id)
		}
		seen[id] = true
	}
}

// birthBundle is a birth notification as the contract's samples are.
func birthBundle() string {
	observation := func(code, value string) string {
		return fmt.Sprintf(`{"resource":{"resourceType":"Observation","code":{"coding":[{"code":%q}]},%s}}`, code, value)
	}
	baby, _ := sjson.Set(newcomer, "birthDate", "2025-05-30")
	baby, _ = sjson.Set(baby, "name.0.period.start", "2025-05-30")
	baby, _ = sjson.Set(baby, "multipleBirthInteger", 1)
	return `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":` + baby + `},` + strings.Join([]string{
		observation("364589006", `"valueQuantity":{"value":3552}`),
		observation("237364002", `"valueCodeableConcept":{"coding":[{"code":"1"}]}`),
		observation("268477000", `"valueQuantity":{"value":38}`),
		observation("246435002", `"valueInteger":1`),
		observation("66091009", `"valueCodeableConcept":{"coding":[{"code":"N"}]}`),
		`{"resource":{"resourceType":"RelatedPerson"}}`,
		`{"resource":{"resourceType":"Patient","identifier":[{"value":"` + anne + `"}],"birthDate":"1984-01-01"}}`,
		`{"resource":{"resourceType":"Organization"}}`, `{"resource":{"resourceType":"Location"}}`,
		`{"resource":{"resourceType":"CareTeam"}}`, `{"resource":{"resourceType":"Practitioner"}}`,
	}, ",") + `]}`
}

func TestBirth(t *testing.T) {
	s := newShelf()
	n, err := demographics.ParseBirth([]byte(birthBundle()), false, noon())
	if err != nil {
		t.Fatal(diagnostics(err))
	}
	answer, err := s.createAs(t, n, record.RequestID{1}, jane)
	if err != nil {
		t.Fatal(diagnostics(err))
	}
	if answer.Status != 201 || answer.Header["notification-id"] != "0f3c3d9e-0000-4000-8000-000000000001" {
		t.Errorf("answered %d %v", answer.Status, answer.Header)
	}
	for path, want := range map[string]string{
		"id": jane, "multipleBirthInteger": "1", "extension.#": "2", "birthDate": "2025-05-30",
		`extension.#(url=="http://hl7.org/fhir/StructureDefinition/patient-birthPlace").valueAddress.city`: "Leeds",
	} {
		if got := gjson.GetBytes(answer.Body, path).String(); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	again, err := s.createAs(t, n, record.RequestID{1}, jayne)
	if err != nil || again.Header["notification-id"] != answer.Header["notification-id"] || !bytes.Equal(again.Body, answer.Body) {
		t.Errorf("again: %v %v", again.Header, err)
	}
	related, err := demographics.RelatedPersons(s, access.Caller{Mode: access.HealthcareWorker}, jane, noon())
	if err != nil || gjson.GetBytes(related.Body, "entry.0.resource.patient.identifier.value").String() != anne ||
		gjson.GetBytes(related.Body, "entry.0.resource.relationship.0.coding.0.code").String() != "MTH" {
		t.Errorf("the mother: %s %v", related.Body, err)
	}
}

// TestBirthDuplicates: a twin is a potential match, the same child an exact one.
func TestBirthDuplicates(t *testing.T) {
	s := newShelf()
	born, _ := demographics.ParseBirth([]byte(birthBundle()), false, noon())
	if _, err := s.createAs(t, born, record.RequestID{1}, jane); err != nil {
		t.Fatal(diagnostics(err))
	}
	twin := strings.Replace(birthBundle(), "Zebedee", "Walter", 1)
	sounds := strings.Replace(twin, "O'Neill-Šmith", "ONeil-Smyth", 1)
	for _, c := range []struct {
		says, body string
		ignore     bool
		match      bool
	}{
		{"the same child", birthBundle(), false, true}, {"the same child, ignoring", birthBundle(), true, true},
		{"a twin", twin, false, true}, {"a twin, ignoring", twin, true, false},
		{"sounds alike", sounds, false, true}, {"sounds alike, ignoring", sounds, true, false},
		{"another place", strings.Replace(twin, "LS1 6AE", "LS1 6AF", 1), false, false},
	} {
		n, err := demographics.ParseBirth([]byte(c.body), c.ignore, noon())
		if err != nil {
			t.Fatal(diagnostics(err))
		}
		err = demographics.Duplicates(s.find(n.DuplicateQuery()), demographics.Claim{})
		if (err != nil) != c.match {
			t.Errorf("%s: %s", c.says, diagnostics(err))
		}
	}
}

func TestBirthRefusals(t *testing.T) {
	set := func(path string, value any) string { text, _ := sjson.Set(birthBundle(), path, value); return text }
	without := func(path string) string { text, _ := sjson.Delete(birthBundle(), path); return text }
	tooFew := "TOO_FEW_VALUES_SUBMITTED: Too few values submitted - <json too long to display> in field 'entry'"
	for _, c := range []struct{ body, want string }{
		{without("entry.0.resource.name.0.use"), "MISSING_VALUE: Missing value - 'entry/0/resource/name/0/use'"},
		{without("entry.0.resource.birthDate"), "MISSING_VALUE: Missing value - 'entry/0/resource/birthDate'"},
		{without("entry.0.resource.gender"), "MISSING_VALUE: Missing value - 'entry/0/resource/gender'"},
		{without("entry.0.resource.address"), "MISSING_VALUE: Missing value - 'entry/0/resource/address'"},
		{without("entry.1.resource.valueQuantity.value"), "MISSING_VALUE: Missing value - 'entry/1/resource/valueQuantity/value'"},
		{without("entry.7.resource.identifier.0.value"), "MISSING_VALUE: Missing value - 'entry/7/resource/identifier/0/value'"},
		{set("entry.0.resource.multipleBirthInteger", 100), "INVALID_VALUE: Invalid value - '100' in field 'entry/0/resource/multipleBirthInteger'"},
		{set("entry.1.resource.valueQuantity.value", 35552), "INVALID_VALUE: Invalid value - '35552' in field 'entry/1/resource/valueQuantity/value'"},
		{set("entry.2.resource.valueCodeableConcept.coding.0.code", "5"), "INVALID_VALUE: Invalid value - '5' in field 'entry/2/resource/valueCodeableConcept/coding/0/code'"},
		{set("entry.7.resource.identifier.0.value", "9990000019"), "INVALID_VALUE: Invalid value - '9990000019' in field 'entry/7/resource/identifier/0/value'"},
		{without("entry.9"), tooFew}, {without("entry.0"), tooFew}, {without("entry"), tooFew}, {without("entry.4"), tooFew},
		{set("entry.0.resource.extension.3", map[string]any{
			"url":       "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeathNotificationStatus",
			"extension": []any{map[string]any{"url": "deathNotificationStatus", "valueCodeableConcept": map[string]any{"coding": []any{map[string]any{"code": "2"}}}}},
		}), "INSERT_BIRTH_DEATH_STATUS_INCONSISTENT: Insert Birth - Death Status Inconsistent"},
	} {
		_, err := demographics.ParseBirth([]byte(c.body), false, noon())
		if got := diagnostics(err); got != c.want {
			t.Errorf("\ngot  %s\nwant %s", got, c.want)
		}
	}
}
