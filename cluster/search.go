package cluster

import (
	"context"
	"errors"
	"time"

	"vertebra/index"
	"vertebra/storage"
	"vertebra/storage/record"
)

// candidateLimit bounds how many documents one search may look at. A search that
// is stopped by it found fewer people than its limit among so many candidates,
// and says ErrTooBroad rather than an incomplete answer.
const candidateLimit = 200_000

// Found is the answer to a search.
type Found struct {
	// Matches are the distinct subjects found, in no order.
	Matches []index.Match
	// TooMany: there are more than the query's limit; Matches is then incomplete.
	TooMany bool
	// Position is where the matches were checked, in every shard that was searched.
	Position Position
	Age      time.Duration
}

// older is the age of an answer made of two parts.
func older(a, b time.Duration) time.Duration {
	if a == AgeUnknown || b == AgeUnknown {
		return AgeUnknown
	}
	return max(a, b)
}

// ViewFound returns a view of a subject's shard as the search saw it, so that no
// record is answered that would not have matched. Where that position has been
// collected meanwhile, which takes minutes, the view is of the present.
func (n *Node) ViewFound(ctx context.Context, found Found, subject record.Subject) (*View, error) {
	r := n.replicaOf(subject)
	at := found.Position.Of(r.id)
	if at.Index == 0 { // a superseded number's retained one, in a shard not searched to the end
		return r.view(ctx)
	}
	v, err := r.state.View(at.Index)
	if errors.Is(err, storage.ErrCollected) {
		return r.view(ctx)
	}
	if err != nil {
		return nil, err
	}
	return &View{View: v, place: at, age: found.Age}, nil
}

// Search finds who fits the query, in every data shard, each at its visible
// index. Conjunctions that a posting list serves are read from postings, the
// others from bleve and from the queue of what bleve has not indexed yet; every
// candidate's document is read at the visible index and checked, so that a hit
// is never stale. It returns ErrTooBroad over candidateLimit.
func (n *Node) Search(ctx context.Context, q *index.Query, f Freshness) (found Found, err error) {
	for _, r := range n.replicas[1:] {
		age, err := r.await(ctx, f)
		if err != nil {
			return Found{}, err
		}
		found.Age = older(found.Age, age)
	}
	s := &search{ctx: ctx, query: q, matches: map[string]float64{}}
	open := s.plan()
	if len(open) > 0 {
		// Before the views: what bleve has in this reading is not newer than they are, and what
		// becomes visible until they are open is in its queue.
		reading, err := n.index.Begin(n.indexed)
		if err != nil {
			return Found{}, fromIndex(err)
		}
		defer func() { err = errors.Join(err, reading.Close()) }()
		s.reading, s.open = reading, &index.Query{Profile: q.Profile, Any: open, Limit: q.Limit}
	}
	defer func() {
		for _, view := range s.views {
			view.Close()
		}
	}()
	for _, r := range n.replicas[1:] {
		view, err := r.view(ctx)
		if err != nil {
			return Found{}, err
		}
		s.views = append(s.views, view)
		found.Position = found.Position.With(view.place)
	}
	if err := s.run(); err != nil {
		return Found{}, err
	}
	found.TooMany = s.full()
	for of, score := range s.matches {
		found.Matches = append(found.Matches, index.Match{Of: of, Score: score})
	}
	return found, nil
}

// search is one search while it runs.
type search struct {
	ctx     context.Context
	query   *index.Query
	views   []*View // of the data shards, in their order
	scans   []index.Scan
	open    *index.Query // what no posting list serves; nil when there is nothing
	reading *index.Reading
	matches map[string]float64
	looked  int
}

// plan divides the query: scans over posting lists, and the conjunctions that are
// left for bleve.
func (s *search) plan() (open [][]index.Criterion) {
	for _, all := range s.query.Any {
		if scans, ok := s.query.Profile.Plan(all); ok {
			s.scans = append(s.scans, scans...)
		} else {
			open = append(open, all)
		}
	}
	return open
}

// full reports whether the answer is known to be "too many".
func (s *search) full() bool { return len(s.matches) > s.query.Limit }

// run considers every candidate until there are too many matches.
func (s *search) run() error {
	for _, view := range s.views {
		if err := s.postings(view); err != nil || s.full() {
			return err
		}
	}
	if s.open == nil {
		return nil
	}
	var failed error
	err := s.reading.Candidates(s.ctx, s.open, func(shard uint16, id string) bool {
		key, ok := documentKey(id)
		if ok {
			failed = s.consider(s.views[shard-1], key)
		}
		return failed == nil && !s.full()
	})
	return errors.Join(failed, fromIndex(err))
}

// postings considers what the scans yield in one shard. Several scans may yield the
// same record; considering it again costs less than remembering all.
func (s *search) postings(view *View) error {
	for _, scan := range s.scans {
		for posting, err := range view.Postings(scan.Field, scan.Low, scan.High) {
			if err != nil {
				return err
			}
			if !scan.Admits(posting.Value) {
				continue
			}
			if err := s.consider(view, posting.Key); err != nil || s.full() {
				return err
			}
		}
	}
	return nil
}

// consider checks one candidate against its document in the view.
func (s *search) consider(view *View, key record.Key) error {
	s.looked++
	if s.looked > candidateLimit {
		return ErrTooBroad
	}
	if s.looked%256 == 0 && s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	raw, _, err := view.Document(key)
	if err != nil || len(raw) == 0 {
		return err
	}
	document := index.Document(raw)
	if !s.query.Matches(document) {
		return nil
	}
	if m, ok := s.query.Check(document); ok {
		s.matches[m.Of] = max(s.matches[m.Of], m.Score)
	}
	return nil
}
