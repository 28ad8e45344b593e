package index

import "context"

// Flush returns when everything that was advanced before the call is on disk.
func (e *Engine) Flush(ctx context.Context) error {
	waiting := make(chan struct{})
	e.mu.Lock()
	err := e.usable()
	if err == nil {
		e.flush = append(e.flush, waiting)
		e.wake()
	}
	e.mu.Unlock()
	if err != nil {
		return err
	}
	return e.await(ctx, waiting)
}

// Reset forgets a shard: its documents, its queue and its position, which is 0
// then. It returns when that is on disk. Use it before a shard is fed again from
// the start, and when a replica has left the node. Updates appended meanwhile are
// kept and follow it.
func (e *Engine) Reset(ctx context.Context, shard uint16) error {
	e.mu.Lock()
	err := e.usable()
	waiting := e.resets[shard]
	if waiting == nil {
		waiting = make(chan struct{})
	}
	if err == nil {
		e.discard(shard)
		e.resets[shard] = waiting
		e.wake()
	}
	e.mu.Unlock()
	if err != nil {
		return err
	}
	return e.await(ctx, waiting)
}

// discard replaces a shard's queue by an empty one; e.mu is held.
func (e *Engine) discard(shard uint16) {
	n := 0
	for at := e.shard(shard).next; at.peek() != nil; at.skip() {
		n++
	}
	e.shards[shard] = newShardQueue(0)
	e.dequeued(n)
}

func (e *Engine) await(ctx context.Context, waiting <-chan struct{}) error {
	select {
	case <-waiting:
		return nil
	case <-e.stop:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}
