package transport

import (
	"github.com/hashicorp/raft"
)

// Visible says through which log index a group is visible, by the leader of a term,
// and which entry the leader knows the peer to have: a place from which the peer can
// take over the commit index. PrevIndex 0 is none.
type Visible struct {
	Group               uint32
	Term, Index         uint64
	PrevIndex, PrevTerm uint64
}

// smallestVisible is what one takes at least on the wire.
const smallestVisible = 5

// newer tells whether v replaces another of its group.
func (v Visible) newer(than Visible) bool {
	return v.Term > than.Term || v.Term == than.Term && (v.Index > than.Index || v.Index == than.Index && v.PrevIndex > than.PrevIndex)
}

// Spread tells a peer what is visible, ahead of everything but other frames with
// priority. Of several for one group that wait, only the newest goes; all groups' go in
// one frame. It never waits. What waits while there is no connection goes with the next;
// what was on a connection that broke is lost, so who needs it asks again.
func (n *Node) Spread(to raft.ServerID, v Visible) error {
	p, err := n.peer(to)
	if err != nil {
		return err
	}
	p.visibleMu.Lock()
	if before, ok := p.visible[v.Group]; !ok || v.newer(before) {
		p.visible[v.Group] = v
	}
	p.visibleMu.Unlock()
	if s := p.current(); s != nil {
		s.queue.signal()
		return nil
	}
	p.poke()
	return nil
}

// appendVisible appends the frame with all that waits.
func (p *peer) appendVisible(buf []byte) []byte {
	p.visibleMu.Lock()
	defer p.visibleMu.Unlock()
	if len(p.visible) == 0 {
		return buf
	}
	from := len(buf)
	buf = beginFrame(buf, kindVisible, 0, 0)
	for _, v := range p.visible {
		buf = encodeVisible(buf, v)
	}
	p.node.count.framesOut.Add(1)
	p.node.count.visibles.Add(int64(len(p.visible)))
	clear(p.visible)
	return endFrame(buf, from)
}

func encodeVisible(buf []byte, v Visible) []byte {
	return appendUints(buf, uint64(v.Group), v.Term, v.Index, v.PrevIndex, v.PrevTerm)
}

func decodeVisibles(data []byte) ([]Visible, error) {
	b := body{rest: data}
	seen := make([]Visible, 0, len(data)/smallestVisible)
	for len(b.rest) > 0 && b.err == nil {
		seen = append(seen, Visible{b.group(), b.uint(), b.uint(), b.uint(), b.uint()})
	}
	return seen, b.err
}

func (s *session) receiveVisible(f frame) error {
	seen, err := decodeVisibles(f.body)
	if err != nil {
		return err
	}
	if on := s.node.config.OnVisible; on != nil && len(seen) > 0 {
		on(s.peer.id, seen)
	}
	return nil
}

// Nudge lets this node's raft learn what is committed, as if the leader's next append
// without entries had come already: raft itself sends that a commit timeout late, and
// whoever waits for a lone write to be applied here waits for it. v is from the leader
// of its term. The commit index is no higher than the entry that is certainly here, so
// an entry that a later leader will take back is not committed. It never waits and
// returns false when raft is behind with its messages or v names no entry.
func (g *Group) Nudge(from raft.ServerID, v Visible) bool {
	if v.PrevIndex == 0 || v.Group != g.id {
		return false
	}
	p, err := g.node.peer(from)
	if err != nil {
		return false
	}
	s := p.current()
	if s == nil {
		return false
	}
	return g.deliver(raft.RPC{
		Command: &raft.AppendEntriesRequest{
			RPCHeader: s.from.header(uint64(raft.ProtocolVersionMax)), Term: v.Term,
			PrevLogEntry: v.PrevIndex, PrevLogTerm: v.PrevTerm, LeaderCommitIndex: min(v.Index, v.PrevIndex),
		},
		RespChan: make(chan raft.RPCResponse, 1),
	})
}
