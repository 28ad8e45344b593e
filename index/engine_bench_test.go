package index

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// people is how many documents the search benchmarks look through.
var people = flag.Int("people", 50_000, "documents in the index of the benchmarks")

// crowd makes people with names as skewed as real ones.
type crowd struct {
	random   *rand.Rand
	zipf     *rand.Zipf
	families []string
	givens   []string
}

func newCrowd() *crowd {
	r := rand.New(rand.NewPCG(1, 2))
	c := &crowd{random: r, zipf: rand.NewZipf(r, 1.2, 40, 19_999)}
	for range 20_000 {
		c.families = append(c.families, c.word(5, 9))
	}
	c.families[0], c.families[1] = "smith", "smythe"
	for range 20_000 {
		c.givens = append(c.givens, c.word(4, 8))
	}
	return c
}

// word makes something that can be spoken.
func (c *crowd) word(least, most int) string {
	letters := []string{"bdfghjklmnprstvw", "aeiouaei"}
	n := least + c.random.IntN(most-least+1)
	w := make([]byte, n)
	for i := range w {
		from := letters[i%2]
		w[i] = from[c.random.IntN(len(from))]
	}
	return string(w)
}

func (c *crowd) date() string {
	return fmt.Sprintf("%04d%02d%02d", 1930+c.random.IntN(94), 1+c.random.IntN(12), 1+c.random.IntN(28))
}

// person makes one document: what a fuzzy trace needs and no more.
func (c *crowd) person() Document {
	name := c.families[c.zipf.Uint64()]
	d := Document(nil).With(family, name).With(birth, c.date())
	for range 1 + c.random.IntN(2) {
		d = d.With(given, c.givens[c.zipf.Uint64()])
	}
	if c.random.IntN(5) == 0 {
		d = d.With(past, c.families[c.zipf.Uint64()])
	}
	for _, code := range Sound(name) {
		d = d.With(sound, code)
	}
	return d.With(postcode, fmt.Sprintf("%s%d%d%s", c.word(2, 2), 1+c.random.IntN(30), c.random.IntN(10), c.word(2, 2)))
}

func (c *crowd) fill(b testing.TB, e *Engine, from, to int) {
	for i := from; i < to; i++ {
		for e.Admit(b.Context()) != nil {
			continue
		}
		shard := uint16(1 + i%4)
		u := Update{Shard: shard, Index: uint64(i + 1), ID: fmt.Sprintf("%010d", i), Profile: 1, Document: c.person()}
		if err := e.Append([]Update{u}); err != nil {
			b.Fatal(err)
		}
		e.Advance(shard, u.Index)
	}
	if err := e.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

func openBench(b *testing.B) *Engine {
	e, err := Open(Options{Dir: b.TempDir(), Profiles: []*Profile{person()}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { e.Close() })
	return e
}

// BenchmarkIndexing feeds b.N documents through queue, batches and merges, and
// reports documents per second of CPU, which is what a node has to spare.
func BenchmarkIndexing(b *testing.B) {
	e, c := openBench(b), newCrowd()
	b.ReportAllocs()
	cpu := cpuSeconds()
	b.ResetTimer()
	c.fill(b, e, 0, b.N)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/(cpuSeconds()-cpu), "docs/cpu-s")
	m := e.Metrics()
	b.ReportMetric(float64(m.Segments), "segments")
	b.ReportMetric(float64(m.DiskBytes)/float64(b.N), "disk-B/doc")
	reportMemory(b, e)
}

// reportMemory reports the process's memory while e is still in use.
func reportMemory(b *testing.B, e *Engine) {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "heap-MB")
	runtime.KeepAlive(e)
}

func BenchmarkCandidates(b *testing.B) {
	e, c := openBench(b), newCrowd()
	c.fill(b, e, 0, *people)
	fmt.Fprint(os.Stderr, e.Metrics())
	date := func() string { return c.date() }
	name := func() string { return c.families[c.zipf.Uint64()] }
	for _, bench := range []struct {
		name string
		all  func() []Criterion
	}{
		{"exact name and birth date", func() []Criterion {
			return []Criterion{is(family, name()), is(birth, date())}
		}},
		{"sound and birth date", func() []Criterion {
			return []Criterion{is(sound, Sound(name())...), is(birth, date())}
		}},
		{"wildcard and year", func() []Criterion {
			year := date()[:4]
			return []Criterion{{[]Field{family}, Wildcard, []string{"sm*t*"}}, {[]Field{birth}, Range, []string{year + "0101", year + "1231"}}}
		}},
		{"prefix and date range", func() []Criterion {
			return []Criterion{{[]Field{family}, Prefix, []string{name()[:3]}}, {[]Field{birth}, Range, []string{"19700310", "19720420"}}}
		}},
		{"sounds of both names, either order", func() []Criterion {
			codes := Sound(name())
			return []Criterion{{[]Field{sound, family}, Equal, codes}, is(given, c.givens[c.zipf.Uint64()]), is(birth, date())}
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			candidates := 0
			for b.Loop() {
				q := &Query{Profile: e.profiles[1], Any: [][]Criterion{bench.all()}}
				err := e.Candidates(b.Context(), q, []uint16{1, 2, 3, 4}, func(uint16, string) bool { candidates++; return true })
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(candidates)/float64(b.N), "candidates/op")
		})
	}
}
