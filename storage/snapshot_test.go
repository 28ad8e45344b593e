package storage

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"vertebra/storage/record"
)

// transfer pulls every part of a snapshot into another store and commits it there.
func transfer(t failer, from *Snapshot, to *Store) *Shard {
	t.Helper()
	i := begin(t, from, to)
	for _, n := range i.Missing() {
		pull(t, from, i, n)
	}
	shard, err := i.Commit(nil)
	if err != nil {
		t.Fatal(err)
	}
	return shard
}

func begin(t failer, from *Snapshot, to *Store) *Importer {
	t.Helper()
	m, err := from.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	m, err = DecodeManifest(m.AppendBinary(nil))
	if err != nil {
		t.Fatal(err)
	}
	i, err := to.Import(m)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func pull(t failer, from *Snapshot, i *Importer, n int) {
	t.Helper()
	part, err := from.Part(n)
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Add(n, part); err != nil {
		t.Fatal(err)
	}
}

// snapshotOf has many small parts.
func snapshotOf(t failer, s *Shard) *Snapshot {
	t.Helper()
	snapshot, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	snapshot.bytes = 200
	return snapshot
}

// sameContents compares everything that replicas have in common, byte by byte.
func sameContents(t failer, got, want map[string]string) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%d keys, want %d", len(got), len(want))
	}
}

func sharedContents(t failer, r *replica) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for kv, err := range scan(r.store.state, span{}) {
		if err != nil {
			t.Fatal(err)
		}
		if space := kv.key[0]; space != spaceQueue && space != spaceMeta && space != spaceLocal {
			all[string(kv.key)] = string(kv.value)
		}
	}
	return all
}

// TestSnapshotModel: what a snapshot carries is the state: wherever the receiver was
// before, it then is what the sender was, at every index that can be read, and goes
// on as the sender does.
func TestSnapshotModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := world{T: t, model: newModel()}
		from := openReplica(t, NewCrashableMemFS())
		to := openReplica(t, NewCrashableMemFS())
		defer func() { from.close(t); to.close(t) }()
		for n := range rapid.IntRange(2, 16).Draw(t, "entries") {
			e := w.entry(w.model.applied + 1)
			t.Logf("%d: %s", e.Index, describe(e))
			want := [][]record.Result{w.model.apply(e)}
			from.apply(t, []Entry{e}, want)
			if n < rapid.IntRange(0, 8).Draw(t, "receiver has") && to.shard.AppliedIndex() == e.Index-1 {
				to.apply(t, []Entry{e}, want)
			}
			if rapid.IntRange(0, 5).Draw(t, "flush") == 0 {
				from.flush(t)
				to.flush(t)
			}
		}
		snapshot := snapshotOf(t, from.shard)
		at := sharedContents(t, from)
		later := w.entry(w.model.applied + 1)
		if rapid.Bool().Draw(t, "apply during the export") {
			if _, err := from.shard.ApplyBatch([]Entry{later}); err != nil {
				t.Fatal(err)
			}
			from.flush(t)
		}
		if got := transfer(t, snapshot, to.store); got != to.shard {
			t.Fatal("the open shard was not swapped")
		}
		if err := snapshot.Close(); err != nil {
			t.Fatal(err)
		}
		sameContents(t, sharedContents(t, to), at)
		w.model.queue = nil // the receiver's search index is made from state
		w.compare(to.shard)
		to.check(t)
		w.compare(to.shard)
		for _, r := range []*replica{from, to} {
			if r.shard.AppliedIndex() < later.Index {
				if _, err := r.shard.ApplyBatch([]Entry{later}); err != nil {
					t.Fatal(err)
				}
			}
		}
		equalChecksums(t, from.shard, to.shard)
		sameContents(t, sharedContents(t, to), sharedContents(t, from))
	})
}
