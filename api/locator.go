package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"vertebra/api/access"
	"vertebra/api/demographics"
	"vertebra/api/fhir"
	vertebrav1 "vertebra/api/proto/vertebra/v1"
	"vertebra/cluster"
	"vertebra/storage/record"
)

// locatorServer answers many reads and writes at a time, by the rules and the
// filters of the FHIR services.
type locatorServer struct {
	vertebrav1.UnimplementedLocatorServer
	edge *Edge
}

// Get implements vertebrav1.LocatorServer.
func (s *locatorServer) Get(ctx context.Context, r *vertebrav1.GetRequest) (*vertebrav1.GetResponse, error) {
	caller, freshness, err := s.begin(ctx, r.GetFreshness())
	if err != nil {
		return nil, err
	}
	t := s.readTask(caller, freshness, r.GetName())
	rec, failure := s.do(ctx, t)
	if failure != nil {
		return nil, failure
	}
	return &vertebrav1.GetResponse{Record: rec}, nil
}

// GetMany implements vertebrav1.LocatorServer.
func (s *locatorServer) GetMany(ctx context.Context, r *vertebrav1.GetManyRequest) (*vertebrav1.GetManyResponse, error) {
	caller, freshness, err := s.begin(ctx, r.GetFreshness())
	if err != nil {
		return nil, err
	}
	if len(r.GetNames()) > s.edge.limits.BatchOperations {
		return nil, s.edge.failer.fail(ErrBatchTooLarge)
	}
	tasks := make([]task, len(r.GetNames()))
	for i, name := range r.GetNames() {
		tasks[i] = s.readTask(caller, freshness, name)
	}
	results, _ := s.doAll(ctx, tasks)
	return &vertebrav1.GetManyResponse{Results: results}, nil
}

// begin identifies the caller and reads the freshness. Its errors are failures.
func (s *locatorServer) begin(ctx context.Context, f *vertebrav1.Freshness) (access.Caller, cluster.Freshness, error) {
	caller, err := s.edge.access.Identify(ctx, exchangeOf(ctx).lookup)
	if err != nil {
		return access.Caller{}, cluster.Freshness{}, s.edge.failer.fail(err)
	}
	freshness, err := freshnessAsked(f)
	if err != nil {
		return access.Caller{}, cluster.Freshness{}, s.edge.failer.fail(err)
	}
	return caller, freshness, nil
}

// freshnessAsked reads a Freshness message; its rules are those of freshnessOf.
func freshnessAsked(f *vertebrav1.Freshness) (cluster.Freshness, error) {
	position, err := cluster.ParsePosition(f.GetAtLeast().GetToken())
	if err != nil {
		return cluster.Freshness{}, err
	}
	asked := cluster.Freshness{Position: position}
	switch age := f.GetMaxAge().AsDuration(); {
	case age > 0:
		asked.Level, asked.MaxAge = cluster.Bounded, min(age, maxAgeMost)
	case f.GetMaxAge() == nil && !position.IsZero():
		asked.Level = cluster.Positioned
	}
	return asked, nil
}

// task is one operation of a batch, ready to run.
type task struct {
	call *call
	// subject is whom it is about: tasks on one subject run in order.
	subject record.Subject
	run     func(ctx context.Context, c *call) (fhir.Answer, error)
}

func newTask(caller access.Caller, name string) task {
	x := &exchange{carrier: silence{}, method: "LOCATOR", path: name}
	return task{call: &call{exchange: x, operation: operation{"locator", name}, caller: caller}}
}

// failing is a task that was refused before it could run.
func (t task) failing(err error) task {
	t.run = func(context.Context, *call) (fhir.Answer, error) { return fhir.Answer{}, err }
	return t
}

func (s *locatorServer) readTask(caller access.Caller, f cluster.Freshness, name *vertebrav1.RecordName) task {
	t, number := newTask(caller, "Get"), name.GetNhsNumber()
	t.call.freshness, t.subject = f, record.Subject(number)
	read, ok := s.edge.readerOf(name.GetKind())
	if !ok {
		return t.failing(ErrNoOperation)
	}
	t.run = func(ctx context.Context, c *call) (fhir.Answer, error) { return read(ctx, c, number) }
	return t
}

// reader reads one kind of record of one person.
type reader func(ctx context.Context, c *call, number string) (fhir.Answer, error)

