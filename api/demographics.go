package api

import (
	"context"
	"time"

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
		return s.edge.readKind(ctx, c, patientKind(), number)
	})
}

// ReadRelatedPersons implements vertebrav1.DemographicsServer.
func (s *demographicsServer) ReadRelatedPersons(ctx context.Context, r *vertebrav1.ReadRelatedPersonsRequest) (*httpbody.HttpBody, error) {
	op, number := operation{"demographics", "ReadRelatedPersons"}, r.GetNhsNumber()
	return s.edge.serve(ctx, op, admitting(demographics.OpRelatedPersons, number), func(ctx context.Context, c *call) (fhir.Answer, error) {
		return s.edge.readKind(ctx, c, relatedKind(), number)
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

// patientKind is how a person's Patient is read.
func patientKind() readKind {
	return readKind{
		kind: vertebrav1.Kind_KIND_PATIENT, operation: demographics.OpRetrieve,
		read: func(v View, c *call, number string, _ time.Time) (fhir.Answer, error) {
			return demographics.Read(v, c.caller, number)
		},
		retained: func(v View, c *call, by fhir.Number, _ time.Time) (fhir.Answer, error) {
			return demographics.ReadRetained(v, c.caller, by)
		},
	}
}

// relatedKind is how a person's related persons are read.
func relatedKind() readKind {
	return readKind{
		kind: vertebrav1.Kind_KIND_RELATED_PERSONS, operation: demographics.OpRelatedPersons,
		read: func(v View, c *call, number string, now time.Time) (fhir.Answer, error) {
			return demographics.RelatedPersons(v, c.caller, number, now)
		},
		retained: func(v View, c *call, by fhir.Number, now time.Time) (fhir.Answer, error) {
			return demographics.RetainedRelatedPersons(v, c.caller, by, now)
		},
	}
}
