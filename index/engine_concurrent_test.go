package index

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// history is a log whose state at any index can be told: entry n sets one document
// of a few, and what to is a function of n.
type history struct{ documents, names int }

func (h history) update(n uint64) Update {
	u := Update{Shard: 1, Index: n, ID: fmt.Sprint(n % uint64(h.documents)), Profile: 1}
	if name := n * 2654435761 >> 7 % uint64(h.names); name > 0 { // name 0: deleted
		u.Document = named(fmt.Sprint("name", name), "19700314")
	}
	return u
}

// at returns who has the name at a visible index.
func (h history) at(v uint64, name int) (ids []string) {
	for n := v; n > 0 && n+uint64(h.documents) > v; n-- {
		if u := h.update(n); len(u.Document) > 0 && u.Document.First(family) == fmt.Sprint("name", name) {
			ids = append(ids, u.ID)
		}
	}
	return ids
}

// While documents change as fast as they can and are batched as often as they can,
// no search misses a document that matches at the visible index it is read at.
func TestNoSearchMissesAVisibleDocument(t *testing.T) {
	h := history{documents: 1000, names: 8}
	const entries = 10_000
	e := open(t, Options{BatchInterval: time.Millisecond, BatchDocuments: 64, BatchLimit: 64, QueueLimit: 128})
	var visible atomic.Uint64
	var running sync.WaitGroup
	for searcher := range 2 {
		running.Go(func() {
			for name := 1 + searcher; visible.Load() < entries; name = 1 + name%(h.names-1) {
				search(t, e, h, &visible, name)
			}
		})
	}
	for n := uint64(1); n <= entries; n++ {
		if err := e.Admit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := e.Append([]Update{h.update(n)}); err != nil {
			t.Fatal(err)
		}
		visible.Store(n)
		e.Advance(1, n)
	}
	running.Wait()
	if m := e.Metrics(); m.Batches < 50 || m.Searches < 50 {
		t.Errorf("too little happened:\n%v", m)
	}
}

// search reads the visible index in the middle of a reading, as the protocol has it.
func search(t *testing.T, e *Engine, h history, visible *atomic.Uint64, name int) {
	r, err := e.Begin([]uint16{1})
	if err != nil {
		t.Error(err)
		return
	}
	defer r.Close()
	v := visible.Load()
	have := map[string]bool{}
	q := &Query{Profile: e.profiles[1], Any: [][]Criterion{{is(family, fmt.Sprint("name", name))}}}
	if err := r.Candidates(t.Context(), q, func(_ uint16, id string) bool { have[id] = true; return true }); err != nil {
		t.Error(err)
	}
	for _, id := range h.at(v, name) {
		if !have[id] {
			t.Errorf("document %s matches at %d and was not found", id, v)
		}
	}
}
