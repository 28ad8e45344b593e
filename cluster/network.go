package cluster

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"vertebra/cluster/membership"
	"vertebra/consensus/transport"
)

// Network is how a node reaches the others of its cluster.
type Network struct {
	// Cluster is the name that all nodes of the cluster share.
	Cluster string
	// Peer brings connections of other nodes, and PeerAddress is where they find it. The
	// node closes it.
	Peer        net.Listener
	PeerAddress string
	// Dial connects to another node's PeerAddress; nil is TCP.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// TLS is who the node is to the others; nil is none, which loopback alone allows.
	TLS *transport.TLS
	// Gossip is where the node gossips, "ip:port"; Join where others do.
	Gossip string
	Join   []string
	// Keys encrypt gossip; none is allowed on loopback alone.
	Keys [][]byte
	// Expect is how many nodes form the cluster at its first start.
	Expect int
	// HTTP and GRPC are where clients find the node.
	HTTP, GRPC string
	// OnGossip is told where the node gossips, before it waits for others; may be nil.
	OnGossip func(address string)
}

// founder is one of the nodes that formed the cluster, as its raft groups name it.
type founder struct {
	Server  string `json:"server"`
	Address string `json:"address"`
}

// foundersNote is where a node keeps who formed its cluster.
const foundersNote = "founders"

// network is a node's part in its cluster: gossip and connections.
type network struct {
	self      string
	gossip    *membership.Gossip
	transport *transport.Node
	founders  []founder
}

// connect finds the cluster, or forms it with the others that are expected, and
// opens the connections. Without a Network the node stands alone.
func (n *Node) connect(ctx context.Context) (err error) {
	n.network.self = n.identity.serverID()
	n.network.founders = []founder{{Server: n.network.self, Address: n.network.self}}
	c := n.config.Network
	if c == nil {
		return nil
	}
	if err := n.openGossip(c); err != nil {
		return err
	}
	if err := n.openTransport(c); err != nil {
		return err
	}
	if n.network.founders, err = n.found(ctx, c); err != nil {
		return err
	}
	n.network.gossip.SetFounded()
	return nil
}

func (n *Node) openGossip(c *Network) (err error) {
	n.network.gossip, err = membership.Start(membership.Config{
		Node: membership.Node{
			ID: n.identity.Node, Incarnation: n.identity.Incarnation, DataCentre: n.config.DataCentre,
			HTTP: c.HTTP, GRPC: c.GRPC, Peer: c.PeerAddress,
		},
		Expect: c.Expect, Bind: c.Gossip, Keys: c.Keys, Open: len(c.Keys) == 0, Cluster: c.Cluster,
		Profile: gossipProfile(c), Logger: n.log,
	})
	if err == nil && c.OnGossip != nil {
		c.OnGossip(n.network.gossip.Address())
	}
	return err
}

func gossipProfile(c *Network) membership.Profile {
	if len(c.Keys) == 0 {
		return membership.Loopback
	}
	return membership.Wide
}

func (n *Node) openTransport(c *Network) (err error) {
	dial := c.Dial
	if dial == nil {
		dial = func(ctx context.Context, address string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", address)
		}
	}
	n.network.transport, err = transport.Open(transport.Config{
		Cluster: c.Cluster, Self: transport.Peer{Node: n.identity.Node, Incarnation: n.identity.Incarnation},
		Address: c.PeerAddress, Listener: c.Peer, Dial: dial, TLS: c.TLS, Insecure: c.TLS == nil,
		Resolve: n.network.addressOf, Term: n.termOf, OnMatched: n.matched, OnVisible: n.seen,
		OnCall: func(ctx context.Context, _ transport.Peer, kind byte, body []byte) ([]byte, error) {
			return n.answerPeer(ctx, kind, body), nil
		},
		Logger: n.log,
	})
	return err
}

// found returns who formed the cluster: from the data folder, or by forming it.
func (n *Node) found(ctx context.Context, c *Network) ([]founder, error) {
	log := n.store.Log(0)
	raw, err := log.Stable(foundersNote)
	if err != nil {
		return nil, err
	}
	var founders []founder
	if raw != nil {
		return founders, json.Unmarshal(raw, &founders)
	}
	if len(c.Join) > 0 {
		if err := n.network.gossip.Join(ctx, c.Join); err != nil {
			return nil, fmt.Errorf("cluster: join: %w", err)
		}
	}
	members, err := n.network.gossip.WaitForExpected(ctx, c.Expect)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		server := transport.Peer{Node: m.ID, Incarnation: m.Incarnation}.ServerID()
		founders = append(founders, founder{Server: string(server), Address: m.Peer})
	}
	if raw, err = json.Marshal(founders); err != nil {
		return nil, err
	}
	return founders, log.SetStable(foundersNote, raw)
}

