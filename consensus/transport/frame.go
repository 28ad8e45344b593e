package transport

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// A frame: length of the rest, 4 bytes | kind, 1 | group, 4 | request id, 8 | body.
// Little endian. Numbers inside bodies are uvarints.
const (
	lengthSize  = 4
	frameHeader = lengthSize + 1 + 4 + 8
)

// kind says what a frame's body is. The numbers are on the wire: add, never change.
type kind byte

const (
	kindAppend kind = 1 + iota
	kindAppendAnswer
	kindVote
	kindVoteAnswer
	kindPreVote
	kindPreVoteAnswer
	kindTimeoutNow
	kindTimeoutNowAnswer
	kindSnapshot
	kindSnapshotAnswer
	kindBeats       // heartbeats of many groups; each has an id of its own
	kindBeatAnswers // answers to some of them
	kindTerms       // which terms are these groups in
	kindTermsAnswer
	kindVisible // not answered
	kindCall
	kindCallAnswer
	kindPing
	kindPong
	kindRefusal // answers any request
	kindStream  // opens a stream
	kindGoAhead // accepts it
	kindWait    // a stream's answer takes long; it is still worked on
	kindPiece   // of a large frame; id 1: the last one
)

// frame is a frame that was read. The body is valid until the next one is read, but
// that of kindAppend for ever: entries are slices of it.
type frame struct {
	kind  kind
	group uint32
	id    uint64
	body  []byte
}

// beginFrame appends a frame's header; the body is appended to the result, and
// endFrame then sets the length.
func beginFrame(buf []byte, k kind, group uint32, id uint64) []byte {
	buf = append(buf, 0, 0, 0, 0, byte(k))
	buf = binary.LittleEndian.AppendUint32(buf, group)
	return binary.LittleEndian.AppendUint64(buf, id)
}

// endFrame sets the length of the frame that begins at from.
func endFrame(buf []byte, from int) []byte {
	binary.LittleEndian.PutUint32(buf[from:], uint32(len(buf)-from-lengthSize))
	return buf
}

// frameReader reads frames of at most limit bytes from one connection.
type frameReader struct {
	r       *bufio.Reader
	limit   int
	scratch []byte
	header  [frameHeader]byte
}

// maxScratch is how much a reader keeps between frames.
const maxScratch = 64 << 10

func (r *frameReader) read() (frame, error) {
	if _, err := io.ReadFull(r.r, r.header[:]); err != nil {
		return frame{}, err
	}
	length := int64(binary.LittleEndian.Uint32(r.header[:])) - (frameHeader - lengthSize)
	if length < 0 || length > int64(r.limit) {
		return frame{}, fmt.Errorf("%w: body of %d bytes", ErrCorrupt, length)
	}
	f := frame{
		kind:  kind(r.header[4]),
		group: binary.LittleEndian.Uint32(r.header[5:]),
		id:    binary.LittleEndian.Uint64(r.header[9:]),
	}
	f.body = r.space(f.kind, int(length))
	_, err := io.ReadFull(r.r, f.body)
	return f, err
}

func (r *frameReader) space(k kind, length int) []byte {
	if k == kindAppend || length > maxScratch {
		return make([]byte, length)
	}
	if cap(r.scratch) < length {
		r.scratch = make([]byte, length)
	}
	return r.scratch[:length]
}

// body takes a frame's body apart; the first thing missing sets err, and everything
// after it is zero.
type body struct {
	rest []byte
	err  error
}

func (b *body) fail(what string) {
	if b.err == nil {
		b.err = fmt.Errorf("%w: %s", ErrCorrupt, what)
	}
	b.rest = nil
}

func (b *body) uint() uint64 {
	v, n := binary.Uvarint(b.rest)
	if n <= 0 {
		b.fail("number")
		return 0
	}
	b.rest = b.rest[n:]
	return v
}

func (b *body) int() int64 {
	v, n := binary.Varint(b.rest)
	if n <= 0 {
		b.fail("number")
		return 0
	}
	b.rest = b.rest[n:]
	return v
}

func (b *body) group() uint32 {
	v := b.uint()
	if v > 1<<32-1 {
		b.fail("group")
		return 0
	}
	return uint32(v)
}

func (b *body) byte() byte {
	if len(b.rest) == 0 {
		b.fail("byte")
		return 0
	}
	v := b.rest[0]
	b.rest = b.rest[1:]
	return v
}

func (b *body) bool() bool {
	v := b.byte()
	if v > 1 {
		b.fail("flag")
	}
	return v == 1
}

// bytes returns a length and that many bytes: a slice of the body.
func (b *body) bytes() []byte {
	n := b.uint()
	if n > uint64(len(b.rest)) {
		b.fail("length")
		return nil
	}
	v := b.rest[:n:n]
	b.rest = b.rest[n:]
	return v
}

// count returns a number of things that take at least size bytes each.
func (b *body) count(size int) int {
	n := b.uint()
	if n > uint64(len(b.rest)/size) {
		b.fail("count")
		return 0
	}
	return int(n)
}

// end returns the first error, or that something is left.
func (b *body) end() error {
	if b.err == nil && len(b.rest) > 0 {
		b.fail("bytes left over")
	}
	return b.err
}

func appendBytes(buf, v []byte) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(v))), v...)
}

func appendBool(buf []byte, v bool) []byte {
	if v {
		return append(buf, 1)
	}
	return append(buf, 0)
}

// pieces puts a large frame together again. Only one at a time is under way.
type pieces struct {
	limit int
	data  []byte
}

// add takes the next piece; whole is true with the last one.
func (p *pieces) add(f frame) (large frame, whole bool, err error) {
	if p.data == nil && len(f.body) >= lengthSize {
		size := int64(binary.LittleEndian.Uint32(f.body)) + lengthSize
		if size > int64(p.limit)+frameHeader {
			return frame{}, false, fmt.Errorf("%w: frame of %d bytes", ErrCorrupt, size)
		}
		p.data = make([]byte, 0, size)
	}
	if len(p.data)+len(f.body) > cap(p.data) {
		return frame{}, false, fmt.Errorf("%w: pieces too many", ErrCorrupt)
	}
	p.data = append(p.data, f.body...)
	if f.id != 1 {
		return frame{}, false, nil
	}
	data := p.data
	p.data = nil
	if len(data) < frameHeader || len(data) != cap(data) || kind(data[4]) == kindPiece {
		return frame{}, false, fmt.Errorf("%w: pieces", ErrCorrupt)
	}
	return frame{
		kind:  kind(data[4]),
		group: binary.LittleEndian.Uint32(data[5:]),
		id:    binary.LittleEndian.Uint64(data[9:]),
		body:  data[frameHeader:],
	}, true, nil
}
