package demographics

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// MaxSeedBytes bounds one person of a load.
const MaxSeedBytes = 256 << 10

// maxSeedItems bounds each list of a loaded Patient.
const maxSeedItems = MaxFormer

// Seed is a person to load, checked: a stored record as it is to be.
type Seed struct {
	number  fhir.Number
	patient *fhir.Value
	// version is meta.versionId; 0 when it has none.
	version  uint64
	register Register
	status   Status
}

// Subject is whom the seed is about.
func (s Seed) Subject() record.Subject { return record.Subject(s.number) }

// SeedNumber returns the NHS number that a seed consists of, when it is a bare
// number (a JSON string): the caller makes up a person for it. ok is false for any
// other seed; a string that is no NHS number is left to ParseSeed to refuse.
func SeedNumber(line []byte) (n fhir.Number, ok bool) {
	var text string
	if json.Unmarshal(line, &text) != nil {
		return "", false
	}
	return fhir.ParseNumber(text)
}

// ParseSeed reads one person: a Patient, or the sandbox's form {resource, pds}.
// The error is an *fhir.Issue that names the field at fault. Nothing more is asked
// of a Patient than that it can be stored, found and answered with: what is loaded
// comes from systems that kept it for decades, and a quarter of it breaks a rule
// that binds new data.
func ParseSeed(line []byte) (Seed, error) {
	if len(line) > MaxSeedBytes {
		return Seed{}, NewIssue(CodeInvalidValue, "Invalid value - the person is over "+strconv.Itoa(MaxSeedBytes)+" bytes")
	}
	v, err := fhir.ParseJSON(line)
	if err != nil {
		return Seed{}, NewIssue(CodeInvalidValue, "Invalid value - "+err.Error())
	}
	s, path := Seed{patient: v}, ""
	if resource := v.Get("resource"); resource != nil {
		s.patient, path = resource, "resource/"
		if err := s.readBeside(v); err != nil {
			return Seed{}, err
		}
	}
	return s, s.readPatient(path)
}

// readPatient checks the Patient itself.
func (s *Seed) readPatient(at string) error {
	p := s.patient
	if p.Get("resourceType").Str() != "Patient" {
		return seedFault(p.Get("resourceType"), at+"resourceType")
	}
	number, ok := fhir.ParseNumber(p.Get("id").Str())
	if !ok {
		return seedFault(p.Get("id"), at+"id")
	}
	s.number = number
	if v := p.Get("identifier").At(0).Get("value"); v != nil && v.Str() != string(number) {
		return seedFault(v, at+"identifier/0/value")
	}
	if s.status.State == Superseded && s.status.By == number {
		return InvalidValue(string(number), "pds/supersededBy")
	}
	if err := s.readVersion(at); err != nil {
		return err
	}
	if err := s.checkSimple(at); err != nil {
		return err
	}
	if err := s.checkLists(at); err != nil {
		return err
	}
	s.dropBlankLines()
	return nil
}

// dropBlankLines leaves out the address lines that say nothing (contract 1.8).
// They go on the way in, as they do in POST and PATCH: what is stored is what is
// answered, and a read decodes nothing.
func (s *Seed) dropBlankLines() {
	for _, address := range s.patient.Get("address").List() {
		if lines := address.Get("line"); isArray(lines) {
			lines.Items = slices.DeleteFunc(lines.Items, func(line *fhir.Value) bool { return line.Str() == "" && line.Kind == fhir.KindString })
			if len(lines.Items) == 0 {
				address.Delete("line")
			}
		}
	}
}

// seedFault says that a value is missing, or which value cannot be.
func seedFault(v *fhir.Value, path string) error {
	if v == nil {
		return MissingValue(path)
	}
	return InvalidValue(valueText(v), path)
}

func (s *Seed) readVersion(at string) error {
	v := s.patient.Get("meta").Get("versionId")
	if v == nil {
		return nil
	}
	n, err := strconv.ParseUint(v.Str(), 10, 64)
	if err != nil || n == 0 || n > math.MaxInt64 {
		return seedFault(v, at+"meta/versionId")
	}
	s.version = n
	return nil
}

// checkSimple checks the members that are found by or compared and are not lists.
func (s *Seed) checkSimple(at string) error {
	p := s.patient
	for _, m := range []struct {
		name string
		ok   func(string) bool
	}{
		{"birthDate", func(t string) bool { _, ok := fhir.ParseDate(t); return ok }},
		{"deceasedDateTime", func(t string) bool { _, ok := fhir.ParseDateTime(t); return ok }},
		{"gender", isGender},
	} {
		if v := p.Get(m.name); v != nil && !m.ok(v.Str()) {
			return seedFault(v, at+m.name)
		}
	}
	switch v := p.Get("meta").Get("security").At(0).Get("code"); v.Str() {
	case "U", "R", "V":
		return nil
	default:
		if v == nil {
			return nil
		}
		return seedFault(v, at+"meta/security/0/code")
	}
}

