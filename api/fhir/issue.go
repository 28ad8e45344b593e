package fhir

// Coding is a FHIR Coding. Empty members are left out when it is written.
type Coding struct {
	System  string `json:"system,omitempty"`
	Version string `json:"version,omitempty"`
	Code    string `json:"code,omitempty"`
	Display string `json:"display,omitempty"`
}

// Issue is the error type of every rule: one issue of an OperationOutcome, with
// the HTTP status that it is answered with. Each service makes its issues from its
// own catalogue; nothing else turns an error into an answer to a client.
type Issue struct {
	// Status is the HTTP status. Some issues are answered 200 (TOO_MANY_MATCHES).
	Status int
	// Severity is fatal, error, warning or information.
	Severity string
	// Type is issue.code: the FHIR IssueType.
	Type string
	// Coding is details.coding[0].
	Coding Coding
	// Text is details.text.
	Text string
	// Diagnostics says what was wrong and names the field; never whose record it was.
	Diagnostics string
	// Expression names the elements at fault.
	Expression []string
}

// Error implements error with what may be logged: the code, never the
// diagnostics, which may repeat what the client sent.
func (i *Issue) Error() string {
	if i.Coding.Code != "" {
		return i.Coding.Code
	}
	return i.Type
}

// Answer is what a rule answers a client with.
type Answer struct {
	// Status is the HTTP status.
	Status int
	// Version is sent as ETag W/"n" when it is not 0.
	Version uint64
	// Header holds further response headers of the service, such as notification-id.
	Header map[string]string
	// Body is the resource, ready to send.
	Body []byte
}
