package demographics

import (
	"bytes"
	"strconv"

	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// Load decides create-or-replace of one person by NHS number: 201 for a new one,
// which keeps the version that it came with (1 without), 200 for a replaced one,
// whose version is the old one plus one. It takes no claim and looks for no
// duplicate: what is loaded has its number already. A person who is stored just so
// already is answered 200 with the version that is stored, and nothing is written:
// a load may be started again.
//
// Patient and register are one mutation: a person is loaded wholly or not at all.
func Load(r Reader, s Seed) (Decision, error) {
	patient := record.Key{Subject: s.Subject(), Table: record.Demographics}
	register := record.Key{Subject: s.Subject(), Table: record.Register}
	old, found, err := r.Get(patient)
	if err != nil {
		return Decision{}, err
	}
	oldRegister, registered, err := r.Get(register)
	if err != nil {
		return Decision{}, err
	}
	p := Person{
		Number: s.number, Version: max(s.version, 1), Register: s.register,
		RegisterStored: registered, Status: s.status,
	}
	status := 201
	if found {
		status, p.Version = 200, old.Version
		p.Body = s.body(p.Version)
		if same, err := p.stored(old, oldRegister); same || err != nil {
			return Decision{Answer: fhir.Answer{Status: status, Version: p.Version, Body: p.Body}}, err
		}
		p.Version++
	}
	p.Body = s.body(p.Version)
	writes, err := PersonWrites(p)
	if err != nil {
		return Decision{}, err
	}
	return Decision{
		Mutation: record.Mutation{
			Subject: s.Subject(),
			Reads:   []record.Read{{Key: patient, Version: old.Version}, {Key: register, Version: oldRegister.Version}},
			Writes:  writes,
		},
		Answer: fhir.Answer{Status: status, Version: p.Version, Body: p.Body},
	}, nil
}

// stored reports whether writing the person would change nothing. The bodies are
// compared first, which nearly always settles it for less than making the writes.
func (p Person) stored(patient, register record.Record) (bool, error) {
	if !bytes.Equal(p.Body, patient.Body) {
		return false, nil
	}
	writes, err := PersonWrites(p)
	if err != nil {
		return false, err
	}
	kept := map[record.Table]record.Record{record.Demographics: patient, record.Register: register}
	for _, w := range writes {
		if !bytes.Equal(w.Body, kept[w.Key.Table].Body) || !bytes.Equal(w.Attributes, kept[w.Key.Table].Attributes) {
			return false, nil
		}
	}
	return true, nil
}

// body is the Patient with meta.versionId in accord with its version. The seed is
// shared by the attempts of one load, so the change is made on copies.
func (s Seed) body(version uint64) []byte {
	if s.version == version {
		return s.patient.JSON()
	}
	meta := s.patient.Get("meta").Clone()
	if !isObject(meta) {
		meta = fhir.NewObject()
	}
	meta.Set("versionId", fhir.NewString(strconv.FormatUint(version, 10)))
	patient := *s.patient
	patient.Properties = append([]fhir.Property(nil), s.patient.Properties...)
	patient.Set("meta", meta)
	return patient.JSON()
}

// LoadRelatedPersons decides that a person's related people are these RelatedPerson
// resources and no others. Each is found by its id; the error names the one at fault.
func LoadRelatedPersons(r Reader, number fhir.Number, resources [][]byte) (Decision, error) {
	subject := record.Subject(number)
	m := record.Mutation{Subject: subject}
	keep := map[string]bool{}
	for i, body := range resources {
		v, err := fhir.ParseJSON(body)
		path := strconv.Itoa(i)
		if err != nil {
			return Decision{}, NewIssue(CodeInvalidValue, "Invalid value - "+err.Error()+" in field '"+path+"'")
		}
		id := v.Get("id").Str()
		if id == "" || len(id) > maxListItems*4 || keep[id] {
			return Decision{}, seedFault(v.Get("id"), path+"/id")
		}
		keep[id] = true
		if err := writeRelated(r, &m, record.Key{Subject: subject, Table: record.RelatedPersons, Rest: id}, v.JSON()); err != nil {
			return Decision{}, err
		}
	}
	for rec, err := range r.Scan(subject, record.RelatedPersons) {
		if err != nil {
			return Decision{}, err
		}
		if !keep[rec.Key.Rest] {
			m.Reads = append(m.Reads, record.Read{Key: rec.Key, Version: rec.Version})
			m.Writes = append(m.Writes, record.Write{Key: rec.Key})
		}
	}
	return Decision{Mutation: m, Answer: fhir.Answer{Status: 200}}, nil
}

func writeRelated(r Reader, m *record.Mutation, key record.Key, body []byte) error {
	old, _, err := r.Get(key)
	if err != nil {
		return err
	}
	m.Reads = append(m.Reads, record.Read{Key: key, Version: old.Version})
	m.Writes = append(m.Writes, record.Write{Key: key, Version: old.Version + 1, KeepHistory: true, Body: body})
	return nil
}
