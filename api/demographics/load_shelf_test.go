package demographics_test

import (
	"cmp"
	"iter"
	"net/url"
	"slices"
	"testing"
	"time"

	"vertebra/api/access"
	"vertebra/api/demographics"
	"vertebra/api/fhir"
	"vertebra/index"
	"vertebra/storage/record"
)

// shelf is a store for tests: the newest version of every record, and documents.
type shelf struct {
	records   map[record.Key]record.Record
	documents map[record.Subject]index.Document
}

func newShelf() *shelf {
	return &shelf{map[record.Key]record.Record{}, map[record.Subject]index.Document{}}
}

func (s *shelf) Get(k record.Key) (record.Record, bool, error) {
	rec, ok := s.records[k]
	return rec, ok, nil
}

func (s *shelf) Scan(of record.Subject, table record.Table) iter.Seq2[record.Record, error] {
	var found []record.Record
	for k, rec := range s.records {
		if k.Subject == of && k.Table == table {
			found = append(found, rec)
		}
	}
	slices.SortFunc(found, func(a, b record.Record) int { return cmp.Compare(a.Key.Rest, b.Key.Rest) })
	return func(yield func(record.Record, error) bool) {
		for _, rec := range found {
			if !yield(rec, nil) {
				return
			}
		}
	}
}

// apply does what storage does with a mutation: all of it, or nothing when a
// condition does not hold.
func (s *shelf) apply(m record.Mutation) bool {
	for _, r := range m.Reads {
		if s.records[r.Key].Version != r.Version {
			return false
		}
	}
	for _, w := range m.Writes {
		if w.Key.Table == record.Demographics {
			s.documents[w.Key.Subject] = w.Document
		}
		if w.Version == 0 {
			delete(s.records, w.Key)
			continue
		}
		s.records[w.Key] = record.Record{Key: w.Key, Version: w.Version, Attributes: w.Attributes, Body: w.Body}
	}
	return true
}

func (s *shelf) load(t testing.TB, lines ...string) {
	t.Helper()
	for _, line := range lines {
		seed, err := demographics.ParseSeed([]byte(line))
		if err != nil {
			t.Fatalf("seed: %v in %s", diagnostics(err), line)
		}
		d, err := demographics.Load(s, seed)
		if err != nil || !s.apply(d.Mutation) {
			t.Fatalf("load: %v", err)
		}
	}
}

// find runs a query as the cluster does: candidates, then Check, each match once.
func (s *shelf) find(q index.Query) []index.Match {
	best := map[string]index.Match{}
	for _, d := range s.documents {
		if !q.Matches(d) {
			continue
		}
		if m, ok := q.Check(d); ok && m.Score > best[m.Of].Score {
			best[m.Of] = m
		}
	}
	var all []index.Match
	for _, m := range best {
		all = append(all, m)
	}
	return all
}

// trace answers a search request.
func (s *shelf) trace(t testing.TB, query string, mode access.Mode) (fhir.Answer, error) {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	search, err := demographics.ParseSearch(values, access.Caller{Mode: mode})
	if err != nil {
		return fhir.Answer{}, err
	}
	var hits []demographics.Hit
	for _, m := range s.find(search.Query()) {
		if rec, ok, _ := s.Get(record.Key{Subject: record.Subject(m.Of), Table: record.Demographics}); ok {
			hits = append(hits, demographics.Hit{Match: m, Record: rec})
		}
	}
	return search.Bundle(hits, noon())
}

func noon() time.Time { return time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC) }

// diagnostics is what a client is told, as "status CODE: diagnostics".
func diagnostics(err error) string {
	issue, ok := err.(*fhir.Issue)
	if !ok {
		return "no issue: " + errorText(err)
	}
	return issue.Coding.Code + ": " + issue.Diagnostics
}

func errorText(err error) string {
	if err == nil {
		return "nil"
	}
	return err.Error()
}
