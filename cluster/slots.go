package cluster

import "vertebra/storage/record"

// slotRange is the contiguous range of slots that a shard holds, both ends
// included.
type slotRange struct{ low, high record.Slot }

// slotsOf divides the slots over data shards 1 to shards as evenly as can be:
// the sizes differ by one at most. The control group holds its own slot alone.
func slotsOf(shard ShardID, shards int) slotRange {
	if shard == 0 {
		return slotRange{record.ControlSlot, record.ControlSlot}
	}
	start := func(k int) record.Slot { return record.Slot(k * record.Slots / shards) }
	return slotRange{start(int(shard) - 1), start(int(shard)) - 1}
}

// slotTable says which shard holds each slot. It is made once: a look-up in an
// array is the first hop of every request.
func slotTable(shards int) [record.Slots + 1]ShardID {
	var table [record.Slots + 1]ShardID
	for shard := range ShardID(shards) {
		slots := slotsOf(shard+1, shards)
		for slot := slots.low; slot <= slots.high; slot++ {
			table[slot] = shard + 1
		}
	}
	return table
}
