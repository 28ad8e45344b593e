package demographics_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"vertebra/api/access"
	"vertebra/api/demographics"
	"vertebra/api/fhir"
	"vertebra/bench/people"
	"vertebra/index"
	"vertebra/storage/record"
)

// seedOf returns synthetic person i as it is loaded.
func seedOf(t testing.TB, g *people.Generator, i int) demographics.Seed {
	seed, err := demographics.ParseSeed(g.Person(i).AppendLine(nil))
	if err != nil {
		t.Fatal(diagnostics(err))
	}
	return seed
}

// documentsOf returns the search documents of n synthetic people.
func documentsOf(t testing.TB, n int) []index.Document {
	g, s := people.New(11), newShelf()
	var all []index.Document
	for i := range n {
		d, err := demographics.Load(s, seedOf(t, g, i))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d.Mutation.Writes[0].Document)
	}
	return all
}

// TestDocumentSizes holds documents and postings to what the design counts on.
func TestDocumentSizes(t *testing.T) {
	const n = 3000
	g, s := people.New(11), newShelf()
	var document, postings, postingBytes int
	for i := range n {
		d, err := demographics.Load(s, seedOf(t, g, i))
		if err != nil {
			t.Fatal(err)
		}
		w := d.Mutation.Writes[0]
		if err := index.Document(w.Document).Check(); err != nil {
			t.Fatal(err)
		}
		document += len(w.Document)
		postings += len(w.Postings)
		for _, p := range w.Postings {
			postingBytes += len(p.Value)
		}
	}
	t.Logf("a person has %d bytes of document, %.1f postings, %d bytes in all", document/n, float64(postings)/n, postingBytes/n)
	if document/n > 220 || postings/n > 13 {
		t.Errorf("%d bytes and %d postings a person", document/n, postings/n)
	}
}

// TestPersonWrites: what is written of the living, the merged and the withdrawn.
func TestPersonWrites(t *testing.T) {
	body := []byte(`{"resourceType":"Patient","id":"9990000018","birthDate":"2010-10-22","name":[{"use":"usual","family":"Smith","given":["Jane"]}]}`)
	person := demographics.Person{Number: jane, Version: 4, Body: body}
	for _, c := range []struct {
		says     string
		change   func(*demographics.Person)
		of       string
		writes   int
		register uint64
	}{
		{"living", func(*demographics.Person) {}, jane, 1, 0},
		{"merged", func(p *demographics.Person) {
			p.Status = demographics.Status{State: demographics.Superseded, By: retained}
		}, retained, 1, 0},
		{"withdrawn", func(p *demographics.Person) { p.Status.State = demographics.Invalidated }, "", 1, 0},
		{"with history", func(p *demographics.Person) { p.Register.History.Gender = []string{"male"} }, jane, 2, 4},
		{"history emptied", func(p *demographics.Person) { p.RegisterStored = true }, jane, 2, 0},
	} {
		p := person
		c.change(&p)
		writes, err := demographics.PersonWrites(p)
		if err != nil || len(writes) != c.writes {
			t.Fatalf("%s: %d writes, %v", c.says, len(writes), err)
		}
		w := writes[0]
		of := ""
		for f, v := range index.Document(w.Document).All() {
			if f == 1 {
				of = v
			}
		}
		if of != c.of || (len(w.Postings) == 0) != (c.of == "") || !w.KeepHistory || w.Version != 4 || w.Key.Table != record.Demographics {
			t.Errorf("%s: of %q, %d postings", c.says, of, len(w.Postings))
		}
		if len(writes) == 2 && (writes[1].Version != c.register || writes[1].Key.Table != record.Register) {
			t.Errorf("%s: register version %d", c.says, writes[1].Version)
		}
	}
}

// TestPostings lists every posting of one person: they are on disk.
func TestPostings(t *testing.T) {
	s := town(t)
	want := []string{
		"1:smith|20101022", "2:jones|20101022", "2:hume|20101022", "3:sm|20101022|smith",
		"4:jo|20101022|jones", "4:jo|20101022|hume", "4:hu|20101022|jones", "4:hu|20101022|hume",
	}
	var got []string
	for _, p := range demographics.Profile().Postings(s.documents[jane]) {
		if p.Field <= 4 {
			got = append(got, string('0'+byte(p.Field))+":"+strings.ReplaceAll(string(p.Value), "\x00", "|"))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("postings %q, want %q", got, want)
	}
}

func BenchmarkPersonWrites(b *testing.B) {
	g, s := people.New(11), newShelf()
	persons := make([]demographics.Person, 512)
	for i := range persons {
		d, err := demographics.Load(s, seedOf(b, g, i))
		if err != nil {
			b.Fatal(err)
		}
		w := d.Mutation.Writes[0]
		persons[i] = demographics.Person{Number: fhir.Number(w.Key.Subject), Version: w.Version, Body: w.Body}
	}
	b.ReportAllocs()
	for i := range b.N {
		if _, err := demographics.PersonWrites(persons[i%len(persons)]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad is all that a load does above the log: from a line to a mutation.
func BenchmarkLoad(b *testing.B) {
	g, s := people.New(11), newShelf()
	lines := make([][]byte, 512)
	for i := range lines {
		lines[i] = g.Person(i).AppendLine(nil)
	}
	b.ReportAllocs()
	for i := range b.N {
		seed, err := demographics.ParseSeed(lines[i%len(lines)])
		if err != nil {
			b.Fatal(err)
		}
		if _, err := demographics.Load(s, seed); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkCheck(b *testing.B, query string) {
	values, _ := url.ParseQuery(query)
	search, err := demographics.ParseSearch(values, access.Caller{Mode: access.HealthcareWorker})
	if err != nil {
		b.Fatal(err)
	}
	q, documents := search.Query(), documentsOf(b, 512)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		q.Check(documents[i%len(documents)])
	}
}

// Each candidate of these fits the birth date, so that all of Check is measured.
func BenchmarkCheck(b *testing.B) {
	benchmarkCheck(b, "family=Smith&given=Jane&birthdate=ge1900-01-01")
}
func BenchmarkCheckFuzzy(b *testing.B) {
	benchmarkCheck(b, "_fuzzy-match=true&family=Smith&given=Jane&birthdate=ge1900-01-01")
}

func BenchmarkParseSearch(b *testing.B) {
	values, _ := url.ParseQuery("family=Smith&given=Jane&gender=female&birthdate=eq2010-10-22&address-postalcode=LS16AE")
	b.ReportAllocs()
	for b.Loop() {
		search, err := demographics.ParseSearch(values, access.Caller{Mode: access.HealthcareWorker})
		if err != nil {
			b.Fatal(err)
		}
		search.Query()
	}
}
