package storage

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"vertebra/storage/record"
)

// model says in the plainest way what a shard holds: every version of every record
// in a list. The store must agree with it at every index that can be read.
type model struct {
	records  map[record.Key][]modelVersion // oldest first
	outcomes map[record.Key]modelOutcome
	queue    []Queued
	events   []modelEvent
	time     int64
	floor    uint64
	applied  uint64
}

type modelVersion struct {
	index uint64
	time  int64
	keep  bool   // the version that this one replaced stays
	goes  uint64 // index of the write that replaced this one for good
	write record.Write
}

type modelOutcome struct {
	outcome record.Outcome
	index   uint64
	time    int64
}

type modelEvent struct {
	index uint64
	event record.Event
}

func newModel() *model {
	return &model{records: map[record.Key][]modelVersion{}, outcomes: map[record.Key]modelOutcome{}}
}

func (m *model) newest(k record.Key) modelVersion {
	if v := m.records[k]; len(v) > 0 {
		return v[len(v)-1]
	}
	return modelVersion{}
}

func (m *model) apply(e Entry) []record.Result {
	m.applied = e.Index
	written := map[record.Key]bool{}
	appended := uint32(0)
	results := make([]record.Result, len(e.Commands))
	for i, c := range e.Commands {
		results[i] = record.Result{Index: e.Index, Ordinal: i}
		switch c.Kind {
		case record.KindMutation:
			m.mutate(c.Mutation, &results[i], written, &appended)
		case record.KindCollect:
			m.collect(c.Floor)
		case record.KindWipe:
			m.wipe(c.Keep, written)
		}
	}
	return results
}

func (m *model) mutate(mu record.Mutation, r *record.Result, written map[record.Key]bool, appended *uint32) {
	id := outcomeKey(mu.Subject, mu.Request)
	if o, ok := m.outcomes[id]; ok && !mu.Request.IsZero() {
		r.Replay, r.ReplayIndex = &o.outcome, o.index
		return
	}
	for _, read := range mu.Reads {
		if have := m.newest(read.Key).write.Version; have != read.Version || written[read.Key] {
			r.Conflict = &record.Conflict{Key: read.Key, Have: have}
			return
		}
	}
	mine := map[record.Key]bool{}
	for _, w := range mu.Writes {
		if written[w.Key] || mine[w.Key] {
			r.Conflict = &record.Conflict{Key: w.Key, Have: m.newest(w.Key).write.Version}
			return
		}
		mine[w.Key] = true
	}
	m.time = max(m.time, mu.Time)
	for _, w := range mu.Writes {
		written[w.Key] = true
		before := m.newest(w.Key).write
		if before.Version == 0 && w.Version == 0 {
			continue
		}
		if n := len(m.records[w.Key]); n > 0 && !w.KeepHistory {
			m.records[w.Key][n-1].goes = m.applied
		}
		m.records[w.Key] = append(m.records[w.Key], modelVersion{index: m.applied, time: m.time, keep: w.KeepHistory, write: w})
		searched := len(before.Document) > 0 || len(before.Postings) > 0
		if w.Version != 0 && len(w.Document) > 0 {
			m.queue = append(m.queue, Queued{Index: m.applied, Key: w.Key, Document: w.Document})
		} else if before.Version != 0 && searched {
			m.queue = append(m.queue, Queued{Index: m.applied, Key: w.Key})
		}
	}
	for _, a := range mu.Appends {
		k := appendKey(a.Key, m.applied, *appended)
		*appended++
		m.records[k] = []modelVersion{{index: m.applied, time: m.time, write: record.Write{Key: k, Version: 1, Body: a.Body}}}
	}
	for _, e := range mu.Events {
		m.events = append(m.events, modelEvent{index: m.applied, event: e})
	}
	if !mu.Request.IsZero() {
		m.outcomes[id] = modelOutcome{outcome: mu.Outcome, index: m.applied, time: m.time}
	}
}

