package storage

import (
	"syscall"
	"testing"
	"time"

	"vertebra/storage/record"
)

// settle waits until no compaction is wanted, so that a benchmark does not count its blocks.
func settle(b *testing.B, s *Store) {
	b.Helper()
	if err := s.state.Compact(b.Context(), []byte{0}, []byte{0xff}, false); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkGetAbsent asks for records that are not there, as a load of fresh ones does
// for each. reads/op is how many data blocks were looked into: filters that said
// "perhaps".
func BenchmarkGetAbsent(b *testing.B) {
	const records = 300_000
	s, shard := benchShard(b, NewMemFS(), DefaultCacheBytes, records)
	defer s.Close()
	settle(b, s)
	b.ReportAllocs()
	before, n := s.state.Metrics(), 0
	for b.Loop() {
		v, err := shard.View(shard.AppliedIndex())
		if err != nil {
			b.Fatal(err)
		}
		_, found, err := v.Get(record.Key{Subject: benchSubject(records + n), Table: record.Demographics})
		if err != nil || found {
			b.Fatal(found, err)
		}
		v.Close()
		n++
	}
	after := s.state.Metrics()
	b.ReportMetric(float64(after.Filter.Misses-before.Filter.Misses)/float64(n), "reads/op")
	b.ReportMetric(float64(after.Filter.Hits-before.Filter.Hits)/float64(n), "filtered/op")
	b.ReportMetric(float64(after.BlockCache.Misses-before.BlockCache.Misses)/float64(n), "cache-misses/op")
}

// BenchmarkLoad is a bulk load of fresh records, each looked for first as the service
// does, with all the processor time of flushes and compactions until the store is at rest.
func BenchmarkLoad(b *testing.B) {
	const records = 200_000
	for b.Loop() {
		before := processorTime(b)
		s, shard := benchShard(b, NewMemFS(), DefaultCacheBytes, 0)
		for i := 0; i < records; {
			v, err := shard.View(shard.AppliedIndex())
			if err != nil {
				b.Fatal(err)
			}
			var commands []record.Command
			for ; len(commands) < 256 && i < records; i++ {
				c := benchMutation(i, 0, 1)
				if _, found, err := v.Get(c.Mutation.Writes[0].Key); err != nil || found {
					b.Fatal(found, err)
				}
				commands = append(commands, c)
			}
			v.Close()
			if _, err := shard.Apply(shard.AppliedIndex()+1, 1, commands); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(processorTime(b)-before)/records/1e3, "cpu-µs/record")
	}
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSnapshot exports a shard from one disk and imports it on another folder of it.
func BenchmarkSnapshot(b *testing.B) {
	const records = 200_000
	from, shard := benchShardIn(b, b.TempDir(), Options{}, records)
	defer from.Close()
	snapshot, err := shard.Snapshot()
	if err != nil {
		b.Fatal(err)
	}
	defer snapshot.Close()
	for b.Loop() {
		to, err := Open(b.TempDir(), Options{})
		if err != nil {
			b.Fatal(err)
		}
		var planning, exporting, adding time.Duration
		bytes := 0
		start := time.Now()
		snapshot.planned = false
		m, err := snapshot.Manifest()
		if err != nil {
			b.Fatal(err)
		}
		planning = time.Since(start)
		i, err := to.Import(m)
		if err != nil {
			b.Fatal(err)
		}
		for n := range m.Parts {
			start := time.Now()
			part, err := snapshot.Part(n)
			exporting += time.Since(start)
			start = time.Now()
			if err != nil || i.Add(n, part) != nil {
				b.Fatal(err)
			}
			adding += time.Since(start)
			bytes += len(part)
		}
		start = time.Now()
		if _, err := i.Commit(nil); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(start).Milliseconds()), "commit-ms")
		for name, d := range map[string]time.Duration{"plan": planning, "export": exporting, "add": adding} {
			b.ReportMetric(float64(m.Bytes())/1e6/d.Seconds(), name+"-MB/s")
			b.ReportMetric(records/d.Seconds(), name+"-records/s")
		}
		b.ReportMetric(float64(m.Bytes())/1e6, "raw-MB")
		b.ReportMetric(float64(bytes)/1e6, "sent-MB")
		if err := to.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
