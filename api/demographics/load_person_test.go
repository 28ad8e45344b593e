package demographics_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
	"pgregory.net/rapid"

	"vertebra/api/access"
	"vertebra/api/demographics"
	"vertebra/api/fhir"
	"vertebra/bench/people"
	"vertebra/index"
	"vertebra/storage/record"
)

func patientKey(number string) record.Key {
	return record.Key{Subject: record.Subject(number), Table: record.Demographics}
}

func registerKey(number string) record.Key {
	return record.Key{Subject: record.Subject(number), Table: record.Register}
}

// TestLoad: a new person keeps the version it came with; a replaced one gets the next,
// whatever it came with; what stood beside goes when it is not there any more; one who
// is stored just so is left alone.
func TestLoad(t *testing.T) {
	s := newShelf()
	with := resident{number: jane, names: named("usual", "Smith", "Jane"), birth: "2010-10-22", pds: `{"history":{"gender":["male"]}}`}
	without, withdrawn := with, with
	without.pds, withdrawn.pds = "", `{"invalidated":true}`
	for i, c := range []struct {
		line             string
		status           int
		version, history uint64
	}{
		{with.seed(), 201, 3, 3}, {with.seed(), 200, 3, 3}, {without.seed(), 200, 4, 0}, {without.seed(), 200, 4, 0},
		{with.seed(), 200, 5, 5}, {with.seed(), 200, 5, 5}, {withdrawn.seed(), 200, 6, 0}, {withdrawn.seed(), 200, 6, 0},
	} {
		seed, err := demographics.ParseSeed([]byte(c.line))
		if err != nil {
			t.Fatal(diagnostics(err))
		}
		d, err := demographics.Load(s, seed)
		if err != nil || !s.apply(d.Mutation) {
			t.Fatal(err)
		}
		rec := s.records[patientKey(jane)]
		if d.Answer.Status != c.status || d.Answer.Version != c.version || rec.Version != c.version || s.records[registerKey(jane)].Version != c.history {
			t.Errorf("load %d: status %d, version %d, register %d", i, d.Answer.Status, rec.Version, s.records[registerKey(jane)].Version)
		}
		if got := gjson.GetBytes(rec.Body, "meta.versionId").Uint(); got != c.version {
			t.Errorf("load %d: versionId %d", i, got)
		}
	}
	first, _ := demographics.ParseSeed([]byte(with.seed()))
	stale, err := demographics.Load(newShelf(), first)
	if err != nil || s.apply(stale.Mutation) {
		t.Error("a load decided on an older state was applied")
	}
}

// TestLoadAsItIs: a stored record comes back as it was seeded, version included.
func TestLoadAsItIs(t *testing.T) {
	s := newShelf()
	const body = `{"resourceType":"Patient","meta":{"versionId":"58"},"id":"9990000018","unknownMember":[1.50,null,"\u00e9"]}`
	s.load(t, body)
	answer, err := demographics.Read(s, access.Caller{Mode: access.HealthcareWorker}, jane)
	want := strings.Replace(body, `\u00e9`, "é", 1)
	if err != nil || answer.Version != 58 || string(answer.Body) != want {
		t.Errorf("version %d %s, want %s: %v", answer.Version, answer.Body, want, err)
	}
	s.load(t, `{"resourceType":"Patient","id":"9990000026","address":[{"use":"home","line":["1 High Street","","","Leeds",""]},{"use":"temp","line":["",""]}]}`)
	if rec := s.records[patientKey(jayne)]; !bytes.Contains(rec.Body, []byte(`"address":[{"use":"home","line":["1 High Street","Leeds"]},{"use":"temp"}]`)) {
		t.Errorf("blank address lines stay: %s", rec.Body)
	}
	s.load(t, `{"resourceType":"Patient","id":"9990000026"}`)
	if rec := s.records[patientKey(jayne)]; rec.Version != 2 || !bytes.Contains(rec.Body, []byte(`"meta":{"versionId":"2"}`)) {
		t.Errorf("without a version: %s", rec.Body)
	}
}

func TestLoadStates(t *testing.T) {
	s := town(t)
	worker := access.Caller{Mode: access.HealthcareWorker}
	if _, err := demographics.Read(s, worker, gone); diagnostics(err) != "INVALIDATED_RESOURCE: " {
		t.Errorf("withdrawn: %s", diagnostics(err))
	}
	if _, err := demographics.Read(s, worker, merged); err == nil || err.(*demographics.SupersededError).By != retained {
		t.Errorf("merged: %v", err)
	}
	s.load(t, resident{number: gone, names: named("usual", "X"), birth: "2000-01-01", pds: `{"invalidated":true,"supersededBy":"` + retained + `"}`}.seed())
	if _, err := demographics.Read(s, worker, gone); err == nil || err.(*demographics.SupersededError).By != retained {
		t.Errorf("withdrawn and merged: %v", err)
	}
}

