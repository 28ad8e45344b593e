package storage

import (
	"errors"
	"fmt"

	"vertebra/storage/record"
)

// Errors of this package. They are wrapped with what is known beside them; none
// carries a subject in the clear.
var (
	// ErrCollected: the view's log index is below the shard's floor. What it would have
	// seen may be gone; read at a higher index.
	ErrCollected = errors.New("storage: below the collection floor")
	// ErrNotApplied: the view's log index is above what this replica has applied.
	ErrNotApplied = errors.New("storage: above the applied index")
	// ErrOutOfOrder: an entry at or below the applied index was given to Apply.
	ErrOutOfOrder = errors.New("storage: entry out of log order")
	// ErrMisplaced: a key is not of the shard's slots, or of a table that storage writes
	// itself. Apply stops at it, since it can only come from a bug above the log.
	ErrMisplaced = errors.New("storage: key does not belong to the shard")
	// ErrShardRange: the shard is there with other slots, or its slots are another's.
	ErrShardRange = errors.New("storage: slots of the shard do not fit")
	// ErrCorrupt: what is on disk is not what this package writes.
	ErrCorrupt = errors.New("storage: corrupt")
	// ErrFormat: the store was written by a build with another layout.
	ErrFormat = errors.New("storage: unknown format")

	// ErrPart: a part of a snapshot is missing, or is not what the manifest names.
	ErrPart = errors.New("storage: wrong part of a snapshot")
	// ErrDropped: the shard was removed from this node.
	ErrDropped = errors.New("storage: shard was dropped")
	// ErrNoSpace: the disk is full.
	ErrNoSpace = errors.New("storage: no space left on the disk")

	errKey = fmt.Errorf("%w: key", ErrCorrupt)
)

func misplaced(k record.Key) error {
	return fmt.Errorf("%w: slot %d, table %d", ErrMisplaced, k.Slot(), k.Table)
}
