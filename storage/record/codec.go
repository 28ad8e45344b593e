package record

import (
	"encoding/binary"
	"fmt"
	"math"
)

// format is the first byte of every encoded command. A cluster version gates
// writing a newer one, so that builds can be mixed during a rolling upgrade.
const format = 1

// AppendBinary appends the command's encoding to b. It returns ErrTooLarge when
// a part is over its limit; b is then returned as it was.
//
// The layout is format, kind, then the kind's fields in the order they are
// declared; numbers are unsigned varints, byte strings carry their length.
// Protocol buffers were tried and cost four times the allocations on decode.
func (c *Command) AppendBinary(b []byte) ([]byte, error) {
	start := len(b)
	out := append(b, format, byte(c.Kind))
	switch c.Kind {
	case KindMarker:
	case KindMutation:
		if err := c.Mutation.check(); err != nil {
			return b, err
		}
		out = c.Mutation.append(out)
	case KindCollect:
		out = binary.AppendUvarint(out, c.Floor)
	case KindWipe:
		out = binary.AppendUvarint(out, uint64(len(c.Keep)))
		for _, t := range c.Keep {
			out = append(out, byte(t))
		}
	default:
		return b, fmt.Errorf("%w: kind %d", ErrCorrupt, c.Kind)
	}
	if len(out)-start > MaxMutationBytes {
		return b, ErrTooLarge
	}
	return out, nil
}

func (m *Mutation) check() error {
	keys := func(yield func(Key) bool) {
		for i := range m.Reads {
			if !yield(m.Reads[i].Key) {
				return
			}
		}
		for i := range m.Writes {
			if !yield(m.Writes[i].Key) {
				return
			}
		}
		for i := range m.Appends {
			if !yield(m.Appends[i].Key) {
				return
			}
		}
	}
	if len(m.Subject) > MaxSubjectBytes {
		return ErrTooLarge
	}
	for k := range keys {
		if len(k.Subject) > MaxSubjectBytes || len(k.Rest) > MaxRestBytes {
			return ErrTooLarge
		}
	}
	for i := range m.Writes {
		for _, p := range m.Writes[i].Postings {
			if len(p.Value) > MaxPostingBytes {
				return ErrTooLarge
			}
		}
	}
	return nil
}

func (m *Mutation) append(b []byte) []byte {
	b = appendString(b, string(m.Subject))
	b = binary.AppendVarint(b, m.Time)
	b = appendBool(b, !m.Request.IsZero())
	if !m.Request.IsZero() {
		b = append(b, m.Request[:]...)
		b = m.Outcome.AppendBinary(b)
	}
	b = binary.AppendUvarint(b, uint64(len(m.Reads)))
	for i := range m.Reads {
		b = appendKey(b, m.Reads[i].Key)
		b = binary.AppendUvarint(b, m.Reads[i].Version)
	}
	b = binary.AppendUvarint(b, uint64(len(m.Writes)))
	for i := range m.Writes {
		b = m.Writes[i].append(b)
	}
	b = binary.AppendUvarint(b, uint64(len(m.Appends)))
	for i := range m.Appends {
		b = appendKey(b, m.Appends[i].Key)
		b = appendBytes(b, m.Appends[i].Body)
	}
	b = binary.AppendUvarint(b, uint64(len(m.Events)))
	for i := range m.Events {
		b = appendString(b, m.Events[i].Type)
		b = appendString(b, string(m.Events[i].Subject))
		b = appendBytes(b, m.Events[i].Body)
	}
	return b
}

func (w *Write) append(b []byte) []byte {
	b = appendKey(b, w.Key)
	b = binary.AppendUvarint(b, w.Version)
	b = appendBool(b, w.KeepHistory)
	b = appendBytes(b, w.Attributes)
	b = appendBytes(b, w.Body)
	b = appendBytes(b, w.Document)
	b = binary.AppendUvarint(b, uint64(len(w.Postings)))
	for _, p := range w.Postings {
		b = binary.AppendUvarint(b, uint64(p.Field))
		b = appendBytes(b, p.Value)
	}
	return b
}

// AppendBinary appends the outcome's encoding to b. Storage keeps it so.
func (o *Outcome) AppendBinary(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(o.Status))
	b = binary.AppendUvarint(b, o.Version)
	b = appendString(b, string(o.Subject))
	return appendBytes(b, o.Note)
}

