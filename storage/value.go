package storage

import (
	"encoding/binary"
	"fmt"

	"vertebra/storage/record"
)

// Flags of a version of a record.
const (
	flagDeleted     = 1 << iota // the record is absent from here on
	flagKeepHistory             // the version that this one replaced stays
	flagDocument                // a search record stands beside this version
	flagNoDocument              // a version before had a search record, this one has none
)

// versionHeader is what stands in front of a record's attributes and body.
type versionHeader struct {
	flags   byte
	version uint64 // 0 when deleted
	time    int64
}

func (h versionHeader) deleted() bool { return h.flags&flagDeleted != 0 }

func appendVersionValue(b []byte, h versionHeader, attributes, body []byte) []byte {
	b = append(b, h.flags)
	b = binary.AppendUvarint(b, h.version)
	b = binary.AppendVarint(b, h.time)
	b = binary.AppendUvarint(b, uint64(len(attributes)))
	return append(append(b, attributes...), body...)
}

func cutVersionValue(b []byte) (h versionHeader, attributes, body []byte, err error) {
	r := valueReader{rest: b}
	h = versionHeader{flags: r.byte(), version: r.uvarint(), time: r.varint()}
	attributes = r.bytes()
	return h, attributes, r.rest, r.err()
}

// documentValue is what is kept of a search record: with the version that it
// describes, and the postings of that version, so that collection can tell which
// postings no kept version carries. The postings' own keys carry no version: most
// of a record's postings outlive its versions, and are then not written again.
type documentValue struct {
	version  uint64 // 0: from here on there is no search record
	document []byte
	postings []record.Posting
}

func appendDocumentValue(b []byte, d documentValue) []byte {
	b = binary.AppendUvarint(b, d.version)
	b = binary.AppendUvarint(b, uint64(len(d.document)))
	b = append(b, d.document...)
	for _, p := range d.postings {
		b = binary.AppendUvarint(b, uint64(p.Field))
		b = binary.AppendUvarint(b, uint64(len(p.Value)))
		b = append(b, p.Value...)
	}
	return b
}

// cutDocumentValue reads all of b; cutDocument reads no postings.
func cutDocumentValue(b []byte) (documentValue, error) {
	d, r := cutDocument(b)
	for !r.bad && len(r.rest) > 0 {
		d.postings = append(d.postings, record.Posting{Field: uint16(r.uvarint()), Value: r.bytes()})
	}
	return d, r.err()
}

func cutDocument(b []byte) (documentValue, valueReader) {
	r := valueReader{rest: b}
	d := documentValue{version: r.uvarint(), document: r.bytes()}
	return d, r
}

// garbage names a version that an entry replaced, and whether what replaced it
// was a deletion.
type garbage struct {
	key      record.Key
	replaced uint64 // log index of the version replaced
	deletion bool
}

func (g garbage) append(b []byte) []byte {
	b = binary.AppendUvarint(b, g.replaced)
	if g.deletion {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	return appendKeyValue(b, g.key)
}

func cutGarbage(b []byte) (garbage, error) {
	r := valueReader{rest: b}
	g := garbage{replaced: r.uvarint(), deletion: r.byte() == 1, key: r.key()}
	return g, r.err()
}

// expiry names an outcome by what its key is made of.
type expiry struct {
	time    int64
	subject record.Subject
	request record.RequestID
}

func (e expiry) append(b []byte) []byte {
	b = binary.AppendVarint(b, e.time)
	b = append(b, e.request[:]...)
	return append(b, e.subject...)
}

func cutExpiry(b []byte) (expiry, error) {
	r := valueReader{rest: b}
	e := expiry{time: r.varint()}
	copy(e.request[:], r.take(uint64(len(e.request))))
	e.subject = record.Subject(r.rest)
	return e, r.err()
}

func appendEventValue(b []byte, time int64, e record.Event) []byte {
	b = binary.AppendVarint(b, time)
	b = binary.AppendUvarint(b, uint64(len(e.Type)))
	b = append(b, e.Type...)
	b = binary.AppendUvarint(b, uint64(len(e.Subject)))
	b = append(b, e.Subject...)
	return append(b, e.Body...)
}

func cutEventValue(b []byte) (time int64, e record.Event, err error) {
	r := valueReader{rest: b}
	time = r.varint()
	e = record.Event{Type: string(r.bytes()), Subject: record.Subject(r.bytes())}
	e.Body = cloned(r.rest)
	return time, e, r.err()
}

// bookkeeping is what a shard keeps of itself, in one value.
type bookkeeping struct {
	low, high record.Slot
	index     uint64 // applied index
	term      uint64
	time      int64
	floor     uint64
}

func (k bookkeeping) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(k.low))
	b = binary.AppendUvarint(b, uint64(k.high))
	b = binary.AppendUvarint(b, k.index)
	b = binary.AppendUvarint(b, k.term)
	b = binary.AppendVarint(b, k.time)
	return binary.AppendUvarint(b, k.floor)
}

func cutBookkeeping(b []byte) (bookkeeping, error) {
	r := valueReader{rest: b}
	k := bookkeeping{
		low: record.Slot(r.uvarint()), high: record.Slot(r.uvarint()),
		index: r.uvarint(), term: r.uvarint(), time: r.varint(), floor: r.uvarint(),
	}
	return k, r.err()
}

func appendKeyValue(b []byte, k record.Key) []byte {
	b = append(b, byte(k.Table))
	b = binary.AppendUvarint(b, uint64(len(k.Subject)))
	b = append(b, k.Subject...)
	b = binary.AppendUvarint(b, uint64(len(k.Rest)))
	return append(b, k.Rest...)
}

// valueReader takes a value apart. After the first thing that does not fit it
// reads zeroes; err says so once.
type valueReader struct {
	rest []byte
	bad  bool
}

func (r *valueReader) err() error {
	if r.bad {
		return fmt.Errorf("%w: value", ErrCorrupt)
	}
	return nil
}

func (r *valueReader) fail() { r.bad, r.rest = true, nil }

func (r *valueReader) byte() byte {
	if len(r.rest) == 0 {
		r.fail()
		return 0
	}
	v := r.rest[0]
	r.rest = r.rest[1:]
	return v
}

func (r *valueReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *valueReader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *valueReader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.fail()
		return nil
	}
	v := r.rest[:n:n]
	r.rest = r.rest[n:]
	return v
}

func (r *valueReader) bytes() []byte { return r.take(r.uvarint()) }

func (r *valueReader) key() record.Key {
	return record.Key{Table: record.Table(r.byte()), Subject: record.Subject(r.bytes()), Rest: string(r.bytes())}
}

// cloned copies b; nothing is nil, so that what was written empty reads back equal.
func cloned(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return append(make([]byte, 0, len(b)), b...)
}
