// Package apitest is a cluster in memory, for tests of the edge: one shard, one
// replica, every write visible at once. It checks conditions and remembers
// outcomes as the real one does, and can be told to fail.
package apitest
