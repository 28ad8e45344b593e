package cluster

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"vertebra/consensus"
	"vertebra/index"
	"vertebra/storage"
	"vertebra/storage/record"
)

// replica is this node's copy of one shard: its state, its place in the raft
// group, and what of it may be seen.
type replica struct {
	id         ShardID
	generation uint32
	state      *storage.Shard
	// raft is nil until consensus.Open returned: entries may be applied before.
	raft     atomic.Pointer[consensus.Group]
	index    *index.Engine // nil for the control group, which nobody searches
	profiles map[record.Table]*index.Profile
	clock    *clusterClock
	queue    *subjectQueue
	visible  visibleIndex
	// fed is the applied index up to which the search index has been given what changed. It
	// trails the store's own applied index for a moment.
	fed atomic.Uint64
	// changes counts the mutations applied since the start.
	changes atomic.Uint64
	// follow is called with each applied mutation, from the apply loop; the control group's
	// replica keeps the node's settings current with it.
	follow func(*record.Mutation)
}

func (r *replica) group() *consensus.Group { return r.raft.Load() }

// established reports whether this node leads the shard and has applied what
// earlier leaders acknowledged.
func (r *replica) established() bool {
	g := r.group()
	return g != nil && g.Established()
}

// expose raises V to what is applied, if this node is the established leader of
// the present term. The term is read after the applied index: a deposed leader that
// has become a follower of a later term must not expose that term's entries under its
// own (READ-LEASES.md P6, the planted bug `noterm`). The index has been given what
// becomes visible before; it may put it into bleve only after.
//
// It is called from the apply loop and when leadership is established, so what it
// exposes is what the index was fed, not what the store has applied: between the
// two, V would be raised over updates that no search can find yet.
func (r *replica) expose() {
	to := r.fed.Load()
	if !r.established() {
		return
	}
	r.visible.raise(to)
	if r.index != nil {
		r.index.Advance(uint16(r.id), to)
	}
}

// awaitEstablished waits until this node may serve the shard as its leader.
func (r *replica) awaitEstablished(ctx context.Context) error {
	if r.established() {
		return nil
	}
	return r.prove(ctx)
}

// prove returns when this node has proved that it leads the shard, at a moment
// after the call began, and everything acknowledged before that moment is visible.
func (r *replica) prove(ctx context.Context) error {
	if _, err := r.group().ProveLeader(ctx); err != nil {
		return fromConsensus(err)
	}
	return nil // OnLeadership raised V to the marker of the term before the first proof in it
}

// admit waits while the search index is behind by more than its queue may hold.
func (r *replica) admit(ctx context.Context) error {
	if r.index == nil {
		return nil
	}
	return fromIndex(r.index.Admit(ctx))
}

// fromIndex turns the errors of index into this package's.
func fromIndex(err error) error {
	var full *index.QueueFullError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &full):
		return retry(ErrOverloaded, full.RetryAfter)
	case errors.Is(err, index.ErrClosed):
		return ErrClosed
	case errors.Is(err, index.ErrFailed):
		return errors.Join(retry(ErrUnavailable, time.Second), err)
	}
	return err
}

// fromConsensus turns the errors of consensus into this package's.
func fromConsensus(err error) error {
	var full *consensus.OverloadedError
	switch {
	case errors.Is(err, consensus.ErrOutcomeUnknown):
		return errors.Join(ErrOutcomeUnknown, err)
	case errors.As(err, &full):
		return retry(ErrOverloaded, full.RetryAfter)
	case errors.Is(err, consensus.ErrTooLarge):
		return record.ErrTooLarge
	case errors.Is(err, consensus.ErrClosed):
		return ErrClosed
	}
	return errors.Join(retry(ErrUnavailable, time.Second), err)
}
