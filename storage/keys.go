package storage

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/cockroachdb/pebble/v2"

	"vertebra/storage/record"
)

// This file alone knows what the keys of the state store look like; Example_layout
// prints the table. Every key begins with one byte that names its space.
//
//	d slot table subject rest ^index     a version of a record
//	p shard field value slot subject table rest   a posting
//	s shard                              the shard's bookkeeping
//	l shard name                         the node's own note on the shard
//	q shard index ordinal                the index queue
//	g shard index ordinal                a version that the entry replaced
//	x shard index ordinal                an outcome that will expire
//	e shard index ordinal                an event
//	m name                               the store's own
//
// Numbers are big-endian, so that byte order is number order. ^index is the
// complement, so that the newest version comes first. The parts of variable
// length (subject, rest, value) are escaped and terminated: they keep their order,
// and no key's prefix is another key's prefix. A length in front of each was
// simpler and did not keep the order.
const (
	spaceRecord  = 'd'
	spacePosting = 'p'
	spaceState   = 's'
	spaceLocal   = 'l'
	spaceQueue   = 'q'
	spaceGarbage = 'g'
	spaceExpiry  = 'x'
	spaceEvent   = 'e'
	spaceMeta    = 'm'
)

const (
	escape     = 0x00
	terminator = 0x01 // escape terminator: the part ends here
	escaped    = 0xff // escape escaped: a zero byte of the part

	recordHeaderLen = 1 + 2 + 1 // space, slot, table
	versionLen      = 8
)

// appendEscaped appends a part with its zero bytes escaped and no terminator.
func appendEscaped[T string | []byte](b []byte, part T) []byte {
	for i := range len(part) {
		b = append(b, part[i])
		if part[i] == escape {
			b = append(b, escaped)
		}
	}
	return b
}

func appendPart[T string | []byte](b []byte, part T) []byte {
	return append(appendEscaped(b, part), escape, terminator)
}

// partEnd returns the offset behind the terminator of the part that begins b, or
// -1 when there is none.
func partEnd(b []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], escape)
		if i < 0 || at+i+1 >= len(b) {
			return -1
		}
		if b[at+i+1] == terminator {
			return at + i + 2
		}
		at += i + 2
	}
}

// cutPart returns the first part of b, unescaped, and what is behind it. The part
// aliases b when nothing in it was escaped.
func cutPart(b []byte) (part, rest []byte, err error) {
	end := partEnd(b)
	if end < 0 {
		return nil, nil, errKey
	}
	part, rest = b[:end-2:end-2], b[end:]
	if bytes.IndexByte(part, escape) < 0 {
		return part, rest, nil
	}
	out := make([]byte, 0, len(part))
	for i := 0; i < len(part); i++ {
		out = append(out, part[i])
		if part[i] != escape {
			continue
		}
		i++
		if i == len(part) || part[i] != escaped {
			return nil, nil, errKey
		}
	}
	return out, rest, nil
}

// recordSplit is the comparer's Split: the version is the suffix of a record's
// key, so that bloom filters hold whole records and a read of one version of a
// record asks them. Other keys, and what pebble shortens keys to, have no suffix.
func recordSplit(key []byte) int {
	if end, ok := recordEnd(key); ok {
		return end
	}
	return len(key)
}

// recordEnd is where the version of a record's key begins.
func recordEnd(key []byte) (int, bool) {
	if len(key) <= recordHeaderLen || key[0] != spaceRecord {
		return 0, false
	}
	subject := partEnd(key[recordHeaderLen:])
	if subject < 0 {
		return 0, false
	}
	rest := partEnd(key[recordHeaderLen+subject:])
	if rest < 0 {
		return 0, false
	}
	return recordHeaderLen + subject + rest, true
}

// recordSuccessor is the comparer's ImmediateSuccessor: the first key behind all
// versions of a record. Pebble's own appends a zero byte, which is in front of them:
// NextPrefix then gave each version in a memtable as a record of its own.
func recordSuccessor(dst, prefix []byte) []byte {
	dst = append(dst, prefix...)
	if end, ok := recordEnd(prefix); ok && end == len(prefix) {
		dst[len(dst)-1] = terminator + 1
		return dst
	}
	return append(dst, 0)
}

// newComparer orders keys byte by byte. Because the parts are terminated, that is
// also the order by prefix and then by suffix, which pebble asks for.
func newComparer() *pebble.Comparer {
	c := *pebble.DefaultComparer
	c.Name = "vertebra.state.1"
	c.Split = recordSplit
	c.ImmediateSuccessor = recordSuccessor
	c.Compare = bytes.Compare
	c.Equal = bytes.Equal
	c.ComparePointSuffixes = bytes.Compare
	c.CompareRangeSuffixes = bytes.Compare
	return &c
}

func appendSlot(b []byte, slot record.Slot) []byte {
	return binary.BigEndian.AppendUint16(append(b, spaceRecord), uint16(slot))
}

func appendSlotTable(b []byte, slot record.Slot, table record.Table) []byte {
	return append(appendSlot(b, slot), byte(table))
}

func appendSubject(b []byte, subject record.Subject, table record.Table) []byte {
	return appendPart(appendSlotTable(b, subject.Slot(), table), string(subject))
}

// appendRecord appends the key of a record without its version.
func appendRecord(b []byte, k record.Key) []byte {
	return appendPart(appendSubject(b, k.Subject, k.Table), k.Rest)
}

func appendVersion(b []byte, index uint64) []byte {
	return binary.BigEndian.AppendUint64(b, ^index)
}

// documentKey is the key under which the compact search record of k is kept.
func documentKey(k record.Key) record.Key {
	return record.Key{Subject: k.Subject, Table: record.Documents, Rest: string([]byte{byte(k.Table)}) + k.Rest}
}

