package cluster

import (
	"testing"

	"vertebra/storage/record"
)

func TestSlotsAreDividedEvenlyAndWhole(t *testing.T) {
	for _, shards := range []int{1, 2, 3, 6, 7, 100, 1024} {
		table := slotTable(shards)
		held := make([]int, shards+1)
		for slot, shard := range table {
			held[shard]++
			if slots := slotsOf(shard, shards); record.Slot(slot) < slots.low || record.Slot(slot) > slots.high {
				t.Fatalf("%d shards: slot %d is in shard %d, which holds %v", shards, slot, shard, slots)
			}
		}
		for shard, n := range held[1:] {
			if n < record.Slots/shards || n > record.Slots/shards+1 {
				t.Errorf("%d shards: shard %d holds %d slots", shards, shard+1, n)
			}
		}
		if held[0] != 1 {
			t.Errorf("%d shards: the control group holds %d slots, not its own alone", shards, held[0])
		}
	}
}
