package transport

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"vertebra/consensus/transport/wan"
)

func TestTermsOfAllWhoWaitTravelTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newLattice()
		wide(net, wan.Conditions{Delay: 20 * time.Millisecond})
		a := echo(t, net, "a", nil)
		echo(t, net, "b", func(c *Config) {
			c.Term = func(group uint32) (uint64, bool) { return uint64(group) * 10, group != 13 }
		})
		if _, err := a.CurrentTerm(t.Context(), 1, "b@1", "b"); err != nil {
			t.Fatal(err)
		}
		before, start := a.Metrics(), time.Now()
		var wait sync.WaitGroup
		for g := uint32(1); g <= 100; g++ {
			for range 3 {
				wait.Go(func() {
					term, err := a.CurrentTerm(t.Context(), g, "b@1", "b")
					switch {
					case g == 13 && !errors.Is(err, ErrUnknownGroup):
						t.Errorf("group 13: %d, %v", term, err)
					case g != 13 && (err != nil || term != uint64(g)*10):
						t.Errorf("group %d: %d, %v", g, term, err)
					}
				})
			}
		}
		wait.Wait()
		after := a.Metrics()
		if rounds := after.TermRounds - before.TermRounds; rounds > 5 {
			t.Errorf("%d messages for 300 questions at once", rounds)
		}
		if took := time.Since(start); took > 85*time.Millisecond {
			t.Errorf("300 questions took %v at a round trip of 40ms", took)
		}
	})
}

// TestTermsAreLookedUpAfterTheQuestion: an answer must never be older than the call.
func TestTermsAreLookedUpAfterTheQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newLattice()
		wide(net, wan.Conditions{Delay: 10 * time.Millisecond})
		a := echo(t, net, "a", nil)
		var clock atomic.Uint64
		echo(t, net, "b", func(c *Config) {
			c.Limits.TermRounds = 1
			c.Term = func(uint32) (uint64, bool) { return clock.Load(), true }
		})
		var wait sync.WaitGroup
		for i := range 200 {
			wait.Go(func() {
				<-time.After(time.Duration(i) * time.Millisecond)
				asked := clock.Add(1)
				if term, err := a.CurrentTerm(t.Context(), 1, "b@1", "b"); err != nil || term < asked {
					t.Errorf("asked at %d, told %d, %v", asked, term, err)
				}
			})
		}
		wait.Wait()
	})
}

func TestVisibleIsCoalescedAndTheNewestWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConclave(t, "a", "b")
		defer c.close()
		a, b := c.open("a"), c.open("b")
		for i := range uint64(10) {
			for g := range uint32(3) {
				if err := a.node.Spread("b@1", Visible{Group: g, Term: 2, Index: i}); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = a.node.Spread("b@1", Visible{Group: 1, Term: 1, Index: 99})
		await(t, "visible", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return len(b.seen) >= 3 })
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, v := range b.seen {
			if v.Term != 2 || v.Index != 9 {
				t.Errorf("%+v came", v)
			}
		}
		if len(b.seen) != 3 {
			t.Errorf("%d came for 3 groups", len(b.seen))
		}
	})
}

func TestNudgeCommitsALoneWriteAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConclave(t, "a", "b", "c")
		defer c.close()
		c.tune = func(conf *raft.Config) { conf.CommitTimeout = 20 * time.Second }
		c.change = func(conf *Config) {
			self := conf.Self.Node
			conf.OnVisible = func(from raft.ServerID, seen []Visible) {
				for _, v := range seen {
					c.members[self].node.group(v.Group).Nudge(from, v)
				}
			}
		}
		c.start(1)
		leader := c.leader(1)
		c.write(leader, 1, "one")
		others := c.others(leader.name)
		<-time.After(2 * time.Second)
		r := leader.rafts[1]
		v := Visible{Group: 1, Term: r.CurrentTerm(), Index: r.LastIndex(), PrevIndex: r.LastIndex(), PrevTerm: r.CurrentTerm()}
		for _, name := range others {
			if n := c.members[name].books[1].size(); n != 0 {
				t.Fatalf("%s has %d lines without a nudge", name, n)
			}
			_ = leader.node.Spread(peerOf(name).ServerID(), v)
		}
		start := time.Now()
		c.has(1, 1)
		if took := time.Since(start); took > 50*time.Millisecond {
			t.Errorf("the nudge took %v", took)
		}
		if c.members[others[0]].node.group(1).Nudge("z@1", v) {
			t.Error("a nudge by a stranger is taken")
		}
	})
}

// TestHeartbeatsDoNotWaitForRaft: raft's main loop stands still, as it does when the
// disk does, and heartbeats of the term are answered.
func TestHeartbeatsDoNotWaitForRaft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConclave(t, "a", "b")
		defer c.close()
		a, b := c.open("a"), c.open("b")
		g, err := b.node.Group(1)
		if err != nil {
			t.Fatal(err)
		}
		g.SetHeartbeatHandler(func(rpc raft.RPC) {
			rpc.Respond(&raft.AppendEntriesResponse{Term: 5, Success: true}, nil)
		})
		b.node.config.Term = func(uint32) (uint64, bool) { return 5, true }
		from, err := a.node.Group(1)
		if err != nil {
			t.Fatal(err)
		}
		var resp raft.AppendEntriesResponse
		start := time.Now()
		if err := from.AppendEntries("b@1", "b", &raft.AppendEntriesRequest{Term: 5}, &resp); err != nil || !resp.Success || string(resp.ID) != "b@1" {
			t.Errorf("heartbeat: %+v, %v", resp, err)
		}
		if took := time.Since(start); took > 20*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		// One of another term would be written to disk: it waits for raft.
		late := make(chan error, 1)
		go func() { late <- from.AppendEntries("b@1", "b", &raft.AppendEntriesRequest{Term: 6}, &resp) }()
		rpc := <-g.Consumer()
		rpc.Respond(&raft.AppendEntriesResponse{Term: 6, Success: true}, nil)
		if err := <-late; err != nil || resp.Term != 6 {
			t.Errorf("heartbeat of a new term: %+v, %v", resp, err)
		}
		if len(a.matched) != 0 {
			t.Errorf("heartbeats count as %v", a.matched)
		}
	})
}

func TestHeartbeatsOfManyGroupsTravelTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConclave(t, "a", "b")
		defer c.close()
		a, b := c.open("a"), c.open("b")
		b.node.config.Term = func(uint32) (uint64, bool) { return 5, true }
		var wait sync.WaitGroup
		for i := range uint32(50) {
			from, _ := a.node.Group(i)
			if i != 7 {
				to, _ := b.node.Group(i)
				to.SetHeartbeatHandler(func(rpc raft.RPC) {
					rpc.Respond(&raft.AppendEntriesResponse{Term: 5, LastLog: uint64(i), Success: true}, nil)
				})
			}
			wait.Go(func() {
				var resp raft.AppendEntriesResponse
				err := from.AppendEntries("b@1", "b", &raft.AppendEntriesRequest{Term: 5}, &resp)
				if i == 7 != errors.Is(err, ErrUnknownGroup) || i != 7 && resp.LastLog != uint64(i) {
					t.Errorf("group %d: %+v, %v", i, resp, err)
				}
			})
		}
		wait.Wait()
		if in := b.node.Metrics().FramesIn; in > 6 {
			t.Errorf("50 heartbeats took %d frames", in)
		}
	})
}
