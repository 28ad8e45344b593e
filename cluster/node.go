package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"vertebra/consensus"
	"vertebra/consensus/transport"
	"vertebra/index"
	"vertebra/storage"
	"vertebra/storage/record"
)

// Config is what a node is made from. The zero value of a member that is not
// said to be required is a sensible default.
type Config struct {
	// NodeID names the node in the cluster; required.
	NodeID string
	// DataCentre is where the node stands.
	DataCentre string
	// Dir is the data folder; required.
	Dir string
	// FS is the file system under Dir; nil is the machine's.
	FS storage.FS
	// Shards is the number of data shards, fixed when the data folder is first used; 0
	// means 2. The control group is not counted.
	Shards int
	// Profiles says which tables are searched, and by what.
	Profiles map[record.Table]*index.Profile
	// Clock is the machine's clock; nil is SystemClock.
	Clock Clock
	// Logger takes the node's log; nil discards it.
	Logger *slog.Logger
	// CacheBytes is the size of the store's block cache; 0 means 1 GiB.
	CacheBytes int64
	// ElectionTimeout is how long a group waits for its leader before it elects another; 0
	// means 600 ms.
	ElectionTimeout time.Duration
	// Network is how the node reaches the others; nil: it stands alone.
	Network *Network

	// unsafeSkipLogSync is the bug that the power-loss test plants.
	unsafeSkipLogSync bool
}

const (
	defaultShards = 2
	maxShards     = 1024
	// defaultCacheBytes holds the search records of a few million people. With 256 MiB and
	// 250,000 people half the CPU of a trace went into loading blocks; measured on
	// 2026-11-20.
	defaultCacheBytes = 1 << 30
	// perSubjectQueue and totalQueue bound the decisions that wait, for one subject and for
	// one shard. A client that piles up more on one person is told to slow down.
	perSubjectQueue = 64
	totalQueue      = 8192
)

