package cluster

import (
	"fmt"

	"vertebra/consensus"
	"vertebra/index"
	"vertebra/storage"
	"vertebra/storage/record"
)

// machine is a replica as consensus sees it: the state machine that entries are
// applied to. It is mechanical; what it may not do is decide.
type machine struct{ *replica }

// Apply implements consensus.StateMachine. The commands of all entries go into
// one batch of the store. The search index queues what they change and puts it into
// bleve once it is visible.
func (m machine) Apply(entries []consensus.Entry) ([][]any, error) {
	batch := make([]storage.Entry, len(entries))
	for i, entry := range entries {
		commands := make([]record.Command, len(entry.Payloads))
		for j, payload := range entry.Payloads {
			var err error
			if commands[j], err = record.DecodeCommand(payload); err != nil {
				return nil, fmt.Errorf("cluster: shard %d entry %d: %w", m.id, entry.Index, err)
			}
		}
		batch[i] = storage.Entry{Index: entry.Index, Term: entry.Term, Commands: commands}
	}
	results, err := m.state.ApplyBatch(batch)
	if err != nil {
		return nil, err
	}
	answers := make([][]any, len(batch))
	var updates []index.Update
	for i, entry := range batch {
		answers[i] = make([]any, len(entry.Commands))
		for j := range entry.Commands {
			answers[i][j] = results[i][j]
			updates = m.effects(updates, &entry.Commands[j], results[i][j])
		}
	}
	if m.index != nil && len(updates) > 0 {
		if err := m.index.Append(updates); err != nil {
			return nil, fmt.Errorf("cluster: shard %d: %w", m.id, err)
		}
	}
	m.fed.Store(batch[len(batch)-1].Index)
	m.expose()
	return answers, nil
}

// effects lists what an applied command changes beside the state.
func (m machine) effects(updates []index.Update, c *record.Command, result record.Result) []index.Update {
	switch {
	case c.Kind == record.KindWipe:
		return append(updates, index.Update{Shard: uint16(m.id), Index: result.Index, Wipe: true})
	case c.Kind == record.KindMutation && result.Conflict == nil && result.Replay == nil:
		m.changes.Add(1)
		m.follow(&c.Mutation)
		return m.updatesOf(updates, result.Index, &c.Mutation)
	}
	return updates
}

// AppliedIndex implements consensus.StateMachine.
func (m machine) AppliedIndex() uint64 { return m.state.AppliedIndex() }

// Flush implements consensus.StateMachine: what was applied is durable when it
// returns, so that the log that made it may be truncated.
func (m machine) Flush() error { return m.state.Flush() }

// SnapshotMeta implements consensus.StateMachine. State does not travel through
// raft: the receiver pulls it.
func (m machine) SnapshotMeta() ([]byte, error) { return nil, nil }

// Restore implements consensus.StateMachine. A snapshot is installed only from
// another node, which a group with one voter does not have.
func (m machine) Restore([]byte) error {
	return fmt.Errorf("cluster: shard %d: no other replica to take a snapshot from", m.id)
}
