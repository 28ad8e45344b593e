package membership

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/memberlist"
)

// network carries gossip in memory, so that a test runs in a bubble where time is
// free. Links can be cut, and have a delay.
type network struct {
	mu    sync.Mutex
	ports map[string]*port
	cut   map[string]bool // addresses that nothing reaches and nothing leaves
	delay time.Duration
}

func newNetwork() *network {
	return &network{ports: map[string]*port{}, cut: map[string]bool{}}
}

// port implements memberlist.Transport.
type port struct {
	net     *network
	number  int
	packets chan *memberlist.Packet
	streams chan net.Conn
	closed  chan struct{}
}

func (n *network) listen(number int) *port {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := &port{net: n, number: number, packets: make(chan *memberlist.Packet, 256), streams: make(chan net.Conn, 16), closed: make(chan struct{})}
	n.ports[p.address()] = p
	return p
}

func (n *network) setCut(address string, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut[address] = cut
}

func (n *network) reach(from, to string) (*port, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.ports[to]
	if p == nil || n.cut[from] || n.cut[to] {
		return nil, fmt.Errorf("%s does not reach %s", from, to)
	}
	return p, nil
}

func (p *port) address() string { return fmt.Sprintf("127.0.0.1:%d", p.number) }

func (p *port) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return net.IPv4(127, 0, 0, 1), p.number, nil
}

func (p *port) WriteTo(b []byte, address string) (time.Time, error) {
	sent := time.Now()
	to, err := p.net.reach(p.address(), address)
	if err != nil {
		return sent, nil // a packet is lost without a word
	}
	packet := &memberlist.Packet{Buf: append([]byte(nil), b...), From: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: p.number}}
	time.AfterFunc(p.net.delay, func() {
		packet.Timestamp = time.Now()
		select {
		case to.packets <- packet:
		default:
		}
	})
	return sent, nil
}

func (p *port) PacketCh() <-chan *memberlist.Packet { return p.packets }
func (p *port) StreamCh() <-chan net.Conn           { return p.streams }

func (p *port) DialTimeout(address string, _ time.Duration) (net.Conn, error) {
	to, err := p.net.reach(p.address(), address)
	if err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	select {
	case to.streams <- far:
		return near, nil
	case <-to.closed:
		return nil, net.ErrClosed
	}
}

func (p *port) Shutdown() error {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	if p.net.ports[p.address()] == p {
		delete(p.net.ports, p.address())
	}
	close(p.closed)
	return nil
}

// watcher keeps the events that a node was told.
type watcher struct {
	mu     sync.Mutex
	events []Event
}

func (w *watcher) see(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

func (w *watcher) of(kind EventKind, id string) (found []Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.Kind == kind && e.Member.ID == id {
			found = append(found, e)
		}
	}
	return found
}

var testKey = []byte("0123456789abcdef")

func testConfig(n *network, number int) Config {
	return Config{
		Node: Node{
			ID: fmt.Sprintf("n%d", number), Incarnation: fmt.Sprintf("inc%d", number), DataCentre: fmt.Sprintf("dc%d", number%3),
			HTTP: "h:1", GRPC: "g:1", Peer: "p:1", Version: "v1",
		},
		Keys: [][]byte{testKey}, Transport: n.listen(number),
	}
}

func startGossip(t *testing.T, config Config) *Gossip {
	t.Helper()
	g, err := Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Errorf("closing %s: %v", config.Node.ID, err)
		}
	})
	return g
}

// await lets time pass until the condition holds, but not more than limit.
func await(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(100 * time.Millisecond) {
		synctest.Wait()
		if holds() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

func liveness(g *Gossip, id string) Liveness {
	for _, m := range g.Members() {
		if m.ID == id {
			return m.Liveness
		}
	}
	return ""
}

func member(g *Gossip, id string) Member {
	for _, m := range g.Members() {
		if m.ID == id {
			return m
		}
	}
	return Member{}
}

// bubble runs a test in fake time. Memberlist's last probes end by themselves a moment
// after it was closed; what does not is a leak, and the bubble fails.
func bubble(t *testing.T, test func(*testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(time.Minute) })
		test(t)
	})
}

// pass lets time go by.
func pass(d time.Duration) { time.Sleep(d) }
