package consensus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// Configuration returns the servers of the group as this node's log has them,
// committed or not, voters and learners.
func (g *Group) Configuration() []raft.Server {
	return g.raft.GetConfiguration().Configuration().Servers
}

// AddVoter adds a voter, or makes a learner one. Raft promotes nobody by itself:
// check that a learner has caught up first. Only the leader can; one change at a
// time.
func (g *Group) AddVoter(ctx context.Context, id, address string) error {
	return g.change(ctx, func(limit time.Duration) raft.Future {
		return g.raft.AddVoter(raft.ServerID(id), raft.ServerAddress(address), 0, limit)
	})
}

// AddNonvoter adds a learner: it receives the log and does not vote.
func (g *Group) AddNonvoter(ctx context.Context, id, address string) error {
	return g.change(ctx, func(limit time.Duration) raft.Future {
		return g.raft.AddNonvoter(raft.ServerID(id), raft.ServerAddress(address), 0, limit)
	})
}

// RemoveServer removes a voter or a learner. A leader that removes itself steps
// down when that is committed.
func (g *Group) RemoveServer(ctx context.Context, id string) error {
	return g.change(ctx, func(limit time.Duration) raft.Future {
		return g.raft.RemoveServer(raft.ServerID(id), 0, limit)
	})
}

// Transfer hands leadership to a server, or with an empty id to the one that is
// most up to date. Proposals wait meanwhile, and find another leader after. It
// returns ErrNotLeader or raft's reason why it did not happen.
func (g *Group) Transfer(ctx context.Context, id string) error {
	if id == "" {
		return g.change(ctx, func(time.Duration) raft.Future { return g.raft.LeadershipTransfer() })
	}
	for _, s := range g.Configuration() {
		if string(s.ID) == id {
			return g.change(ctx, func(time.Duration) raft.Future {
				return g.raft.LeadershipTransferToServer(s.ID, s.Address)
			})
		}
	}
	return fmt.Errorf("consensus: server %q is not in the group", id)
}

// change makes one change of the group and waits for it, but not longer than the
// context: then its outcome is unknown.
func (g *Group) change(ctx context.Context, begin func(limit time.Duration) raft.Future) error {
	if !g.IsLeader() || g.over() != nil {
		return g.refusal()
	}
	result := make(chan error, 1)
	go func() { result <- begin(g.config.ElectionTimeout).Error() }()
	select {
	case err := <-result:
		return g.changeError(err)
	case <-ctx.Done():
		return outcomeUnknown(ctx.Err())
	case <-g.dead:
		return outcomeUnknown(ErrClosed)
	}
}

func (g *Group) changeError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader):
		return g.refusal()
	case errors.Is(err, raft.ErrLeadershipLost), errors.Is(err, raft.ErrRaftShutdown):
		return outcomeUnknown(err)
	default:
		return fmt.Errorf("consensus: changing the group: %w", err)
	}
}
