package api

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"vertebra/api/demographics"
	"vertebra/api/fhir"
	"vertebra/cluster"
	"vertebra/storage/record"
)

// decide has the rule's decision made and answers as it says. A request that was
// decided before is answered by replay instead: its outcome, rendered again
// through the caller's own filter.
func (e *Edge) decide(ctx context.Context, c *call, subject record.Subject, request record.RequestID, rule func(View) (demographics.Decision, error), replay func(View, record.Outcome) (fhir.Answer, error)) (fhir.Answer, error) {
	var answer fhir.Answer
	decided, err := e.cluster.Decide(ctx, subject, request, func(v View) (record.Mutation, error) {
		decision, err := rule(v)
		answer = decision.Answer
		return decision.Mutation, err
	})
	if err != nil {
		return fhir.Answer{}, err
	}
	c.saw(decided.Position, 0)
	if decided.Replay == nil {
		return answer, nil
	}
	return e.replay(ctx, c, decided, replay)
}

// replay renders the outcome of the original of a repeated request: from a view
// that holds the original, of the subject whose record it was answered with.
func (e *Edge) replay(ctx context.Context, c *call, decided Decided, render func(View, record.Outcome) (fhir.Answer, error)) (fhir.Answer, error) {
	view, err := e.cluster.View(ctx, decided.Replay.Subject, cluster.Freshness{Position: decided.Position})
	if err != nil {
		return fhir.Answer{}, err
	}
	defer view.Close()
	return render(view, *decided.Replay)
}

// requestID is what a retry of the call is recognised by: who asks for what with
// which X-Request-ID and body. A call without a UUID is not remembered, since two
// callers may have the same small word.
func (c *call) requestID(body []byte) record.RequestID {
	id := c.header(headerRequestID)
	if !demographics.IsRequestID(id) {
		return record.RequestID{}
	}
	return newRequestID(c.caller.Application, c.method, c.path, id, body)
}

// newRequestID hashes the parts, each behind its length so that no two lists of
// parts give the same bytes. The request id is hashed in lower case, as UUIDs are
// compared.
func newRequestID(application, method, path, id string, body []byte) record.RequestID {
	sum := sha256.Sum256(body)
	h := sha256.New()
	for _, part := range [...]string{application, method, path, strings.ToLower(id), string(sum[:])} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write([]byte(part))
	}
	return record.RequestID(h.Sum(nil))
}
