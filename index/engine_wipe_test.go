package index

import (
	"context"
	"fmt"
	"testing"
	"time"
)

func TestWipeEmptiesItsShardInOrder(t *testing.T) {
	e := open(t, Options{BatchInterval: time.Hour})
	for shard := uint16(1); shard <= 2; shard++ {
		feed(t, e, Update{Shard: shard, Index: 1, ID: "indexed", Profile: 1, Document: named("smith", "19700314")})
	}
	flush(t, e)
	feed(t, e,
		Update{Shard: 1, Index: 2, ID: "queued", Profile: 1, Document: named("smith", "19700314")},
		Update{Shard: 1, Index: 3, Wipe: true},
		Update{Shard: 1, Index: 3, ID: "after", Profile: 1, Document: named("smith", "19700314")},
		Update{Shard: 1, Index: 4, ID: "indexed", Profile: 1, Document: named("jones", "19700314")})
	flush(t, e)
	wantFound(t, found(t, e, []uint16{1, 2}, is(family, "smith")), "1/after", "2/indexed")
	wantFound(t, found(t, e, []uint16{1, 2}, is(family, "jones")), "1/indexed")
	if got := e.Indexed(1); got != 4 {
		t.Errorf("indexed %d, want 4", got)
	}
}

// A shard of more documents than one batch removes.
func TestWipeOfABigShard(t *testing.T) {
	e := open(t, Options{BatchInterval: time.Hour, WipeDocuments: 1})
	const many = 1000
	for i := range many {
		feed(t, e, Update{Shard: 1, Index: uint64(i + 1), ID: fmt.Sprint(i), Profile: 1, Document: named("smith", "19700314")})
	}
	flush(t, e)
	feed(t, e,
		Update{Shard: 1, Index: many + 1, Wipe: true},
		Update{Shard: 1, Index: many + 2, ID: "after", Profile: 1, Document: named("smith", "19700314")},
		Update{Shard: 2, Index: 1, ID: "other", Profile: 1, Document: named("smith", "19700314")})
	wantIn(t, found(t, e, []uint16{1, 2}, is(family, "smith")), "1/after", "2/other")
	flush(t, e)
	wantFound(t, found(t, e, []uint16{1, 2}, is(family, "smith")), "1/after", "2/other")
}

func TestResetForgetsAShard(t *testing.T) {
	e := open(t, Options{BatchInterval: time.Hour})
	feed(t, e, Update{Shard: 1, Index: 8, ID: "a", Profile: 1, Document: named("smith", "19700314")})
	feed(t, e, Update{Shard: 2, Index: 8, ID: "b", Profile: 1, Document: named("smith", "19700314")})
	flush(t, e)
	feed(t, e, Update{Shard: 1, Index: 9, ID: "c", Profile: 1, Document: named("smith", "19700314")})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := e.Reset(ctx, 1); err != nil {
		t.Fatal(err)
	}
	wantFound(t, found(t, e, []uint16{1, 2}, is(family, "smith")), "2/b")
	if got, other := e.Indexed(1), e.Indexed(2); got != 0 || other != 8 {
		t.Errorf("indexed %d and %d, want 0 and 8", got, other)
	}
	if lag := e.Lag(); lag.Queued != 0 {
		t.Errorf("lag %+v", lag)
	}
	feed(t, e, Update{Shard: 1, Index: 3, ID: "d", Profile: 1, Document: named("smith", "19700314")})
	flush(t, e)
	wantFound(t, found(t, e, []uint16{1, 2}, is(family, "smith")), "1/d", "2/b")
}

func wantIn(t testing.TB, got []string, want ...string) {
	t.Helper()
	have := map[string]bool{}
	for _, id := range got {
		have[id] = true
	}
	for _, id := range want {
		if !have[id] {
			t.Errorf("%s is missing", id)
		}
	}
}

// The sandbox empties everything before each test case.
func BenchmarkWipe(b *testing.B) {
	for _, documents := range []int{0, 2000} {
		b.Run(fmt.Sprint(documents), func(b *testing.B) {
			e, c, index := openBench(b), newCrowd(), uint64(0)
			for b.Loop() {
				b.StopTimer()
				for i := range documents {
					index++
					feed(b, e, Update{Shard: 1, Index: index, ID: fmt.Sprint(i), Profile: 1, Document: c.person()})
				}
				flush(b, e)
				index++
				b.StartTimer()
				feed(b, e, Update{Shard: 1, Index: index, Wipe: true})
				flush(b, e)
			}
		})
	}
}
