package storage

import "testing"

// TestDropQueue: dropping ahead of what is applied does not lose sight of what comes,
// and dropping again goes on from there.
func TestDropQueue(t *testing.T) {
	r := openReplica(t, NewCrashableMemFS())
	defer r.close(t)
	left := func() (first uint64) {
		for q, err := range r.shard.Queue(0, 99) {
			must(t, err)
			return q.Index
		}
		return 0
	}
	_, err := r.shard.ApplyBatch(changes(1, 10))
	must(t, err)
	must(t, r.shard.DropQueue(50))
	if first := left(); first != 0 {
		t.Fatalf("entry %d is still queued", first)
	}
	_, err = r.shard.ApplyBatch(changes(11, 30))
	must(t, err)
	must(t, r.shard.DropQueue(20))
	if first := left(); first <= 20 {
		t.Fatalf("the queue begins at %d", first)
	}
	for q, err := range r.shard.Queue(22, 26) {
		must(t, err)
		if q.Index <= 22 || q.Index > 26 {
			t.Fatalf("asked for 23 to 26, got %d", q.Index)
		}
	}
}
