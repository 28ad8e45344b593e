package cluster

import (
	"errors"
	"fmt"
	"time"
)

// The errors of this package. Each is turned into an answer in one place, the
// table of package api.
var (
	// ErrUnavailable: the shard has no leader that can be proved now. Nothing was changed.
	ErrUnavailable = errors.New("cluster: shard unavailable")
	// ErrOverloaded: a bounded queue is full. Nothing was changed.
	ErrOverloaded = errors.New("cluster: overloaded")
	// ErrOutcomeUnknown: the change was proposed and nobody can say yet whether it was made.
	// Retry with the same request id. Never treat it as a failure.
	ErrOutcomeUnknown = errors.New("cluster: outcome unknown")
	// ErrContended: other writers changed what the decision read, several times in a row.
	// Nothing was changed.
	ErrContended = errors.New("cluster: too many conflicting writers")
	// ErrStale: no replica that can be reached is as fresh as was asked for.
	ErrStale = errors.New("cluster: no replica is fresh enough")
	// ErrBadPosition: a position that this cluster did not hand out.
	ErrBadPosition = errors.New("cluster: malformed position")
	// ErrTooBroad: a search would have to look at more candidates than is allowed.
	ErrTooBroad = errors.New("cluster: search too broad")
	// ErrClosed: the node is shutting down.
	ErrClosed = errors.New("cluster: node closed")
)

// RetryError wraps ErrUnavailable, ErrOverloaded or ErrContended with how long a
// caller should wait before it tries again.
type RetryError struct {
	Err   error
	After time.Duration
}

// Error implements error.
func (e *RetryError) Error() string { return fmt.Sprintf("%v; retry after %v", e.Err, e.After) }

// Unwrap returns the wrapped error.
func (e *RetryError) Unwrap() error { return e.Err }

func retry(err error, after time.Duration) error { return &RetryError{Err: err, After: after} }