// DecodeOutcome reads what Outcome.AppendBinary wrote. Note aliases b.
func DecodeOutcome(b []byte) (Outcome, error) {
	r := reader{rest: b}
	o := r.outcome()
	return o, r.end()
}

// DecodeCommand reads what Command.AppendBinary wrote. Byte slices of the result
// alias b: keep b unchanged for as long as they are used. Bytes that are not an
// encoded command, or that have anything behind it, give ErrCorrupt.
func DecodeCommand(b []byte) (Command, error) {
	r := reader{rest: b}
	var c Command
	if r.byte() != format {
		r.fail()
	}
	c.Kind = Kind(r.byte())
	switch c.Kind {
	case KindMarker:
	case KindMutation:
		c.Mutation = r.mutation()
	case KindCollect:
		c.Floor = r.uvarint()
	case KindWipe:
		c.Keep = list(&r, func() Table { return Table(r.byte()) })
	default:
		r.fail()
	}
	if err := r.end(); err != nil {
		return Command{}, err
	}
	return c, nil
}

// reader takes an encoding apart. After the first thing that does not fit it
// reads zeroes; end says so once.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) fail() { r.bad, r.rest = true, nil }

func (r *reader) end() error {
	if r.bad || len(r.rest) != 0 {
		return ErrCorrupt
	}
	return nil
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.fail()
		return 0
	}
	v := r.rest[0]
	r.rest = r.rest[1:]
	return v
}

// bool takes 0 or 1 and nothing else: one value has one encoding.
func (r *reader) bool() bool {
	v := r.byte()
	if v > 1 {
		r.fail()
	}
	return v == 1
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) uint16() uint16 {
	v := r.uvarint()
	if v > math.MaxUint16 {
		r.fail()
	}
	return uint16(v)
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.fail()
		return nil
	}
	if n == 0 {
		return nil
	}
	v := r.rest[:n:n]
	r.rest = r.rest[n:]
	return v
}

func (r *reader) bytes() []byte    { return r.take(r.uvarint()) }
func (r *reader) string() string   { return string(r.bytes()) }
func (r *reader) subject() Subject { return Subject(r.string()) }

func (r *reader) key() Key {
	return Key{Subject: r.subject(), Table: Table(r.byte()), Rest: r.string()}
}

// list reads a count and that many elements. Every element takes at least one
// byte, so a count over what is left is a lie and allocates nothing.
func list[T any](r *reader, one func() T) []T {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.fail()
		return nil
	}
	if n == 0 {
		return nil
	}
	// A list is grown as it is read: a short input that claims many elements must not
	// allocate more than a small multiple of its own size.
	out := make([]T, 0, min(n, 64))
	for range n {
		out = append(out, one())
		if r.bad {
			return nil
		}
	}
	return out
}

func (r *reader) outcome() Outcome {
	return Outcome{Status: r.uint16(), Version: r.uvarint(), Subject: r.subject(), Note: r.bytes()}
}

func (r *reader) mutation() Mutation {
	var m Mutation
	m.Subject = r.subject()
	m.Time = r.varint()
	if r.bool() {
		copy(m.Request[:], r.take(uint64(len(m.Request))))
		m.Outcome = r.outcome()
	}
	m.Reads = list(r, func() Read { return Read{Key: r.key(), Version: r.uvarint()} })
	m.Writes = list(r, r.write)
	m.Appends = list(r, func() Append { return Append{Key: r.key(), Body: r.bytes()} })
	m.Events = list(r, func() Event {
		return Event{Type: r.string(), Subject: r.subject(), Body: r.bytes()}
	})
	return m
}

func (r *reader) write() Write {
	return Write{
		Key:         r.key(),
		Version:     r.uvarint(),
		KeepHistory: r.bool(),
		Attributes:  r.bytes(),
		Body:        r.bytes(),
		Document:    r.bytes(),
		Postings: list(r, func() Posting {
			return Posting{Field: r.uint16(), Value: r.bytes()}
		}),
	}
}

func appendKey(b []byte, k Key) []byte {
	b = appendString(b, string(k.Subject))
	b = append(b, byte(k.Table))
	return appendString(b, k.Rest)
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendBytes(b, v []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}
