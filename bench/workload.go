package bench

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"

	"vertebra/bench/people"
)

// Protocol is how clients speak to the node.
type Protocol string

// The protocols.
const (
	// HTTP is FHIR over HTTP/1.1, a kept connection a client.
	HTTP Protocol = "http"
	// GRPC is the FHIR services' own calls over gRPC, a connection a client.
	GRPC Protocol = "grpc"
	// Unary is the locator's call for one record.
	Unary Protocol = "locator"
	// Stream is the locator's stream, one a client, one batch at a time.
	Stream Protocol = "stream"
)

// streamBatch is how many reads of a stream travel together: the order of what a
// busy system has waiting, far below the 1,000 that the service takes.
const streamBatch = 64

// Workload is one kind of question, asked again and again. It is a value.
type Workload struct {
	// Name is what it is called on the command line and in reports.
	Name string
	// Says what it does in a few words.
	Says     string
	Protocol Protocol
	// Batch is how many people one call asks for.
	Batch int
	// trace makes the search that must find a person, or false for somebody it does not
	// suit; nil reads by NHS number.
	trace func(people.Person, *rand.Rand) (url.Values, bool)
}

// Workloads is the table of all workloads, in the order in which they are run.
func Workloads() []Workload {
	return []Workload{
		{"read-http", "GET /Patient/{id}", HTTP, 1, nil},
		{"read-grpc", "Demographics.ReadPatient", GRPC, 1, nil},
		{"read-locator", "Locator.Get", Unary, 1, nil},
		{"read-stream", "Locator.Stream, batches of 64", Stream, streamBatch, nil},
		{"trace-exact", "family, given, gender, birth date", HTTP, 1, traceExact},
		{"trace-prefix", "Sm* and a month of birth", HTTP, 1, tracePrefix},
		{"trace-year", "family and a year of birth", HTTP, 1, traceYear},
		{"trace-sound", "fuzzy: a family name that sounds alike, given, birth date", HTTP, 1, traceSound},
		{"trace-typo", "fuzzy: a mistyped family name, given, birth date", HTTP, 1, traceTypo},
		{"trace-transposed", "fuzzy: family and given name exchanged, birth date", HTTP, 1, traceTransposed},
		{"trace-wildcard", "Sm*t* and a year of birth", HTTP, 1, traceWildcard},
		{"trace-postcode", "family, birth date, postcode", HTTP, 1, tracePostcode},
	}
}

// UnknownWorkloadError is returned for a name that no workload has.
type UnknownWorkloadError struct{ Name string }

// Error implements error.
func (e *UnknownWorkloadError) Error() string {
	var names []string
	for _, w := range Workloads() {
		names = append(names, w.Name)
	}
	return fmt.Sprintf("there is no workload %q; there are %s", e.Name, strings.Join(names, ", "))
}

// Select returns the workloads of the names, in the table's order; all for no name.
func Select(names []string) ([]Workload, error) {
	all := Workloads()
	if len(names) == 0 {
		return all, nil
	}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(w Workload) bool { return w.Name == name }) {
			return nil, &UnknownWorkloadError{name}
		}
	}
	return slices.DeleteFunc(all, func(w Workload) bool { return !slices.Contains(names, w.Name) }), nil
}