// documentOf is the record whose search record the key names.
func documentOf(k record.Key) (record.Key, error) {
	if k.Table != record.Documents || len(k.Rest) == 0 {
		return record.Key{}, errKey
	}
	return record.Key{Subject: k.Subject, Table: record.Table(k.Rest[0]), Rest: k.Rest[1:]}, nil
}

func outcomeKey(subject record.Subject, id record.RequestID) record.Key {
	return record.Key{Subject: subject, Table: record.Outcomes, Rest: string(id[:])}
}

// appendKey is the key that an append is kept under: nothing else in the log has
// the same index and ordinal.
func appendKey(k record.Key, index uint64, ordinal uint32) record.Key {
	rest := binary.BigEndian.AppendUint64([]byte(k.Rest), index)
	k.Rest = string(binary.BigEndian.AppendUint32(rest, ordinal))
	return k
}

// cutRecord takes a record's key apart.
func cutRecord(b []byte) (record.Key, uint64, error) {
	if len(b) < recordHeaderLen || b[0] != spaceRecord {
		return record.Key{}, 0, errKey
	}
	subject, b2, err := cutPart(b[recordHeaderLen:])
	if err != nil {
		return record.Key{}, 0, err
	}
	rest, b3, err := cutPart(b2)
	if err != nil || len(b3) != versionLen {
		return record.Key{}, 0, errKey
	}
	k := record.Key{Subject: record.Subject(subject), Table: record.Table(b[3]), Rest: string(rest)}
	return k, ^binary.BigEndian.Uint64(b3), nil
}

func slotOf(b []byte) record.Slot { return record.Slot(binary.BigEndian.Uint16(b[1:])) }

func tableOf(b []byte) record.Table { return record.Table(b[3]) }

func versionOf(b []byte) uint64 {
	return ^binary.BigEndian.Uint64(b[len(b)-versionLen:])
}

func appendField(b []byte, shard ShardID, field uint16) []byte {
	b = binary.BigEndian.AppendUint16(append(b, spacePosting), uint16(shard))
	return binary.BigEndian.AppendUint16(b, field)
}

func appendPosting(b []byte, shard ShardID, p record.Posting, k record.Key) []byte {
	b = appendPart(appendField(b, shard, p.Field), p.Value)
	b = binary.BigEndian.AppendUint16(b, uint16(k.Slot()))
	b = appendPart(b, string(k.Subject))
	return appendPart(append(b, byte(k.Table)), k.Rest)
}

// cutPosting takes a posting's key apart. The value aliases b unless it was escaped.
func cutPosting(b []byte) (field uint16, p Posting, err error) {
	const header = 1 + 2 + 2
	if len(b) < header {
		return 0, Posting{}, errKey
	}
	field = binary.BigEndian.Uint16(b[3:])
	value, b, err := cutPart(b[header:])
	if err != nil || len(b) < 2 {
		return 0, Posting{}, errKey
	}
	subject, b, err := cutPart(b[2:])
	if err != nil || len(b) < 1 {
		return 0, Posting{}, errKey
	}
	table := record.Table(b[0])
	rest, b, err := cutPart(b[1:])
	if err != nil || len(b) != 0 {
		return 0, Posting{}, errKey
	}
	key := record.Key{Subject: record.Subject(subject), Table: table, Rest: string(rest)}
	return field, Posting{Value: value, Key: key}, nil
}

// appendSpace begins a key of one of the shard's own spaces.
func appendSpace(b []byte, space byte, shard ShardID) []byte {
	return binary.BigEndian.AppendUint16(append(b, space), uint16(shard))
}

func appendIndexed(b []byte, space byte, shard ShardID, index uint64, ordinal uint32) []byte {
	b = binary.BigEndian.AppendUint64(appendSpace(b, space, shard), index)
	return binary.BigEndian.AppendUint32(b, ordinal)
}

func cutIndexed(b []byte) (index uint64, ordinal uint32, err error) {
	if len(b) != 1+2+8+4 {
		return 0, 0, errKey
	}
	return binary.BigEndian.Uint64(b[3:]), binary.BigEndian.Uint32(b[11:]), nil
}

// span is a range of keys: low belongs to it, high does not.
type span struct{ low, high []byte }

// within is the span of all keys that begin with prefix, which must not be all 0xff.
func within(prefix []byte) span {
	high := bytes.Clone(prefix)
	for i := len(high) - 1; ; i-- {
		if high[i]++; high[i] != 0 {
			return span{low: prefix, high: high[:i+1]}
		}
	}
}

func slotSpan(low, high record.Slot) span {
	return span{low: appendSlot(nil, low), high: within(appendSlot(nil, high)).high}
}

func spaceSpan(space byte, shard ShardID) span { return within(appendSpace(nil, space, shard)) }

// indexSpan covers (from, to] of one of the spaces in log order.
func indexSpan(space byte, shard ShardID, from, to uint64) span {
	s := spaceSpan(space, shard)
	if from == math.MaxUint64 {
		return span{low: s.high, high: s.high}
	}
	s.low = appendIndexed(nil, space, shard, from+1, 0)
	if to < math.MaxUint64 {
		s.high = appendIndexed(nil, space, shard, to+1, 0)
	}
	return s
}

// valueSpan covers the postings of a field with low <= value < high; nil is open.
func valueSpan(shard ShardID, field uint16, low, high []byte) span {
	prefix := appendField(nil, shard, field)
	s := within(prefix)
	if low != nil {
		s.low = appendEscaped(bytes.Clone(prefix), low)
	}
	if high != nil {
		s.high = appendEscaped(bytes.Clone(prefix), high)
	}
	return s
}
