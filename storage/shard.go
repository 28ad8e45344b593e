package storage

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"vertebra/storage/record"
)

// ShardID is a shard's number. 0 is the control group's.
type ShardID uint16

// Shard is one replica's state. One goroutine applies; everything else may be
// called by any number at the same time.
type Shard struct {
	store     *Store
	db        *pebble.DB
	id        ShardID
	low, high record.Slot

	applied, term, floor, durable atomic.Uint64
	time                          atomic.Int64
	queued                        atomic.Uint64 // where the queue begins, as far as known since the store was opened
	dropped                       atomic.Bool   // DropShard was called
	failed                        error         // of Apply, which goes no further
}

func (s *Store) openShard(id ShardID, low, high record.Slot) (*Shard, error) {
	shard := &Shard{store: s, db: s.state, id: id, low: low, high: high}
	kept, found, err := shard.bookkeeping(nil)
	if err != nil {
		return nil, err
	}
	if found && (kept.low != low || kept.high != high) {
		return nil, fmt.Errorf("%w: shard %d has %d to %d on disk", ErrShardRange, id, kept.low, kept.high)
	}
	kept.low, kept.high = low, high
	shard.publish(kept)
	return shard, nil
}

// bookkeeping reads the shard's own value, as the options let it see the store.
func (s *Shard) bookkeeping(o *pebble.IterOptions) (k bookkeeping, found bool, err error) {
	it, err := s.db.NewIter(o)
	if err != nil {
		return k, false, fmt.Errorf("storage: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	if !it.SeekPrefixGE(appendSpace(nil, spaceState, s.id)) {
		return k, false, it.Error()
	}
	value, err := it.ValueAndErr()
	if err != nil {
		return k, false, err
	}
	k, err = cutBookkeeping(value)
	return k, true, err
}

// publish shows readers what has been applied.
func (s *Shard) publish(k bookkeeping) {
	s.floor.Store(k.floor)
	s.time.Store(k.time)
	s.term.Store(k.term)
	s.applied.Store(k.index)
}

// ID is the shard's number.
func (s *Shard) ID() ShardID { return s.id }

// Slots is the range of slots that the shard holds, both included.
func (s *Shard) Slots() (low, high record.Slot) { return s.low, s.high }

// AppliedIndex is the log index of the last entry applied; 0 before the first.
func (s *Shard) AppliedIndex() uint64 { return s.applied.Load() }

// AppliedTerm is the term of the last entry applied.
func (s *Shard) AppliedTerm() uint64 { return s.term.Load() }

// Time is the shard's time in microseconds since 1970: the latest time of a
// mutation applied. It never goes back, but for a wipe.
func (s *Shard) Time() int64 { return s.time.Load() }

// Floor is the collection floor: views below it are refused.
func (s *Shard) Floor() uint64 { return s.floor.Load() }

// DurableIndex is an applied index that would be found again after a loss of power
// now. It lags behind AppliedIndex until the database flushes by itself or is told
// to. It asks the database what is on disk: counting flushes was tried and is right
// only as long as nobody else flushes.
func (s *Shard) DurableIndex() uint64 {
	k, found, err := s.bookkeeping(&pebble.IterOptions{OnlyReadGuaranteedDurable: true})
	if err == nil && found {
		s.raiseDurable(k.index)
	}
	return s.durable.Load()
}

func (s *Shard) raiseDurable(index uint64) {
	for {
		have := s.durable.Load()
		if have >= index || s.durable.CompareAndSwap(have, index) {
			return
		}
	}
}

// Flush returns when what was applied at the call is durable.
func (s *Shard) Flush() error {
	if s.DurableIndex() >= s.AppliedIndex() {
		return nil
	}
	return s.store.Flush()
}

// SetLocal keeps a note of this node's own on the shard: no other replica has it, no
// checksum covers it, a wipe leaves it. It is durable with the next flush.
func (s *Shard) SetLocal(name string, value []byte) error {
	if s.dropped.Load() {
		return fmt.Errorf("%w: shard %d", ErrDropped, s.id)
	}
	key := append(appendSpace(nil, spaceLocal, s.id), name...)
	if err := s.db.Set(key, value, pebble.NoSync); err != nil {
		return fmt.Errorf("storage: note: %w", err)
	}
	return nil
}

// Local returns a note; nil when there is none.
func (s *Shard) Local(name string) ([]byte, error) {
	value, closer, err := s.db.Get(append(appendSpace(nil, spaceLocal, s.id), name...))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("storage: note: %w", err)
	}
	defer closer.Close()
	return append(make([]byte, 0, len(value)), value...), nil
}

func (s *Shard) owns(slot record.Slot) bool { return s.low <= slot && slot <= s.high }

// Accepts returns ErrMisplaced unless every key of the mutation is of the shard's
// slots and of a table that is not storage's own. Apply stops for good at a mutation
// that is not accepted, so whoever proposes asks first.
func (s *Shard) Accepts(m *record.Mutation) error {
	if !s.owns(m.Subject.Slot()) {
		return misplaced(record.Key{Subject: m.Subject})
	}
	for i := range m.Reads {
		if err := s.accept(m.Reads[i].Key); err != nil {
			return err
		}
	}
	for i := range m.Writes {
		if err := s.accept(m.Writes[i].Key); err != nil {
			return err
		}
	}
	for i := range m.Appends {
		if err := s.accept(m.Appends[i].Key); err != nil {
			return err
		}
	}
	return nil
}

func (s *Shard) accept(k record.Key) error {
	if !s.owns(k.Slot()) || k.Table >= record.Documents {
		return misplaced(k)
	}
	return nil
}
