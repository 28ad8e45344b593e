package consensus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/hashicorp/raft"
)

// Group is this node's replica of one raft group. All methods are safe for
// concurrent use.
type Group struct {
	config    Config
	limits    Limits
	clock     Clock
	logger    *slog.Logger
	raft      *raft.Raft
	logs      *logStore
	snapshots *snapshotStore
	feed      *machineFeed
	queue     *proposalQueue
	tenure    tenure
	proofs    proofs
	compactor compactor
	notify    chan bool

	ctx     context.Context // ends when closing does
	cancel  context.CancelFunc
	closing <-chan struct{} // nothing new is begun
	dead    chan struct{}   // nothing more is answered

	mu      sync.Mutex
	failure error          // the first
	closer  chan struct{}  // closed when the first Close is through; nil before
	started bool           // what a failure stops exists
	lanes   sync.WaitGroup // who waits for raft to answer an entry
	tasks   sync.WaitGroup // the rest
}

// Open starts a replica. It returns ErrLogLost when the log does not reach back
// to, or up to, what the state machine holds: then something that was acknowledged
// is gone, and only another replica can help.
func Open(c Config) (*Group, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	g := &Group{config: c, limits: c.Limits, clock: c.Clock, logger: c.Logger, dead: make(chan struct{})}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.closing = g.ctx.Done()
	g.queue = newProposalQueue(c.Limits)
	g.notify = make(chan bool, 64)
	g.tenure.changed = make(chan struct{})
	g.compactor.due = make(chan struct{}, 1)
	g.feed = &machineFeed{machine: c.Machine, observe: g.observeApply, fail: g.fail}
	g.feed.applied.raise(c.Machine.AppliedIndex())
	if err := g.start(); err != nil {
		g.cancel()
		return nil, err
	}
	return g, nil
}

func (g *Group) start() error {
	var err error
	if g.snapshots, err = openSnapshotStore(g.config.Log); err != nil {
		return err
	}
	if g.logs, err = openLogStore(g.config.Log, g.config, g.snapshots.index); err != nil {
		return err
	}
	g.logs.observe = g.observeAppend
	g.logs.appended = func(entries, bytes int) { g.compactor.count(entries, bytes, g.limits) }
	g.logs.broke = g.fail
	if err := g.reconcile(); err != nil {
		return err
	}
	transport := g.config.Transport
	var alone *raft.InmemTransport
	if transport == nil {
		alone = g.loopback()
		transport = alone
	}
	conf := g.config.raftConfig()
	conf.NotifyCh = g.notify
	if err := g.bootstrap(conf, transport); err != nil {
		return err
	}
	stable := stableStore{g.config.Log}
	if g.raft, err = raft.NewRaft(conf, g.feed, g.logs, stable, g.snapshots, transport); err != nil {
		return fmt.Errorf("consensus: starting raft: %w", err)
	}
	for range lanes {
		g.lanes.Go(g.runLane)
	}
	g.lanes.Go(g.followLeadership)
	g.tasks.Go(g.compactWhenDue)
	if alone != nil {
		g.tasks.Go(func() { g.standAtOnce(alone) })
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.started = true
	if g.failure != nil {
		go g.stopAfterFailure(g.failure)
	}
	return nil
}

// reconcile checks that log, snapshot and state fit together, and finishes the
// installation of a snapshot that a crash interrupted: raft stores a snapshot
// before it restores it, and would not restore it again.
func (g *Group) reconcile() error {
	snapshot := g.snapshots.newest
	end := g.logs.last
	if snapshot != nil {
		end = max(end, snapshot.Meta.Index)
		if err := g.feed.restore(snapshot.Data); err != nil {
			return err
		}
	}
	if applied := g.feed.applied.load(); applied > end {
		return fmt.Errorf("%w: the state holds %d, the log ends at %d", ErrLogLost, applied, end)
	}
	if g.logs.first > g.snapshots.index()+1 {
		return fmt.Errorf("%w: the log begins at %d, the snapshot is at %d", ErrLogLost, g.logs.first, g.snapshots.index())
	}
	g.compactor.entries = end - g.snapshots.index()
	return nil
}

// bootstrap writes the first configuration into an empty log. Raft sets the term
// to 1 first and appends second, and calls a log with a term but no entry one that
// needs no bootstrap: a crash in between would leave a group that never starts. The
// first vote of a group is cast in term 2, so term 1 and an empty log is just that.
func (g *Group) bootstrap(conf *raft.Config, transport raft.Transport) error {
	if g.config.Bootstrap == nil {
		return nil
	}
	stable := stableStore{g.config.Log}
	term, err := stable.GetUint64([]byte(raftCurrentTerm))
	if err != nil {
		return fmt.Errorf("consensus: reading the term: %w", err)
	}
	if term == 1 && g.logs.last == 0 && g.snapshots.index() == 0 {
		if err := stable.SetUint64([]byte(raftCurrentTerm), 0); err != nil {
			return fmt.Errorf("consensus: resetting the term: %w", err)
		}
	}
	err = raft.BootstrapCluster(conf, g.logs, stable, g.snapshots, transport, raft.Configuration{Servers: g.config.Bootstrap})
	if err != nil && !errors.Is(err, raft.ErrCantBootstrap) {
		return fmt.Errorf("consensus: bootstrapping: %w", err)
	}
	return nil
}

// loopback is a transport that reaches nobody but this node.
func (g *Group) loopback() *raft.InmemTransport {
	address, t := raft.NewInmemTransport(raft.ServerAddress(g.config.Address))
	t.Connect(address, t)
	return t
}

// standAtOnce lets a lone voter stand for election now, as a leader that hands
// over would tell it to, instead of after one or two heartbeat timeouts of waiting
// for a leader that cannot exist.
func (g *Group) standAtOnce(t *raft.InmemTransport) {
	if voters, self := g.voters(); !self || len(voters) != 1 {
		return
	}
	id, address := raft.ServerID(g.config.ServerID), t.LocalAddr()
	header := raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(id), Addr: t.EncodePeer(id, address)}
	if err := t.TimeoutNow(id, address, &raft.TimeoutNowRequest{RPCHeader: header}, &raft.TimeoutNowResponse{}); err != nil {
		g.logger.Debug("standing for election after the timeout instead of at once", "error", err)
	}
}

