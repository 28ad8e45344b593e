package consensus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

var errUnreachable = errors.New("unreachable")

// network is some replicas of one group with links that can be cut. It must be
// used inside a synctest bubble: waiting takes no real time there.
type network struct {
	t       testing.TB
	limits  Limits
	names   []string
	servers []raft.Server
	nodes   map[string]*replica

	mu  sync.Mutex
	cut map[string]bool
	// liar, when set, answers for a peer without asking it: a planted bug.
	liar  func(asker string) uint64
	asked int
}

// replica is one node of the network. What its hooks are told becomes pending: the
// table that read leases will need.
type replica struct {
	net       *network
	name      string
	log       *memoryLog
	machine   *ledger
	transport *raft.InmemTransport
	group     *Group

	mu      sync.Mutex
	pending map[uint64]Footprint
	said    []string
}

func newNetwork(t testing.TB, limits Limits, names ...string) *network {
	n := &network{t: t, limits: limits, names: names, nodes: map[string]*replica{}, cut: map[string]bool{}}
	for _, name := range names {
		n.servers = append(n.servers, raft.Server{ID: raft.ServerID(name), Address: raft.ServerAddress(name)})
	}
	for _, name := range names {
		n.nodes[name] = &replica{net: n, name: name, log: newMemoryLog(), machine: &ledger{}}
	}
	for _, name := range names {
		n.nodes[name].start()
	}
	return n
}

func (r *replica) start() {
	_, r.transport = raft.NewInmemTransport(raft.ServerAddress(r.name))
	r.mu.Lock()
	r.pending = map[uint64]Footprint{}
	r.mu.Unlock()
	g, err := Open(Config{
		Group: 1, ServerID: r.name, Address: r.name, Log: r.log, Machine: r.machine,
		Transport: r.transport, Bootstrap: r.net.servers, Peers: askPeers{r.net, r.name}, Limits: r.net.limits,
		LogHooks: LogHooks{OnStore: r.stored, OnTruncate: r.truncated, OnCompact: func(uint64) { r.say("compacted") }},
	})
	if err != nil {
		r.net.t.Fatal(err)
	}
	r.mu.Lock()
	r.group = g
	r.mu.Unlock()
	r.net.rewire()
}

func (r *replica) say(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

func (r *replica) stored(index uint64, f Footprint) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(f.Hashes) > 0 || f.Whole {
		r.pending[index] = f
		r.said = append(r.said, fmt.Sprintf("store %v", f.Hashes))
	}
}

func (r *replica) truncated(from uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var gone []uint64
	for index, f := range r.pending {
		if index >= from {
			gone = append(gone, f.Hashes...)
			delete(r.pending, index)
		}
	}
	slices.Sort(gone)
	r.said = append(r.said, fmt.Sprintf("truncate %v", gone))
}

// heard returns what the hooks said since the last time.
func (r *replica) heard() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	said := r.said
	r.said = nil
	return said
}

// crash loses what was not durable and starts the node again. Closing a group
// makes nothing durable, so what is lost is looked up only after it, when nobody can
// be answered any more.
func (r *replica) crash() {
	r.close()
	r.mu.Lock()
	r.log, r.machine = r.log.crash(), r.machine.crash()
	r.mu.Unlock()
	r.start()
}

// now returns the group that runs on the node now, and its machine.
func (r *replica) now() (*Group, *ledger) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.group, r.machine
}

func (r *replica) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.group.Close(ctx); err != nil {
		r.net.t.Errorf("closing %s: %v", r.name, err)
	}
}

func (n *network) close() {
	for _, r := range n.nodes {
		r.close()
	}
}

func (n *network) setCut(name string, cut bool) {
	n.mu.Lock()
	n.cut[name] = cut
	n.mu.Unlock()
	n.rewire()
}

func (n *network) linked(a, b string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !n.cut[a] && !n.cut[b]
}

func (n *network) rewire() {
	for _, a := range n.nodes {
		for _, b := range n.nodes {
			switch {
			case a == b || a.transport == nil || b.transport == nil:
			case n.linked(a.name, b.name):
				a.transport.Connect(b.transport.LocalAddr(), b.transport)
			default:
				a.transport.Disconnect(b.transport.LocalAddr())
			}
		}
	}
}

// askPeers is TermPeers over the network; each way takes 5 ms.
type askPeers struct {
	net   *network
	asker string
}

func (p askPeers) CurrentTerm(ctx context.Context, group uint32, id, _ string) (uint64, error) {
	p.net.mu.Lock()
	p.net.asked++
	liar := p.net.liar
	p.net.mu.Unlock()
	if liar != nil {
		return liar(p.asker), nil
	}
	for range 2 {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		if group != 1 || !p.net.linked(p.asker, id) {
			return 0, errUnreachable
		}
	}
	g, _ := p.net.nodes[id].now()
	return g.Term(), nil
}

// leader waits until one of the nodes that are not cut off has established a term.
func (n *network) leader() *replica {
	for range 10_000 {
		for _, name := range n.names {
			if r := n.nodes[name]; n.linked(name, name) && r.group.IsLeader() && r.group.Established() {
				return r
			}
		}
		<-time.After(10 * time.Millisecond)
	}
	n.t.Fatal("no leader")
	return nil
}

// lead makes a node the leader.
func (n *network) lead(name string) *replica {
	for range 100 {
		r := n.leader()
		if r.name == name {
			return r
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		_ = r.group.Transfer(ctx, name)
		cancel()
		<-time.After(50 * time.Millisecond)
	}
	n.t.Fatalf("%s does not become leader", name)
	return nil
}

// settle waits until every node that is not cut off has applied the same.
func (n *network) settle() {
	for range 10_000 {
		highest, lowest := uint64(0), ^uint64(0)
		for _, name := range n.names {
			if n.linked(name, name) {
				applied := n.nodes[name].group.AppliedIndex()
				highest, lowest = max(highest, applied), min(lowest, applied)
			}
		}
		if highest == lowest && highest >= n.leader().group.raft.CommitIndex() {
			return
		}
		// The commit index may be a no-op's; a command behind it makes them meet.
		if highest == lowest {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			_, _ = n.leader().group.agreeMarker(ctx)
			cancel()
		}
		<-time.After(20 * time.Millisecond)
	}
	n.t.Fatal("the nodes do not settle")
}

// agreeMarker commits a marker, which every machine sees and no line comes of.
func (g *Group) agreeMarker(context.Context) (*appliedEntry, error) {
	return g.agree(appendEntry(nil, nil))
}

// errorName is how transcripts call an error.
func errorName(err error) string {
	for _, e := range []struct {
		err  error
		name string
	}{
		{ErrOutcomeUnknown, "outcome unknown"}, {ErrNotLeader, "not leader"}, {ErrNotProved, "not proved"},
		{ErrOverloaded, "overloaded"}, {ErrClosed, "closed"}, {ErrFailed, "failed"}, {context.DeadlineExceeded, "timed out"},
	} {
		if errors.Is(err, e.err) {
			return e.name
		}
	}
	if err != nil {
		return err.Error()
	}
	return "ok"
}
