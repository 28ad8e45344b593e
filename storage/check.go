package storage

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"vertebra/storage/record"
)

// DefaultFindings is how many findings a check reports when its options do not say.
const DefaultFindings = 100

// CheckOptions say how to check a store.
type CheckOptions struct {
	// FS is where the store lives; nil is the machine's file system.
	FS FS
	// CacheBytes bounds the block cache; 0 is DefaultCacheBytes.
	CacheBytes int64
	// MaxFindings bounds how many findings are reported; 0 is DefaultFindings. The
	// report counts them all.
	MaxFindings int
	// Found is told of each finding as it is made; may be nil.
	Found func(Finding)
	// Progress is told now and then how many keys have been looked at; may be nil.
	Progress func(keys uint64)
}

// Finding is one thing that does not fit. It names the record by slot, table and
// redacted subject.
type Finding struct {
	Shard   ShardID
	Problem Problem
	Slot    record.Slot
	Table   record.Table
	Subject record.Subject // prints redacted
	Index   uint64         // log index, 0 where there is none
}

// String prints the finding as one line.
func (f Finding) String() string {
	return fmt.Sprintf("shard %d: %s: slot %d, table %d, %v, log index %d",
		f.Shard, f.Problem, f.Slot, f.Table, f.Subject, f.Index)
}

// Problem says what does not fit.
type Problem string

// The problems that a check knows.
const (
	// ProblemKey: a key that this package does not write.
	ProblemKey Problem = "unreadable key"
	// ProblemValue: a value that this package does not write.
	ProblemValue Problem = "unreadable value"
	// ProblemSlot: a record in a slot that is not its subject's, or that no shard has.
	ProblemSlot Problem = "record in a wrong slot"
	// ProblemAhead: something written by an entry above the applied index.
	ProblemAhead Problem = "written above the applied index"
	// ProblemDocument: a version without the search record that it should have, or one
	// that is another version's.
	ProblemDocument Problem = "search record does not fit its record"
	// ProblemPostingMissing: a search record carries a posting that is not there.
	ProblemPostingMissing Problem = "posting missing"
	// ProblemPostingDead: a posting that no kept version of its record carries.
	ProblemPostingDead Problem = "posting that no version carries"
	// ProblemOutcome: an expiry without its outcome.
	ProblemOutcome Problem = "expiry without an outcome"
	// ProblemLogGap: a log that misses entries between its first and its last.
	ProblemLogGap Problem = "log with a gap"
	// ProblemLogShort: a log that does not reach the applied index of its state, or
	// begins behind it, so that the state cannot be brought up to date.
	ProblemLogShort Problem = "log does not meet its state"
)

// CheckReport sums a check up.
type CheckReport struct {
	Shards, Records, Versions, Documents, Postings, Queued, Outcomes, LogEntries uint64
	// Findings counts all, also those that were not reported.
	Findings uint64
}

// CheckStore opens the store in dir for reading and checks all of it: that keys and
// values can be read, that records and their search records fit, that every posting
// carried is there and every posting there is carried, that nothing is newer than the
// applied index, that logs have no gaps and meet their states (a shard's log is the
// group's of the same number). Reading everything also verifies the database's own
// checksums: a block that fails them ends the check with an error.
func CheckStore(dir string, o CheckOptions) (report CheckReport, err error) {
	s, err := Open(dir, Options{FS: o.FS, CacheBytes: o.CacheBytes, ReadOnly: true})
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.Check(o)
}

// Check checks an open store. Nothing may be applied meanwhile.
func (s *Store) Check(o CheckOptions) (CheckReport, error) {
	if o.MaxFindings == 0 {
		o.MaxFindings = DefaultFindings
	}
	c := &checker{db: s.state, options: o}
	if err := errors.Join(c.shards(), c.logs(s.logs)); err != nil {
		return c.report, fmt.Errorf("storage: check: %w", err)
	}
	return c.report, nil
}

type checker struct {
	db      *pebble.DB
	options CheckOptions
	report  CheckReport
	keys    uint64
	applied map[ShardID]uint64

	shard   ShardID
	kept    bookkeeping
	seek    *pebble.Iterator // for looking one key up
	carried [][]byte         // posting keys that wait to be looked up
	owed    uint64           // how many postings the search records carry
}

