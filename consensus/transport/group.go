package transport

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// Group is one group's raft.Transport on a node, with pre-vote. Closing it, as raft
// does with the transport that it was given, gives the group's number back and touches
// nothing else.
type Group struct {
	node   *Node
	id     uint32
	inbox  chan raft.RPC
	ctx    context.Context // ends with the handle
	cancel context.CancelFunc
	closed <-chan struct{}
	ending sync.Once
	beats  atomic.Pointer[func(raft.RPC)]
}

var (
	_ raft.Transport   = (*Group)(nil)
	_ raft.WithPreVote = (*Group)(nil)
	_ raft.WithClose   = (*Group)(nil)
)

// Group takes a group's number on this node: from now on what comes for it is heard,
// until the handle is closed. It returns ErrGroupExists or ErrClosed.
func (n *Node) Group(id uint32) (*Group, error) {
	n.groupsMu.Lock()
	defer n.groupsMu.Unlock()
	switch {
	case n.ctx.Err() != nil:
		return nil, ErrClosed
	case n.groups[id] != nil:
		return nil, fmt.Errorf("%w: %d", ErrGroupExists, id)
	}
	g := &Group{node: n, id: id, inbox: make(chan raft.RPC, n.config.Limits.Inbox)}
	g.ctx, g.cancel = context.WithCancel(n.ctx)
	g.closed = g.ctx.Done()
	n.groups[id] = g
	return g, nil
}

// Close implements raft.WithClose. What the group waits for fails with ErrClosed: raft
// closes its transport only when nothing waits any more, so to close a raft that is
// sending a snapshot at once, close the handle first.
func (g *Group) Close() error {
	g.ending.Do(func() {
		g.node.groupsMu.Lock()
		delete(g.node.groups, g.id)
		g.node.groupsMu.Unlock()
		g.cancel()
	})
	return nil
}

// Consumer implements raft.Transport.
func (g *Group) Consumer() <-chan raft.RPC { return g.inbox }

// LocalAddr implements raft.Transport.
func (g *Group) LocalAddr() raft.ServerAddress { return raft.ServerAddress(g.node.config.Address) }

// EncodePeer implements raft.Transport.
func (g *Group) EncodePeer(_ raft.ServerID, address raft.ServerAddress) []byte {
	return []byte(address)
}

// DecodePeer implements raft.Transport.
func (g *Group) DecodePeer(address []byte) raft.ServerAddress { return raft.ServerAddress(address) }

// SetHeartbeatHandler implements raft.Transport.
func (g *Group) SetHeartbeatHandler(handler func(raft.RPC)) { g.beats.Store(&handler) }

// deliver gives raft a message; false when too many wait for it already.
func (g *Group) deliver(rpc raft.RPC) bool {
	select {
	case g.inbox <- rpc:
		return true
	default:
		return false
	}
}

// beat answers a heartbeat at once, past raft's main loop, which may be waiting for
// the disk. It returns false when that would write a term, and nil when raft has shut
// down. The channel holds one answer and is empty before and after.
func (g *Group) beat(r *raft.AppendEntriesRequest, answer chan raft.RPCResponse) (*raft.AppendEntriesResponse, bool) {
	handler := g.beats.Load()
	if handler == nil || g.node.config.Term == nil {
		return nil, false
	}
	if term, ok := g.node.config.Term(g.id); !ok || term != r.Term {
		return nil, false
	}
	(*handler)(raft.RPC{Command: r, RespChan: answer})
	select {
	case a := <-answer:
		response, _ := a.Response.(*raft.AppendEntriesResponse)
		return response, true
	default:
		return nil, true
	}
}

// isHeartbeat is how raft itself tells a heartbeat from an append without entries,
// which carries a commit index and must take its turn.
func isHeartbeat(r *raft.AppendEntriesRequest) bool {
	return r.Term != 0 && r.PrevLogEntry == 0 && r.PrevLogTerm == 0 && len(r.Entries) == 0 && r.LeaderCommitIndex == 0
}

// session returns the connection to a server; raft's address is where to look when
// nobody else knows.
func (g *Group) session(id raft.ServerID, address raft.ServerAddress) (*session, error) {
	select {
	case <-g.closed:
		return nil, ErrClosed
	default:
	}
	p, err := g.node.peer(id)
	if err != nil {
		return nil, err
	}
	p.hint(address)
	return p.connect(g.ctx)
}

