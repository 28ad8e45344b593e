package storage

import (
	"iter"

	"vertebra/storage/record"
)

// Posting says that a version of a record has had a value of a field. It is a
// candidate: what the record has in a view is for its search record to say.
type Posting struct {
	Value []byte
	Key   record.Key
}

// Postings yields the postings of a field with low <= value < high in the order of
// their values; nil leaves an end open. Value is valid until the next step.
func (v *View) Postings(field uint16, low, high []byte) iter.Seq2[Posting, error] {
	return func(yield func(Posting, error) bool) {
		for kv, err := range v.scan(valueSpan(v.shard.id, field, low, high)) {
			var p Posting
			if err == nil {
				_, p, err = cutPosting(kv.key)
			}
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// Event is a fact as it was written.
type Event struct {
	Index   uint64 // log index of the mutation that made it
	Ordinal int    // place among the events of that entry
	Time    int64  // cluster time in microseconds since 1970
	record.Event
}

// Events yields the events of the entries above an index, in log order. They are
// the caller's to keep.
func (v *View) Events(after uint64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for kv, err := range v.scan(indexSpan(spaceEvent, v.shard.id, after, v.at)) {
			var e Event
			if err == nil {
				e, err = cutEvent(kv)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func cutEvent(kv pair) (e Event, err error) {
	index, ordinal, err := cutIndexed(kv.key)
	if err != nil {
		return e, err
	}
	e.Index, e.Ordinal = index, int(ordinal)
	e.Time, e.Event, err = cutEventValue(kv.value)
	return e, err
}
