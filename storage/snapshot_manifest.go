package storage

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"vertebra/storage/record"
)

// manifestFormat is the first byte of an encoded manifest.
const manifestFormat = 1

// Manifest says what a snapshot is of and what its parts are. It names people in the
// bounds of its parts: it is never logged.
type Manifest struct {
	Shard      ShardID
	Generation uint32 // the cluster's; storage only carries it
	Low, High  record.Slot
	// Index and Term are those of the last entry applied; Time and Floor the shard's.
	Index, Term uint64
	Time        int64
	Floor       uint64
	Parts       []PartInfo
}

// PartInfo is what a part must hold to be the one that the manifest means. The
// checksum is over keys and values, not over the file: two builds may compress the
// same contents differently, and the file's blocks have checksums of their own.
type PartInfo struct {
	Keys  uint64
	Bytes uint64 // of keys and values
	Sum   uint64

	low, high []byte
}

func (p *PartInfo) span() span { return span{low: p.low, high: p.high} }

func (p *PartInfo) equal(q *PartInfo) bool {
	return p.Keys == q.Keys && p.Bytes == q.Bytes && p.Sum == q.Sum &&
		bytes.Equal(p.low, q.low) && bytes.Equal(p.high, q.high)
}

// Bytes is the size of everything in the snapshot before compression.
func (m *Manifest) Bytes() (n uint64) {
	for i := range m.Parts {
		n += m.Parts[i].Bytes
	}
	return n
}

// AppendBinary appends the manifest's encoding to b.
func (m *Manifest) AppendBinary(b []byte) []byte {
	b = append(b, manifestFormat)
	for _, v := range []uint64{
		uint64(m.Shard), uint64(m.Generation), uint64(m.Low), uint64(m.High),
		m.Index, m.Term, uint64(m.Time), m.Floor, uint64(len(m.Parts)),
	} {
		b = binary.AppendUvarint(b, v)
	}
	for i := range m.Parts {
		p := &m.Parts[i]
		b = binary.AppendUvarint(b, p.Keys)
		b = binary.AppendUvarint(b, p.Bytes)
		b = binary.BigEndian.AppendUint64(b, p.Sum)
		for _, key := range [][]byte{p.low, p.high} {
			b = append(binary.AppendUvarint(b, uint64(len(key))), key...)
		}
	}
	return b
}

// DecodeManifest reads what AppendBinary wrote. ErrCorrupt for anything else, and for
// a manifest whose parts do not cover the shard without gap and overlap.
func DecodeManifest(b []byte) (Manifest, error) {
	r := valueReader{rest: b}
	if r.byte() != manifestFormat {
		r.fail()
	}
	m := Manifest{
		Shard: ShardID(r.uvarint()), Generation: uint32(r.uvarint()),
		Low: record.Slot(r.uvarint()), High: record.Slot(r.uvarint()),
		Index: r.uvarint(), Term: r.uvarint(), Time: int64(r.uvarint()), Floor: r.uvarint(),
	}
	for n := r.uvarint(); n > 0 && !r.bad; n-- {
		p := PartInfo{Keys: r.uvarint(), Bytes: r.uvarint()}
		if sum := r.take(8); len(sum) == 8 {
			p.Sum = binary.BigEndian.Uint64(sum)
		}
		p.low, p.high = cloned(r.bytes()), cloned(r.bytes())
		m.Parts = append(m.Parts, p)
	}
	if r.bad || len(r.rest) > 0 || !bytes.Equal(m.AppendBinary(nil), b) {
		return Manifest{}, fmt.Errorf("%w: manifest", ErrCorrupt)
	}
	return m, m.check()
}

// check holds that the parts make up the shared ranges of the shard, in order. A part
// left out would leave what the receiver had there before.
func (m *Manifest) check() error {
	if m.Low > m.High || m.High > record.ControlSlot || m.Index == 0 || m.Floor > m.Index {
		return fmt.Errorf("%w: manifest", ErrCorrupt)
	}
	parts := m.Parts
	for _, s := range sharedSpans(m.Shard, m.Low, m.High) {
		for at := s.low; !bytes.Equal(at, s.high); parts = parts[1:] {
			if len(parts) == 0 || !bytes.Equal(parts[0].low, at) || bytes.Compare(parts[0].high, at) <= 0 {
				return fmt.Errorf("%w: manifest with a gap", ErrCorrupt)
			}
			at = parts[0].high
		}
	}
	if len(parts) > 0 {
		return fmt.Errorf("%w: manifest with a part too many", ErrCorrupt)
	}
	return nil
}

// partSum adds up what a part holds.
type partSum struct {
	checksum
	keys, bytes uint64
}

func newPartSum() *partSum {
	p := &partSum{}
	p.Reset()
	return p
}

func (p *partSum) add(kv pair) {
	p.checksum.add(kv)
	p.keys++
	p.bytes += uint64(len(kv.key) + len(kv.value))
}

func (p *partSum) part(low, high []byte) PartInfo {
	return PartInfo{Keys: p.keys, Bytes: p.bytes, Sum: p.Sum64(), low: low, high: high}
}