// AppendEntries implements raft.Transport.
func (g *Group) AppendEntries(id raft.ServerID, target raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	s, err := g.session(id, target)
	if err != nil {
		return err
	}
	if isHeartbeat(args) {
		return g.sendBeat(s, args, resp)
	}
	w := newWindow(g.node.config.Limits)
	a := newAppending(g, s, args, resp)
	if err := a.send(w, g.closed); err != nil {
		return err
	}
	select {
	case <-a.done:
		return a.err
	case <-g.closed:
		return ErrClosed
	}
}

// sendBeat sends one heartbeat and waits for its answer.
func (g *Group) sendBeat(s *session, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	result := make(chan error, 1)
	id, err := s.calls.add(s.deadline(), func(f frame, err error) {
		if err = f.answered(kindAppendAnswer, err); err == nil {
			err = decodeAppendAnswer(f.body, s.from, resp)
		}
		result <- err
	})
	if err != nil {
		return err
	}
	s.node.count.beats.Add(1)
	if err := s.queue.beat(g.id, id, args.Term, uint64(args.ProtocolVersion)); err != nil {
		s.calls.fail(id, err)
	}
	return g.await(s, id, result)
}

// await waits for the end of a request, whose answer is written before it. A request
// that is given up is taken back first: the answer must not be written afterwards.
func (g *Group) await(s *session, id uint64, result <-chan error) error {
	select {
	case err := <-result:
		return err
	case <-g.closed:
	}
	if _, mine := s.calls.remove(id); mine {
		return ErrClosed
	}
	return <-result
}

// ask sends one request of raft and waits for its answer.
func (g *Group) ask(id raft.ServerID, target raft.ServerAddress, k, want kind, encode func([]byte) []byte, decode func([]byte, sender) error) error {
	s, err := g.session(id, target)
	if err != nil {
		return err
	}
	result := make(chan error, 1)
	request, err := s.request(k, g.id, g.node.config.Timing.Answer, encode, func(f frame, err error) {
		if err = f.answered(want, err); err == nil {
			err = decode(f.body, s.from)
		}
		result <- err
	})
	if err != nil {
		return err
	}
	return g.await(s, request, result)
}

// RequestVote implements raft.Transport.
func (g *Group) RequestVote(id raft.ServerID, target raft.ServerAddress, args *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	return g.ask(id, target, kindVote, kindVoteAnswer,
		func(b []byte) []byte { return encodeVote(b, args) },
		func(b []byte, from sender) error { return decodeVoteAnswer(b, from, resp) })
}

// RequestPreVote implements raft.WithPreVote. Without it raft would go without
// pre-votes and not say so.
func (g *Group) RequestPreVote(id raft.ServerID, target raft.ServerAddress, args *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	return g.ask(id, target, kindPreVote, kindPreVoteAnswer,
		func(b []byte) []byte { return encodePreVote(b, args) },
		func(b []byte, from sender) error { return decodePreVoteAnswer(b, from, resp) })
}

// TimeoutNow implements raft.Transport.
func (g *Group) TimeoutNow(id raft.ServerID, target raft.ServerAddress, args *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	return g.ask(id, target, kindTimeoutNow, kindTimeoutNowAnswer,
		func(b []byte) []byte { return encodeTimeoutNow(b, args) },
		func(b []byte, from sender) error { return decodeTimeoutNowAnswer(b, from, resp) })
}

// InstallSnapshot implements raft.Transport: on a connection of its own.
func (g *Group) InstallSnapshot(id raft.ServerID, target raft.ServerAddress, args *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	p, err := g.node.peer(id)
	if err != nil {
		return err
	}
	p.hint(target)
	if err := p.sendSnapshot(g.ctx, g.id, args, resp, data); err != nil {
		return err
	}
	if resp.Success {
		g.matched(p.id, args.Term, args.LastLogIndex)
	}
	return nil
}

func (g *Group) matched(peer raft.ServerID, term, index uint64) {
	if on := g.node.config.OnMatched; on != nil && index > 0 {
		on(g.id, peer, term, index)
	}
}
