package index

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

// The fields of the documents in tests: a person, more or less.
const (
	family Field = iota + 1
	given
	past
	sound
	birth
	postcode
	notes
)

// person is a profile with every kind of term.
func person() *Profile {
	return &Profile{
		Number: 1, Name: "person",
		Composites: []Composite{
			{Number: 1, Parts: []Part{{Field: family}, {Field: birth}}},
			{Number: 2, Parts: []Part{{Field: past}, {Field: birth}}},
			{Number: 3, Parts: []Part{{Field: family, First: 2}, {Field: birth}}},
			{Number: 4, Parts: []Part{{Field: sound}, {Field: birth}}},
			{Number: 5, Parts: []Part{{Field: postcode}}},
			{Number: 6, Parts: []Part{{Field: given}, {Field: past}, {Field: birth}}},
		},
		Terms: []Term{
			{family, TermExact}, {family, TermStart}, {given, TermExact}, {given, TermStart},
			{past, TermExact}, {sound, TermExact}, {birth, TermDate}, {postcode, TermStart}, {notes, TermWords},
		},
	}
}

func is(f Field, values ...string) Criterion {
	return Criterion{Fields: []Field{f}, Op: Equal, Values: values}
}

// open opens an engine on a folder of the test's, or on dir, and closes it at the end.
func open(t testing.TB, options Options) *Engine {
	t.Helper()
	if options.Dir == "" {
		options.Dir = t.TempDir()
	}
	if options.Profiles == nil {
		options.Profiles = []*Profile{person()}
	}
	e, err := Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func feed(t testing.TB, e *Engine, updates ...Update) {
	t.Helper()
	if err := e.Append(updates); err != nil {
		t.Fatal(err)
	}
	for _, u := range updates {
		e.Advance(u.Shard, u.Index)
	}
}

func flush(t testing.TB, e *Engine) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := e.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

// found lists the candidates as shard/id, sorted.
func found(t testing.TB, e *Engine, shards []uint16, all ...Criterion) []string {
	t.Helper()
	ids := []string{}
	q := &Query{Profile: e.profiles[1], Any: [][]Criterion{all}}
	err := e.Candidates(t.Context(), q, shards, func(shard uint16, id string) bool {
		ids = append(ids, fmt.Sprintf("%d/%s", shard, id))
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	return ids
}

func wantFound(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

func named(name, date string) Document {
	return Document(nil).With(family, name).With(birth, date)
}

func TestFoundFromTheQueueAndFromBleve(t *testing.T) {
	e := open(t, Options{BatchInterval: time.Hour})
	feed(t, e, Update{Shard: 1, Index: 7, ID: "a", Profile: 1, Document: named("smith", "19700314")})
	wantFound(t, found(t, e, []uint16{1}, is(family, "smith")), "1/a")
	flush(t, e)
	if lag := e.Lag(); lag.Queued != 0 {
		t.Errorf("lag %+v after a flush", lag)
	}
	wantFound(t, found(t, e, []uint16{1}, is(family, "smith"), is(birth, "19700314")), "1/a")
	wantFound(t, found(t, e, []uint16{1}, is(family, "smith"), is(birth, "19700315")))
	wantFound(t, found(t, e, []uint16{2}, is(family, "smith")))
	feed(t, e, Update{Shard: 1, Index: 8, ID: "a", Profile: 1, Document: named("jones", "19700314")})
	wantFound(t, found(t, e, []uint16{1}, is(family, "jones")), "1/a")
	flush(t, e)
	wantFound(t, found(t, e, []uint16{1}, is(family, "smith")))
	feed(t, e, Update{Shard: 1, Index: 9, ID: "a", Profile: 1})
	flush(t, e)
	wantFound(t, found(t, e, []uint16{1}, is(family, "jones")))
	if got := e.Indexed(1); got != 9 {
		t.Errorf("indexed %d, want 9", got)
	}
}