func (c *checker) found(p Problem, k record.Key, index uint64) {
	c.report.Findings++
	if c.options.Found == nil || c.report.Findings > uint64(c.options.MaxFindings) {
		return
	}
	f := Finding{Shard: c.shard, Problem: p, Table: k.Table, Subject: k.Subject, Index: index}
	if k.Subject != "" {
		f.Slot = k.Slot()
	}
	c.options.Found(f)
}

func (c *checker) step() {
	const often = 1 << 16
	if c.keys++; c.keys%often == 0 && c.options.Progress != nil {
		c.options.Progress(c.keys)
	}
}

func (c *checker) shards() error {
	c.applied = make(map[ShardID]uint64)
	var at []span
	for kv, err := range scan(c.db, within([]byte{spaceState})) {
		if err != nil {
			return err
		}
		kept, err := cutBookkeeping(kv.value)
		if err != nil || len(kv.key) != 3 {
			c.found(ProblemValue, record.Key{}, 0)
			continue
		}
		c.shard, c.kept = ShardID(uint16(kv.key[1])<<8|uint16(kv.key[2])), kept
		c.applied[c.shard] = kept.index
		c.report.Shards++
		at = append(at, slotSpan(kept.low, kept.high))
		if err := c.oneShard(); err != nil {
			return err
		}
	}
	return c.strays(at)
}

// strays finds records in slots that no shard has.
func (c *checker) strays(shards []span) error {
	slices.SortFunc(shards, func(a, b span) int { return bytes.Compare(a.low, b.low) })
	between := within([]byte{spaceRecord})
	c.shard = 0
	for _, s := range append(shards, span{low: between.high, high: between.high}) {
		for kv, err := range scan(c.db, span{low: between.low, high: s.low}) {
			if err != nil {
				return err
			}
			k, index, _ := cutRecord(kv.key)
			c.found(ProblemSlot, k, index)
		}
		between.low = s.high
	}
	return nil
}

func (c *checker) oneShard() (err error) {
	if c.seek, err = c.db.NewIter(nil); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.seek.Close()) }()
	c.owed = 0
	if err := c.records(); err != nil {
		return err
	}
	if err := c.lookUp(); err != nil {
		return err
	}
	return errors.Join(c.postings(), c.upkeep())
}

// records checks all versions of all records and search records.
func (c *checker) records() error {
	var prefix []byte
	var of []record.Posting // what the versions of the search record at hand carry
	var last record.Key
	for kv, err := range scan(c.db, slotSpan(c.kept.low, c.kept.high)) {
		if err != nil {
			return err
		}
		c.step()
		k, index, err := cutRecord(kv.key)
		if err != nil || !bytes.Equal(kv.key, appendVersion(appendSlotKey(slotOf(kv.key), k), index)) {
			c.found(ProblemKey, record.Key{}, 0)
			continue
		}
		if k.Slot() != slotOf(kv.key) {
			c.found(ProblemSlot, k, index)
		}
		if index > c.kept.index {
			c.found(ProblemAhead, k, index)
		}
		if p := kv.key[:len(kv.key)-versionLen]; !bytes.Equal(p, prefix) {
			if err := c.owe(last, of); err != nil {
				return err
			}
			prefix, of, last = append(prefix[:0], p...), of[:0], k
			if k.Table < record.Documents {
				c.report.Records++
			}
		}
		if k.Table != record.Documents {
			err = c.version(k, index, kv.value)
		} else {
			of, err = c.document(k, index, kv.value, of)
		}
		if err != nil {
			return err
		}
	}
	return c.owe(last, of)
}

// appendSlotKey is a record's key without its version, in a slot that need not be its own.
func appendSlotKey(slot record.Slot, k record.Key) []byte {
	b := appendPart(appendSlotTable(nil, slot, k.Table), string(k.Subject))
	return appendPart(b, k.Rest)
}

