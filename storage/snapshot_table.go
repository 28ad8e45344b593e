package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// lowestLevel is where a table goes that nothing lies under: it is compressed and
// filtered as tables there are.
const lowestLevel = 6

// tableWriter makes a sorted table in memory that replaces everything in its span:
// it begins with a deletion of the span, which does not touch the table's own keys.
// So tables ingested together take the place of what was there in one step, and
// iterators made before go on seeing that. An excise does neither: it takes one range
// where a shard has eight, and takes it from open snapshots too.
type tableWriter struct {
	memory tableMemory
	w      *sstable.Writer
	err    error
}

// tableMemory is an objstorage.Writable that keeps what is written.
type tableMemory struct{ bytes.Buffer }

// Write keeps a piece of the table.
func (m *tableMemory) Write(p []byte) error {
	_, err := m.Buffer.Write(p)
	return err
}

// Finish has nothing to make durable.
func (m *tableMemory) Finish() error { return nil }

// Abort forgets what was written.
func (m *tableMemory) Abort() { m.Reset() }

func newTableWriter(s *Store, replaces span) *tableWriter {
	t := &tableWriter{}
	o := s.tables.MakeWriterOptions(lowestLevel, pebble.FormatNewest.MaxTableFormat())
	t.w = sstable.NewWriter(&t.memory, o)
	t.err = t.w.DeleteRange(replaces.low, replaces.high)
	return t
}

func (t *tableWriter) set(key, value []byte) error {
	if t.err == nil {
		t.err = t.w.Set(key, value)
	}
	return t.err
}

func (t *tableWriter) close() ([]byte, error) {
	if err := errors.Join(t.err, t.w.Close()); err != nil {
		return nil, err
	}
	return t.memory.Bytes(), nil
}

// seal appends a checksum of a table's bytes, so that what was damaged on its way is
// refused before anything tries to read it.
func seal(table []byte) []byte {
	return binary.BigEndian.AppendUint64(table, xxhash.Sum64(table))
}

// unseal returns the table of what seal made.
func unseal(part []byte) ([]byte, error) {
	at := len(part) - 8
	if at < 0 || binary.BigEndian.Uint64(part[at:]) != xxhash.Sum64(part[:at]) {
		return nil, fmt.Errorf("%w: damaged", ErrPart)
	}
	return part[:at], nil
}

// checkTable holds a part that was received against the manifest: its blocks against
// their checksums, its contents against theirs, what it deletes against its bounds,
// and the log indexes in it against the one that the snapshot is of.
func checkTable(s *Store, table []byte, m *Manifest, part *PartInfo) (err error) {
	r, err := sstable.NewMemReader(table, s.tables.MakeReaderOptions())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPart, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := r.ValidateBlockChecksums(); err != nil {
		return fmt.Errorf("%w: %w", ErrPart, err)
	}
	if err := checkDeletion(r, part); err != nil {
		return err
	}
	it, err := r.NewIter(sstable.NoTransforms, nil, nil, sstable.AssertNoBlobHandles)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPart, err)
	}
	sum := newPartSum()
	for kv := it.First(); kv != nil && err == nil; kv = it.Next() {
		var value []byte
		if value, _, err = kv.Value(nil); err == nil {
			sum.add(pair{key: kv.K.UserKey, value: value})
			err = m.checkPair(pair{key: kv.K.UserKey, value: value})
		}
	}
	if err := errors.Join(err, it.Close()); err != nil {
		return fmt.Errorf("%w: %w", ErrPart, err)
	}
	if got := sum.part(part.low, part.high); !got.equal(part) {
		return fmt.Errorf("%w: not the contents that the manifest names", ErrPart)
	}
	return nil
}

// checkDeletion: the one deletion of a part covers the part and no more.
func checkDeletion(r *sstable.Reader, part *PartInfo) error {
	it, err := r.NewRawRangeDelIter(context.Background(), sstable.NoFragmentTransforms, sstable.NoReadEnv)
	if err != nil || it == nil {
		return errors.Join(fmt.Errorf("%w: deletes nothing", ErrPart), err)
	}
	defer it.Close()
	first, err := it.First()
	if err != nil || first == nil || !bytes.Equal(first.Start, part.low) || !bytes.Equal(first.End, part.high) {
		return errors.Join(fmt.Errorf("%w: deletes what it should not", ErrPart), err)
	}
	if next, err := it.Next(); next != nil || err != nil {
		return errors.Join(fmt.Errorf("%w: deletes too much", ErrPart), err)
	}
	return nil
}

// checkPair: nothing in a snapshot is newer than its applied index, and the
// bookkeeping says what the manifest says.
func (m *Manifest) checkPair(kv pair) error {
	var index uint64
	var err error
	switch kv.key[0] {
	case spaceRecord:
		if slot := slotOf(kv.key); slot < m.Low || slot > m.High {
			return ErrShardRange
		}
		index = versionOf(kv.key)
	case spaceEvent, spaceGarbage, spaceExpiry:
		index, _, err = cutIndexed(kv.key)
	case spaceState:
		var have bookkeeping
		have, err = cutBookkeeping(kv.value)
		want := bookkeeping{low: m.Low, high: m.High, index: m.Index, term: m.Term, time: m.Time, floor: m.Floor}
		if err == nil && have != want {
			return fmt.Errorf("%w: bookkeeping is not the manifest's", ErrCorrupt)
		}
	}
	if err == nil && index > m.Index {
		return fmt.Errorf("%w: log index %d above the applied index %d", ErrCorrupt, index, m.Index)
	}
	return err
}

// keptOf is the bookkeeping of a shard, open or not.
func (s *Store) keptOf(id ShardID) (k bookkeeping, found bool, err error) {
	return (&Shard{db: s.state, id: id}).bookkeeping(nil)
}
