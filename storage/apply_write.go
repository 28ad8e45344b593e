package storage

import (
	"bytes"

	"vertebra/storage/record"
)

// comparePostings bounds the work of finding out which postings a record had
// already. Over it all are written again, which is only slower.
const comparePostings = 1024

// writeRecord writes one version of a record and all that goes with it.
func (a *applier) writeRecord(w *record.Write) error {
	h, err := a.head(w.Key)
	if err != nil {
		return err
	}
	if w.Version == 0 && h.version == 0 {
		h.touched = a.next.index // deleting what is absent changes nothing, and happened
		return nil
	}
	next := head{index: a.next.index, touched: a.next.index, loaded: true}
	next.versionHeader = versionHeader{flags: writeFlags(w, h), version: w.Version, time: a.next.time}
	if err := a.putVersion(w.Key, next.versionHeader, w.Attributes, w.Body); err != nil {
		return err
	}
	if err := a.writeDocument(w, h, &next); err != nil {
		return err
	}
	if err := a.queue(w, h); err != nil {
		return err
	}
	if h.index != 0 && !w.KeepHistory {
		g := garbage{key: w.Key, replaced: h.index, deletion: w.Version == 0}
		if err := a.putOrdered(spaceGarbage, &a.replaced, g.append(a.value[:0])); err != nil {
			return err
		}
	}
	*h = next
	return nil
}

func writeFlags(w *record.Write, replaced *head) byte {
	var flags byte
	if w.KeepHistory {
		flags |= flagKeepHistory
	}
	if w.Version == 0 {
		flags |= flagDeleted
	}
	switch {
	case w.Version != 0 && (len(w.Document) > 0 || len(w.Postings) > 0):
		flags |= flagDocument
	case replaced.flags&(flagDocument|flagNoDocument) != 0:
		// Handed on: the version that said so first may be collected while a version before
		// it is kept as history, whose search record would then come up again.
		flags |= flagNoDocument
	}
	return flags
}

func (a *applier) putVersion(k record.Key, h versionHeader, attributes, body []byte) error {
	if h.deleted() {
		attributes, body = nil, nil
	}
	a.key = appendVersion(appendRecord(a.key[:0], k), a.next.index)
	a.value = appendVersionValue(a.value[:0], h, attributes, body)
	return a.batch.Set(a.key, a.value, nil)
}

// writeDocument writes the search record of a version, and those of its postings
// that the version before did not have.
func (a *applier) writeDocument(w *record.Write, h, next *head) error {
	if next.flags&(flagDocument|flagNoDocument) == 0 {
		return nil
	}
	d := documentValue{}
	if next.flags&flagDocument != 0 {
		d = documentValue{version: w.Version, document: w.Document, postings: w.Postings}
		next.postings = w.Postings
	}
	if err := a.loadPostings(w.Key, h); err != nil {
		return err
	}
	a.key = appendVersion(appendRecord(a.key[:0], documentKey(w.Key)), a.next.index)
	a.value = appendDocumentValue(a.value[:0], d)
	if err := a.batch.Set(a.key, a.value, nil); err != nil {
		return err
	}
	known := h.postings
	if len(known)*len(d.postings) > comparePostings {
		known = nil
	}
	for _, p := range d.postings {
		if carries(known, p) {
			continue
		}
		a.key = appendPosting(a.key[:0], a.shard.id, p, w.Key)
		if err := a.batch.Set(a.key, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

func carries(postings []record.Posting, p record.Posting) bool {
	for _, q := range postings {
		if q.Field == p.Field && bytes.Equal(q.Value, p.Value) {
			return true
		}
	}
	return false
}

// loadPostings reads the postings of a head that is not of this batch.
func (a *applier) loadPostings(k record.Key, h *head) error {
	if h.loaded || h.flags&flagDocument == 0 {
		return nil
	}
	it, err := a.iterator()
	if err != nil {
		return err
	}
	d, found, err := seekDocument(it, k, h.index)
	if err != nil || !found {
		return err
	}
	h.postings, h.loaded = clonedPostings(d.postings), true
	return nil
}

func clonedPostings(postings []record.Posting) []record.Posting {
	out := make([]record.Posting, len(postings))
	for i, p := range postings {
		out[i] = record.Posting{Field: p.Field, Value: cloned(p.Value)}
	}
	return out
}

// queue tells the search index of the change.
func (a *applier) queue(w *record.Write, replaced *head) error {
	had := replaced.flags&flagDocument != 0
	switch {
	case w.Version != 0 && len(w.Document) > 0:
		return a.putQueued(queuedDocument, w.Key, w.Document)
	case had:
		return a.putQueued(queuedDeletion, w.Key, nil)
	}
	return nil
}

// putOrdered writes a value into one of the spaces in log order.
func (a *applier) putOrdered(space byte, ordinal *uint32, value []byte) error {
	a.value = value
	a.key = appendIndexed(a.key[:0], space, a.shard.id, a.next.index, *ordinal)
	*ordinal++
	return a.batch.Set(a.key, a.value, nil)
}

func (a *applier) writeAppend(w *record.Append) error {
	k := appendKey(w.Key, a.next.index, a.appended)
	a.appended++
	return a.putVersion(k, versionHeader{version: 1, time: a.next.time}, nil, w.Body)
}

func (a *applier) writeEvent(e *record.Event) error {
	return a.putOrdered(spaceEvent, &a.events, appendEventValue(a.value[:0], a.next.time, *e))
}

func (a *applier) writeOutcome(m *record.Mutation) error {
	k := outcomeKey(m.Subject, m.Request)
	body := m.Outcome.AppendBinary(nil)
	if err := a.putVersion(k, versionHeader{version: 1, time: a.next.time}, nil, body); err != nil {
		return err
	}
	a.outcomes[string(appendRecord(nil, k))] = outcomeAt{Outcome: m.Outcome, index: a.next.index}
	e := expiry{time: a.next.time, subject: m.Subject, request: m.Request}
	return a.putOrdered(spaceExpiry, &a.expiring, e.append(a.value[:0]))
}
