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

// demographicsServer joins the demographics service's interface (its .proto file)
// to its rules (package demographics): each method names its operation, its
// interaction and its rule.
type demographicsServer struct {
	vertebrav1.UnsafeDemographicsServer
	edge *Edge
}

// ReadPatient implements vertebrav1.DemographicsServer.
func (s *demographicsServer) ReadPatient(ctx context.Context, r *vertebrav1.ReadPatientRequest) (*httpbody.HttpBody, error) {
	op, number := operation{"demographics", "ReadPatient"}, r.GetNhsNumber()
	return s.edge.serve(ctx, op, admitting(demographics.OpRetrieve, number), func(ctx context.Context, c *call) (fhir.Answer, error) {
		return s.readPatient(ctx, c, number)
	})
}

func (s *demographicsServer) readPatient(ctx context.Context, c *call, number string) (fhir.Answer, error) {
	if _, err := demographics.Asked(demographics.OpRetrieve, c.caller, number); err != nil {
		return fhir.Answer{}, err // before a shard is looked for: the number may be none
	}
	return s.edge.read(ctx, c, record.Subject(number),
		func(v View) (fhir.Answer, error) { return demographics.Read(v, c.caller, number) },
		func(v View, by fhir.Number) (fhir.Answer, error) { return demographics.ReadRetained(v, c.caller, by) })
}

// ReadRelatedPersons implements vertebrav1.DemographicsServer.
func (s *demographicsServer) ReadRelatedPersons(ctx context.Context, r *vertebrav1.ReadRelatedPersonsRequest) (*httpbody.HttpBody, error) {
	op, number := operation{"demographics", "ReadRelatedPersons"}, r.GetNhsNumber()
	return s.edge.serve(ctx, op, admitting(demographics.OpRelatedPersons, number), func(ctx context.Context, c *call) (fhir.Answer, error) {
		return s.readRelatedPersons(ctx, c, number)
	})
}

func (s *demographicsServer) readRelatedPersons(ctx context.Context, c *call, number string) (fhir.Answer, error) {
	if _, err := demographics.Asked(demographics.OpRelatedPersons, c.caller, number); err != nil {
		return fhir.Answer{}, err
	}
	now := s.edge.cluster.Now()
	return s.edge.read(ctx, c, record.Subject(number),
		func(v View) (fhir.Answer, error) { return demographics.RelatedPersons(v, c.caller, number, now) },
		func(v View, by fhir.Number) (fhir.Answer, error) {
			return demographics.RetainedRelatedPersons(v, c.caller, by, now)
		})
}

// SearchPatients implements vertebrav1.DemographicsServer.
func (s *demographicsServer) SearchPatients(ctx context.Context, r *vertebrav1.SearchPatientsRequest) (*httpbody.HttpBody, error) {
	op := operation{"demographics", "SearchPatients"}
	return s.edge.serve(ctx, op, admitting(demographics.OpSearch, ""), func(ctx context.Context, c *call) (fhir.Answer, error) {
		search, err := demographics.ParseSearch(parameters(r), c.caller)
		if err != nil {
			return fhir.Answer{}, err
		}
		query := search.Query()
		hits, err := s.edge.search(ctx, c, &query, record.Demographics)
		if err != nil {
			return fhir.Answer{}, err
		}
		people := make([]demographics.Hit, len(hits))
		for i, h := range hits {
			people[i] = demographics.Hit(h)
		}
		return search.Bundle(people, s.edge.cluster.Now())
	})
}

// admitting is the service's admission to one operation, on the person that the
// path names; "" where it names none.
func admitting(op demographics.Operation, number string) admission {
	return func(header access.Headers, identify func() (access.Caller, error)) (access.Caller, error) {
		return demographics.Admit(op, demographics.Headers{
			RequestID: header.Get(headerRequestID), SessionRole: header.Get(headerSessionURID),
			IfMatch: header.Get(headerIfMatch), ContentType: header.Get(headerContentType),
		}, number, identify)
	}
}