func (c Config) withDefaults() (Config, error) {
	if c.NodeID == "" || c.Dir == "" {
		return c, errors.New("cluster: a node needs an id and a data folder")
	}
	if c.Shards == 0 {
		c.Shards = defaultShards
	}
	if c.Shards < 1 || c.Shards > maxShards {
		return c, fmt.Errorf("cluster: %d shards: want 1 to %d", c.Shards, maxShards)
	}
	if c.Clock == nil {
		c.Clock = SystemClock{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.CacheBytes == 0 {
		c.CacheBytes = defaultCacheBytes
	}
	return c, nil
}

// Node is one process of the cluster: its stores, its search index and its
// replicas. Its methods may be called from any goroutine.
type Node struct {
	config   Config
	log      *slog.Logger
	clock    clusterClock
	store    *storage.Store
	index    *index.Engine
	slots    [record.Slots + 1]ShardID
	replicas []*replica // by ShardID; 0 is the control group
	indexed  []uint16   // the data shards, as the search index names them
	identity Identity
	network  network
	metrics  *nodeMetrics

	opened  chan struct{} // closed when replicas is filled in, or will not be
	opening sync.Once
	failed  chan error
	stop    context.CancelFunc
	work    sync.WaitGroup
}

// Start opens a node's stores, replays what they have not yet made durable, and
// joins its groups. It returns as soon as that is done: Ready says when the node
// serves. The context bounds the wait for the others of a cluster that is being
// formed. Close it.
func Start(starting context.Context, config Config) (_ *Node, err error) {
	config, err = config.withDefaults()
	if err != nil {
		return nil, err
	}
	n := &Node{config: config, log: config.Logger, failed: make(chan error, 1), opened: make(chan struct{})}
	n.clock.base = config.Clock
	n.metrics = newNodeMetrics(n)
	ctx, cancel := context.WithCancel(context.Background())
	n.stop = cancel
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	if err := n.openStores(); err != nil {
		return nil, err
	}
	if err := n.connect(starting); err != nil {
		return nil, err
	}
	if err := n.openReplicas(); err != nil {
		return nil, err
	}
	n.work.Go(func() { n.collectLoop(ctx) })
	if config.Network != nil {
		n.work.Go(func() { n.pullLoop(ctx) })
	}
	return n, nil
}

func (n *Node) openStores() (err error) {
	n.store, err = storage.Open(n.config.Dir, storage.Options{
		FS: n.config.FS, CacheBytes: n.config.CacheBytes, Logger: n.log,
		UnsafeSkipLogSync: n.config.unsafeSkipLogSync,
	})
	if err != nil {
		return err
	}
	if n.identity, err = n.identify(); err != nil {
		return err
	}
	n.slots = slotTable(n.config.Shards)
	profiles := make([]*index.Profile, 0, len(n.config.Profiles))
	for _, profile := range n.config.Profiles {
		profiles = append(profiles, profile)
	}
	n.index, err = index.Open(index.Options{
		Dir: filepath.Join(n.config.Dir, "index"), Profiles: profiles, Logger: n.log,
		OnPersisted: n.indexPersisted,
	})
	return err
}

// indexPersisted is told that the search index has everything of a shard up to
// an index on disk: the store need not queue it any longer.
func (n *Node) indexPersisted(shard uint16, upTo uint64) {
	<-n.opened // bleve may have something to tell before the replicas are here
	if int(shard) >= len(n.replicas) {
		return
	}
	if err := n.replicas[shard].dropQueue(upTo); err != nil {
		n.log.Error("index queue kept", "shard", shard, "error", err)
	}
}

func (n *Node) openReplicas() error {
	replicas := make([]*replica, n.config.Shards+1)
	for id := range replicas {
		r, err := n.newReplica(ShardID(id))
		if err != nil {
			n.openedOnce()
			return fmt.Errorf("cluster: shard %d: %w", id, err)
		}
		replicas[id] = r
		if id > 0 {
			n.indexed = append(n.indexed, uint16(id))
		}
	}
	n.replicas = replicas
	n.openedOnce()
	if err := n.recallControl(); err != nil {
		return err
	}
	for _, r := range replicas {
		if err := n.join(r); err != nil {
			return fmt.Errorf("cluster: shard %d: %w", r.id, err)
		}
	}
	return nil
}

// openedOnce says that replicas is filled in, or will not be: nobody may wait for it
// any longer.
func (n *Node) openedOnce() { n.opening.Do(func() { close(n.opened) }) }

func (n *Node) newReplica(id ShardID) (*replica, error) {
	slots := slotsOf(id, n.config.Shards)
	state, err := n.store.Shard(storage.ShardID(id), slots.low, slots.high)
	if err != nil {
		return nil, err
	}
	r := &replica{
		id: id, state: state, clock: &n.clock, profiles: n.config.Profiles, server: n.identity.serverID(),
		queue:  newSubjectQueue(perSubjectQueue, totalQueue),
		follow: func(*record.Mutation) {},
	}
	if n.network.transport != nil {
		r.peers = &n.network
		r.spread = func(term, marker, visible uint64) { n.spread(r, term, marker, visible) }
	}
	if id == 0 {
		r.follow = n.followControl
	} else {
		r.index = n.index
	}
	return r, r.refill(context.Background())
}

// join opens the replica's raft group.
func (n *Node) join(r *replica) error {
	config := consensus.Config{
		Group: uint32(r.id), ServerID: n.network.self, Address: n.network.self,
		Log: n.store.Log(uint32(r.id)), Machine: machine{r}, Bootstrap: n.network.servers(),
		ElectionTimeout: n.config.ElectionTimeout, Logger: n.log,
		OnLeadership: func(bool, uint64) { r.expose() },
		OnFailure:    n.fail,
		Observers:    n.metrics.observers(r.id),
	}
	if n.network.transport != nil {
		link, err := n.network.transport.Group(uint32(r.id))
		if err != nil {
			return err
		}
		r.link.Store(link)
		config.Address, config.Transport, config.Peers = string(link.LocalAddr()), link, n.network.transport
	}
	group, err := consensus.Open(config)
	if err != nil {
		return err
	}
	r.raft.Store(group)
	r.expose() // what was applied and established before anybody could see the group
	return nil
}

// spread tells the other nodes what became visible of a shard that this node
// leads. A nudge leans on an entry of the term itself, so behind its marker only.
func (n *Node) spread(r *replica, term, marker, visible uint64) {
	for _, peer := range n.network.others() {
		n.spreadTo(r, peer, term, marker, visible)
	}
}

func (n *Node) spreadTo(r *replica, peer raft.ServerID, term, marker, visible uint64) {
	v := transport.Visible{Group: uint32(r.id), Term: term, Index: visible}
	if has := r.matches.in(term, peer); has >= marker {
		v.PrevIndex, v.PrevTerm = has, term
	}
	_ = n.network.transport.Spread(peer, v) // who misses it asks: see pullLoop
}

// fail is told that a group has stopped itself.
func (n *Node) fail(err error) {
	n.log.Error("the node cannot go on", "error", err)
	select {
	case n.failed <- err:
	default:
	}
}

// Failed yields the first error after which the node cannot go on: a log that
// cannot be written, a state that cannot be applied to. Close the node then.
func (n *Node) Failed() <-chan error { return n.failed }

// replicaOf is the first hop of every request.
func (n *Node) replicaOf(subject record.Subject) *replica {
	return n.replicas[n.slots[subject.Slot()]]
}

// Ready returns nil when every shard of this node has a leader that serves, here or
// elsewhere, and what it showed is visible here; otherwise it waits for that until
// the context ends.
func (n *Node) Ready(ctx context.Context) error {
	for _, r := range n.replicas {
		for {
			err := r.prove(ctx)
			if err == nil {
				break
			}
			if ctx.Err() != nil || !errors.Is(err, ErrUnavailable) {
				return fmt.Errorf("cluster: shard %d: %w", r.id, err)
			}
		}
	}
	return nil
}

// Close leaves the groups, makes the state durable and closes the stores. Calls
// that are under way are answered with an error.
func (n *Node) Close() error {
	n.openedOnce()
	n.stop()
	n.work.Wait()
	var errs []error
	for _, r := range n.replicas {
		if r != nil && r.group() != nil {
			errs = append(errs, r.group().Close(context.Background()))
		}
	}
	errs = append(errs, n.network.close())
	if n.index != nil {
		errs = append(errs, n.index.Close())
	}
	if n.store != nil {
		errs = append(errs, n.store.Close())
	}
	return errors.Join(errs...)
}
