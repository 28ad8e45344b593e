package storage

import (
	"iter"

	"github.com/cockroachdb/pebble/v2"

	"vertebra/storage/record"
)

// pair is a key and its value, both the iterator's: they change with its next step.
type pair struct{ key, value []byte }

func (s span) options() *pebble.IterOptions {
	return &pebble.IterOptions{LowerBound: s.low, UpperBound: s.high}
}

// pointReads asks the filters of the lowest level too, which pebble does not do by
// itself: nearly all records are there, and a load asks for records that are not.
func pointReads() *pebble.IterOptions { return &pebble.IterOptions{UseL6Filters: true} }

// scan yields everything in a span.
func scan(r pebble.Reader, s span) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		it, err := r.NewIter(s.options())
		if err != nil {
			yield(pair{}, err)
			return
		}
		walk(it, yield)
	}
}

// walk yields everything within an iterator's bounds and closes it.
func walk(it *pebble.Iterator, yield func(pair, error) bool) {
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if !yield(pair{key: it.Key(), value: value}, err) || err != nil {
			it.Close() // of which the caller learns nothing new: it has had enough
			return
		}
	}
	// An iterator's Close returns the error that stopped it.
	if err := it.Close(); err != nil {
		yield(pair{}, err)
	}
}

// seekDocument reads the search record that stands beside the version of k written
// at exactly this index. It aliases the iterator.
func seekDocument(it *pebble.Iterator, k record.Key, index uint64) (documentValue, bool, error) {
	key := appendVersion(appendRecord(nil, documentKey(k)), index)
	if !it.SeekPrefixGE(key) {
		return documentValue{}, false, it.Error()
	}
	if versionOf(it.Key()) != index {
		return documentValue{}, false, nil
	}
	value, err := it.ValueAndErr()
	if err != nil {
		return documentValue{}, false, err
	}
	d, err := cutDocumentValue(value)
	return d, true, err
}