func isGender(text string) bool {
	switch text {
	case "male", "female", "other", "unknown":
		return true
	}
	return false
}

// checkLists checks that what the contract says is a list of objects is one.
func (s *Seed) checkLists(at string) error {
	for _, name := range []string{"identifier", "name", "address", "telecom", "contact", "generalPractitioner", "extension"} {
		if v := s.patient.Get(name); v != nil {
			if err := checkObjects(v, at+name); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkObjects(list *fhir.Value, path string) error {
	if !isArray(list) {
		return seedFault(list, path)
	}
	if len(list.Items) > maxSeedItems {
		return TooManyValues(tooLong, path)
	}
	for i, item := range list.Items {
		if !isObject(item) {
			return seedFault(item, path+"/"+strconv.Itoa(i))
		}
	}
	return nil
}

// readBeside reads what stands beside the Patient: pds, and nothing else, so that a
// misspelt member is not a lost one.
func (s *Seed) readBeside(v *fhir.Value) error {
	if err := onlyMembers(v, "resource", "pds"); err != nil {
		return err
	}
	pds := v.Get("pds")
	if absent(pds) {
		return nil
	}
	if !isObject(pds) {
		return seedFault(pds, "pds")
	}
	if err := onlyMembers(pds, "history", "hidden", "supersededBy", "invalidated"); err != nil {
		return err
	}
	if err := s.readStatus(pds); err != nil {
		return err
	}
	var err error
	if s.register.History, err = readValues(pds.Get("history"), "pds/history"); err != nil {
		return err
	}
	s.register.Hidden, err = readValues(pds.Get("hidden"), "pds/hidden")
	return err
}

func onlyMembers(v *fhir.Value, names ...string) error {
next:
	for _, p := range v.Properties {
		for _, name := range names {
			if p.Name == name {
				continue next
			}
		}
		return AdditionalProperties(shortened(p.Name))
	}
	return nil
}

// readStatus: a number that is superseded is so, whether or not it was also marked
// invalid (contract 1.5).
func (s *Seed) readStatus(pds *fhir.Value) error {
	switch v := pds.Get("invalidated"); {
	case absent(v):
	case v.Kind != fhir.KindBool:
		return seedFault(v, "pds/invalidated")
	case v.Text == "true":
		s.status = Status{State: Invalidated}
	}
	by := pds.Get("supersededBy")
	if absent(by) {
		return nil
	}
	number, ok := fhir.ParseNumber(by.Str())
	if !ok {
		return seedFault(by, "pds/supersededBy")
	}
	s.status = Status{State: Superseded, By: number}
	return nil
}

func readValues(v *fhir.Value, path string) (Values, error) {
	var out Values
	if absent(v) {
		return out, nil
	}
	if !isObject(v) {
		return out, seedFault(v, path)
	}
	if err := onlyMembers(v, "name", "address", "telecom", "gender", "birthDate"); err != nil {
		return out, err
	}
	var err error
	read := func(name string, into *[]json.RawMessage) {
		if err == nil {
			*into, err = readObjects(v.Get(name), path+"/"+name)
		}
	}
	read("name", &out.Name)
	read("address", &out.Address)
	read("telecom", &out.Telecom)
	if err == nil {
		out.Gender, err = readTexts(v.Get("gender"), path+"/gender")
	}
	if err == nil {
		out.BirthDate, err = readTexts(v.Get("birthDate"), path+"/birthDate")
	}
	return out, err
}

func readObjects(list *fhir.Value, path string) ([]json.RawMessage, error) {
	if absent(list) {
		return nil, nil
	}
	if err := checkObjects(list, path); err != nil {
		return nil, err
	}
	out := make([]json.RawMessage, len(list.Items))
	for i, item := range list.Items {
		out[i] = item.JSON()
	}
	return out, nil
}

func readTexts(list *fhir.Value, path string) ([]string, error) {
	if absent(list) {
		return nil, nil
	}
	if !isArray(list) || len(list.Items) > maxSeedItems {
		return nil, seedFault(list, path)
	}
	var out []string
	for i, item := range list.Items {
		if !isString(item) {
			return nil, seedFault(item, path+"/"+strconv.Itoa(i))
		}
		out = append(out, item.Text)
	}
	return out, nil
}