// addressOf is where a server is now: an address may change, a server id does not.
func (w *network) addressOf(id raft.ServerID) (string, bool) {
	peer, err := transport.ParseServerID(id)
	if err != nil {
		return "", false
	}
	for _, m := range w.gossip.Members() {
		if m.ID == peer.Node && m.Incarnation == peer.Incarnation {
			return m.Peer, true
		}
	}
	return "", false
}

// servers are the founders as raft's first configuration of every group.
func (w *network) servers() []raft.Server {
	servers := make([]raft.Server, len(w.founders))
	for i, f := range w.founders {
		servers[i] = raft.Server{ID: raft.ServerID(f.Server), Address: raft.ServerAddress(f.Address)}
	}
	return servers
}

// others are the founders but this node.
func (w *network) others() []raft.ServerID {
	var others []raft.ServerID
	for _, f := range w.founders {
		if f.Server != w.self {
			others = append(others, raft.ServerID(f.Server))
		}
	}
	return others
}

// Call implements peers.
func (w *network) Call(ctx context.Context, server string, kind byte, body []byte) ([]byte, error) {
	return w.transport.Call(ctx, raft.ServerID(server), kind, body)
}

func (w *network) close() error {
	var errs []error
	if w.transport != nil {
		errs = append(errs, w.transport.Close())
	}
	if w.gossip != nil {
		errs = append(errs, w.gossip.Close())
	}
	return errors.Join(errs...)
}

// replica returns this node's replica of a group, nil when it has none or not yet.
func (n *Node) replica(group uint32) *replica {
	select {
	case <-n.opened:
		if int(group) < len(n.replicas) {
			return n.replicas[group]
		}
	default:
	}
	return nil
}

// termOf answers who wants to prove leadership.
func (n *Node) termOf(group uint32) (uint64, bool) {
	r := n.replica(group)
	if r == nil || r.group() == nil {
		return 0, false
	}
	return r.group().Term(), true
}

// matched notes how far a peer has this node's log. A majority can make an entry
// visible before the last peer has acknowledged it: that peer is told again, now that
// a nudge can lean on the entry, or it would learn of the commit a commit timeout late.
func (n *Node) matched(group uint32, peer raft.ServerID, term, index uint64) {
	r := n.replica(group)
	if r == nil {
		return
	}
	before := r.matches.note(peer, term, index)
	leads, marker, leading := r.tenure()
	if visible := r.visible.load(); leading && leads == term && before < visible && index > before {
		n.spreadTo(r, peer, term, marker, visible)
	}
}

// seen takes over what leaders say is visible, and lets raft learn at once that it
// is committed.
func (n *Node) seen(from raft.ServerID, all []transport.Visible) {
	for _, v := range all {
		r := n.replica(v.Group)
		if r == nil {
			continue
		}
		r.announce(v.Index)
		if link := r.link.Load(); link != nil {
			link.Nudge(from, v)
		}
	}
}

// pullEvery is how often a node asks the leaders elsewhere what is visible, so that
// it can say how old its answers are.
const pullEvery = 250 * time.Millisecond

// pullLoop keeps the age of what is visible here known, until the node closes.
func (n *Node) pullLoop(ctx context.Context) {
	for {
		select {
		case <-n.config.Clock.After(pullEvery):
		case <-ctx.Done():
			return
		}
		for _, r := range n.replicas {
			if !r.established() {
				_ = r.refresh(ctx) // asked again in a moment; until then the age grows
			}
		}
	}
}

// refresh asks the shard's leader once what is visible.
func (r *replica) refresh(ctx context.Context) error {
	leader, _ := r.group().Leader()
	if leader == "" || leader == r.server {
		return errNotLeader
	}
	ctx, cancel := context.WithTimeout(ctx, leaderPatience)
	defer cancel()
	return r.catchUp(ctx, leader)
}

// Settle returns when every node of the cluster shows what is acknowledged now.
func (n *Node) Settle(ctx context.Context) error {
	if err := n.Ready(ctx); err != nil {
		return err
	}
	for _, peer := range n.network.others() {
		answer, err := n.network.Call(ctx, string(peer), callSettle, binary.AppendUvarint(nil, 0))
		if err != nil || !slices.Equal(answer, []byte{byte(verdictDone)}) {
			return errors.Join(retry(ErrUnavailable, time.Second), err)
		}
	}
	return nil
}
