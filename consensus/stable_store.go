package consensus

import (
	"encoding/binary"
	"fmt"
)

// stableStore is raft's StableStore over a Log: the current term and the last
// vote. Raft's keys get a prefix, so that they never meet ours.
type stableStore struct{ log Log }

const stableRaftPrefix = "raft/"

// raftCurrentTerm is the key under which raft keeps its term.
const raftCurrentTerm = "CurrentTerm"

// Set implements raft.StableStore.
func (s stableStore) Set(key, value []byte) error {
	return s.log.SetStable(stableRaftPrefix+string(key), value)
}

// Get implements raft.StableStore.
func (s stableStore) Get(key []byte) ([]byte, error) {
	return s.log.Stable(stableRaftPrefix + string(key))
}

// SetUint64 implements raft.StableStore.
func (s stableStore) SetUint64(key []byte, value uint64) error {
	return s.Set(key, binary.LittleEndian.AppendUint64(nil, value))
}

// GetUint64 implements raft.StableStore.
func (s stableStore) GetUint64(key []byte) (uint64, error) {
	value, err := s.Get(key)
	if err != nil || len(value) == 0 {
		return 0, err
	}
	if len(value) != 8 {
		return 0, fmt.Errorf("%w: stable value of %d bytes", ErrCorrupt, len(value))
	}
	return binary.LittleEndian.Uint64(value), nil
}
