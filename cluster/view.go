package cluster

import (
	"context"
	"errors"
	"time"

	"vertebra/storage"
	"vertebra/storage/record"
)

// View is what one shard looks like at one position: every read of it sees the
// same instant. Close it; until then versions it may need are kept. A View is
// for one goroutine.
type View struct {
	*storage.View
	place Place
	age   time.Duration
}

// Position is where in the log the view stands: what a client gives back to
// read at least this.
func (v *View) Position() Position { return Position{}.With(v.place) }

// Age is how old the view may be at most, counted from when this node asked for
// what the view shows; 0 for a linearizable one.
func (v *View) Age() time.Duration { return v.age }

// View returns the subject's shard as fresh as is asked for. It returns
// ErrUnavailable when no leader can be proved in the context's time and ErrStale
// when no replica is fresh enough.
func (n *Node) View(ctx context.Context, subject record.Subject, f Freshness) (*View, error) {
	r := n.replicaOf(subject)
	if err := r.await(ctx, f); err != nil {
		return nil, err
	}
	return r.view(ctx)
}

// await returns when what is visible here is as fresh as is asked for.
//
// Every replica of this node leads its shard or is its only copy's keeper until
// replicas on other nodes land, so a bounded read is answered by the same proof as a
// linearizable one: with one voter it costs two atomic loads.
func (r *replica) await(ctx context.Context, f Freshness) error {
	if at := f.Position.Of(r.id); at.Index > 0 {
		if err := r.awaitPlace(ctx, at); err != nil {
			return err
		}
		if f.Level == Positioned {
			return nil
		}
	}
	return r.prove(ctx)
}

// awaitPlace waits for a place that a client brought. One that lies beyond the
// end of the log was not handed out by this shard: waiting for it would hang.
func (r *replica) awaitPlace(ctx context.Context, at Place) error {
	if at.Generation != r.generation || at.Index > r.group().LastIndex() {
		return ErrBadPosition
	}
	if err := r.visible.wait(ctx, at.Index); err != nil {
		return retry(ErrUnavailable, time.Second)
	}
	return nil
}

// view opens the state at the visible index. What is visible can be below the
// collection floor for the moment between the two being raised: a collection or a
// wipe that is applied and not yet visible. Then the view waits for it.
func (r *replica) view(ctx context.Context) (*View, error) {
	for {
		at := r.visible.load()
		v, err := r.state.View(at)
		if err == nil {
			return &View{View: v, place: Place{r.id, r.generation, at}}, nil
		}
		if !errors.Is(err, storage.ErrCollected) {
			return nil, err
		}
		if err := r.visible.wait(ctx, r.state.Floor()); err != nil {
			return nil, retry(ErrUnavailable, time.Second)
		}
	}
}
