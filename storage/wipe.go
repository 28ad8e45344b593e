package storage

import (
	"bytes"
	"slices"

	"vertebra/storage/record"
)

// wipe removes everything of the shard but the records of the tables kept, with their
// search records and postings. The shard's time starts again, since the sandbox sets
// its clock back when it resets; the floor rises to the wipe, since no view below it
// can be served.
func (a *applier) wipe(keep []record.Table) error {
	if err := a.closeIterator(); err != nil { // it would go on seeing what is dropped
		return err
	}
	keep = slices.Sorted(slices.Values(keep))
	// Search records stay with what they describe, whoever asks for them.
	keep = slices.DeleteFunc(keep, func(t record.Table) bool { return t == record.Documents })
	beside, err := a.wipeRecords(keep)
	if err != nil {
		return err
	}
	if err := a.wipeSpaces(keep); err != nil {
		return err
	}
	if err := a.wipeGarbage(keep); err != nil {
		return err
	}
	for k := range a.heads {
		if _, kept := slices.BinarySearch(keep, tableOf([]byte(k))); !kept {
			delete(a.heads, k)
		}
	}
	clear(a.outcomes)
	a.next.time, a.next.floor = 0, a.next.index
	if err := a.putQueued(queuedWipe, record.Key{}, nil); err != nil {
		return err
	}
	for _, b := range beside {
		if err := a.restore(b); err != nil {
			return err
		}
	}
	return nil
}

// wipeRecords deletes the records of the other tables in as few ranges as there are
// gaps between those that stay, and returns what stands beside the latter.
func (a *applier) wipeRecords(keep []record.Table) (beside []besideRecord, err error) {
	all := slotSpan(a.shard.low, a.shard.high)
	if len(keep) == 0 {
		return nil, a.batch.DeleteRange(all.low, all.high, nil)
	}
	it, err := a.reader.NewIter(all.options())
	if err != nil {
		return nil, err
	}
	defer it.Close()
	from := all.low
	for ok := it.SeekGE(appendSlotTable(nil, a.shard.low, keep[0])); ok; {
		slot, table := slotOf(it.Key()), tableOf(it.Key())
		if _, kept := slices.BinarySearch(keep, table); !kept {
			ok = it.SeekGE(nextKept(slot, table, keep))
			continue
		}
		stays := within(appendSlotTable(nil, slot, table))
		if err := a.batch.DeleteRange(from, stays.low, nil); err != nil {
			return nil, err
		}
		if beside, err = a.appendBeside(beside, stays); err != nil {
			return nil, err
		}
		from = stays.high
		ok = it.SeekGE(from)
	}
	if err := it.Error(); err != nil {
		return nil, err
	}
	return beside, a.batch.DeleteRange(from, all.high, nil)
}

// nextKept is where the next record of a kept table may be, behind all of table.
func nextKept(slot record.Slot, table record.Table, keep []record.Table) []byte {
	for _, t := range keep {
		if t > table {
			return appendSlotTable(nil, slot, t)
		}
	}
	return appendSlotTable(nil, slot+1, keep[0])
}

// besideRecord is the search record of a version that a wipe leaves.
type besideRecord struct {
	key    record.Key
	index  uint64
	value  []byte
	newest bool
}

func (a *applier) appendBeside(out []besideRecord, stays span) ([]besideRecord, error) {
	docs, err := a.reader.NewIter(nil)
	if err != nil {
		return nil, err
	}
	defer docs.Close()
	var last []byte
	for kv, err := range scan(a.reader, stays) {
		if err != nil {
			return nil, err
		}
		newest := !bytes.Equal(last, kv.key[:len(kv.key)-versionLen])
		last = append(last[:0], kv.key[:len(kv.key)-versionLen]...)
		h, _, _, err := cutVersionValue(kv.value)
		if err != nil {
			return nil, err
		}
		if h.flags&(flagDocument|flagNoDocument) == 0 {
			continue
		}
		k, index, err := cutRecord(kv.key)
		if err != nil {
			return nil, err
		}
		if docs.SeekPrefixGE(appendVersion(appendRecord(nil, documentKey(k)), index)) {
			out = append(out, besideRecord{key: k, index: index, value: cloned(docs.Value()), newest: newest})
		}
	}
	return out, docs.Error()
}

// restore writes again what stood beside a version that stays: it lay between what
// was wiped.
func (a *applier) restore(b besideRecord) error {
	d, err := cutDocumentValue(b.value)
	if err != nil {
		return err
	}
	key := appendVersion(appendRecord(nil, documentKey(b.key)), b.index)
	if err := a.batch.Set(key, b.value, nil); err != nil {
		return err
	}
	for _, p := range d.postings {
		if err := a.batch.Set(appendPosting(nil, a.shard.id, p, b.key), nil, nil); err != nil {
			return err
		}
	}
	if !b.newest || len(d.document) == 0 {
		return nil
	}
	return a.putQueued(queuedDocument, b.key, d.document)
}

func (a *applier) wipeSpaces(keep []record.Table) error {
	spaces := []byte{spacePosting, spaceQueue}
	if !slices.Contains(keep, record.Events) {
		spaces = append(spaces, spaceEvent)
	}
	if !slices.Contains(keep, record.Outcomes) {
		spaces = append(spaces, spaceExpiry)
	}
	for _, space := range spaces {
		s := spaceSpan(space, a.shard.id)
		if err := a.batch.DeleteRange(s.low, s.high, nil); err != nil {
			return err
		}
	}
	return nil
}

// wipeGarbage forgets the replaced versions of records that are gone altogether.
func (a *applier) wipeGarbage(keep []record.Table) error {
	s := spaceSpan(spaceGarbage, a.shard.id)
	if len(keep) == 0 {
		return a.batch.DeleteRange(s.low, s.high, nil)
	}
	for kv, err := range scan(a.reader, s) {
		if err != nil {
			return err
		}
		g, err := cutGarbage(kv.value)
		if err != nil {
			return err
		}
		if _, kept := slices.BinarySearch(keep, g.key.Table); kept {
			continue
		}
		if err := a.batch.Delete(kv.key, nil); err != nil {
			return err
		}
	}
	return nil
}
