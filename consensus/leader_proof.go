package consensus

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/raft"
)

// ProveLeader returns the term of which this node was certainly the leader at a
// moment after the call began. Two things make it certain: the node has established
// the term (see Tenure), and a majority of the voters, itself included, was in
// exactly that term when asked after the call began. A later leader would have
// needed a majority to make a higher term durable first.
//
// With one voter it asks nobody. Otherwise callers share rounds: one that arrives
// when Limits.ProofRounds are under way joins the next.
//
// It returns ErrNotLeader, ErrNotProved when no majority answered in time, or
// ErrClosed.
func (g *Group) ProveLeader(ctx context.Context) (uint64, error) {
	term, err := g.awaitTenure(ctx)
	if err != nil {
		return 0, err
	}
	if voters, self := g.voters(); self && len(voters) == 1 {
		return term, g.stillIn(term)
	}
	round := g.proofs.join(g)
	if round == nil {
		return 0, g.refusal()
	}
	select {
	case <-round.done:
		return round.term, round.err
	case <-ctx.Done():
		return 0, notProved(ctx.Err())
	}
}

func notProved(cause error) error { return fmt.Errorf("%w: %w", ErrNotProved, cause) }

// stillIn tells whether this node is in a term that it has established. It may have
// stepped down in it without a successor: then nobody else leads that term.
func (g *Group) stillIn(term uint64) error {
	if g.raft.CurrentTerm() != term {
		return g.refusal()
	}
	return nil
}

// proofRound is one round of asking; its results stand when done is closed.
type proofRound struct {
	done chan struct{}
	term uint64
	err  error
}

// proofs lets concurrent callers share rounds. Nobody may use an answer to a
// question that was asked before it came, so a caller never joins a round that has
// begun.
type proofs struct {
	mu      sync.Mutex
	next    *proofRound // gathers callers; nil when nobody waits
	running int
	closed  bool
}

// join returns the round that will begin after this call did, nil when the group
// is closing.
func (p *proofs) join(g *Group) *proofRound {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	if p.next == nil {
		p.next = &proofRound{done: make(chan struct{})}
	}
	round := p.next
	if p.running < g.limits.ProofRounds {
		p.begin(g)
	}
	return round
}

// begin starts the next round. The lock is held.
func (p *proofs) begin(g *Group) {
	round := p.next
	p.next = nil
	p.running++
	g.tasks.Go(func() { p.run(g, round) })
}

func (p *proofs) run(g *Group, round *proofRound) {
	done := g.observeProof()
	round.term, round.err = g.askMajority()
	done(round.err)
	close(round.done)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	if p.next != nil {
		p.begin(g)
	}
}

// close lets no round begin but the one that callers already wait for.
func (p *proofs) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
}

// askMajority is one round.
func (g *Group) askMajority() (uint64, error) {
	term, _, ok := g.Tenure()
	if !ok {
		return 0, g.refusal()
	}
	voters, self := g.voters()
	agreed := 0
	if self {
		agreed = 1
	}
	if err := g.ask(term, voters, agreed); err != nil {
		return 0, err
	}
	return term, g.stillIn(term)
}

// ask asks the voters, of which agreed have already answered, and returns nil as
// soon as a majority is in the term. A higher term ends it: this node was deposed.
func (g *Group) ask(term uint64, voters []raft.Server, agreed int) error {
	needed := len(voters)/2 + 1
	if agreed >= needed {
		return nil
	}
	if g.config.Peers == nil {
		return notProved(errors.New("no way to ask other nodes"))
	}
	ctx, cancel := context.WithCancel(g.ctx)
	defer cancel()
	answers := make(chan termAnswer, len(voters))
	asked := g.askEach(ctx, voters, answers)
	timeout := g.clock.After(g.config.ElectionTimeout)
	var last error
	for ; asked > 0 && agreed < needed; asked-- {
		select {
		case a := <-answers:
			switch {
			case a.err != nil:
				last = a.err
			case a.term > term:
				return g.refusal()
			case a.term == term:
				agreed++
			}
		case <-timeout:
			return notProved(errors.New("no majority answered in time"))
		}
	}
	if agreed < needed {
		return notProved(fmt.Errorf("%d of %d voters in term %d: %w", agreed, len(voters), term, last))
	}
	return nil
}

type termAnswer struct {
	term uint64
	err  error
}

// askEach asks all voters but this node and returns how many those are.
func (g *Group) askEach(ctx context.Context, voters []raft.Server, answers chan<- termAnswer) (asked int) {
	for _, v := range voters {
		if string(v.ID) == g.config.ServerID {
			continue
		}
		asked++
		g.tasks.Go(func() {
			term, err := g.config.Peers.CurrentTerm(ctx, g.config.Group, string(v.ID), string(v.Address))
			answers <- termAnswer{term, err}
		})
	}
	return asked
}

// voters returns the voters of the latest configuration in this node's log, and
// whether it is one. The latest and not the latest committed one: raft counts its
// majorities by it too.
func (g *Group) voters() (voters []raft.Server, self bool) {
	for _, s := range g.raft.GetConfiguration().Configuration().Servers {
		if s.Suffrage != raft.Voter {
			continue
		}
		voters = append(voters, s)
		self = self || string(s.ID) == g.config.ServerID
	}
	return voters, self
}
