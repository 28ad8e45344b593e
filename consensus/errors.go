package consensus

import (
	"errors"
	"fmt"
	"time"
)

// The errors of this package. After every one but ErrOutcomeUnknown nothing was
// changed and nothing will be.
var (
	// ErrOutcomeUnknown: the payload was proposed and nobody can say yet whether it was
	// or will be committed. Ask again under the same request id.
	ErrOutcomeUnknown = errors.New("consensus: outcome unknown")
	// ErrOverloaded: the queue of proposals is full. It comes as an *OverloadedError.
	ErrOverloaded = errors.New("consensus: overloaded")
	// ErrTooLarge: a payload that does not fit into one entry.
	ErrTooLarge = errors.New("consensus: payload too large")
	// ErrNotLeader: this node does not lead the group. It comes as a *NotLeaderError.
	ErrNotLeader = errors.New("consensus: not the leader")
	// ErrNotProved: this node may be the leader, but no majority confirmed it in time.
	ErrNotProved = errors.New("consensus: leadership not proved")
	// ErrClosed: the group was closed.
	ErrClosed = errors.New("consensus: group closed")
	// ErrFailed: the log or the state machine failed and the group stopped itself.
	ErrFailed = errors.New("consensus: group failed")
	// ErrCorrupt: bytes that this package did not write.
	ErrCorrupt = errors.New("consensus: corrupt entry")
	// ErrLogLost: the log does not hold what the state or a snapshot says was committed.
	ErrLogLost = errors.New("consensus: log lost entries")
)

// NotLeaderError says who leads, as far as this node knows; both fields are empty
// when it does not know. It wraps ErrNotLeader.
type NotLeaderError struct {
	LeaderID, LeaderAddress string
}

// Error implements error.
func (e *NotLeaderError) Error() string {
	if e.LeaderID == "" {
		return ErrNotLeader.Error() + "; no leader known"
	}
	return fmt.Sprintf("%v; the leader is %s at %s", ErrNotLeader, e.LeaderID, e.LeaderAddress)
}

// Unwrap returns ErrNotLeader.
func (e *NotLeaderError) Unwrap() error { return ErrNotLeader }

// OverloadedError says how long to wait before another try. It wraps ErrOverloaded.
type OverloadedError struct{ RetryAfter time.Duration }

// Error implements error.
func (e *OverloadedError) Error() string {
	return fmt.Sprintf("%v; retry after %v", ErrOverloaded, e.RetryAfter)
}

// Unwrap returns ErrOverloaded.
func (e *OverloadedError) Unwrap() error { return ErrOverloaded }

func outcomeUnknown(cause error) error { return fmt.Errorf("%w: %w", ErrOutcomeUnknown, cause) }
