package index

import "encoding/binary"

// A document's id in bleve is the shard, two bytes, the profile, one byte, and
// the caller's id, so that one index holds all shards of a node and still knows
// which document is whose.
const idPrefixBytes = 3

func bleveID(shard uint16, profile uint8, id string) string {
	return string([]byte{byte(shard >> 8), byte(shard), profile}) + id
}

// splitID is the inverse of bleveID. The id is a copy.
func splitID(raw []byte) (shard uint16, profile uint8, id string, ok bool) {
	if len(raw) < idPrefixBytes {
		return 0, 0, "", false
	}
	return binary.BigEndian.Uint16(raw), raw[2], string(raw[idPrefixBytes:]), true
}

// shardTerm is the term that every document of a shard has, by which a shard is
// emptied. It is shorter than any other term, so it equals none.
func shardTerm(shard uint16) string { return string([]byte{byte(shard >> 8), byte(shard)}) }

// positionKey is the internal key of bleve's that holds a shard's indexed position.
func positionKey(shard uint16) []byte {
	return []byte{'p', byte(shard >> 8), byte(shard)}
}

func encodePosition(index uint64) []byte { return binary.BigEndian.AppendUint64(nil, index) }

// decodePosition returns 0 for what is not a position: everything is then indexed again.
func decodePosition(raw []byte) uint64 {
	if len(raw) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(raw)
}