func (m *model) collect(floor uint64) {
	m.floor = max(m.floor, min(floor, m.applied))
	for k, versions := range m.records {
		var kept []modelVersion
		for _, v := range versions {
			replaced := v.goes != 0 && v.goes <= m.floor
			deleted := v.write.Version == 0 && v.index <= m.floor && !v.keep && len(kept) == 0
			if !replaced && !deleted {
				kept = append(kept, v)
			}
		}
		m.records[k] = kept
	}
	for id, o := range m.outcomes {
		if o.index <= m.floor && o.time <= m.time-outcomeLife {
			delete(m.outcomes, id)
		}
	}
}

func (m *model) wipe(keep []record.Table, written map[record.Key]bool) {
	m.queue = []Queued{{Index: m.applied, Wipe: true}}
	for k := range m.records {
		if !slices.Contains(keep, k.Table) {
			delete(m.records, k)
		} else if n := m.newest(k); len(n.write.Document) > 0 && n.write.Version != 0 {
			m.queue = append(m.queue, Queued{Index: m.applied, Key: k, Document: n.write.Document})
		}
	}
	for k := range written {
		if !slices.Contains(keep, k.Table) {
			delete(written, k)
		}
	}
	m.events = nil
	clear(m.outcomes)
	m.time, m.floor = 0, m.applied
}

func (m *model) at(k record.Key, index uint64) (modelVersion, bool) {
	for _, v := range slices.Backward(m.records[k]) {
		if v.index <= index {
			return v, v.write.Version != 0
		}
	}
	return modelVersion{}, false
}

// world generates entries, mostly with the versions that decisions taken now would
// have read.
type world struct {
	*rapid.T
	model *model
}

// The subjects are awkward on purpose: one begins the other, and one has the bytes
// that keys escape.
func (w world) key() record.Key {
	return record.Key{
		Subject: rapid.SampledFrom([]record.Subject{"90", "900", "9\x00"}).Draw(w.T, "subject"),
		Table:   rapid.SampledFrom([]record.Table{record.Demographics, record.RelatedPersons}).Draw(w.T, "table"),
		Rest:    rapid.SampledFrom([]string{"", "a\x00"}).Draw(w.T, "rest"),
	}
}

func (w world) posting() record.Posting {
	return record.Posting{
		Field: rapid.Uint16Range(1, 2).Draw(w.T, "field"),
		Value: []byte(rapid.SampledFrom([]string{"x", "x\x00", "xy", "y"}).Draw(w.T, "value")),
	}
}

func (w world) mutation() record.Mutation {
	m := record.Mutation{Time: rapid.Int64Range(0, 5).Draw(w.T, "hours") * outcomeLife / 4}
	m.Subject = w.key().Subject
	if rapid.IntRange(0, 2).Draw(w.T, "remembered") == 0 {
		m.Request = record.RequestID{rapid.ByteRange(1, 3).Draw(w.T, "request")}
		m.Outcome = record.Outcome{Status: 200, Version: w.model.applied, Subject: m.Subject, Note: []byte("note")}
	}
	for range rapid.IntRange(0, 2).Draw(w.T, "writes") {
		k := w.key()
		have := w.model.newest(k).write.Version
		if rapid.IntRange(0, 3).Draw(w.T, "stale") == 0 {
			have = rapid.SampledFrom([]uint64{0, have + 1, 2}).Draw(w.T, "read")
		}
		if rapid.Bool().Draw(w.T, "conditional") {
			m.Reads = append(m.Reads, record.Read{Key: k, Version: have})
		}
		m.Writes = append(m.Writes, w.write(k, have+1))
	}
	if rapid.IntRange(0, 3).Draw(w.T, "append") == 0 {
		m.Appends = []record.Append{{Key: w.key(), Body: []byte("line")}}
		m.Events = []record.Event{{Type: "changed", Subject: m.Subject, Body: []byte("fact")}}
	}
	return m
}

func (w world) write(k record.Key, version uint64) record.Write {
	out := record.Write{Key: k, KeepHistory: rapid.IntRange(0, 3).Draw(w.T, "keep") == 0}
	if rapid.IntRange(0, 3).Draw(w.T, "delete") == 0 {
		return out
	}
	out.Version = version
	out.Body = []byte(fmt.Sprint("body ", w.model.applied, version))
	out.Attributes = []byte{byte(version)}
	if rapid.IntRange(0, 3).Draw(w.T, "searched") > 0 {
		out.Document = []byte(fmt.Sprint("document ", version))
		for range rapid.IntRange(0, 3).Draw(w.T, "postings") {
			out.Postings = append(out.Postings, w.posting())
		}
	}
	return out
}

