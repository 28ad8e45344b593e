package apitest

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"vertebra/api"
	"vertebra/cluster"
	"vertebra/index"
	"vertebra/storage/record"
)

// Cluster is an api.Cluster in memory. It is safe for concurrent use. The zero
// value is empty and stands at the zero time.
type Cluster struct {
	// Time is what Now returns.
	Time time.Time
	// Stale is the age of views that are not linearizable.
	Stale time.Duration
	// Before is called before each call, with its name; an error is the call's answer.
	Before func(ctx context.Context, name string) error
	// Applied is called behind each mutation that was made; an error is Decide's answer
	// although the mutation was made.
	Applied func(m record.Mutation) error

	mu       sync.Mutex
	index    uint64
	versions map[record.Key][]record.Record // oldest first; Version 0 is a deletion
	document map[record.Key]index.Document
	outcomes map[record.RequestID]record.Outcome
}

var _ api.Cluster = (*Cluster)(nil)

func (c *Cluster) before(ctx context.Context, name string) error {
	if c.Before != nil {
		return c.Before(ctx, name)
	}
	return nil
}

// Now implements api.Cluster.
func (c *Cluster) Now() time.Time { return c.Time }

// View implements api.Cluster.
func (c *Cluster) View(ctx context.Context, _ record.Subject, f cluster.Freshness) (api.View, error) {
	if err := c.before(ctx, "View"); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	age := time.Duration(0)
	if f.Level != cluster.Linearizable {
		age = c.Stale
	}
	return &view{c, c.index, age}, nil
}

// Decide implements api.Cluster. Decisions are taken one at a time.
func (c *Cluster) Decide(ctx context.Context, _ record.Subject, request record.RequestID, rule func(api.View) (record.Mutation, error)) (api.Decided, error) {
	if err := c.before(ctx, "Decide"); err != nil {
		return api.Decided{}, err
	}
	c.mu.Lock()
	outcome, known := c.outcomes[request]
	at := c.index
	c.mu.Unlock()
	if known {
		return api.Decided{Position: position(at), Replay: &outcome}, nil
	}
	for {
		m, err := rule(&view{c, at, 0})
		if err != nil || len(m.Writes) == 0 {
			return api.Decided{Position: position(at)}, err
		}
		if index, ok := c.apply(m); ok {
			if c.Applied != nil {
				err = c.Applied(m)
			}
			return api.Decided{Position: position(index)}, err
		}
		c.mu.Lock()
		at = c.index
		c.mu.Unlock()
	}
}

// apply makes a mutation unless one of its conditions does not hold.
func (c *Cluster) apply(m record.Mutation) (index uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range m.Reads {
		if now, _ := newest(c.versions[r.Key], c.index); now.Version != r.Version {
			return 0, false
		}
	}
	c.make()
	c.index++
	for _, w := range m.Writes {
		c.versions[w.Key] = append(c.versions[w.Key], record.Record{Key: w.Key, Version: w.Version, Index: c.index,
			Time: c.Time.UnixMicro(), Attributes: w.Attributes, Body: w.Body})
		c.document[w.Key] = w.Document
	}
	if !m.Request.IsZero() {
		c.outcomes[m.Request] = m.Outcome
	}
	return c.index, true
}

func (c *Cluster) make() {
	if c.versions == nil {
		c.versions = map[record.Key][]record.Record{}
		c.document = map[record.Key]index.Document{}
		c.outcomes = map[record.RequestID]record.Outcome{}
	}
}

// Search implements api.Cluster by looking at every document.
func (c *Cluster) Search(ctx context.Context, q *index.Query, _ cluster.Freshness) (api.Found, error) {
	if err := c.before(ctx, "Search"); err != nil {
		return api.Found{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	found := api.Found{Position: position(c.index)}
	for _, document := range c.document {
		if len(document) == 0 || !q.Matches(document) {
			continue
		}
		if match, ok := q.Check(document); ok {
			found.Matches = append(found.Matches, match)
		}
	}
	slices.SortFunc(found.Matches, func(a, b index.Match) int { return cmp.Compare(a.Of, b.Of) })
	found.TooMany = len(found.Matches) > q.Limit
	at := c.index
	found.View = func(context.Context, record.Subject) (api.View, error) { return &view{c, at, 0}, nil }
	return found, nil
}

// Writes is how many mutations were made.
func (c *Cluster) Writes() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.index
}

func position(index uint64) cluster.Position {
	return cluster.Position{}.With(cluster.Place{Shard: 1, Index: index + 1})
}

// newest returns the version at or below an index, false when there is none.
func newest(versions []record.Record, at uint64) (record.Record, bool) {
	for _, r := range slices.Backward(versions) {
		if r.Index <= at {
			return r, r.Version != 0
		}
	}
	return record.Record{}, false
}

// view is the shard at one index.
type view struct {
	cluster *Cluster
	at      uint64
	age     time.Duration
}

// Get implements api.View.
func (v *view) Get(key record.Key) (record.Record, bool, error) {
	v.cluster.mu.Lock()
	defer v.cluster.mu.Unlock()
	r, ok := newest(v.cluster.versions[key], v.at)
	if !ok {
		return record.Record{}, false, nil
	}
	return r, true, nil
}

// Scan implements api.View.
func (v *view) Scan(subject record.Subject, table record.Table) iter.Seq2[record.Record, error] {
	v.cluster.mu.Lock()
	defer v.cluster.mu.Unlock()
	var found []record.Record
	for key, versions := range v.cluster.versions {
		if r, ok := newest(versions, v.at); ok && key.Subject == subject && key.Table == table {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b record.Record) int { return cmp.Compare(a.Key.Rest, b.Key.Rest) })
	return each(found)
}

// History implements api.View.
func (v *view) History(key record.Key) iter.Seq2[record.Record, error] {
	v.cluster.mu.Lock()
	defer v.cluster.mu.Unlock()
	var kept []record.Record
	for _, r := range slices.Backward(v.cluster.versions[key]) {
		if r.Index <= v.at {
			kept = append(kept, r)
		}
	}
	return each(kept)
}

func each(records []record.Record) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// Position implements api.View.
func (v *view) Position() cluster.Position { return position(v.at) }

// Age implements api.View.
func (v *view) Age() time.Duration { return v.age }

// Close implements api.View.
func (v *view) Close() {}
