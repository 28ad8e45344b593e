package index

import (
	"sync/atomic"
	"time"
)

// shardQueue holds what a shard has appended and bleve does not have yet, in log
// order: a singly linked list whose nodes are never changed once they are linked.
//
// A search keeps the cursor that it found at its start and walks from there, so
// what it needs stays in memory for as long as it runs and no longer, without a
// count of who reads what. Rejected: a slice with a floor below which readers had
// to start again; a burst of batches could make a reader start again many times.
type shardQueue struct {
	tail *queueNode
	// next is the first update that bleve does not have.
	next cursor
	// advanced is the visible index: what is above it stays in the queue.
	advanced uint64
	// position is what the last batch recorded as indexed.
	position uint64
}

// queueNode is the updates of one Append.
type queueNode struct {
	updates []Update
	since   time.Time
	next    atomic.Pointer[queueNode]
}

func newShardQueue(position uint64) *shardQueue {
	empty := &queueNode{}
	return &shardQueue{tail: empty, next: cursor{node: empty}, advanced: position, position: position}
}

// append links updates, which are kept, to the end.
func (q *shardQueue) append(updates []Update) {
	node := &queueNode{updates: updates, since: time.Now()}
	q.tail.next.Store(node)
	q.tail = node
}

// cursor is a place in a shard's queue. A copy is another place; moving it does
// not change the queue. The queue may grow meanwhile.
type cursor struct {
	node *queueNode
	at   int
}

// peek returns the update at the cursor, or nil at the end.
func (c *cursor) peek() *Update {
	for c.at == len(c.node.updates) {
		following := c.node.next.Load()
		if following == nil {
			return nil
		}
		c.node, c.at = following, 0
	}
	return &c.node.updates[c.at]
}

// skip moves behind the update that peek returned.
func (c *cursor) skip() { c.at++ }
