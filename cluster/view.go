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

// AgeUnknown is the age of a view of which nothing is known but its position.
const AgeUnknown time.Duration = -1

// Age is how old the view may be at most, counted from when this node asked for
// what the view shows; 0 for a linearizable one, AgeUnknown for one that was asked
// for by position alone.
func (v *View) Age() time.Duration { return v.age }

// View returns the subject's shard as fresh as is asked for. It returns
// ErrUnavailable when no leader can be proved in the context's time and ErrStale
// when no replica is fresh enough.
func (n *Node) View(ctx context.Context, subject record.Subject, f Freshness) (*View, error) {
	r := n.replicaOf(subject)
	age, err := r.await(ctx, f)
	if err != nil {
		return nil, err
	}
	v, err := r.view(ctx)
	if err != nil {
		return nil, err
	}
	v.age = age
	return v, nil
}

// await returns when what is visible here is as fresh as is asked for, with how
// old it may be.
func (r *replica) await(ctx context.Context, f Freshness) (age time.Duration, err error) {
	if at := f.Position.Of(r.id); at.Index > 0 {
		if err := r.awaitPlace(ctx, at); err != nil {
			return 0, err
		}
	}
	switch f.Level {
	case Positioned:
		return AgeUnknown, nil
	case Bounded:
		if age, known := r.age(); known && age <= f.MaxAge {
			return age, nil
		}
	}
	return 0, r.prove(ctx)
}

// age is how old what is visible here may be, and whether that is known: a replica
// that has not yet reached the answer to any question of its own knows nothing.
func (r *replica) age() (age time.Duration, known bool) {
	at := r.freshAt.Load()
	return r.clock.base.Now().Sub(time.Unix(0, at)), at != 0
}

// awaitPlace waits for a place that a client brought. One that lies beyond what the
// leader shows was not handed out by this shard: waiting for it would hang.
func (r *replica) awaitPlace(ctx context.Context, at Place) error {
	if at.Generation != r.generation {
		return ErrBadPosition
	}
	if at.Index > r.visible.load() {
		if err := r.prove(ctx); err != nil {
			return err
		}
		if at.Index > r.visible.load() {
			return ErrBadPosition
		}
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
