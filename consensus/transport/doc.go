// Package transport carries everything that the nodes of a cluster say to each other
// about consensus: raft's messages of all groups, and beside them small messages with
// priority. It is our own raft.Transport, because one connection per group and pair of
// nodes, as raft's own has it, costs ten times the memory, and because the rest of this
// list cannot be had otherwise.
//
// The contract:
//   - One connection joins two nodes, whoever dialled it, and carries binary frames of
//     all groups. Snapshots and other bulk get a connection of their own each (Stream).
//   - Frames with priority (heartbeats, votes, terms, the visible index, pings, small
//     calls) overtake entries. Heartbeats of many groups travel in one frame and are
//     answered outside of the path that waits for the disk.
//   - Who speaks is known: the peer's node is in its certificate, its incarnation in the
//     handshake. Frames are never taken from, or given to, another incarnation.
//   - What raft says about the sender in a message is what the connection says.
//   - OnMatched tells through which index a peer has a leader's log, from answers to
//     appended entries and installed snapshots only; a heartbeat counts nothing.
//   - Everything is bounded: queues, windows, frames, handshakes, streams. A peer that
//     cannot be reached fails calls at once (ErrPeerDown), one that does not keep up
//     fails them when its queue is full (ErrPeerBusy).
//   - Nothing is retried and nothing is promised: a message may be lost with its
//     connection. An error does not say that the peer has not acted on it.
//   - No body of any message is ever logged.
package transport
