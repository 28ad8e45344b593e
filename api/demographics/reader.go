package demographics

import (
	"iter"

	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// Reader is what a rule reads: one shard as it is at one position. Bytes of the
// records are not changed and live as long as the Reader does.
type Reader interface {
	// Get returns the newest version of a record; false when there is none.
	Get(record.Key) (record.Record, bool, error)
	// Scan yields the records of a table of one subject, in the order of Key.Rest.
	Scan(record.Subject, record.Table) iter.Seq2[record.Record, error]
}

// Decision is what a rule decided: the change, and what is answered once it is
// visible. A mutation without writes changes nothing.
type Decision struct {
	Mutation record.Mutation
	Answer   fhir.Answer
}

// SupersededError is returned for a number that was merged into another. The
// caller reads By, which may be in another shard, and asks for that one; the
// client is answered about it without being told (contract 1.5).
type SupersededError struct{ By fhir.Number }

// Error implements error. It names nobody.
func (*SupersededError) Error() string { return "demographics: superseded number" }

// person returns the record of a person and its attributes. There is an error for a
// number that stands for nobody or for somebody else.
func person(r Reader, n fhir.Number) (record.Record, attributes, error) {
	rec, ok, err := r.Get(personKey(n))
	if err != nil {
		return record.Record{}, attributes{}, err
	}
	if !ok {
		return record.Record{}, attributes{}, ResourceNotFound()
	}
	a, err := parseAttributes(rec.Attributes)
	if err != nil {
		return record.Record{}, attributes{}, err
	}
	switch a.status.State {
	case Superseded:
		err = &SupersededError{By: a.status.By}
	case Invalidated:
		err = InvalidatedResource()
	}
	return rec, a, err
}

// personKey names the record of a person's Patient.
func personKey(n fhir.Number) record.Key {
	return record.Key{Subject: record.Subject(n), Table: record.Demographics}
}
