package wan

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// Cut is how a link is broken.
type Cut int

// The ways.
const (
	// Whole: not at all.
	Whole Cut = iota
	// Stall holds everything back until the link is whole: packets are lost, and TCP
	// sends them again.
	Stall
	// Drop loses what is under way and what is written from now on, silently and for ever
	// on the connections that there are: TCP gave up, or a firewall forgot.
	Drop
	// Reset ends the connections that there are with an error, and refuses new ones.
	Reset
)

// ErrReset is what a connection over a link with Reset ends with.
var ErrReset = errors.New("wan: connection reset")

// Conditions are what one direction is like. The zero value is a perfect link.
type Conditions struct {
	Delay          time.Duration // one way
	Jitter         time.Duration // up to this is added to it, at random
	BytesPerSecond int           // of all connections together; 0: no cap
	Cut            Cut
}

// Link is one direction between two places. All methods are safe for concurrent use.
type Link struct {
	random func() float64

	mu         sync.Mutex
	conditions Conditions
	changed    chan struct{} // closed at the next change
	busyUntil  time.Time     // by what was sent already
}

// NewLink returns a link. random returns numbers from 0 to 1, for jitter.
func NewLink(c Conditions, random func() float64) *Link {
	return &Link{random: random, conditions: c, changed: make(chan struct{})}
}

// Set changes the conditions at once, for what is under way too, but for its delay.
func (l *Link) Set(c Conditions) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conditions = c
	close(l.changed)
	l.changed = make(chan struct{})
}

// SetCut changes how the link is cut and nothing else.
func (l *Link) SetCut(cut Cut) {
	c, _ := l.now()
	c.Cut = cut
	l.Set(c)
}

// Conditions returns the present ones.
func (l *Link) Conditions() Conditions {
	c, _ := l.now()
	return c
}

func (l *Link) now() (Conditions, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conditions, l.changed
}

// arrival returns when bytes that are sent now arrive.
func (l *Link) arrival(size int) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, sent := l.conditions, time.Now()
	if c.BytesPerSecond > 0 {
		if l.busyUntil.After(sent) {
			sent = l.busyUntil
		}
		sent = sent.Add(time.Duration(size) * time.Second / time.Duration(c.BytesPerSecond))
		l.busyUntil = sent
	}
	return sent.Add(c.Delay + time.Duration(float64(c.Jitter)*l.random()))
}

// buffer returns how many bytes one connection may have under way.
func (l *Link) buffer() int {
	c, _ := l.now()
	if c.BytesPerSecond == 0 {
		return 4 << 20
	}
	return 64<<10 + int(int64(c.BytesPerSecond)*int64(2*c.Delay+10*time.Millisecond)/int64(time.Second))
}

// Dial wraps a dialer: connecting takes a round trip, and what is dialled has the
// conditions of the two links, out to the other side and in from it. Over a link that
// is cut it waits for the context, or with Reset fails at once.
func Dial(dial func(context.Context, string) (net.Conn, error), out, in *Link) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, address string) (net.Conn, error) {
		for _, l := range []*Link{out, in} {
			if err := l.cross(ctx); err != nil {
				return nil, err
			}
		}
		conn, err := dial(ctx, address)
		if err != nil {
			return nil, err
		}
		return Conn(conn, out, in), nil
	}
}

// cross takes as long as a packet does.
func (l *Link) cross(ctx context.Context) error {
	due := time.After(time.Until(l.arrival(0)))
	for {
		c, changed := l.now()
		wait := due
		switch c.Cut {
		case Reset:
			return ErrReset
		case Stall, Drop:
			wait = nil
		}
		select {
		case <-wait:
			return nil
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Network is the links between places, each made when it is first asked for.
type Network struct {
	conditions func(from, to string) Conditions
	random     func() float64

	mu    sync.Mutex
	links map[[2]string]*Link
}

// NewNetwork returns a network whose links begin with the conditions that the function
// says.
func NewNetwork(conditions func(from, to string) Conditions, random func() float64) *Network {
	return &Network{conditions: conditions, random: random, links: map[[2]string]*Link{}}
}

// Link returns the link from one place to another.
func (n *Network) Link(from, to string) *Link {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := [2]string{from, to}
	if n.links[key] == nil {
		n.links[key] = NewLink(n.conditions(from, to), n.random)
	}
	return n.links[key]
}

// Partition cuts, or with Whole heals, everything between two groups of places, both
// ways.
func (n *Network) Partition(cut Cut, these, those []string) {
	for _, a := range these {
		for _, b := range those {
			n.Link(a, b).SetCut(cut)
			n.Link(b, a).SetCut(cut)
		}
	}
}
