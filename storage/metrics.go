package storage

import (
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// Metrics are a store's figures at one moment.
type Metrics struct {
	State, Log DatabaseMetrics
	// CacheHits and CacheMisses count block look-ups of both databases.
	CacheHits, CacheMisses int64
	// CacheBytes is what the block cache holds.
	CacheBytes int64
}

// DatabaseMetrics are the figures of one of the two databases.
type DatabaseMetrics struct {
	DiskBytes       uint64 // all files
	MemTableBytes   uint64
	L0Files         int64
	ReadAmp         int    // sorted runs that a read may have to look at
	CompactionDebt  uint64 // bytes that wait to be compacted
	Flushes         int64
	Compactions     int64
	BytesIn         uint64 // handed in by writers
	BytesWritten    uint64 // to disk, by log, flushes and compactions
	WALBytesWritten uint64
}

// Metrics returns the store's figures.
func (s *Store) Metrics() Metrics {
	state, logs := s.state.Metrics(), s.logs.Metrics()
	return Metrics{
		State: newDatabaseMetrics(state), Log: newDatabaseMetrics(logs),
		// The cache is shared, and each database counts all of it.
		CacheHits: state.BlockCache.Hits, CacheMisses: state.BlockCache.Misses,
		CacheBytes: state.BlockCache.Size,
	}
}

func newDatabaseMetrics(m *pebble.Metrics) DatabaseMetrics {
	total := m.Total()
	return DatabaseMetrics{
		DiskBytes:       m.DiskSpaceUsage(),
		MemTableBytes:   m.MemTable.Size,
		L0Files:         m.Levels[0].TablesCount,
		ReadAmp:         m.ReadAmp(),
		CompactionDebt:  m.Compact.EstimatedDebt,
		Flushes:         m.Flush.Count,
		Compactions:     m.Compact.Count,
		BytesIn:         total.TableBytesIn,
		BytesWritten:    total.TableBytesFlushed + total.TableBytesCompacted + m.WAL.BytesWritten,
		WALBytesWritten: m.WAL.BytesWritten,
	}
}

// String prints the figures as a small table.
func (m Metrics) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-6s %9s %9s %5s %5s %9s %8s %8s\n",
		"", "disk MB", "mem MB", "L0", "amp", "debt MB", "flushes", "compact")
	for _, row := range []struct {
		name string
		DatabaseMetrics
	}{{"state", m.State}, {"log", m.Log}} {
		fmt.Fprintf(&b, "%-6s %9.1f %9.1f %5d %5d %9.1f %8d %8d\n", row.name,
			megabytes(row.DiskBytes), megabytes(row.MemTableBytes), row.L0Files, row.ReadAmp,
			megabytes(row.CompactionDebt), row.Flushes, row.Compactions)
	}
	fmt.Fprintf(&b, "cache  %9.1f MB, %.1f %% hit\n", megabytes(uint64(m.CacheBytes)), m.hitPercent())
	return b.String()
}

func (m Metrics) hitPercent() float64 {
	if m.CacheHits+m.CacheMisses == 0 {
		return 0
	}
	return 100 * float64(m.CacheHits) / float64(m.CacheHits+m.CacheMisses)
}

func megabytes(n uint64) float64 { return float64(n) / (1 << 20) }
