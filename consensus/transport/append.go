package transport

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// window bounds the bytes of entries that are under way. One goroutine takes, any
// give back.
type window struct {
	limit int
	used  atomic.Int64
	freed chan struct{} // holds one: something was given back
}

func newWindow(l Limits) *window { return &window{limit: l.WindowBytes, freed: make(chan struct{}, 1)} }

// take waits until size fits; something larger than the window goes alone. It
// returns false when one of the channels is closed first.
func (w *window) take(size int, done, closed <-chan struct{}) bool {
	for {
		used := w.used.Load()
		if used == 0 || used+int64(size) <= int64(w.limit) {
			w.used.Add(int64(size))
			return true
		}
		select {
		case <-w.freed:
		case <-done:
			return false
		case <-closed:
			return false
		}
	}
}

func (w *window) give(size int) {
	w.used.Add(-int64(size))
	select {
	case w.freed <- struct{}{}:
	default:
	}
}

// appending is one AppendEntries under way, and the future that raft gets of it. Raft
// bounds an append by entries only, so one of many bytes travels as several frames,
// each an append that would be right alone, behind the entries of the one before.
// The answer is success when all are; else it is that of the first that is not.
type appending struct {
	group   *Group
	session *session
	request *raft.AppendEntriesRequest
	start   time.Time
	done    chan struct{} // closed when err and the response stand

	mu       sync.Mutex
	left     int // answers to come, and one while parts are sent
	failedAt int // the first part that was no success; -1: none
	response *raft.AppendEntriesResponse
	err      error
}

func newAppending(g *Group, s *session, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) *appending {
	return &appending{group: g, session: s, request: args, response: resp, start: time.Now(),
		done: make(chan struct{}), left: 1, failedAt: -1}
}

// Error implements raft.Future.
func (a *appending) Error() error {
	<-a.done
	return a.err
}

// Start implements raft.AppendFuture.
func (a *appending) Start() time.Time { return a.start }

// Request implements raft.AppendFuture.
func (a *appending) Request() *raft.AppendEntriesRequest { return a.request }

// Response implements raft.AppendFuture.
func (a *appending) Response() *raft.AppendEntriesResponse { return a.response }

// send sends all parts, waiting for the window between them, and returns the first
// error: then nothing more is sent.
func (a *appending) send(w *window, closed <-chan struct{}) error {
	prevIndex, prevTerm, rest := a.request.PrevLogEntry, a.request.PrevLogTerm, a.request.Entries
	var err error
	for part := 0; err == nil && (part == 0 || len(rest) > 0); part++ {
		entries, size := cutPart(rest, a.group.node.config.Limits.PartBytes)
		rest = rest[len(entries):]
		err = a.sendPart(part, w, closed, prevIndex, prevTerm, entries, size)
		if len(entries) > 0 {
			last := entries[len(entries)-1]
			prevIndex, prevTerm = last.Index, last.Term
		}
	}
	a.arrived(-1, raft.AppendEntriesResponse{Success: err == nil}, err)
	return err
}

// cutPart returns the entries of the next part, at least one if there is any.
func cutPart(entries []*raft.Log, limit int) (part []*raft.Log, size int) {
	size = entryOverhead
	for i, l := range entries {
		s := entrySize(l)
		if i > 0 && size+s > limit {
			return entries[:i], size
		}
		size += s
	}
	return entries, size
}

func (a *appending) sendPart(part int, w *window, closed <-chan struct{}, prevIndex, prevTerm uint64, entries []*raft.Log, size int) error {
	s := a.session
	if !w.take(size, s.done, closed) {
		return ErrPeerLost
	}
	a.mu.Lock()
	a.left++
	a.mu.Unlock()
	through := prevIndex + uint64(len(entries))
	_, err := s.request(kindAppend, a.group.id, a.group.node.config.Timing.Append,
		func(b []byte) []byte { return encodeAppend(b, a.request, prevIndex, prevTerm, entries) },
		func(f frame, err error) {
			w.give(size)
			a.answered(part, through, f, err)
		})
	if err != nil {
		w.give(size)
		a.mu.Lock()
		a.left--
		a.mu.Unlock()
	}
	return err
}

