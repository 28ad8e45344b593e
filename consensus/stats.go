package consensus

import "fmt"

// Stats is the group at a glance. Its parts are read one after the other, not at
// one instant.
type Stats struct {
	Group          uint32
	State          string // Leader, Follower, Candidate, Shutdown
	LeaderID       string
	Term           uint64
	FirstIndex     uint64 // of the log; 0 when it is empty
	LastIndex      uint64
	CommitIndex    uint64
	AppliedIndex   uint64
	SnapshotIndex  uint64
	Voters         int
	QueuedPayloads int
	QueuedBytes    int
}

// Stats returns the group at a glance.
func (g *Group) Stats() Stats {
	first, _ := g.logs.FirstIndex()
	voters, _ := g.voters()
	id, _ := g.Leader()
	payloads, bytes := g.queue.depth()
	return Stats{
		Group:          g.config.Group,
		State:          g.raft.State().String(),
		LeaderID:       id,
		Term:           g.raft.CurrentTerm(),
		FirstIndex:     first,
		LastIndex:      g.raft.LastIndex(),
		CommitIndex:    g.raft.CommitIndex(),
		AppliedIndex:   g.AppliedIndex(),
		SnapshotIndex:  g.snapshots.index(),
		Voters:         len(voters),
		QueuedPayloads: payloads,
		QueuedBytes:    bytes,
	}
}

// String renders the stats on one line, for operators, tests and the debug tool.
func (s Stats) String() string {
	return fmt.Sprintf("group %d: %s in term %d, leader %q, log %d..%d, committed %d, applied %d, snapshot %d, voters %d, queued %d (%d bytes)",
		s.Group, s.State, s.Term, s.LeaderID, s.FirstIndex, s.LastIndex, s.CommitIndex, s.AppliedIndex,
		s.SnapshotIndex, s.Voters, s.QueuedPayloads, s.QueuedBytes)
}
