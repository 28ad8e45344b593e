package storage

import (
	"testing"

	"vertebra/storage/record"
)

// BenchmarkGetAbsent asks for records that are not there, as a load of fresh ones does
// for each, and counts the blocks that it touches: filters are among them, data
// should not be.
func BenchmarkGetAbsent(b *testing.B) {
	const records = 300_000
	s, shard := benchShard(b, NewMemFS(), 128<<20, records)
	defer s.Close()
	b.ReportAllocs()
	before := s.Metrics()
	n := 0
	for b.Loop() {
		v, err := shard.View(shard.AppliedIndex())
		if err != nil {
			b.Fatal(err)
		}
		_, found, err := v.Get(record.Key{Subject: benchSubject(records + n%500_000), Table: record.Demographics})
		if err != nil || found {
			b.Fatal(found, err)
		}
		v.Close()
		n++
	}
	after := s.Metrics()
	b.ReportMetric(float64(after.CacheHits+after.CacheMisses-before.CacheHits-before.CacheMisses)/float64(n), "blocks/op")
	b.ReportMetric(float64(after.CacheMisses-before.CacheMisses)/float64(n), "misses/op")
}