// readerOf is the locator's table of kinds.
func (e *Edge) readerOf(kind vertebrav1.Kind) (reader, bool) {
	people := &demographicsServer{edge: e}
	switch kind {
	case vertebrav1.Kind_KIND_PATIENT:
		return people.readPatient, true
	case vertebrav1.Kind_KIND_RELATED_PERSONS:
		return people.readRelatedPersons, true
	case vertebrav1.Kind_KIND_COVERAGE:
		return people.readCoverage, true
	}
	return nil, false
}

// operationTask is the task for one operation of a stream.
func (s *locatorServer) operationTask(caller access.Caller, f cluster.Freshness, o *vertebrav1.Operation) task {
	switch o := o.GetOperation().(type) {
	case *vertebrav1.Operation_Get:
		return s.readTask(caller, f, o.Get)
	case *vertebrav1.Operation_PutPerson:
		return s.putTask(caller, o.PutPerson)
	case *vertebrav1.Operation_PatchPerson:
		return s.patchTask(caller, o.PatchPerson)
	}
	return newTask(caller, "unknown").failing(ErrNoOperation)
}

func (s *locatorServer) putTask(caller access.Caller, put *vertebrav1.PutPerson) task {
	t := newTask(caller, "PutPerson")
	if !slices.Contains(caller.Scopes, access.LoadScope) {
		return t.failing(ErrMayNotLoad)
	}
	seed, err := demographics.ParseSeed(put.GetJson())
	if err != nil {
		return t.failing(err)
	}
	t.subject = seed.Subject()
	t.run = func(ctx context.Context, c *call) (fhir.Answer, error) {
		answer, err := s.edge.decide(ctx, c, t.subject, record.RequestID{}, func(v View) (demographics.Decision, error) {
			return demographics.Load(v, seed)
		}, nil)
		answer.Body = nil // whoever loads has it
		return answer, err
	}
	return t
}

func (s *locatorServer) patchTask(caller access.Caller, patch *vertebrav1.PatchPerson) task {
	t, number := newTask(caller, "PatchPerson"), patch.GetNhsNumber()
	t.subject = record.Subject(number)
	if !demographics.IsRequestID(patch.GetRequestId()) {
		return t.failing(demographics.InvalidHeader(patch.GetRequestId(), "X-Request-ID"))
	}
	const method, path = http.MethodPatch, demographicsPrefix + "/Patient/" // as over HTTP: a retry may come either way
	t.run = func(ctx context.Context, c *call) (fhir.Answer, error) {
		return s.edge.patch(ctx, c, demographics.PatchRequest{
			Caller: caller, Number: number, IfMatch: fhir.ETag(patch.GetVersion()), ContentType: "application/json-patch+json",
			Body: patch.GetJson(), Now: s.edge.cluster.Now(), NewID: s.edge.newID,
			RequestID: newRequestID(caller.Application, method, path+number, patch.GetRequestId(), patch.GetJson()),
		})
	}
	return t
}

// do runs one task. It waits for a place where a single call would be refused:
// the stream's client is held back by its unanswered batches.
func (s *locatorServer) do(ctx context.Context, t task) (*vertebrav1.Record, *Failure) {
	var answer fhir.Answer
	failure := s.edge.guard(ctx, t.call.exchange, t.call.operation, func(ctx context.Context) (err error) {
		select {
		case s.edge.places <- struct{}{}:
			defer func() { <-s.edge.places }()
		case <-ctx.Done():
			return ctx.Err()
		}
		answer, err = t.run(ctx, t.call)
		return err
	})
	if failure != nil {
		return nil, failure
	}
	return t.call.record(answer), nil
}

// record is an answer as a message.
func (c *call) record(a fhir.Answer) *vertebrav1.Record {
	rec := &vertebrav1.Record{Json: a.Body, Version: a.Version}
	if !c.position.IsZero() {
		rec.Position = &vertebrav1.Position{Token: c.position.String()}
	}
	if c.aged {
		rec.Age = durationpb.New(c.age)
	}
	return rec
}

// result is a task's answer or error as a message.
func result(rec *vertebrav1.Record, f *Failure) *vertebrav1.Result {
	if f == nil {
		return &vertebrav1.Result{Result: &vertebrav1.Result_Record{Record: rec}}
	}
	problem := &vertebrav1.Error{Code: int32(f.Code), HttpStatus: int32(f.Status), Outcome: f.outcome()}
	if f.RetryAfter > 0 {
		problem.RetryAfter = durationpb.New(f.RetryAfter.Round(time.Millisecond))
	}
	return &vertebrav1.Result{Result: &vertebrav1.Result_Error{Error: problem}}
}
