package api

import (
	vertebrav1 "vertebra/api/proto/vertebra/v1"
)

// locatorServer answers many reads and writes at a time, by the same rules as the
// FHIR services.
type locatorServer struct {
	vertebrav1.UnimplementedLocatorServer
	edge *Edge
}
