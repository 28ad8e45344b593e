// Package vertebrav1 is version 1 of Vertebra's public gRPC interface and its
// FHIR routes, generated from the .proto files beside it. Messages are not safe
// for concurrent writing.
package vertebrav1

import _ "embed"

//go:embed vertebra.swagger.json
var openAPI string

// OpenAPI returns the description of the HTTP routes as generated: OpenAPI 2.0, JSON.
func OpenAPI() string { return openAPI }
