package demographics_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"vertebra/api/access"
	"vertebra/api/demographics"
	"vertebra/api/fhir"
)

// resident writes a seed. Parts are JSON members that come behind; pds stands beside.
type resident struct {
	number, names, birth, gender, postcode, security string
	more, pds                                        string
}

func (p resident) seed() string {
	line := fmt.Sprintf(`{"resource":{"resourceType":"Patient","id":%q,"meta":{"versionId":"3","security":[{"code":%q}]},"name":[%s],"birthDate":%q,"gender":%q,"address":[{"id":"A1","use":"home","line":["1 High Street"],"postalCode":%q}]%s}`,
		p.number, cmp.Or(p.security, "U"), p.names, p.birth, cmp.Or(p.gender, "female"), p.postcode, p.more)
	if p.pds != "" {
		line += `,"pds":` + p.pds
	}
	return line + "}"
}

func named(use, family string, given ...string) string {
	text, _ := json.Marshal(map[string]any{"use": use, "family": family, "given": given})
	return string(text)
}

// The people of these tests.
const (
	jane     = "9990000018"
	jayne    = "9990000026"
	merged   = "9990000034"
	retained = "9990000042"
	hidden   = "9990000050"
	withheld = "9990000069"
	gone     = "9990000077"
	joseph   = "9990000085"
	anne     = "9990000093"
	moved    = "9990000107"
	noDate   = "9990000115"
)

func town(t testing.TB) *shelf {
	s := newShelf()
	for _, p := range []resident{
		{number: jane, names: named("usual", "Smith", "Jane", "Ann") + "," + named("nickname", "Smith", "Janie") + "," + named("old", "Jones", "Jane"),
			birth: "2010-10-22", postcode: "LS1 6AE",
			more: `,"telecom":[{"system":"phone","value":"01632960587"},{"system":"email","value":"Jane.Smith@example.com"}],"generalPractitioner":[{"identifier":{"value":"Y12345"}}],"extension":[{"url":"https://x/Extension-UKCore-NominatedPharmacy","valueReference":{"identifier":{"value":"FA123"}}},{"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeathNotificationStatus"}]`,
			pds:  `{"history":{"name":[{"use":"usual","family":"Hume","given":["Casey"]}],"address":[{"postalCode":"DN18 5DW"}],"telecom":[{"system":"email","value":"old@example.com"}],"gender":["male"],"birthDate":["2001-01-01"]},"hidden":{"address":[{"postalCode":"ZE1 1AA"}],"name":[{"family":"Secret","given":["Name"]}]}}`},
		{number: jayne, names: named("usual", "Smyth", "Jayne"), birth: "2010-10-22", postcode: "LS1 6AF"},
		{number: merged, names: named("usual", "Cuffe", "Jane"), birth: "1926-01-07", postcode: "DN20 0PQ", pds: `{"supersededBy":"` + retained + `"}`},
		{number: retained, names: named("usual", "Cuff", "Jane"), birth: "1926-01-07", postcode: "DN20 0PR"},
		{number: hidden, names: named("usual", "Godsoe", "Rodney"), birth: "1936-02-24", gender: "male", postcode: "LS1 6AE", security: "R",
			more: `,"telecom":[{"system":"phone","value":"01632960999"}],"generalPractitioner":[{"identifier":{"value":"Y12345"}}],"contact":[{"id":"C"}]`},
		{number: gone, names: named("usual", "Smith", "Jane"), birth: "2010-10-22", postcode: "LS1 6AE", pds: `{"invalidated":true}`},
		{number: joseph, names: named("usual", "O'Brien-Attisón", "Joseph", "Toby James"), birth: "1960-07-14", gender: "male", postcode: "DN17 4AA",
			more: `,"deceasedDateTime":"2020-03-04T10:00:00+00:00"`},
		{number: anne, names: named("usual", "Poole", "Alan Michael", "Mark"), birth: "1941-10-24", gender: "male", postcode: "DN15 8JY"},
		{number: moved, names: named("usual", "Massam", "Martha", "Carol", "Zoe"), birth: "1920-08-11", postcode: "DN20 9BB",
			more: `,"managingOrganization":{"identifier":{"value":"X26"}}`},
		{number: noDate, names: named("usual", "Massam", "Martha"), birth: "1920-08", postcode: "DN20 9BB"},
	} {
		s.load(t, p.seed())
	}
	return s
}

