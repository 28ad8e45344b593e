// Package load puts people into a running cluster from NDJSON, one Patient a
// line, over the Locator's stream. The command `vertebra load`, the sandbox and
// the bench harness use it.
//
// The contract:
//   - A line is answered by the server before it counts. When Run returns without
//     an error, every line was either taken by the server or reported as bad.
//   - Lines about one person take effect in the order of the input. Nothing is
//     promised about the order of lines about different people.
//   - What the server cannot take now (unavailable, overloaded, a broken stream) is
//     tried again, with the same batch ids, until Options.Patience has passed
//     without any progress. Trying again is safe: a put equal to what is stored
//     changes nothing.
//   - A line that cannot be taken ever is left out and reported by its number and
//     a reason that never repeats what the line holds.
//   - Memory is bounded by Options: batches in flight times bytes a batch.
//   - With a checkpoint an interrupted Run goes on behind the last line up to which
//     all lines were answered. Some lines behind it may be sent twice.
//
// Run owns its goroutines: all have ended when it returns.
package load
