package consensus

import (
	"fmt"
	"sync"

	"github.com/hashicorp/raft"
)

// logStore is raft's LogStore over a Log. Raft appends and truncates from its main
// goroutine, compacts from another, and reads from many.
//
// It does not claim to be a raft.MonotonicLogStore: then raft would delete all of
// the log when a snapshot is installed, entries behind the snapshot included that
// this replica has acknowledged. A gap behind a snapshot does no harm here.
type logStore struct {
	log        Log
	hooks      LogHooks
	onAppended func(index, term uint64)
	observe    func(entries, bytes int) (done func()) // around each durable append
	appended   func(entries, bytes int)               // after each
	// compactable is the index of the newest snapshot: raft deletes a prefix up to there
	// at most, and a conflicting suffix only above it, because a snapshot is of what is
	// committed. The applied index would be a worse border: the state machine never sees
	// no-ops, so one of those at the end of a compacted prefix would look like a conflict.
	compactable func() uint64
	broke       func(error) // told of the first failed write

	writing sync.Mutex // held while the log and the bounds below change together

	mu          sync.RWMutex
	first, last uint64
	cache       logCache
	broken      error // set by the first failed write; every later one is refused

	scratch []byte   // the encoded entries of one append
	parts   [][]byte // the same, cut
}

// maxScratch is how much encoding buffer is kept between appends.
const maxScratch = 4 << 20

func openLogStore(log Log, c Config, compactable func() uint64) (*logStore, error) {
	first, last, err := log.Bounds()
	if err != nil {
		return nil, fmt.Errorf("consensus: reading the log's bounds: %w", err)
	}
	s := &logStore{log: log, hooks: c.LogHooks, onAppended: c.OnAppended, compactable: compactable, first: first, last: last}
	s.cache = logCache{maxEntries: c.Limits.CacheEntries, maxBytes: c.Limits.CacheBytes}
	return s, nil
}

// FirstIndex implements raft.LogStore.
func (s *logStore) FirstIndex() (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.first, nil
}

// LastIndex implements raft.LogStore.
func (s *logStore) LastIndex() (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.last, nil
}

// GetLog implements raft.LogStore.
func (s *logStore) GetLog(index uint64, l *raft.Log) error {
	s.mu.RLock()
	found := s.cache.get(index, l)
	s.mu.RUnlock()
	if found {
		return nil
	}
	data, err := s.log.Get(index)
	if err != nil {
		return fmt.Errorf("consensus: reading log entry %d: %w", index, err)
	}
	if data == nil {
		return raft.ErrLogNotFound
	}
	return decodeLogEntry(data, index, l)
}

// StoreLog implements raft.LogStore.
func (s *logStore) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs implements raft.LogStore: footprints first, then the durable append,
// then who waits for it.
func (s *logStore) StoreLogs(logs []*raft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	if err := s.usable(); err != nil {
		return err
	}
	if err := checkConsecutive(logs); err != nil {
		return err
	}
	if err := s.announce(logs); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	first, last := logs[0], logs[len(logs)-1]
	if err := s.append(first.Index, logs); err != nil {
		return s.fail(fmt.Errorf("appending to the log: %w", err))
	}
	s.mu.Lock()
	if s.first == 0 {
		s.first = first.Index
	}
	s.last = last.Index
	s.cache.add(logs)
	s.mu.Unlock()
	if s.onAppended != nil {
		s.onAppended(last.Index, last.Term)
	}
	return nil
}

// announce tells what the entries will touch.
func (s *logStore) announce(logs []*raft.Log) error {
	if s.hooks.OnStore == nil {
		return nil
	}
	for _, l := range logs {
		if l.Type != raft.LogCommand {
			continue
		}
		footprint, err := EntryFootprint(l.Data)
		if err != nil {
			return err
		}
		s.hooks.OnStore(l.Index, footprint)
	}
	return nil
}

func (s *logStore) append(first uint64, logs []*raft.Log) error {
	size := 0
	for _, l := range logs {
		size += logEntrySize(l)
	}
	if cap(s.scratch) < size {
		s.scratch = make([]byte, 0, size)
	}
	buf, parts := s.scratch[:0], s.parts[:0]
	for _, l := range logs {
		from := len(buf)
		buf = appendLogEntry(buf, l)
		parts = append(parts, buf[from:len(buf):len(buf)])
	}
	done := s.observe(len(logs), len(buf))
	err := s.log.Append(first, parts)
	done()
	s.appended(len(logs), len(buf))
	clear(parts)
	s.parts = parts
	if cap(s.scratch) > maxScratch {
		s.scratch = nil
	}
	return err
}

// DeleteRange implements raft.LogStore. Raft calls it for two things that must not
// be confused: it compacts a prefix, and it truncates a suffix that conflicts with
// the leader's log.
func (s *logStore) DeleteRange(low, high uint64) error {
	if low > high {
		return nil
	}
	if err := s.usable(); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	border := s.compactable()
	if low <= border && high > border {
		return s.fail(fmt.Errorf("raft deletes %d to %d across the snapshot at %d", low, high, border))
	}
	if high <= border {
		return s.compact(low, high)
	}
	return s.truncate(low, high)
}

// truncate forgets the suffix in memory before it goes from the disk: whoever
// reads in between must not find what is being taken back.
func (s *logStore) truncate(low, high uint64) error {
	if s.hooks.OnTruncate != nil {
		s.hooks.OnTruncate(low)
	}
	s.mu.Lock()
	s.cache.truncate(low)
	s.mu.Unlock()
	return s.delete(low, high)
}

func (s *logStore) compact(low, high uint64) error {
	s.mu.Lock()
	s.cache.compact(high)
	s.mu.Unlock()
	if err := s.delete(low, high); err != nil {
		return err
	}
	if s.hooks.OnCompact != nil {
		s.hooks.OnCompact(high)
	}
	return nil
}

// delete takes the bounds anew instead of computing them: there may be a gap
// behind an installed snapshot.
func (s *logStore) delete(low, high uint64) error {
	if err := s.log.DeleteRange(low, high); err != nil {
		return s.fail(fmt.Errorf("deleting from the log: %w", err))
	}
	first, last, err := s.log.Bounds()
	if err != nil {
		return s.fail(fmt.Errorf("reading the log's bounds: %w", err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first, s.last = first, last
	return nil
}

func (s *logStore) usable() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.broken
}

// fail breaks the store for good. After a failed write nobody knows what is on
// disk; going on could leave old entries behind newer ones, and a retried fsync
// lies.
func (s *logStore) fail(err error) error {
	err = fmt.Errorf("%w: %w", ErrFailed, err)
	s.mu.Lock()
	s.broken = err
	s.mu.Unlock()
	s.broke(err)
	return err
}

func checkConsecutive(logs []*raft.Log) error {
	for i, l := range logs {
		if l.Index != logs[0].Index+uint64(i) {
			return fmt.Errorf("%w: entry %d where %d was due", ErrCorrupt, l.Index, logs[0].Index+uint64(i))
		}
	}
	return nil
}
