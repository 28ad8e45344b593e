package storage

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"vertebra/storage/record"
)

// batchBytes is where a batch is committed although more entries wait: pebble
// writes batches over half a memtable in a way of their own, which is slower.
const batchBytes = 8 << 20

// Entry is what stands under one index of a group's log.
type Entry struct {
	Index, Term uint64
	Commands    []record.Command
}

// Apply applies one entry. See ApplyBatch.
func (s *Shard) Apply(index, term uint64, commands []record.Command) ([]record.Result, error) {
	results, err := s.ApplyBatch([]Entry{{Index: index, Term: term, Commands: commands}})
	if err != nil {
		return nil, err
	}
	return results[0], nil
}

// ApplyBatch applies entries in log order and returns a result for each of their
// commands. What an entry changes and the applied index that says so are in one
// batch, and so on disk together or not at all; several entries may share a batch.
// The outcome depends on nothing but the shard's state and the entries, in whatever
// portions they come.
//
// One goroutine calls it. Entries must be above AppliedIndex, or ErrOutOfOrder is
// returned and nothing is changed. After any other error the shard applies nothing
// more: every later call returns that error.
func (s *Shard) ApplyBatch(entries []Entry) ([][]record.Result, error) {
	if s.failed != nil {
		return nil, s.failed
	}
	if s.dropped.Load() {
		return nil, fmt.Errorf("%w: shard %d", ErrDropped, s.id)
	}
	last := s.AppliedIndex()
	for i := range entries {
		if entries[i].Index <= last {
			return nil, fmt.Errorf("%w: %d after %d", ErrOutOfOrder, entries[i].Index, last)
		}
		last = entries[i].Index
	}
	results := make([][]record.Result, 0, len(entries))
	for len(entries) > 0 {
		done, err := s.applySome(entries)
		if err != nil {
			s.failed = err
			return nil, err
		}
		results = append(results, done...)
		entries = entries[len(done):]
	}
	return results, nil
}

// applySome applies the first entry, and those behind it that fit the same batch.
func (s *Shard) applySome(entries []Entry) (results [][]record.Result, err error) {
	a := newApplier(s, isUpkeep(entries[0].Commands))
	defer func() { err = errors.Join(err, a.close()) }()
	for i := range entries {
		if i > 0 && (a.indexed || isUpkeep(entries[i].Commands) || a.batch.Len() > batchBytes) {
			break
		}
		done, err := a.entry(&entries[i])
		if err != nil {
			return nil, fmt.Errorf("storage: shard %d: apply %d: %w", s.id, entries[i].Index, err)
		}
		results = append(results, done)
	}
	return results, a.commit()
}

// isUpkeep reports whether an entry collects or wipes. Such an entry reads what is
// written before it in the same batch, so it gets an indexed batch to itself; for
// the others that would be a second skiplist insertion for each of their many keys.
func isUpkeep(commands []record.Command) bool {
	for i := range commands {
		if k := commands[i].Kind; k == record.KindCollect || k == record.KindWipe {
			return true
		}
	}
	return false
}

// applier applies the entries of one batch. It overlays what they wrote on what the
// database holds, since the batch of common entries cannot be read.
type applier struct {
	shard   *Shard
	batch   *pebble.Batch
	reader  pebble.Reader
	indexed bool // reader is the batch
	it      *pebble.Iterator

	next     bookkeeping
	heads    map[string]*head // by record key without version
	outcomes map[string]outcomeAt

	// Ordinals within the entry, each the last part of some key.
	queued, replaced, expiring, appended, events uint32

	key, value []byte // scratch
}

// head is the newest version of a record.
type head struct {
	versionHeader
	index    uint64 // 0: no version at all
	touched  uint64 // the entry of this batch that wrote it
	loaded   bool   // postings are
	postings []record.Posting
}

type outcomeAt struct {
	record.Outcome
	index uint64
}

func newApplier(s *Shard, indexed bool) *applier {
	a := &applier{
		shard: s, indexed: indexed,
		heads: make(map[string]*head), outcomes: make(map[string]outcomeAt),
		next: bookkeeping{
			low: s.low, high: s.high, index: s.AppliedIndex(), term: s.AppliedTerm(),
			time: s.Time(), floor: s.Floor(),
		},
	}
	if indexed {
		a.batch = s.db.NewIndexedBatch()
		a.reader = a.batch
	} else {
		a.batch = s.db.NewBatch()
		a.reader = s.db
	}
	return a
}

func (a *applier) close() error { return errors.Join(a.closeIterator(), a.batch.Close()) }

func (a *applier) closeIterator() error {
	if a.it == nil {
		return nil
	}
	err := a.it.Close()
	a.it = nil
	return err
}

func (a *applier) commit() error {
	a.key = appendSpace(a.key[:0], spaceState, a.shard.id)
	if err := a.batch.Set(a.key, a.next.append(nil), nil); err != nil {
		return err
	}
	// The floor first: a view that sees what was collected must see the floor too.
	a.shard.floor.Store(a.next.floor)
	if err := a.batch.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("storage: commit: %w", err)
	}
	a.shard.publish(a.next)
	return nil
}

