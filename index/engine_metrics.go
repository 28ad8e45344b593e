package index

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/blevesearch/bleve/v2/index/scorch"
)

// counts are what an engine has done since it was opened.
type counts struct {
	searches, batches, persisted, documents, failures, held, refused atomic.Uint64
	batchNanoseconds                                                 atomic.Int64
}

func (c *counts) batched(documents int, took time.Duration) {
	c.batches.Add(1)
	c.documents.Add(uint64(documents))
	c.batchNanoseconds.Add(int64(took))
}

// Lag says how far bleve is behind what was appended.
type Lag struct {
	// Queued is how many updates wait.
	Queued int
	// Age is how long the oldest of them has waited.
	Age time.Duration
}

// Lag returns how far bleve is behind.
func (e *Engine) Lag() Lag {
	e.mu.Lock()
	defer e.mu.Unlock()
	lag := Lag{Queued: e.queued}
	for _, q := range e.shards {
		if at := q.next; at.peek() != nil {
			lag.Age = max(lag.Age, time.Since(at.node.since))
		}
	}
	return lag
}

// Metrics are an engine's figures. Counts are since it was opened.
type Metrics struct {
	Lag       Lag
	Documents uint64 // live, all shards
	Segments  int
	DiskBytes uint64
	Searches  uint64
	Batches   uint64
	Persisted uint64 // batches that are on disk
	Indexed   uint64 // documents given to bleve
	Indexing  time.Duration
	Failures  uint64
	Held      uint64 // writers that had to wait for room
	Refused   uint64 // of these, those that were refused
}

// Metrics returns the engine's figures. It reads the folder: call it every few
// seconds, not for every request.
func (e *Engine) Metrics() Metrics {
	c := &e.counts
	m := Metrics{
		Lag: e.Lag(), Searches: c.searches.Load(), Batches: c.batches.Load(), Persisted: c.persisted.Load(),
		Indexed: c.documents.Load(), Indexing: time.Duration(c.batchNanoseconds.Load()),
		Failures: c.failures.Load(), Held: c.held.Load(), Refused: c.refused.Load(),
		DiskBytes: folderBytes(e.options.Dir),
	}
	if r, err := e.Begin(nil); err == nil {
		defer r.Close()
		m.Segments = len(r.reader.Segments())
		m.Documents = liveDocuments(r.reader)
	}
	return m
}

func liveDocuments(reader *scorch.IndexSnapshot) (n uint64) {
	for _, segment := range reader.Segments() {
		n += uint64(segment.LiveSize())
	}
	return n
}

func folderBytes(dir string) (n uint64) {
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			n += uint64(info.Size())
		}
	}
	return n
}

// String shows the figures as operators, tests and the debug command do.
func (m Metrics) String() string {
	return fmt.Sprintf("documents %d in %d segments, %d KiB on disk\n"+
		"queue %d, oldest %v\n"+
		"batches %d (%d on disk) of %d documents in %v, %d failures\n"+
		"searches %d; writers held up %d, refused %d\n",
		m.Documents, m.Segments, m.DiskBytes>>10,
		m.Lag.Queued, m.Lag.Age.Round(time.Millisecond),
		m.Batches, m.Persisted, m.Indexed, m.Indexing.Round(time.Millisecond), m.Failures,
		m.Searches, m.Held, m.Refused)
}