func TestNumbersOfTheTown(t *testing.T) {
	for _, n := range []string{jane, jayne, merged, retained, hidden, gone, joseph, anne, moved, noDate} {
		if _, ok := fhir.ParseNumber(n); !ok {
			t.Errorf("%s is no NHS number", n)
		}
	}
}

// TestTrace is contract 1.6.1 and 1.6.3, line by line.
func TestTrace(t *testing.T) {
	s := town(t)
	for _, c := range []struct {
		says, query string
		found       []string
	}{
		{"family and birth date", "family=SMITH&birthdate=eq2010-10-22", []string{jane}},
		{"no prefix means eq", "family=smith&birthdate=2010-10-22", []string{jane}},
		{"another birth date", "family=smith&birthdate=2010-10-23", nil},
		{"a range includes its ends", "family=smith&birthdate=ge2010-10-22&birthdate=le2010-10-22", []string{jane}},
		{"an open range", "family=Massam&birthdate=ge1920-08-12", nil},
		{"all bounds hold", "family=Massam&birthdate=eq1920-08-11&birthdate=le1920-12-31", []string{moved}},
		{"a month has no day", "family=Massam&birthdate=1920-08-01", nil},
		{"a month sorts before its first day", "family=Massam&birthdate=ge1920-07-31&birthdate=le1920-08-10", []string{noDate}},
		{"nickname's given name", "family=smith&given=janie&birthdate=2010-10-22", []string{jane}},
		{"fewer given names than recorded", "family=smith&given=jane&birthdate=2010-10-22", []string{jane}},
		{"all given names", "family=smith&given=jane&given=ann&birthdate=2010-10-22", []string{jane}},
		{"a middle name is no first name", "family=smith&given=ann&birthdate=2010-10-22", nil},
		{"order of given names", "family=massam&given=martha&given=zoe&given=carol&birthdate=1920-08-11", nil},
		{"middle names may be left out", "family=massam&given=martha&given=zoe&birthdate=1920-08-11", []string{moved}},
		{"more given names than recorded", "family=smyth&given=jayne&given=x&birthdate=2010-10-22", nil},
		{"compound given name", "family=poole&given=alan michael&birthdate=1941-10-24", []string{anne}},
		{"compound given name is one string", "family=poole&given=alan&birthdate=1941-10-24", nil},
		{"wildcard at its start", "family=poole&given=Ala*&birthdate=1941-10-24", []string{anne}},
		{"wildcard within it", "family=poole&given=Mic*&birthdate=1941-10-24", nil},
		{"wildcard of the family name", "family=Sm*&birthdate=2010-10-22", []string{jane, jayne}},
		{"several wildcards", "family=Sm*t*&birthdate=ge2010-10-01", []string{jane, jayne}},
		{"wildcard in the middle", "family=Smy*h&birthdate=2010-10-22", []string{jayne}},
		{"wildcard of nothing", "family=Smith*&birthdate=2010-10-22", []string{jane}},
		{"wildcard that fits nobody", "family=Sm*x&birthdate=2010-10-22", nil},
		{"diacritics count", "family=O'Brien-Attison&birthdate=1960-07-14", nil},
		{"diacritics in capitals", "family=O'BRIEN-ATTISÓN&birthdate=1960-07-14", []string{joseph}},
		{"decomposed diacritics", "family=O'BRIEN-ATTISO\u0301N&birthdate=1960-07-14", []string{joseph}},
		{"gender", "family=smith&gender=female&birthdate=2010-10-22", []string{jane}},
		{"another gender", "family=smith&gender=male&birthdate=2010-10-22", nil},
		{"postcode without spaces", "family=smith&birthdate=2010-10-22&address-postalcode=ls16ae", []string{jane}},
		{"the old name of the parameter", "family=smith&birthdate=2010-10-22&address-postcode=LS1 6AE", []string{jane}},
		{"wrong postcode", "family=smith&birthdate=2010-10-22&address-postalcode=LS1 6AF", nil},
		{"postcode wildcard", "family=sm*&birthdate=2010-10-22&address-postalcode=LS1*", []string{jane, jayne}},
		{"practice, any case", "family=smith&birthdate=2010-10-22&general-practitioner=y12345", []string{jane}},
		{"wrong practice", "family=smith&birthdate=2010-10-22&general-practitioner=Y1234", nil},
		{"managing organisation", "family=massam&birthdate=1920-08-11&managing-organization=x26", []string{moved}},
		{"email, any case", "family=smith&birthdate=2010-10-22&email=JANE.smith@example.com", []string{jane}},
		{"wrong email", "family=smith&birthdate=2010-10-22&email=jane@example.com", nil},
		{"phone", "family=smith&birthdate=2010-10-22&phone=01632960587", []string{jane}},
		{"wrong phone", "family=smith&birthdate=2010-10-22&phone=01632960588", nil},
		{"death date", "family=O'Brien-Attisón&birthdate=1960-07-14&death-date=ge2020-01-01&death-date=le2020-12-31", []string{joseph}},
		{"wrong death date", "family=O'Brien-Attisón&birthdate=1960-07-14&death-date=2020-03-05", nil},
		{"death date of the living", "family=smith&birthdate=2010-10-22&death-date=ge2000-01-01", nil},
		{"harmless parameter", "family=smith&birthdate=2010-10-22&history=true", []string{jane}},

		{"old names need history", "family=jones&birthdate=2010-10-22", nil},
		{"old names with history", "family=jones&birthdate=2010-10-22&_history=true", []string{jane}},
		{"previous family name", "family=hume&birthdate=2010-10-22&_history=true", []string{jane}},
		{"previous name by wildcard", "family=hu*&birthdate=2010-10-22&_history=true", []string{jane}},
		{"previous given name", "family=smith&given=casey&birthdate=2010-10-22&_history=true", []string{jane}},
		{"previous gender", "family=smith&gender=male&birthdate=2010-10-22&_history=true", []string{jane}},
		{"previous postcode", "family=smith&birthdate=2010-10-22&address-postalcode=DN185DW&_history=true", []string{jane}},
		{"previous email", "family=smith&birthdate=2010-10-22&email=OLD@example.com&_history=true", []string{jane}},
		{"history is more, not less", "family=smith&birthdate=2010-10-22&phone=01632960587&_history=true", []string{jane}},
		{"never a previous birth date", "family=smith&birthdate=2001-01-01&_history=true", nil},
		{"never a hidden name", "family=secret&birthdate=2010-10-22&_history=true", nil},
		{"never a hidden postcode", "family=smith&birthdate=2010-10-22&address-postalcode=ZE11AA&_history=true", nil},

		{"superseded: the retained one", "family=cuffe&birthdate=1926-01-07", []string{retained}},
		{"restricted by name", "family=godsoe&birthdate=1936-02-24", []string{hidden}},
		{"restricted by phone", "family=godsoe&birthdate=1936-02-24&phone=01632960999", []string{hidden}},
		{"restricted never by postcode", "family=godsoe&birthdate=1936-02-24&address-postalcode=LS1 6AE", nil},
		{"restricted never by practice", "family=godsoe&birthdate=1936-02-24&general-practitioner=Y12345", nil},
		{"restricted never by fuzzy postcode", "_fuzzy-match=true&given=rodney&family=godsoe&birthdate=1936-02-24&address-postalcode=XX1 1XX", nil},

		{"fuzzy: homophones", "_fuzzy-match=true&family=Smythe&given=Jain&birthdate=2010-10-22", []string{jane, jayne}},
		{"fuzzy: transposed", "_fuzzy-match=true&family=jane&given=smith&birthdate=2010-10-22", []string{jane, jayne}},
		{"fuzzy: transposed, double-barrelled", "_fuzzy-match=true&family=Joseph&given=OBrien-Attison&birthdate=1960-07-14", []string{joseph}},
		{"fuzzy: nickname", "_fuzzy-match=true&family=OBrien Attison&given=Joe&birthdate=1960-07-14", []string{joseph}},
		{"fuzzy: initials", "_fuzzy-match=true&family=OBrien Attison&given=J T&birthdate=1960-07-14", []string{joseph}},
		{"fuzzy: middle names in given", "_fuzzy-match=true&family=OBrien Attison&given=Joseph Toby J&birthdate=1960-07-14", []string{joseph}},
		{"fuzzy: middle name only", "_fuzzy-match=true&family=OBrien Attison&given=Toby&birthdate=1960-07-14", []string{joseph}},
		{"fuzzy: another given name", "_fuzzy-match=true&family=OBrien Attison&given=Walter&birthdate=1960-07-14", nil},
		{"fuzzy: mistyped family name", "_fuzzy-match=true&family=Massma&given=Martha&birthdate=1920-08-11", []string{moved}},
		{"fuzzy: mistyped at its start", "_fuzzy-match=true&family=Gassam&given=Martha&birthdate=1920-08-11", []string{moved}},
		{"fuzzy: mistyped given name", "_fuzzy-match=true&family=Massam&given=Matrha&birthdate=1920-08-11", []string{moved}},
		{"fuzzy: wrong postcode", "_fuzzy-match=true&family=Massam&given=Martha&birthdate=1920-08-11&address-postalcode=nonsense", []string{moved}},
		{"fuzzy: wrong practice", "_fuzzy-match=true&family=Smith&given=Jane&birthdate=2010-10-22&general-practitioner=Z99999", []string{jane, jayne}},
		{"fuzzy: wrong death date", "_fuzzy-match=true&family=OBrien Attison&given=Joseph&birthdate=1960-07-14&death-date=1999-01-01", []string{joseph}},
		{"fuzzy: email is a filter", "_fuzzy-match=true&family=Smith&given=Jane&birthdate=2010-10-22&email=x@example.com", nil},
		{"fuzzy: wrong birth date", "_fuzzy-match=true&family=Massam&given=Martha&birthdate=1920-08-12", nil},
		{"fuzzy: previous birth date", "_fuzzy-match=true&family=Smith&given=Jane&birthdate=2001-01-01", nil},
		{"fuzzy: history always", "_fuzzy-match=true&family=Hulme&given=Casey&birthdate=2010-10-22", []string{jane}},
		{"fuzzy: hidden name", "_fuzzy-match=true&family=Secret&given=Name&birthdate=2010-10-22", nil},
		{"fuzzy: without given name", "_fuzzy-match=true&family=Smyth&gender=female&birthdate=2010-10-22&address-postalcode=LS16AE", []string{jane}},
		{"fuzzy: without family name", "_fuzzy-match=true&given=Jayne&gender=female&birthdate=2010-10-22&address-postalcode=LS16AE", []string{jane}},
		{"fuzzy: gender is a filter", "_fuzzy-match=true&given=Rodney&family=Godsoe&gender=female&birthdate=1936-02-24", nil},
		{"fuzzy over a range", "_fuzzy-match=true&family=Massam&given=Martha&birthdate=ge1920-01-01", []string{moved, noDate}},

		{"exact only", "_exact-match=true&family=Sm*&birthdate=2010-10-22", nil},
		{"exact and fuzzy", "_exact-match=true&_fuzzy-match=true&family=smith&given=jane&birthdate=2010-10-22", []string{jane}},
	} {
		t.Run(c.says, func(t *testing.T) {
			answer, err := s.trace(t, plus(c.query), access.HealthcareWorker)
			if err != nil {
				t.Fatal(diagnostics(err))
			}
			got := ids(answer.Body)
			slices.Sort(got)
			if !slices.Equal(got, c.found) {
				t.Errorf("found %v, want %v", got, c.found)
			}
		})
	}
}

