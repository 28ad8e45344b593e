package cluster

import (
	"context"
	"encoding/binary"
	"slices"

	"vertebra/index"
	"vertebra/storage"
	"vertebra/storage/record"
)

// droppedNote is this node's note of how far the store's index queue was dropped.
const droppedNote = "index.dropped"

// refill brings the search index from the position that it has on disk up to what
// is applied, before the replica serves. The store's queue has what the index may
// have lost; where the index lost more (its folder was removed) it is rebuilt from
// state.
func (r *replica) refill(ctx context.Context) error {
	r.fed.Store(r.state.AppliedIndex()) // nothing is applied before the group is joined
	if r.index == nil {
		return nil
	}
	from := r.index.Indexed(uint16(r.id))
	note, err := r.state.Local(droppedNote)
	if err != nil {
		return err
	}
	if dropped, _ := binary.Uvarint(note); from < dropped {
		return r.rebuild(ctx)
	}
	var updates []index.Update
	for queued, err := range r.state.Queue(from, r.state.AppliedIndex()) {
		if err != nil {
			return err
		}
		if profile := r.profiles[queued.Key.Table]; profile != nil || queued.Wipe {
			updates = append(updates, r.updateOf(queued, profile))
		}
		// What is refilled is applied, so no Admit can hold it up; it is given on in portions
		// to let bleve start before the last is read.
		if len(updates) >= refillPortion && queued.Index != updates[len(updates)-1].Index {
			if err := r.index.Append(updates); err != nil {
				return err
			}
			updates = updates[:0]
		}
	}
	return r.index.Append(updates)
}

const refillPortion = 5000

func (r *replica) updateOf(q storage.Queued, profile *index.Profile) index.Update {
	if q.Wipe {
		return index.Update{Shard: uint16(r.id), Index: q.Index, Wipe: true}
	}
	return index.Update{
		Shard: uint16(r.id), Index: q.Index, ID: documentID(q.Key),
		Profile: profile.Number, Document: index.Document(q.Document),
	}
}

// rebuild indexes the shard from its state as it is at the applied index.
func (r *replica) rebuild(ctx context.Context) error {
	if err := r.index.Reset(ctx, uint16(r.id)); err != nil {
		return err
	}
	at := r.state.AppliedIndex()
	view, err := r.state.View(at)
	if err != nil {
		return err
	}
	defer view.Close()
	low, high := r.state.Slots()
	for table, profile := range r.profiles {
		for found, err := range view.Records(table, low, high) {
			if err != nil {
				return err
			}
			if err := r.reindex(view, found.Key, profile, at); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *replica) reindex(view *storage.View, key record.Key, profile *index.Profile, at uint64) error {
	document, _, err := view.Document(key)
	if err != nil || len(document) == 0 {
		return err
	}
	return r.index.Append([]index.Update{{
		Shard: uint16(r.id), Index: at, ID: documentID(key), Profile: profile.Number, Document: document,
	}})
}

// dropQueue forgets what the search index has on disk. The note is written first:
// should only it survive a crash, the index is asked for more than it needs to give.
func (r *replica) dropQueue(upTo uint64) error {
	if err := r.state.SetLocal(droppedNote, binary.AppendUvarint(nil, upTo)); err != nil {
		return err
	}
	return r.state.DropQueue(upTo)
}

// updatesOf lists what a mutation changes in the search index, appended to
// updates. Only tables with a profile are searched.
func (r *replica) updatesOf(updates []index.Update, at uint64, m *record.Mutation) []index.Update {
	for i := range m.Writes {
		w := &m.Writes[i]
		profile := r.profiles[w.Key.Table]
		if profile == nil {
			continue
		}
		update := index.Update{Shard: uint16(r.id), Index: at, ID: documentID(w.Key), Profile: profile.Number}
		if w.Version != 0 {
			// A copy, so that the queue does not hold on to the whole entry.
			update.Document = slices.Clone(w.Document)
		}
		updates = append(updates, update)
	}
	return updates
}
