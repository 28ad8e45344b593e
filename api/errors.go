package api

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	"vertebra/api/access"
	"vertebra/api/demographics"
	"vertebra/api/fhir"
	"vertebra/cluster"
	"vertebra/index"
	"vertebra/storage/record"
)

// The errors of the edge itself.
var (
	// ErrTooManyCalls: as many calls are in progress as Limits.Concurrent allows.
	ErrTooManyCalls = errors.New("api: too many calls in progress")
	// ErrBodyTooLarge: a request body over its limit.
	ErrBodyTooLarge = errors.New("api: request body over the limit")
	// ErrBatchTooLarge: a batch or a list of names over its limit.
	ErrBatchTooLarge = errors.New("api: too many operations in one batch")
	// ErrQueryTooLong: path and query over their limit.
	ErrQueryTooLong = errors.New("api: path and query over the limit")
	// ErrMalformedQuery: a query string that cannot be decoded.
	ErrMalformedQuery = errors.New("api: malformed query")
	// ErrBodyUnread: the connection ended or stalled before the body was here.
	ErrBodyUnread = errors.New("api: request body incomplete")
	// ErrEncodedBody: a request body with a Content-Encoding. A small compressed body
	// becomes a large one, so none is unpacked.
	ErrEncodedBody = errors.New("api: encoded request bodies are not accepted")
	// ErrUnsupportedMethod: the path is a service's, the method is not.
	ErrUnsupportedMethod = errors.New("api: unsupported method")
	// ErrNoOperation: an operation of a batch, or a kind of record, that says nothing.
	ErrNoOperation = errors.New("api: empty or unknown operation")
	// ErrMayNotLoad: a caller without access.LoadScope put a person.
	ErrMayNotLoad = errors.New("api: the caller may not load records")
	// ErrPanic: a defect. What panicked is logged by its type and place only, since a value
	// may be a person's.
	ErrPanic = errors.New("api: panic")
)

// UnsupportedPathError is a path that no service has.
type UnsupportedPathError struct {
	// Path is the path behind the service's prefix.
	Path string
}

// Error implements error without the path, which may carry an NHS number.
func (e *UnsupportedPathError) Error() string { return "api: unsupported path" }

// Failure is an error as it is answered: over HTTP its OperationOutcome, over
// gRPC as a status with the OperationOutcome as its one detail.
type Failure struct {
	// Name is the row of the table: a stable code for logs and metrics.
	Name string
	// Status is the HTTP status.
	Status int
	// Code is the gRPC code.
	Code codes.Code
	// Issue is what the OperationOutcome says.
	Issue *fhir.Issue
	// RetryAfter is over 0 when the same request may be sent again after it.
	RetryAfter time.Duration
	// Cause is the error that was turned into this answer.
	Cause error
	// Fault: the fault is ours, so that it is logged as an error, under MessageID.
	Fault     bool
	MessageID string
}

// Error implements error.
func (f *Failure) Error() string { return f.Name }

// outcome is the OperationOutcome.
func (f *Failure) outcome() []byte { return fhir.OutcomeJSON(f.Issue) }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// GRPCStatus is what package status looks for.
func (f *Failure) GRPCStatus() *status.Status {
	s := status.New(f.Code, f.Issue.Error())
	detailed, err := s.WithDetails(protoadapt.MessageV1Of(&httpbody.HttpBody{
		ContentType: contentTypeFHIR, Data: f.outcome()}))
	if err != nil { // only for codes.OK, which no row has
		return s
	}
	return detailed
}

// row is how one error is answered.
type row struct {
	// name is the error as Go writes it.
	name string
	// is reports whether the row is for err.
	is func(err error) bool
	// issue makes the issue; its Status is the HTTP status. Faults are all answered as
	// an unknown error.
	issue func(err error) *fhir.Issue
	// code is the gRPC code; codes.OK means the one that belongs to the HTTP status.
	code codes.Code
	// retry is how long to wait before the same request is sent again, 0 for never. A
	// cluster.RetryError's own time goes before it.
	retry time.Duration
	// fault marks our own defects; they have no issue.
	fault bool
}

