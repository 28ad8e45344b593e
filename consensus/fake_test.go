package consensus

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// memoryLog is a Log in memory that models a disk: what was not synced is gone
// after crash. skipSync plants the bug that the crash tests must find.
type memoryLog struct {
	skipSync bool          // Append claims to have synced
	fsync    time.Duration // how long a write takes

	mu       sync.Mutex
	entries  map[uint64][]byte
	stable   map[string][]byte
	durable  map[uint64][]byte
	settled  map[string][]byte
	failNext error
}

func newMemoryLog() *memoryLog {
	return &memoryLog{entries: map[uint64][]byte{}, stable: map[string][]byte{},
		durable: map[uint64][]byte{}, settled: map[string][]byte{}}
}

func (l *memoryLog) Append(first uint64, entries [][]byte) error {
	l.sync()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.failNext; err != nil {
		l.failNext = nil
		return err
	}
	for i, e := range entries {
		e = bytes.Clone(e)
		l.entries[first+uint64(i)] = e
		if !l.skipSync {
			l.durable[first+uint64(i)] = e
		}
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
	within := func(i uint64, _ []byte) bool { return i >= first && i <= last }
	maps.DeleteFunc(l.entries, within)
	maps.DeleteFunc(l.durable, within)
	return nil
}

func (l *memoryLog) SetStable(key string, value []byte) error {
	l.sync()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stable[key] = bytes.Clone(value)
	l.settled[key] = l.stable[key]
	return nil
}

func (l *memoryLog) Stable(key string) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.stable[key]), nil
}

// crash returns what a loss of power now would leave.
func (l *memoryLog) crash() *memoryLog {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.crashLocked()
}

func (l *memoryLog) crashLocked() *memoryLog {
	after := newMemoryLog()
	after.skipSync = l.skipSync
	for _, m := range []map[uint64][]byte{after.entries, after.durable} {
		maps.Copy(m, l.durable)
	}
	for _, m := range []map[string][]byte{after.stable, after.settled} {
		maps.Copy(m, l.settled)
	}
	return after
}

func (l *memoryLog) sync() {
	l.mu.Lock()
	fsync := l.fsync
	l.mu.Unlock()
	if fsync > 0 {
		<-time.After(fsync)
	}
}

func (l *memoryLog) slow(fsync time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fsync = fsync
}

func (l *memoryLog) failAppend(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failNext = err
}

// ledger is a StateMachine that keeps every payload, in order. Its result for a
// payload is how many there were before it. Like a store without a WAL it loses what
// was not flushed.
type ledger struct {
	mu      sync.Mutex
	lines   []string
	applied uint64
	markers int
	order   error // the first entry that came out of order

	flushed        []string
	flushedApplied uint64
	skipFlush      bool // Flush claims to have flushed
	alone          bool // there is nobody to restore from

	failNext error
	gate     chan struct{} // when not nil Apply waits for it
}

var errOrder = errors.New("applied out of order or twice")

func (m *ledger) Apply(entries []Entry) ([][]any, error) {
	m.mu.Lock()
	gate := m.gate
	m.mu.Unlock()
	if gate != nil {
		<-gate
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failNext != nil {
		return nil, m.failNext
	}
	results := make([][]any, len(entries))
	for i, e := range entries {
		if e.Index <= m.applied {
			m.order = errOrder
		}
		m.applied = e.Index
		if len(e.Payloads) == 0 {
			m.markers++
		}
		for _, p := range e.Payloads {
			results[i] = append(results[i], len(m.lines))
			m.lines = append(m.lines, string(p))
		}
	}
	return results, nil
}

func (m *ledger) AppliedIndex() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.applied
}

func (m *ledger) Flush() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.skipFlush {
		m.flushed, m.flushedApplied = slices.Clone(m.lines), m.applied
	}
	return nil
}

// SnapshotMeta carries the whole state here; a real one names where to get it.
func (m *ledger) SnapshotMeta() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	meta := []byte{byte(m.applied >> 8), byte(m.applied)}
	for _, line := range m.lines {
		meta = append(append(meta, line...), '\n')
	}
	return meta, nil
}

func (m *ledger) Restore(meta []byte) error {
	if m.alone {
		return errors.New("nobody to restore from")
	}
	m.mu.Lock()
	m.applied = uint64(meta[0])<<8 | uint64(meta[1])
	m.lines = nil
	for line := range bytes.Lines(meta[2:]) {
		m.lines = append(m.lines, string(bytes.TrimSuffix(line, []byte{'\n'})))
	}
	m.mu.Unlock()
	return m.Flush()
}

// crash returns what a loss of power now would leave.
func (m *ledger) crash() *ledger {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.crashLocked()
}

func (m *ledger) crashLocked() *ledger {
	return &ledger{lines: slices.Clone(m.flushed), applied: m.flushedApplied,
		flushed: m.flushed, flushedApplied: m.flushedApplied, skipFlush: m.skipFlush, alone: m.alone}
}

func (m *ledger) all() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.lines)
}
