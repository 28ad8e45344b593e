package index

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"
)

// What was in bleve but not on disk when the process died is appended again from
// the position on disk, and nothing is missing or stays that should have gone.
func TestCrashBetweenBatchAndDisk(t *testing.T) {
	dir, onDisk, release := t.TempDir(), make(chan uint64, 1), make(chan struct{})
	var once sync.Once
	e := open(t, Options{Dir: dir, BatchInterval: time.Millisecond, OnPersisted: func(_ uint16, index uint64) {
		// Holding this callback up holds bleve's persister up: what follows stays in memory.
		once.Do(func() { onDisk <- index; <-release })
	}})
	defer close(release)
	log := []Update{
		{Shard: 1, Index: 1, ID: "kept", Profile: 1, Document: named("smith", "19700314")},
		{Shard: 1, Index: 2, ID: "changed", Profile: 1, Document: named("smith", "19700314")},
		{Shard: 1, Index: 3, ID: "deleted", Profile: 1, Document: named("smith", "19700314")},
		{Shard: 1, Index: 4, ID: "changed", Profile: 1, Document: named("jones", "19700314")},
		{Shard: 1, Index: 5, ID: "deleted", Profile: 1},
		{Shard: 1, Index: 6, ID: "new", Profile: 1, Document: named("smith", "19700314")},
	}
	feed(t, e, log[:3]...)
	if got := <-onDisk; got != 3 {
		t.Fatalf("%d on disk, want 3", got)
	}
	feed(t, e, log[3:]...)
	waitUntil(t, func() bool { return e.Indexed(1) == 6 && e.Lag().Queued == 0 })
	wantFound(t, found(t, e, []uint16{1}, is(family, "smith")), "1/kept", "1/new")

	crashed := t.TempDir()
	if err := os.CopyFS(crashed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	again := open(t, Options{Dir: crashed})
	if got := again.Indexed(1); got != 3 {
		t.Fatalf("indexed %d after the crash, want 3", got)
	}
	feed(t, again, log[again.Indexed(1):]...)
	wantFound(t, found(t, again, []uint16{1}, is(family, "jones")), "1/changed")
	flush(t, again)
	wantFound(t, found(t, again, []uint16{1}, is(family, "smith")), "1/kept", "1/new")
	wantFound(t, found(t, again, []uint16{1}, is(family, "jones")), "1/changed")
	if got := again.Metrics().Documents; got != 3 {
		t.Errorf("%d documents, want 3", got)
	}
}

// A batch that ends within a log index does not claim that index: after a restart
// the whole of it is appended again.
func TestBatchEndsWithinALogIndex(t *testing.T) {
	dir := t.TempDir()
	release, persisted := make(chan struct{}), make(chan uint64, 16)
	e := open(t, Options{Dir: dir, BatchInterval: time.Hour, BatchDocuments: 2, BatchLimit: 2, OnPersisted: func(_ uint16, index uint64) {
		persisted <- index
		<-release
	}})
	defer close(release)
	updates := []Update{{Shard: 1, Index: 4, ID: "0", Profile: 1, Document: named("smith", "19700101")}}
	for i := range 4 {
		updates = append(updates, Update{Shard: 1, Index: 5, ID: fmt.Sprint(i + 1), Profile: 1, Document: named("smith", "19700101")})
	}
	feed(t, e, updates...)
	if got := <-persisted; got != 4 {
		t.Errorf("%d on disk after a batch of two, want 4", got)
	}
}

// waitUntil polls a condition that the engine's goroutines bring about.
func waitUntil(t testing.TB, holds func() bool) {
	t.Helper()
	deadline, tick := time.After(30*time.Second), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("still not so after 30 s")
		}
	}
}
