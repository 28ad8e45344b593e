package transport

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// session is one connection to a peer while it lasts: a goroutine that reads and one
// that writes, what waits to be written, and the requests that wait for an answer.
type session struct {
	node     *Node
	peer     *peer
	link     *link
	from     sender // who raft is told sent what comes in
	preamble []byte // written before any frame
	queue    *queue
	calls    calls
	serving  chan struct{}   // calls of the peer being served
	ctx      context.Context // ends with the session
	cancel   context.CancelFunc
	done     <-chan struct{}

	ending sync.Once
	heard  atomic.Int64 // when the last byte came, UnixNano
	rtt    atomic.Int64 // smoothed, in nanoseconds; 0: unknown
}

func newSession(p *peer, l *link, preamble []byte) *session {
	n := p.node
	s := &session{
		node: n, peer: p, link: l, preamble: preamble, queue: newQueue(n.config),
		from:    sender{[]byte(p.id), []byte(l.address)},
		serving: make(chan struct{}, n.config.Limits.Calls),
	}
	s.ctx, s.cancel = context.WithCancel(n.ctx)
	s.done = s.ctx.Done()
	s.calls.waiting = map[uint64]*call{}
	s.heard.Store(time.Now().UnixNano())
	return s
}

// start lets the session run. The peer's lock is held.
func (s *session) start() {
	if !s.node.run(s.read) || !s.node.run(s.write) {
		s.node.tasks.Go(func() { s.close(ErrClosed) })
		return
	}
	s.node.count.connections.Add(1)
	limitUnsent(s.link.conn)
	s.ping(time.Now())
	s.queue.signal()
}

// close ends the session once: everybody who waits for it gets err. A nil session is
// closed already.
func (s *session) close(err error) {
	if s == nil {
		return
	}
	s.ending.Do(func() {
		s.cancel()
		_ = underneath(s.link.conn).Close()
		s.queue.close(err)
		s.calls.close(err)
		s.peer.lost(s)
		s.node.config.Logger.Debug("connection ended", "peer", s.peer.id, "error", err)
	})
}

// read reads frames until the connection ends.
func (s *session) read() {
	limit := s.node.config.Limits.FrameBytes
	r, large := frameReader{r: s.link.reader, limit: limit}, pieces{limit: limit}
	for {
		f, err := r.read()
		if err == nil {
			s.heard.Store(time.Now().UnixNano())
			s.node.count.framesIn.Add(1)
			s.node.count.bytesIn.Add(int64(len(f.body) + frameHeader))
			whole := f.kind != kindPiece
			if !whole {
				f, whole, err = large.add(f)
			}
			if whole {
				err = s.receive(f)
			}
		}
		if err != nil {
			s.close(fmt.Errorf("%w: %w", ErrPeerLost, err))
			return
		}
	}
}

// write writes what waits until the connection ends.
func (s *session) write() {
	batch := s.preamble
	for {
		if err := s.send(batch); err != nil {
			s.close(fmt.Errorf("%w: %w", ErrPeerLost, err))
			return
		}
		if cap(batch) > 2*batchBytes {
			batch = nil
		}
		batch = s.ownFrames(batch[:0])
		batch = s.queue.take(batch, s.node.release)
		if len(batch) > 0 {
			continue
		}
		select {
		case <-s.queue.wake:
		case <-s.done:
			return
		}
	}
}

// ownFrames appends the frames that are made at the last moment, of everything that
// waits for them then: what is visible and the terms asked for.
func (s *session) ownFrames(buf []byte) []byte {
	if round := s.queue.nextRound(); round != nil {
		buf = s.appendTermRound(buf, round)
	}
	return s.peer.appendVisible(buf)
}

func (s *session) send(batch []byte) error {
	if len(batch) == 0 {
		return nil
	}
	s.node.count.writes.Add(1)
	s.node.count.bytesOut.Add(int64(len(batch)))
	_, err := s.link.conn.Write(batch)
	return err
}

// push queues a frame.
func (s *session) push(frame []byte, urgent bool) error {
	err := s.queue.push(frame, urgent)
	if err == nil {
		s.node.count.framesOut.Add(1)
	} else {
		s.node.count.dropped.Add(1)
	}
	return err
}

// answer queues a small frame; when the queue is full the peer's request times out.
func (s *session) answer(k kind, group uint32, id uint64, body func([]byte) []byte) {
	buf := beginFrame(s.node.buffer(), k, group, id)
	buf = endFrame(body(buf), 0)
	_ = s.push(buf, len(buf) <= smallFrame)
}

