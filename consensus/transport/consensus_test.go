package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vertebra/consensus"
	"vertebra/consensus/transport/wan"
)

var _ consensus.TermPeers = (*Node)(nil)

// memoryLog is a consensus.Log that forgets at the end of a test.
type memoryLog struct {
	mu      sync.Mutex
	entries map[uint64][]byte
	stable  map[string][]byte
}

func (l *memoryLog) Append(first uint64, entries [][]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, e := range entries {
		l.entries[first+uint64(i)] = bytes.Clone(e)
	}
	return nil
}

func (l *memoryLog) Get(index uint64) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.entries[index]), nil
}

func (l *memoryLog) Bounds() (first, last uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.entries {
		if first == 0 || i < first {
			first = i
		}
		last = max(last, i)
	}
	return first, last, nil
}

func (l *memoryLog) DeleteRange(first, last uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := first; i <= last; i++ {
		delete(l.entries, i)
	}
	return nil
}

func (l *memoryLog) SetStable(key string, value []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stable[key] = bytes.Clone(value)
	return nil
}

func (l *memoryLog) Stable(key string) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.stable[key]), nil
}

// tally counts payloads. Its snapshot is its count.
type tally struct {
	mu      sync.Mutex
	count   uint64
	applied uint64
}

func (m *tally) Apply(entries []consensus.Entry) ([][]any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	results := make([][]any, len(entries))
	for i, e := range entries {
		for range e.Payloads {
			m.count++
			results[i] = append(results[i], m.count)
		}
		m.applied = e.Index
	}
	return results, nil
}

func (m *tally) AppliedIndex() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.applied
}

func (m *tally) Flush() error { return nil }

func (m *tally) SnapshotMeta() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fmt.Appendf(nil, "%d %d", m.count, m.applied), nil
}

func (m *tally) Restore(meta []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, err := fmt.Sscan(string(meta), &m.count, &m.applied)
	return err
}

// TestShardsOverTheTransport runs what a node runs: groups of package consensus, their
// proofs of leadership and their snapshots, over one transport.
func TestShardsOverTheTransport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const shards = 4
		c := newConclave(t, "a", "b", "c")
		defer c.close()
		network := c.overWAN(wan.Conditions{Delay: 10 * time.Millisecond})
		var mu sync.Mutex
		groups := map[string]*consensus.Group{}
		at := func(name string, shard uint32) *consensus.Group {
			mu.Lock()
			defer mu.Unlock()
			return groups[fmt.Sprint(name, shard)]
		}
		c.change = func(conf *Config) {
			name := conf.Self.Node
			conf.Term = func(shard uint32) (uint64, bool) {
				if g := at(name, shard); g != nil {
					return g.Term(), true
				}
				return 0, false
			}
		}
		for _, name := range c.names {
			c.open(name)
		}
		for shard := range uint32(shards) {
			for _, name := range c.names {
				handle, err := c.members[name].node.Group(shard)
				if err != nil {
					t.Fatal(err)
				}
				g, err := consensus.Open(consensus.Config{
					Group: shard, ServerID: string(peerOf(name).ServerID()), Address: name, Machine: &tally{}, Transport: handle,
					Log:       &memoryLog{entries: map[uint64][]byte{}, stable: map[string][]byte{}},
					Bootstrap: c.servers(), Peers: c.members[name].node,
				})
				if err != nil {
					t.Fatal(err)
				}
				mu.Lock()
				groups[fmt.Sprint(name, shard)] = g
				mu.Unlock()
			}
		}
		leads := func(shard uint32, among []string) (leader string) {
			await(t, "leader", func() bool {
				for _, name := range among {
					if g := at(name, shard); g.IsLeader() && g.Established() {
						leader = name
						return true
					}
				}
				return false
			})
			return leader
		}
		propose := func(name string, shard uint32) {
			if _, err := at(name, shard).Propose(t.Context(), consensus.Proposal{Payload: []byte("x")}); err != nil {
				t.Fatalf("shard %d at %s: %v", shard, name, err)
			}
		}
		for shard := range uint32(shards) {
			leader := leads(shard, c.names)
			propose(leader, shard)
			start := time.Now()
			if term, err := at(leader, shard).ProveLeader(t.Context()); err != nil || term != at(leader, shard).Term() {
				t.Errorf("proof of shard %d: %d, %v", shard, term, err)
			}
			if took := time.Since(start); took > 25*time.Millisecond {
				t.Errorf("a proof took %v at a round trip of 20ms", took)
			}
		}
		// Who is cut off cannot prove anything; the others can; and all is well after it.
		old := leads(0, c.names)
		rest := c.others(old)
		network.Partition(wan.Drop, []string{old}, rest)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := at(old, 0).ProveLeader(ctx); !errors.Is(err, consensus.ErrNotProved) && !errors.Is(err, consensus.ErrNotLeader) {
			t.Errorf("a proof without a majority: %v", err)
		}
		leader := leads(0, rest)
		propose(leader, 0)
		network.Partition(wan.Whole, []string{old}, rest)
		applied := at(leader, 0).AppliedIndex()
		await(t, "the others' entries at who was away", func() bool { return at(old, 0).AppliedIndex() >= applied })
		for _, g := range groups {
			if err := g.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}
