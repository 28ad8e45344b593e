package storage

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"vertebra/storage/record"
)

// upkeep checks the spaces that are in log order.
func (c *checker) upkeep() error {
	return errors.Join(
		c.ordered(spaceQueue, func(kv pair, _ uint64) error {
			c.report.Queued++
			_, err := cutQueued(kv.key, kv.value)
			return err
		}),
		c.ordered(spaceGarbage, func(kv pair, _ uint64) error {
			_, err := cutGarbage(kv.value)
			return err
		}),
		c.ordered(spaceEvent, func(kv pair, _ uint64) error {
			_, _, err := cutEventValue(kv.value)
			return err
		}),
		c.ordered(spaceExpiry, c.expiry),
	)
}

func (c *checker) ordered(space byte, value func(pair, uint64) error) error {
	for kv, err := range scan(c.db, spaceSpan(space, c.shard)) {
		if err != nil {
			return err
		}
		c.step()
		index, _, err := cutIndexed(kv.key)
		if err != nil {
			c.found(ProblemKey, record.Key{}, 0)
			continue
		}
		if index > c.kept.index {
			c.found(ProblemAhead, record.Key{}, index)
		}
		switch err := value(kv, index); {
		case errors.Is(err, ErrCorrupt):
			c.found(ProblemValue, record.Key{}, index)
		case err != nil:
			return err
		}
	}
	return nil
}

func (c *checker) expiry(kv pair, index uint64) error {
	c.report.Outcomes++
	e, err := cutExpiry(kv.value)
	if err != nil {
		return err
	}
	k := outcomeKey(e.subject, e.request)
	key := appendVersion(appendRecord(nil, k), index)
	if !c.seek.SeekPrefixGE(key) || !bytes.Equal(c.seek.Key(), key) {
		c.found(ProblemOutcome, k, index)
	}
	return c.seek.Error()
}

// logs checks that the logs have no gaps and meet the states made of them.
func (c *checker) logs(db *pebble.DB) error {
	it, err := db.NewIter(nil)
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok; {
		group := binary.BigEndian.Uint32(it.Key())
		if err := c.oneLog(db, group); err != nil {
			return err
		}
		if group == 1<<32-1 {
			break
		}
		ok = it.SeekGE(binary.BigEndian.AppendUint32(nil, group+1))
	}
	return it.Error()
}

func (c *checker) oneLog(db *pebble.DB, group uint32) error {
	log := &Log{db: db, group: group}
	c.shard = ShardID(group)
	var first, last uint64
	for kv, err := range scan(db, within(log.key(logEntry))) {
		if err != nil {
			return err
		}
		c.step()
		c.report.LogEntries++
		index := binary.BigEndian.Uint64(kv.key[len(kv.key)-8:])
		if first == 0 {
			first = index
		} else if index != last+1 {
			c.found(ProblemLogGap, record.Key{}, index)
		}
		last = index
	}
	applied, found := c.applied[c.shard]
	if first != 0 && found && (first > applied+1 || last < applied) {
		c.found(ProblemLogShort, record.Key{}, applied)
	}
	return nil
}
