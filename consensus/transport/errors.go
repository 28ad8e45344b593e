package transport

import (
	"errors"
	"fmt"

	"github.com/hashicorp/raft"
)

// The errors of this package. None says that the peer has not received the message,
// but ErrPeerDown, ErrPeerBusy and ErrTooLarge when they come from this node's own side.
var (
	// ErrPeerDown: there is no connection to the peer and the last try was a moment ago,
	// or the try failed.
	ErrPeerDown = errors.New("transport: peer is down")
	// ErrPeerBusy: a bounded queue, here or at the peer, is full.
	ErrPeerBusy = errors.New("transport: peer is busy")
	// ErrPeerLost: the connection ended before the answer.
	ErrPeerLost = errors.New("transport: connection to the peer lost")
	// ErrTimeout: the peer is connected and did not answer in time.
	ErrTimeout = errors.New("transport: no answer in time")
	// ErrWrongPeer: somebody else answered or called than was expected. It comes as a
	// *WrongPeerError.
	ErrWrongPeer = errors.New("transport: wrong peer")
	// ErrUnknownGroup: the peer has no such group, or not yet.
	ErrUnknownGroup = errors.New("transport: group unknown to the peer")
	// ErrGroupExists: the group was already taken on this node and not given back.
	ErrGroupExists = errors.New("transport: group exists")
	// ErrUnsupported: the peer does not know this kind of message.
	ErrUnsupported = errors.New("transport: kind of message unknown to the peer")
	// ErrTooLarge: a message over the limit of its kind.
	ErrTooLarge = errors.New("transport: message too large")
	// ErrInsecure: a connection without certificates to or from another machine.
	ErrInsecure = errors.New("transport: no plain connection beyond this machine")
	// ErrCorrupt: bytes that no peer of ours writes. The connection is closed.
	ErrCorrupt = errors.New("transport: corrupt frame")
	// ErrClosed: the node or the group's handle was closed.
	ErrClosed = errors.New("transport: closed")
	// ErrRemote: the peer's handler failed. It comes as a *RemoteError.
	ErrRemote = errors.New("transport: the peer failed")
)

// WrongPeerError says who was expected and who was there. It wraps ErrWrongPeer.
type WrongPeerError struct {
	Want, Got raft.ServerID
	Reason    string
}

// Error implements error.
func (e *WrongPeerError) Error() string {
	return fmt.Sprintf("%v: want %q, got %q: %s", ErrWrongPeer, e.Want, e.Got, e.Reason)
}

// Unwrap returns ErrWrongPeer.
func (e *WrongPeerError) Unwrap() error { return ErrWrongPeer }

// RemoteError is the text of an error at the peer. It wraps ErrRemote.
type RemoteError struct{ Text string }

// Error implements error.
func (e *RemoteError) Error() string { return ErrRemote.Error() + ": " + e.Text }

// Unwrap returns ErrRemote.
func (e *RemoteError) Unwrap() error { return ErrRemote }

// refusal is why a peer did not act on a frame. The numbers are on the wire.
type refusal byte

const (
	refusedNothing refusal = iota
	refusedUnknownGroup
	refusedBusy
	refusedClosed
	refusedUnsupported
	refusedFailed
	refusals // how many there are
)

func (r refusal) String() string {
	names := [...]string{"none", "unknown group", "busy", "closed", "unsupported", "failed"}
	if int(r) >= len(names) {
		return fmt.Sprintf("refusal %d", byte(r))
	}
	return names[r]
}

// err is what the caller gets.
func (r refusal) err(text string) error {
	switch r {
	case refusedUnknownGroup:
		return ErrUnknownGroup
	case refusedBusy:
		return fmt.Errorf("%w: refused there", ErrPeerBusy)
	case refusedClosed:
		return fmt.Errorf("%w there", ErrClosed)
	case refusedUnsupported:
		return ErrUnsupported
	default:
		return &RemoteError{text}
	}
}
