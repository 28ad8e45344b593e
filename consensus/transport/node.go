package transport

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// Node is this node's end of all its connections. All methods are safe for concurrent
// use.
type Node struct {
	config Config
	count  counters
	self   raft.ServerID

	ctx    context.Context // ends when Close is called
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	shakes chan struct{} // handshakes of those who dial us

	groupsMu sync.RWMutex
	groups   map[uint32]*Group

	peersMu sync.RWMutex
	closed  bool
	peers   map[raft.ServerID]*peer

	buffers sync.Pool // *[]byte: frames on their way out
}

// Open starts a node: it accepts connections from now on and dials when something is
// to be sent.
func Open(c Config) (*Node, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	n := &Node{config: c, self: c.Self.ServerID(), groups: map[uint32]*Group{}, peers: map[raft.ServerID]*peer{}}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.shakes = make(chan struct{}, c.Limits.Handshakes)
	n.buffers.New = func() any { b := make([]byte, 0, 512); return &b }
	if c.Listener != nil {
		n.tasks.Go(n.accept)
	}
	n.tasks.Go(n.tick)
	return n, nil
}

// Close ends all connections and waits until nothing runs any more. Calls under way
// fail with ErrClosed or ErrPeerLost; groups are not heard any more.
func (n *Node) Close() error {
	n.peersMu.Lock()
	again := n.closed
	n.closed = true
	n.peersMu.Unlock()
	n.cancel()
	var err error
	if n.config.Listener != nil && !again {
		err = n.config.Listener.Close()
	}
	for _, p := range n.allPeers() {
		p.close(ErrClosed)
	}
	n.tasks.Wait()
	return err
}

// run starts a goroutine that Close waits for, unless the node is closed.
func (n *Node) run(task func()) bool {
	n.peersMu.RLock()
	defer n.peersMu.RUnlock()
	if n.closed {
		return false
	}
	n.tasks.Go(task)
	return true
}

func (n *Node) accept() {
	for {
		conn, err := n.config.Listener.Accept()
		if n.ctx.Err() != nil {
			if err == nil {
				_ = conn.Close()
			}
			return
		}
		if err != nil {
			n.config.Logger.Warn("accepting a connection", "error", err)
			n.pause(n.config.Timing.Backoff)
			continue
		}
		select {
		case n.shakes <- struct{}{}:
			n.tasks.Go(func() {
				defer func() { <-n.shakes }()
				n.receive(conn)
			})
		default:
			n.count.handshakeFailures.Add(1)
			_ = conn.Close()
		}
	}
}

func (n *Node) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-n.ctx.Done():
	}
}

// tick pings every peer, and looks for answers that are overdue and peers that are
// silent: one timer for all instead of one for each request.
func (n *Node) tick() {
	ticker := time.NewTicker(n.config.Timing.Ping)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			for _, p := range n.allPeers() {
				if s := p.current(); s != nil {
					s.check(now)
				}
			}
		case <-n.ctx.Done():
			return
		}
	}
}

func (n *Node) allPeers() []*peer {
	n.peersMu.RLock()
	defer n.peersMu.RUnlock()
	all := make([]*peer, 0, len(n.peers))
	for _, p := range n.peers {
		all = append(all, p)
	}
	return all
}

// peer returns the peer of a name, which is made at its first use.
func (n *Node) peer(id raft.ServerID) (*peer, error) {
	n.peersMu.RLock()
	p := n.peers[id]
	n.peersMu.RUnlock()
	if p != nil {
		return p, nil
	}
	if id == n.self {
		return nil, fmt.Errorf("%w: that is this node", ErrWrongPeer)
	}
	if _, err := ParseServerID(id); err != nil {
		return nil, err
	}
	n.peersMu.Lock()
	defer n.peersMu.Unlock()
	switch {
	case n.closed:
		return nil, ErrClosed
	case n.peers[id] != nil:
		return n.peers[id], nil
	case len(n.peers) >= n.config.Limits.Peers:
		return nil, fmt.Errorf("%w: %d peers", ErrPeerBusy, len(n.peers))
	}
	p = newPeer(n, id)
	n.peers[id] = p
	return p, nil
}

// Forget ends the connection to a peer and drops what is known about it: for a server
// that left the cluster, or whose node has another incarnation now.
func (n *Node) Forget(id raft.ServerID) {
	n.peersMu.Lock()
	p := n.peers[id]
	delete(n.peers, id)
	n.peersMu.Unlock()
	if p != nil {
		p.close(ErrPeerLost)
	}
}

// RTT returns the smoothed round trip of pings to a peer, false when none was
// answered on the connection that there is.
func (n *Node) RTT(id raft.ServerID) (time.Duration, bool) {
	n.peersMu.RLock()
	p := n.peers[id]
	n.peersMu.RUnlock()
	if p == nil {
		return 0, false
	}
	s := p.current()
	if s == nil {
		return 0, false
	}
	rtt := time.Duration(s.rtt.Load())
	return rtt, rtt > 0
}

func (n *Node) group(id uint32) *Group {
	n.groupsMu.RLock()
	defer n.groupsMu.RUnlock()
	return n.groups[id]
}

// buffer returns an empty buffer for a frame; release takes it back.
func (n *Node) buffer() []byte { return (*n.buffers.Get().(*[]byte))[:0] }

func (n *Node) release(buf []byte) {
	if cap(buf) <= maxScratch {
		n.buffers.Put(&buf)
	}
}
