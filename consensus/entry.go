package consensus

import (
	"encoding/binary"
	"fmt"
)

// An entry's data, as it travels and is stored:
//
//	format byte | flags byte | uvarint hashes | hashes, 8 bytes each, little endian
//	| uvarint payloads | for each: uvarint length, bytes
//
// The footprint comes first so that it is read without looking at a payload.
const (
	entryFormat = 1
	// flagWhole: the entry may touch anything in the group.
	flagWhole = 1
	// maxPayloads bounds what a decoder allocates for, not what a pack holds.
	maxPayloads = 1 << 14
	// maxFootprint is how many hashes one proposal may name; one with more touches the
	// whole group. A false conflict only delays a reader.
	maxFootprint = 256
)

// Footprint is what an entry touches: the hashes of the subjects, or everything.
// A marker touches nothing. Different subjects may share a hash.
type Footprint struct {
	Whole  bool
	Hashes []uint64
}

// Proposal is one payload to be agreed on. Footprint hashes what it touches; none,
// or more than 256, stands for the whole group. Neither is copied before it is
// sent: leave both alone until Propose has returned nil or a definite error.
type Proposal struct {
	Footprint []uint64
	Payload   []byte
}

// whole tells whether the proposal must be taken to touch the whole group.
func (p Proposal) whole() bool { return len(p.Footprint) == 0 || len(p.Footprint) > maxFootprint }

// size bounds the bytes that the proposal adds to an entry.
func (p Proposal) size() int {
	n := binary.MaxVarintLen32 + len(p.Payload)
	if !p.whole() {
		n += 8 * len(p.Footprint)
	}
	return n
}

// entryHeaderSize bounds what an entry has beside its proposals.
const entryHeaderSize = 2 + 2*binary.MaxVarintLen32

// appendEntry packs proposals into one entry. None makes a marker.
func appendEntry(dst []byte, proposals []Proposal) []byte {
	hashes, flags := 0, byte(0)
	for _, p := range proposals {
		if p.whole() {
			flags |= flagWhole
		} else {
			hashes += len(p.Footprint)
		}
	}
	dst = append(dst, entryFormat, flags)
	dst = binary.AppendUvarint(dst, uint64(hashes))
	for _, p := range proposals {
		if p.whole() {
			continue
		}
		for _, h := range p.Footprint {
			dst = binary.LittleEndian.AppendUint64(dst, h)
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(proposals)))
	for _, p := range proposals {
		dst = binary.AppendUvarint(dst, uint64(len(p.Payload)))
		dst = append(dst, p.Payload...)
	}
	return dst
}

// EntryFootprint reads what an entry touches without decoding its payloads. It
// returns ErrCorrupt for bytes that are not an entry.
func EntryFootprint(data []byte) (Footprint, error) {
	whole, hashes, _, err := splitEntry(data)
	if err != nil {
		return Footprint{}, err
	}
	f := Footprint{Whole: whole}
	if len(hashes) > 0 {
		f.Hashes = make([]uint64, 0, len(hashes)/8)
	}
	for ; len(hashes) > 0; hashes = hashes[8:] {
		f.Hashes = append(f.Hashes, binary.LittleEndian.Uint64(hashes))
	}
	return f, nil
}

// EntryPayloads returns the payloads of an entry, appended to dst; they share
// memory with data. It returns ErrCorrupt for bytes that are not an entry.
func EntryPayloads(dst [][]byte, data []byte) ([][]byte, error) {
	_, _, rest, err := splitEntry(data)
	if err != nil {
		return nil, err
	}
	count, rest, err := takeCount(rest, 1)
	if err != nil {
		return nil, err
	}
	if count > maxPayloads {
		return nil, fmt.Errorf("%w: %d payloads", ErrCorrupt, count)
	}
	for range count {
		var n int
		if n, rest, err = takeCount(rest, 1); err != nil {
			return nil, err
		}
		dst = append(dst, rest[:n:n])
		rest = rest[n:]
	}
	if len(rest) != 0 {
		return nil, fmt.Errorf("%w: %d bytes too many", ErrCorrupt, len(rest))
	}
	return dst, nil
}

// splitEntry takes an entry's header apart.
func splitEntry(data []byte) (whole bool, hashes, rest []byte, err error) {
	if len(data) < 2 || data[0] != entryFormat || data[1]&^flagWhole != 0 {
		return false, nil, nil, fmt.Errorf("%w: unknown format", ErrCorrupt)
	}
	count, rest, err := takeCount(data[2:], 8)
	if err != nil {
		return false, nil, nil, err
	}
	return data[1] == flagWhole, rest[:8*count], rest[8*count:], nil
}

// takeCount reads a count of things of some size each that must follow in data.
func takeCount(data []byte, size int) (int, []byte, error) {
	n, width := binary.Uvarint(data)
	if width <= 0 {
		return 0, nil, fmt.Errorf("%w: bad count", ErrCorrupt)
	}
	rest := data[width:]
	if n > uint64(len(rest)/size) {
		return 0, nil, fmt.Errorf("%w: cut short", ErrCorrupt)
	}
	return int(n), rest, nil
}
