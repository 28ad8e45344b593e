package index

import (
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	bleve "github.com/blevesearch/bleve_index_api"
)

// run makes batches until the engine is closed.
func (e *Engine) run() {
	defer close(e.done)
	for e.waitForWork() {
		for {
			more, err := e.indexBatch()
			if err != nil {
				e.counts.failures.Add(1)
				e.log.Error("search index batch", "error", err)
				e.pause()
			}
			if !more || e.stopped() {
				break
			}
		}
	}
}

// waitForWork returns when a batch is due, or false when the engine is closed.
func (e *Engine) waitForWork() bool {
	select {
	case <-e.stop:
		return false
	case <-e.kick:
	}
	timer := time.NewTimer(e.options.BatchInterval)
	defer timer.Stop()
	for !e.urgent() {
		select {
		case <-e.stop:
			return false
		case <-e.kick:
		case <-timer.C:
			return true
		}
	}
	return true
}

// urgent reports whether a batch is due before its interval is over.
func (e *Engine) urgent() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.queued >= e.options.BatchDocuments && !e.stuck || len(e.resets) > 0 || len(e.flush) > 0
}

func (e *Engine) stopped() bool {
	select {
	case <-e.stop:
		return true
	default:
		return false
	}
}

// pause waits before something that failed is tried again.
func (e *Engine) pause() {
	select {
	case <-e.stop:
	case <-time.After(e.options.BatchInterval):
	}
}

// batch is what goes to bleve at once.
type batch struct {
	// documents are the newest states, by bleve's id.
	documents map[string]*Update
	// shards are those whose queue the batch moves, or which it empties.
	shards map[uint16]*shardBatch
	// taken is how many updates leave the queue with the batch.
	taken int
	// flushed are waiters for everything that is advanced; the batch is the last they need.
	flushed []chan struct{}
	// more: there is more to be indexed already.
	more bool
	// moved is closed when the queues have been moved behind the batch.
	moved chan struct{}
}

// shardBatch is one shard's part of a batch.
type shardBatch struct {
	queue    *shardQueue
	next     cursor
	taken    int
	position uint64
	// wipe is where the queue stands at the last wipe that the batch carries out.
	wipe *cursor
	// reset, when not nil: the shard is being forgotten; closed when that is on disk.
	reset chan struct{}
	// partly: not all documents of the shard could be removed in this batch.
	partly bool
}

// indexBatch takes what is visible from the queue, gives it to bleve and only then
// removes it from the queue, so that a search finds it in one of them. It reports
// whether there is more to do at once.
func (e *Engine) indexBatch() (more bool, err error) {
	b := e.gather()
	if err := e.wipe(b); err != nil {
		e.giveBack(b)
		return true, err
	}
	if len(b.shards) == 0 && len(b.flushed) == 0 {
		return false, nil
	}
	start := time.Now()
	if err := e.index.Batch(e.bleveBatch(b)); err != nil {
		e.giveBack(b)
		return true, err
	}
	e.counts.batched(len(b.documents), time.Since(start))
	e.indexed(b)
	return b.more, nil
}

// gather takes up to BatchLimit updates from the shards' queues. The queues stay
// as they are until indexed is called.
func (e *Engine) gather() *batch {
	e.mu.Lock()
	defer e.mu.Unlock()
	b := &batch{documents: map[string]*Update{}, shards: map[uint16]*shardBatch{}, moved: make(chan struct{})}
	for id, q := range e.shards {
		if done, ok := e.resets[id]; ok {
			b.shards[id] = &shardBatch{queue: q, next: q.next, reset: done}
			continue
		}
		if part := e.gatherShard(b, q); part.taken > 0 || part.position > q.position {
			b.shards[id] = part
		}
	}
	if !b.more {
		b.flushed, e.flush = e.flush, nil
	}
	if b.taken == 0 && len(b.flushed) == 0 && len(e.resets) == 0 {
		clear(b.shards) // positions alone are not worth a write
		if e.queued > 0 {
			e.stuck = true // above the visible index: look again after an interval
			e.wake()
		}
	}
	return b
}

// gatherShard takes one shard's updates into b.
func (e *Engine) gatherShard(b *batch, q *shardQueue) *shardBatch {
	part := &shardBatch{queue: q, next: q.next, position: q.advanced}
	for {
		u := part.next.peek()
		if u == nil || u.Index > q.advanced {
			return part
		}
		if b.taken >= e.options.BatchLimit {
			b.more = true
			part.position = max(q.position, u.Index-1)
			return part
		}
		if u.Wipe {
			at := part.next
			part.wipe = &at
			b.forget(u.Shard)
		} else {
			b.documents[bleveID(u.Shard, u.Profile, u.ID)] = u
		}
		part.next.skip()
		part.taken++
		b.taken++
	}
}