func (w world) command() record.Command {
	switch rapid.IntRange(0, 19).Draw(w.T, "kind") {
	case 0:
		return record.Command{Kind: record.KindMarker}
	case 1, 2:
		return record.Command{Kind: record.KindCollect, Floor: rapid.Uint64Range(0, w.model.applied+2).Draw(w.T, "floor")}
	case 3:
		keep := [][]record.Table{nil, {record.RelatedPersons}, {record.RelatedPersons, record.Demographics}}
		return record.Command{Kind: record.KindWipe, Keep: rapid.SampledFrom(keep).Draw(w.T, "keep tables")}
	}
	return record.Command{Kind: record.KindMutation, Mutation: w.mutation()}
}

func (w world) entry(index uint64) Entry {
	e := Entry{Index: index, Term: 1 + index/10}
	for range rapid.IntRange(1, 3).Draw(w.T, "commands") {
		e.Commands = append(e.Commands, w.command())
	}
	return e
}

// describe prints an entry for the transcript of a failure.
func describe(e Entry) string {
	var b strings.Builder
	for _, c := range e.Commands {
		fmt.Fprintf(&b, "\n  kind %d floor %d keep %v", c.Kind, c.Floor, c.Keep)
		for _, r := range c.Mutation.Reads {
			fmt.Fprintf(&b, ", read %q/%d/%q is %d", string(r.Key.Subject), r.Key.Table, r.Key.Rest, r.Version)
		}
		for _, w := range c.Mutation.Writes {
			fmt.Fprintf(&b, ", write %q/%d/%q is %d, keep %v, document %q, %d postings",
				string(w.Key.Subject), w.Key.Table, w.Key.Rest, w.Version, w.KeepHistory, w.Document, len(w.Postings))
		}
	}
	return b.String()
}

// TestModel drives a store and the model with the same entries, pulls the plug now
// and then, and compares everything that can be read.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := world{T: t, model: newModel()}
		r := openReplica(t, NewCrashableMemFS())
		twin := openReplica(t, NewCrashableMemFS())
		defer func() { r.close(t); twin.close(t) }()
		var log []Entry
		var want [][]record.Result
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			portion := rapid.IntRange(1, 3).Draw(t, "entries")
			for range portion {
				e := w.entry(w.model.applied + 1)
				t.Logf("%d: %s", e.Index, describe(e))
				log = append(log, e)
				want = append(want, w.model.apply(e))
			}
			r.apply(t, log[len(log)-portion:], want[len(log)-portion:])
			switch rapid.IntRange(0, 9).Draw(t, "then") {
			case 0:
				r.flush(t)
			case 1:
				r = r.crash(t, rapid.Uint64Range(0, 9).Draw(t, "seed"))
				done := r.shard.AppliedIndex()
				r.apply(t, log[done:], want[done:])
			}
			w.compare(r.shard)
		}
		for i := range log { // alone, where the first had portions
			twin.apply(t, log[i:i+1], want[i:i+1])
		}
		w.compare(twin.shard)
		equalChecksums(t, r.shard, twin.shard)
		r.check(t)
	})
}

func (w world) compare(s *Shard) {
	m := w.model
	if s.AppliedIndex() != m.applied || s.Time() != m.time || s.Floor() != m.floor {
		w.Fatalf("applied %d time %d floor %d, want %d %d %d", s.AppliedIndex(), s.Time(), s.Floor(), m.applied, m.time, m.floor)
	}
	for at := m.floor; at <= m.applied; at++ {
		v, err := s.View(at)
		if err != nil {
			w.Fatal(err)
		}
		w.compareView(v)
		v.Close()
	}
	w.compareQueue(s)
}

