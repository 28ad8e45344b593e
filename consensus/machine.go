package consensus

import (
	"fmt"
	"io"

	"github.com/hashicorp/raft"
)

// machineFeed is raft's BatchingFSM over a StateMachine. Raft calls it from one
// goroutine, snapshots' Persist and Release from another.
type machineFeed struct {
	machine StateMachine
	applied appliedIndex
	observe func(entries []Entry) (done func()) // around each Apply
	fail    func(error)                         // told of the first failure

	failure  error // set once, then nothing is applied any more
	entries  []Entry
	places   []int // of entries in the batch
	payloads [][]byte
}

// appliedEntry is what raft's future carries back to the proposer.
type appliedEntry struct {
	index, term uint64
	results     []any
}

// Apply implements raft.FSM.
func (f *machineFeed) Apply(l *raft.Log) any { return f.ApplyBatch([]*raft.Log{l})[0] }

// ApplyBatch implements raft.BatchingFSM. After a failure each response is the
// error: an entry behind one that was not applied must not be either.
func (f *machineFeed) ApplyBatch(logs []*raft.Log) []any {
	responses := make([]any, len(logs))
	if f.failure == nil {
		if err := f.apply(logs, responses); err != nil {
			f.failure = fmt.Errorf("%w: applying: %w", ErrFailed, err)
			f.fail(f.failure)
		}
	}
	if f.failure != nil {
		for i := range responses {
			responses[i] = f.failure
		}
	}
	return responses
}

func (f *machineFeed) apply(logs []*raft.Log, responses []any) error {
	if err := f.collect(logs); err != nil {
		return err
	}
	if len(f.entries) == 0 {
		return nil
	}
	done := f.observe(f.entries)
	results, err := f.machine.Apply(f.entries)
	done()
	if err != nil {
		return err
	}
	if len(results) != len(f.entries) {
		return fmt.Errorf("%d results for %d entries", len(results), len(f.entries))
	}
	for i, e := range f.entries {
		if len(results[i]) != len(e.Payloads) {
			return fmt.Errorf("entry %d: %d results for %d payloads", e.Index, len(results[i]), len(e.Payloads))
		}
		responses[f.places[i]] = &appliedEntry{e.Index, e.Term, results[i]}
	}
	f.applied.raise(f.entries[len(f.entries)-1].Index)
	return nil
}

// collect takes the commands that are new out of a batch. After a restart raft
// feeds everything behind the last snapshot again.
func (f *machineFeed) collect(logs []*raft.Log) error {
	clear(f.entries)
	clear(f.payloads)
	f.entries, f.places, f.payloads = f.entries[:0], f.places[:0], f.payloads[:0]
	for i, l := range logs {
		if l.Type != raft.LogCommand || l.Index <= f.applied.load() {
			continue
		}
		from := len(f.payloads)
		payloads, err := EntryPayloads(f.payloads, l.Data)
		if err != nil {
			return fmt.Errorf("entry %d: %w", l.Index, err)
		}
		f.payloads = payloads
		// Growing may move the slice: what was cut from it before keeps the old array.
		mine := payloads[from:len(payloads):len(payloads)]
		f.entries = append(f.entries, Entry{l.Index, l.Term, mine})
		f.places = append(f.places, i)
	}
	return nil
}

// Snapshot implements raft.FSM.
func (f *machineFeed) Snapshot() (raft.FSMSnapshot, error) {
	if f.failure != nil {
		return nil, f.failure
	}
	meta, err := f.machine.SnapshotMeta()
	if err != nil {
		return nil, fmt.Errorf("consensus: describing the state: %w", err)
	}
	return &machineSnapshot{f.machine, encodeSnapshotData(f.applied.load(), meta)}, nil
}

// Restore implements raft.FSM: another node's snapshot has arrived. One that this
// replica is already past, from a message that was long on its way, changes nothing.
func (f *machineFeed) Restore(source io.ReadCloser) error {
	data, err := io.ReadAll(io.LimitReader(source, maxSnapshotMeta+1))
	if err != nil {
		return fmt.Errorf("consensus: reading a snapshot: %w", err)
	}
	if f.failure != nil {
		return f.failure
	}
	return f.restore(data)
}

func (f *machineFeed) restore(data []byte) error {
	applied, meta, err := decodeSnapshotData(data)
	if err != nil || applied <= f.applied.load() {
		return err
	}
	if err := f.machine.Restore(meta); err != nil {
		return fmt.Errorf("consensus: restoring the state: %w", err)
	}
	if got := f.machine.AppliedIndex(); got < applied {
		return fmt.Errorf("%w: restored to %d, not to %d", ErrLogLost, got, applied)
	}
	f.applied.raise(f.machine.AppliedIndex())
	return nil
}

// machineSnapshot is a snapshot being taken. Its data says what was applied when
// it began.
type machineSnapshot struct {
	machine StateMachine
	data    []byte
}

// Persist implements raft.FSMSnapshot. The state is made durable first: once the
// snapshot stands, raft deletes the log that could make it again.
func (s *machineSnapshot) Persist(sink raft.SnapshotSink) error {
	if err := s.machine.Flush(); err != nil {
		return fmt.Errorf("consensus: flushing the state: %w", err)
	}
	if _, err := sink.Write(s.data); err != nil {
		return err
	}
	return sink.Close()
}

// Release implements raft.FSMSnapshot.
func (s *machineSnapshot) Release() {}
