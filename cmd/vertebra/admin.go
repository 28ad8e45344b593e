package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// adminServer is the operator's port: metrics, profiles, health. It starts before
// the node and ends after it, so that a start that takes long can be watched.
type adminServer struct {
	listener net.Listener
	server   *http.Server
	// mux may be given further handlers while it serves: a node adds its own calls.
	mux *http.ServeMux
}

// startAdmin listens and serves until shut down.
func startAdmin(address string, registry *prometheus.Registry, ready func() error, log *slog.Logger) (*adminServer, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, &settingError{"admin", err.Error()}
	}
	mux := adminMux(registry, ready)
	a := &adminServer{listener, &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      5 * time.Minute, // a CPU profile or trace takes as long as was asked for
		MaxHeaderBytes:    16 << 10,
	}, mux}
	go func() {
		if err := a.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("admin port stopped serving", "error", err)
		}
	}()
	return a, nil
}

func (a *adminServer) address() string { return a.listener.Addr().String() }

// stop ends the server. Requests that are still running after ctx are cut off, which is
// no failure: a profile may have been asked for that takes longer.
func (a *adminServer) stop(ctx context.Context) error {
	if a.server.Shutdown(ctx) == nil {
		return nil
	}
	return a.server.Close()
}

// adminMux is the operator's routes. pprof's handlers are named one by one: the
// package's own way, importing it for effect, puts them on the default mux, where
// any other package's server could expose them.
func adminMux(registry *prometheus.Registry, ready func() error) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { answerHealth(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answerHealth(w, ready()) })
	return mux
}

func answerHealth(w http.ResponseWriter, err error) {
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}