// Close stops the replica: what was proposed is answered, what is waiting gets
// ErrClosed. It returns the context's error when raft did not stop in time. Log,
// state machine and the rest of the Config can be closed when it returned nil.
// Further calls wait for the first.
func (g *Group) Close(ctx context.Context) error {
	g.mu.Lock()
	first := g.closer == nil
	if first {
		g.closer = make(chan struct{})
	}
	done := g.closer
	g.mu.Unlock()
	if first {
		go g.shutDown(done)
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("consensus: closing: %w", ctx.Err())
	}
}

// shutDown lets entries under way land before it stops raft: raft forgets to
// answer what it has in its channels at that moment. How long is bounded, because
// without a majority they do not land; stopping raft then answers them.
func (g *Group) shutDown(done chan struct{}) {
	g.queue.close(ErrClosed)
	g.cancel()
	g.proofs.close()
	landed := make(chan struct{})
	go func() { g.lanes.Wait(); close(landed) }()
	select {
	case <-landed:
	case <-g.clock.After(2 * g.config.ElectionTimeout):
	}
	if err := g.raft.Shutdown().Error(); err != nil {
		g.logger.Warn("raft did not stop cleanly", "error", err)
	}
	close(g.dead)
	g.tasks.Wait()
	close(done)
}

// over returns why the group takes nothing more, nil while it does.
func (g *Group) over() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failure != nil {
		return g.failure
	}
	if g.closer != nil {
		return ErrClosed
	}
	return nil
}

// fail ends the group's work for good, once: see the package's contract. Called
// on raft's goroutines, so it only begins.
func (g *Group) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failure != nil {
		return
	}
	g.failure = err
	if g.started {
		go g.stopAfterFailure(err)
	}
}

func (g *Group) stopAfterFailure(err error) {
	g.logger.Error("group stops", "error", err)
	g.queue.close(err)
	if g.config.OnFailure != nil {
		g.config.OnFailure(err)
	}
	_ = g.Close(context.Background())
}

// IsLeader tells whether this node believes that it leads. It proves nothing.
func (g *Group) IsLeader() bool { return g.raft.State() == raft.Leader }

// Leader returns the leader that this node knows of; both are empty when it knows
// none. It proves nothing.
func (g *Group) Leader() (id, address string) {
	a, i := g.raft.LeaderWithID()
	return string(i), string(a)
}

// Term returns this node's current term. It is durable before it is returned, and
// it is what TermPeers asks for: an atomic read.
func (g *Group) Term() uint64 { return g.raft.CurrentTerm() }

// AppliedIndex returns the index of the last entry that the state machine has
// applied. Entries of raft's own are never counted.
func (g *Group) AppliedIndex() uint64 { return g.feed.applied.load() }

// LastIndex returns the index of the last entry in this node's log, committed or
// not, raft's own included.
func (g *Group) LastIndex() uint64 { return g.raft.LastIndex() }

// WaitApplied returns when the entry at index, and all before it, is applied
// here. The index must be a proposal's: raft's own entries are not waited for. It
// returns the context's error or ErrClosed.
func (g *Group) WaitApplied(ctx context.Context, index uint64) error {
	return g.feed.applied.wait(ctx, index, g.closing)
}
