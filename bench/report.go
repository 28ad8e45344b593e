package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Environment is where a report was made.
type Environment struct {
	Started time.Time `json:"started"`
	// Version is that of the program that measured.
	Version string `json:"version"`
	Go      string `json:"go"`
	System  string `json:"system"`
	// CPUs is how many the measuring process may use, which the node may share.
	CPUs int `json:"cpus"`
}

// Report is one run: enough to repeat it and to compare it with another.
type Report struct {
	Environment Environment `json:"environment"`
	Settings    Settings    `json:"settings"`
	Results     []Result    `json:"results"`
	// Fresh is what Fresh returned, when it was asked for.
	Fresh []Result `json:"fresh,omitempty"`
}

// Wrong counts all that was answered wrongly or not at all.
func (r Report) Wrong() (n int64) {
	for _, result := range slices.Concat(r.Results, r.Fresh) {
		n += result.Wrong()
	}
	return n
}

// WriteJSON writes the report, indented: one is read by people as often as by programs.
func (r Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

const rowFormat = "%-17s %9s %8s %8s %8s %8s %8s %8s  %s\n"

// WriteHead writes the head of the table that WriteRow continues, so that a row can
// be seen as soon as it is measured. Latencies are in milliseconds, CPU is the node's,
// in microseconds an operation.
func WriteHead(w io.Writer) error {
	_, err := fmt.Fprintf(w, rowFormat, "workload", "ops/s", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms", "CPU µs", "errors")
	return err
}

// WriteRow writes a result as one row.
func WriteRow(w io.Writer, r Result) error {
	l := r.Latency
	_, err := fmt.Fprintf(w, rowFormat, r.Workload, fmt.Sprintf("%.0f", r.OpsPerSecond),
		milliseconds(l.P50), milliseconds(l.P90), milliseconds(l.P99), milliseconds(l.P999), milliseconds(l.Max), cpuWords(r), errorWords(r))
	return err
}

func milliseconds(us float64) string {
	if us == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f", us/1000)
}

func cpuWords(r Result) string {
	if r.CPUPerOperation == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", r.CPUPerOperation)
}

// errorWords is the number of faults with their kinds; answers that were too many
// stand beside it, since they are none.
func errorWords(r Result) string {
	words := fmt.Sprint(r.Wrong())
	var kinds []string
	for kind, n := range r.Faults {
		kinds = append(kinds, fmt.Sprintf("%d %s", n, kind))
	}
	slices.Sort(kinds)
	if len(kinds) > 0 {
		words += " (" + strings.Join(kinds, ", ") + ")"
	}
	if r.TooMany > 0 {
		words += fmt.Sprintf("; too many matches %d", r.TooMany)
	}
	return words
}