func (w world) compareView(v *View) {
	live := map[record.Table]int{}
	postings := map[string]bool{}
	for p := range v.Postings(1, nil, nil) {
		postings[string(appendPosting(nil, 1, record.Posting{Field: 1, Value: p.Value}, p.Key))] = true
	}
	for k, versions := range w.model.records {
		want, there := w.model.at(k, v.At())
		got, found, err := v.Get(k)
		if err != nil || found != there || (there && !want.equal(got)) {
			w.Fatalf("get at %d: %v %v %v, want %v %v", v.At(), got, found, err, want, there)
		}
		w.compareDocument(v, k, want, there)
		if there {
			live[k.Table]++
			for _, p := range want.write.Postings {
				if p.Field == 1 && !postings[string(appendPosting(nil, 1, p, k))] {
					w.Fatalf("at %d: posting %q missing", v.At(), p.Value)
				}
			}
		}
		w.compareHistory(v, k, versions)
	}
	for table, n := range live {
		got := 0
		for _, err := range v.Records(table, 0, record.Slots-1) {
			if err != nil {
				w.Fatal(err)
			}
			got++
		}
		if got != n {
			w.Fatalf("at %d: table %d has %d records, want %d", v.At(), table, got, n)
		}
	}
	w.compareOutcomes(v)
	w.compareEvents(v)
}

func (want modelVersion) equal(got record.Record) bool {
	return got.Version == want.write.Version && got.Index == want.index && got.Time == want.time &&
		bytes.Equal(got.Body, want.write.Body) && bytes.Equal(got.Attributes, want.write.Attributes)
}

func (w world) compareDocument(v *View, k record.Key, want modelVersion, there bool) {
	got, version, err := v.Document(k)
	searched := there && (len(want.write.Document) > 0 || len(want.write.Postings) > 0)
	if !searched {
		want = modelVersion{}
	}
	if err != nil || version != want.write.Version || !bytes.Equal(got, want.write.Document) {
		w.Fatalf("document at %d: %q %d %v, want %q %d", v.At(), got, version, err, want.write.Document, want.write.Version)
	}
}

func (w world) compareHistory(v *View, k record.Key, versions []modelVersion) {
	var want []uint64
	for _, m := range slices.Backward(versions) {
		if m.index <= v.At() {
			want = append(want, m.index)
		}
	}
	var got []uint64
	for r, err := range v.History(k) {
		if err != nil {
			w.Fatal(err)
		}
		got = append(got, r.Index)
	}
	if !slices.Equal(got, want) {
		w.Fatalf("history at %d: %v, want %v", v.At(), got, want)
	}
}

func (w world) compareOutcomes(v *View) {
	for _, subject := range []record.Subject{"90", "900", "9\x00"} {
		for id := range byte(4) {
			want, there := w.model.outcomes[outcomeKey(subject, record.RequestID{id})]
			there = there && want.index <= v.At()
			got, index, found, err := v.Outcome(subject, record.RequestID{id})
			if err != nil || found != there || (there && (index != want.index || got.Version != want.outcome.Version)) {
				w.Fatalf("outcome at %d: %v %d %v %v, want %v", v.At(), got, index, found, err, want)
			}
		}
	}
}

func (w world) compareEvents(v *View) {
	var want, got []uint64
	for _, e := range w.model.events {
		if e.index <= v.At() && e.index > v.At()/2 {
			want = append(want, e.index)
		}
	}
	for e, err := range v.Events(v.At() / 2) {
		if err != nil {
			w.Fatal(err)
		}
		got = append(got, e.Index)
	}
	if !slices.Equal(got, want) {
		w.Fatalf("events at %d: %v, want %v", v.At(), got, want)
	}
}

func (w world) compareQueue(s *Shard) {
	// What a wipe queues again comes in key order, which the model does not know.
	line := func(q Queued) string {
		return fmt.Sprintf("%d %q %q %v", q.Index, string(q.Key.Subject)+q.Key.Rest, q.Document, q.Wipe)
	}
	var want, got []string
	for _, q := range w.model.queue {
		want = append(want, line(q))
	}
	for q, err := range s.Queue(0, s.AppliedIndex()) {
		if err != nil {
			w.Fatal(err)
		}
		got = append(got, line(q))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		w.Fatalf("queue: %q, want %q", got, want)
	}
}