func (s *session) refuse(group uint32, id uint64, why refusal, text string) {
	s.node.count.refusalsOut[why].Add(1)
	s.answer(kindRefusal, group, id, func(b []byte) []byte { return encodeRefusal(b, why, text) })
}

// check pings, and ends a session whose peer is silent though it was pinged: a
// half-open connection.
func (s *session) check(now time.Time) {
	if silence := now.UnixNano() - s.heard.Load(); silence > int64(s.node.config.Timing.Silence) {
		s.close(fmt.Errorf("%w: silent for %v", ErrPeerLost, time.Duration(silence).Round(time.Millisecond)))
		return
	}
	s.calls.expire(now)
	s.ping(now)
}

func (s *session) ping(now time.Time) {
	s.answer(kindPing, 0, 0, func(b []byte) []byte { return binary.LittleEndian.AppendUint64(b, uint64(now.UnixNano())) })
}

// ponged takes the peer's echo of when this node pinged.
func (s *session) ponged(f frame) error {
	if len(f.body) != 8 {
		return fmt.Errorf("%w: pong", ErrCorrupt)
	}
	took := time.Now().UnixNano() - int64(binary.LittleEndian.Uint64(f.body))
	if before := s.rtt.Load(); before > 0 {
		took = before + (took-before)/4
	}
	s.rtt.Store(max(took, 1))
	return nil
}

// call is one request that waits for its answer. finish is called once: with the
// frame, on the goroutine that reads, or with an error.
type call struct {
	deadline time.Time
	finish   func(f frame, err error)
}

// calls are the requests of one session that wait.
type calls struct {
	mu      sync.Mutex
	over    error
	last    uint64
	waiting map[uint64]*call
}

// add returns the id under which the answer will come.
func (c *calls) add(deadline time.Time, finish func(frame, error)) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over != nil {
		return 0, c.over
	}
	c.last++
	c.waiting[c.last] = &call{deadline, finish}
	return c.last, nil
}

// remove takes a request back; false when it is being finished.
func (c *calls) remove(id uint64) (*call, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w, ok := c.waiting[id]
	delete(c.waiting, id)
	return w, ok
}

// finish gives an answer to who waits for it; one that comes too late to nobody.
func (c *calls) finish(f frame) {
	if w, ok := c.remove(f.id); ok {
		w.finish(f, nil)
	}
}

func (c *calls) fail(id uint64, err error) {
	if w, ok := c.remove(id); ok {
		w.finish(frame{}, err)
	}
}

func (c *calls) expire(now time.Time) {
	c.mu.Lock()
	var late []*call
	for id, w := range c.waiting {
		if now.After(w.deadline) {
			late = append(late, w)
			delete(c.waiting, id)
		}
	}
	c.mu.Unlock()
	for _, w := range late {
		w.finish(frame{}, ErrTimeout)
	}
}

func (c *calls) close(err error) {
	c.mu.Lock()
	waiting := c.waiting
	c.over, c.waiting = err, map[uint64]*call{}
	c.mu.Unlock()
	for _, w := range waiting {
		w.finish(frame{}, err)
	}
}

// request sends one request; finish gets what answered it, unless request fails.
func (s *session) request(k kind, group uint32, timeout time.Duration, encode func([]byte) []byte, finish func(frame, error)) (id uint64, err error) {
	id, err = s.calls.add(time.Now().Add(timeout), finish)
	if err != nil {
		return 0, err
	}
	buf := endFrame(encode(beginFrame(s.node.buffer(), k, group, id)), 0)
	if len(buf)-frameHeader > s.node.config.Limits.FrameBytes {
		err = fmt.Errorf("%w: frame of %d bytes", ErrTooLarge, len(buf))
	} else {
		err = s.push(buf, k != kindAppend && len(buf) <= smallFrame)
	}
	if err != nil {
		if _, mine := s.calls.remove(id); !mine {
			return id, nil // finish has been told why
		}
	}
	return id, err
}

// answered checks that a frame answers what was asked.
func (f frame) answered(want kind, err error) error {
	switch {
	case err != nil:
		return err
	case f.kind == kindRefusal:
		return decodeRefusal(f.body)
	case f.kind != want:
		return fmt.Errorf("%w: answer of kind %d", ErrCorrupt, f.kind)
	default:
		return nil
	}
}
