package consensus

import "time"

// The functions here wrap a measurement around something, so that nothing is
// measured, and no clock read, when nobody observes.

func noObservation() {}

func (g *Group) since(start time.Time) time.Duration { return g.clock.Now().Sub(start) }

func (g *Group) observeAppend(entries, bytes int) (done func()) {
	observe := g.config.Observers.Fsync
	if observe == nil {
		return noObservation
	}
	start := g.clock.Now()
	return func() { observe(g.since(start), entries, bytes) }
}

func (g *Group) observeApply(entries []Entry) (done func()) {
	observe := g.config.Observers.Apply
	if observe == nil {
		return noObservation
	}
	payloads := 0
	for _, e := range entries {
		payloads += len(e.Payloads)
	}
	count, start := len(entries), g.clock.Now()
	return func() { observe(g.since(start), count, payloads) }
}

func (g *Group) observePack(payloads, bytes int) (done func()) {
	observe := g.config.Observers.Pack
	if observe == nil {
		return noObservation
	}
	start := g.clock.Now()
	return func() { observe(g.since(start), payloads, bytes) }
}

func (g *Group) observeProof() (done func(error)) {
	observe := g.config.Observers.Proof
	if observe == nil {
		return func(error) {}
	}
	start := g.clock.Now()
	return func(err error) { observe(g.since(start), err == nil) }
}
