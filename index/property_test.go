package index

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Short values over few letters, so that documents and queries meet.
func nameValue() *rapid.Generator[string] { return rapid.StringMatching(`[abé]{1,5}`) }
func dateValue() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`19(69|70|71)(0[1-3]|1[12])(0[1-9]|3[01])`),
		rapid.SampledFrom([]string{"1970", "197002", "18491231", "21500101", "99999999", "x", "19700299"}))
}
func wordsValue() *rapid.Generator[string] { return rapid.StringMatching(`[ab]{1,2}( [ab]{1,2}){0,3}`) }

func valueOf(f Field) *rapid.Generator[string] {
	switch f {
	case birth:
		return dateValue()
	case notes:
		return wordsValue()
	}
	return nameValue()
}

func documentValue() *rapid.Generator[Document] {
	return rapid.Custom(func(t *rapid.T) Document {
		var d Document
		for f := family; f <= notes; f++ {
			for range rapid.IntRange(0, 2).Draw(t, "values") {
				d = d.With(f, valueOf(f).Draw(t, "value"))
			}
		}
		return d
	})
}

// criterionValue draws a condition, most often on values that some document has.
func criterionValue(documents map[string]Document) *rapid.Generator[Criterion] {
	return rapid.Custom(func(t *rapid.T) Criterion {
		f := rapid.Custom(func(t *rapid.T) Field { return Field(rapid.IntRange(int(family), int(notes)).Draw(t, "field")) })
		c := Criterion{Fields: rapid.SliceOfNDistinct(f, 1, 2, rapid.ID).Draw(t, "fields")}
		value := valueOf(c.Fields[0])
		if known := knownValues(documents, c.Fields[0]); len(known) > 0 {
			value = rapid.OneOf(rapid.SampledFrom(known), rapid.SampledFrom(known), value)
		}
		c.Op = Op(rapid.IntRange(int(Equal), int(Words)).Draw(t, "op"))
		switch c.Op {
		case Range:
			c.Values = []string{rapid.OneOf(value, rapid.Just("")).Draw(t, "low"), rapid.OneOf(value, rapid.Just("")).Draw(t, "high")}
		case Wildcard:
			c.Values = rapid.SliceOfN(patternOf(value), 1, 2).Draw(t, "patterns")
		case Words:
			c.Values = []string{value.Draw(t, "words")}
		case Prefix:
			c.Values = rapid.SliceOfN(startOf(value), 0, 2).Draw(t, "starts")
		default:
			c.Values = rapid.SliceOfN(value, 0, 2).Draw(t, "values")
		}
		return c
	})
}

func knownValues(documents map[string]Document, f Field) (values []string) {
	for _, id := range slices.Sorted(maps.Keys(documents)) {
		values = slices.AppendSeq(values, documents[id].Values(f))
	}
	return values
}

// startOf draws the first characters of a value.
func startOf(value *rapid.Generator[string]) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		v := value.Draw(t, "value")
		return firstCharacters(v, rapid.IntRange(1, 9).Draw(t, "characters"))
	})
}

// patternOf draws a value with some characters after the first replaced by wildcards.
func patternOf(value *rapid.Generator[string]) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		pattern := []rune(value.Draw(t, "value"))
		for i := 1; i < len(pattern); i++ {
			switch rapid.IntRange(0, 7).Draw(t, "wild") {
			case 0:
				pattern[i] = '?'
			case 1:
				pattern[i] = '*'
			}
		}
		return string(pattern) + rapid.SampledFrom([]string{"", "*", "?"}).Draw(t, "end")
	})
}

func queryValue(p *Profile, documents map[string]Document) *rapid.Generator[*Query] {
	return rapid.Custom(func(t *rapid.T) *Query {
		all := rapid.SliceOfN(criterionValue(documents), 1, 3)
		return &Query{Profile: p, Any: rapid.SliceOfN(all, 1, 2).Draw(t, "any")}
	})
}

// postingKey is a posting as storage keeps it, with the document's id.
type postingKey struct {
	field uint16
	value []byte
	id    string
}

