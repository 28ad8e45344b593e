package membership

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

const (
	// joinBackoffMin and joinBackoffMax bound the wait between two attempts to join.
	joinBackoffMin = 250 * time.Millisecond
	joinBackoffMax = 10 * time.Second
	// reconnectEvery is how often nodes that failed are tried again: memberlist gives up
	// on them, and a healed data centre must come back without help.
	reconnectEvery = 15 * time.Second
	// reconnectsAtOnce bounds how many are tried each time.
	reconnectsAtOnce = 3
	// farewellTimeout bounds how long Close waits for the goodbye to go out.
	farewellTimeout = 2 * time.Second
)

// ErrClosed: the gossip was closed.
var ErrClosed = errors.New("membership: closed")

// Gossip is one node's part in the gossip. Close it.
type Gossip struct {
	config Config
	list   *memberlist.Memberlist
	ring   *memberlist.Keyring
	table  *table
	voice  *voice

	// voted is the list that this node voted for; WaitForExpected's alone.
	voted []Member

	rotating sync.Mutex
	closing  sync.Once
	closed   chan struct{}
	work     sync.WaitGroup
}

// Start begins to listen and to gossip. It knows nobody before Join, or before
// somebody joins it.
func Start(config Config) (*Gossip, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	conf, err := config.memberlist()
	if err != nil {
		return nil, err
	}
	g := &Gossip{config: config, ring: conf.Keyring, closed: make(chan struct{})}
	g.table = newTable(config.Node.ID, config.Clock.Now)
	g.voice = newVoice(card{node: config.Node, founding: founding{expect: uint64(config.Expect)}}, g.table)
	if err := g.voice.check(); err != nil {
		return nil, err
	}
	ear := ear{g.table}
	conf.Delegate, conf.Events, conf.Conflict, conf.Ping, conf.Alive = g.voice, ear, ear, ear, ear
	if g.list, err = memberlist.Create(conf); err != nil {
		return nil, fmt.Errorf("membership: %w", err)
	}
	g.work.Go(g.tell)
	g.work.Go(g.reconnect)
	return g, nil
}

// Address is where this node gossips, "ip:port".
func (g *Gossip) Address() string { return addressOf(g.list.LocalNode()) }

// Members lists the nodes that were heard of, this one included, by id.
func (g *Gossip) Members() []Member {
	members, _, _ := g.table.snapshot()
	return members
}

// SetLoad spreads this node's load.
func (g *Gossip) SetLoad(load Load) { g.voice.report(load) }

// Join contacts the addresses ("host:port") until one of them answers, with waits that
// double up to ten seconds, until the context ends. Those that did not answer are found
// by gossip.
func (g *Gossip) Join(ctx context.Context, addresses []string) error {
	for wait := joinBackoffMin; ; wait = min(2*wait, joinBackoffMax) {
		select {
		case <-g.closed:
			return ErrClosed
		default:
		}
		err := g.joinOnce(ctx, addresses)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("membership: joining: %w: %w", ctx.Err(), err)
		case <-g.closed:
			return ErrClosed
		case <-g.config.Clock.After(wait):
		}
	}
}

// joinOnce tries each address once. All are tried: one that answers may be as lonely
// as this node.
func (g *Gossip) joinOnce(ctx context.Context, addresses []string) error {
	contacted := 0
	errs := []error{errors.New("no address")}
	for _, address := range addresses {
		if err := ctx.Err(); err != nil {
			errs = append(errs, err)
			break
		}
		n, err := g.list.Join([]string{address})
		contacted += n
		errs = append(errs, err)
	}
	if contacted > 0 {
		return nil
	}
	if len(errs) > 1 {
		errs = errs[1:]
	}
	return errors.Join(errs...)
}

// tell hands events to OnEvent, outside memberlist's locks.
func (g *Gossip) tell() {
	for {
		for _, event := range g.table.take() {
			if event.Kind == Conflict && !g.bothAnswer(event) {
				g.table.forgive(event)
				continue
			}
			g.config.OnEvent(event)
		}
		select {
		case <-g.table.waiting:
		case <-g.closed:
			return
		}
	}
}

// bothAnswer tells a conflict from a node that came back at another address while its
// old one is still thought to be alive.
func (g *Gossip) bothAnswer(e Event) bool {
	return g.answers(e.Was.ID, e.WasAddress) && (e.Self || g.answers(e.Member.ID, e.Member.Address))
}

func (g *Gossip) answers(id, address string) bool {
	select {
	case <-g.closed:
		return false // Close must not wait for pings
	default:
	}
	at, err := net.ResolveUDPAddr("udp", address) // ip:port, nothing is looked up
	if err == nil {
		_, err = g.list.Ping(id, at)
	}
	return err == nil
}

// reconnect tries failed nodes again, a few each time, in turn.
func (g *Gossip) reconnect() {
	for turn := 0; ; turn += reconnectsAtOnce {
		select {
		case <-g.closed:
			return
		case <-g.config.Clock.After(reconnectEvery):
		}
		var failed []Member
		for _, m := range g.Members() {
			if m.Liveness == Failed {
				failed = append(failed, m)
			}
		}
		for i := range min(reconnectsAtOnce, len(failed)) {
			_, _ = g.list.Join([]string{failed[(turn+i)%len(failed)].Address}) // the log has why not
		}
	}
}

// Close says goodbye, so that the others know at once, and stops. It waits until
// nothing of it runs any more; OnEvent must not call it. That nobody heard the goodbye
// is no error: then the node is lost to them, and not gone.
func (g *Gossip) Close() (err error) {
	g.closing.Do(func() {
		close(g.closed)
		g.voice.leave()
		if missed := errors.Join(g.list.UpdateNode(farewellTimeout), g.list.Leave(farewellTimeout)); missed != nil {
			g.config.Logger.Debug("nobody heard the goodbye", "error", missed)
		}
		err = g.list.Shutdown()
		g.work.Wait()
	})
	return err
}

func addressOf(n *memberlist.Node) string {
	return net.JoinHostPort(n.Addr.String(), strconv.Itoa(int(n.Port)))
}
