package cluster

import (
	"context"
	"math/rand/v2"
	"time"

	"vertebra/storage/record"
)

// decisionAttempts bounds how often a decision is taken again because what it had
// read changed. Decisions on one subject queue on their node, so only another node's,
// or a mutation of another subject which writes the same record, can get in between.
const decisionAttempts = 64

// The wait before a decision is taken again: random, so that nodes which decide on
// one subject at the same time do not meet again, and longer each time, because the
// leader's own node is always the faster.
const (
	againFirst = time.Millisecond
	againMost  = 64 * time.Millisecond
)

// Rule decides: it reads the view and returns the mutation that shall be made,
// or an error, which then is the answer. It must be pure: it may be called again,
// with a later view. An empty mutation is an answer that changes nothing.
type Rule func(*View) (record.Mutation, error)

// Decided is what came of a decision.
type Decided struct {
	// Replay is the outcome of the first time that this request was made, nil when this is
	// the first. The rule's own answer must then be thrown away.
	Replay *record.Outcome
	// Position is at or behind the change: a read at it sees the change.
	Position Position
}

// Decide takes a decision on a subject and makes it so, wherever it is led: the rule
// is given a view, its mutation is replicated, and Decide returns when it is
// visible. A rule's error is returned as it is, after the proof that the view it
// was taken on was the latest. A request that was answered before, with an outcome
// remembered under Mutation.Request, is answered with Replay and changes nothing; a
// zero request asks for no such look-up.
//
// Beside the rule's own errors it returns ErrOverloaded, ErrUnavailable and
// ErrContended, after which nothing was changed, and ErrOutcomeUnknown.
func (n *Node) Decide(ctx context.Context, subject record.Subject, request record.RequestID, rule Rule) (Decided, error) {
	r := n.replicaOf(subject)
	if err := r.queue.enter(ctx, subject); err != nil {
		return Decided{}, err
	}
	defer r.queue.leave(subject)
	wait := againFirst
	for attempt := range decisionAttempts {
		decided, again, err := r.decideOnce(ctx, subject, request, rule, attempt > 0)
		if !again {
			return decided, err
		}
		if attempt == 0 {
			continue // on a fresher view: most likely nobody is in the way
		}
		select {
		case <-r.clock.base.After(rand.N(wait)):
			wait = min(2*wait, againMost)
		case <-ctx.Done():
			return Decided{}, retry(ErrContended, time.Second)
		}
	}
	return Decided{}, retry(ErrContended, time.Second)
}

// decideOnce reads, decides, proposes and waits, once. again is set when the
// decision has to be taken on a fresher view: what it read had changed by the time
// it was applied, or it came to a refusal on a view that may have been stale.
//
// Where the shard is led elsewhere the first attempt is taken on what is visible
// here: a mutation proves itself by its conditions, and costs one round trip so. With
// fresh set the view is linearizable.
func (r *replica) decideOnce(ctx context.Context, subject record.Subject, request record.RequestID, rule Rule, fresh bool) (_ Decided, again bool, _ error) {
	term, _, leading := r.tenure()
	if fresh || !leading && r.peers == nil {
		if err := r.prove(ctx); err != nil {
			return Decided{}, false, err
		}
		term, _, leading = r.tenure()
	}
	mutation, place, replay, refusal := r.consult(ctx, subject, request, rule)
	if replay != nil {
		return Decided{Replay: replay, Position: Position{}.With(place)}, false, nil
	}
	if refusal != nil || mutation.IsZero() {
		// An answer that changes nothing is a linearizable read.
		if !fresh && !(leading && r.stillLeads(ctx, term)) {
			return Decided{}, true, nil
		}
		return Decided{Position: Position{}.With(place)}, false, refusal
	}
	mutation.Subject = subject
	if err := r.state.Accepts(&mutation); err != nil {
		return Decided{}, false, err
	}
	result, err := r.propose(ctx, record.Command{Kind: record.KindMutation, Mutation: mutation})
	if err != nil {
		return Decided{}, false, err
	}
	if result.Conflict != nil {
		return Decided{}, true, nil
	}
	at := max(result.Index, result.ReplayIndex)
	return Decided{Replay: result.Replay, Position: Position{}.With(Place{r.id, r.generation, at})}, false, nil
}

// stillLeads proves that this node leads the term now that it led when a view was
// taken: then nobody else has led in between, and the view was the latest. The
// proof may so come after the view; another term's may not.
func (r *replica) stillLeads(ctx context.Context, term uint64) bool {
	now, err := r.proveHere(ctx)
	return err == nil && now == term
}

// consult gives the rule the state at the visible index, unless the request was
// answered before.
func (r *replica) consult(ctx context.Context, subject record.Subject, request record.RequestID, rule Rule) (record.Mutation, Place, *record.Outcome, error) {
	view, err := r.view(ctx)
	if err != nil {
		return record.Mutation{}, Place{}, nil, err
	}
	defer view.Close()
	if !request.IsZero() {
		outcome, _, found, err := view.Outcome(subject, request)
		if err != nil {
			return record.Mutation{}, Place{}, nil, err
		}
		if found {
			return record.Mutation{}, view.place, &outcome, nil
		}
	}
	mutation, err := rule(view)
	return mutation, view.place, nil, err
}