// plus writes a query that is easy to read as a URL has it.
func plus(query string) string {
	values, rest := url.Values{}, ""
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		values.Add(name, value)
	}
	return values.Encode() + rest
}

func ids(bundle []byte) []string {
	var all []string
	for _, id := range gjson.GetBytes(bundle, "entry.#.resource.id").Array() {
		all = append(all, id.String())
	}
	return all
}

// TestRefusals is contract 1.6.2 and 1.4: what is refused, with which words, in which order.
func TestRefusals(t *testing.T) {
	const (
		minimum = "INVALID_SEARCH_DATA: Invalid search data provided - 'No searches were performed as the search criteria did not meet the minimum requirements'"
		fuzzy   = "INVALID_SEARCH_DATA: Invalid search data provided - 'A fuzzy search was requested however the data given did not meet the fuzzy search criteria'"
		noBirth = "MISSING_VALUE: Missing value - 'birth_date/birth_date_range_start/birth_date_range_end'"
	)
	s := town(t)
	for _, c := range []struct {
		query string
		mode  access.Mode
		want  string
	}{
		{"", "", "UNSUPPORTED_SERVICE: "},
		{"year=1&family=x", "", "ADDITIONAL_PROPERTIES: Invalid request with error - Additional properties are not allowed ('year' was unexpected)"},
		{"year=1&model=2&birthdate=x", "", "ADDITIONAL_PROPERTIES: Invalid request with error - Additional properties are not allowed ('model', 'year' were unexpected)"},
		{"family=x&birthdate=20101022", "", "INVALID_VALUE: Invalid value - '20101022' in field 'birthdate'"},
		{"family=x&birthdate=2010-02-30", "", "INVALID_VALUE: Invalid value - '2010-02-30' in field 'birthdate'"},
		{"family=x&birthdate=gt2010-02-03", "", "INVALID_VALUE: Invalid value - 'gt2010-02-03' in field 'birthdate'"},
		{"family=x&birthdate=eqge2010-02-03", "", "INVALID_VALUE: Invalid value - 'eqge2010-02-03' in field 'birthdate'"},
		{"family=x&birthdate=", "", "INVALID_VALUE: Invalid value - '' in field 'birthdate'"},
		{"family=x&death-date=20101022", "", "INVALID_VALUE: Invalid value - '20101022' in field 'death-date'"},
		{"family=x", "", noBirth},
		{"_fuzzy-match=true&family=x&given=y", "", fuzzy},
		{"birthdate=2010-10-22", "", minimum},
		{"birthdate=2010-10-22&gender=mal", "", minimum},
		{"birthdate=2010-10-22&family=", "", minimum},
		{"birthdate=2010-10-22&family=S*", "", minimum},
		{"birthdate=2010-10-22&family=*ith", "", minimum},
		{"birthdate=2010-10-22&family=Smith&address-postalcode=L*", "", minimum},
		{"birthdate=2010-10-22&family=x&gender=mal", "", "INVALID_VALUE: Invalid value - 'mal' in field 'gender'"},
		{"_fuzzy-match=true&birthdate=2010-10-22&family=Smith", "", fuzzy},
		{"_fuzzy-match=true&birthdate=2010-10-22&given=Smith&gender=male", "", fuzzy},
		{"_fuzzy-match=true&birthdate=2010-10-22&family=Smith&address-postalcode=LS16AE", "", fuzzy},
		{"_fuzzy-match=true&birthdate=2010-10-22&family=Smi*&given=Jane", "", fuzzy},
		{"_fuzzy-match=true&birthdate=2010-10-22&family=Smith&given=Ja*", "", fuzzy},
		{"birthdate=2010-10-22&family=Smith&address-postcode=LS1&address-postalcode=LS1", "", "INVALID_SEARCH_DATA: Invalid search data provided - 'address-postalcode and address-postcode cannot both be supplied'"},
		{"birthdate=2010-10-22&family=" + strings.Repeat("é", 36), "", "INVALID_VALUE: Invalid value - '" + strings.Repeat("é", 36) + "' in field 'family'"},
		{"birthdate=2010-10-22&family=Smith&_max-results=0", "", "INVALID_VALUE: Invalid value - '0' in field '_max-results'"},
		{"birthdate=2010-10-22&family=Smith&_max-results=51", "", "INVALID_VALUE: Invalid value - '51' in field '_max-results'"},
		{"birthdate=2010-10-22&family=Smith&_fuzzy-match=yes", "", "INVALID_VALUE: Invalid value - 'yes' in field '_fuzzy-match'"},
		{"birthdate=2010-10-22&family=a&family=b", "", "TOO_MANY_VALUES_SUBMITTED: Too many values submitted - ['a', 'b'] in field 'family'"},
		{"birthdate=2010-10-22&birthdate=2010-10-22&birthdate=2010-10-22&family=a", "", "TOO_MANY_VALUES_SUBMITTED: Too many values submitted - ['2010-10-22', '2010-10-22', '2010-10-22'] in field 'birthdate'"},
		{"", access.Patient, "ACCESS_DENIED: Your access token has insufficient permissions. See documentation regarding Patient access restrictions https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir"},
		{"birthdate=2010-10-22&family=Smith&_max-results=2", access.Application, "INVALID_VALUE: Your app has insufficient permissions to perform this search. Please contact support."},
		{"birthdate=ge2010-10-22&family=Sm*", access.Application, "TOO_MANY_MATCHES: "},
		{"birthdate=ge2010-10-22&family=Sm*", access.PrivilegedApplication, "TOO_MANY_MATCHES: "},
		{"birthdate=ge2010-10-22&family=Sm*&_max-results=1", "", "TOO_MANY_MATCHES: "},
	} {
		t.Run(c.query, func(t *testing.T) {
			answer, err := s.trace(t, plus(c.query)[boolToInt(c.query == ""):], cmp.Or(c.mode, access.HealthcareWorker))
			if err == nil {
				t.Fatalf("answered %s", answer.Body)
			}
			if got := diagnostics(err); got != c.want {
				t.Errorf("\ngot  %s\nwant %s", got, c.want)
			}
		})
	}
}

