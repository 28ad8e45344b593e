package api

import (
	"context"
	"iter"
	"time"

	"vertebra/cluster"
	"vertebra/index"
	"vertebra/storage/record"
)

// Cluster is what the edge needs of the cluster. It is safe for concurrent use;
// its errors are those of package cluster, which the error table lists, and the
// context's.
type Cluster interface {
	// View returns a consistent view of the subject's shard that is as fresh as asked for.
	View(ctx context.Context, subject record.Subject, f cluster.Freshness) (View, error)
	// Decide runs the rule under the subject's queue at its leader and makes the mutation
	// that it returns; it answers when the mutation is visible. A rule may be run again
	// when what it read has changed meanwhile: it must be pure.
	//
	// When request is not zero and its outcome is known, the rule is not run and Decided
	// has the outcome. The outcome of this decision is remembered under Mutation.Request,
	// which the rule sets. An error of the rule is returned as it is, and is a
	// linearizable read; so is a mutation without writes, which is not proposed.
	Decide(ctx context.Context, subject record.Subject, request record.RequestID, rule func(View) (record.Mutation, error)) (Decided, error)
	// Search returns the matches of the query, each checked at the visible index at which
	// Found.View reads.
	Search(ctx context.Context, q *index.Query, f cluster.Freshness) (Found, error)
	// Now is the cluster's clock: what all times in records and all timers come from.
	Now() time.Time
}

// View is one shard at one visible index. It is used by one goroutine and must
// be closed.
type View interface {
	// Get returns the record, or false when there is none.
	Get(record.Key) (record.Record, bool, error)
	// Scan yields the subject's records of a table in key order.
	Scan(record.Subject, record.Table) iter.Seq2[record.Record, error]
	// History yields the versions of a record that are kept, newest first.
	History(record.Key) iter.Seq2[record.Record, error]
	// Position is the place that the view shows.
	Position() cluster.Position
	// Age is how old the view may be at most, from the start of the request whose answer
	// proved it; 0 when it is linearizable.
	Age() time.Duration
	Close()
}

// Decided is how a decision ended.
type Decided struct {
	// Position holds the mutation, or the original of a repeated request.
	Position cluster.Position
	// Replay is the outcome of the original of a repeated request; nil when the rule's
	// mutation was made.
	Replay *record.Outcome
}

// Found is what a search found.
type Found struct {
	// Matches are in no particular order, and at most one for each Match.Of.
	Matches []index.Match
	// TooMany: there are more matches than the query's limit; Matches is then not to be used.
	TooMany  bool
	Position cluster.Position
	Age      time.Duration
	// View reads at the visible index at which the matches of that subject's shard were
	// checked, so that no record is answered that would not have matched.
	View func(ctx context.Context, subject record.Subject) (View, error)
}
