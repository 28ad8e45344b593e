// Package api is the edge of a node: the FHIR services over HTTP through
// grpc-gateway, the same services and the locator over native gRPC.
//
// The contract:
//   - One path for every call, whichever way it came in: Edge.serve identifies the
//     caller, limits, sets the deadline, runs the operation, measures, and turns
//     an error into an answer. It stands inside the service's methods and not in
//     a gRPC interceptor, since grpc-gateway calls a service in process without
//     any interceptor.
//   - The interactions (read, search, decide, create) are written once over the
//     small interfaces Cluster and View. A service is its .proto file, its package
//     of pure rules, and one file here that joins the two.
//   - Every error is turned into HTTP status, gRPC code and OperationOutcome by
//     one table, in errors.go. Nothing a client sends can panic the process.
//   - Every answer repeats X-Request-ID and X-Correlation-ID; what is bounded is
//     listed in Limits.
//   - No log line, metric label or error text of this package carries an NHS
//     number, a name, or anything else of a body, path or query.
//
// DESIGN.md has the decisions.
package api
