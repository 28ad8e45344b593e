package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vertebra/api"
	"vertebra/api/access"
	"vertebra/api/apitest"
	"vertebra/api/demographics"
	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// rig is an edge over a cluster in memory.
type rig struct {
	cluster *apitest.Cluster
	edge    *api.Edge
	tokens  tokens
	metrics *prometheus.Registry
	log     *lines
}

func newRig(t testing.TB, limits api.Limits) *rig {
	t.Helper()
	r := &rig{
		cluster: &apitest.Cluster{Time: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)},
		tokens:  tokens{}, metrics: prometheus.NewRegistry(), log: &lines{},
	}
	source := &counter{}
	var drawn atomic.Int64
	edge, err := api.New(api.Config{
		Cluster: r.cluster, Access: access.Sandbox{Tokens: r.tokens}, Random: source, Limits: limits, Metrics: r.metrics, Log: r.log.logger(),
		Numbers: func() (fhir.Number, error) {
			for {
				if n, ok := fhir.NumberFor(fmt.Sprint(999_000_000 + drawn.Add(1))); ok {
					return n, nil
				}
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.edge = edge
	return r
}

// handler is the edge's handler with its pages.
func (r *rig) handler(t testing.TB) http.Handler {
	t.Helper()
	services, err := r.edge.Handler()
	if err != nil {
		t.Fatal(err)
	}
	return api.Pages(services, func() error { return nil })
}

// serve starts a server on loopback.
func (r *rig) serve(t testing.TB) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config = r.edge.Server(r.handler(t))
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// load puts the people of a file, one per line, into the cluster.
func (r *rig) load(t testing.TB, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n") {
		seed, err := demographics.ParseSeed([]byte(line))
		if err != nil {
			t.Fatal(err, err.(*fhir.Issue).Diagnostics)
		}
		_, err = r.cluster.Decide(context.Background(), seed.Subject(), record.RequestID{}, func(v api.View) (record.Mutation, error) {
			d, err := demographics.Load(v, seed)
			return d.Mutation, err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// counted returns how many calls of an operation the metrics say ended with a status.
func (r *rig) counted(t testing.TB, operation, status string) float64 {
	t.Helper()
	families, err := r.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			labels := map[string]string{}
			for _, label := range m.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			if family.GetName() == "vertebra_api_requests_total" && labels["operation"] == operation && labels["status"] == status {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// counter is a source of bytes that no two readers get the same of.
type counter struct {
	mu sync.Mutex
	n  byte
}

func (c *counter) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range b {
		c.n++
		b[i] = c.n
	}
	return len(b), nil
}

// tokens is an access.Tokens that knows each persona's own name as a token.
type tokens map[string]access.Caller

func (tokens) PutToken(context.Context, string, access.Caller) error { return nil }

func (k tokens) Token(_ context.Context, id string) (access.Caller, bool, error) {
	for _, persona := range []string{"application-restricted", "privileged-application-restricted", "patient-access", "app:mns"} {
		if access.TokenID(persona) == id {
			c, ok := access.PersonaCaller(persona)
			return c, ok, nil
		}
	}
	c, ok := k[id]
	return c, ok, nil
}
