package api

import (
	"context"

	"vertebra/api/demographics"
	"vertebra/index"
	"vertebra/storage/record"
)

// hit is one match of a search with the record that it stands for.
type hit struct {
	Match  index.Match
	Record record.Record
}

// search runs a query and reads the record of each match at the visible index at
// which the match was checked. A match whose record is not there is left out: what
// a superseded number stands for may be in another shard, which is read at its own
// visible index.
func (e *Edge) search(ctx context.Context, c *call, q *index.Query, table record.Table) ([]hit, error) {
	found, err := e.cluster.Search(ctx, q, c.freshness)
	if err != nil {
		return nil, err
	}
	if found.TooMany {
		return nil, demographics.TooManyMatches()
	}
	c.saw(found.Position, found.Age)
	hits := make([]hit, 0, len(found.Matches))
	for _, match := range found.Matches {
		rec, ok, err := e.matched(ctx, found, record.Subject(match.Of), table)
		if err != nil {
			return nil, err
		}
		if ok {
			hits = append(hits, hit{match, rec})
		}
	}
	return hits, nil
}

// matched reads the record that a match stands for. Its bytes outlive the view.
func (e *Edge) matched(ctx context.Context, found Found, subject record.Subject, table record.Table) (record.Record, bool, error) {
	view, err := found.View(ctx, subject)
	if err != nil {
		return record.Record{}, false, err
	}
	defer view.Close()
	return view.Get(record.Key{Subject: subject, Table: table})
}
