package consensus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hashicorp/raft"
)

// Log keeps the entries and the few stable values of one group as bytes. Append
// and DeleteRange are called one at a time, everything else beside them. When a
// writing method returns nil its effect survives a loss of power.
type Log interface {
	// Append writes entries at consecutive indexes from first, with one sync, replacing
	// what is there. It keeps nothing of entries after it returned.
	Append(first uint64, entries [][]byte) error
	// Get returns the entry at an index, nil when there is none. The bytes are the caller's.
	Get(index uint64) ([]byte, error)
	// Bounds returns the lowest and the highest index present, 0 and 0 when empty.
	Bounds() (first, last uint64, err error)
	// DeleteRange deletes first to last, both included.
	DeleteRange(first, last uint64) error
	// SetStable sets a value, synced.
	SetStable(key string, value []byte) error
	// Stable returns a value, nil when it was never set. The bytes are the caller's.
	Stable(key string) ([]byte, error)
}

// Entry is one committed entry of the log with the payloads that travelled in
// it, in order. An entry without payloads is the marker with which a leader
// establishes its term: it changes nothing but the applied index. The slice Payloads
// is used again after Apply has returned; the bytes in it are not, and may be kept, but
// they are shared with the log's cache and must never be written to.
type Entry struct {
	Index, Term uint64
	Payloads    [][]byte
}

// StateMachine is what the log is applied to. Apply, SnapshotMeta and Restore are
// called from one goroutine, from before Open returns; Flush runs beside Apply.
type StateMachine interface {
	// Apply applies entries in log order, each once, and returns one result for each
	// payload of each entry. An error stops the group: nothing is applied after it.
	Apply(entries []Entry) ([][]any, error)
	// AppliedIndex is the index of the last entry applied; after a restart, of the last
	// that survived. What is at or below it is never applied again.
	AppliedIndex() uint64
	// Flush makes everything applied before the call durable.
	Flush() error
	// SnapshotMeta describes the present state to another node, in at most 1 MiB. The
	// state itself never goes through raft.
	SnapshotMeta() ([]byte, error)
	// Restore replaces the state by the one that another node's meta describes and
	// makes it durable. AppliedIndex is then the one of that state.
	Restore(meta []byte) error
}

// TermPeers asks other nodes which term they are in.
type TermPeers interface {
	// CurrentTerm returns the term of the group at a node. The node must have looked it
	// up after the call began: an answer to an earlier question proves nothing. It
	// returns soon after the context ends. Called from many goroutines.
	CurrentTerm(ctx context.Context, group uint32, id, address string) (uint64, error)
}

// Clock tells the time and makes timers for what this package itself measures
// and waits for. Raft's own timers are the machine's (in a test, the bubble's).
type Clock interface {
	Now() time.Time
	// After is time.After.
	After(d time.Duration) <-chan time.Time
}

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// LogHooks are told what happens to this node's log; each may be nil. They run on
// raft's goroutines, in the order of what happens, and must return at once and not
// call the group. Together they are enough to keep a table of what is in the log and
// not yet applied.
type LogHooks struct {
	// OnStore is called for each command before it is stored, so before anybody can
	// learn that this replica has it. If storing it fails the group ends.
	OnStore func(index uint64, footprint Footprint)
	// OnTruncate is called before a conflicting suffix is deleted: what was stored at or
	// above from will never be committed there.
	OnTruncate func(from uint64)
	// OnCompact is called after a prefix was deleted whose state is durable: nothing is
	// taken back.
	OnCompact func(to uint64)
}

// Observers take measurements; each may be nil. They must return at once.
type Observers struct {
	// Fsync is how long a durable append of some entries took.
	Fsync func(d time.Duration, entries, bytes int)
	// Apply is how long the state machine took for some entries.
	Apply func(d time.Duration, entries, payloads int)
	// Pack is how many payloads and bytes travelled in one entry and how long it took
	// from proposing it to its result.
	Pack func(d time.Duration, payloads, bytes int)
	// Proof is how long one round of asking for terms took, and whether it proved
	// leadership.
	Proof func(d time.Duration, proved bool)
}

// Limits bound everything that could grow. A zero field takes the default.
type Limits struct {
	PackPayloads    int           // payloads in one entry; 256
	EntryBytes      int           // bytes of one entry; 1 MiB
	QueuePayloads   int           // proposals waiting; 8192
	QueueBytes      int           // bytes of proposals waiting; 64 MiB
	DeepQueue       int           // proposals waiting at which a second entry goes out; half of PackPayloads
	AppendEntries   int           // entries in one message to a follower and in one Apply; 64
	CacheEntries    int           // recent entries kept in memory; 1024
	CacheBytes      int           // bytes of them; 8 MiB
	SnapshotEntries uint64        // entries after which the log is compacted; 16384
	SnapshotBytes   uint64        // bytes after which the log is compacted; 256 MiB
	TrailingEntries uint64        // entries left for slow followers when the log is compacted; 4096
	TrailingBytes   uint64        // bytes of them, about; 64 MiB
	ProofRounds     int           // rounds of asking for terms under way at once; 2
	TransferWait    time.Duration // how long a proposal waits for a transfer of leadership to end; 2 s
	RetryAfter      time.Duration // what an OverloadedError advises; 1 s
}

