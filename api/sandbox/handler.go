package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"vertebra/api"
	"vertebra/api/access"
	"vertebra/api/fhir"
)

// Prefix is where the sandbox answers.
const Prefix = "/sandbox/v1/"

// maxBodyBytes bounds a request: a seed of ten thousand people.
const maxBodyBytes = 64 << 20

// Store is the whole cluster's data.
type Store interface {
	// Reset empties every store, stored answers to repeated requests included; registered
	// applications and issued tokens stay.
	Reset(ctx context.Context) error
	// Settled returns when everything written before the call is readable and searchable
	// on every node.
	Settled(ctx context.Context) error
}

// Clock is the cluster's clock.
type Clock interface {
	// Advance moves it forward and returns when every timer due by then has run.
	Advance(ctx context.Context, d time.Duration) error
	// Reset makes time start afresh.
	Reset(ctx context.Context) error
	Now() time.Time
}

// Applications is where registered applications are kept.
type Applications interface {
	// PutApplication returns when the application is known on every node.
	PutApplication(ctx context.Context, a Application) error
}

// Application is a registered application.
type Application struct {
	APIKey string `json:"apiKey"`
	Name   string `json:"name"`
	// Keys are JSON Web Keys.
	Keys []json.RawMessage `json:"keys"`
}

// Person is somebody to try a search with.
type Person struct {
	NHSNumber string   `json:"nhsNumber"`
	Family    string   `json:"family"`
	Given     []string `json:"given"`
	BirthDate string   `json:"birthDate"`
}

// Fault is something that goes wrong with a node.
type Fault struct {
	Node string `json:"node"`
	// Kind is stop, start, isolate, heal or slow-disk.
	Kind string `json:"kind"`
	// Delay is how slow a slow disk is.
	Delay Duration `json:"delay"`
}

// Config is what the handler works on. Cluster, Store, Clock, Tokens and Random
// are required; a call whose part is nil is answered 501.
type Config struct {
	// Cluster is where people are loaded.
	Cluster      api.Cluster
	Store        Store
	Clock        Clock
	Tokens       access.Tokens
	Applications Applications
	// Adult makes a person, in the form of a seed, for a bare NHS number.
	Adult func(number fhir.Number) []byte
	// People returns up to n of the synthetic people.
	People func(ctx context.Context, n int) ([]Person, error)
	// Fault makes something go wrong.
	Fault func(ctx context.Context, f Fault) error
	// Keep is given the members of a seed whose services are not here yet, by name; nil
	// drops them.
	Keep   func(ctx context.Context, member string, value json.RawMessage) error
	Random io.Reader
}

// Handler returns the handler of everything under Prefix.
func Handler(c Config) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, present bool, answer func(context.Context, *http.Request) (any, error)) {
		if !present {
			answer = func(context.Context, *http.Request) (any, error) { return nil, errNotHere }
		}
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			value, err := answer(r.Context(), r)
			write(w, value, err)
		})
	}
	handle("POST "+Prefix+"seed", true, c.seed)
	handle("POST "+Prefix+"clock", true, c.clock)
	handle("POST "+Prefix+"token", true, c.token)
	handle("POST "+Prefix+"applications", c.Applications != nil, c.application)
	handle("GET "+Prefix+"patients", c.People != nil, c.patients)
	handle("POST "+Prefix+"fault", c.Fault != nil, c.fault)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { write(w, nil, errNoSuchCall) })
	return mux
}

var (
	errNotHere    = errors.New("this sandbox does not have that")
	errNoSuchCall = errors.New("no such call: POST seed, clock, token, applications, fault; GET patients")
)

// badRequest is what the client did wrong, and where.
type badRequest struct{ field, reason string }

func (b *badRequest) Error() string {
	if b.field == "" {
		return b.reason
	}
	return b.field + ": " + b.reason
}

func write(w http.ResponseWriter, value any, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		w.WriteHeader(statusOf(err))
		value = map[string]string{"error": textOf(err)}
	}
	_ = json.NewEncoder(w).Encode(value) // a client that has gone needs no answer
}

func statusOf(err error) int {
	var bad *badRequest
	switch {
	case errors.As(err, &bad):
		return http.StatusBadRequest
	case errors.Is(err, errNotHere):
		return http.StatusNotImplemented
	case errors.Is(err, errNoSuchCall):
		return http.StatusNotFound
	}
	return http.StatusServiceUnavailable
}

// textOf names the fault: an issue's own text is its diagnostics.
func textOf(err error) string {
	var issue *fhir.Issue
	if errors.As(err, &issue) && issue.Diagnostics != "" {
		return fmt.Sprintf("%s: %s", err, issue.Diagnostics)
	}
	return err.Error()
}

// read decodes a request's body strictly.
func read(r *http.Request, value any) error {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBodyBytes))
	if err != nil {
		return &badRequest{"", "the body is too large or incomplete"}
	}
	return decode("", body, value)
}
