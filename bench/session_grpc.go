package bench

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	vertebrav1 "vertebra/api/proto/vertebra/v1"
)

// fhirSession calls the FHIR services over gRPC.
type fhirSession struct {
	conn   *grpc.ClientConn
	client vertebrav1.DemographicsClient
	token  string
}

func newFHIRSession(conn *grpc.ClientConn, token string) *fhirSession {
	return &fhirSession{conn, vertebrav1.NewDemographicsClient(conn), token}
}

func (s *fhirSession) close() { _ = s.conn.Close() } // nothing is lost with a connection that is of no more use

func (s *fhirSession) ask(ctx context.Context, q question) ([]answer, error) {
	ctx = metadata.AppendToOutgoingContext(withToken(ctx, s.token), "x-request-id", uuid.NewString())
	body, err := s.client.ReadPatient(ctx, &vertebrav1.ReadPatientRequest{NhsNumber: q.numbers[0]})
	return []answer{{body: body.GetData()}}, err
}

// unarySession asks the locator for one record at a time.
type unarySession struct {
	conn   *grpc.ClientConn
	client vertebrav1.LocatorClient
	token  string
}

func newUnarySession(conn *grpc.ClientConn, token string) *unarySession {
	return &unarySession{conn, vertebrav1.NewLocatorClient(conn), token}
}

func (s *unarySession) close() { _ = s.conn.Close() } // as above

func (s *unarySession) ask(ctx context.Context, q question) ([]answer, error) {
	response, err := s.client.Get(withToken(ctx, s.token), &vertebrav1.GetRequest{Selection: patientOf(q.numbers[0])})
	return []answer{{body: patientIn(response.GetHeld())}}, err
}

// patientOf asks for the Patient alone: what every other way of reading gives.
func patientOf(number string) *vertebrav1.Selection {
	return &vertebrav1.Selection{NhsNumber: number, Kinds: []vertebrav1.Kind{vertebrav1.Kind_KIND_PATIENT}}
}

func patientIn(held *vertebrav1.Held) []byte {
	for _, record := range held.GetRecords() {
		if record.Kind == vertebrav1.Kind_KIND_PATIENT {
			return record.Json
		}
	}
	return nil
}

// streamSession sends batches of reads on one stream and waits for each.
type streamSession struct {
	conn   *grpc.ClientConn
	client vertebrav1.LocatorClient
	token  string
	stream vertebrav1.Locator_StreamClient
	end    context.CancelFunc
	sent   uint64
}

func newStreamSession(conn *grpc.ClientConn, token string) *streamSession {
	return &streamSession{conn: conn, client: vertebrav1.NewLocatorClient(conn), token: token}
}

func (s *streamSession) close() {
	s.leave()
	_ = s.conn.Close() // as above
}

func (s *streamSession) leave() {
	if s.end != nil {
		s.end()
	}
	s.stream, s.end = nil, nil
}

// ask opens a stream when there is none, so that a broken one costs one question. The
// stream outlives ctx, which is of this question; whose end cuts it off.
func (s *streamSession) ask(ctx context.Context, q question) ([]answer, error) {
	if s.stream == nil {
		if err := s.open(ctx); err != nil {
			return nil, err
		}
	}
	defer context.AfterFunc(ctx, s.end)()
	s.sent++
	if err := s.stream.Send(batchOf(s.sent, q)); err != nil {
		defer s.leave()
		return nil, errClosed
	}
	response, err := s.stream.Recv()
	if err != nil {
		defer s.leave()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	return answersOf(response, len(q.numbers)), nil
}

func (s *streamSession) open(ctx context.Context) error {
	ctx, s.end = context.WithCancel(withToken(context.WithoutCancel(ctx), s.token))
	stream, err := s.client.Stream(ctx)
	if err != nil {
		s.leave()
		return err
	}
	s.stream = stream
	return nil
}

func batchOf(id uint64, q question) *vertebrav1.StreamRequest {
	batch := &vertebrav1.StreamRequest{Id: id, Operations: make([]*vertebrav1.Operation, len(q.numbers))}
	for i, number := range q.numbers {
		batch.Operations[i] = &vertebrav1.Operation{Operation: &vertebrav1.Operation_Get{Get: patientOf(number)}}
	}
	return batch
}

// answersOf takes a batch apart. A result too few is no answer.
func answersOf(response *vertebrav1.StreamResponse, people int) []answer {
	answers := make([]answer, people)
	for i := range answers {
		switch {
		case i >= len(response.Results):
			answers[i].fault = faultNoAnswer
		case response.Results[i].GetError() != nil:
			answers[i].fault = faultOfStatus(int(response.Results[i].GetError().HttpStatus))
		default:
			answers[i].body = patientIn(response.Results[i].GetHeld())
		}
	}
	return answers
}
