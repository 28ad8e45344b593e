package storage

import (
	"errors"
	"reflect"
	"sync"
	"testing"

	"vertebra/storage/record"
)

// TestReadersBesideApply: while entries are applied, collected and flushed, every
// view shows one state from its first read to its last. Run with -race too.
func TestReadersBesideApply(t *testing.T) {
	r := openReplica(t, NewCrashableMemFS())
	defer r.close(t)
	_, err := r.shard.ApplyBatch(changes(1, 20))
	must(t, err)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					readTwice(t, r.shard)
				}
			}
		})
	}
	for next := uint64(21); next <= 600 && !t.Failed(); next += 3 {
		if _, err := r.shard.ApplyBatch(changes(next, next+2)); err != nil {
			t.Error(err)
		}
		if next%30 == 0 {
			if err := errors.Join(r.shard.Flush(), r.shard.DropQueue(next-10)); err != nil {
				t.Error(err)
			}
		}
	}
	close(done)
	wg.Wait()
}

func readTwice(t *testing.T, s *Shard) {
	at := s.AppliedIndex()
	v, err := s.View(at - 2)
	if errors.Is(err, ErrCollected) {
		return
	}
	if err != nil {
		t.Error(err)
		return
	}
	defer v.Close()
	var sums []uint64
	var people [][]uint64
	for range 2 {
		sum, err := v.Checksum(0, record.Slots)
		if err != nil {
			t.Error(err)
		}
		var indexes []uint64
		for r, err := range v.Records(record.Demographics, 0, record.Slots) {
			if err != nil || r.Index > v.At() {
				t.Errorf("log index %d at %d, %v", r.Index, v.At(), err)
			}
			indexes = append(indexes, r.Index)
		}
		sums, people = append(sums, sum), append(people, indexes)
	}
	if sums[0] != sums[1] || !reflect.DeepEqual(people[0], people[1]) {
		t.Errorf("a view at %d saw %v, then %v", v.At(), people[0], people[1])
	}
}
