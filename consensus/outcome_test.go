package consensus

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// gated opens a lone voter whose state machine waits to be let on.
func gated(t *testing.T) (*Group, *ledger, chan struct{}) {
	machine := &ledger{}
	c := loneConfig(newMemoryLog(), machine)
	c.Limits = Limits{PackPayloads: 1, QueuePayloads: 2, DeepQueue: 100}
	g := openLone(t, c)
	gate := make(chan struct{})
	machine.mu.Lock()
	machine.gate = gate
	machine.mu.Unlock()
	return g, machine, gate
}

func TestAContextThatEndsAfterProposingLeavesTheOutcomeUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, machine, gate := gated(t)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		sent, waiting := make(chan error, 1), make(chan error, 1)
		go func() { _, err := g.Propose(ctx, Proposal{Payload: []byte("sent")}); sent <- err }()
		synctest.Wait()
		go func() { _, err := g.Propose(ctx, Proposal{Payload: []byte("waiting")}); waiting <- err }()
		if err := <-sent; !errors.Is(err, ErrOutcomeUnknown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("proposed: %v", err)
		}
		if err := <-waiting; !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("still in the queue: %v", err)
		}
		close(gate)
		synctest.Wait()
		if s := g.Stats(); s.QueuedPayloads != 0 || s.QueuedBytes != 0 {
			t.Errorf("something is still queued: %v", s)
		}
		propose(t, g, "after")
		if got := machine.all(); len(got) != 2 || got[0] != "sent" || got[1] != "after" {
			t.Errorf("applied %q: what was unknown was made, what was withdrawn was not", got)
		}
		closeGroup(t, g)
	})
}

func TestAFullQueueRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _, gate := gated(t)
		done := make(chan error, 3)
		for range 3 { // one under way, two waiting
			go func() { _, err := g.Propose(context.Background(), Proposal{}); done <- err }()
			synctest.Wait()
		}
		var overloaded *OverloadedError
		if _, err := g.Propose(context.Background(), Proposal{}); !errors.As(err, &overloaded) || !errors.Is(err, ErrOverloaded) || overloaded.RetryAfter != time.Second {
			t.Errorf("got %v", err)
		}
		if s := g.Stats(); s.QueuedPayloads != 2 {
			t.Errorf("%v", s)
		}
		close(gate)
		for range 3 {
			must(t, <-done)
		}
		closeGroup(t, g)
	})
}

func TestCloseAnswersEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _, gate := gated(t)
		sent, waiting, applied := make(chan error, 1), make(chan error, 1), make(chan error, 1)
		go func() { _, err := g.Propose(context.Background(), Proposal{}); sent <- err }()
		synctest.Wait()
		go func() { _, err := g.Propose(context.Background(), Proposal{}); waiting <- err }()
		go func() { applied <- g.WaitApplied(context.Background(), 1<<40) }()
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- g.Close(context.Background()) }()
		synctest.Wait()
		if err := <-waiting; !errors.Is(err, ErrClosed) || errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("waiting: %v", err)
		}
		if err := <-applied; !errors.Is(err, ErrClosed) {
			t.Errorf("waiting for an index: %v", err)
		}
		close(gate)
		if err := <-sent; err != nil {
			t.Errorf("under way when closing began: %v", err)
		}
		must(t, <-closed)
		must(t, g.Close(context.Background()))
	})
}

func TestAFailedApplyEndsTheGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		machine, reason := &ledger{}, errors.New("state is broken")
		c := loneConfig(newMemoryLog(), machine)
		failed := make(chan error, 2)
		c.OnFailure = func(err error) { failed <- err }
		g := openLone(t, c)
		before := propose(t, g, "before")
		machine.mu.Lock()
		machine.failNext = reason
		machine.mu.Unlock()
		_, err := g.Propose(timeout(t), Proposal{Payload: []byte("fails")})
		if !errors.Is(err, ErrOutcomeUnknown) || !errors.Is(err, reason) {
			t.Errorf("its proposer got %v", err)
		}
		if err := <-failed; !errors.Is(err, ErrFailed) || !errors.Is(err, reason) {
			t.Errorf("the owner was told %v", err)
		}
		if _, err := g.Propose(timeout(t), Proposal{}); !errors.Is(err, ErrFailed) {
			t.Errorf("the next got %v", err)
		}
		if err := g.Snapshot(); !errors.Is(err, ErrFailed) {
			t.Errorf("the log of a broken state was compacted: %v", err)
		}
		if g.AppliedIndex() != before.Index {
			t.Errorf("applied %d, want %d", g.AppliedIndex(), before.Index)
		}
		closeGroup(t, g)
		if len(failed) != 0 {
			t.Error("the owner was told twice")
		}
	})
}

func TestAFailedAppendEndsTheGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, reason := newMemoryLog(), errors.New("disk is gone")
		c := loneConfig(log, &ledger{})
		g := openLone(t, c)
		log.failAppend(reason)
		if _, err := g.Propose(timeout(t), Proposal{}); !errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("its proposer got %v", err)
		}
		synctest.Wait()
		if _, err := g.ProveLeader(timeout(t)); !errors.Is(err, ErrFailed) {
			t.Errorf("a proof got %v", err)
		}
		closeGroup(t, g)
	})
}

func TestATransferIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, Limits{TransferWait: 10 * time.Second}, "a", "b", "c")
		a, b := n.lead("a"), n.nodes["b"]
		n.settle()
		// b is told to take over, is slow to write down its new term, and then alone.
		b.log.slow(time.Second)
		moved := make(chan error, 1)
		go func() { moved <- a.group.Transfer(context.Background(), "b") }()
		<-time.After(100 * time.Millisecond)
		n.setCut("b", true)
		start := time.Now()
		propose(t, a.group, "patient")
		if waited := time.Since(start); waited < 100*time.Millisecond {
			t.Errorf("waited %v: there was no transfer", waited)
		}
		if err := <-moved; err == nil {
			t.Error("leadership went to a node that is cut off")
		}
		b.log.slow(0)
		n.setCut("b", false)
		n.settle()
		n.close()
	})
}

func TestFollowersSayWhoLeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, Limits{}, "a", "b", "c")
		n.lead("a")
		n.settle()
		var follower *NotLeaderError
		if _, err := n.nodes["b"].group.Propose(timeout(t), Proposal{}); !errors.As(err, &follower) || follower.LeaderID != "a" || follower.LeaderAddress != "a" {
			t.Errorf("got %v", err)
		}
		n.close()
	})
}
