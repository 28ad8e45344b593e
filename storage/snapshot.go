package storage

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"vertebra/storage/record"
)

// partBytes is where a part of a snapshot ends, in bytes of keys and values. What
// is sent is compressed, about a quarter of it.
const partBytes = 32 << 20

// Snapshot is one shard as it was at one applied index, for another node to pull in
// parts. It blocks nobody: apply, collection and wipes go on, and files that they
// leave behind are kept on disk until Close. It is safe for concurrent use.
//
// Every part can be made again for as long as the snapshot is open, always with the
// same contents, so that a transfer goes on where its connection broke. A part is made
// in memory when it is asked for. A spool of all parts on disk was rejected: a node
// that is short of disk is one that replicas are moved away from.
type Snapshot struct {
	// Pace, when it is set before the first call, is told of every so many bytes read
	// before the next are, and waits as long as the caller wants them to take. An error
	// that it returns ends the call. One call reads all of the shard (Manifest, once), or
	// one part of it.
	Pace func(bytes int) error

	store    *Store
	db       *pebble.EventuallyFileOnlySnapshot
	spans    []span
	manifest Manifest

	mu      sync.Mutex
	planned bool
	bytes   uint64 // where a part ends; a test has smaller ones
}

// Snapshot takes a snapshot at the applied index. It must be closed.
//
// Pebble's eventually-file-only snapshot is what it stands on: a plain one holds back
// what all flushes and compactions of the store may drop until it is closed, an
// iterator pins memtables.
func (s *Shard) Snapshot() (*Snapshot, error) {
	if s.dropped.Load() {
		return nil, fmt.Errorf("%w: shard %d", ErrDropped, s.id)
	}
	out := &Snapshot{store: s.store, spans: sharedSpans(s.id, s.low, s.high), bytes: partBytes}
	ranges := make([]pebble.KeyRange, len(out.spans))
	for i, r := range out.spans {
		ranges[i] = pebble.KeyRange{Start: r.low, End: r.high}
	}
	out.db = s.db.NewEventuallyFileOnlySnapshot(ranges)
	kept, err := out.bookkeeping(s.id)
	if err != nil {
		return nil, errors.Join(err, out.db.Close())
	}
	out.manifest = Manifest{
		Shard: s.id, Low: s.low, High: s.high,
		Index: kept.index, Term: kept.term, Time: kept.time, Floor: kept.floor,
	}
	return out, nil
}

// bookkeeping is read through the snapshot: what the shard publishes may be one batch ahead.
func (s *Snapshot) bookkeeping(id ShardID) (bookkeeping, error) {
	value, closer, err := s.db.Get(appendSpace(nil, spaceState, id))
	if errors.Is(err, pebble.ErrNotFound) {
		return bookkeeping{}, fmt.Errorf("%w: shard %d has applied nothing", ErrNotApplied, id)
	}
	if err != nil {
		return bookkeeping{}, fmt.Errorf("storage: snapshot: %w", err)
	}
	kept, err := cutBookkeeping(value)
	return kept, errors.Join(err, closer.Close())
}

// Close lets go of what the snapshot kept. No call may be under way.
func (s *Snapshot) Close() error { return s.db.Close() }

// Index is the applied index that the snapshot is of, Term that entry's.
func (s *Snapshot) Index() uint64 { return s.manifest.Index }

// Term is the term of the last entry applied.
func (s *Snapshot) Term() uint64 { return s.manifest.Term }

// Manifest says what the parts are. The first call reads the whole shard to find out
// where parts end and what their checksums are. The caller sets Generation.
func (s *Snapshot) Manifest() (Manifest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.planned {
		return s.manifest, nil
	}
	s.manifest.Parts = nil
	for _, r := range s.spans {
		if err := s.plan(r); err != nil {
			return Manifest{}, fmt.Errorf("storage: snapshot: %w", err)
		}
	}
	s.planned = true
	return s.manifest, nil
}

// plan appends the parts of one span. They leave nothing out between them: a part
// replaces all that the receiver has from its low to its high key.
func (s *Snapshot) plan(all span) error {
	at := newPartSum()
	low := all.low
	err := s.walk(all, func(kv pair) error {
		if at.bytes >= s.bytes {
			high := bytes.Clone(kv.key)
			s.manifest.Parts = append(s.manifest.Parts, at.part(low, high))
			low, at = high, newPartSum()
		}
		at.add(kv)
		return nil
	})
	s.manifest.Parts = append(s.manifest.Parts, at.part(low, all.high))
	return err
}

// walk gives everything in a span to a function, at the caller's pace.
func (s *Snapshot) walk(r span, each func(pair) error) error {
	const stride = 256 << 10
	read := 0
	for kv, err := range scan(s.db, r) {
		if err != nil {
			return err
		}
		if err := each(kv); err != nil {
			return err
		}
		if read += len(kv.key) + len(kv.value); read < stride || s.Pace == nil {
			continue
		}
		if err := s.Pace(read); err != nil {
			return err
		}
		read = 0
	}
	return nil
}

// Part returns one part, for Importer.Add: a sorted table in pebble's format and a
// checksum of its bytes. It is the caller's to keep.
func (s *Snapshot) Part(number int) ([]byte, error) {
	m, err := s.Manifest()
	if err != nil {
		return nil, err
	}
	if number < 0 || number >= len(m.Parts) {
		return nil, fmt.Errorf("%w: %d of %d", ErrPart, number, len(m.Parts))
	}
	part := &m.Parts[number]
	w := newTableWriter(s.store, part.span())
	sum := newPartSum()
	err = s.walk(part.span(), func(kv pair) error {
		sum.add(kv)
		return w.set(kv.key, kv.value)
	})
	table, closed := w.close()
	if err := errors.Join(err, closed); err != nil {
		return nil, fmt.Errorf("storage: snapshot: %w", err)
	}
	if made := sum.part(part.low, part.high); !made.equal(part) {
		return nil, fmt.Errorf("%w: part %d is not what it was", ErrCorrupt, number)
	}
	return seal(table), nil
}

// sharedSpans are the ranges of keys that all replicas of a shard have in common, in
// key order. A node's own are those of ownSpans.
func sharedSpans(id ShardID, low, high record.Slot) []span {
	spans := []span{slotSpan(low, high)}
	for _, space := range []byte{spaceEvent, spaceGarbage, spacePosting, spaceState, spaceExpiry} {
		spans = append(spans, spaceSpan(space, id))
	}
	return spans
}

// ownSpans are the node's notes on a shard and its index queue.
func ownSpans(id ShardID) []span {
	return []span{spaceSpan(spaceLocal, id), spaceSpan(spaceQueue, id)}
}
