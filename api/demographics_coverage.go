package api

import (
	"context"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"

	"vertebra/api/demographics"
	"vertebra/api/fhir"
	vertebrav1 "vertebra/api/proto/vertebra/v1"
	"vertebra/storage/record"
)

// ReadCoverage implements vertebrav1.DemographicsServer.
func (s *demographicsServer) ReadCoverage(ctx context.Context, r *vertebrav1.ReadCoverageRequest) (*httpbody.HttpBody, error) {
	op := operation{"demographics", "ReadCoverage"}
	return s.edge.serve(ctx, op, admitting(demographics.OpReadCoverage, ""), func(ctx context.Context, c *call) (fhir.Answer, error) {
		number, err := demographics.CoverageNumber(parameters(r))
		if err != nil {
			return fhir.Answer{}, err
		}
		return s.edge.readKind(ctx, c, coverageKind(), number)
	})
}

// coverageKind is how a person's Coverage is read.
func coverageKind() readKind {
	return readKind{
		kind: vertebrav1.Kind_KIND_COVERAGE, operation: demographics.OpReadCoverage,
		read: func(v View, c *call, number string, now time.Time) (fhir.Answer, error) {
			return demographics.ReadCoverage(v, c.caller, number, now)
		},
		retained: func(v View, _ *call, by fhir.Number, now time.Time) (fhir.Answer, error) {
			return demographics.RetainedCoverage(v, by, now)
		},
	}
}

// ReplaceCoverage implements vertebrav1.DemographicsServer.
func (s *demographicsServer) ReplaceCoverage(ctx context.Context, r *vertebrav1.ReplaceCoverageRequest) (*httpbody.HttpBody, error) {
	op, body := operation{"demographics", "ReplaceCoverage"}, r.GetBody()
	admit := admittingBody(demographics.OpReplaceCoverage, "", body)
	return s.edge.serve(ctx, op, admit, func(ctx context.Context, c *call) (fhir.Answer, error) {
		number, err := demographics.CoverageSubscriber(body.GetData())
		if err != nil {
			return fhir.Answer{}, err
		}
		return s.replaceCoverage(ctx, c, number, body.GetData())
	})
}

func (s *demographicsServer) replaceCoverage(ctx context.Context, c *call, number string, body []byte) (fhir.Answer, error) {
	if _, err := demographics.Asked(demographics.OpReplaceCoverage, c.caller, number); err != nil {
		return fhir.Answer{}, err
	}
	request := demographics.CoverageRequest{Caller: c.caller, IfMatch: c.header(headerIfMatch), Body: body,
		Now: s.edge.cluster.Now(), RequestID: c.requestID(body)}
	subject := record.Subject(number)
	for range maxHops {
		answer, err := s.edge.decide(ctx, c, subject, request.RequestID, func(v View) (demographics.Decision, error) {
			return demographics.ReplaceCoverage(v, request)
		}, replayCoverage(request.Now))
		by, ok := supersededBy(err)
		if !ok {
			return answer, err
		}
		request.Retained, subject = by, record.Subject(by)
	}
	return fhir.Answer{}, errSupersededCircle
}

// replayCoverage answers a repeated request with the version of the Coverage that
// the first was answered with.
func replayCoverage(now time.Time) func(View, record.Outcome) (fhir.Answer, error) {
	return func(v View, o record.Outcome) (fhir.Answer, error) {
		key := record.Key{Subject: o.Subject, Table: record.Coverages}
		rec, err := versionOf(v, key, o.Version)
		if err != nil {
			return fhir.Answer{}, err
		}
		answer, err := demographics.RetainedCoverage(pastView{v, rec}, fhir.Number(o.Subject), now)
		answer.Status = int(o.Status)
		return answer, err
	}
}

// pastView is a view in which one record is as it was at an earlier version.
type pastView struct {
	View
	past record.Record
}

// Get implements View.
func (v pastView) Get(key record.Key) (record.Record, bool, error) {
	if key == v.past.Key {
		return v.past, true, nil
	}
	return v.View.Get(key)
}