// forget removes a shard's documents from the batch.
func (b *batch) forget(shard uint16) {
	for id, u := range b.documents {
		if u.Shard == shard {
			delete(b.documents, id)
		}
	}
}

// wipe adds to the batch the removal of the documents that bleve has of the shards
// that are to be emptied. Of a shard with more than WipeDocuments it removes only
// those, and leaves the shard's queue and position before the wipe: a crash repeats it.
func (e *Engine) wipe(b *batch) error {
	for shard, part := range b.shards {
		if part.wipe == nil && part.reset == nil {
			continue
		}
		ids, err := e.documentsOf(shard, e.options.WipeDocuments)
		if err != nil {
			return err
		}
		if part.partly = len(ids) == e.options.WipeDocuments; part.partly {
			b.forget(shard)
			e.stopBeforeWipe(b, part)
		}
		for _, id := range ids {
			if b.documents[id] == nil {
				b.documents[id] = &Update{Shard: shard}
			}
		}
	}
	return nil
}

// stopBeforeWipe leaves the shard's queue as it was: the next batch meets the same
// updates, and by then fewer documents.
func (e *Engine) stopBeforeWipe(b *batch, part *shardBatch) {
	e.mu.Lock()
	defer e.mu.Unlock()
	q := part.queue
	b.taken -= part.taken
	b.more = true
	part.next, part.taken, part.position = q.next, 0, q.position
	e.flush = append(e.flush, b.flushed...)
	b.flushed = nil
}

// documentsOf returns the bleve ids of at most limit documents of a shard.
func (e *Engine) documentsOf(shard uint16, limit int) (ids []string, err error) {
	reader, err := e.index.Reader()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	for _, segment := range reader.(*scorch.IndexSnapshot).Segments() {
		live, err := newEvaluation(segment).holding(requirement{shardTerm(shard)})
		if err != nil {
			return nil, err
		}
		err = eachDocument(segment, live, func(raw []byte) bool {
			ids = append(ids, string(raw))
			return len(ids) < limit
		})
		if err != nil || len(ids) == limit {
			return ids, err
		}
	}
	return ids, nil
}

// eachDocument calls visit with the id of each live document of a segment that is
// in set, until visit returns false.
func eachDocument(segment *scorch.SegmentSnapshot, set *roaring.Bitmap, visit func(raw []byte) bool) error {
	for numbers := set.Iterator(); numbers.HasNext(); {
		raw, err := segment.DocID(uint64(numbers.Next()))
		if err != nil {
			return err
		}
		if !visit(raw) {
			return nil
		}
	}
	return nil
}

// bleveBatch turns the batch into bleve's, with the positions beside the documents:
// they become durable together or not at all.
func (e *Engine) bleveBatch(b *batch) *bleve.Batch {
	out := bleve.NewBatch()
	for id, u := range b.documents {
		if len(u.Document) == 0 {
			out.Delete(id)
			continue
		}
		out.Update(newBleveDocument(id, u.Shard, e.profiles[u.Profile], u.Document))
	}
	positions := map[uint16]uint64{}
	for shard, part := range b.shards {
		switch {
		case part.reset != nil:
			out.DeleteInternal(positionKey(shard))
		case !part.partly:
			out.SetInternal(positionKey(shard), encodePosition(part.position))
			positions[shard] = part.position
		}
	}
	out.SetPersistedCallback(func(error) { e.persisted(b, positions) })
	return out
}

// persisted is called by bleve when the batch is on disk. That can be before the
// queues were moved, and then who waits must wait for that too: Flush would return
// while the queue still had what it flushed.
func (e *Engine) persisted(b *batch, positions map[uint16]uint64) {
	<-b.moved
	e.counts.persisted.Add(1)
	for shard, position := range positions {
		e.options.OnPersisted(shard, position)
	}
	for _, waiting := range b.flushed {
		close(waiting)
	}
	for _, part := range b.shards {
		if part.reset != nil && !part.partly {
			close(part.reset)
		}
	}
}

// indexed removes from the queues what bleve's newest reader now has.
func (e *Engine) indexed(b *batch) {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer close(b.moved)
	taken := 0
	for id, part := range b.shards {
		switch {
		case part.partly:
			b.more = true
		case part.reset != nil:
			delete(e.resets, id)
		case part.queue == e.shards[id]: // not forgotten meanwhile
			part.queue.next, part.queue.position = part.next, part.position
			taken += part.taken
		}
	}
	e.dequeued(taken)
}

// dequeued counts updates out and lets in who waited for room. e.mu is held.
func (e *Engine) dequeued(n int) {
	e.queued -= n
	close(e.room)
	e.room = make(chan struct{})
	if e.queued > 0 {
		e.wake()
	}
}

// giveBack restores who waited for a batch that failed.
func (e *Engine) giveBack(b *batch) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.flush = slices.Concat(b.flushed, e.flush)
	b.flushed = nil
}
