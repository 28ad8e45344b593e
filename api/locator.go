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
	found, failure := s.do(ctx, s.readTask(caller, freshness, r.GetSelection()))
	if failure != nil {
		return nil, failure
	}
	return &vertebrav1.GetResponse{Held: found}, nil
}

// GetMany implements vertebrav1.LocatorServer.
func (s *locatorServer) GetMany(ctx context.Context, r *vertebrav1.GetManyRequest) (*vertebrav1.GetManyResponse, error) {
	caller, freshness, err := s.begin(ctx, r.GetFreshness())
	if err != nil {
		return nil, err
	}
	if len(r.GetSelections()) > s.edge.limits.BatchOperations {
		return nil, s.edge.failer.fail(ErrBatchTooLarge)
	}
	tasks := make([]task, len(r.GetSelections()))
	for i, selection := range r.GetSelections() {
		tasks[i] = s.readTask(caller, freshness, selection)
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
	run     func(ctx context.Context, c *call) (number string, records []held, err error)
}

func newTask(caller access.Caller, name string) task {
	x := &exchange{carrier: silence{}, method: "LOCATOR", path: name}
	return task{call: &call{exchange: x, operation: operation{"locator", name}, caller: caller}}
}

// failing is a task that was refused before it could run.
func (t task) failing(err error) task {
	t.run = func(context.Context, *call) (string, []held, error) { return "", nil, err }
	return t
}

func (s *locatorServer) readTask(caller access.Caller, f cluster.Freshness, selection *vertebrav1.Selection) task {
	t, number := newTask(caller, "Get"), selection.GetNhsNumber()
	t.call.freshness, t.subject = f, record.Subject(number)
	kinds, err := kindsFor(caller, selection)
	if err != nil {
		return t.failing(err)
	}
	t.run = func(ctx context.Context, c *call) (string, []held, error) {
		return s.edge.readHeld(ctx, c, kinds, number)
	}
	return t
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
	t.run = func(ctx context.Context, c *call) (string, []held, error) {
		answer, err := s.edge.decide(ctx, c, t.subject, record.RequestID{}, func(v View) (demographics.Decision, error) {
			return demographics.Load(v, seed)
		}, nil)
		answer.Body = nil // whoever loads has it
		return string(t.subject), []held{{vertebrav1.Kind_KIND_PATIENT, answer}}, err
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
	t.run = func(ctx context.Context, c *call) (string, []held, error) {
		answer, err := s.edge.patch(ctx, c, demographics.PatchRequest{
			Caller: caller, Number: number, IfMatch: fhir.ETag(patch.GetVersion()), ContentType: "application/json-patch+json",
			Body: patch.GetJson(), Now: s.edge.cluster.Now(), NewID: s.edge.newID,
			RequestID: newRequestID(caller.Application, method, path+number, patch.GetRequestId(), patch.GetJson()),
		})
		return fhir.MemberText(answer.Body, "id"), []held{{vertebrav1.Kind_KIND_PATIENT, answer}}, err
	}
	return t
}

// do runs one task. It waits for a place where a single call would be refused:
// the stream's client is held back by its unanswered batches.
func (s *locatorServer) do(ctx context.Context, t task) (*vertebrav1.Held, *Failure) {
	var number string
	var records []held
	failure := s.edge.guard(ctx, t.call.exchange, t.call.operation, func(ctx context.Context) (err error) {
		select {
		case s.edge.places <- struct{}{}:
			defer func() { <-s.edge.places }()
		case <-ctx.Done():
			return ctx.Err()
		}
		number, records, err = t.run(ctx, t.call)
		return err
	})
	if failure != nil {
		return nil, failure
	}
	return t.call.held(number, records), nil
}

// held is an answer as a message.
func (c *call) held(number string, records []held) *vertebrav1.Held {
	message := &vertebrav1.Held{NhsNumber: number, Records: make([]*vertebrav1.Record, len(records))}
	for i, r := range records {
		message.Records[i] = &vertebrav1.Record{Kind: r.kind, Json: r.answer.Body, Version: r.answer.Version}
	}
	if !c.position.IsZero() {
		message.Position = &vertebrav1.Position{Token: c.position.String()}
	}
	if c.aged {
		message.Age = durationpb.New(c.age)
	}
	return message
}

// result is a task's answer or error as a message.
func result(found *vertebrav1.Held, f *Failure) *vertebrav1.Result {
	if f == nil {
		return &vertebrav1.Result{Result: &vertebrav1.Result_Held{Held: found}}
	}
	problem := &vertebrav1.Error{Code: int32(f.Code), HttpStatus: int32(f.Status), Outcome: f.outcome()}
	if f.RetryAfter > 0 {
		problem.RetryAfter = durationpb.New(f.RetryAfter.Round(time.Millisecond))
	}
	return &vertebrav1.Result{Result: &vertebrav1.Result_Error{Error: problem}}
}
