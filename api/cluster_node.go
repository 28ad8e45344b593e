package api

import (
	"context"

	"vertebra/cluster"
	"vertebra/index"
	"vertebra/storage/record"
)

// NodeCluster is a running node as the edge sees it.
type NodeCluster struct{ *cluster.Node }

var _ Cluster = NodeCluster{}

// View implements Cluster.
func (n NodeCluster) View(ctx context.Context, subject record.Subject, f cluster.Freshness) (View, error) {
	return viewOf(n.Node.View(ctx, subject, f))
}

// viewOf keeps a nil *cluster.View from becoming a View that is not nil.
func viewOf(v *cluster.View, err error) (View, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Decide implements Cluster.
func (n NodeCluster) Decide(ctx context.Context, subject record.Subject, request record.RequestID, rule func(View) (record.Mutation, error)) (Decided, error) {
	decided, err := n.Node.Decide(ctx, subject, request, func(v *cluster.View) (record.Mutation, error) { return rule(v) })
	return Decided{Position: decided.Position, Replay: decided.Replay}, err
}

// Search implements Cluster.
func (n NodeCluster) Search(ctx context.Context, q *index.Query, f cluster.Freshness) (Found, error) {
	found, err := n.Node.Search(ctx, q, f)
	return Found{
		Matches: found.Matches, TooMany: found.TooMany, Position: found.Position, Age: found.Age,
		View: func(ctx context.Context, subject record.Subject) (View, error) {
			return viewOf(n.Node.ViewFound(ctx, found, subject))
		},
	}, err
}
