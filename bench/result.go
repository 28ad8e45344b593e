package bench

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latencies are kept from 1 µs to a minute, to three figures.
const (
	shortestLatency = int64(time.Microsecond)
	longestLatency  = int64(time.Minute)
	latencyFigures  = 3
)

// tally is what one client counted. It is used by one goroutine.
type tally struct {
	latencies  *hdrhistogram.Histogram
	operations int64
	tooMany    int64
	faults     map[string]int64
}

func newTally() *tally {
	return &tally{latencies: hdrhistogram.New(shortestLatency, longestLatency, latencyFigures), faults: map[string]int64{}}
}

func (t *tally) fault(kind string, n int64) { t.faults[kind] += n }

// count judges the answers of one call. Its latency counts when all are right: one
// that was refused at once says nothing of how long an answer takes.
func (t *tally) count(q question, answers []answer, took time.Duration) {
	right := true
	for i, a := range answers {
		v := q.judge(i, a)
		if v.fault != "" {
			t.fault(v.fault, 1)
			right = false
			continue
		}
		t.operations++
		if v.tooMany {
			t.tooMany++
		}
	}
	if right {
		t.took(took)
	}
}

func (t *tally) took(d time.Duration) {
	// Cannot fail: the value is cut to what is kept.
	_ = t.latencies.RecordValue(min(max(int64(d), shortestLatency), longestLatency))
}

func (t *tally) add(o *tally) {
	t.latencies.Merge(o.latencies)
	t.operations += o.operations
	t.tooMany += o.tooMany
	for kind, n := range o.faults {
		t.faults[kind] += n
	}
}

// Latency is a distribution of latencies in microseconds.
type Latency struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99.9"`
	Max  float64 `json:"max"`
	Mean float64 `json:"mean"`
}

// Result is what one workload came to.
type Result struct {
	Workload string   `json:"workload"`
	Says     string   `json:"says"`
	Client   Protocol `json:"client"`
	Clients  int      `json:"clients"`
	// Batch is how many operations one call carries; latencies are of calls.
	Batch int `json:"batch"`
	// Operations counts right answers, one a person asked for; TooMany those of them that
	// were TOO_MANY_MATCHES.
	Operations   int64   `json:"operations"`
	Seconds      float64 `json:"seconds"`
	OpsPerSecond float64 `json:"ops_per_s"`
	TooMany      int64   `json:"too_many"`
	// Faults counts what was wrong, by kind.
	Faults  map[string]int64 `json:"faults,omitempty"`
	Latency Latency          `json:"latency_us"`
	// CPUPerOperation is what the node's process used in all that time, in microseconds, by
	// right answer; NodeMemory what it held at the end. Zero where it cannot be told.
	CPUPerOperation float64 `json:"node_cpu_us_per_op,omitempty"`
	NodeMemory      int64   `json:"node_memory_bytes,omitempty"`
	// Histogram is the latencies in nanoseconds, as HdrHistogram V2, compressed, base64.
	Histogram string `json:"histogram"`
}

// Wrong counts the operations that were answered wrongly or not at all.
func (r Result) Wrong() (n int64) {
	for _, count := range r.Faults {
		n += count
	}
	return n
}

func newResult(w Workload, clients int, t *tally, elapsed time.Duration, before, after usage) (Result, error) {
	encoded, err := t.latencies.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return Result{}, fmt.Errorf("bench: histogram: %w", err)
	}
	r := Result{
		Workload: w.Name, Says: w.Says, Client: w.Protocol, Clients: clients, Batch: w.Batch,
		Operations: t.operations, Seconds: elapsed.Seconds(), OpsPerSecond: float64(t.operations) / elapsed.Seconds(),
		TooMany: t.tooMany, Faults: t.faults, Latency: latencyOf(t.latencies),
		NodeMemory: after.memory, Histogram: string(encoded),
	}
	if used := after.cpu - before.cpu; used > 0 && t.operations > 0 {
		r.CPUPerOperation = float64(used) / float64(time.Microsecond) / float64(t.operations)
	}
	return r, nil
}

func latencyOf(h *hdrhistogram.Histogram) Latency {
	if h.TotalCount() == 0 {
		return Latency{} // an empty one's Max is the width of its first bucket
	}
	at := func(percentile float64) float64 { return microseconds(h.ValueAtPercentile(percentile)) }
	return Latency{P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: microseconds(h.Max()), Mean: h.Mean() / float64(time.Microsecond)}
}

func microseconds(nanoseconds int64) float64 { return float64(nanoseconds) / float64(time.Microsecond) }
