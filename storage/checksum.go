package storage

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"vertebra/storage/record"
)

// Checksum is over everything that the view sees of the slots low to high, both
// included: records, search records with their postings, appends, events. Replicas
// that are equal have equal checksums at the same index, whatever each has applied
// or collected since. So outcomes, which expire without a trace, are not in it; nor
// are the keys of postings, where those of dead versions differ until they are
// collected: Check holds them against the records.
func (v *View) Checksum(low, high record.Slot) (uint64, error) {
	var sum checksum
	sum.Reset()
	s := slotSpan(max(low, v.shard.low), min(high, v.shard.high))
	for kv, err := range v.visible(s, nil) {
		if err != nil {
			return 0, err
		}
		if skip, err := isTransient(kv); err != nil {
			return 0, err
		} else if !skip {
			sum.add(kv)
		}
	}
	for kv, err := range v.scan(indexSpan(spaceEvent, v.shard.id, 0, v.at)) {
		if err != nil {
			return 0, err
		}
		_, e, err := cutEventValue(kv.value)
		if err != nil {
			return 0, err
		}
		if slot := e.Subject.Slot(); low <= slot && slot <= high {
			sum.add(kv)
		}
	}
	return sum.Sum64(), nil
}

type checksum struct {
	xxhash.Digest
	length []byte
}

// add takes a key and a value with their lengths, so that no two lists of pairs are
// the same bytes.
func (c *checksum) add(kv pair) {
	for _, part := range [][]byte{kv.key, kv.value} {
		c.length = binary.AppendUvarint(c.length[:0], uint64(len(part)))
		c.Write(c.length)
		c.Write(part)
	}
}

// isTransient reports whether something may be gone on one replica and not yet on
// another: what says that there is nothing, and outcomes.
func isTransient(kv pair) (bool, error) {
	switch tableOf(kv.key) {
	case record.Outcomes:
		return true, nil
	case record.Documents:
		d, r := cutDocument(kv.value)
		return d.version == 0, r.err()
	}
	h, _, _, err := cutVersionValue(kv.value)
	return h.deleted(), err
}
