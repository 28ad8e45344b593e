package storage

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// DropShard removes a shard from this node: its state, the node's notes on it, an
// import under way, and the log and stable values of the group with the same number,
// so that it can come back as a new replica that has voted for nobody. It is durable
// when it returns, and finished by Open when a crash comes between: the two databases
// cannot be written in one step, and a state without the log that goes with it, or the
// other way round, must never be taken for a replica.
//
// Nothing may be applied to the shard or appended to its log any more. Views and
// snapshots made before go on; new ones get ErrDropped.
func (s *Store) DropShard(id ShardID) error {
	s.mu.Lock()
	shard, log := s.shards[id], s.byGroup[uint32(id)]
	delete(s.shards, id)
	s.mu.Unlock()
	if shard != nil {
		shard.dropped.Store(true)
	}
	if log == nil {
		log = &Log{db: s.logs, group: uint32(id), sync: s.logSync}
	}
	if err := errors.Join(log.drop(), s.dropState(log, id)); err != nil {
		return fmt.Errorf("storage: drop shard %d: %w", id, noSpace(err))
	}
	return nil
}

// drop removes all of the log and leaves word that the state is to follow.
func (l *Log) drop() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	batch := l.db.NewBatch()
	defer batch.Close()
	all := within(binary.BigEndian.AppendUint32(nil, l.group))
	if err := batch.DeleteRange(all.low, all.high, nil); err != nil {
		return err
	}
	if err := batch.Set(l.key(logDropped), nil, nil); err != nil {
		return err
	}
	l.known, l.first, l.last = false, 0, 0
	return batch.Commit(l.sync)
}

// dropState removes the state and then the word that it is to be removed.
func (s *Store) dropState(log *Log, id ShardID) error {
	kept, found, err := s.keptOf(id)
	if err != nil {
		return err
	}
	spans := ownSpans(id)
	if found {
		spans = append(spans, sharedSpans(id, kept.low, kept.high)...)
	}
	batch := s.state.NewBatch()
	defer batch.Close()
	for _, r := range spans {
		if err := batch.DeleteRange(r.low, r.high, nil); err != nil {
			return err
		}
	}
	if err := batch.Commit(pebble.NoSync); err != nil {
		return err
	}
	if err := errors.Join(s.state.Flush(), s.fs.RemoveAll(s.importDir(id))); err != nil {
		return err
	}
	return s.logs.Delete(log.key(logDropped), s.logSync)
}

// finishDrops goes on with what a crash interrupted.
func (s *Store) finishDrops() error {
	groups, err := s.droppedGroups()
	if err != nil {
		return err
	}
	for _, group := range groups {
		log := &Log{db: s.logs, group: group, sync: s.logSync}
		if err := s.dropState(log, ShardID(group)); err != nil {
			return fmt.Errorf("storage: drop shard %d: %w", group, err)
		}
	}
	return nil
}

func (s *Store) droppedGroups() (groups []uint32, err error) {
	it, err := s.logs.NewIter(nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; {
		log := &Log{group: binary.BigEndian.Uint32(it.Key())}
		if it.SeekGE(log.key(logDropped)) && string(it.Key()) == string(log.key(logDropped)) {
			groups = append(groups, log.group)
		}
		if log.group == 1<<32-1 {
			break
		}
		ok = it.SeekGE(binary.BigEndian.AppendUint32(nil, log.group+1))
	}
	return groups, nil
}
