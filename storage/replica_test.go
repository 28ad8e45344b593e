package storage

import (
	"reflect"

	"vertebra/storage/record"
)

// failer is what testing.T and rapid.T have in common.
type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
	Logf(string, ...any)
}

// replica is a store with one shard, on a file system that can lose power.
type replica struct {
	fs    *CrashableFS
	store *Store
	shard *Shard
}

func openReplica(t failer, fs *CrashableFS) *replica {
	t.Helper()
	s, err := Open("data", Options{FS: fs, CacheBytes: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	shard, err := s.Shard(1, 0, record.Slots-1)
	if err != nil {
		t.Fatal(err)
	}
	return &replica{fs: fs, store: s, shard: shard}
}

func (r *replica) close(t failer) {
	t.Helper()
	if err := r.store.Close(); err != nil {
		t.Fatal(err)
	}
}

func (r *replica) flush(t failer) {
	t.Helper()
	if err := r.shard.Flush(); err != nil {
		t.Fatal(err)
	}
	if durable, applied := r.shard.DurableIndex(), r.shard.AppliedIndex(); durable != applied {
		t.Fatalf("durable %d after a flush at %d", durable, applied)
	}
}

// crash pulls the plug and opens what is left. What was durable must be there.
func (r *replica) crash(t failer, seed uint64) *replica {
	t.Helper()
	durable, applied := r.shard.DurableIndex(), r.shard.AppliedIndex()
	fs := CrashClone(r.fs, int(seed*37%101), seed)
	r.close(t)
	again := openReplica(t, fs)
	if found := again.shard.AppliedIndex(); found < durable || found > applied {
		t.Fatalf("applied index %d after a crash, was durable to %d and applied to %d", found, durable, applied)
	}
	return again
}

// apply applies entries and expects results.
func (r *replica) apply(t failer, entries []Entry, want [][]record.Result) {
	t.Helper()
	got, err := r.shard.ApplyBatch(entries)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) > 0 && !reflect.DeepEqual(got, want) {
		t.Fatalf("results %+v, want %+v", got, want)
	}
}

// check closes the store, checks it offline, and opens it again.
func (r *replica) check(t failer) {
	t.Helper()
	r.close(t)
	report, err := CheckStore("data", CheckOptions{FS: r.fs, Found: func(f Finding) { t.Logf("%v", f) }})
	if err != nil || report.Findings != 0 {
		t.Fatalf("check: %+v, %v", report, err)
	}
	*r = *openReplica(t, r.fs)
}

func equalChecksums(t failer, a, b *Shard) {
	t.Helper()
	sums := make(map[uint64]bool)
	for _, s := range []*Shard{a, b} {
		v, err := s.View(s.AppliedIndex())
		if err != nil {
			t.Fatal(err)
		}
		sum, err := v.Checksum(0, record.Slots-1)
		v.Close()
		if err != nil {
			t.Fatal(err)
		}
		sums[sum] = true
	}
	if len(sums) != 1 {
		t.Fatalf("checksums differ: %v", sums)
	}
}
