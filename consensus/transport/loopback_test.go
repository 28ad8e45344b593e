package transport

import (
	"context"
	"net"
	"testing"

	"go.uber.org/goleak"
)

// overTCP gives the members of a conclave sockets of the machine.
func (c *conclave) overTCP(change func(*Config)) {
	listeners, addresses := map[string]net.Listener{}, map[string]string{}
	for _, name := range c.names {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			c.t.Fatal(err)
		}
		listeners[name], addresses[name] = l, l.Addr().String()
	}
	c.change = func(conf *Config) {
		conf.Listener = listeners[conf.Self.Node]
		var dialer net.Dialer
		conf.Dial = func(ctx context.Context, node string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", addresses[node])
		}
		if change != nil {
			change(conf)
		}
	}
}

func TestLoopback(t *testing.T) {
	for name, secured := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			ca := newAuthority(t)
			c := newConclave(t, "a", "b", "c")
			defer c.close()
			c.overTCP(func(conf *Config) {
				if secured {
					conf.TLS, conf.Insecure = ca.certify(conf.Self.Node, ca.roots()), false
				}
			})
			c.start(2)
			leader := c.leader(1)
			c.write(leader, 1, "one", "two", string(make([]byte, 1<<20)))
			c.has(1, 3)
			for _, name := range c.others(leader.name) {
				term, err := leader.node.CurrentTerm(t.Context(), 1, string(peerOf(name).ServerID()), name)
				if err != nil || term != leader.rafts[1].CurrentTerm() {
					t.Errorf("term of %s: %d, %v", name, term, err)
				}
			}
			// A node that goes away leaves nothing behind, and the others carry on.
			gone := c.members[c.others(leader.name)[0]]
			for _, r := range gone.rafts {
				_ = r.Shutdown().Error()
			}
			if err := gone.node.Close(); err != nil {
				t.Error(err)
			}
			c.write(c.leader(1, c.others(gone.name)...), 1, "without it")
		})
	}
}
