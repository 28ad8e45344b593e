// Package storage is what a node has on disk: one replica's state per shard
// (Shard), and a log of bytes per raft group (Log), in one Store.
//
// It is mechanical. A mutation comes decided and validated; applying it compares
// versions and writes one batch, and the result depends on nothing but the state and
// the command: no clock, no randomness, no configuration. So replicas that apply the
// same log are equal, whichever build they run.
//
// The contract:
//
//   - An entry is applied whole or not at all, and with it the applied index. State
//     has no log of its own: after a loss of power it is found as it was after some
//     entry, DurableIndex at least, and the caller applies what follows again.
//   - A Log is different: what Append, DeleteRange and SetStable return from is on disk.
//   - Records are versioned by log index. A View at V sees the newest version at or
//     below V of every record, whatever is applied meanwhile, until it is closed. Views
//     below the collection floor are refused with ErrCollected.
//   - A Snapshot is a shard at its applied index, in parts that another node pulls; an
//     Importer checks them and makes them the state there in one step. DropShard takes a
//     replica away, its log and votes with it.
//   - One goroutine applies to a shard; everything else is safe for concurrent use.
//   - Errors are wrapped and told apart with errors.Is; none has a subject in it.
//
// Only this package imports pebble. keys.go alone knows the layout of keys, value.go
// that of values. DESIGN.md beside this file has the reasons.
package storage