// TestSeedRefusals: every refusal names the field.
func TestSeedRefusals(t *testing.T) {
	wrap := func(resource, pds string) string {
		return `{"resource":{"resourceType":"Patient","id":"9990000018"` + resource + `},"pds":` + pds + `}`
	}
	for _, c := range []struct{ line, want string }{
		{`{`, "INVALID_VALUE: Invalid value - "},
		{`{"id":"9990000018"}`, "MISSING_VALUE: Missing value - 'resourceType'"},
		{`{"resourceType":"Patient"}`, "MISSING_VALUE: Missing value - 'id'"},
		{`{"resourceType":"Person","id":"9990000018"}`, "INVALID_VALUE: Invalid value - 'Person' in field 'resourceType'"},
		{`"9990000019"`, "MISSING_VALUE: Missing value - 'resourceType'"},
		{`{"resourceType":"Patient","id":"9990000019"}`, "INVALID_VALUE: Invalid value - '9990000019' in field 'id'"},
		{`{"resourceType":"Patient","id":"9990000018","id":"9990000026"}`, "INVALID_VALUE: Invalid value - "},
		{wrap(`,"identifier":[{"value":"9990000026"}]`, "null"), "INVALID_VALUE: Invalid value - '9990000026' in field 'resource/identifier/0/value'"},
		{wrap(`,"meta":{"versionId":"0"}`, "null"), "INVALID_VALUE: Invalid value - '0' in field 'resource/meta/versionId'"},
		{wrap(`,"meta":{"versionId":2}`, "null"), "INVALID_VALUE: Invalid value - '2' in field 'resource/meta/versionId'"},
		{wrap(`,"meta":{"security":[{"code":"X"}]}`, "null"), "INVALID_VALUE: Invalid value - 'X' in field 'resource/meta/security/0/code'"},
		{wrap(`,"birthDate":"01/02/2003"`, "null"), "INVALID_VALUE: Invalid value - '01/02/2003' in field 'resource/birthDate'"},
		{wrap(`,"gender":"m"`, "null"), "INVALID_VALUE: Invalid value - 'm' in field 'resource/gender'"},
		{wrap(`,"name":{}`, "null"), "INVALID_VALUE: Invalid value - '{}' in field 'resource/name'"},
		{wrap(`,"name":["x"]`, "null"), "INVALID_VALUE: Invalid value - 'x' in field 'resource/name/0'"},
		{wrap(``, `{"supersededby":"9990000026"}`), "ADDITIONAL_PROPERTIES: Invalid request with error - Additional properties are not allowed ('supersededby' was unexpected)"},
		{wrap(``, `{"supersededBy":"9990000018"}`), "INVALID_VALUE: Invalid value - '9990000018' in field 'pds/supersededBy'"},
		{wrap(``, `{"supersededBy":"1"}`), "INVALID_VALUE: Invalid value - '1' in field 'pds/supersededBy'"},
		{wrap(``, `{"invalidated":"yes"}`), "INVALID_VALUE: Invalid value - 'yes' in field 'pds/invalidated'"},
		{wrap(``, `{"history":{"name":["x"]}}`), "INVALID_VALUE: Invalid value - 'x' in field 'pds/history/name/0'"},
		{wrap(``, `{"hidden":{"gender":[1]}}`), "INVALID_VALUE: Invalid value - '1' in field 'pds/hidden/gender/0'"},
		{wrap(``, `{"hidden":{"city":[]}}`), "ADDITIONAL_PROPERTIES: Invalid request with error - Additional properties are not allowed ('city' was unexpected)"},
		{`{"resourceType":"Patient","id":"9990000018","x":"` + strings.Repeat("x", demographics.MaxSeedBytes) + `"}`, "INVALID_VALUE: Invalid value - the person is over 262144 bytes"},
	} {
		_, err := demographics.ParseSeed([]byte(c.line))
		if got := diagnostics(err); !strings.HasPrefix(got, c.want) || strings.HasSuffix(c.want, "'") && got != c.want {
			t.Errorf("\ngot  %.300s\nwant %s", got, c.want)
		}
	}
}

func TestSeedNumber(t *testing.T) {
	for line, want := range map[string]bool{`"9990000018"`: true, ` "9990000018" `: true, `"9990000019"`: false, `{"id":"9990000018"}`: false, `9990000018`: false} {
		if n, ok := demographics.SeedNumber([]byte(line)); ok != want || ok && n != jane {
			t.Errorf("%s: %v", line, ok)
		}
	}
}

