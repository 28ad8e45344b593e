// Package consensus lets the replicas of one shard agree on one log: a raft
// group on hashicorp/raft, over a byte-level log and a state machine that the
// caller brings.
//
// The contract:
//   - A payload is answered by Propose after it was committed and applied here,
//     exactly once, in the order of the log. An error says whether it can have been
//     made: only ErrOutcomeUnknown means perhaps, every other one means no.
//   - ProveLeader returns after a moment at which this node was certainly the
//     leader of the term it names; see DESIGN.md for what a read must then do. The
//     library's lease and VerifyLeader are no such proof and are not used.
//   - The log is synced before it is acknowledged and truncated only when the state
//     that it made is durable. After a crash the state machine continues from its
//     own applied index.
//   - The state machine sees commands only, in log order, each once.
//   - Everything is bounded: the queue, an entry, a pack, the cache, the log.
//   - A failed write of the log or a failed apply ends the group (fail-stop): what
//     is on disk is then unknown, and a restart finds out.
//
// It knows nothing of storage, of shards or of what a payload means, and never
// logs one.
package consensus
