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

// ErrNotFounding: this node's Config.Expect says that it founds no cluster of this size.
var ErrNotFounding = errors.New("membership: this node founds no cluster of this size")

// WaitForExpected waits until n founders, this one among them, see each other and have
// settled on one list, and returns it by id: the same on all of them. They are the n
// smallest ids of the nodes with the same Config.Expect; a node that is not among them
// waits until the context ends.
//
// Two steps keep two lists from both being settled on. A node votes for a list once
// all on it see just this list, and never for another; the list stands once all on it
// voted for it. Two lists that share a node cannot both stand. See DESIGN.md for what
// else prevents two foundings.
func (g *Gossip) WaitForExpected(ctx context.Context, n int) ([]Member, error) {
	if n < 1 || n != g.config.Expect {
		return nil, fmt.Errorf("%w: %d, not %d", ErrNotFounding, n, g.config.Expect)
	}
	var mine founding
	mine.expect = uint64(n)
	for {
		members, plans, changed := g.table.snapshot()
		founders := foundersOf(members, plans, n, g.config.Node.ID)
		next := mine.settle(founders, plans)
		if next != mine {
			mine = next
			g.announce(mine)
			continue
		}
		if mine.vote != 0 && mine.vote == digest(founders) && allVoted(founders, plans, mine.vote) {
			return founders, nil
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

func allVoted(founders []Member, plans map[string]founding, vote uint64) bool {
	return !slices.ContainsFunc(founders, func(m Member) bool { return plans[m.ID].vote != vote })
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
