package storage

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"

	"vertebra/storage/record"
)

// layout is what the store's meta key holds. A build refuses any other.
const layout = "1"

// DefaultCacheBytes is the block cache of a store whose Options name none.
const DefaultCacheBytes = 128 << 20

// The memtables of the two databases. Pebble takes them out of the block cache: with
// 128 MiB for both, two memtables of state left no room for a single block, and every
// read read a file. So the usual number of them, one that fills and one that is
// flushed, is added to what is asked for.
const (
	stateMemTableBytes = 64 << 20
	logMemTableBytes   = 32 << 20
	memTablesBytes     = 2 * (stateMemTableBytes + logMemTableBytes)
)

// Options say how to open a store. The zero value is a store on the disk of the
// machine with the default cache and no logging.
type Options struct {
	// FS is where the store lives; nil is the machine's file system.
	FS FS
	// CacheBytes is the block cache that both databases share, 0 is DefaultCacheBytes.
	// Memtables come on top: 192 MiB, which blocks may use while memtables do not.
	CacheBytes int64
	// Logger gets what the databases have to say; nil is silence.
	Logger *slog.Logger
	// Events are told about what an operator should know of.
	Events Events
	// ReadOnly opens what is there and changes nothing.
	ReadOnly bool
	// DiskUsage says how full the disk of a folder is; nil asks FS.
	DiskUsage func(dir string) (DiskUsage, error)
	// UnsafeSkipLogSync acknowledges appends to a log before they are on disk. Only a
	// crash test sets it, to show that it would find a log that does so.
	UnsafeSkipLogSync bool
}

// Events is a struct of optional functions. They are called by the database's
// own goroutines: they must return soon and must not call the store.
type Events struct {
	// DiskSlow: a write or sync has been taking longer than the databases expect.
	DiskSlow func()
	// WriteStall tells when writes are held back (true) and when they go on (false).
	WriteStall func(stalled bool)
	// BackgroundError: a flush or compaction failed; it will be tried again. ErrNoSpace
	// when the disk is full.
	BackgroundError func(error)
	// Fatal: the database cannot go on, because a write to its log failed or what is on
	// disk contradicts itself. ErrNoSpace when that was for a full disk. The process panics when Fatal returns: nothing that was
	// written after can be acknowledged.
	Fatal func(error)
}

// Store is what one node has on disk: the state of its shards in one database,
// the logs of their groups in another. It is safe for concurrent use.
type Store struct {
	fs          FS
	dir         string
	diskUsage   func(dir string) (DiskUsage, error)
	tables      *pebble.Options // how tables of the state are written outside of it
	state, logs *pebble.DB
	logSync     *pebble.WriteOptions
	readOnly    bool
	views       sync.Pool

	mu      sync.Mutex
	shards  map[ShardID]*Shard
	byGroup map[uint32]*Log
}

// Open opens the store in dir, making it when there is none. One process at a
// time can have a store open.
func Open(dir string, o Options) (*Store, error) {
	if o.FS == nil {
		o.FS = defaultFS()
	}
	if o.DiskUsage == nil {
		o.DiskUsage = statDisk(o.FS)
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = DefaultCacheBytes
	}
	cache := pebble.NewCache(o.CacheBytes + memTablesBytes)
	defer cache.Unref() // the databases hold it from here on
	state, err := pebble.Open(filepath.Join(dir, "state"), stateOptions(o, cache))
	if err != nil {
		return nil, fmt.Errorf("storage: open state: %w", err)
	}
	logs, err := pebble.Open(filepath.Join(dir, "log"), logOptions(o, cache))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("storage: open log: %w", err), state.Close())
	}
	s := &Store{
		fs: o.FS, dir: dir, diskUsage: o.DiskUsage, tables: tableOptions(o),
		state: state, logs: logs, logSync: pebble.Sync, readOnly: o.ReadOnly,
		shards: make(map[ShardID]*Shard), byGroup: make(map[uint32]*Log),
	}
	s.views.New = func() any { return new(View) }
	if o.UnsafeSkipLogSync {
		s.logSync = pebble.NoSync
	}
	if err := s.recover(); err != nil {
		return nil, errors.Join(err, state.Close(), logs.Close())
	}
	return s, nil
}

// recover checks the layout and finishes what a crash left half done.
func (s *Store) recover() error {
	if err := s.checkLayout(); err != nil || s.readOnly {
		return err
	}
	return errors.Join(s.finishDrops(), s.sweepImports())
}

