package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// usage is what a node's process has used. A member is zero where it is not told: the
// process metrics are there on Linux only.
type usage struct {
	cpu    time.Duration
	memory int64
}

// The names of the process's metrics, which are the Prometheus client's own.
const (
	metricCPU    = "process_cpu_seconds_total"
	metricMemory = "process_resident_memory_bytes"
)

// maxMetricsBytes bounds a node's metrics.
const maxMetricsBytes = 8 << 20

// readUsage asks the admin port; nothing for no address.
func readUsage(ctx context.Context, admin string) (usage, error) {
	if admin == "" {
		return usage{}, nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/metrics", nil)
	if err != nil {
		return usage{}, fmt.Errorf("bench: metrics: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return usage{}, fmt.Errorf("bench: metrics: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return usage{}, fmt.Errorf("bench: metrics: %s", response.Status)
	}
	return parseUsage(io.LimitReader(response.Body, maxMetricsBytes))
}

// parseUsage picks two numbers out of the text format. Both have no labels, so their
// lines are a name, a space and a number.
func parseUsage(metrics io.Reader) (usage, error) {
	var u usage
	lines := bufio.NewScanner(metrics)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, text, _ := strings.Cut(lines.Text(), " ")
		if name != metricCPU && name != metricMemory {
			continue
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return usage{}, fmt.Errorf("bench: metrics: %s: %w", name, err)
		}
		if name == metricCPU {
			u.cpu = time.Duration(value * float64(time.Second))
		} else {
			u.memory = int64(value)
		}
	}
	return u, lines.Err()
}
