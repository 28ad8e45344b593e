package transport

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// callResult is what came of a call.
type callResult struct {
	body []byte
	err  error
}

// Call asks a peer's OnCall and returns its answer. Bodies are at most
// Limits.CallBytes; small ones go ahead of log entries. The kind is the caller's to
// choose. The deadline travels with the call; without one it is Timing.Append.
func (n *Node) Call(ctx context.Context, to raft.ServerID, kind byte, body []byte) ([]byte, error) {
	if len(body) > n.config.Limits.CallBytes {
		return nil, fmt.Errorf("%w: call of %d bytes", ErrTooLarge, len(body))
	}
	p, err := n.peer(to)
	if err != nil {
		return nil, err
	}
	s, err := p.connect(ctx)
	if err != nil {
		return nil, err
	}
	timeout := n.config.Timing.Append
	if deadline, ok := ctx.Deadline(); ok {
		timeout = time.Until(deadline)
	}
	result := make(chan callResult, 1)
	id, err := s.request(kindCall, 0, timeout,
		func(b []byte) []byte { return encodeCall(b, kind, timeout, body) },
		func(f frame, err error) {
			err = f.answered(kindCallAnswer, err)
			result <- callResult{append([]byte(nil), f.body...), err}
		})
	if err != nil {
		return nil, err
	}
	select {
	case r := <-result:
		if r.err != nil {
			return nil, r.err
		}
		return r.body, nil
	case <-ctx.Done():
		s.calls.remove(id)
		return nil, ctx.Err()
	}
}

// A call's body: kind, 1 byte | milliseconds left | the caller's bytes.
func encodeCall(buf []byte, kind byte, timeout time.Duration, payload []byte) []byte {
	buf = binary.AppendUvarint(append(buf, kind), uint64(max(timeout.Milliseconds(), 1)))
	return append(buf, payload...)
}

func decodeCall(data []byte) (kind byte, timeout time.Duration, payload []byte, err error) {
	b := body{rest: data}
	kind = b.byte()
	ms := min(b.uint(), uint64(24*time.Hour/time.Millisecond))
	return kind, time.Duration(ms) * time.Millisecond, b.rest, b.err
}

func (s *session) receiveCall(f frame) error {
	kind, timeout, payload, err := decodeCall(f.body)
	if err != nil {
		return err
	}
	if s.node.config.OnCall == nil {
		s.refuse(0, f.id, refusedUnsupported, "")
		return nil
	}
	select {
	case s.serving <- struct{}{}:
	default:
		s.refuse(0, f.id, refusedBusy, "")
		return nil
	}
	payload = append([]byte(nil), payload...)
	s.node.run(func() {
		defer func() { <-s.serving }()
		s.serveCall(f.id, kind, timeout, payload)
	})
	return nil
}

func (s *session) serveCall(id uint64, kind byte, timeout time.Duration, payload []byte) {
	ctx, cancel := context.WithTimeout(s.ctx, timeout)
	defer cancel()
	answer, err := s.node.config.OnCall(ctx, s.link.peer, kind, payload)
	switch {
	case err != nil:
		s.refuse(0, id, refusedFailed, err.Error())
	case len(answer) > s.node.config.Limits.CallBytes:
		s.refuse(0, id, refusedFailed, ErrTooLarge.Error())
	default:
		s.answer(kindCallAnswer, 0, id, func(b []byte) []byte { return append(b, answer...) })
	}
}
