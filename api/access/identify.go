package access

import "context"

// Headers returns the first value of a request header, and whether the request
// has that header at all. Names are compared whatever their case.
type Headers func(name string) (value string, sent bool)

// Get returns the first value of a header, or "".
func (h Headers) Get(name string) string {
	value, _ := h(name)
	return value
}

// Authenticator says who calls. It is safe for concurrent use.
type Authenticator interface {
	// Identify returns the caller, a *Refusal when the request does not say who calls or
	// says it wrongly, or another error when that could not be found out.
	Identify(ctx context.Context, header Headers) (Caller, error)
}

// Refusal is a request that does not say who calls. It is answered 401.
type Refusal struct {
	// Reason is the text for the client (demographics contract 1.2).
	Reason string
}

// Error implements error.
func (r *Refusal) Error() string { return "access: unauthorised" }
