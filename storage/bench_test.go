package storage

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"vertebra/storage/record"
)

// benchmark figures are for a record as people have them: a body of 2.5 KB that
// compresses, a search record of 200 bytes, a dozen postings.
const benchPostings = 12

func benchSubject(i int) record.Subject { return record.Subject(fmt.Sprintf("9%09d", i)) }

func benchMutation(i int, read, version uint64) record.Command {
	k := record.Key{Subject: benchSubject(i), Table: record.Demographics}
	r := rand.New(rand.NewPCG(uint64(i), 1))
	body := make([]byte, 0, 2600)
	for len(body) < 2500 {
		body = fmt.Appendf(body, `{"family":"%x","given":["%x"],"birthDate":"1970-01-01"},`, r.Uint32(), r.Uint32())
	}
	w := record.Write{Key: k, Version: version, Attributes: body[:40], Body: body, Document: body[:200]}
	for f := range uint16(benchPostings) {
		w.Postings = append(w.Postings, record.Posting{Field: f, Value: fmt.Appendf(nil, "%08x|%08x", r.Uint32(), i)})
	}
	return record.Command{Kind: record.KindMutation, Mutation: record.Mutation{
		Subject: k.Subject, Request: record.RequestID{byte(i), byte(i >> 8), byte(i >> 16), byte(version)},
		Outcome: record.Outcome{Status: 201, Version: version, Subject: k.Subject},
		Reads:   []record.Read{{Key: k, Version: read}}, Writes: []record.Write{w},
	}}
}

func benchShard(b *testing.B, fs FS, cacheBytes int64, records int) (*Store, *Shard) {
	b.Helper()
	return benchShardIn(b, "data", Options{FS: fs, CacheBytes: cacheBytes}, records)
}

func benchShardIn(b *testing.B, dir string, o Options, records int) (*Store, *Shard) {
	b.Helper()
	s, err := Open(dir, o)
	if err != nil {
		b.Fatal(err)
	}
	shard, err := s.Shard(1, 0, record.Slots-1)
	if err != nil {
		b.Fatal(err)
	}
	for i := int(shard.AppliedIndex()) * 256; i < records; {
		var commands []record.Command
		for ; len(commands) < 256 && i < records; i++ {
			commands = append(commands, benchMutation(i, 0, 1))
		}
		if _, err := shard.Apply(shard.AppliedIndex()+1, 1, commands); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Flush(); err != nil {
		b.Fatal(err)
	}
	return s, shard
}

func BenchmarkGet(b *testing.B) {
	const records = 50_000
	for _, bench := range []struct {
		name  string
		cache int64
	}{{"hot", 256 << 20}, {"cold", 1 << 20}} {
		b.Run(bench.name, func(b *testing.B) {
			s, shard := benchShard(b, NewMemFS(), bench.cache, records)
			defer s.Close()
			span := records
			if bench.name == "hot" {
				span = 1000
			}
			r := rand.New(rand.NewPCG(1, 1))
			b.ReportAllocs()
			for b.Loop() {
				v, err := shard.View(shard.AppliedIndex())
				if err != nil {
					b.Fatal(err)
				}
				_, found, err := v.Get(record.Key{Subject: benchSubject(r.IntN(span)), Table: record.Demographics})
				if err != nil || !found {
					b.Fatal(found, err)
				}
				v.Close()
			}
		})
	}
}

func BenchmarkDocumentInOneView(b *testing.B) {
	s, shard := benchShard(b, NewMemFS(), 256<<20, 20_000)
	defer s.Close()
	v, err := shard.View(shard.AppliedIndex())
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	r := rand.New(rand.NewPCG(1, 1))
	b.ReportAllocs()
	for b.Loop() {
		if d, _, err := v.Document(record.Key{Subject: benchSubject(r.IntN(1000)), Table: record.Demographics}); err != nil || d == nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPostingSeek(b *testing.B) {
	s, shard := benchShard(b, NewMemFS(), 256<<20, 20_000)
	defer s.Close()
	v, err := shard.View(shard.AppliedIndex())
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	r := rand.New(rand.NewPCG(1, 1))
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range v.Postings(3, fmt.Appendf(nil, "%08x", r.Uint32()), nil) {
			if err != nil {
				b.Fatal(err)
			}
			break
		}
	}
}

func BenchmarkApply(b *testing.B) {
	for _, size := range []int{1, 256} {
		b.Run(fmt.Sprintf("create/%d", size), func(b *testing.B) { benchmarkApply(b, size, false) })
		b.Run(fmt.Sprintf("update/%d", size), func(b *testing.B) { benchmarkApply(b, size, true) })
	}
}

// benchmarkApply counts entries; the metric counts mutations.
func benchmarkApply(b *testing.B, size int, update bool) {
	const records = 8192
	stock := 0
	if update {
		stock = records
	}
	s, shard := benchShard(b, NewMemFS(), 64<<20, stock)
	defer s.Close()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		b.StopTimer()
		commands := make([]record.Command, size)
		for i := range commands {
			if commands[i] = benchMutation(n, 0, 1); update {
				version := uint64(1 + n/records)
				commands[i] = benchMutation(n%records, version, version+1)
			}
			n++
		}
		b.StartTimer()
		results, err := shard.Apply(shard.AppliedIndex()+1, 1, commands)
		if err != nil || results[0].Conflict != nil || results[0].Replay != nil {
			b.Fatal(results[0], err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "mutations/s")
}

// BenchmarkWipe is a reset of the sandbox that leaves one table.
func BenchmarkWipe(b *testing.B) {
	s, shard := benchShard(b, NewMemFS(), 64<<20, 0)
	defer s.Close()
	keep := []record.Table{record.Applications, record.Tokens}
	for b.Loop() {
		b.StopTimer()
		commands := make([]record.Command, 0, 2000)
		for i := range cap(commands) {
			commands = append(commands, benchMutation(i, 0, 1))
		}
		if _, err := shard.Apply(shard.AppliedIndex()+1, 1, commands); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if _, err := shard.Apply(shard.AppliedIndex()+1, 1, []record.Command{{Kind: record.KindWipe, Keep: keep}}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLogAppend(b *testing.B) {
	s, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	entry := [][]byte{make([]byte, 3000)}
	next := uint64(1)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Log(1).Append(next, entry); err != nil {
			b.Fatal(err)
		}
		next++
	}
}
