package storage

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"vertebra/storage/record"
)

// change is a mutation of one of a few people, made of the seed alone.
func change(index uint64) record.Command {
	r := rand.New(rand.NewPCG(index, 7))
	k := record.Key{Subject: record.Subject(fmt.Sprint("p", r.IntN(5))), Table: record.Demographics}
	w := record.Write{Key: k, KeepHistory: r.IntN(4) == 0}
	if r.IntN(5) > 0 {
		w.Version, w.Body, w.Document = index, make([]byte, r.IntN(3000)), []byte("document")
		w.Postings = []record.Posting{{Field: 1, Value: []byte{byte(r.IntN(4))}}}
	}
	return record.Command{Kind: record.KindMutation, Mutation: record.Mutation{
		Subject: k.Subject, Time: int64(index), Request: record.RequestID{byte(index), 1},
		Outcome: record.Outcome{Status: 200, Subject: k.Subject}, Writes: []record.Write{w},
	}}
}

func changes(first, last uint64) (entries []Entry) {
	for i := first; i <= last; i++ {
		e := Entry{Index: i, Term: 1, Commands: []record.Command{change(i)}}
		if i%7 == 0 {
			e.Commands = append(e.Commands, record.Command{Kind: record.KindCollect, Floor: i - 5})
		}
		entries = append(entries, e)
	}
	return entries
}

// TestStateCrash: state has no log of its own. After a loss of power it is what a
// shard is that applied the entries up to its applied index and no more, and what was
// flushed is in it; applying the rest again leads to the same state.
func TestStateCrash(t *testing.T) {
	for seed := range uint64(crashSeeds) {
		r := rand.New(rand.NewPCG(seed, 3))
		a := openReplica(t, NewCrashableMemFS())
		last := uint64(5 + r.IntN(40))
		for next := uint64(1); next <= last; {
			portion := min(last, next+r.Uint64N(6))
			if _, err := a.shard.ApplyBatch(changes(next, portion)); err != nil {
				t.Fatal(err)
			}
			next = portion + 1
			if r.IntN(4) == 0 {
				a.flush(t)
			}
			if r.IntN(4) == 0 {
				if err := a.shard.DropQueue(next / 2); err != nil {
					t.Fatal(err)
				}
			}
		}
		a = a.crash(t, seed)
		prefix := openReplica(t, NewCrashableMemFS())
		found := a.shard.AppliedIndex()
		if _, err := prefix.shard.ApplyBatch(changes(1, found)); err != nil {
			t.Fatal(err)
		}
		equalChecksums(t, a.shard, prefix.shard)
		if got, want := contents(t, a), contents(t, prefix); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: %d keys, want %d", seed, len(got), len(want))
		}
		for _, x := range []*replica{a, prefix} {
			if _, err := x.shard.ApplyBatch(changes(found+1, last)); err != nil {
				t.Fatal(err)
			}
		}
		equalChecksums(t, a.shard, prefix.shard)
		a.check(t)
		a.close(t)
		prefix.close(t)
	}
}

// contents is every key and value of the shard but the queue, which is dropped as
// the search index gets on, and the store's own.
func contents(t *testing.T, r *replica) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for kv, err := range scan(r.store.state, span{}) {
		if err != nil {
			t.Fatal(err)
		}
		if kv.key[0] != spaceQueue && kv.key[0] != spaceMeta {
			all[string(kv.key)] = string(kv.value)
		}
	}
	return all
}

// TestViewOutlivesCollection: a view goes on seeing what it saw when versions are
// collected and the shard is wiped under it; a new one there is refused.
func TestViewOutlivesCollection(t *testing.T) {
	r := openReplica(t, NewCrashableMemFS())
	defer r.close(t)
	if _, err := r.shard.ApplyBatch(changes(1, 6)); err != nil {
		t.Fatal(err)
	}
	v, err := r.shard.View(3)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	before := readAll(t, v)
	for i, c := range []record.Command{{Kind: record.KindCollect, Floor: 6}, {Kind: record.KindWipe}} {
		if _, err := r.shard.Apply(uint64(10+i), 1, []record.Command{c}); err != nil {
			t.Fatal(err)
		}
		r.flush(t)
		if after := readAll(t, v); !reflect.DeepEqual(after, before) {
			t.Fatalf("the view saw %v, sees %v", before, after)
		}
		if _, err := r.shard.View(3); !isError(err, ErrCollected) {
			t.Fatalf("a view below the floor: %v", err)
		}
	}
	if _, err := r.shard.View(99); !isError(err, ErrNotApplied) {
		t.Fatalf("a view above the applied index: %v", err)
	}
}

func readAll(t *testing.T, v *View) (out []string) {
	t.Helper()
	for rec, err := range v.Records(record.Demographics, 0, record.Slots) {
		if err != nil {
			t.Fatal(err)
		}
		got, found, err := v.Get(rec.Key)
		d, version, err2 := v.Document(rec.Key)
		if err != nil || err2 != nil || !found || got.Index != rec.Index || (d != nil && version != got.Version) {
			t.Fatal(got.Index, rec.Index, found, version, err, err2)
		}
		out = append(out, fmt.Sprint(rec.Key, rec.Version, rec.Index, len(rec.Body)))
	}
	if len(out) == 0 {
		t.Fatal("nothing to see")
	}
	return out
}
