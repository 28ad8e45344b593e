package transport

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"vertebra/consensus/transport/wan"
)

// overWAN gives all connections of a conclave the conditions of a network.
func (c *conclave) overWAN(conditions wan.Conditions) *wan.Network {
	n := wan.NewNetwork(func(string, string) wan.Conditions { return conditions }, func() float64 { return 0.5 })
	c.net.wrap = func(from, to string, conn net.Conn) (net.Conn, error) {
		out, in := n.Link(from, to), n.Link(to, from)
		if out.Conditions().Cut == wan.Reset || in.Conditions().Cut == wan.Reset {
			return nil, wan.ErrReset
		}
		return wan.Conn(conn, out, in), nil
	}
	return n
}

func (c *conclave) others(name string) (others []string) {
	for _, n := range c.names {
		if n != name {
			others = append(others, n)
		}
	}
	return others
}

func TestGroupsElectAndReplicate(t *testing.T) {
	for _, delay := range []time.Duration{0, 20 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			c := newConclave(t, "a", "b", "c")
			defer c.close()
			c.overWAN(wan.Conditions{Delay: delay, Jitter: delay / 2})
			c.start(3)
			for g := range uint32(3) {
				c.write(c.leader(g+1), g+1, "one", "two")
				c.has(g+1, 2)
			}
		})
	}
}

func TestManyGroupsShareOneConnectionForEachPair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const groups = 64
		c := newConclave(t, "a", "b", "c")
		defer c.close()
		c.start(groups)
		for g := range uint32(groups) {
			c.write(c.leader(g+1), g+1, fmt.Sprintf("of %d", g+1))
		}
		for g := range uint32(groups) {
			c.has(g+1, 1)
			for _, name := range c.names {
				if got := c.members[name].books[g+1].lines[0]; got != fmt.Sprintf("of %d", g+1) {
					t.Errorf("group %d at %s holds %q", g+1, name, got)
				}
			}
		}
		<-time.After(5 * time.Second)
		total := int64(0)
		for _, name := range c.names {
			m := c.members[name].node.Metrics()
			total += m.Connections
			if m.Streams != 0 || len(m.Peers) != 2 || !m.Peers[0].Connected || !m.Peers[1].Connected {
				t.Errorf("%s: %v", name, m)
			}
		}
		// Each connection has two ends; a few more are made when two dial at once.
		if total < 6 || total > 12 {
			t.Errorf("%d ends of connections were made for 3 pairs", total)
		}
	})
}

func TestPartitionedLeaderIsReplacedAndHeals(t *testing.T) {
	for _, cut := range []wan.Cut{wan.Stall, wan.Drop, wan.Reset} {
		t.Run(fmt.Sprint("cut ", cut), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newConclave(t, "a", "b", "c")
				defer c.close()
				net := c.overWAN(wan.Conditions{Delay: 5 * time.Millisecond})
				c.start(2)
				old := c.leader(1)
				c.write(old, 1, "before")
				rest := c.others(old.name)
				net.Partition(cut, []string{old.name}, rest)
				c.write(c.leader(1, rest...), 1, "without")
				c.has(1, 2, rest...)
				net.Partition(wan.Whole, []string{old.name}, rest)
				c.has(1, 2)
				c.write(c.leader(1), 1, "after")
				c.has(1, 3)
			})
		})
	}
}

// rejoin cuts a follower off for a while and returns the leader's term before and
// after it has come back.
func rejoin(t *testing.T, plant func(*Group) raft.Transport) (before, after uint64) {
	synctest.Test(t, func(t *testing.T) {
		c := newConclave(t, "a", "b", "c")
		c.handle = plant
		defer c.close()
		net := c.overWAN(wan.Conditions{Delay: 2 * time.Millisecond})
		c.start(1)
		leader := c.leader(1)
		c.write(leader, 1, "one")
		before = leader.rafts[1].CurrentTerm()
		away := c.others(leader.name)[0]
		net.Partition(wan.Stall, []string{away}, c.others(away))
		<-time.After(20 * time.Second)
		c.write(leader, 1, "two")
		net.Partition(wan.Whole, []string{away}, c.others(away))
		c.has(1, 2)
		<-time.After(5 * time.Second)
		after = c.leader(1).rafts[1].CurrentTerm()
	})
	return before, after
}

// withoutPreVote is a transport that lacks the method.
type withoutPreVote struct{ raft.Transport }

