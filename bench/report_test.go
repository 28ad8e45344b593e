package bench

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestPercentiles(t *testing.T) {
	odd, even := newTally(), newTally()
	for i := 1; i <= 10_000; i++ {
		part := odd
		if i%2 == 0 {
			part = even
		}
		part.took(time.Duration(i) * 10 * time.Microsecond)
	}
	odd.add(even)
	l := latencyOf(odd.latencies)
	for name, pair := range map[string][2]float64{
		"p50": {l.P50, 50_000}, "p90": {l.P90, 90_000}, "p99": {l.P99, 99_000}, "p99.9": {l.P999, 99_900}, "max": {l.Max, 100_000}, "mean": {l.Mean, 50_005},
	} {
		if got, want := pair[0], pair[1]; math.Abs(got-want) > want/1000 {
			t.Errorf("%s is %v µs, want %v", name, got, want)
		}
	}
}

func TestLatenciesOutsideAreCut(t *testing.T) {
	all := newTally()
	all.took(0)
	all.took(time.Hour)
	if h := all.latencies; h.TotalCount() != 2 || h.Max() < longestLatency || float64(h.Max()) > 1.001*float64(longestLatency) {
		t.Errorf("%d kept, the longest %v", h.TotalCount(), time.Duration(h.Max()))
	}
}

func TestTable(t *testing.T) {
	var out strings.Builder
	rows := []Result{
		{Workload: "read-http", OpsPerSecond: 16511.4, Latency: Latency{P50: 182, P90: 390.4, P99: 1234, P999: 4420, Max: 9257}, CPUPerOperation: 47.62},
		{Workload: "trace-year", OpsPerSecond: 9.6, TooMany: 3, Faults: map[string]int64{"person missing": 2, "HTTP 500": 4}},
	}
	if err := WriteHead(&out); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := WriteRow(&out, r); err != nil {
			t.Fatal(err)
		}
	}
	const want = `
workload              ops/s   p50 ms   p90 ms   p99 ms p99.9 ms   max ms   CPU µs  errors
read-http             16511    0.182    0.390    1.234    4.420    9.257     47.6  0
trace-year               10        -        -        -        -        -        -  6 (2 person missing, 4 HTTP 500); too many matches 3
`
	if got := "\n" + out.String(); got != want {
		t.Errorf("got%s\nwant%s", got, want)
	}
}

func TestReportIsWhatWasMeasured(t *testing.T) {
	report := Report{
		Environment: Environment{Started: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), Go: "go1", CPUs: 2},
		Settings:    someSettings(),
		Results:     []Result{{Workload: "a", Faults: map[string]int64{"HTTP 500": 2}, Latency: Latency{P999: 7}}},
		Fresh:       []Result{{Workload: "b", Faults: map[string]int64{faultStale: 1}}},
	}
	if report.Wrong() != 3 {
		t.Errorf("%d wrong", report.Wrong())
	}
	var text bytes.Buffer
	if err := report.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(text.Bytes(), &back); err != nil || !reflect.DeepEqual(report, back) {
		t.Errorf("%v\n%+v\n%+v", err, report, back)
	}
	for _, name := range []string{`"ops_per_s"`, `"p99.9": 7`, `"node_cpu_us_per_op"`, `"latency_us"`} {
		if has := strings.Contains(text.String(), name); has != (name != `"node_cpu_us_per_op"`) {
			t.Errorf("%s: %v in\n%s", name, has, text.String())
		}
	}
}

func TestUsage(t *testing.T) {
	u, err := parseUsage(strings.NewReader("# TYPE x counter\nprocess_cpu_seconds_total 1.25\nprocess_resident_memory_bytes 2.5e+08\nprocess_cpu_seconds_total_of_another 9\n"))
	if err != nil || u != (usage{1250 * time.Millisecond, 250_000_000}) {
		t.Errorf("%+v, %v", u, err)
	}
	if u, err := parseUsage(strings.NewReader("go_goroutines 3\n")); err != nil || u != (usage{}) {
		t.Errorf("another system: %+v, %v", u, err)
	}
	if _, err := parseUsage(strings.NewReader("process_cpu_seconds_total lots\n")); err == nil {
		t.Error("no number, no error")
	}
}