// scanned returns the ids that the scans find in the postings of the documents.
func scanned(postings []postingKey, scans []Scan) map[string]bool {
	ids := map[string]bool{}
	for _, s := range scans {
		for _, k := range postings {
			if k.field == s.Field && bytes.Compare(k.value, s.Low) >= 0 && (s.High == nil || bytes.Compare(k.value, s.High) < 0) {
				ids[k.id] = true
			}
		}
	}
	return ids
}

// world draws documents and the updates that bring them.
func world(t *rapid.T) (map[string]Document, []Update) {
	documents := map[string]Document{}
	var updates []Update
	for i, d := range rapid.SliceOfN(documentValue(), 1, 30).Draw(t, "documents") {
		id := fmt.Sprint(i)
		documents[id] = d
		updates = append(updates, Update{Shard: 1, Index: uint64(i + 1), ID: id, Profile: 1, Document: d})
	}
	return documents, updates
}

// Whatever the documents and the query: the postings that a plan scans, and the
// terms that the engine intersects, are those of every document that matches.
func TestPlansAndTermsMissNothing(t *testing.T) {
	profile, planned := person(), 0
	rapid.Check(t, func(t *rapid.T) {
		documents, _ := world(t)
		var postings []postingKey
		for id, d := range documents {
			for _, p := range profile.Postings(d) {
				postings = append(postings, postingKey{p.Field, p.Value, id})
			}
		}
		for range 50 {
			q := queryValue(profile, documents).Draw(t, "query")
			want := matching(q, documents)
			if found := byPlan(q, postings, &planned); found != nil {
				agree(t, "plan", want, found, documents, q)
			}
			agree(t, "terms", want, byTerms(q, documents), documents, q)
		}
	})
	if planned == 0 {
		t.Error("no query had a plan")
	}
}

// byTerms returns the documents that meet the requirements of some conjunction.
func byTerms(q *Query, documents map[string]Document) map[string]bool {
	ids := map[string]bool{}
	for id, d := range documents {
		terms := map[string]bool{}
		q.Profile.termsOf(d, func(term string) { terms[term] = true })
		for _, all := range q.Any {
			meets := !slices.ContainsFunc(q.Profile.requirements(all), func(r requirement) bool {
				return !slices.ContainsFunc(r, func(term string) bool { return terms[term] })
			})
			if meets {
				ids[id] = true
			}
		}
	}
	return ids
}

// The same with bleve and the queue in it.
func TestEngineMissesNothing(t *testing.T) {
	profile := person()
	rapid.Check(t, func(t *rapid.T) {
		documents, updates := world(t)
		dir, err := os.MkdirTemp("", "property")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		e, err := Open(Options{Dir: dir, Profiles: []*Profile{profile}, BatchInterval: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		// The first half is in bleve, the second in the queue.
		half := uint64(len(updates) / 2)
		if err := e.Append(updates[:half]); err != nil {
			t.Fatal(err)
		}
		e.Advance(1, half)
		if err := e.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := e.Append(updates[half:]); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			q := queryValue(profile, documents).Draw(t, "query")
			want := matching(q, documents)
			found := map[string]bool{}
			err := e.Candidates(t.Context(), q, []uint16{1}, func(_ uint16, id string) bool {
				if found[id] {
					t.Fatalf("%s yielded twice", id)
				}
				found[id] = true
				return true
			})
			if err != nil {
				t.Fatal(err)
			}
			agree(t, "engine", want, found, documents, q)
		}
	})
}

func matching(q *Query, documents map[string]Document) map[string]bool {
	ids := map[string]bool{}
	for id, d := range documents {
		if q.Matches(d) {
			ids[id] = true
		}
	}
	return ids
}

// byPlan returns what the plans of all conjunctions find, nil when one has no plan.
func byPlan(q *Query, postings []postingKey, planned *int) map[string]bool {
	ids := map[string]bool{}
	for _, all := range q.Any {
		scans, ok := q.Profile.Plan(all)
		if !ok {
			return nil
		}
		maps.Copy(ids, scanned(postings, scans))
	}
	*planned++
	return ids
}

func agree(t *rapid.T, way string, want, found map[string]bool, documents map[string]Document, q *Query) {
	t.Helper()
	for id := range want {
		if !found[id] {
			t.Fatalf("%s misses document %s %q for %+v", way, id, slices.Collect(maps.Values(maps.Collect(documents[id].All()))), q.Any)
		}
	}
}