func (a *applier) entry(e *Entry) ([]record.Result, error) {
	a.next.index, a.next.term = e.Index, e.Term
	a.queued, a.replaced, a.expiring, a.appended, a.events = 0, 0, 0, 0, 0
	results := make([]record.Result, len(e.Commands))
	for i := range e.Commands {
		results[i] = record.Result{Index: e.Index, Ordinal: i}
		if err := a.command(&e.Commands[i], &results[i]); err != nil {
			return nil, err
		}
	}
	return results, nil
}

func (a *applier) command(c *record.Command, result *record.Result) error {
	switch c.Kind {
	case record.KindMarker:
		return nil
	case record.KindMutation:
		return a.mutation(&c.Mutation, result)
	case record.KindCollect:
		return a.collect(c.Floor)
	case record.KindWipe:
		return a.wipe(c.Keep)
	}
	return fmt.Errorf("%w: command of kind %d", ErrCorrupt, c.Kind)
}

func (a *applier) mutation(m *record.Mutation, result *record.Result) error {
	if err := a.shard.Accepts(m); err != nil {
		return err
	}
	if !m.Request.IsZero() {
		first, found, err := a.outcome(m.Subject, m.Request)
		if err != nil {
			return err
		}
		if found {
			result.Replay, result.ReplayIndex = &first.Outcome, first.index
			return nil
		}
	}
	conflict, err := a.conflict(m)
	if err != nil || conflict != nil {
		result.Conflict = conflict
		return err
	}
	a.next.time = max(a.next.time, m.Time)
	return a.write(m)
}

func (a *applier) write(m *record.Mutation) error {
	for i := range m.Writes {
		if err := a.writeRecord(&m.Writes[i]); err != nil {
			return err
		}
	}
	for i := range m.Appends {
		if err := a.writeAppend(&m.Appends[i]); err != nil {
			return err
		}
	}
	for i := range m.Events {
		if err := a.writeEvent(&m.Events[i]); err != nil {
			return err
		}
	}
	if m.Request.IsZero() {
		return nil
	}
	return a.writeOutcome(m)
}

// conflict returns the first condition of the mutation that does not hold. Besides
// the versions read, nothing may be read or written that an earlier command of the
// same entry wrote: the log index tells versions apart, so a record has at most one
// in an entry.
func (a *applier) conflict(m *record.Mutation) (*record.Conflict, error) {
	for i := range m.Reads {
		h, err := a.head(m.Reads[i].Key)
		if err != nil {
			return nil, err
		}
		if h.touched == a.next.index || h.version != m.Reads[i].Version {
			return &record.Conflict{Key: m.Reads[i].Key, Have: h.version}, nil
		}
	}
	for i := range m.Writes {
		h, err := a.head(m.Writes[i].Key)
		if err != nil {
			return nil, err
		}
		if h.touched == a.next.index || writesTwice(m.Writes[:i], m.Writes[i].Key) {
			return &record.Conflict{Key: m.Writes[i].Key, Have: h.version}, nil
		}
	}
	return nil, nil
}

// writesTwice looks through the few writes of a mutation for a second one of a key.
func writesTwice(earlier []record.Write, k record.Key) bool {
	for i := range earlier {
		if earlier[i].Key == k {
			return true
		}
	}
	return false
}

func (a *applier) iterator() (*pebble.Iterator, error) {
	if a.it != nil {
		return a.it, nil
	}
	it, err := a.reader.NewIter(pointReads())
	a.it = it
	return it, err
}

// head finds the newest version of a record, in the batch or in the database.
func (a *applier) head(k record.Key) (*head, error) {
	a.key = appendRecord(a.key[:0], k)
	if h, ok := a.heads[string(a.key)]; ok {
		return h, nil
	}
	h := &head{}
	a.heads[string(a.key)] = h
	it, err := a.iterator()
	if err != nil {
		return nil, err
	}
	if !it.SeekPrefixGE(a.key) {
		return h, it.Error()
	}
	value, err := it.ValueAndErr()
	if err != nil {
		return nil, err
	}
	h.index = versionOf(it.Key())
	h.versionHeader, _, _, err = cutVersionValue(value)
	return h, err
}

// outcome finds the first answer to a request, in the batch or in the database.
func (a *applier) outcome(subject record.Subject, id record.RequestID) (outcomeAt, bool, error) {
	a.key = appendRecord(a.key[:0], outcomeKey(subject, id))
	if o, ok := a.outcomes[string(a.key)]; ok {
		return o, true, nil
	}
	it, err := a.iterator()
	if err != nil || !it.SeekPrefixGE(a.key) {
		return outcomeAt{}, false, errors.Join(err, iteratorError(it))
	}
	value, err := it.ValueAndErr()
	if err != nil {
		return outcomeAt{}, false, err
	}
	o, err := cutOutcome(value)
	return outcomeAt{Outcome: o, index: versionOf(it.Key())}, true, err
}

func iteratorError(it *pebble.Iterator) error {
	if it == nil {
		return nil
	}
	return it.Error()
}

func cutOutcome(value []byte) (record.Outcome, error) {
	_, _, body, err := cutVersionValue(value)
	if err != nil {
		return record.Outcome{}, err
	}
	o, err := record.DecodeOutcome(cloned(body))
	if err != nil {
		return o, fmt.Errorf("%w: outcome: %w", ErrCorrupt, err)
	}
	return o, nil
}
