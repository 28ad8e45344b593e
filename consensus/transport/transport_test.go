package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// lattice is a network in memory: listeners by address. wrap, when set, may put
// conditions on a connection.
type lattice struct {
	mu        sync.Mutex
	listeners map[string]*memoryListener
	dialled   map[string]int // by "from>to"
	wrap      func(from, to string, conn net.Conn) (net.Conn, error)
}

func newLattice() *lattice {
	return &lattice{listeners: map[string]*memoryListener{}, dialled: map[string]int{}}
}

type memoryListener struct {
	address string
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (l *lattice) listen(address string) *memoryListener {
	m := &memoryListener{address: address, conns: make(chan net.Conn), closed: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.listeners[address] = m
	return m
}

func (m *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memoryListener) Close() error {
	m.once.Do(func() { close(m.closed) })
	return nil
}

func (m *memoryListener) Addr() net.Addr { return &net.UnixAddr{Name: m.address, Net: "memory"} }

func (l *lattice) dialer(from string) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, to string) (net.Conn, error) {
		l.mu.Lock()
		m, wrap := l.listeners[to], l.wrap
		l.dialled[from+">"+to]++
		l.mu.Unlock()
		if m == nil {
			return nil, errors.New("connection refused")
		}
		near, far := net.Pipe()
		var conn net.Conn = near
		if wrap != nil {
			var err error
			if conn, err = wrap(from, to, near); err != nil {
				return nil, err
			}
		}
		select {
		case m.conns <- far:
			return conn, nil
		case <-m.closed:
			_ = conn.Close()
			return nil, errors.New("connection refused")
		case <-ctx.Done():
			_ = conn.Close()
			return nil, ctx.Err()
		}
	}
}

// book is raft's state machine in these tests: the commands, in order.
type book struct {
	mu    sync.Mutex
	lines []string
}

func (b *book) Apply(l *raft.Log) any {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, string(l.Data))
	return len(b.lines)
}

func (b *book) Snapshot() (raft.FSMSnapshot, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bookSnapshot(fmt.Sprintf("%q", b.lines)), nil
}

func (b *book) Restore(r io.ReadCloser) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = []string{"restored " + fmt.Sprint(len(data))}
	return nil
}

func (b *book) size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.lines)
}

type bookSnapshot string

func (s bookSnapshot) Persist(sink raft.SnapshotSink) error {
	if _, err := sink.Write([]byte(s)); err != nil {
		return err
	}
	return sink.Close()
}

func (bookSnapshot) Release() {}

// member is one node of a test's cluster with some groups.
type member struct {
	name   string
	node   *Node
	rafts  map[uint32]*raft.Raft
	books  map[uint32]*book
	stores map[uint32]*raft.InmemStore

	mu      sync.Mutex
	matched map[string]uint64 // "group peer term": index
	seen    []Visible
}

func (m *member) term(group uint32) (uint64, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.rafts[group]
	if r == nil {
		return 0, false
	}
	return r.CurrentTerm(), true
}

func peerOf(name string) Peer { return Peer{name, "1"} }

// conclave is a cluster of members over a lattice.
type conclave struct {
	t        testing.TB
	net      *lattice
	names    []string
	members  map[string]*member
	change   func(*Config)      // of each node
	tune     func(*raft.Config) // of each raft
	handle   func(*Group) raft.Transport
	stopping sync.Once
}

func newConclave(t testing.TB, names ...string) *conclave {
	c := &conclave{t: t, net: newLattice(), names: names, members: map[string]*member{}}
	return c
}

func (c *conclave) config(name string) Config {
	return Config{
		Cluster: "test", Self: peerOf(name), Address: name, Insecure: true,
		Listener: c.net.listen(name), Dial: c.net.dialer(name),
		Resolve: func(id raft.ServerID) (string, bool) {
			p, err := ParseServerID(id)
			return p.Node, err == nil
		},
	}
}