// errorTable is every error that can reach the edge and its answer: the one place
// where the two meet. The first row that is for an error counts.
func errorTable() []row {
	const soon, later = time.Second, 5 * time.Second
	return []row{
		{name: "fhir.Issue", is: is[*fhir.Issue], issue: ownIssue},
		{name: "fhir.SyntaxError", is: is[*fhir.SyntaxError], issue: malformed},
		{name: "access.Refusal", is: is[*access.Refusal], issue: refused},
		{name: "api.UnsupportedPathError", is: is[*UnsupportedPathError], issue: unsupportedPath},
		{name: "api.ErrUnsupportedMethod", is: equals(ErrUnsupportedMethod), issue: always(demographics.UnsupportedService())},
		{name: "api.ErrTooManyCalls", is: equals(ErrTooManyCalls), issue: always(tooManyRequests()), retry: soon},
		{name: "api.ErrBodyTooLarge", is: equals(ErrBodyTooLarge), issue: always(withStatus(http.StatusRequestEntityTooLarge, "too-long", "The request body is too large"))},
		{name: "api.ErrBatchTooLarge", is: equals(ErrBatchTooLarge), issue: always(withStatus(http.StatusRequestEntityTooLarge, "too-long", "The batch has too many operations"))},
		{name: "api.ErrQueryTooLong", is: equals(ErrQueryTooLong), issue: always(withStatus(http.StatusRequestURITooLong, "too-long", "The path and query are too long"))},
		{name: "api.ErrMalformedQuery", is: equals(ErrMalformedQuery), issue: always(withStatus(http.StatusBadRequest, "structure", "The query is malformed"))},
		{name: "api.ErrBodyUnread", is: equals(ErrBodyUnread), issue: always(withStatus(http.StatusBadRequest, "structure", "The request body is incomplete"))},
		{name: "api.ErrEncodedBody", is: equals(ErrEncodedBody), issue: always(encodedBody())},
		{name: "api.ErrNoOperation", is: equals(ErrNoOperation), issue: always(demographics.UnsupportedService())},
		{name: "api.ErrMayNotLoad", is: equals(ErrMayNotLoad), issue: always(mayNotLoad())},
		{name: "cluster.ErrBadPosition", is: equals(cluster.ErrBadPosition), issue: always(withStatus(http.StatusBadRequest, "value", "Invalid value in header 'Vertebra-Position'"))},
		{name: "cluster.ErrTooBroad", is: equals(cluster.ErrTooBroad), issue: always(demographics.TooManyMatches())},
		{name: "cluster.ErrOverloaded", is: equals(cluster.ErrOverloaded), issue: always(tooManyRequests()), retry: soon},
		{name: "cluster.ErrContended", is: equals(cluster.ErrContended), issue: always(demographics.ServiceUnavailable()), code: codes.Aborted, retry: soon},
		{name: "cluster.ErrUnavailable", is: equals(cluster.ErrUnavailable), issue: always(demographics.ServiceUnavailable()), retry: later},
		{name: "cluster.ErrOutcomeUnknown", is: equals(cluster.ErrOutcomeUnknown), issue: always(demographics.ServiceUnavailable()), retry: later},
		{name: "cluster.ErrStale", is: equals(cluster.ErrStale), issue: always(demographics.ServiceUnavailable()), retry: later},
		{name: "cluster.ErrClosed", is: equals(cluster.ErrClosed), issue: always(demographics.ServiceUnavailable()), retry: later},
		{name: "cluster.ErrNoNode", is: equals(cluster.ErrNoNode), fault: true},
		{name: "cluster.RetryError", is: is[*cluster.RetryError], issue: always(demographics.ServiceUnavailable()), retry: later},
		{name: "demographics.ClaimHeldError", is: is[*demographics.ClaimHeldError], issue: always(demographics.ServiceUnavailable()), code: codes.Aborted, retry: soon},
		{name: "demographics.ErrNumberTaken", is: equals(demographics.ErrNumberTaken), issue: always(demographics.ServiceUnavailable()), code: codes.Aborted, retry: soon},
		{name: "demographics.SupersededError", is: is[*demographics.SupersededError], fault: true},
		{name: "demographics.ErrNoNumber", is: equals(demographics.ErrNoNumber), fault: true},
		{name: "demographics.ErrCorruptClaim", is: equals(demographics.ErrCorruptClaim), code: codes.DataLoss, fault: true},
		{name: "demographics.ErrCorruptAttributes", is: equals(demographics.ErrCorruptAttributes), code: codes.DataLoss, fault: true},
		{name: "record.ErrTooLarge", is: equals(record.ErrTooLarge), issue: always(withStatus(http.StatusRequestEntityTooLarge, "too-long", "The record would be too large"))},
		{name: "context.DeadlineExceeded", is: equals(context.DeadlineExceeded), issue: always(demographics.ServiceUnavailable()), code: codes.DeadlineExceeded, retry: later},
		{name: "context.Canceled", is: equals(context.Canceled), issue: always(demographics.ServiceUnavailable()), code: codes.Canceled, retry: later},
		{name: "record.ErrCorrupt", is: equals(record.ErrCorrupt), code: codes.DataLoss, fault: true},
		{name: "index.ErrQueueFull", is: equals(index.ErrQueueFull), issue: always(tooManyRequests()), retry: soon},
		{name: "index.ErrClosed", is: equals(index.ErrClosed), issue: always(demographics.ServiceUnavailable()), retry: later},
		{name: "index.ErrFailed", is: equals(index.ErrFailed), issue: always(demographics.ServiceUnavailable()), retry: later},
		{name: "index.QueueFullError", is: is[*index.QueueFullError], issue: always(tooManyRequests()), retry: soon},
		{name: "index.ErrUnknownProfile", is: equals(index.ErrUnknownProfile), fault: true},
		{name: "index.ErrOutOfOrder", is: equals(index.ErrOutOfOrder), fault: true},
		{name: "fhir.PatchError", is: is[*fhir.PatchError], fault: true},
		{name: "index.ErrCorruptDocument", is: equals(index.ErrCorruptDocument), code: codes.DataLoss, fault: true},
		{name: "api.ErrPanic", is: equals(ErrPanic), fault: true},
	}
}

