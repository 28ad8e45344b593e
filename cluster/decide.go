package cluster

import (
	"context"
	"errors"
	"time"

	"vertebra/consensus"
	"vertebra/storage/record"
)

// decisionAttempts bounds how often a decision is taken again because what it
// had read changed. Decisions on one subject queue, so that only a mutation of
// another subject which writes the same record can get in between.
const decisionAttempts = 8

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

// Decide takes a decision on a subject at its leader and makes it so: the rule
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
	for range decisionAttempts {
		decided, again, err := r.decideOnce(ctx, subject, request, rule)
		if !again {
			return decided, err
		}
	}
	return Decided{}, retry(ErrContended, time.Second)
}

// decideOnce reads, decides, proposes and waits, once. again is set when what the
// decision read had changed by the time it was applied.
func (r *replica) decideOnce(ctx context.Context, subject record.Subject, request record.RequestID, rule Rule) (_ Decided, again bool, _ error) {
	if err := r.awaitEstablished(ctx); err != nil {
		return Decided{}, false, err
	}
	mutation, place, replay, err := r.consult(ctx, subject, request, rule)
	if err != nil {
		// An answer that is a refusal is a linearizable read. The proof may come after the
		// view: who still leads the term now led it then.
		if unproved := r.prove(ctx); unproved != nil {
			err = unproved
		}
		return Decided{}, false, err
	}
	if replay != nil {
		return Decided{Replay: replay, Position: Position{}.With(place)}, false, nil
	}
	if len(mutation.Writes) == 0 && len(mutation.Appends) == 0 && len(mutation.Events) == 0 {
		return Decided{Position: Position{}.With(place)}, false, r.prove(ctx)
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
	done := Decided{Replay: result.Replay, Position: Position{}.With(Place{r.id, r.generation, result.Index})}
	return done, false, nil
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

// propose stamps a command with the cluster's time, replicates it and returns
// when its result is visible.
func (r *replica) propose(ctx context.Context, command record.Command) (record.Result, error) {
	if err := r.admit(ctx); err != nil {
		return record.Result{}, err
	}
	command.Mutation.Time = r.clock.Now().UnixMicro()
	payload, err := command.AppendBinary(nil)
	if err != nil {
		return record.Result{}, err
	}
	proposal := consensus.Proposal{Payload: payload}
	if command.Kind == record.KindMutation {
		proposal.Footprint = command.Mutation.Footprint()
	}
	applied, err := r.group().Propose(ctx, proposal)
	if err != nil {
		return record.Result{}, fromConsensus(err)
	}
	result := applied.Result.(record.Result)
	seen := max(result.Index, result.ReplayIndex)
	if err := r.visible.wait(ctx, seen); err != nil {
		return record.Result{}, errors.Join(ErrOutcomeUnknown, err)
	}
	return result, nil
}
