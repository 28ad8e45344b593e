package cluster

import (
	"context"
	"sync"
	"time"

	"vertebra/storage/record"
)

// subjectQueue lets one decision at a time through for each subject, in the
// order of arrival, so that decisions on one person do not refuse each other.
// Decisions on different subjects do not meet.
//
// It is bounded twice: by how many may wait for one subject and by how many may
// be inside or waiting in all.
type subjectQueue struct {
	perSubject, total int

	mu     sync.Mutex
	inside int
	lines  map[record.Subject]*line
}

// line is the queue of one subject; waiting holds a channel for each that is not
// first. It exists only while somebody is in it.
type line struct{ waiting []chan struct{} }

func newSubjectQueue(perSubject, total int) *subjectQueue {
	return &subjectQueue{perSubject: perSubject, total: total, lines: map[record.Subject]*line{}}
}

// enter returns when the caller is first in the subject's line; the caller must
// then call leave. When the line or the whole is full it returns ErrOverloaded.
func (q *subjectQueue) enter(ctx context.Context, s record.Subject) error {
	q.mu.Lock()
	if q.inside >= q.total {
		q.mu.Unlock()
		return retry(ErrOverloaded, time.Second)
	}
	l := q.lines[s]
	if l == nil {
		q.inside++
		q.lines[s] = &line{}
		q.mu.Unlock()
		return nil
	}
	if len(l.waiting) >= q.perSubject {
		q.mu.Unlock()
		return retry(ErrOverloaded, time.Second)
	}
	turn := make(chan struct{})
	l.waiting = append(l.waiting, turn)
	q.inside++
	q.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		q.abandon(s, turn)
		return ctx.Err()
	}
}

// leave lets the next in the subject's line in.
func (q *subjectQueue) leave(s record.Subject) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.inside--
	l := q.lines[s]
	if len(l.waiting) == 0 {
		delete(q.lines, s)
		return
	}
	close(l.waiting[0])
	l.waiting = l.waiting[1:]
}

// abandon takes a caller out of the line whose context ended. Its turn may have
// come in the meantime: then it is passed on.
func (q *subjectQueue) abandon(s record.Subject, turn chan struct{}) {
	q.mu.Lock()
	l := q.lines[s]
	for i, other := range l.waiting {
		if other == turn {
			l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
			q.inside--
			q.mu.Unlock()
			return
		}
	}
	q.mu.Unlock()
	q.leave(s)
}
