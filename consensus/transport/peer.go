package transport

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// peer is another node as this one knows it: at most one session, and how the next
// one comes about.
type peer struct {
	node    *Node
	id      raft.ServerID
	streams chan struct{} // to it
	served  chan struct{} // from it

	mu        sync.Mutex
	closed    error
	session   *session // nil: none
	attempt   *attempt // nil: not dialling
	address   string   // where it was last; "" unknown
	failures  int      // in a row
	notBefore time.Time

	visibleMu sync.Mutex
	visible   map[uint32]Visible // not yet sent
}

// attempt is one try to connect.
type attempt struct {
	cancel  context.CancelFunc
	greeted bool // the greeting may have gone out
	done    chan struct{}
	err     error // stands when done is closed
}

func newPeer(n *Node, id raft.ServerID) *peer {
	return &peer{
		node: n, id: id, visible: map[uint32]Visible{},
		streams: make(chan struct{}, n.config.Limits.Streams),
		served:  make(chan struct{}, n.config.Limits.Streams),
	}
}

func (p *peer) current() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.session
}

// hint says where raft thinks the peer is.
func (p *peer) hint(address raft.ServerAddress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.address == "" {
		p.address = string(address)
	}
}

// connect returns the session. Without one it waits for a try to end, and when the
// last one failed a moment ago it fails at once.
func (p *peer) connect(ctx context.Context) (*session, error) {
	p.mu.Lock()
	if p.session != nil {
		defer p.mu.Unlock()
		return p.session, nil
	}
	a, err := p.tryLocked()
	p.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case <-a.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrPeerDown, ctx.Err())
	}
	if s := p.current(); s != nil {
		return s, nil
	}
	if a.err == nil {
		return nil, ErrPeerLost // it came and went
	}
	return nil, fmt.Errorf("%w: %w", ErrPeerDown, a.err)
}

// poke starts a try to connect when there is no session, and does not wait for it.
func (p *peer) poke() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session == nil {
		_, _ = p.tryLocked()
	}
}

// tryLocked returns the attempt that is under way, or begins one.
func (p *peer) tryLocked() (*attempt, error) {
	switch {
	case p.closed != nil:
		return nil, p.closed
	case p.attempt != nil:
		return p.attempt, nil
	case time.Now().Before(p.notBefore):
		return nil, ErrPeerDown
	}
	ctx, cancel := context.WithTimeout(p.node.ctx, p.node.config.Timing.Dial)
	a := &attempt{cancel: cancel, done: make(chan struct{})}
	if !p.node.run(func() { p.dial(ctx, a) }) {
		cancel()
		return nil, ErrClosed
	}
	p.attempt = a
	return a, nil
}

func (p *peer) dial(ctx context.Context, a *attempt) {
	defer a.cancel()
	l, err := p.reach(ctx, classFrames, func() error { return p.mayGreet(a) })
	var s *session
	if err == nil {
		s = newSession(p, l, nil)
	}
	p.mu.Lock()
	p.attempt, a.err = nil, err
	var old *session
	switch {
	case err == nil && p.closed != nil:
		old, a.err = s, p.closed
	case err == nil:
		old = p.takeLocked(s)
	case p.session != nil:
		// The peer's own call came first.
	case errors.Is(err, errCrossed):
		p.notBefore = time.Now().Add(p.node.config.Timing.Backoff)
	default:
		p.failLocked()
	}
	p.mu.Unlock()
	close(a.done)
	old.close(ErrPeerLost)
	if err != nil && !errors.Is(err, errCrossed) {
		p.node.count.dialFailures.Add(1)
		p.node.config.Logger.Debug("peer not reached", "peer", p.id, "error", err)
	}
}

// reach connects to where the peer is now.
func (p *peer) reach(ctx context.Context, c class, greet func() error) (*link, error) {
	address, ok := "", false
	if resolve := p.node.config.Resolve; resolve != nil {
		address, ok = resolve(p.id)
	}
	if !ok {
		p.mu.Lock()
		address = p.address
		p.mu.Unlock()
	}
	if address == "" {
		return nil, errors.New("transport: nobody knows its address")
	}
	return p.node.dial(ctx, p.id, address, c, greet)
}

// mayGreet is asked when a connection stands and nothing is said yet: the last moment
// at which a call from the peer simply takes its place. See admit.
func (p *peer) mayGreet(a *attempt) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session != nil {
		return errCrossed
	}
	a.greeted = true
	return nil
}

// takeLocked makes a session the peer's and returns the one that it replaces.
func (p *peer) takeLocked(s *session) (old *session) {
	old, p.session = p.session, s
	p.address = s.link.address
	p.failures, p.notBefore = 0, time.Time{}
	s.start()
	return old
}

// failLocked says when the next try may be: twice as long after each failure, and at
// a random moment, so that nodes do not call in step.
func (p *peer) failLocked() {
	t := p.node.config.Timing
	pause := min(t.Backoff<<min(p.failures, 16), t.BackoffTo)
	p.failures++
	pause = pause/2 + time.Duration(float64(pause)/2*p.node.config.Jitter())
	p.notBefore = time.Now().Add(pause)
}

// admit takes a connection that the peer dialled. When both dialled at once, the one
// of the lower name is kept: who has the lower name and has greeted says so to the
// other, and who has the higher name gives up its own. A node that has not greeted
// yet takes the call, so that a peer whose own calls lead nowhere can be called by it.
// A session that exists is replaced: the peer would not call if it had it still.
func (n *Node) admit(l *link, g greeting) {
	p, err := n.peer(g.from.ServerID())
	if err != nil {
		n.turnAway(l, full)
		return
	}
	p.mu.Lock()
	if p.closed != nil || p.attempt != nil && p.attempt.greeted && n.self < p.id {
		p.mu.Unlock()
		n.turnAway(l, crossed)
		return
	}
	if p.attempt != nil {
		p.attempt.cancel()
	}
	old := p.takeLocked(newSession(p, l, envelope(n.response(welcome).encode())))
	p.mu.Unlock()
	old.close(ErrPeerLost)
}

func (n *Node) turnAway(l *link, v verdict) {
	deadlineFor(l.conn.SetWriteDeadline, n.config.Timing.Dial)
	_, _ = l.conn.Write(envelope(n.response(v).encode()))
	_ = l.conn.Close()
}

// lost forgets a session that ended.
func (p *peer) lost(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session == s {
		p.session = nil
		p.failLocked()
	}
}

func (p *peer) close(err error) {
	p.mu.Lock()
	p.closed = err
	s := p.session
	if p.attempt != nil {
		p.attempt.cancel()
	}
	p.mu.Unlock()
	s.close(err)
}
