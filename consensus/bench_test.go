package consensus

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// fileLog is a memoryLog whose appends are also written to a file and synced, so
// that a benchmark pays for what a disk does.
type fileLog struct {
	*memoryLog
	file *os.File
}

func (l *fileLog) Append(first uint64, entries [][]byte) error {
	for _, e := range entries {
		if _, err := l.file.Write(e); err != nil {
			return err
		}
	}
	if err := l.file.Sync(); err != nil {
		return err
	}
	return l.memoryLog.Append(first, entries)
}

// counter is a StateMachine that does nothing, at no cost but its results.
type counter struct{ applied atomic.Uint64 }

func (m *counter) Apply(entries []Entry) ([][]any, error) {
	results := make([][]any, len(entries))
	for i, e := range entries {
		results[i] = make([]any, len(e.Payloads))
	}
	m.applied.Store(entries[len(entries)-1].Index)
	return results, nil
}

func (m *counter) AppliedIndex() uint64          { return m.applied.Load() }
func (m *counter) Flush() error                  { return nil }
func (m *counter) SnapshotMeta() ([]byte, error) { return nil, nil }
func (m *counter) Restore([]byte) error          { return nil }

func BenchmarkPropose(b *testing.B) {
	for _, disk := range []string{"memory", "synced"} {
		for _, clients := range []int{1, 64, 256} {
			b.Run(fmt.Sprintf("%s/clients=%d", disk, clients), func(b *testing.B) { benchmarkPropose(b, disk, clients) })
		}
	}
}

func benchmarkPropose(b *testing.B, disk string, clients int) {
	c := loneConfig(newMemoryLog(), nil)
	c.Machine = &counter{}
	if disk == "synced" {
		file, err := os.Create(filepath.Join(b.TempDir(), "log"))
		must(b, err)
		defer file.Close()
		c.Log = &fileLog{newMemoryLog(), file}
	}
	var packs, payloads atomic.Int64
	c.Observers.Fsync = func(_ time.Duration, _, _ int) { packs.Add(1) }
	g := openLone(b, c)
	payload := make([]byte, 500)
	footprint := []uint64{1, 2}
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	done := make(chan error)
	for range clients {
		go func() {
			for left.Add(-1) >= 0 {
				if _, err := g.Propose(context.Background(), Proposal{footprint, payload}); err != nil {
					done <- err
					return
				}
				payloads.Add(1)
			}
			done <- nil
		}()
	}
	for range clients {
		must(b, <-done)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "proposals/s")
	b.ReportMetric(float64(payloads.Load())/float64(packs.Load()), "proposals/fsync")
}

func BenchmarkProveLeaderAlone(b *testing.B) {
	c := loneConfig(newMemoryLog(), nil)
	c.Machine = &counter{}
	g := openLone(b, c)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.ProveLeader(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEntryFootprint(b *testing.B) {
	proposals := make([]Proposal, 256)
	for i := range proposals {
		proposals[i] = Proposal{Footprint: []uint64{uint64(i)}, Payload: make([]byte, 500)}
	}
	data := appendEntry(nil, proposals)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := EntryFootprint(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLogStoreAppend(b *testing.B) {
	h := newHookedStore(b)
	h.hooks, h.onAppended = LogHooks{}, nil
	h.cache = logCache{maxEntries: 1024, maxBytes: 8 << 20}
	h.log = nullLog{}
	l := &raft.Log{Term: 1, Data: make([]byte, 50_000)}
	b.ReportAllocs()
	for b.Loop() {
		l.Index++
		must(b, h.StoreLog(l))
	}
}

// nullLog takes everything and keeps nothing.
type nullLog struct{ Log }

func (nullLog) Append(uint64, [][]byte) error { return nil }