func (c *conclave) open(name string) *member {
	m := &member{name: name, rafts: map[uint32]*raft.Raft{}, books: map[uint32]*book{},
		stores: map[uint32]*raft.InmemStore{}, matched: map[string]uint64{}}
	conf := c.config(name)
	conf.Term = m.term
	conf.OnMatched = func(group uint32, peer raft.ServerID, term, index uint64) {
		m.mu.Lock()
		defer m.mu.Unlock()
		key := fmt.Sprintf("%d %s %d", group, peer, term)
		m.matched[key] = max(m.matched[key], index)
	}
	conf.OnVisible = func(_ raft.ServerID, seen []Visible) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.seen = append(m.seen, seen...)
	}
	if c.change != nil {
		c.change(&conf)
	}
	node, err := Open(conf)
	if err != nil {
		c.t.Fatal(err)
	}
	m.node = node
	c.members[name] = m
	return m
}

func (c *conclave) servers() (servers []raft.Server) {
	for _, name := range c.names {
		servers = append(servers, raft.Server{ID: peerOf(name).ServerID(), Address: raft.ServerAddress(name)})
	}
	return servers
}

// join starts a group on a member; bootstrap nil leaves it waiting to be added.
func (c *conclave) join(m *member, group uint32, servers []raft.Server) *raft.Raft {
	g, err := m.node.Group(group)
	if err != nil {
		c.t.Fatal(err)
	}
	conf := raft.DefaultConfig()
	conf.LocalID = m.node.self
	conf.HeartbeatTimeout, conf.ElectionTimeout, conf.LeaderLeaseTimeout = 600*time.Millisecond, 600*time.Millisecond, 400*time.Millisecond
	conf.Logger = hclog.NewNullLogger()
	conf.NoLegacyTelemetry = true
	conf.ShutdownOnRemove = false
	if c.tune != nil {
		c.tune(conf)
	}
	var transport raft.Transport = g
	if c.handle != nil {
		transport = c.handle(g)
	}
	store, snapshots := raft.NewInmemStore(), raft.NewInmemSnapshotStore()
	if servers != nil {
		if err := raft.BootstrapCluster(conf, store, store, snapshots, transport, raft.Configuration{Servers: servers}); err != nil {
			c.t.Fatal(err)
		}
	}
	b := &book{}
	r, err := raft.NewRaft(conf, b, store, store, snapshots, transport)
	if err != nil {
		c.t.Fatal(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rafts[group], m.books[group], m.stores[group] = r, b, store
	return r
}

// start opens all members with groups 1 to groups.
func (c *conclave) start(groups int) {
	for _, name := range c.names {
		c.open(name)
	}
	for g := range uint32(groups) {
		for _, name := range c.names {
			c.join(c.members[name], g+1, c.servers())
		}
	}
}

func (c *conclave) close() {
	c.stopping.Do(func() {
		var wait sync.WaitGroup
		for _, m := range c.members {
			for _, r := range m.rafts {
				wait.Go(func() { _ = r.Shutdown().Error() })
			}
		}
		wait.Wait()
		for _, m := range c.members {
			if err := m.node.Close(); err != nil {
				c.t.Errorf("closing %s: %v", m.name, err)
			}
		}
	})
}

// await waits until a condition holds.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for range 6000 {
		if holds() {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Fatalf("%s: does not happen", what)
}

// leader waits for a leader of a group among some members, all when none are named.
func (c *conclave) leader(group uint32, among ...string) *member {
	c.t.Helper()
	if among == nil {
		among = c.names
	}
	var leader *member
	await(c.t, fmt.Sprintf("leader of %d", group), func() bool {
		for _, name := range among {
			if m := c.members[name]; m.rafts[group].State() == raft.Leader && m.rafts[group].VerifyLeader().Error() == nil {
				leader = m
				return true
			}
		}
		return false
	})
	return leader
}

func (c *conclave) write(m *member, group uint32, lines ...string) {
	c.t.Helper()
	for _, line := range lines {
		if err := m.rafts[group].Apply([]byte(line), 10*time.Second).Error(); err != nil {
			c.t.Fatalf("writing to group %d at %s: %v", group, m.name, err)
		}
	}
}

// has waits until members hold so many lines of a group.
func (c *conclave) has(group uint32, lines int, names ...string) {
	c.t.Helper()
	if names == nil {
		names = c.names
	}
	await(c.t, fmt.Sprintf("%d lines of group %d", lines, group), func() bool {
		for _, name := range names {
			if c.members[name].books[group].size() != lines {
				return false
			}
		}
		return true
	})
}
