package storage

import (
	"bytes"
	"fmt"
	"iter"

	"github.com/cockroachdb/pebble/v2"

	"vertebra/storage/record"
)

// View is a shard as it was after the entry with one log index. It holds back what
// the database could otherwise free, so it is for the time of a request. One goroutine
// uses it; sequences that it returns are used before Close and may be nested.
type View struct {
	shard *Shard
	at    uint64
	it    *pebble.Iterator
	key   []byte // scratch
}

// View returns the shard as it was at a log index. ErrNotApplied when this replica
// has not applied that entry yet, ErrCollected when it is below the floor. The view
// must be closed.
//
// It stands on one pebble iterator, of which all others of the view are clones. So
// it sees one state of the database even when versions are collected or the shard is
// wiped meanwhile, without a pebble snapshot, which would hold back compactions of
// the whole store.
func (s *Shard) View(at uint64) (*View, error) {
	if applied := s.applied.Load(); at > applied {
		return nil, fmt.Errorf("%w: %d, applied %d", ErrNotApplied, at, applied)
	}
	it, err := s.db.NewIter(pointReads())
	if err != nil {
		return nil, fmt.Errorf("storage: view: %w", err)
	}
	if s.dropped.Load() {
		it.Close() // nothing was read through it
		return nil, fmt.Errorf("%w: shard %d", ErrDropped, s.id)
	}
	// After the iterator: apply raises the floor before it commits what collects.
	if floor := s.floor.Load(); at < floor {
		it.Close() // nothing was read through it
		return nil, fmt.Errorf("%w: %d, floor %d", ErrCollected, at, floor)
	}
	v := s.store.views.Get().(*View)
	v.shard, v.at, v.it = s, at, it
	return v, nil
}

// Close gives the view back. Closing it again does nothing as long as nobody else
// was given it.
func (v *View) Close() {
	if v.it == nil {
		return
	}
	v.it.Close() // an error of the iterator was returned by the read that met it
	v.it = nil
	store := v.shard.store
	v.shard = nil
	store.views.Put(v)
}

// At is the log index that the view is of.
func (v *View) At() uint64 { return v.at }

// Get returns a record, and whether it is there. Body and Attributes are the caller's
// to keep: they are copied, since the bytes of the database change with the next
// read and go with Close.
func (v *View) Get(key record.Key) (record.Record, bool, error) {
	value, index, err := v.seek(key)
	if err != nil || value == nil {
		return record.Record{}, false, err
	}
	h, attributes, body, err := cutVersionValue(value)
	if err != nil || h.deleted() {
		return record.Record{}, false, err
	}
	return newRecord(key, index, h, attributes, body), true, nil
}

// newRecord copies attributes and body into one piece of memory.
func newRecord(key record.Key, index uint64, h versionHeader, attributes, body []byte) record.Record {
	n := len(attributes)
	b := make([]byte, n+len(body))
	copy(b, attributes)
	copy(b[n:], body)
	return record.Record{
		Key: key, Version: h.version, Index: index, Time: h.time,
		Attributes: b[:n:n], Body: b[n:],
	}
}

// seek finds the newest version of a record that the view sees. The value is the
// iterator's; nil when there is no version.
func (v *View) seek(key record.Key) (value []byte, index uint64, err error) {
	if !v.shard.owns(key.Slot()) {
		return nil, 0, misplaced(key)
	}
	v.key = appendVersion(appendRecord(v.key[:0], key), v.at)
	if !v.it.SeekPrefixGE(v.key) {
		return nil, 0, v.it.Error()
	}
	value, err = v.it.ValueAndErr()
	return value, versionOf(v.it.Key()), err
}

// Document returns the search record of a record, with the record's version; nil and
// 0 when it has none. It is the caller's to keep.
func (v *View) Document(key record.Key) ([]byte, uint64, error) {
	value, _, err := v.seek(documentKey(key))
	if err != nil || value == nil {
		return nil, 0, err
	}
	d, r := cutDocument(value)
	if err := r.err(); err != nil || d.version == 0 {
		return nil, 0, err
	}
	return cloned(d.document), d.version, nil
}

