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
	mu        sync.Mutex
	term      uint64 // 0: none
	index     uint64 // the marker's
	announced bool   // OnLeadership knows: readers may be let in
	changed   chan struct{}
}

func (t *tenure) get() (term, index uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.term, t.index
}

// announcement returns the term that readers may be let in to, 0 for none, and
// what is closed when that changes.
func (t *tenure) announcement() (term uint64, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.announced {
		return 0, t.changed
	}
	return t.term, t.changed
}

// begin says that a term is established.
func (t *tenure) begin(term, index uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.term, t.index = term, index
}

// announce lets readers in.
func (t *tenure) announce() { t.wake(func() { t.announced = true }) }

// end returns the term that was established until now, 0 for none.
func (t *tenure) end() (before uint64) {
	t.wake(func() {
		before = t.term
		t.term, t.index, t.announced = 0, 0, false
	})
	return before
}

func (t *tenure) wake(change func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change()
	close(t.changed)
	t.changed = make(chan struct{})
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
	if before := g.tenure.end(); before != 0 && g.config.OnLeadership != nil {
		g.config.OnLeadership(false, before)
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
		g.tenure.begin(entry.term, entry.index)
		g.logger.Info("term established", "term", entry.term, "index", entry.index)
		if g.config.OnLeadership != nil {
			g.config.OnLeadership(true, entry.term)
		}
		g.tenure.announce()
		return
	}
}

// Established tells whether this node has established the term that it is in now.
// The term is read in the call: to use the answer for something applied, look that
// up before.
func (g *Group) Established() bool {
	_, _, ok := g.Tenure()
	return ok
}

// Tenure returns the term that this node has established and the index of its
// marker there; ok is false when it has none or is in another term by now.
//
// What a read needs of it: everything acknowledged in earlier terms lies below the
// marker, so a reader after ProveLeader must read at or above it. Who raises what is
// visible to AppliedIndex in OnLeadership has done that.
func (g *Group) Tenure() (term, marker uint64, ok bool) {
	term, marker = g.tenure.get()
	return term, marker, term != 0 && term == g.raft.CurrentTerm()
}

// AwaitLeadership returns when this node has established a term: soon after the
// start for a lone voter. It returns the context's error, ErrClosed or ErrFailed.
func (g *Group) AwaitLeadership(ctx context.Context) error {
	for {
		if err := g.over(); err != nil {
			return err
		}
		term, changed := g.tenure.announcement()
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
		term, changed := g.tenure.announcement()
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
