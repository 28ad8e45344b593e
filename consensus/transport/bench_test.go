package transport

import (
	"context"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// benchPair returns two connected nodes over loopback.
func benchPair(b *testing.B, change func(*Config)) (near, far *Node) {
	c := newConclave(b, "a", "b")
	c.overTCP(func(conf *Config) {
		conf.OnCall = func(_ context.Context, _ Peer, _ byte, body []byte) ([]byte, error) { return body, nil }
		conf.Term = func(uint32) (uint64, bool) { return 1, true }
		if change != nil {
			change(conf)
		}
	})
	n := []*Node{}
	for _, name := range c.names {
		conf := c.config(name)
		c.change(&conf)
		node, err := Open(conf)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = node.Close() })
		n = append(n, node)
	}
	if _, err := n[0].Call(b.Context(), "b@1", 1, nil); err != nil {
		b.Fatal(err)
	}
	return n[0], n[1]
}

func BenchmarkCall(b *testing.B) {
	near, _ := benchPair(b, nil)
	body := make([]byte, 100)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := near.Call(b.Context(), "b@1", 1, body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCurrentTerm(b *testing.B) {
	near, _ := benchPair(b, nil)
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := near.CurrentTerm(b.Context(), 1, "b@1", "b"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(32)
		before := near.Metrics().TermRounds
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := near.CurrentTerm(b.Context(), 1, "b@1", "b"); err != nil {
					b.Error(err)
				}
			}
		})
		b.ReportMetric(float64(near.Metrics().TermRounds-before)/float64(b.N), "messages/op")
	})
}

// BenchmarkAppend is the pipeline alone: the peer answers without storing anything.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []struct {
		name  string
		bytes int
	}{{"1KiB", 1 << 10}, {"50KiB", 50 << 10}} {
		b.Run(size.name, func(b *testing.B) {
			near, far := benchPair(b, nil)
			to, _ := far.Group(1)
			go func() {
				for {
					select {
					case rpc := <-to.Consumer():
						rpc.Respond(&raft.AppendEntriesResponse{Term: 1, Success: true}, nil)
					case <-to.closed:
						return
					}
				}
			}()
			from, _ := near.Group(1)
			p, err := from.AppendEntriesPipeline("b@1", "b")
			if err != nil {
				b.Fatal(err)
			}
			var answered sync.WaitGroup
			go func() {
				for {
					select {
					case <-p.Consumer():
						answered.Done()
					case <-from.closed:
						return
					}
				}
			}()
			data := make([]byte, size.bytes)
			b.SetBytes(int64(size.bytes))
			b.ReportAllocs()
			for b.Loop() {
				answered.Add(1)
				request := &raft.AppendEntriesRequest{Term: 1, Entries: []*raft.Log{{Index: 1, Term: 1, Data: data}}}
				if _, err := p.AppendEntries(request, &raft.AppendEntriesResponse{}); err != nil {
					b.Fatal(err)
				}
			}
			answered.Wait()
			_ = p.Close()
		})
	}
}

// BenchmarkIdle is what 100 groups on three nodes in one process cost when nothing
// happens, raft included: cores, heap, goroutines, frames.
func BenchmarkIdle(b *testing.B) {
	for _, linger := range []struct {
		name string
		d    time.Duration
	}{{"5ms", 0}, {"none", -1}} {
		b.Run("linger="+linger.name, func(b *testing.B) {
			c := newConclave(b, "a", "b", "c")
			c.overTCP(func(conf *Config) { conf.Timing.BeatLinger = linger.d })
			before := heap()
			c.start(100)
			defer c.close()
			for g := range uint32(100) {
				c.leader(g + 1)
			}
			for b.Loop() {
				frames, start, used := c.framesIn(), time.Now(), cpuTime(b)
				<-time.After(2 * time.Second)
				took := time.Since(start).Seconds()
				b.ReportMetric((cpuTime(b)-used).Seconds()/took, "cores")
				b.ReportMetric(float64(c.framesIn()-frames)/took, "frames/s")
			}
			b.ReportMetric(float64(heap()-before)/(1<<20), "heap-MiB")
			b.ReportMetric(float64(runtime.NumGoroutine()), "goroutines")
		})
	}
}

func (c *conclave) framesIn() (frames int64) {
	for _, m := range c.members {
		frames += m.node.Metrics().FramesIn
	}
	return frames
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}

func cpuTime(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
