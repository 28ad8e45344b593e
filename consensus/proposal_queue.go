package consensus

import (
	"slices"
	"sync"
	"time"
)

// pending is a proposal that somebody waits for. It is answered once at most.
type pending struct {
	proposal Proposal
	answer   chan answer // room for one
}

type answer struct {
	applied Applied
	err     error
}

// proposalQueue holds proposals until an entry can take them along. It is
// bounded by number and by bytes.
//
// Packing needs no timer: while one entry is under way the next fills up. A second
// goes out beside it only when the queue is deep, since two half-full entries cost
// more syncs than one full one.
type proposalQueue struct {
	limits Limits

	mu      sync.Mutex
	ready   sync.Cond // a lane may take
	waiting []*pending
	bytes   int
	flying  int // packs taken and not landed
	closed  error
	free    sync.Pool
}

func newProposalQueue(limits Limits) *proposalQueue {
	q := &proposalQueue{limits: limits}
	q.ready.L = &q.mu
	q.free.New = func() any { return &pending{answer: make(chan answer, 1)} }
	return q
}

// push lines a proposal up. It returns ErrTooLarge, an *OverloadedError or what the
// queue was closed with.
func (q *proposalQueue) push(p Proposal) (*pending, error) {
	size := p.size()
	if size > q.limits.EntryBytes-entryHeaderSize {
		return nil, ErrTooLarge
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed != nil {
		return nil, q.closed
	}
	if len(q.waiting) >= q.limits.QueuePayloads || q.bytes+size > q.limits.QueueBytes {
		return nil, &OverloadedError{RetryAfter: q.limits.RetryAfter}
	}
	waiter := q.free.Get().(*pending)
	waiter.proposal = p
	q.waiting = append(q.waiting, waiter)
	q.bytes += size
	if q.mayTake() {
		q.ready.Signal()
	}
	return waiter, nil
}

// withdraw takes a proposal back and tells whether it could: whether it was not
// yet taken along.
func (q *proposalQueue) withdraw(p *pending) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := slices.Index(q.waiting, p)
	if at < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, at, at+1)
	q.bytes -= p.proposal.size()
	return true
}

// recycle gives a waiter back that was answered or withdrawn.
func (q *proposalQueue) recycle(p *pending) {
	p.proposal = Proposal{}
	q.free.Put(p)
}

func (q *proposalQueue) mayTake() bool {
	switch q.flying {
	case 0:
		return len(q.waiting) > 0
	case 1:
		return len(q.waiting) >= q.limits.DeepQueue || q.bytes >= q.limits.EntryBytes
	default:
		return false
	}
}

// take waits until an entry may go out and appends what travels in it to pack. It
// returns false when the queue is closed. Each take is followed by one landed.
func (q *proposalQueue) take(pack []*pending) ([]*pending, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.closed == nil && !q.mayTake() {
		q.ready.Wait()
	}
	if q.closed != nil {
		return nil, false
	}
	room := q.limits.EntryBytes - entryHeaderSize
	count := 0
	for _, p := range q.waiting {
		size := p.proposal.size()
		if count == q.limits.PackPayloads || size > room {
			break
		}
		room -= size
		q.bytes -= size
		count++
	}
	pack = append(pack, q.waiting[:count]...)
	q.waiting = slices.Delete(q.waiting, 0, count)
	q.flying++
	return pack, true
}

// landed says that what take returned was answered.
func (q *proposalQueue) landed() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.flying--
	if q.mayTake() {
		q.ready.Signal()
	}
}

// close refuses what comes and answers what waits with err: it was not proposed.
func (q *proposalQueue) close(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed != nil {
		return
	}
	q.closed = err
	for _, p := range q.waiting {
		p.answer <- answer{err: err}
	}
	q.waiting, q.bytes = nil, 0
	q.ready.Broadcast()
}

func (q *proposalQueue) depth() (payloads, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting), q.bytes
}

// retryPause is how long the group waits before it asks raft again during a
// transfer of leadership.
const retryPause = 10 * time.Millisecond
