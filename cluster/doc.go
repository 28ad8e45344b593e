// Package cluster marries consensus, storage and index into nodes that hold
// shards, and answers three questions for the services above it: what does this
// subject look like now (View), change it as this rule says (Decide), and who
// fits this query (Search).
//
// The contract:
//   - Everything that leaves this package is at or below the visible index V of
//     its shard: acknowledgements, views, hits, replayed outcomes.
//   - A View is one shard at one V. A Decide whose rule returned a mutation is
//     answered when that mutation is visible; one whose rule returned an error
//     is a linearizable read.
//   - Decisions on one subject queue on the node that takes them, in the order of arrival; those
//     of several nodes refuse each other by their conditions and are taken again.
//   - Every queue is bounded; over the bound the answer is a RetryError.
//
// It knows nothing of FHIR. Wiring a node is one function, Start, which every
// command and every test uses.
package cluster
