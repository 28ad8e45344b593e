package cluster

import (
	"context"
	"encoding/binary"
	"time"

	"vertebra/storage/record"
)

// clockKey is the control group's record of how far the cluster's clock is moved.
func clockKey() record.Key {
	return record.Key{Subject: record.ControlPrefix + "clock", Table: record.Settings}
}

// Now is the cluster's time: what every time in a record is taken from. Never
// compare it with the machine's own clock.
func (n *Node) Now() time.Time { return n.clock.Now() }

// AdvanceClock moves the cluster's clock forward, on every node, and returns when
// it has been moved. Only the sandbox calls it.
func (n *Node) AdvanceClock(ctx context.Context, by time.Duration) error {
	return n.setClock(ctx, func(offset time.Duration) time.Duration { return offset + by })
}

// ResetClock puts the cluster's clock back to the machine's. The shards' own times
// go back only with Wipe, which must follow.
func (n *Node) ResetClock(ctx context.Context) error {
	return n.setClock(ctx, func(time.Duration) time.Duration { return 0 })
}

func (n *Node) setClock(ctx context.Context, next func(time.Duration) time.Duration) error {
	key := clockKey()
	_, err := n.Decide(ctx, key.Subject, record.RequestID{}, func(v *View) (record.Mutation, error) {
		old, _, err := v.Get(key)
		if err != nil {
			return record.Mutation{}, err
		}
		body := binary.AppendVarint(nil, int64(next(clockOffset(old.Body))))
		return record.Mutation{
			Reads:  []record.Read{{Key: key, Version: old.Version}},
			Writes: []record.Write{{Key: key, Version: old.Version + 1, Body: body}},
		}, nil
	})
	return err
}

func clockOffset(body []byte) time.Duration {
	offset, n := binary.Varint(body)
	if n <= 0 {
		return 0
	}
	return time.Duration(offset)
}

// followControl keeps what this node holds in memory of the control group
// current. It is called from the control group's apply loop with each mutation.
func (n *Node) followControl(m *record.Mutation) {
	for i := range m.Writes {
		if m.Writes[i].Key == clockKey() {
			n.clock.offset.Store(int64(clockOffset(m.Writes[i].Body)))
		}
	}
}

// recallControl reads at start what followControl would have been told.
func (n *Node) recallControl() error {
	control := n.replicas[0]
	view, err := control.state.View(control.state.AppliedIndex())
	if err != nil {
		return err
	}
	defer view.Close()
	setting, _, err := view.Get(clockKey())
	if err != nil {
		return err
	}
	n.clock.offset.Store(int64(clockOffset(setting.Body)))
	return nil
}

// Wipe empties every shard, postings, outcomes, events and the search index
// included, but for the records of the tables in keep. Shard times start again. Only
// the sandbox calls it.
func (n *Node) Wipe(ctx context.Context, keep ...record.Table) error {
	keep = append(keep, record.Settings)
	for _, r := range n.replicas {
		if _, err := r.propose(ctx, record.Command{Kind: record.KindWipe, Keep: keep}); err != nil {
			return err
		}
	}
	return nil
}
