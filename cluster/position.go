package cluster

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
)

// ShardID numbers a shard: 0 is the control group, data shards are 1 to N.
type ShardID uint16

// maxPositionShards bounds what a client's header can make us allocate.
const maxPositionShards = 1024

// Place is a place in the log of one shard.
type Place struct {
	Shard ShardID
	// Generation changes when the shard's slot range does; a place of another generation
	// is compared with none.
	Generation uint32
	// Index is a log index.
	Index uint64
}

// Position is a place in the log of each of some shards: what a client gives
// back to read its own writes. The zero value is before everything. Positions are
// values: With returns a new one.
type Position struct{ places []Place }

// With returns the position moved up to at least the given place.
func (p Position) With(place Place) Position {
	places := slices.Clone(p.places)
	at, found := slices.BinarySearchFunc(places, place.Shard, func(q Place, s ShardID) int { return int(q.Shard) - int(s) })
	switch {
	case !found:
		places = slices.Insert(places, at, place)
	case places[at].Generation < place.Generation,
		places[at].Generation == place.Generation && places[at].Index < place.Index:
		places[at] = place
	}
	return Position{places}
}

// Join returns the position that is at least p and at least q.
func (p Position) Join(q Position) Position {
	for _, place := range q.places {
		p = p.With(place)
	}
	return p
}

// Of returns the place within one shard; its index is 0 when the position says
// nothing about that shard.
func (p Position) Of(shard ShardID) Place {
	for _, place := range p.places {
		if place.Shard == shard {
			return place
		}
	}
	return Place{Shard: shard}
}

// IsZero reports whether the position asks for nothing.
func (p Position) IsZero() bool { return len(p.places) == 0 }

// String is the opaque form that travels in the Vertebra-Position header.
func (p Position) String() string {
	if p.IsZero() {
		return ""
	}
	b := make([]byte, 0, 1+8*len(p.places))
	b = append(b, positionFormat)
	for _, place := range p.places {
		b = binary.AppendUvarint(b, uint64(place.Shard))
		b = binary.AppendUvarint(b, uint64(place.Generation))
		b = binary.AppendUvarint(b, place.Index)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

const positionFormat = 1

// ParsePosition reads what String wrote. Anything else is ErrBadPosition.
func ParsePosition(s string) (Position, error) {
	if s == "" {
		return Position{}, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) == 0 || b[0] != positionFormat {
		return Position{}, ErrBadPosition
	}
	var p Position
	for b = b[1:]; len(b) > 0; {
		var n [3]uint64
		for i := range n {
			v, size := binary.Uvarint(b)
			if size <= 0 {
				return Position{}, ErrBadPosition
			}
			n[i], b = v, b[size:]
		}
		if n[0] > 1<<16-1 || n[1] > 1<<32-1 || len(p.places) == maxPositionShards {
			return Position{}, ErrBadPosition
		}
		p = p.With(Place{ShardID(n[0]), uint32(n[1]), n[2]})
	}
	if p.String() != s { // one position has one form: no line breaks, no shard twice
		return Position{}, ErrBadPosition
	}
	return p, nil
}
