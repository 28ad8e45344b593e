package consensus

import (
	"context"
	"errors"

	"github.com/hashicorp/raft"
)

// lanes is how many entries can be under way at once.
const lanes = 2

// Applied is what became of a payload: the entry in which it was committed, its
// place among the entry's payloads, and what the state machine said.
type Applied struct {
	Index, Term uint64
	Ordinal     int
	Result      any
}

// Propose has a payload committed and applied and returns the state machine's
// result. Concurrent callers share entries; there is no order between them. Safe
// for concurrent use.
//
// It returns ErrNotLeader, ErrOverloaded, ErrTooLarge, ErrClosed, ErrFailed or the
// context's error when nothing was proposed, and ErrOutcomeUnknown, wrapping the
// reason, when nobody can tell.
func (g *Group) Propose(ctx context.Context, p Proposal) (Applied, error) {
	if err := ctx.Err(); err != nil {
		return Applied{}, err
	}
	if !g.IsLeader() {
		return Applied{}, g.refusal()
	}
	waiter, err := g.queue.push(p)
	if err != nil {
		return Applied{}, err
	}
	select {
	case a := <-waiter.answer:
		g.queue.recycle(waiter)
		return a.applied, a.err
	case <-ctx.Done():
		return g.abandon(waiter, ctx.Err())
	case <-g.dead:
		return g.abandon(waiter, ErrClosed)
	}
}

// abandon gives a proposal up. One that has been taken along may still be
// committed, and its waiter cannot be used again: an answer may yet come.
func (g *Group) abandon(waiter *pending, cause error) (Applied, error) {
	if g.queue.withdraw(waiter) {
		g.queue.recycle(waiter)
		return Applied{}, cause
	}
	select {
	case a := <-waiter.answer:
		g.queue.recycle(waiter)
		return a.applied, a.err
	default:
		return Applied{}, outcomeUnknown(cause)
	}
}

// runLane sends one entry after the other.
func (g *Group) runLane() {
	var pack []*pending
	var proposals []Proposal
	for {
		var ok bool
		if pack, ok = g.queue.take(pack[:0]); !ok {
			return
		}
		proposals = g.send(pack, proposals[:0])
		g.queue.landed()
		clear(pack)
		clear(proposals)
	}
}

// send proposes a pack as one entry and answers each of its proposals.
func (g *Group) send(pack []*pending, proposals []Proposal) []Proposal {
	size := entryHeaderSize
	for _, p := range pack {
		proposals = append(proposals, p.proposal)
		size += p.proposal.size()
	}
	data := appendEntry(make([]byte, 0, size), proposals)
	done := g.observePack(len(pack), len(data))
	entry, err := g.agree(data)
	done()
	for i, p := range pack {
		if err != nil {
			p.answer <- answer{err: err}
			continue
		}
		p.answer <- answer{applied: Applied{entry.index, entry.term, i, entry.results[i]}}
	}
	return proposals
}

// agree has one entry committed and applied. A transfer of leadership refuses
// entries for a moment without ending the leader's term: those are tried again.
func (g *Group) agree(data []byte) (*appliedEntry, error) {
	deadline := g.clock.Now().Add(g.limits.TransferWait)
	for {
		future := g.raft.Apply(data, 0)
		err := future.Error()
		if !errors.Is(err, raft.ErrLeadershipTransferInProgress) || !g.clock.Now().Before(deadline) {
			return g.outcome(future, err)
		}
		select {
		case <-g.clock.After(retryPause):
		case <-g.closing:
			return nil, g.refusal()
		}
	}
}

// outcome turns raft's answer into ours. Only two of raft's errors say that the
// entry is not in the log; every other may leave it there for a later leader to
// commit, a failed write of the leader's own log included.
func (g *Group) outcome(future raft.ApplyFuture, err error) (*appliedEntry, error) {
	switch {
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return nil, g.refusal()
	case err != nil:
		return nil, outcomeUnknown(err)
	}
	switch response := future.Response().(type) {
	case *appliedEntry:
		return response, nil
	case error:
		return nil, outcomeUnknown(response)
	default:
		return nil, outcomeUnknown(errors.New("consensus: entry committed but not applied here"))
	}
}

// refusal says why nothing can be proposed here now.
func (g *Group) refusal() error {
	if err := g.over(); err != nil {
		return err
	}
	id, address := g.Leader()
	return &NotLeaderError{LeaderID: id, LeaderAddress: address}
}
