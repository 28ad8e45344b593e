// Package placement decides which nodes hold which shards, and how one placement
// becomes another. It is pure: values in, values out, no clock, goroutine or
// socket. What it decides is stored in the control group and carried out by
// whoever leads the shard in question.
//
// The contract:
//   - Initial places a new cluster. Plan compares a placement with the nodes and
//     says which moves come next: at most one of a shard, few at a time. Applied again
//     and again it comes to rest, and then it says nothing.
//   - Next says the one step that a move needs now. It is derived from raft's
//     configuration and what the control group says, never from what was done before, so
//     it can be asked again after any crash, by any node.
//   - No step leaves a shard without a majority of live voters, nor where the death
//     of a node of the move would.
//   - The same values give the same answer on every node.
//   - Status renders all of it as text, in one way for the command line, the
//     console and tests.
//
// Every function may be called from any goroutine; arguments are not changed and
// what is returned shares no memory that is written to.
package placement
