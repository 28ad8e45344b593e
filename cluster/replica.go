package cluster

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"vertebra/consensus"
	"vertebra/consensus/transport"
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
	raft atomic.Pointer[consensus.Group]
	// server is this node's raft server id; peers is nil on a node that stands alone.
	server   string
	peers    peers
	index    *index.Engine // nil for the control group, which nobody searches
	profiles map[record.Table]*index.Profile
	clock    *clusterClock
	queue    *subjectQueue
	visible  visibleIndex
	// fed is the applied index up to which the search index has been given what changed. It
	// trails the store's own applied index for a moment.
	fed atomic.Uint64
	// matches is what the peers have of the log while this node leads; spread tells them
	// what became visible, and is nil on a node that stands alone.
	matches matches
	spread  func(term, marker, visible uint64)
	// link is the group's end of the transport; nil on a node that stands alone.
	link atomic.Pointer[transport.Group]
	// announced is the highest V that a leader has told this node.
	announced atomic.Uint64
	// freshAt is when, on this node's clock, the question was sent whose answer V has
	// reached; 0 is never.
	freshAt atomic.Int64
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

// tenure returns the term that this node leads the shard in and has established,
// with the index of its marker.
func (r *replica) tenure() (term, marker uint64, leading bool) {
	g := r.group()
	if g == nil {
		return 0, 0, false
	}
	return g.Tenure()
}

// expose raises V: to what is applied, if this node is the established leader of
// the present term, and otherwise to what a leader announced, as far as that is applied
// here. The term is read after the applied index: a deposed leader that
// has become a follower of a later term must not expose that term's entries under its
// own (READ-LEASES.md P6, the planted bug `noterm`). The index has been given what
// becomes visible before; it may put it into bleve only after.
//
// It is called from the apply loop and when leadership is established, so what it
// exposes is what the index was fed, not what the store has applied: between the
// two, V would be raised over updates that no search can find yet.
func (r *replica) expose() {
	to := r.fed.Load()
	term, marker, leading := r.tenure()
	if !leading {
		to = min(to, r.announced.Load())
	}
	if r.visible.raise(to) && leading && r.spread != nil {
		r.spread(term, marker, to)
	}
	if r.index != nil {
		r.index.Advance(uint16(r.id), to)
	}
}

// announce is told the leader's visible index.
func (r *replica) announce(visible uint64) {
	for {
		have := r.announced.Load()
		if have >= visible {
			return
		}
		if r.announced.CompareAndSwap(have, visible) {
			r.expose()
			return
		}
	}
}

// freshened notes that what is visible now is at least what the leader showed to a
// question sent at a time.
func (r *replica) freshened(asked time.Time) {
	for {
		have := r.freshAt.Load()
		if have >= asked.UnixNano() || r.freshAt.CompareAndSwap(have, asked.UnixNano()) {
			return
		}
	}
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
	case err == nil:
		return nil
	case errors.Is(err, consensus.ErrNotLeader):
		return errNotLeader
	case errors.Is(err, consensus.ErrTooLarge):
		return record.ErrTooLarge
	case errors.Is(err, consensus.ErrClosed):
		return ErrClosed
	}
	return errors.Join(retry(ErrUnavailable, time.Second), err)
}