func (l Limits) withDefaults() Limits {
	setDefault(&l.PackPayloads, 256)
	setDefault(&l.EntryBytes, 1<<20)
	setDefault(&l.QueuePayloads, 8192)
	setDefault(&l.QueueBytes, 64<<20)
	setDefault(&l.DeepQueue, 128)
	setDefault(&l.AppendEntries, 64)
	setDefault(&l.CacheEntries, 1024)
	setDefault(&l.CacheBytes, 8<<20)
	setDefault(&l.SnapshotEntries, 16384)
	setDefault(&l.SnapshotBytes, 256<<20)
	setDefault(&l.TrailingEntries, 4096)
	setDefault(&l.TrailingBytes, 64<<20)
	setDefault(&l.ProofRounds, 2)
	setDefault(&l.TransferWait, 2*time.Second)
	setDefault(&l.RetryAfter, time.Second)
	return l
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Config says what a group is made of.
type Config struct {
	// Group is the group's number, the same on all nodes.
	Group uint32
	// ServerID names this node for ever; Address is where the others reach it.
	ServerID, Address string

	Log     Log
	Machine StateMachine
	// Transport carries raft's messages. Raft closes it when the group is closed, so a
	// transport shared between groups hands out one whose Close does nothing to each. Nil:
	// this node stands alone, and as the only voter it is leader at once.
	Transport raft.Transport
	// Bootstrap are the first servers of a new group, the same on each of them. It is
	// ignored when there is a log. Nil: wait to be added by a leader.
	Bootstrap []raft.Server
	// Peers is needed as soon as there is more than one voter.
	Peers TermPeers

	// A candidacy lasts ElectionTimeout (600 ms), and a round of asking for terms at most;
	// a follower that hears nothing for HeartbeatTimeout (as ElectionTimeout) to twice that
	// stands for election; a leader that reaches no majority for LeaseTimeout (two thirds
	// of that) steps down; a lone entry's commit is told to followers after CommitTimeout
	// (50 ms).
	ElectionTimeout, HeartbeatTimeout, LeaseTimeout, CommitTimeout time.Duration

	// OnAppended is called, as LogHooks are, when the log is durable through an entry.
	OnAppended func(index, term uint64)
	// OnLeadership is called with true when this node has established its term, before
	// any ProveLeader in that term returns, and with false when that has ended. It is
	// called from one goroutine, in order; no term is established while it runs.
	OnLeadership func(leader bool, term uint64)
	// OnFailure is called once if the group stops itself, on a goroutine of its own; it
	// may call Close. The error wraps ErrFailed.
	OnFailure func(err error)

	LogHooks  LogHooks
	Limits    Limits
	Observers Observers
	Clock     Clock        // nil: the machine's
	Logger    *slog.Logger // nil: silent; raft's own chatter comes at debug
}

func (c Config) withDefaults() Config {
	c.Limits = c.Limits.withDefaults()
	setDefault(&c.ElectionTimeout, max(600*time.Millisecond, c.HeartbeatTimeout))
	setDefault(&c.HeartbeatTimeout, c.ElectionTimeout)
	setDefault(&c.LeaseTimeout, c.HeartbeatTimeout*2/3)
	setDefault(&c.CommitTimeout, 50*time.Millisecond)
	if c.Clock == nil {
		c.Clock = systemClock{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = c.Logger.With("group", c.Group)
	return c
}

func (c Config) validate() error {
	switch {
	case c.Log == nil:
		return errors.New("consensus: config without a Log")
	case c.Machine == nil:
		return errors.New("consensus: config without a Machine")
	case c.ServerID == "" || c.Address == "":
		return errors.New("consensus: config without a ServerID or an Address")
	case c.Limits.PackPayloads < 1 || c.Limits.PackPayloads > maxPayloads:
		return fmt.Errorf("consensus: PackPayloads must be 1 to %d", maxPayloads)
	}
	return nil
}

// raftConfig never sets RestoreCommittedLogs: NewRaft then blocks for ever when
// there are more committed entries than its channel to the state machine holds.
func (c Config) raftConfig() *raft.Config {
	r := raft.DefaultConfig()
	r.LocalID = raft.ServerID(c.ServerID)
	r.HeartbeatTimeout = c.HeartbeatTimeout
	r.ElectionTimeout = c.ElectionTimeout
	r.LeaderLeaseTimeout = c.LeaseTimeout
	r.CommitTimeout = c.CommitTimeout
	r.MaxAppendEntries = c.Limits.AppendEntries
	r.BatchApplyCh = true
	r.NoSnapshotRestoreOnStart = true
	r.NoLegacyTelemetry = true
	// A group removed from its shard is closed by its owner, not behind its back.
	r.ShutdownOnRemove = false
	// The group decides itself when to compact (log_compaction.go): raft counts entries
	// only, and an entry may be 20 bytes or a mebibyte.
	r.SnapshotThreshold = 1 << 62
	r.SnapshotInterval = time.Hour
	r.TrailingLogs = c.Limits.TrailingEntries
	r.Logger = newRaftLogger(c.Logger)
	return r
}
