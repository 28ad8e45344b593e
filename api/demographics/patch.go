package demographics

import (
	"time"

	"vertebra/api/access"
	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// PatchRequest is a PATCH /Patient/{number}.
type PatchRequest struct {
	Caller access.Caller
	// Number is the one to change: that of the path, or the retained one to which it led.
	Number string
	// Requested is the number of the path; empty when it is Number.
	Requested   string
	IfMatch     string
	ContentType string
	Body        []byte
	// Now is cluster time.
	Now time.Time
	// RequestID is remembered with the outcome; zero remembers nothing.
	RequestID record.RequestID
	// NewID makes an object id for an added item. It may give one that is taken already.
	NewID func() string
}
