package cluster

import (
	"context"
	"sync"
	"sync/atomic"
)

// visibleIndex is V of one shard on one node: what may be seen is everything at
// or below it and nothing above. It only rises. Reading it is one atomic load;
// waiting for it costs a channel only when there is something to wait for.
type visibleIndex struct {
	value atomic.Uint64

	mu      sync.Mutex
	waiters []visibleWaiter
}

type visibleWaiter struct {
	index uint64
	ready chan struct{}
}

func (v *visibleIndex) load() uint64 { return v.value.Load() }

// raise makes everything up to index visible and wakes who waited for it. A value
// that is no higher than the present one changes nothing and returns false.
func (v *visibleIndex) raise(index uint64) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if index <= v.value.Load() {
		return false
	}
	v.value.Store(index)
	still := v.waiters[:0]
	for _, w := range v.waiters {
		if w.index <= index {
			close(w.ready)
		} else {
			still = append(still, w)
		}
	}
	clear(v.waiters[len(still):])
	v.waiters = still
	return true
}

// wait returns when index is visible, or with the context's error.
func (v *visibleIndex) wait(ctx context.Context, index uint64) error {
	if v.value.Load() >= index {
		return nil
	}
	v.mu.Lock()
	if v.value.Load() >= index {
		v.mu.Unlock()
		return nil
	}
	ready := make(chan struct{})
	v.waiters = append(v.waiters, visibleWaiter{index, ready})
	v.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		v.forget(ready)
		return ctx.Err()
	}
}

func (v *visibleIndex) forget(ready chan struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i, w := range v.waiters {
		if w.ready == ready {
			v.waiters = append(v.waiters[:i], v.waiters[i+1:]...)
			return
		}
	}
}
