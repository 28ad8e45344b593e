package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/protobuf/proto"

	vertebrav1 "vertebra/api/proto/vertebra/v1"
)

// demographicsPrefix is where the demographics service answers.
const demographicsPrefix = "/personal-demographics/FHIR/R4"

// gateway is the HTTP side of an edge: what has to be settled before a request
// is a call, then grpc-gateway's routes, in process.
type gateway struct {
	edge *Edge
	mux  *runtime.ServeMux
	// nothing is the header that grpc-gateway gets to see: exchange carries the real one.
	// It is never written to.
	nothing http.Header
}

// Handler returns the handler of all FHIR routes. It answers every path, and
// never with anything but FHIR JSON.
func (e *Edge) Handler() (http.Handler, error) {
	g := &gateway{edge: e, nothing: http.Header{}}
	g.mux = runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, rawMarshaler{}),
		runtime.SetQueryParameterParser(queryParser{}),
		runtime.WithErrorHandler(g.writeError),
		runtime.WithRoutingErrorHandler(g.routingError),
		runtime.WithForwardResponseOption(writeStatus),
		runtime.WithDisablePathLengthFallback(),
		runtime.WithDisableHTTPMethodOverride(),
	)
	if err := vertebrav1.RegisterDemographicsHandlerServer(context.Background(), g.mux, &demographicsServer{edge: e}); err != nil {
		return nil, err
	}
	return g, nil
}

// Server returns an HTTP server for the handler with every timeout set: a client
// that sends or reads slowly holds a connection, and for no longer than this.
func (e *Edge) Server(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second, // over the longest X-Sync-Wait and the body's ReadTimeout
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    e.limits.HeaderBytes,
	}
}

// ServeHTTP implements http.Handler.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{carrier: httpCarrier{r.Header, w.Header()}, method: r.Method, path: r.URL.Path}
	ctx := withExchange(r.Context(), x)
	if err := g.prepare(r); err != nil {
		g.refuse(ctx, w, x, err)
		return
	}
	if g.answerDirectly(ctx, w, r, x) {
		return
	}
	body, err := g.body(w, r)
	if err != nil {
		g.refuse(ctx, w, x, err)
		return
	}
	inner := r.WithContext(ctx)
	inner.Header, inner.Body, inner.RemoteAddr, inner.Host = g.nothing, body, "", ""
	g.mux.ServeHTTP(w, inner)
}

// prepare refuses what no operation may see. A path is decoded once, here: an
// encoded slash would make a path out of a name and is refused, any other escape
// means what it stands for, $ in an operation's name above all.
func (g *gateway) prepare(r *http.Request) error {
	if len(r.URL.Path)+len(r.URL.RawQuery) > g.edge.limits.QueryBytes {
		return ErrQueryTooLong
	}
	if _, err := url.ParseQuery(r.URL.RawQuery); r.URL.RawQuery != "" && err != nil {
		return ErrMalformedQuery
	}
	if strings.Contains(strings.ToLower(r.URL.RawPath), "%2f") {
		return &UnsupportedPathError{suffix(r.URL.RawPath)}
	}
	r.URL.RawPath = ""
	return nil
}

// answerDirectly answers what is no call of a service: health, preflight, paths
// outside of every service.
func (g *gateway) answerDirectly(ctx context.Context, w http.ResponseWriter, r *http.Request, x *exchange) bool {
	rest := suffix(r.URL.Path)
	switch {
	case !isService(r.URL.Path):
		g.refuse(ctx, w, x, noSuchPath())
	case rest == "/_ping" || rest == "/_status":
		g.ping(ctx, w, r, x)
	case r.Method == http.MethodOptions && preflight(r):
		x.mirror()
		allow(w.Header())
		w.WriteHeader(http.StatusOK)
	default:
		return false
	}
	return true
}

// ping answers the health paths of a service.
func (g *gateway) ping(ctx context.Context, w http.ResponseWriter, r *http.Request, x *exchange) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		g.refuse(ctx, w, x, ErrUnsupportedMethod)
		return
	}
	x.mirror()
	w.Header().Set(headerContentType, "application/json")
	w.Header().Set(headerCacheControl, "no-store")
	_ = json.NewEncoder(w).Encode(map[string]string{"status": "pass"})
}

// preflight reports whether an OPTIONS request is a browser's question before a
// call; any other OPTIONS is an unsupported method.
func preflight(r *http.Request) bool {
	return r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// allow is the answer to a preflight. No origin is trusted with credentials:
// calls are authorised by a header that only the calling program knows.
func allow(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, POST, PATCH")
	h.Set("Access-Control-Allow-Headers", "authorization, content-type, if-match, cache-control, vertebra-position, x-request-id, x-correlation-id, x-sync-wait, nhsd-session-urid, nhsd-end-user-organisation-ods")
	h.Set("Access-Control-Max-Age", "3600")
}

// body reads the request's body whole. Reading it here and not in the marshaler
// keeps its error: grpc-gateway would make a text of it.
func (g *gateway) body(w http.ResponseWriter, r *http.Request) (io.ReadCloser, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return http.NoBody, nil
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, ErrEncodedBody
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(g.edge.limits.BodyBytes)))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, ErrBodyTooLarge
	case err != nil:
		return nil, ErrBodyUnread
	}
	return &rawBody{contentType: r.Header.Get(headerContentType), data: data}, nil
}

// refuse answers what did not become a call.
func (g *gateway) refuse(ctx context.Context, w http.ResponseWriter, x *exchange, err error) {
	x.mirror()
	done := g.edge.metrics.begin(operation{"edge", "refused"})
	x.failed = g.edge.fail(ctx, x, operation{"edge", "refused"}, err)
	done(x)
	x.failed.write(w)
}

// writeError is grpc-gateway's error handler. Calls bring a Failure; anything else
// is an error of grpc-gateway itself.
func (g *gateway) writeError(ctx context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, _ *http.Request, err error) {
	var failure *Failure
	if errors.As(err, &failure) {
		failure.write(w)
		return
	}
	g.refuse(ctx, w, exchangeOf(ctx), err)
}

// routingError answers a path within a service that no route fits (contract 1.1).
func (g *gateway) routingError(ctx context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, _ int) {
	var err error = ErrUnsupportedMethod
	if rest := suffix(r.URL.Path); !knownSuffix(rest) {
		err = &UnsupportedPathError{rest}
	}
	g.refuse(ctx, w, exchangeOf(ctx), err)
}

// isService reports whether a path is within a service's prefix.
func isService(path string) bool {
	rest, ours := strings.CutPrefix(path, demographicsPrefix)
	return ours && (rest == "" || rest[0] == '/')
}

func suffix(path string) string { return strings.TrimPrefix(path, demographicsPrefix) }

// knownSuffix is the list of paths that the public gateway lets through to the
// service; what they do not lead to is an unsupported service, not a path.
func knownSuffix(rest string) bool {
	return rest == "/Patient" || strings.HasPrefix(rest, "/Patient/") ||
		strings.HasPrefix(rest, "/Coverage") || strings.HasPrefix(rest, "/_poll/")
}

// write answers with the OperationOutcome.
func (f *Failure) write(w http.ResponseWriter) {
	body := f.outcome()
	h := w.Header()
	h.Set(headerContentType, contentTypeFHIR)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(f.Status)
	_, _ = w.Write(body) // a client that has gone needs no answer
}

// writeStatus is what remains to be done for a good answer.
func writeStatus(ctx context.Context, w http.ResponseWriter, _ proto.Message) error {
	if x := exchangeOf(ctx); x.status != 0 && x.status != http.StatusOK {
		w.WriteHeader(x.status)
	}
	return nil
}
