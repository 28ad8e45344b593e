package api

import (
	"context"
	"errors"
	"time"

	"vertebra/api/access"
	"vertebra/api/demographics"
	"vertebra/api/fhir"
	vertebrav1 "vertebra/api/proto/vertebra/v1"
	"vertebra/storage/record"
)

// readKind is how one kind of record held about a person is read: by its own
// operation over FHIR, and with the others by the locator.
type readKind struct {
	kind      vertebrav1.Kind
	operation demographics.Operation
	read      func(v View, c *call, number string, now time.Time) (fhir.Answer, error)
	// retained is asked instead once a superseded number was followed.
	retained func(v View, c *call, by fhir.Number, now time.Time) (fhir.Answer, error)
}

// kindsHeld lists every kind, in the order in which everything is answered. A new
// kind of record is one more line.
func kindsHeld() []readKind {
	return []readKind{patientKind(), relatedKind(), coverageKind()}
}

// held is one record of an answer.
type held struct {
	kind   vertebrav1.Kind
	answer fhir.Answer
}

// readKind reads one kind.
func (e *Edge) readKind(ctx context.Context, c *call, k readKind, number string) (fhir.Answer, error) {
	_, records, err := e.readHeld(ctx, c, []readKind{k}, number)
	if err != nil {
		return fhir.Answer{}, err
	}
	return records[0].answer, nil
}

// readHeld reads several kinds of one person at one position, and returns the
// number that they are held under. An error of any is the answer.
func (e *Edge) readHeld(ctx context.Context, c *call, kinds []readKind, number string) (by string, records []held, err error) {
	for _, k := range kinds {
		// Before a shard is looked for: the number may be none.
		if _, err := demographics.Asked(k.operation, c.caller, number); err != nil {
			return "", nil, err
		}
	}
	now := e.cluster.Now()
	all := func(v View, of string, one func(readKind) (fhir.Answer, error)) (fhir.Answer, error) {
		by, records = of, records[:0]
		for _, k := range kinds {
			answer, err := one(k)
			if err != nil {
				return fhir.Answer{}, err
			}
			records = append(records, held{k.kind, answer})
		}
		return fhir.Answer{}, nil
	}
	_, err = e.read(ctx, c, record.Subject(number),
		func(v View) (fhir.Answer, error) {
			return all(v, number, func(k readKind) (fhir.Answer, error) { return k.read(v, c, number, now) })
		},
		func(v View, retained fhir.Number) (fhir.Answer, error) {
			return all(v, string(retained), func(k readKind) (fhir.Answer, error) { return k.retained(v, c, retained, now) })
		})
	return by, records, err
}

// kindsFor are the kinds that a selection names. When it names none they are all
// that the caller may see; what is refused to the caller's mode is then left out,
// but never the Patient, whose refusal is the answer.
func kindsFor(caller access.Caller, s *vertebrav1.Selection) ([]readKind, error) {
	if len(s.GetKinds()) > len(vertebrav1.Kind_name) {
		return nil, ErrNoOperation
	}
	var chosen []readKind
	for _, kind := range s.GetKinds() {
		k, ok := kindOf(kind)
		if !ok {
			return nil, ErrNoOperation
		}
		chosen = append(chosen, k)
	}
	if chosen != nil {
		return chosen, nil
	}
	for _, k := range kindsHeld() {
		_, err := demographics.Asked(k.operation, caller, s.GetNhsNumber())
		var refusal *fhir.Issue
		if k.kind != vertebrav1.Kind_KIND_PATIENT && errors.As(err, &refusal) {
			continue
		}
		chosen = append(chosen, k)
	}
	return chosen, nil
}

func kindOf(kind vertebrav1.Kind) (readKind, bool) {
	for _, k := range kindsHeld() {
		if k.kind == kind {
			return k, true
		}
	}
	return readKind{}, false
}
