package api

import (
	"context"
	"errors"

	"vertebra/api/demographics"
	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// maxHops bounds how many superseded numbers are followed to the retained one. A
// merge of a merge of a merge is rare; a circle would be a defect.
const maxHops = 8

// read answers with what the rule says of the subject at a view as fresh as the
// client asked for. A rule that answers *demographics.SupersededError is followed:
// retained is then asked about the number that it names, which may be in another
// shard.
func (e *Edge) read(ctx context.Context, c *call, subject record.Subject, rule func(View) (fhir.Answer, error), retained func(View, fhir.Number) (fhir.Answer, error)) (fhir.Answer, error) {
	for range maxHops {
		answer, err := e.look(ctx, c, subject, rule)
		by, ok := supersededBy(err)
		if !ok {
			return answer, err
		}
		subject, rule = record.Subject(by), func(v View) (fhir.Answer, error) { return retained(v, by) }
	}
	return fhir.Answer{}, errSupersededCircle
}

// errSupersededCircle: superseded numbers lead on for longer than maxHops. It has no
// row of its own in the error table: it is a defect of what is stored.
var errSupersededCircle = errors.New("api: superseded numbers lead nowhere")

// look runs a rule on one view.
func (e *Edge) look(ctx context.Context, c *call, subject record.Subject, rule func(View) (fhir.Answer, error)) (fhir.Answer, error) {
	view, err := e.cluster.View(ctx, subject, c.freshness)
	if err != nil {
		return fhir.Answer{}, err
	}
	defer view.Close()
	c.saw(view.Position(), view.Age())
	return rule(view)
}

// supersededBy returns the number that a superseded one was merged into.
func supersededBy(err error) (fhir.Number, bool) {
	if err == nil {
		return "", false
	}
	var superseded *demographics.SupersededError
	if errors.As(err, &superseded) {
		return superseded.By, true
	}
	return "", false
}
