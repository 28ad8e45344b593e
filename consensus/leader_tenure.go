package consensus

import (
	"context"
	"sync"

	"github.com/hashicorp/raft"
)

// tenure is the term that this node has established: it became leader in it and
// its marker, a command without payloads, was applied here. Then everything that
// any earlier leader acknowledged is applied here too.
//
// The marker is a command and not a raft barrier, because the state machine never
// sees a barrier and so could never report its index.
type tenure struct {
	mu      sync.Mutex
	term    uint64 // 0: none
	index   uint64 // the marker's
	changed chan struct{}
}

func (t *tenure) get() (term, index uint64, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.term, t.index, t.changed
}

// set replaces the tenure, wakes who waits for it and returns the term before.
func (t *tenure) set(term, index uint64) (before uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before, t.term, t.index = t.term, term, index
	close(t.changed)
	t.changed = make(chan struct{})
	return before
}

// followLeadership establishes each term that raft says was won. Raft tells of
// every change, in order, and waits when the channel is full.
func (g *Group) followLeadership() {
	for {
		select {
		case won := <-g.notify:
			g.resign()
			if won {
				g.establish()
			}
		case <-g.closing:
			g.resign()
			return
		}
	}
}

func (g *Group) resign() {
	if before := g.tenure.set(0, 0); before != 0 && g.config.Hooks.OnLeadership != nil {
		g.config.Hooks.OnLeadership(false, before)
	}
}

// establish commits a marker for as long as this node leads. The term that counts
// is the one in which the marker was committed, whatever has happened since.
func (g *Group) establish() {
	for g.IsLeader() && g.over() == nil {
		entry, err := g.agree(appendEntry(nil, nil))
		if err != nil {
			g.logger.Debug("marker not committed", "error", err)
			select {
			case <-g.clock.After(retryPause):
			case <-g.closing:
			}
			continue
		}
		g.tenure.set(entry.term, entry.index)
		g.logger.Info("term established", "term", entry.term, "index", entry.index)
		if g.config.Hooks.OnLeadership != nil {
			g.config.Hooks.OnLeadership(true, entry.term)
		}
		return
	}
}

// Established returns the term that this node has established and the index of
// its marker there; ok is false when it has none or is in another term by now.
//
// What a read needs of it: everything acknowledged in earlier terms lies below the
// index, so a reader after ProveLeader must read at or above it.
func (g *Group) Established() (term, index uint64, ok bool) {
	term, index, _ = g.tenure.get()
	return term, index, term != 0 && term == g.raft.CurrentTerm()
}

// AwaitLeadership returns when this node has established a term: soon after the
// start for a lone voter. It returns the context's error, ErrClosed or ErrFailed.
func (g *Group) AwaitLeadership(ctx context.Context) error {
	for {
		if err := g.over(); err != nil {
			return err
		}
		term, _, changed := g.tenure.get()
		if term != 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-g.closing:
		}
	}
}

// awaitTenure waits while this node leads and has not established its term yet.
func (g *Group) awaitTenure(ctx context.Context) (uint64, error) {
	for {
		term, _, changed := g.tenure.get()
		if g.raft.State() != raft.Leader || g.over() != nil {
			return 0, g.refusal()
		}
		if term != 0 && term == g.raft.CurrentTerm() {
			return term, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, notProved(ctx.Err())
		case <-g.closing:
			return 0, g.refusal()
		}
	}
}
