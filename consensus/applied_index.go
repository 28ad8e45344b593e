package consensus

import (
	"context"
	"sync"
	"sync/atomic"
)

// appliedIndex is the index of the last command that the state machine has
// applied. It only rises. Raft's own AppliedIndex means handed over, and its
// commit index counts no-ops that no state machine ever sees, so waiting for either
// is wrong.
type appliedIndex struct {
	value atomic.Uint64

	mu      sync.Mutex
	waiters map[chan struct{}]uint64
}

func (a *appliedIndex) load() uint64 { return a.value.Load() }

func (a *appliedIndex) raise(index uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if index <= a.value.Load() {
		return
	}
	a.value.Store(index)
	for ready, wanted := range a.waiters {
		if wanted <= index {
			delete(a.waiters, ready)
			close(ready)
		}
	}
}

// wait returns when index is applied, or with the context's error, or with
// ErrClosed when closed is.
func (a *appliedIndex) wait(ctx context.Context, index uint64, closed <-chan struct{}) error {
	ready := a.waiter(index)
	if ready == nil {
		return nil
	}
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		a.forget(ready)
		return ctx.Err()
	case <-closed:
		a.forget(ready)
		return ErrClosed
	}
}

// waiter returns a channel that is closed when index is applied, nil when it is.
func (a *appliedIndex) waiter(index uint64) chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.value.Load() >= index {
		return nil
	}
	if a.waiters == nil {
		a.waiters = map[chan struct{}]uint64{}
	}
	ready := make(chan struct{})
	a.waiters[ready] = index
	return ready
}

func (a *appliedIndex) forget(ready chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.waiters, ready)
}