func TestWhoWasAwayDoesNotDeposeTheLeader(t *testing.T) {
	if before, after := rejoin(t, nil); before != after {
		t.Errorf("the term went from %d to %d", before, after)
	}
	if before, after := rejoin(t, func(g *Group) raft.Transport { return withoutPreVote{g} }); before == after {
		t.Error("a transport without pre-vote is not found out")
	}
}

func TestOneWayCutHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConclave(t, "a", "b", "c")
		defer c.close()
		net := c.overWAN(wan.Conditions{Delay: 2 * time.Millisecond})
		c.start(1)
		leader := c.leader(1)
		away := c.others(leader.name)[0]
		net.Link(leader.name, away).SetCut(wan.Drop)
		c.write(leader, 1, "one")
		<-time.After(10 * time.Second)
		net.Link(leader.name, away).SetCut(wan.Whole)
		c.has(1, 1)
		c.write(c.leader(1), 1, "two")
		c.has(1, 2)
	})
}

func TestSnapshotIsInstalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConclave(t, "a", "b", "c")
		defer c.close()
		c.overWAN(wan.Conditions{Delay: 5 * time.Millisecond, BytesPerSecond: 1 << 20})
		c.tune = func(conf *raft.Config) { conf.TrailingLogs = 1 }
		for _, name := range c.names {
			c.open(name)
		}
		c.join(c.members["a"], 1, c.servers()[:1])
		leader := c.leader(1, "a")
		for i := range 40 {
			c.write(leader, 1, fmt.Sprint(i, strings.Repeat("x", 10_000)))
		}
		if err := leader.rafts[1].Snapshot().Error(); err != nil {
			t.Fatal(err)
		}
		c.join(c.members["b"], 1, nil)
		if err := leader.rafts[1].AddVoter(peerOf("b").ServerID(), "b", 0, 0).Error(); err != nil {
			t.Fatal(err)
		}
		c.has(1, 1, "b")
		await(t, "match through the snapshot", func() bool { return leader.matchedBy("b", 1, leader.rafts[1].CurrentTerm()) >= 40 })
		c.write(leader, 1, "behind it")
		c.has(1, 2, "b")
		if m := leader.node.Metrics(); m.Snapshots != 1 || m.StreamBytesOut < 400_000 || m.Streams != 0 {
			t.Errorf("after one snapshot: %v", m)
		}
	})
}

func (m *member) matchedBy(name string, group uint32, term uint64) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.matched[fmt.Sprintf("%d %s %d", group, peerOf(name).ServerID(), term)]
}

func TestMatchedFollowsTheLogAndNotHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConclave(t, "a", "b", "c")
		defer c.close()
		c.start(1)
		leader := c.leader(1)
		c.write(leader, 1, "one", "two", "three")
		c.has(1, 3)
		term, last := leader.rafts[1].CurrentTerm(), leader.rafts[1].LastIndex()
		for _, name := range c.others(leader.name) {
			await(t, "match", func() bool { return leader.matchedBy(name, 1, term) == last })
		}
		for _, name := range c.others(leader.name) {
			if m := c.members[name]; len(m.matched) > 0 {
				t.Errorf("follower %s has matches %v", name, m.matched)
			}
		}
	})
}

// TestHeartbeatsGoAheadOfEntries: with a slow link full of entries, heartbeats still
// come in time, so nobody stands for election.
func TestHeartbeatsGoAheadOfEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConclave(t, "a", "b", "c")
		defer c.close()
		c.change = func(conf *Config) { conf.Limits.PartBytes = 32 << 10 }
		c.overWAN(wan.Conditions{Delay: time.Millisecond, BytesPerSecond: 1 << 20})
		c.start(4)
		var leaders [5]*member
		var terms [5]uint64
		for g := uint32(1); g <= 4; g++ {
			leaders[g] = c.leader(g)
			terms[g] = leaders[g].rafts[g].CurrentTerm()
		}
		var writers sync.WaitGroup
		for g := uint32(1); g <= 4; g++ {
			writers.Go(func() {
				var futures []raft.ApplyFuture
				for range 20 {
					futures = append(futures, leaders[g].rafts[g].Apply(make([]byte, 200<<10), 0))
				}
				for _, f := range futures {
					if err := f.Error(); err != nil {
						t.Errorf("group %d: %v", g, err)
					}
				}
			})
		}
		writers.Wait()
		for g := uint32(1); g <= 4; g++ {
			if term := c.leader(g).rafts[g].CurrentTerm(); term != terms[g] {
				t.Errorf("group %d went from term %d to %d", g, terms[g], term)
			}
		}
	})
}