// version checks one version of a record, and that its search record is there.
func (c *checker) version(k record.Key, index uint64, value []byte) error {
	c.report.Versions++
	h, _, _, err := cutVersionValue(value)
	if err != nil || h.deleted() != (h.version == 0) {
		c.found(ProblemValue, k, index)
		return nil
	}
	if h.flags&(flagDocument|flagNoDocument) == 0 {
		return nil
	}
	d, found, err := seekDocument(c.seek, k, index)
	switch {
	case errors.Is(err, ErrCorrupt):
		c.found(ProblemValue, k, index)
		return nil
	case err != nil:
		return err
	}
	want := h.version
	if h.flags&flagNoDocument != 0 {
		want = 0
	}
	if !found || d.version != want {
		c.found(ProblemDocument, k, index)
	}
	return nil
}

// document checks that a search record stands beside a version, and collects what
// postings its versions carry.
func (c *checker) document(k record.Key, index uint64, value []byte, of []record.Posting) ([]record.Posting, error) {
	c.report.Documents++
	d, err := cutDocumentValue(value)
	if err != nil {
		c.found(ProblemValue, k, index)
		return of, nil
	}
	owner, err := documentOf(k)
	if err != nil {
		c.found(ProblemKey, k, index)
		return of, nil
	}
	key := appendVersion(appendRecord(nil, owner), index)
	if !c.seek.SeekPrefixGE(key) || !bytes.Equal(c.seek.Key(), key) {
		c.found(ProblemDocument, owner, index)
		return of, c.seek.Error()
	}
	return append(of, without(clonedPostings(d.postings), of)...), nil
}

// owe notes that these postings of a search record must be there.
func (c *checker) owe(k record.Key, postings []record.Posting) error {
	const atOnce = 1 << 14
	if len(postings) == 0 {
		return nil
	}
	owner, err := documentOf(k)
	if err != nil {
		return nil // reported where it was read
	}
	for i, p := range postings {
		if !carries(postings[:i], p) { // one version may name a posting twice
			c.owed++
			c.carried = append(c.carried, appendPosting(nil, c.shard, p, owner))
		}
	}
	if len(c.carried) < atOnce {
		return nil
	}
	return c.lookUp()
}

// lookUp looks for the postings owed in key order, so that each seek begins where the
// last one ended.
func (c *checker) lookUp() error {
	slices.SortFunc(c.carried, bytes.Compare)
	it, err := c.db.NewIter(spaceSpan(spacePosting, c.shard).options())
	if err != nil {
		return err
	}
	defer it.Close()
	for _, key := range c.carried {
		if !it.SeekGE(key) || !bytes.Equal(it.Key(), key) {
			_, p, _ := cutPosting(key)
			c.found(ProblemPostingMissing, p.Key, 0)
		}
	}
	c.carried = c.carried[:0]
	return it.Error()
}

// postings counts the postings that are there. When all that are owed were found and
// there are no more than that, none is dead; only otherwise is each asked for its record.
func (c *checker) postings() error {
	var there uint64
	all := spaceSpan(spacePosting, c.shard)
	for kv, err := range scan(c.db, all) {
		if err != nil {
			return err
		}
		c.step()
		there++
		if _, _, err := cutPosting(kv.key); err != nil {
			c.found(ProblemKey, record.Key{}, 0)
		}
	}
	c.report.Postings += there
	if there == c.owed {
		return nil
	}
	for kv, err := range scan(c.db, all) {
		if err != nil {
			return err
		}
		field, p, err := cutPosting(kv.key)
		if err != nil {
			continue
		}
		alive, err := c.isCarried(p.Key, record.Posting{Field: field, Value: p.Value})
		if err != nil {
			return err
		}
		if !alive {
			c.found(ProblemPostingDead, p.Key, 0)
		}
	}
	return nil
}

func (c *checker) isCarried(k record.Key, p record.Posting) (bool, error) {
	for ok := c.seek.SeekPrefixGE(appendRecord(nil, documentKey(k))); ok; ok = c.seek.Next() {
		d, err := cutDocumentValue(c.seek.Value())
		if err == nil && carries(d.postings, p) {
			return true, nil
		}
	}
	return false, c.seek.Error()
}
