package consensus

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/hashicorp/raft"
)

// maxSnapshotMeta bounds what a snapshot carries: metadata only.
const maxSnapshotMeta = 1 << 20

const stableSnapshotKey = "consensus/snapshot"

// snapshotStore is raft's SnapshotStore over a Log. A snapshot here is metadata
// of at most 1 MiB, so the newest one is a single stable value, written and synced
// as one; older ones are of no use.
type snapshotStore struct {
	log Log

	mu     sync.RWMutex
	newest *storedSnapshot // nil: none yet
}

// storedSnapshot is JSON on disk: it is written once per some ten thousand
// entries and worth being readable.
type storedSnapshot struct {
	Meta raft.SnapshotMeta
	Data []byte
}

func openSnapshotStore(log Log) (*snapshotStore, error) {
	s := &snapshotStore{log: log}
	value, err := log.Stable(stableSnapshotKey)
	if err != nil {
		return nil, fmt.Errorf("consensus: reading the snapshot: %w", err)
	}
	if value == nil {
		return s, nil
	}
	s.newest = new(storedSnapshot)
	if err := json.Unmarshal(value, s.newest); err != nil {
		return nil, fmt.Errorf("%w: snapshot: %w", ErrCorrupt, err)
	}
	return s, nil
}

// index is the index of the newest snapshot, 0 when there is none.
func (s *snapshotStore) index() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.newest == nil {
		return 0
	}
	return s.newest.Meta.Index
}

// Create implements raft.SnapshotStore.
func (s *snapshotStore) Create(version raft.SnapshotVersion, index, term uint64, configuration raft.Configuration,
	configurationIndex uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	return &snapshotSink{store: s, meta: raft.SnapshotMeta{
		Version:            version,
		ID:                 fmt.Sprintf("%d-%d", term, index),
		Index:              index,
		Term:               term,
		Configuration:      configuration,
		ConfigurationIndex: configurationIndex,
	}}, nil
}

// List implements raft.SnapshotStore.
func (s *snapshotStore) List() ([]*raft.SnapshotMeta, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.newest == nil {
		return nil, nil
	}
	meta := s.newest.Meta
	return []*raft.SnapshotMeta{&meta}, nil
}

// Open implements raft.SnapshotStore.
func (s *snapshotStore) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.newest == nil || s.newest.Meta.ID != id {
		return nil, nil, fmt.Errorf("consensus: no snapshot %q", id)
	}
	meta := s.newest.Meta
	return &meta, io.NopCloser(bytes.NewReader(s.newest.Data)), nil
}

// put makes a snapshot the newest. One that is older than the newest, from a
// message that was long on its way, is refused: the log between the two may be gone.
func (s *snapshotStore) put(snapshot *storedSnapshot) error {
	value, err := json.Marshal(snapshot)
	if err != nil {
		return fmt.Errorf("consensus: encoding a snapshot: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newest != nil && snapshot.Meta.Index < s.newest.Meta.Index {
		return fmt.Errorf("consensus: snapshot at %d is older than the one at %d", snapshot.Meta.Index, s.newest.Meta.Index)
	}
	if err := s.log.SetStable(stableSnapshotKey, value); err != nil {
		return fmt.Errorf("consensus: storing a snapshot: %w", err)
	}
	s.newest = snapshot
	return nil
}

// snapshotSink collects one snapshot. Raft uses it from one goroutine.
type snapshotSink struct {
	store *snapshotStore
	meta  raft.SnapshotMeta
	data  []byte
	over  bool
}

// ID implements raft.SnapshotSink.
func (s *snapshotSink) ID() string { return s.meta.ID }

// Write implements io.Writer.
func (s *snapshotSink) Write(p []byte) (int, error) {
	if len(s.data)+len(p) > maxSnapshotMeta {
		return 0, fmt.Errorf("%w: snapshot metadata over %d bytes", ErrTooLarge, maxSnapshotMeta)
	}
	s.data = append(s.data, p...)
	return len(p), nil
}

// Close implements raft.SnapshotSink: the snapshot is complete and becomes durable.
func (s *snapshotSink) Close() error {
	if s.over {
		return nil
	}
	s.over = true
	s.meta.Size = int64(len(s.data))
	return s.store.put(&storedSnapshot{Meta: s.meta, Data: s.data})
}

// Cancel implements raft.SnapshotSink.
func (s *snapshotSink) Cancel() error {
	s.over = true
	return nil
}

// A snapshot's data: version byte | applied index, 8 bytes | the state machine's meta.
// Raft's own index of a snapshot may be a no-op's; the applied index is the one that
// the state machine knows.
const snapshotDataVersion = 1

func encodeSnapshotData(applied uint64, meta []byte) []byte {
	data := append(make([]byte, 0, 9+len(meta)), snapshotDataVersion)
	data = binary.LittleEndian.AppendUint64(data, applied)
	return append(data, meta...)
}

func decodeSnapshotData(data []byte) (applied uint64, meta []byte, err error) {
	if len(data) < 9 || data[0] != snapshotDataVersion {
		return 0, nil, fmt.Errorf("%w: snapshot data", ErrCorrupt)
	}
	return binary.LittleEndian.Uint64(data[1:]), data[9:], nil
}
