package api

import (
	"context"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// exchange is one call as the operations see it, over HTTP and gRPC alike:
// header values in, header values out. One goroutine uses it.
//
// Headers do not travel as grpc-gateway would have them travel, through metadata
// and back: two maps, a slice per value and a canonical name each way cost more
// than reading a person does.
type exchange struct {
	carrier
	// method and path are what a request id is scoped by: over gRPC they are POST and the
	// full name of the method.
	method, path string
	// status is the HTTP status of a good answer; 0 means 200.
	status int
	// failed is the failure that was answered with, for the metrics; nil when good.
	failed *Failure
}

// carrier moves header values. Names are compared whatever their case.
type carrier interface {
	// lookup returns the first value of a request header and whether there is one. It is
	// an access.Headers.
	lookup(name string) (value string, sent bool)
	// answer sets a header of the answer.
	answer(name, value string)
}

type exchangeKey struct{}

func withExchange(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// exchangeOf returns the exchange that the gateway made, or makes one for a
// native gRPC call.
func exchangeOf(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	in, _ := metadata.FromIncomingContext(ctx)
	method, _ := grpc.Method(ctx)
	return &exchange{carrier: metadataCarrier{ctx, in}, method: http.MethodPost, path: method}
}

type httpCarrier struct{ in, out http.Header }

func (c httpCarrier) lookup(name string) (string, bool) {
	return first(c.in[http.CanonicalHeaderKey(name)])
}

func (c httpCarrier) answer(name, value string) { c.out.Set(name, value) }

// metadataCarrier reads the metadata of a gRPC call. What it sets is sent with
// the answer; outside of a call, as in a test, it goes nowhere.
type metadataCarrier struct {
	ctx context.Context
	in  metadata.MD
}

func (c metadataCarrier) lookup(name string) (string, bool) { return first(c.in.Get(name)) }

func (c metadataCarrier) answer(name, value string) {
	_ = grpc.SetHeader(c.ctx, metadata.Pairs(name, value)) // fails only when headers were sent: then nobody waits for them
}

// silence is the carrier of an operation within a batch, which has no headers.
type silence struct{}

func (silence) lookup(string) (string, bool) { return "", false }
func (silence) answer(string, string)        {}

func first(values []string) (string, bool) {
	if len(values) == 0 {
		return "", false
	}
	return values[0], true
}

// header returns the first value of a request header, or "".
func (x *exchange) header(name string) string {
	value, _ := x.lookup(name)
	return value
}

// mirror repeats the request's ids on the answer, as sent, valid or not
// (contract 1.2); what was not sent is not invented.
func (x *exchange) mirror() {
	for _, name := range [...]string{headerRequestID, headerCorrelationID} {
		if value := x.header(name); value != "" {
			x.answer(name, value)
		}
	}
}

// The headers of the edge, in the form that net/http keeps them in, so that a
// look-up allocates nothing.
const (
	headerRequestID     = "X-Request-Id"
	headerCorrelationID = "X-Correlation-Id"
	headerSyncWait      = "X-Sync-Wait"
	headerPosition      = "Vertebra-Position"
	headerCacheControl  = "Cache-Control"
	headerContentType   = "Content-Type"
	headerIfMatch       = "If-Match"
	headerSessionURID   = "Nhsd-Session-Urid"
)