// tableOptions are those that tables of the state are written and read with.
func tableOptions(o Options) *pebble.Options {
	p := stateOptions(o, nil)
	p.EnsureDefaults()
	return p
}

// stateOptions: no write-ahead log, since the raft log is that. Two databases cost
// 40 % fewer bytes written than one: state is not forced to disk by syncs of logs.
func stateOptions(o Options, cache *pebble.Cache) *pebble.Options {
	p := commonOptions(o, cache)
	p.Comparer = newComparer()
	p.DisableWAL = true
	p.MemTableSize = stateMemTableBytes
	p.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionBalanced })
	for i := range p.Levels {
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return p
}

// logOptions: entries are written once, read soon or never, and deleted by range:
// compressing them, or filters over them, is work for nobody.
func logOptions(o Options, cache *pebble.Cache) *pebble.Options {
	p := commonOptions(o, cache)
	p.MemTableSize = logMemTableBytes
	p.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionFastest })
	return p
}

func commonOptions(o Options, cache *pebble.Cache) *pebble.Options {
	p := &pebble.Options{
		FS: o.FS, Cache: cache, ReadOnly: o.ReadOnly,
		FormatMajorVersion:          pebble.FormatNewest,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       2,
		L0StopWritesThreshold:       24,
		Logger:                      newDatabaseLogger(o),
	}
	p.EventListener = newEventListener(o.Events)
	return p
}

func (s *Store) checkLayout() error {
	key := []byte{spaceMeta}
	have, closer, err := s.state.Get(key)
	switch {
	case err == nil:
		defer closer.Close()
		if string(have) != layout {
			return fmt.Errorf("%w: layout %q, this build knows %q", ErrFormat, have, layout)
		}
		return nil
	case !errors.Is(err, pebble.ErrNotFound):
		return fmt.Errorf("storage: %w", err)
	case s.readOnly:
		return nil // nothing was ever flushed: the log alone says what there is
	}
	if err := s.state.Set(key, []byte(layout), pebble.NoSync); err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	return nil
}

// Close makes everything durable and closes the store. No shard, view, snapshot
// or log of it may be in use.
func (s *Store) Close() error {
	var flushed error
	if !s.readOnly {
		flushed = s.Flush()
	}
	return errors.Join(flushed, s.state.Close(), s.logs.Close())
}

// Flush returns when everything that was applied before the call is durable.
func (s *Store) Flush() error {
	if err := s.state.Flush(); err != nil {
		return fmt.Errorf("storage: flush: %w", err)
	}
	return nil
}

// Checkpoint makes a copy of the store in dir, which must not exist, sharing
// files with it where the file system can. The state is copied first: a log may be
// ahead of its state, never behind.
func (s *Store) Checkpoint(dir string) error {
	if err := s.Flush(); err != nil {
		return err
	}
	if err := s.state.Checkpoint(filepath.Join(dir, "state")); err != nil {
		return fmt.Errorf("storage: checkpoint of state: %w", err)
	}
	if err := s.logs.Checkpoint(filepath.Join(dir, "log"), pebble.WithFlushedWAL()); err != nil {
		return fmt.Errorf("storage: checkpoint of log: %w", err)
	}
	return nil
}

// Shard returns the shard with the slots low to high, both included, making it
// when it is new. ErrShardRange when it was made with other slots, or when one of
// them is another open shard's. The same shard is returned every time.
func (s *Store) Shard(id ShardID, low, high record.Slot) (*Shard, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if low > high || high > record.ControlSlot {
		return nil, fmt.Errorf("%w: %d to %d", ErrShardRange, low, high)
	}
	for _, other := range s.shards {
		same := other.id == id && other.low == low && other.high == high
		if same {
			return other, nil
		}
		if other.id == id || (low <= other.high && other.low <= high) {
			return nil, fmt.Errorf("%w: shard %d with %d to %d, shard %d has %d to %d",
				ErrShardRange, id, low, high, other.id, other.low, other.high)
		}
	}
	shard, err := s.openShard(id, low, high)
	if err != nil {
		return nil, err
	}
	s.shards[id] = shard
	return shard, nil
}

// Log returns the log of a group. The same log is returned every time.
func (s *Store) Log(group uint32) *Log {
	s.mu.Lock()
	defer s.mu.Unlock()
	log, ok := s.byGroup[group]
	if !ok {
		log = &Log{db: s.logs, group: group, sync: s.logSync}
		s.byGroup[group] = log
	}
	return log
}
