package transport

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"

	"github.com/hashicorp/raft"
)

// Config says who a node is and what serves what it hears. Its functions are called
// from many goroutines.
type Config struct {
	// Cluster is the name that all nodes of a cluster share; another one is refused.
	Cluster string
	// Self is this node. Address is where the others reach it, and what raft calls it.
	Self    Peer
	Address string

	// Listener brings connections; nil for a node that only dials. The node closes it.
	Listener net.Listener
	// Dial makes a connection to an address, without TLS.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// Resolve tells where a server is now. Nil or false: the address that raft has.
	Resolve func(id raft.ServerID) (address string, ok bool)
	// TLS is who this node is and whom it believes. Insecure does without, on connections
	// that do not leave the machine. One of the two must be set.
	TLS      *TLS
	Insecure bool

	// Admit says whether a node that calls is one of the cluster's; it is certified already.
	// It must return at once. Nil: every one is.
	Admit func(from Peer) bool
	// Term returns the current term of this node's replica of a group, durable and looked
	// up in the call; false when there is none. It must be an atomic read: whatever else
	// comes from the peer waits for it. Nil: no terms are told and heartbeats wait for raft.
	Term func(group uint32) (term uint64, ok bool)
	// OnMatched is told that a peer has this node's log of a term through an index. Like
	// OnVisible it is called on the goroutine that reads from the peer and must return at
	// once; it comes before raft learns of it. May be nil.
	OnMatched func(group uint32, peer raft.ServerID, term, index uint64)
	// OnVisible is told what a peer says is visible; see Node.Spread. It must not keep the
	// slice. May be nil.
	OnVisible func(from raft.ServerID, seen []Visible)
	// OnCall answers a call, on a goroutine of its own; the context ends with the caller's
	// deadline or the connection. The body is its own. Nil: calls are refused.
	OnCall func(ctx context.Context, from Peer, kind byte, body []byte) ([]byte, error)
	// OnStream serves a stream, which is closed when it returns; see Node.Stream. Nil:
	// streams are refused.
	OnStream func(ctx context.Context, from Peer, kind byte, head []byte, conn net.Conn)

	Limits Limits
	Timing Timing
	// Jitter returns numbers from 0 to 1; nil: random ones.
	Jitter func() float64
	Logger *slog.Logger // nil: silent
}

// Limits bound everything that could grow. A zero field takes the default.
type Limits struct {
	FrameBytes   int // one frame's body; a log entry must fit into one; 8 MiB
	PartBytes    int // entries in one frame are cut at about this many bytes; 256 KiB
	QueueBytes   int // unsent to one peer; 64 MiB
	QueueFrames  int // unsent to one peer; 8192
	WindowBytes  int // entries of one group under way to one peer; 4 MiB
	WindowFrames int // messages of entries of one group under way to one peer; 64
	Inbox        int // raft messages of one group waiting here; 160
	CallBytes    int // a call's or an answer's body; 1 MiB
	Calls        int // calls from one peer being served; 256
	Streams      int // streams to one peer, and from one peer; 4
	TermRounds   int // rounds of asking one peer for terms under way; 4
	Peers        int // peers known at once; 1024
	Handshakes   int // handshakes of those who dial us at once; 64
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		field *int
		value int
	}{
		{&l.FrameBytes, 8 << 20}, {&l.PartBytes, 256 << 10}, {&l.QueueBytes, 64 << 20}, {&l.QueueFrames, 8192},
		{&l.WindowBytes, 4 << 20}, {&l.WindowFrames, 64}, {&l.Inbox, 160}, {&l.CallBytes, 1 << 20}, {&l.Calls, 256},
		{&l.Streams, 4}, {&l.TermRounds, 4}, {&l.Peers, 1024}, {&l.Handshakes, 64},
	} {
		setDefault(d.field, d.value)
	}
	return l
}

// Timing holds the durations. A zero field takes the default.
type Timing struct {
	Dial      time.Duration // connecting and shaking hands; 3 s
	Backoff   time.Duration // after the first failed try, then doubled; 50 ms
	BackoffTo time.Duration // at most; 500 ms
	Ping      time.Duration // between pings, and between looks for what is overdue; 250 ms
	Silence   time.Duration // without a byte from the peer, after which it is lost; 2 s
	Answer    time.Duration // for votes, heartbeats and terms; 2 s
	Append    time.Duration // for entries, which a peer syncs; 10 s
	Progress  time.Duration // for any progress of a stream; 10 s
	// BeatLinger is how long a heartbeat waits for those of other groups. Raft beats ten
	// times in a heartbeat timeout; 5 ms. Negative: not at all.
	BeatLinger time.Duration
}

func (t Timing) withDefaults() Timing {
	setDefault(&t.Dial, 3*time.Second)
	setDefault(&t.Backoff, 50*time.Millisecond)
	setDefault(&t.BackoffTo, 500*time.Millisecond)
	setDefault(&t.Ping, 250*time.Millisecond)
	setDefault(&t.Silence, 2*time.Second)
	setDefault(&t.Answer, 2*time.Second)
	setDefault(&t.Append, 10*time.Second)
	setDefault(&t.Progress, 10*time.Second)
	setDefault(&t.BeatLinger, 5*time.Millisecond)
	return t
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c Config) withDefaults() Config {
	c.Limits, c.Timing = c.Limits.withDefaults(), c.Timing.withDefaults()
	if c.Jitter == nil {
		c.Jitter = rand.Float64
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	switch {
	case !c.Self.valid():
		return errors.New("transport: config without a valid Self")
	case !validName(c.Cluster):
		return errors.New("transport: config without a valid Cluster")
	case c.Address == "" || len(c.Address) > maxName:
		return errors.New("transport: config without a valid Address")
	case c.Dial == nil:
		return errors.New("transport: config without Dial")
	case c.TLS == nil && !c.Insecure:
		return errors.New("transport: config neither with TLS nor Insecure")
	case c.TLS != nil && (c.TLS.Certificate == nil || c.TLS.Roots == nil):
		return errors.New("transport: TLS without Certificate or Roots")
	case c.Limits.Inbox < c.Limits.WindowFrames:
		return errors.New("transport: Inbox must hold a window's frames")
	}
	return nil
}
