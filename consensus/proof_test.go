package consensus

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestProofsAreShared: arrivals during a round join the next, so that many readers
// cost two rounds.
func TestProofsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, Limits{ProofRounds: 1}, "a", "b", "c")
		a := n.lead("a")
		n.mu.Lock()
		n.asked = 0
		n.mu.Unlock()
		var readers sync.WaitGroup
		prove := func() {
			if _, err := a.group.ProveLeader(timeout(t)); err != nil {
				t.Error(err)
			}
		}
		start := time.Now()
		readers.Go(prove)
		<-time.After(5 * time.Millisecond) // half of a round
		for range 100 {
			readers.Go(prove)
		}
		readers.Wait()
		if n.asked != 4 {
			t.Errorf("%d questions for 101 readers, want two rounds of two", n.asked)
		}
		if took := time.Since(start); took != 20*time.Millisecond {
			t.Errorf("took %v; a reader may not use an answer to an earlier question", took)
		}
		n.close()
	})
}

// TestRoundsOverlap: with two allowed, a reader that arrives during a round does
// not wait for its end.
func TestRoundsOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, Limits{ProofRounds: 2}, "a", "b", "c")
		a := n.lead("a")
		var first sync.WaitGroup
		first.Go(func() { _, _ = a.group.ProveLeader(timeout(t)) })
		<-time.After(5 * time.Millisecond)
		start := time.Now()
		if _, err := a.group.ProveLeader(timeout(t)); err != nil || time.Since(start) != 10*time.Millisecond {
			t.Errorf("took %v: %v", time.Since(start), err)
		}
		first.Wait()
		n.close()
	})
}

// TestOneOfTwoOthersIsEnough: with three voters a majority is the leader and one.
func TestOneOfTwoOthersIsEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, Limits{}, "a", "b", "c")
		a := n.lead("a")
		n.setCut("c", true)
		if _, err := a.group.ProveLeader(timeout(t)); err != nil {
			t.Error(err)
		}
		n.setCut("b", true)
		if _, err := a.group.ProveLeader(timeout(t)); !errors.Is(err, ErrNotProved) {
			t.Errorf("alone: %v", err)
		}
		n.close()
	})
}

// TestAHigherTermEndsTheProof: whoever hears of a later term says so at once.
func TestAHigherTermEndsTheProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, Limits{}, "a", "b", "c")
		a := n.lead("a")
		n.mu.Lock()
		n.liar = func(string) uint64 { return a.group.Term() + 1 }
		n.mu.Unlock()
		if _, err := a.group.ProveLeader(timeout(t)); !errors.Is(err, ErrNotLeader) {
			t.Errorf("got %v", err)
		}
		n.mu.Lock()
		n.liar = func(string) uint64 { return a.group.Term() - 1 }
		n.mu.Unlock()
		if _, err := a.group.ProveLeader(timeout(t)); !errors.Is(err, ErrNotProved) {
			t.Errorf("a majority in an earlier term: %v", err)
		}
		n.close()
	})
}

// TestNoProofBeforeLeadershipIsAnnounced: OnLeadership raises what is visible, so
// nobody may read before it has returned.
func TestNoProofBeforeLeadershipIsAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := loneConfig(newMemoryLog(), &ledger{})
		var g *Group
		opened, established := make(chan struct{}), make(chan bool, 2)
		release := make(chan struct{})
		c.OnLeadership = func(leader bool, _ uint64) {
			<-opened
			established <- g.Established()
			if leader {
				<-release
			}
		}
		var err error
		g, err = Open(c)
		must(t, err)
		close(opened)
		if !<-established {
			t.Error("told of a leadership that is not established")
		}
		proved := make(chan error, 1)
		go func() { _, err := g.ProveLeader(timeout(t)); proved <- err }()
		synctest.Wait()
		select {
		case err := <-proved:
			t.Errorf("proved before it was announced: %v", err)
		default:
		}
		close(release)
		must(t, <-proved)
		closeGroup(t, g)
	})
}
