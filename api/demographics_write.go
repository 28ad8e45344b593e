package api

import (
	"context"

	"google.golang.org/genproto/googleapis/api/httpbody"

	"vertebra/api/access"
	"vertebra/api/demographics"
	"vertebra/api/fhir"
	vertebrav1 "vertebra/api/proto/vertebra/v1"
	"vertebra/storage/record"
)

// PatchPatient implements vertebrav1.DemographicsServer.
func (s *demographicsServer) PatchPatient(ctx context.Context, r *vertebrav1.PatchPatientRequest) (*httpbody.HttpBody, error) {
	op, number, body := operation{"demographics", "PatchPatient"}, r.GetNhsNumber(), r.GetBody()
	admit := admittingBody(demographics.OpUpdate, number, body)
	return s.edge.serve(ctx, op, admit, func(ctx context.Context, c *call) (fhir.Answer, error) {
		return s.edge.patch(ctx, c, demographics.PatchRequest{
			Caller: c.caller, Number: number, IfMatch: c.header(headerIfMatch), ContentType: c.bodyType(body), Body: body.GetData(),
			Now: s.edge.cluster.Now(), RequestID: c.requestID(body.GetData()), NewID: s.edge.newID,
		})
	})
}

// patch decides an update. One on a superseded number is decided again on the
// retained one.
func (e *Edge) patch(ctx context.Context, c *call, r demographics.PatchRequest) (fhir.Answer, error) {
	if _, err := demographics.Asked(demographics.OpUpdate, c.caller, r.Number); err != nil {
		return fhir.Answer{}, err
	}
	r.Requested = r.Number
	for range maxHops {
		answer, err := e.decide(ctx, c, record.Subject(r.Number), r.RequestID, func(v View) (demographics.Decision, error) {
			return demographics.Patch(v, r)
		}, replayPatient(c.caller))
		by, ok := supersededBy(err)
		if !ok {
			return answer, err
		}
		r.Number = string(by)
	}
	return fhir.Answer{}, errSupersededCircle
}

// CreatePatient implements vertebrav1.DemographicsServer.
func (s *demographicsServer) CreatePatient(ctx context.Context, r *vertebrav1.CreatePatientRequest) (*httpbody.HttpBody, error) {
	op, body := operation{"demographics", "CreatePatient"}, r.GetBody()
	admit := admittingBody(demographics.OpCreate, "", body)
	return s.edge.serve(ctx, op, admit, func(ctx context.Context, c *call) (fhir.Answer, error) {
		newcomer, err := demographics.ParseCreate(body.GetData(), s.edge.cluster.Now())
		return s.create(ctx, c, newcomer, err, body.GetData())
	})
}

// ProcessBirthDetails implements vertebrav1.DemographicsServer.
func (s *demographicsServer) ProcessBirthDetails(ctx context.Context, r *vertebrav1.ProcessBirthDetailsRequest) (*httpbody.HttpBody, error) {
	op, body := operation{"demographics", "ProcessBirthDetails"}, r.GetBody()
	ignore := r.GetIgnorePotentialMatches() == "true"
	admit := admittingBody(demographics.OpCreateAtBirth, "", body)
	return s.edge.serve(ctx, op, admit, func(ctx context.Context, c *call) (fhir.Answer, error) {
		newcomer, err := demographics.ParseBirth(body.GetData(), ignore, s.edge.cluster.Now())
		return s.create(ctx, c, newcomer, err, body.GetData())
	})
}

func (s *demographicsServer) create(ctx context.Context, c *call, newcomer demographics.Newcomer, err error, body []byte) (fhir.Answer, error) {
	if err != nil {
		return fhir.Answer{}, err
	}
	n := &creation{edge: s.edge, call: c, newcomer: newcomer, request: c.requestID(body), replay: replayPatient(c.caller)}
	return n.create(ctx)
}

// admittingBody is admitting for an operation with a body: over gRPC the body says
// its own content type.
func admittingBody(op demographics.Operation, number string, body *httpbody.HttpBody) admission {
	admit := admitting(op, number)
	return func(header access.Headers, identify func() (access.Caller, error)) (access.Caller, error) {
		return admit(func(name string) (string, bool) {
			if name == headerContentType && body.GetContentType() != "" {
				return body.GetContentType(), true
			}
			return header(name)
		}, identify)
	}
}

// bodyType is the content type of a request's body.
func (c *call) bodyType(body *httpbody.HttpBody) string {
	if t := body.GetContentType(); t != "" {
		return t
	}
	return c.header(headerContentType)
}

// replayPatient answers a repeated request with the version of the Patient that
// the first was answered with, as this caller may see it.
func replayPatient(caller access.Caller) func(View, record.Outcome) (fhir.Answer, error) {
	return func(v View, o record.Outcome) (fhir.Answer, error) {
		rec, err := versionOf(v, record.Key{Subject: o.Subject, Table: record.Demographics}, o.Version)
		if err != nil {
			return fhir.Answer{}, err
		}
		body, err := demographics.View(caller, rec)
		answer := fhir.Answer{Status: int(o.Status), Version: rec.Version, Body: body}
		if len(o.Note) > 0 {
			answer.Header = map[string]string{demographics.NotificationHeader: string(o.Note)}
		}
		return answer, err
	}
}

// versionOf returns one version of a record. What keeps its history has it; a
// record that does not, or was replaced by a load, is answered as it is now.
func versionOf(v View, key record.Key, version uint64) (record.Record, error) {
	now, ok, err := v.Get(key)
	switch {
	case err != nil:
		return record.Record{}, err
	case !ok:
		return record.Record{}, demographics.ResourceNotFound()
	case now.Version == version:
		return now, nil
	}
	for rec, err := range v.History(key) {
		if err != nil {
			return record.Record{}, err
		}
		if rec.Version == version {
			return rec, nil
		}
	}
	return now, nil
}