func TestLoadRelatedPersons(t *testing.T) {
	s := town(t)
	load := func(resources ...string) {
		var all [][]byte
		for _, r := range resources {
			all = append(all, []byte(r))
		}
		d, err := demographics.LoadRelatedPersons(s, jane, all)
		if err != nil || !s.apply(d.Mutation) {
			t.Fatal(diagnostics(err))
		}
	}
	total := func() string {
		answer, err := demographics.RelatedPersons(s, access.Caller{Mode: access.HealthcareWorker}, jane, noon())
		if err != nil {
			t.Fatal(err)
		}
		return gjson.GetBytes(answer.Body, "entry.#.resource.id").Raw
	}
	load(`{"resourceType":"RelatedPerson","id":"A1"}`, `{"resourceType":"RelatedPerson","id":"B2"}`)
	if got := total(); got != `["A1","B2"]` {
		t.Error(got)
	}
	load(`{"resourceType":"RelatedPerson","id":"B2"}`, `{"resourceType":"RelatedPerson","id":"C3"}`)
	if got := total(); got != `["B2","C3"]` {
		t.Error(got)
	}
	if _, err := demographics.LoadRelatedPersons(s, jane, [][]byte{[]byte(`{"resourceType":"RelatedPerson"}`)}); diagnostics(err) != "MISSING_VALUE: Missing value - '0/id'" {
		t.Error(diagnostics(err))
	}
}

// TestRegister: what an update replaces can be found with history, and no other way.
func TestRegister(t *testing.T) {
	r := demographics.Register{History: demographics.Values{Gender: []string{"male"}}}
	b, err := r.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	back, err := demographics.DecodeRegister(b)
	if err != nil || back.IsZero() || back.History.Gender[0] != "male" {
		t.Errorf("%s: %v", b, err)
	}
	if empty, err := demographics.DecodeRegister(nil); err != nil || !empty.IsZero() {
		t.Error("no bytes are no empty register")
	}
	if _, err := demographics.DecodeRegister([]byte("{")); err == nil {
		t.Error("half a register was read")
	}
}

// TestLoadIsFound: whoever is loaded is found by own name and birth date, and by nothing
// that is beside the record without being history.
func TestLoadIsFound(t *testing.T) {
	g := people.New(31)
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(0, 1_000_000).Draw(t, "i")
		p := g.Person(i)
		seed, err := demographics.ParseSeed(p.AppendLine(nil))
		if err != nil {
			t.Fatal(diagnostics(err))
		}
		d, err := demographics.Load(newShelf(), seed)
		if err != nil {
			t.Fatal(err)
		}
		document := index.Document(d.Mutation.Writes[0].Document)
		if document.Check() != nil || len(document) > 600 {
			t.Fatalf("a document of %d bytes", len(document))
		}
		if withdrawn := strings.Contains(string(p.PDS), "invalidated"); withdrawn != (len(document) == 0) {
			t.Fatalf("withdrawn %v, %d bytes", withdrawn, len(document))
		}
	})
}

// FuzzLoadLine: whatever a line holds gives a person that can be stored, read and
// searched, or an issue; never half of a person.
func FuzzLoadLine(f *testing.F) {
	g := people.New(41)
	for i := range 12 {
		f.Add(g.Person(i).AppendLine(nil))
	}
	f.Add([]byte(`"9990000018"`))
	f.Add([]byte(`{"resource":{"resourceType":"Patient","id":"9990000018","name":[{"use":"usual","given":["",null,1]}],"address":[{"postalCode":" "}]},"pds":{"history":{"name":[{}],"address":[{"postalCode":1}]}}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		seed, err := demographics.ParseSeed(line)
		if err != nil {
			if _, ok := err.(*fhir.Issue); !ok {
				t.Fatal(err)
			}
			return
		}
		s := newShelf()
		d, err := demographics.Load(s, seed)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range d.Mutation.Writes {
			if w.Key.Subject != seed.Subject() {
				t.Fatal("a write about somebody else")
			}
			if err := index.Document(w.Document).Check(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := fhir.ParseJSON(d.Mutation.Writes[0].Body); err != nil || !s.apply(d.Mutation) {
			t.Fatalf("stored what cannot be read: %v", err)
		}
		again, err := demographics.ParseSeed(d.Mutation.Writes[0].Body)
		if err != nil {
			t.Fatalf("what was stored cannot be loaded: %s", diagnostics(err))
		}
		if d, err := demographics.Load(s, again); err != nil || !s.apply(d.Mutation) || d.Answer.Status != 200 {
			t.Fatalf("loaded again: %v", err)
		}
	})
}
