// Package membership says which nodes are there, where, and how loaded, by gossip
// (hashicorp/memberlist, encrypted). It is a hint about life and distance: who owns
// what is the control group's to say, and nobody asks it here.
//
// The contract:
//   - Members is a snapshot of the nodes that were heard of, with how alive they are and
//     the measured round trip. Config.OnEvent is told each change once, in order, from
//     one goroutine; it may call anything of this package.
//   - A second node under a taken id is never let in. It is reported as a Conflict to
//     everybody who hears of it, to itself as well.
//   - WaitForExpected gives all founders of a cluster the same list, or none.
//   - Everything is bounded: members, events, messages, retries.
//
// A Gossip may be used from any goroutine.
package membership
