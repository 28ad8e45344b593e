package membership

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"
)

// maxFounders bounds Config.Expect.
const maxFounders = 255

// announceTimeout bounds the wait until a change of the card has gone out; gossip
// repeats it anyway.
const announceTimeout = time.Second

// The errors of founding.
var (
	// ErrNotFounding: this node's Config.Expect says that it founds no cluster of this size.
	ErrNotFounding = errors.New("membership: this node founds no cluster of this size")
	// ErrFounded: there is a cluster already. Ask it to be let in; it may have a place for
	// this node, which crashed while it was founded.
	ErrFounded = errors.New("membership: a cluster is there already")
)

// WaitForExpected waits until n founders, this one among them, see each other and have
// settled on one list, and returns it by id: the same on all of them. They are the n
// smallest ids of the nodes with the same Config.Expect; a node that is not among them
// waits until the context ends, or a node says that it belongs to a cluster. Call it
// from one goroutine at a time.
//
// Two steps keep two lists from both being settled on. A node votes for a list once
// all on it see just this list, and never for another; the list stands once all on it
// voted for it. Two lists that share a node cannot both stand. See DESIGN.md for what
// else prevents two foundings.
func (g *Gossip) WaitForExpected(ctx context.Context, n int) ([]Member, error) {
	if n < 1 || n != g.config.Expect {
		return nil, fmt.Errorf("%w: %d, not %d", ErrNotFounding, n, g.config.Expect)
	}
	for {
		members, plans, changed := g.table.snapshot()
		founders := foundersOf(members, plans, n, g.config.Node.ID)
		mine := g.voice.founding()
		if next := mine.settle(founders, plans); next != mine {
			if next.vote != mine.vote {
				g.voted = founders
			}
			g.announce(next)
			continue
		}
		switch {
		case mine.stands(g.voted, plans):
			return g.voted, nil
		case foundedElsewhere(mine, plans):
			return nil, ErrFounded
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("membership: %d of %d founders: %w", len(founders), n, ctx.Err())
		case <-g.closed:
			return nil, ErrClosed
		}
	}
}

// SetFounded tells the others that this node belongs to a cluster, so that nobody
// founds another. Call it when the control group is durable here.
func (g *Gossip) SetFounded() {
	f := g.voice.founding()
	f.founded = true
	g.announce(f)
}

// settle is the next thing that this node says: whom it sees, and its one vote.
func (f founding) settle(founders []Member, plans map[string]founding) founding {
	f.seen = 0
	if uint64(len(founders)) == f.expect {
		f.seen = digest(founders)
	}
	agreed := f.seen != 0
	for _, m := range founders {
		agreed = agreed && plans[m.ID].seen == f.seen
	}
	if agreed && f.vote == 0 {
		f.vote = f.seen
	}
	return f
}

// stands reports whether all have voted as this node has. One that has founded by that
// vote had seen so.
func (f founding) stands(voted []Member, plans map[string]founding) bool {
	if f.vote == 0 {
		return false
	}
	all := !slices.ContainsFunc(voted, func(m Member) bool { return plans[m.ID].vote != f.vote })
	return all || founded(plans, func(vote uint64) bool { return vote == f.vote })
}

// foundedElsewhere: a node belongs to a cluster that this one has not voted for and
// does not see the founders of.
func foundedElsewhere(f founding, plans map[string]founding) bool {
	return founded(plans, func(vote uint64) bool { return vote == 0 || vote != f.seen && vote != f.vote })
}

func founded(plans map[string]founding, by func(vote uint64) bool) bool {
	for _, plan := range plans {
		if plan.founded && by(plan.vote) {
			return true
		}
	}
	return false
}

// foundersOf lists the n smallest ids of the live nodes that found a cluster of n, if
// this one is among them.
func foundersOf(members []Member, plans map[string]founding, n int, self string) (founders []Member) {
	for _, m := range members { // by id
		if m.Liveness == Alive && plans[m.ID].expect == uint64(n) && len(founders) < n {
			founders = append(founders, m)
		}
	}
	if !slices.ContainsFunc(founders, func(m Member) bool { return m.ID == self }) {
		return nil
	}
	return founders
}

// digest is a number for a list of servers, never 0.
func digest(founders []Member) uint64 {
	h := fnv.New64a()
	for _, m := range founders {
		_, _ = h.Write(appendText(appendText(nil, m.ID), m.Incarnation)) // never fails
	}
	return cmp.Or(h.Sum64(), 1)
}

// announce says how far the founding has come here. It is gossiped again and again, so
// that it was not sent in time does not matter.
func (g *Gossip) announce(f founding) {
	g.voice.change(func(c *card) { c.founding = f })
	if err := g.list.UpdateNode(announceTimeout); err != nil {
		g.config.Logger.Debug("founding announced late", "error", err)
	}
}
