package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// How long a node, and after it the admin port, may take to end in order. A
// supervisor's patience, and the sandbox's promise, is five seconds in all.
const (
	nodeStopTimeout  = 4 * time.Second
	adminStopTimeout = 500 * time.Millisecond
)

// parts is what a node is given by the command that runs it.
type parts struct {
	log      *slog.Logger
	registry *prometheus.Registry
	// ready is for /readyz of the HTTP port, as the admin port shows it.
	ready func() error
}

// running is a started node, as startNode gives it to the command that asked.
type running struct {
	// httpAddress and grpcAddress are what was bound, which differs from the settings
	// where those say port 0.
	httpAddress, grpcAddress string
	// operator holds the node's own calls for the admin port, mounted under /admin/v1/;
	// nil when there are none.
	operator http.Handler
	// failed yields at most one error: why the node cannot go on. May be nil.
	failed <-chan error
	// stop ends the node in order: no new requests, the running ones finished, logs and
	// stores closed. It returns when ctx ends at the latest.
	stop func(ctx context.Context) error
}

// runNode starts a node with its admin port, lets prepare do what must be done before
// it is ready, and waits for ctx to end or the node to fail. It ends what it started.
func (p *program) runNode(ctx context.Context, s settings, log *slog.Logger, prepare func(context.Context, *running, *adminServer) error) (err error) {
	const starting = "the node is starting"
	ready := &readiness{}
	ready.wait(starting)
	registry := newRegistry()
	admin, err := startAdmin(s.Admin, registry, ready.ready, log)
	if err != nil {
		return err
	}
	defer inTime(&err, adminStopTimeout, admin.stop)
	node, err := p.startNode(ctx, s, parts{log, registry, ready.ready})
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	defer inTime(&err, nodeStopTimeout, node.stop)
	if node.operator != nil {
		admin.mux.Handle("/admin/v1/", node.operator)
	}
	if err := prepare(ctx, node, admin); err != nil {
		return notInterrupted(ctx, err)
	}
	ready.done(starting)
	log.Info("ready", "http", node.httpAddress, "grpc", node.grpcAddress, "admin", admin.address())
	select {
	case <-ctx.Done():
		ready.wait("the node is stopping")
		log.Info("stopping")
		return nil
	case err := <-node.failed:
		return fmt.Errorf("node failed: %w", err)
	}
}

// inTime runs stop under a timeout and joins its error. The context of the run has
// ended by then, so it has one of its own.
func inTime(err *error, timeout time.Duration, stop func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	*err = errors.Join(*err, stop(ctx))
}

// notInterrupted turns the error of work that was cut off by the end of the run into
// none: being told to stop is no failure.
func notInterrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}