// boolToInt cuts the "=" of an empty query.
func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestApplicationResultsRefusal(t *testing.T) {
	_, err := town(t).trace(t, "birthdate=2010-10-22&family=Smith&_max-results=50", access.Application)
	issue, ok := err.(*fhir.Issue)
	if !ok || issue.Status != 403 || issue.Type != "token" ||
		issue.Coding.Display != "Cannot retrieve more than one result with application-restricted access token" {
		t.Errorf("got %+v", issue)
	}
	if _, err := town(t).trace(t, "birthdate=2010-10-22&family=Smith&_max-results=1", access.Application); err != nil {
		t.Error(diagnostics(err))
	}
}

// TestBundle is the shape of an answer (1.6.3): subset, restricted people, order, none.
func TestBundle(t *testing.T) {
	s := town(t)
	ask := func(query string, mode access.Mode) string {
		answer, err := s.trace(t, plus(query), mode)
		if err != nil {
			t.Fatal(diagnostics(err))
		}
		return string(answer.Body)
	}
	const byName = "family=Smith&birthdate=2010-10-22"
	if got, want := ask("family=Nobody&birthdate=2010-10-22", access.HealthcareWorker),
		`{"resourceType":"Bundle","type":"searchset","timestamp":"2025-06-01T12:00:00+00:00","total":0}`; got != want {
		t.Errorf("nobody: %s", got)
	}
	found := ask(byName, access.HealthcareWorker)
	for path, want := range map[string]string{
		"total": "1", "entry.0.search.score": "1", "entry.0.resource.address.#": "1", "entry.0.resource.name.#": "2",
		"entry.0.resource.extension.#": "1", "entry.0.resource.generalPractitioner.#": "1", "entry.0.resource.telecom.#": "2",
		"entry.0.fullUrl": "https://api.service.nhs.uk/personal-demographics/FHIR/R4/Patient/" + jane,
	} {
		if got := gjson.Get(found, path).String(); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	for _, gone := range []string{"FA123", "Hume", "Secret", "Jones", `"mode"`, `"link"`} {
		if strings.Contains(found, gone) {
			t.Errorf("%s is in %s", gone, found)
		}
	}
	privileged := ask(byName, access.PrivilegedApplication)
	if strings.Contains(privileged, `"address"`) || strings.Contains(privileged, "Y12345") || !strings.Contains(privileged, `"telecom"`) {
		t.Errorf("privileged: %s", privileged)
	}
	secret := ask("family=Godsoe&birthdate=1936-02-24", access.PrivilegedApplication) + ask("family=Godsoe&birthdate=1936-02-24", access.HealthcareWorker)
	for _, gone := range []string{"address", "telecom", "contact", "generalPractitioner"} {
		if strings.Contains(secret, gone) {
			t.Errorf("restricted: %s in %s", gone, secret)
		}
	}
}

// TestOrder: best first, then by number; a person who is hit twice counts once.
func TestOrder(t *testing.T) {
	s := town(t)
	answer, err := s.trace(t, plus("_fuzzy-match=true&family=Smyth&given=Jane&birthdate=2010-10-22"), access.HealthcareWorker)
	if err != nil {
		t.Fatal(diagnostics(err))
	}
	if got := ids(answer.Body); !slices.Equal(got, []string{jayne, jane}) && !slices.Equal(got, []string{jane, jayne}) {
		t.Fatalf("found %v", got)
	}
	scores := gjson.GetBytes(answer.Body, "entry.#.search.score").Array()
	if scores[0].Float() < scores[1].Float() {
		t.Errorf("scores rise: %v", scores)
	}
	answer, err = s.trace(t, plus("_fuzzy-match=true&family=Cuff&given=Jane&birthdate=1926-01-07"), access.HealthcareWorker)
	if err != nil || gjson.GetBytes(answer.Body, "total").Int() != 1 || gjson.GetBytes(answer.Body, "entry.0.search.score").Raw != "1" {
		t.Errorf("merged and retained: %s %v", answer.Body, err)
	}
}

// TestRetainedRestricted: a merged record that is open must not give away that the
// retained one, which is restricted, lives where was asked.
func TestRetainedRestricted(t *testing.T) {
	s := newShelf()
	s.load(t, resident{number: merged, names: named("usual", "Cuffe", "Jane"), birth: "1926-01-07", postcode: "DN20 0PQ", pds: `{"supersededBy":"` + retained + `"}`}.seed(),
		resident{number: retained, names: named("usual", "Cuff", "Jane"), birth: "1926-01-07", postcode: "DN20 0PQ", security: "R"}.seed())
	for query, want := range map[string]int{
		"family=Cuffe&birthdate=1926-01-07": 1, "family=Cuffe&birthdate=1926-01-07&address-postalcode=DN200PQ": 0,
	} {
		answer, err := s.trace(t, plus(query), access.HealthcareWorker)
		if err != nil || len(ids(answer.Body)) != want {
			t.Errorf("%s: %s %v", query, answer.Body, err)
		}
	}
}

// TestScores holds the score to the samples of contract 1.6.3 and to its own promises.
func TestScores(t *testing.T) {
	s := newShelf()
	for _, p := range []resident{
		{number: jane, names: named("usual", "MED", "Rowena"), birth: "1999-09-09", postcode: "DN17 4AA"},
		{number: jayne, names: named("usual", "Smith", "Sam", "Matt"), birth: "2000-05-05", postcode: "DN17 4AA"},
		{number: joseph, names: named("usual", "attisón", "Pauline"), birth: "1960-07-14", postcode: "DN19 7DX"},
		{number: anne, names: named("usual", "attison", "Pauline", "Mary"), birth: "1960-07-14", postcode: "DN16 2HB"},
	} {
		s.load(t, p.seed())
	}
	score := func(number, query string) float64 {
		answer, err := s.trace(t, plus(query), access.HealthcareWorker)
		if err != nil {
			t.Fatal(diagnostics(err))
		}
		found := gjson.GetBytes(answer.Body, `entry.#(resource.id=="`+number+`").search.score`)
		if !found.Exists() {
			t.Fatalf("%s not found by %s", number, query)
		}
		return found.Float()
	}
	for _, c := range []struct {
		number, query string
		want, within  float64
	}{
		{jane, "family=Me*&given=Rowena&gender=female&birthdate=1999-09-09", 0.9259, 0.01},
		{jayne, "family=Sm*&gender=female&birthdate=2000-05-05", 0.8343, 0.01},
		{jayne, "family=Smith&gender=female&birthdate=2000-05-05&address-postalcode=DN17*", 0.965, 0.01},
		{joseph, "_fuzzy-match=true&family=ATTSÖN&given=PÀULINÉ&birthdate=1960-07-14", 0.9317, 0.03},
		{anne, "_fuzzy-match=true&family=ATTSÖN&given=PÀULINÉ&birthdate=1960-07-14", 0.9077, 0.03},
		{jayne, "family=SMITH&given=SAM&birthdate=2000-05-05", 1, 0},
		{jayne, "family=Smith&birthdate=ge2000-01-01&birthdate=le2000-12-31", 1, 0},
		{jayne, "_fuzzy-match=true&family=Smith&given=Sam&birthdate=2000-05-05", 1, 0},
	} {
		if got := score(c.number, c.query); math.Abs(got-c.want) > c.within {
			t.Errorf("%s: %v, want about %v", c.query, got, c.want)
		}
	}
	const base = "_fuzzy-match=true&birthdate=2000-05-05&"
	falling := []string{
		base + "family=Smith&given=Sam", base + "family=Smíth&given=Sam", base + "family=Smyth&given=Sam",
		base + "family=Smyth&given=Samuel", base + "family=Smyth&given=Samuel&general-practitioner=X1", base + "family=Smyth&given=S&general-practitioner=X1&address-postalcode=XX11XX",
	}
	for i := 1; i < len(falling); i++ {
		if before, now := score(jayne, falling[i-1]), score(jayne, falling[i]); now >= before {
			t.Errorf("%s scores %v, not under %v", falling[i], now, before)
		}
	}
}

func TestSearchLimit(t *testing.T) {
	values := url.Values{"family": {"x"}, "birthdate": {"2000-01-01"}, "_max-results": {"7"}}
	search, err := demographics.ParseSearch(values, access.Caller{Mode: access.HealthcareWorker})
	if err != nil || search.Limit() != 7 || search.Query().Limit != 7 {
		t.Errorf("limit %d, %v", search.Limit(), err)
	}
}
