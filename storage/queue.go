package storage

import (
	"fmt"
	"iter"

	"github.com/cockroachdb/pebble/v2"

	"vertebra/storage/record"
)

// What an element of the queue asks of the search index. The numbers are on disk.
const (
	queuedDocument = 1
	queuedDeletion = 2
	queuedWipe     = 3
)

// Queued is one thing that the search index has to be told.
type Queued struct {
	Index   uint64 // log index
	Ordinal int    // place within the entry
	Key     record.Key
	// Document is the search record of Key from here on; nil when it has none any more.
	// It is the caller's to keep.
	Document []byte
	// Wipe empties the index for the whole shard; Key is zero then.
	Wipe bool
}

func (a *applier) putQueued(kind byte, k record.Key, document []byte) error {
	value := append(a.value[:0], kind)
	value = append(appendKeyValue(value, k), document...)
	return a.putOrdered(spaceQueue, &a.queued, value)
}

func cutQueued(key, value []byte) (q Queued, err error) {
	index, ordinal, err := cutIndexed(key)
	if err != nil {
		return q, err
	}
	r := valueReader{rest: value}
	kind := r.byte()
	q = Queued{Index: index, Ordinal: int(ordinal), Key: r.key(), Wipe: kind == queuedWipe}
	if kind == queuedDocument {
		q.Document = cloned(r.rest)
	}
	if kind < queuedDocument || kind > queuedWipe {
		r.fail()
	}
	return q, r.err()
}

// Queue yields what the entries above from and up to to have for the search index,
// in log order. The queue is this replica's own: no checksum covers it.
func (s *Shard) Queue(from, to uint64) iter.Seq2[Queued, error] {
	return func(yield func(Queued, error) bool) {
		for kv, err := range scan(s.db, indexSpan(spaceQueue, s.id, from, to)) {
			var q Queued
			if err == nil {
				q, err = cutQueued(kv.key, kv.value)
			}
			if !yield(q, err) || err != nil {
				return
			}
		}
	}
}

// DropQueue forgets the queue up to an index, which the search index has on disk. It
// may be called while entries are applied.
func (s *Shard) DropQueue(upTo uint64) error {
	if s.dropped.Load() {
		return fmt.Errorf("%w: shard %d", ErrDropped, s.id)
	}
	upTo = min(upTo, s.AppliedIndex()) // what is not queued yet is not dropped
	from := s.queued.Load()
	if upTo <= from && from != 0 {
		return nil
	}
	// Only what was not dropped before: ranges that all begin at zero would overlap, and
	// pebble keeps every fragment of every one until the next flush.
	r := indexSpan(spaceQueue, s.id, from, upTo)
	if from == 0 {
		r.low = spaceSpan(spaceQueue, s.id).low
	}
	if err := s.db.DeleteRange(r.low, r.high, pebble.NoSync); err != nil {
		return fmt.Errorf("storage: queue: %w", err)
	}
	s.queued.CompareAndSwap(from, upTo)
	return nil
}
