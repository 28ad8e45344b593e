package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/genproto/googleapis/api/httpbody"

	"vertebra/api/access"
	"vertebra/api/fhir"
	"vertebra/cluster"
)

// Config is what an edge is made of. Cluster, Access, Random and Numbers are
// required.
type Config struct {
	Cluster Cluster
	// Access says who calls.
	Access access.Authenticator
	// Random makes object ids, message ids and NHS numbers. It is read by many
	// goroutines at once.
	Random io.Reader
	// Numbers allocates the NHS number of a new person.
	Numbers func() (fhir.Number, error)
	Limits  Limits
	// Metrics is where the edge's metrics are registered; nil for none.
	Metrics prometheus.Registerer
	// Log gets one line for each fault; nil for none.
	Log *slog.Logger
}

// Edge serves the services of one node over HTTP (Handler) and gRPC
// (RegisterGRPC). It is safe for concurrent use and has no goroutines of its own.
type Edge struct {
	cluster Cluster
	access  access.Authenticator
	random  io.Reader
	numbers func() (fhir.Number, error)
	limits  Limits
	failer  *failer
	metrics *metrics
	log     *slog.Logger
	// places bounds the calls in progress: a token each.
	places chan struct{}
}

// New returns an edge.
func New(c Config) (*Edge, error) {
	if c.Cluster == nil || c.Access == nil || c.Random == nil || c.Numbers == nil {
		return nil, errors.New("api: Config.Cluster, Access, Random and Numbers are required")
	}
	e := &Edge{
		cluster: c.Cluster, access: c.Access, random: c.Random, numbers: c.Numbers, limits: c.Limits.withDefaults(),
		failer: &failer{errorTable(), c.Random}, log: c.Log, metrics: newMetrics(),
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	e.places = make(chan struct{}, e.limits.Concurrent)
	if c.Metrics != nil {
		if err := e.metrics.register(c.Metrics); err != nil {
			return nil, fmt.Errorf("api: register metrics: %w", err)
		}
	}
	return e, nil
}

// operation names one operation of a service, for metrics and logs. Its methods
// are one expression each: serve, an interaction, a rule.
type operation struct{ service, name string }

// call is one call of an operation, on its way to the rules.
type call struct {
	*exchange
	operation operation
	caller    access.Caller
	freshness cluster.Freshness
	// position and age are sent with the answer: the newest of what was read or written
	// and the oldest of what was read. aged: something read was not linearizable, and its
	// age is known.
	position cluster.Position
	age      time.Duration
	aged     bool
}

// admission is a service's rules about the headers of a request and about who may
// make it, in the order in which the service's contract has them checked; identify
// is called where that order says so.
type admission func(header access.Headers, identify func() (access.Caller, error)) (access.Caller, error)

// run answers a call whose caller is identified.
type run func(ctx context.Context, c *call) (fhir.Answer, error)

// serve takes one call from its arrival to its answer: the same way for HTTP and
// gRPC.
func (e *Edge) serve(ctx context.Context, op operation, admit admission, answer run) (*httpbody.HttpBody, error) {
	x := exchangeOf(ctx)
	x.mirror()
	var body *httpbody.HttpBody
	failure := e.guard(ctx, x, op, func(ctx context.Context) error {
		select {
		case e.places <- struct{}{}:
			defer func() { <-e.places }()
		default:
			return ErrTooManyCalls
		}
		c := &call{exchange: x, operation: op}
		if err := e.admit(ctx, c, admit); err != nil {
			return err
		}
		a, err := answer(ctx, c)
		if err != nil {
			body, err = e.answerIssue(c, err)
			return err
		}
		body = c.reply(a)
		return nil
	})
	if failure != nil {
		return nil, failure
	}
	return body, nil
}

// admit identifies the caller and reads what the headers ask for.
func (e *Edge) admit(ctx context.Context, c *call, admit admission) (err error) {
	identify := func() (access.Caller, error) { return e.access.Identify(ctx, c.lookup) }
	if c.caller, err = admit(c.lookup, identify); err != nil {
		return err
	}
	c.freshness, err = freshnessOf(c.exchange)
	return err
}

// guard runs a piece of work with a deadline, counts it, and turns whatever goes
// wrong with it, a panic included, into the failure that is answered.
func (e *Edge) guard(ctx context.Context, x *exchange, op operation, work func(context.Context) error) (failure *Failure) {
	done := e.metrics.begin(op)
	defer func() {
		if p := recover(); p != nil {
			failure = e.fail(ctx, x, op, panicked(p))
		}
		x.failed = failure
		done(x)
	}()
	ctx, cancel := context.WithTimeout(ctx, syncWait(x.header(headerSyncWait), e.limits.Wait))
	defer cancel()
	if err := work(ctx); err != nil {
		return e.fail(ctx, x, op, err)
	}
	return nil
}

// answerIssue answers issues that are answers, such as TOO_MANY_MATCHES, which
// HTTP gives with 200; every other error stays one.
func (e *Edge) answerIssue(c *call, err error) (*httpbody.HttpBody, error) {
	failure := e.failer.fail(err)
	if failure.Status >= http.StatusBadRequest {
		return nil, failure
	}
	return c.reply(fhir.Answer{Status: failure.Status, Body: fhir.OutcomeJSON(failure.Issue)}), nil
}

// fail turns an error into the failure that is answered, and logs what is a fault
// of ours.
func (e *Edge) fail(ctx context.Context, x *exchange, op operation, err error) *Failure {
	failure := e.failer.fail(err)
	if failure.Fault {
		e.log.LogAttrs(ctx, slog.LevelError, "request failed", slog.String("code", failure.Name),
			slog.String("message_id", failure.MessageID), slog.String("service", op.service),
			slog.String("operation", op.name), slog.String("error", describe(failure.Cause)))
	}
	if failure.RetryAfter > 0 {
		x.answer("Retry-After", ageSeconds(failure.RetryAfter))
	}
	x.answer(headerCacheControl, "private, no-store")
	return failure
}

// describe is what may be logged of a fault: the types in its chain and our own
// texts, never the text of a foreign error, which may quote what it choked on.
func describe(err error) string {
	var p *panicError
	if errors.As(err, &p) {
		return p.place
	}
	text := ""
	for ; err != nil; err = errors.Unwrap(err) {
		text += fmt.Sprintf("%T ", err)
	}
	return text
}

// panicError is a recovered panic: where it was, without the value.
type panicError struct{ place string }

func (p *panicError) Error() string { return ErrPanic.Error() }
func (p *panicError) Unwrap() error { return ErrPanic }

// panicked keeps the type and the stack of a panic. Frames are printed with
// addresses, not contents, so no part of a request gets into the log by them.
func panicked(value any) error {
	return &panicError{fmt.Sprintf("panic of type %T\n%s", value, debug.Stack())}
}

// reply sets the headers of an answer and makes its body.
func (c *call) reply(a fhir.Answer) *httpbody.HttpBody {
	c.status = a.Status
	if a.Version != 0 {
		c.answer("Etag", fhir.ETag(a.Version))
	}
	c.answer(headerCacheControl, "private, no-store")
	if !c.position.IsZero() {
		c.answer(headerPosition, c.position.String())
	}
	if c.aged {
		c.answer("Age", ageSeconds(c.age))
	}
	for name, value := range a.Header {
		c.answer(name, value)
	}
	c.answer("Content-Length", strconv.Itoa(len(a.Body)))
	return &httpbody.HttpBody{ContentType: contentTypeFHIR, Data: a.Body}
}

// saw notes what a view showed, for the answer's headers.
func (c *call) saw(position cluster.Position, age time.Duration) {
	if c.position.IsZero() {
		c.position = position
	} else {
		c.position = c.position.Join(position)
	}
	if c.freshness.Level == cluster.Linearizable {
		return
	}
	if age == cluster.AgeUnknown || c.age == cluster.AgeUnknown {
		c.age, c.aged = cluster.AgeUnknown, false
		return
	}
	c.age, c.aged = max(c.age, age), true
}
