package api

import (
	"context"
	"errors"
	"time"

	"vertebra/api/demographics"
	"vertebra/api/fhir"
	"vertebra/cluster"
	"vertebra/storage/record"
)

// Bounds of a creation: how often a number that is taken is exchanged for another,
// and how long it waits at first and at most for somebody else's claim.
const (
	createTries    = 8
	claimWaitFirst = 10 * time.Millisecond
	claimWaitMost  = 500 * time.Millisecond
)

// creation is one person on the way to being created. The steps touch three
// subjects in up to three shards, so they are separate decisions, each of which
// can be repeated: a request that is sent again after any of them ends where the
// first would have ended.
type creation struct {
	edge     *Edge
	call     *call
	newcomer demographics.Newcomer
	request  record.RequestID
	replay   func(View, record.Outcome) (fhir.Answer, error)
	// taken are the numbers that turned out to be somebody's.
	taken []fhir.Number
}

// create makes a person: claim the identity, make sure that nobody has it, create
// under the claim, release it (DESIGN.md, Records found by another id). The claim
// is what keeps two requests from creating two people of one.
func (n *creation) create(ctx context.Context) (fhir.Answer, error) {
	for range createTries {
		claim, err := n.claim(ctx)
		if err != nil {
			return fhir.Answer{}, err
		}
		answer, err := n.createUnder(ctx, claim)
		var held *demographics.ClaimHeldError
		switch {
		case errors.Is(err, demographics.ErrNumberTaken):
			n.taken = append(n.taken, claim.Number)
			continue // with another number
		case errors.As(err, &held):
			continue // with more time
		}
		n.release(ctx, claim)
		return answer, err
	}
	return fhir.Answer{}, cluster.ErrContended
}

// createUnder creates the person once it is known that nobody is it already.
func (n *creation) createUnder(ctx context.Context, claim demographics.Claim) (fhir.Answer, error) {
	if claim.Displaced != "" {
		if err := n.refuse(ctx, claim.Displaced); err != nil {
			return fhir.Answer{}, err
		}
	}
	if err := n.unique(ctx, claim); err != nil {
		return fhir.Answer{}, err
	}
	notification, err := n.edge.newUUID()
	if err != nil {
		return fhir.Answer{}, err
	}
	return n.edge.decide(ctx, n.call, record.Subject(claim.Number), n.request, func(v View) (demographics.Decision, error) {
		return demographics.Create(v, n.newcomer, demographics.Creation{Claim: claim, Request: n.request,
			Now: n.edge.cluster.Now(), NewID: n.edge.newID, NotificationID: notification})
	}, n.replay)
}

// claim takes the identity's claim. While another request holds it, this one waits:
// it will find the person whom the other creates.
func (n *creation) claim(ctx context.Context) (demographics.Claim, error) {
	number, err := n.edge.numbers()
	if err != nil {
		return demographics.Claim{}, err
	}
	wait := claimWaitFirst
	for {
		var claim demographics.Claim
		err := n.change(ctx, n.newcomer.Claim(), func(v View) (d demographics.Decision, err error) {
			claim, d, err = demographics.TakeClaim(v, n.newcomer, number, n.request, n.edge.cluster.Now(), n.taken...)
			return d, err
		})
		var held *demographics.ClaimHeldError
		if !errors.As(err, &held) {
			return claim, err
		}
		if err := pause(ctx, wait); err != nil {
			return demographics.Claim{}, err
		}
		wait = min(2*wait, claimWaitMost)
	}
}

// refuse makes sure that the holder of an expired claim creates nobody any more.
func (n *creation) refuse(ctx context.Context, number fhir.Number) error {
	return n.change(ctx, record.Subject(number), func(v View) (demographics.Decision, error) {
		return demographics.RefuseNumber(v, number)
	})
}

// unique searches, linearizably whatever the client asked for, for people whom the
// newcomer may be.
func (n *creation) unique(ctx context.Context, claim demographics.Claim) error {
	query := n.newcomer.DuplicateQuery()
	found, err := n.edge.cluster.Search(ctx, &query, cluster.Freshness{})
	switch {
	case err != nil:
		return err
	case found.TooMany:
		return demographics.NewIssue(demographics.CodeMultipleMatches,
			"Unable to create new patient. Multiple matches found for supplied demographic data.")
	}
	return demographics.Duplicates(found.Matches, claim)
}

// release ends the claim. When that fails the claim runs out by itself, so the
// answer does not wait for it to succeed; nor may it be given up because the
// client has gone.
func (n *creation) release(ctx context.Context, claim demographics.Claim) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = n.change(ctx, n.newcomer.Claim(), func(v View) (demographics.Decision, error) {
		return demographics.Release(v, n.newcomer, claim)
	})
}

// change makes a step that is not remembered by its request: repeating it is
// harmless.
func (n *creation) change(ctx context.Context, subject record.Subject, rule func(View) (demographics.Decision, error)) error {
	_, err := n.edge.cluster.Decide(ctx, subject, record.RequestID{}, func(v View) (record.Mutation, error) {
		decision, err := rule(v)
		return decision.Mutation, err
	})
	return err
}

// pause waits, or returns the context's error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
