package cluster

import (
	"context"
	"time"

	"vertebra/storage/record"
)

const (
	// collectEvery is how often a leader looks whether old versions can go.
	collectEvery = 10 * time.Second
	// collectAfter is how long a version that was replaced stays readable, so that a search
	// with several pages, or a client with a position, still finds it.
	collectAfter = time.Minute
)

// collector proposes "collect up to F" for one shard, where F was visible
// collectAfter ago. Collection goes through the log so that replicas stay equal.
type collector struct {
	marks   []mark
	done    uint64
	changes uint64
}

// mark says that index was visible at a time.
type mark struct {
	at    time.Time
	index uint64
}

// floor notes the present visible index and returns the one to collect up to, or
// 0 when there is nothing to gain. changes counts the mutations applied so far: the
// collections themselves move the visible index too, and must not call for more.
func (c *collector) floor(now time.Time, visible, changes uint64) uint64 {
	if c.changes != changes {
		c.changes = changes
		c.marks = append(c.marks, mark{now, visible})
	}
	var floor uint64
	for len(c.marks) > 0 && now.Sub(c.marks[0].at) >= collectAfter {
		floor = c.marks[0].index
		c.marks = c.marks[1:]
	}
	if floor <= c.done {
		return 0
	}
	c.done = floor
	return floor
}

// collectLoop runs until the node closes.
func (n *Node) collectLoop(ctx context.Context) {
	collectors := make([]collector, len(n.replicas))
	for {
		select {
		case <-n.config.Clock.After(collectEvery):
		case <-ctx.Done():
			return
		}
		for i, r := range n.replicas {
			if !r.established() {
				continue
			}
			floor := collectors[i].floor(n.config.Clock.Now(), r.visible.load(), r.changes.Load())
			if err := r.collect(ctx, floor); err != nil && ctx.Err() == nil {
				n.log.Warn("collection put off", "shard", r.id, "error", err)
			}
		}
	}
}

// collect proposes collections until everything up to the floor is collected: one
// command does a bounded piece of it, so that it holds nobody up. 0 is no floor.
func (r *replica) collect(ctx context.Context, floor uint64) error {
	for floor > 0 {
		if _, err := r.propose(ctx, record.Command{Kind: record.KindCollect, Floor: floor}); err != nil {
			return err
		}
		if more, err := r.state.Collectable(); !more || err != nil {
			return err
		}
	}
	return nil
}
