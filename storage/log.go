package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// Keys of the log database: `group | e | log index` for entries, `group | s | name`
// for the rest, `group | d` while DropShard is at work.
const (
	logEntry   = 'e'
	logStable  = 's'
	logDropped = 'd' // the state is to be removed too
)

// Log is the log of one group: bytes under consecutive numbers, and a few named
// values. What it was told is durable when the call returns. It is safe for
// concurrent use; the logs of all groups share their syncs.
type Log struct {
	db    *pebble.DB
	group uint32
	sync  *pebble.WriteOptions

	mu          sync.Mutex // bounds are read on every append and would cost two seeks
	known       bool
	first, last uint64
}

func (l *Log) key(kind byte) []byte {
	b := make([]byte, 0, 16)
	return append(binary.BigEndian.AppendUint32(b, l.group), kind)
}

func (l *Log) entryKey(index uint64) []byte {
	return binary.BigEndian.AppendUint64(l.key(logEntry), index)
}

// Append writes entries under first, first+1 and so on: all of them or none.
func (l *Log) Append(first uint64, entries [][]byte) error {
	if len(entries) == 0 {
		return nil
	}
	if first == 0 || first > math.MaxUint64-uint64(len(entries)) {
		return fmt.Errorf("%w: append at %d", ErrOutOfOrder, first)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.loadBounds(); err != nil {
		return err
	}
	batch := l.db.NewBatch()
	defer batch.Close()
	key := l.entryKey(first)
	for i, entry := range entries {
		binary.BigEndian.PutUint64(key[len(key)-8:], first+uint64(i))
		if err := batch.Set(key, entry, nil); err != nil {
			return fmt.Errorf("storage: append: %w", err)
		}
	}
	if err := batch.Commit(l.sync); err != nil {
		return fmt.Errorf("storage: append: %w", err)
	}
	if l.last == 0 || first < l.first {
		l.first = first
	}
	l.last = max(l.last, first+uint64(len(entries))-1)
	return nil
}

// Get returns the entry under index, which is the caller's to keep; nil when there is none.
func (l *Log) Get(index uint64) ([]byte, error) { return l.get(l.entryKey(index)) }

func (l *Log) get(key []byte) ([]byte, error) {
	value, closer, err := l.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("storage: log: %w", err)
	}
	defer closer.Close()
	return append(make([]byte, 0, len(value)), value...), nil
}

// Bounds returns the first and the last index of the log; 0, 0 when it is empty.
func (l *Log) Bounds() (first, last uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err = l.loadBounds()
	return l.first, l.last, err
}

func (l *Log) loadBounds() (err error) {
	if l.known {
		return nil
	}
	s := within(l.key(logEntry))
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: s.low, UpperBound: s.high})
	if err != nil {
		return fmt.Errorf("storage: log: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	l.first, l.last = 0, 0
	if it.First() {
		l.first = binary.BigEndian.Uint64(it.Key()[5:])
	}
	if it.Last() {
		l.last = binary.BigEndian.Uint64(it.Key()[5:])
	}
	l.known = it.Error() == nil
	return it.Error()
}

// DeleteRange deletes the entries first to last, both included.
func (l *Log) DeleteRange(first, last uint64) error {
	if first > last {
		return nil
	}
	high := within(l.key(logEntry)).high
	if last < math.MaxUint64 {
		high = l.entryKey(last + 1)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.db.DeleteRange(l.entryKey(first), high, l.sync); err != nil {
		return fmt.Errorf("storage: log: %w", err)
	}
	l.known = false
	return nil
}

// SetStable keeps a value under a name.
func (l *Log) SetStable(name string, value []byte) error {
	if err := l.db.Set(append(l.key(logStable), name...), value, l.sync); err != nil {
		return fmt.Errorf("storage: log: %w", err)
	}
	return nil
}

// Stable returns the value under a name; nil when there is none.
func (l *Log) Stable(name string) ([]byte, error) {
	return l.get(append(l.key(logStable), name...))
}