func (a *appending) answered(part int, through uint64, f frame, err error) {
	var r raft.AppendEntriesResponse
	if err = f.answered(kindAppendAnswer, err); err == nil {
		err = decodeAppendAnswer(f.body, a.session.from, &r)
	}
	if err == nil && r.Success && r.Term == a.request.Term {
		a.group.matched(a.session.peer.id, a.request.Term, through)
	}
	a.arrived(part, r, err)
}

// arrived counts one answer in; part -1 stands for the sending itself.
func (a *appending) arrived(part int, r raft.AppendEntriesResponse, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err != nil:
		if a.err == nil {
			a.err = err
		}
	case part < 0:
	case !r.Success && (a.failedAt < 0 || part < a.failedAt):
		a.failedAt = part
		*a.response = r
	case r.Success && a.failedAt < 0 && r.LastLog >= a.response.LastLog:
		*a.response = r
	}
	a.left--
	if a.left > 0 {
		return
	}
	close(a.done)
}

// pipeline is raft's AppendPipeline to one peer. Futures come out in the order in
// which they went in.
type pipeline struct {
	group   *Group
	session *session
	window  *window
	pending chan *appending
	ready   chan raft.AppendFuture
	closed  chan struct{}
	ending  sync.Once
}

// AppendEntriesPipeline implements raft.Transport.
func (g *Group) AppendEntriesPipeline(id raft.ServerID, target raft.ServerAddress) (raft.AppendPipeline, error) {
	s, err := g.session(id, target)
	if err != nil {
		return nil, err
	}
	p := &pipeline{
		group: g, session: s, window: newWindow(g.node.config.Limits),
		pending: make(chan *appending, g.node.config.Limits.WindowFrames),
		ready:   make(chan raft.AppendFuture),
		closed:  make(chan struct{}),
	}
	if !g.node.run(p.deliver) {
		return nil, ErrClosed
	}
	return p, nil
}

// AppendEntries implements raft.AppendPipeline. It waits while the window is full,
// for which raft's goroutine for this peer exists.
func (p *pipeline) AppendEntries(args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) (raft.AppendFuture, error) {
	select {
	case <-p.closed:
		return nil, raft.ErrPipelineShutdown
	default:
	}
	a := newAppending(p.group, p.session, args, resp)
	select {
	case p.pending <- a:
	case <-p.closed:
		return nil, raft.ErrPipelineShutdown
	case <-p.session.done:
		return nil, ErrPeerLost
	}
	if err := a.send(p.window, p.closed); err != nil {
		return nil, err
	}
	return a, nil
}

// Consumer implements raft.AppendPipeline.
func (p *pipeline) Consumer() <-chan raft.AppendFuture { return p.ready }

// Close implements raft.AppendPipeline. What is under way is answered to nobody.
func (p *pipeline) Close() error {
	p.ending.Do(func() { close(p.closed) })
	return nil
}

func (p *pipeline) deliver() {
	for {
		select {
		case a := <-p.pending:
			if !p.hand(a) {
				return
			}
		case <-p.closed:
			return
		case <-p.group.node.ctx.Done():
			return
		}
	}
}

// hand gives one future to raft when it is over. One that failed is not given: raft
// does not ask a future for its error and would count it as contact with the peer. It
// learns from its next append, a commit timeout later at most.
func (p *pipeline) hand(a *appending) bool {
	select {
	case <-a.done:
	case <-p.closed:
		return false
	}
	if a.err != nil {
		_ = p.Close()
		return false
	}
	select {
	case p.ready <- a:
		return true
	case <-p.closed:
		return false
	}
}
