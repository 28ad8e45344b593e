package storage

import (
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"vertebra/storage/record"
)

const (
	// collectSteps bounds the work of one collect command, in versions looked at and
	// outcomes dropped. What is left is for the next one.
	collectSteps = 1024
	// outcomeLife is how long an outcome is kept, in microseconds of the shard's time.
	outcomeLife = 24 * 60 * 60 * 1_000_000
)

// collect raises the floor and drops what no read at or above it needs.
//
// Apply leaves a note for every version that it replaces, in log order, so
// collecting costs what there is to collect. A cursor over all records was the other
// way: it reads a million records to find the hundred that changed.
func (a *applier) collect(floor uint64) error {
	if err := a.closeIterator(); err != nil { // it would go on seeing what is dropped
		return err
	}
	a.next.floor = max(a.next.floor, min(floor, a.next.index))
	left := collectSteps
	if err := a.collectVersions(&left); err != nil {
		return err
	}
	return a.collectOutcomes(&left)
}

func (a *applier) collectVersions(left *int) error {
	for kv, err := range scan(a.reader, indexSpan(spaceGarbage, a.shard.id, 0, a.next.floor)) {
		if err != nil || *left <= 0 {
			return err
		}
		*left--
		g, err := cutGarbage(kv.value)
		if err != nil {
			return err
		}
		if err := a.batch.Delete(kv.key, nil); err != nil {
			return err
		}
		at, _, err := cutIndexed(kv.key)
		if err != nil {
			return err
		}
		if err := a.drop(g, at, left); err != nil {
			return err
		}
	}
	return nil
}

// drop removes the version that was replaced, and what replaced it when that is a
// deletion with nothing left to hide.
func (a *applier) drop(g garbage, at uint64, left *int) error {
	if err := a.dropVersion(g.key, g.replaced, left); err != nil || !g.deletion {
		return err
	}
	older, err := a.hasOlder(g.key, at)
	if err != nil || older {
		return err
	}
	return a.dropVersion(g.key, at, left)
}

func (a *applier) hasOlder(k record.Key, index uint64) (older bool, err error) {
	prefix := appendRecord(nil, k)
	s := within(prefix)
	s.low = appendVersion(slices.Clone(prefix), index-1)
	for _, err := range scan(a.reader, s) {
		return err == nil, err
	}
	return false, nil
}

// dropVersion removes one version with its search record, and the postings that no
// other version of the record carries.
func (a *applier) dropVersion(k record.Key, index uint64, left *int) error {
	key := appendVersion(appendRecord(nil, k), index)
	value, closer, err := a.reader.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil // a deletion that went with what it had deleted
	}
	if err != nil {
		return err
	}
	h, _, _, err := cutVersionValue(value)
	if err := errors.Join(err, closer.Close()); err != nil {
		return err
	}
	if err := a.batch.Delete(key, nil); err != nil {
		return err
	}
	if h.flags&(flagDocument|flagNoDocument) == 0 {
		return nil
	}
	if err := a.dropPostings(k, index, left); err != nil {
		return err
	}
	return a.batch.Delete(appendVersion(appendRecord(nil, documentKey(k)), index), nil)
}

// dropPostings walks the search records of all versions until every posting of the
// one that goes was met in another: as a rule the next.
func (a *applier) dropPostings(k record.Key, index uint64, left *int) error {
	gone, err := a.postingsAt(k, index)
	if err != nil || len(gone) == 0 {
		return err
	}
	for kv, err := range scan(a.reader, within(appendRecord(nil, documentKey(k)))) {
		if err != nil {
			return err
		}
		if versionOf(kv.key) == index {
			continue
		}
		*left--
		d, err := cutDocumentValue(kv.value)
		if err != nil {
			return err
		}
		if gone = without(gone, d.postings); len(gone) == 0 {
			return nil
		}
	}
	for _, p := range gone {
		if err := a.batch.Delete(appendPosting(nil, a.shard.id, p, k), nil); err != nil {
			return err
		}
	}
	return nil
}

func (a *applier) postingsAt(k record.Key, index uint64) ([]record.Posting, error) {
	value, closer, err := a.reader.Get(appendVersion(appendRecord(nil, documentKey(k)), index))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d, err := cutDocumentValue(value)
	postings := clonedPostings(d.postings)
	return postings, errors.Join(err, closer.Close())
}

// without returns the postings that are not among the others.
func without(postings, others []record.Posting) []record.Posting {
	type posting struct {
		field uint16
		value string
	}
	have := make(map[posting]struct{}, len(others))
	for _, p := range others {
		have[posting{p.Field, string(p.Value)}] = struct{}{}
	}
	return slices.DeleteFunc(postings, func(p record.Posting) bool {
		_, ok := have[posting{p.Field, string(p.Value)}]
		return ok
	})
}

// collectOutcomes drops outcomes in the order in which they were written, which is
// the order of their times.
func (a *applier) collectOutcomes(left *int) error {
	for kv, err := range scan(a.reader, indexSpan(spaceExpiry, a.shard.id, 0, a.next.floor)) {
		if err != nil || *left <= 0 {
			return err
		}
		*left--
		e, err := cutExpiry(kv.value)
		if err != nil {
			return err
		}
		if e.time > a.next.time-outcomeLife {
			return nil
		}
		index, _, err := cutIndexed(kv.key)
		if err != nil {
			return err
		}
		key := appendRecord(nil, outcomeKey(e.subject, e.request))
		delete(a.outcomes, string(key))
		if err := errors.Join(a.batch.Delete(kv.key, nil), a.batch.Delete(appendVersion(key, index), nil)); err != nil {
			return err
		}
	}
	return nil
}

// Collectable reports whether versions wait below the floor that a collect command
// left for the next one: it is bounded.
func (s *Shard) Collectable() (bool, error) {
	for _, err := range scan(s.db, indexSpan(spaceGarbage, s.id, 0, s.Floor())) {
		return err == nil, err
	}
	return false, nil
}
