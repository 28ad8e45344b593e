package cluster

import (
	"encoding/binary"
	"errors"
	"time"

	"vertebra/storage/record"
)

// errPeerCodec: bytes of another node that are not an answer of this protocol.
var errPeerCodec = errors.New("cluster: malformed answer of a peer")

// verdict is how a leader answers a peer's call: what became of it, in one byte.
type verdict byte

const (
	verdictDone verdict = iota + 1
	// verdictNotLeader: nothing was done; another node leads, or none.
	verdictNotLeader
	verdictOverloaded
	verdictUnavailable
	// verdictUnknown: it was proposed and nobody can say what became of it.
	verdictUnknown
	verdictTooLarge
)

// verdictOf is what a peer is told of an error of propose or prove.
func verdictOf(err error) verdict {
	switch {
	case err == nil:
		return verdictDone
	case errors.Is(err, ErrOutcomeUnknown):
		return verdictUnknown
	case errors.Is(err, ErrOverloaded):
		return verdictOverloaded
	case errors.Is(err, record.ErrTooLarge):
		return verdictTooLarge
	case errors.Is(err, errNotLeader):
		return verdictNotLeader
	}
	return verdictUnavailable
}

// err is the error that the peer's caller gets.
func (v verdict) err() error {
	switch v {
	case verdictDone:
		return nil
	case verdictNotLeader:
		return errNotLeader
	case verdictOverloaded:
		return retry(ErrOverloaded, time.Second)
	case verdictUnknown:
		return ErrOutcomeUnknown
	case verdictTooLarge:
		return record.ErrTooLarge
	}
	return retry(ErrUnavailable, time.Second)
}

// appendResult encodes the result of a proposal.
func appendResult(b []byte, r record.Result) []byte {
	b = binary.AppendUvarint(b, r.Index)
	b = binary.AppendUvarint(b, uint64(r.Ordinal))
	b = binary.AppendUvarint(b, r.ReplayIndex)
	switch {
	case r.Conflict != nil:
		// Which record it was does not matter to who asked: the decision is taken again.
		return binary.AppendUvarint(append(b, 'c'), r.Conflict.Have)
	case r.Replay != nil:
		return r.Replay.AppendBinary(append(b, 'r'))
	}
	return append(b, 'd')
}

// cutResult is the inverse of appendResult.
func cutResult(b []byte) (r record.Result, err error) {
	var ordinal uint64
	for _, field := range []*uint64{&r.Index, &ordinal, &r.ReplayIndex} {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return record.Result{}, errPeerCodec
		}
		*field, b = v, b[n:]
	}
	r.Ordinal = int(ordinal)
	if len(b) == 0 {
		return record.Result{}, errPeerCodec
	}
	kind, b := b[0], b[1:]
	switch kind {
	case 'd':
		if len(b) != 0 {
			return record.Result{}, errPeerCodec
		}
	case 'c':
		have, n := binary.Uvarint(b)
		if n <= 0 || n != len(b) {
			return record.Result{}, errPeerCodec
		}
		r.Conflict = &record.Conflict{Have: have}
	case 'r':
		outcome, err := record.DecodeOutcome(b)
		if err != nil {
			return record.Result{}, errors.Join(errPeerCodec, err)
		}
		r.Replay = &outcome
	default:
		return record.Result{}, errPeerCodec
	}
	return r, nil
}