func is[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}

func equals(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func always(issue *fhir.Issue) func(error) *fhir.Issue {
	return func(error) *fhir.Issue { return issue }
}

func ownIssue(err error) *fhir.Issue {
	var issue *fhir.Issue
	errors.As(err, &issue)
	return issue
}

// failer turns errors into failures.
type failer struct {
	table  []row
	random io.Reader
}

// fail returns the failure for err. An error without a row is a defect, answered
// as an unknown error and never with its text.
func (f *failer) fail(err error) *Failure {
	var done *Failure
	if errors.As(err, &done) {
		return done
	}
	for _, r := range f.table {
		if r.is(err) {
			return f.failure(r, err)
		}
	}
	return f.failure(row{name: "unknown", fault: true}, err)
}

func (f *failer) failure(r row, err error) *Failure {
	failure := &Failure{Name: r.name, Code: r.code, RetryAfter: r.retry, Cause: err, Fault: r.fault}
	if r.fault {
		failure.MessageID = f.newMessageID()
		failure.Issue = demographics.UnknownError(failure.MessageID)
	} else {
		failure.Issue = r.issue(err)
	}
	failure.Status = failure.Issue.Status
	if failure.Code == codes.OK {
		failure.Code = codeOf(failure.Status)
	}
	var retry *cluster.RetryError
	if r.retry > 0 && errors.As(err, &retry) && retry.After > 0 {
		failure.RetryAfter = retry.After
	}
	return failure
}

// newMessageID returns what the log line of a fault and its answer share.
func (f *failer) newMessageID() string {
	var id [8]byte
	if _, err := io.ReadFull(f.random, id[:]); err != nil {
		return "none" // the answer counts for more than its id
	}
	return hex.EncodeToString(id[:])
}

// codeOf is the gRPC code that says what an HTTP status says.
func codeOf(httpStatus int) codes.Code {
	switch httpStatus {
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusForbidden:
		return codes.PermissionDenied
	case http.StatusNotFound:
		return codes.NotFound
	case http.StatusRequestTimeout:
		return codes.DeadlineExceeded
	case http.StatusConflict:
		return codes.Aborted
	case http.StatusPreconditionFailed:
		return codes.FailedPrecondition
	case http.StatusTooManyRequests, http.StatusRequestEntityTooLarge:
		return codes.ResourceExhausted
	case http.StatusServiceUnavailable:
		return codes.Unavailable
	}
	if httpStatus >= 500 {
		return codes.Internal
	}
	return codes.InvalidArgument
}
