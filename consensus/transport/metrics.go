package transport

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// counters are what a node counts, over all peers.
type counters struct {
	framesIn, framesOut, bytesIn, bytesOut, writes, dropped atomic.Int64
	dials, dialFailures, handshakeFailures, wrongPeers      atomic.Int64
	connections, streams, streamBytesIn, streamBytesOut     atomic.Int64
	beats, termRounds, termQuestions, visibles, snapshots   atomic.Int64
	refusalsIn, refusalsOut                                 [refusals]atomic.Int64
}

// Metrics is what a node has counted since it was opened, and what is there now.
type Metrics struct {
	// Frames and bytes of the connections that all groups share; Writes is in how many
	// pieces they were given to the connections, Dropped how many found a full queue.
	FramesIn, FramesOut, BytesIn, BytesOut, Writes, Dropped int64
	// Dials were tried here; HandshakeFailures are of those who dialled us; WrongPeers
	// were somebody else than was expected, either way.
	Dials, DialFailures, HandshakeFailures, WrongPeers int64
	// Connections were made, both ways; Streams are open now.
	Connections, Streams, StreamBytesIn, StreamBytesOut int64
	// Heartbeats and visible indexes sent; rounds of asking for terms and the groups asked
	// for in them; snapshots sent and installed.
	Beats, TermRounds, TermQuestions, Visibles, Snapshots int64
	// RefusalsIn came from peers, RefusalsOut went to them; by reason.
	RefusalsIn, RefusalsOut map[string]int64
	// Peers are in the order of their names.
	Peers []PeerMetrics
}

// PeerMetrics is one peer now.
type PeerMetrics struct {
	ID          raft.ServerID
	Connected   bool
	RTT         time.Duration // 0: unknown
	QueueFrames int           // unsent
	QueueBytes  int
	Waiting     int // requests that wait for an answer
	Failures    int // tries to connect that failed, in a row
}

// Metrics returns the counts. The fields are each exact, not all of one moment.
func (n *Node) Metrics() Metrics {
	c := &n.count
	m := Metrics{
		FramesIn: c.framesIn.Load(), FramesOut: c.framesOut.Load(), BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(),
		Writes: c.writes.Load(), Dropped: c.dropped.Load(),
		Dials: c.dials.Load(), DialFailures: c.dialFailures.Load(), HandshakeFailures: c.handshakeFailures.Load(), WrongPeers: c.wrongPeers.Load(),
		Connections: c.connections.Load(), Streams: c.streams.Load(), StreamBytesIn: c.streamBytesIn.Load(), StreamBytesOut: c.streamBytesOut.Load(),
		Beats: c.beats.Load(), TermRounds: c.termRounds.Load(), TermQuestions: c.termQuestions.Load(),
		Visibles: c.visibles.Load(), Snapshots: c.snapshots.Load(),
		RefusalsIn: map[string]int64{}, RefusalsOut: map[string]int64{},
	}
	for r := refusedUnknownGroup; r < refusals; r++ {
		m.RefusalsIn[r.String()], m.RefusalsOut[r.String()] = c.refusalsIn[r].Load(), c.refusalsOut[r].Load()
	}
	for _, p := range n.allPeers() {
		m.Peers = append(m.Peers, p.metrics())
	}
	slices.SortFunc(m.Peers, func(a, b PeerMetrics) int { return cmp.Compare(a.ID, b.ID) })
	return m
}

func (p *peer) metrics() PeerMetrics {
	p.mu.Lock()
	m := PeerMetrics{ID: p.id, Failures: p.failures}
	s := p.session
	p.mu.Unlock()
	if s == nil {
		return m
	}
	m.Connected, m.RTT = true, time.Duration(s.rtt.Load())
	m.QueueFrames, m.QueueBytes = s.queue.size()
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	m.Waiting = len(s.calls.waiting)
	return m
}

// String prints the counts for operators, a line for each peer.
func (m Metrics) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "frames %d in %d out, bytes %d in %d out in %d writes, %d dropped\n", m.FramesIn, m.FramesOut, m.BytesIn, m.BytesOut, m.Writes, m.Dropped)
	fmt.Fprintf(&b, "dials %d, %d failed; handshakes failed %d, wrong peers %d, connections made %d\n", m.Dials, m.DialFailures, m.HandshakeFailures, m.WrongPeers, m.Connections)
	fmt.Fprintf(&b, "heartbeats %d, terms %d in %d rounds, visible %d, snapshots %d, streams open %d (bytes %d in %d out)\n",
		m.Beats, m.TermQuestions, m.TermRounds, m.Visibles, m.Snapshots, m.Streams, m.StreamBytesIn, m.StreamBytesOut)
	fmt.Fprintf(&b, "refusals in %v, out %v\n", m.RefusalsIn, m.RefusalsOut)
	for _, p := range m.Peers {
		fmt.Fprintf(&b, "peer %s connected %v, rtt %v, queue %d frames %d bytes, waiting %d, failures %d\n",
			p.ID, p.Connected, p.RTT.Round(time.Microsecond), p.QueueFrames, p.QueueBytes, p.Waiting, p.Failures)
	}
	return b.String()
}