// Outcome returns the first answer to a request and the log index of the entry that
// gave it, and whether one is remembered.
func (v *View) Outcome(subject record.Subject, id record.RequestID) (record.Outcome, uint64, bool, error) {
	value, index, err := v.seek(outcomeKey(subject, id))
	if err != nil || value == nil {
		return record.Outcome{}, 0, false, err
	}
	o, err := cutOutcome(value)
	return o, index, err == nil, err
}

// Scan yields the records of a subject in one table, by Rest. They are the
// caller's to keep. Break off when you have enough: nothing else bounds it.
func (v *View) Scan(subject record.Subject, table record.Table) iter.Seq2[record.Record, error] {
	if !v.shard.owns(subject.Slot()) {
		return failing[record.Record](misplaced(record.Key{Subject: subject, Table: table}))
	}
	return cutAll(v.visible(within(appendSubject(nil, subject, table)), nil))
}

// Records yields the records of one table with slots low to high, both included, in
// the order of their slots. They are the caller's to keep.
func (v *View) Records(table record.Table, low, high record.Slot) iter.Seq2[record.Record, error] {
	s := slotSpan(max(low, v.shard.low), min(high, v.shard.high))
	return cutAll(v.visible(s, func(key []byte) []byte {
		if tableOf(key) == table {
			return nil
		}
		return nextKept(slotOf(key), tableOf(key), []record.Table{table})
	}))
}

// cutAll makes records of versions, leaving deletions out.
func cutAll(versions iter.Seq2[pair, error]) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		for kv, err := range versions {
			if err != nil {
				yield(record.Record{}, err)
				return
			}
			r, err := cutVersion(kv)
			if err == nil && r.Version == 0 {
				continue
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

func cutVersion(kv pair) (record.Record, error) {
	key, index, err := cutRecord(kv.key)
	if err != nil {
		return record.Record{}, err
	}
	h, attributes, body, err := cutVersionValue(kv.value)
	if err != nil {
		return record.Record{}, err
	}
	return newRecord(key, index, h, attributes, body), nil
}

// History yields the versions of a record that are kept, newest first. A deletion is
// among them, with Version 0 and no body. They are the caller's to keep.
func (v *View) History(key record.Key) iter.Seq2[record.Record, error] {
	if !v.shard.owns(key.Slot()) {
		return failing[record.Record](misplaced(key))
	}
	return func(yield func(record.Record, error) bool) {
		prefix := appendRecord(nil, key)
		s := within(prefix)
		s.low = appendVersion(bytes.Clone(prefix), v.at)
		for kv, err := range v.scan(s) {
			var r record.Record
			if err == nil {
				r, err = cutVersion(kv)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

func failing[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}

// scan yields everything in a span, through a clone of the view's iterator.
func (v *View) scan(s span) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		it, err := v.clone(s)
		if err != nil {
			yield(pair{}, err)
			return
		}
		walk(it, yield)
	}
}

func (v *View) clone(s span) (*pebble.Iterator, error) {
	return v.it.Clone(pebble.CloneOptions{IterOptions: s.options()})
}

// visible yields, of every record in a span, the newest version that the view sees,
// deletions included. Where skip, unless it is nil, returns a key, the walk goes on there.
func (v *View) visible(s span, skip func(key []byte) []byte) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		it, err := v.clone(s)
		if err != nil {
			yield(pair{}, err)
			return
		}
		var key []byte
		for ok := it.First(); ok; {
			if skip != nil {
				if to := skip(it.Key()); to != nil {
					ok = it.SeekGE(to)
					continue
				}
			}
			if versionOf(it.Key()) > v.at {
				key = append(key[:0], it.Key()[:len(it.Key())-versionLen]...)
				key = appendVersion(key, v.at)
				ok = it.SeekGE(key) // on this record's version, or on another record
				continue
			}
			value, err := it.ValueAndErr()
			if !yield(pair{key: it.Key(), value: value}, err) || err != nil {
				it.Close() // of which the caller learns nothing new
				return
			}
			ok = it.NextPrefix()
		}
		if err := it.Close(); err != nil {
			yield(pair{}, err)
		}
	}
}
