package index

import (
	"encoding/binary"
	"errors"
	"iter"
	"strings"
	"unsafe"
)

// ErrCorruptDocument is returned for bytes that are not a Document.
var ErrCorruptDocument = errors.New("index: corrupt document")

// Field is one searchable field of a record. A service declares its own numbers
// in its Profile; they are on disk and never renumbered.
type Field uint8

// Document is a compact search record: the folded values that a record is found
// by, and nothing else. It is kept in its encoded form and read in place, since
// a search reads many documents and uses a few fields of each: decoding into a
// struct of slices cost ten times as much as walking the bytes.
//
// The form is, per value: the field's number, the value's length as an unsigned
// varint, the value.
type Document []byte

// With returns the document with one more value of a field. A field may have any
// number of values; their order is kept. Empty values are left out, and so are those
// with a zero byte, which separates the parts of postings.
func (d Document) With(f Field, value string) Document {
	if value == "" || strings.IndexByte(value, separator) >= 0 {
		return d
	}
	d = append(d, byte(f))
	d = binary.AppendUvarint(d, uint64(len(value)))
	return append(d, value...)
}

// All yields every (field, value) in the order in which they were added. The
// strings alias the document.
func (d Document) All() iter.Seq2[Field, string] {
	return func(yield func(Field, string) bool) {
		rest := []byte(d)
		for len(rest) > 0 {
			f := Field(rest[0])
			n, size := binary.Uvarint(rest[1:])
			if size <= 0 || n == 0 || n > uint64(len(rest)-1-size) {
				return // Check tells; a reader sees the values before the damage
			}
			value := rest[1+size : 1+size+int(n)]
			if !yield(f, unsafe.String(&value[0], len(value))) {
				return
			}
			rest = rest[1+size+int(n):]
		}
	}
}

// Values yields the values of one field.
func (d Document) Values(f Field) iter.Seq[string] {
	return func(yield func(string) bool) {
		for g, v := range d.All() {
			if g == f && !yield(v) {
				return
			}
		}
	}
}

// First returns the first value of a field, or "".
func (d Document) First(f Field) string {
	for v := range d.Values(f) {
		return v
	}
	return ""
}

// Check returns ErrCorruptDocument unless d is whole.
func (d Document) Check() error {
	size := 0
	for _, v := range d.All() {
		size += 1 + uvarintLen(uint64(len(v))) + len(v)
	}
	if size != len(d) {
		return ErrCorruptDocument
	}
	return nil
}

func uvarintLen(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}
