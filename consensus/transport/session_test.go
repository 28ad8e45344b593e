package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"vertebra/consensus/transport/wan"
)

// wide puts a lattice's connections over a network.
func wide(l *lattice, conditions wan.Conditions) *wan.Network {
	c := &conclave{net: l}
	return c.overWAN(conditions)
}

func TestCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newLattice()
		wide(net, wan.Conditions{Delay: 10 * time.Millisecond})
		a := echo(t, net, "a", nil)
		echo(t, net, "b", func(c *Config) {
			c.Limits.Calls = 2
			c.OnCall = func(ctx context.Context, from Peer, kind byte, body []byte) ([]byte, error) {
				switch kind {
				case 1:
					return append([]byte(from.ServerID()), body...), nil
				case 2:
					return nil, errors.New("no such thing")
				case 3:
					return make([]byte, 2<<20), nil
				}
				<-ctx.Done()
				return nil, ctx.Err()
			}
		})
		large := strings.Repeat("x", 1<<20-len("a@1"))
		for _, body := range []string{"", "hello", large} {
			if got, err := a.Call(t.Context(), "b@1", 1, []byte(body)); err != nil || string(got) != "a@1"+body {
				t.Errorf("call of %d bytes: %d bytes, %v", len(body), len(got), err)
			}
		}
		if _, err := a.Call(t.Context(), "b@1", 1, []byte(large+"xxxx")); !errors.Is(err, ErrTooLarge) {
			t.Errorf("too large: %v", err)
		}
		if _, err := a.Call(t.Context(), "b@1", 2, nil); !errors.Is(err, ErrRemote) || !strings.Contains(err.Error(), "no such thing") {
			t.Errorf("failing: %v", err)
		}
		if _, err := a.Call(t.Context(), "b@1", 3, nil); !errors.Is(err, ErrRemote) {
			t.Errorf("answer too large: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		results := make(chan error, 3)
		for range 3 {
			go func() {
				_, err := a.Call(ctx, "b@1", 4, nil)
				results <- err
			}()
		}
		busy := 0
		for range 3 {
			if errors.Is(<-results, ErrPeerBusy) {
				busy++
			}
		}
		if busy != 1 {
			t.Errorf("%d of 3 calls are busy where 2 are served", busy)
		}
		// The deadline went along: the peer serves others again.
		await(t, "calls to end there", func() bool {
			_, err := a.Call(t.Context(), "b@1", 1, nil)
			return err == nil
		})
	})
}

func TestUnservedCallsAreUnsupported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newLattice()
		a, b := echo(t, net, "a", nil), echo(t, net, "b", func(c *Config) { c.OnCall = nil })
		if _, err := a.Call(t.Context(), "b@1", 1, nil); !errors.Is(err, ErrUnsupported) {
			t.Errorf("call: %v", err)
		}
		if _, err := a.Stream(t.Context(), "b@1", 1, nil); !errors.Is(err, ErrUnsupported) {
			t.Errorf("stream: %v", err)
		}
		if _, err := a.CurrentTerm(t.Context(), 1, "b@1", "b"); !errors.Is(err, ErrUnknownGroup) {
			t.Errorf("term: %v", err)
		}
		if out := b.Metrics().RefusalsOut["unsupported"]; out != 2 {
			t.Errorf("%d refusals", out)
		}
	})
}

func TestUnknownGroupsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConclave(t, "a", "b")
		defer c.close()
		a, b := c.open("a"), c.open("b")
		g, err := a.node.Group(7)
		if err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{
			"append":   g.AppendEntries("b@1", "b", &raft.AppendEntriesRequest{Term: 1, PrevLogEntry: 1}, &raft.AppendEntriesResponse{}),
			"vote":     g.RequestVote("b@1", "b", &raft.RequestVoteRequest{}, &raft.RequestVoteResponse{}),
			"pre-vote": g.RequestPreVote("b@1", "b", &raft.RequestPreVoteRequest{}, &raft.RequestPreVoteResponse{}),
			"timeout":  g.TimeoutNow("b@1", "b", &raft.TimeoutNowRequest{}, &raft.TimeoutNowResponse{}),
			"snapshot": g.InstallSnapshot("b@1", "b", &raft.InstallSnapshotRequest{}, &raft.InstallSnapshotResponse{}, strings.NewReader("")),
		} {
			if !errors.Is(err, ErrUnknownGroup) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if m := b.node.Metrics(); m.RefusalsOut["unknown group"] != 5 || a.node.Metrics().RefusalsIn["unknown group"] != 4 {
			t.Errorf("counted: %v", m)
		}
	})
}

func TestGroupsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConclave(t, "a", "b")
		defer c.close()
		a, b := c.open("a"), c.open("b")
		stays, _ := b.node.Group(1)
		goes, _ := b.node.Group(2)
		if _, err := b.node.Group(2); !errors.Is(err, ErrGroupExists) {
			t.Errorf("taken twice: %v", err)
		}
		from1, _ := a.node.Group(1)
		from2, _ := a.node.Group(2)
		waiting := make(chan error, 1)
		go func() {
			waiting <- from2.RequestVote("b@1", "b", &raft.RequestVoteRequest{}, &raft.RequestVoteResponse{})
		}()
		<-goes.Consumer()
		if err := errors.Join(goes.Close(), goes.Close()); err != nil {
			t.Fatal(err)
		}
		if err := <-waiting; !errors.Is(err, ErrClosed) {
			t.Errorf("who waits for a group that closes: %v", err)
		}
		go func() {
			rpc := <-stays.Consumer()
			rpc.Respond(&raft.RequestVoteResponse{Granted: true}, nil)
		}()
		var resp raft.RequestVoteResponse
		if err := from1.RequestVote("b@1", "b", &raft.RequestVoteRequest{}, &resp); err != nil || !resp.Granted {
			t.Errorf("the other group: %+v, %v", resp, err)
		}
		if _, err := b.node.Group(2); err != nil {
			t.Errorf("taken again: %v", err)
		}
		// A group that is closed here gives up what it waits for.
		go func() {
			waiting <- from2.RequestVote("b@1", "b", &raft.RequestVoteRequest{}, &resp)
		}()
		synctest.Wait()
		_ = from2.Close()
		if err := <-waiting; !errors.Is(err, ErrClosed) {
			t.Errorf("waiting in a closed group: %v", err)
		}
	})
}

func TestAFullInboxRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConclave(t, "a", "b")
		defer c.close()
		c.change = func(conf *Config) { conf.Limits.WindowFrames, conf.Limits.Inbox = 4, 4 }
		a, b := c.open("a"), c.open("b")
		if _, err := b.node.Group(1); err != nil {
			t.Fatal(err)
		}
		g, _ := a.node.Group(1)
		results := make(chan error, 10)
		for range 10 {
			go func() {
				results <- g.RequestVote("b@1", "b", &raft.RequestVoteRequest{}, &raft.RequestVoteResponse{})
			}()
		}
		busy, late := 0, 0
		for range 10 {
			switch err := <-results; {
			case errors.Is(err, ErrPeerBusy):
				busy++
			case errors.Is(err, ErrTimeout):
				late++
			}
		}
		if busy != 6 || late != 4 {
			t.Errorf("%d busy, %d timed out, of 10 for an inbox of 4", busy, late)
		}
	})
}

func TestADeadPeerFailsFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newLattice()
		a := echo(t, net, "a", nil)
		for range 1000 {
			start := time.Now()
			if _, err := a.Call(t.Context(), "b@1", 1, nil); !errors.Is(err, ErrPeerDown) {
				t.Fatalf("call: %v", err)
			}
			if took := time.Since(start); took > 0 {
				t.Fatalf("failing took %v", took)
			}
			<-time.After(10 * time.Millisecond)
		}
		if dials := a.Metrics().Dials; dials < 10 || dials > 50 {
			t.Errorf("%d tries in 10 s", dials)
		}
		echo(t, net, "b", nil)
		<-time.After(600 * time.Millisecond)
		if _, err := a.Call(t.Context(), "b@1", 1, nil); err != nil {
			t.Errorf("when it is back: %v", err)
		}
	})
}

func TestAnAddressMayChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newLattice()
		var address atomic.Value
		address.Store("b")
		a := echo(t, net, "a", func(c *Config) {
			c.Resolve = func(raft.ServerID) (string, bool) { return address.Load().(string), true }
		})
		b := echo(t, net, "b", nil)
		if _, err := a.Call(t.Context(), "b@1", 1, nil); err != nil {
			t.Fatal(err)
		}
		_ = b.Close()
		c := &conclave{t: t, net: net}
		conf := c.config("elsewhere")
		conf.Self, conf.OnCall = Peer{"b", "1"}, func(context.Context, Peer, byte, []byte) ([]byte, error) { return nil, nil }
		moved, err := Open(conf)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = moved.Close() }()
		address.Store("elsewhere")
		await(t, "a call at the new address", func() bool { _, err := a.Call(t.Context(), "b@1", 1, nil); return err == nil })
	})
}

func TestAHalfOpenPeerIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newLattice()
		network := wide(net, wan.Conditions{Delay: time.Millisecond})
		a := echo(t, net, "a", nil)
		echo(t, net, "b", nil)
		if _, err := a.Call(t.Context(), "b@1", 1, nil); err != nil {
			t.Fatal(err)
		}
		network.Partition(wan.Drop, []string{"a"}, []string{"b"})
		start := time.Now()
		if _, err := a.Call(t.Context(), "b@1", 1, nil); !errors.Is(err, ErrPeerLost) {
			t.Errorf("call: %v", err)
		}
		if took := time.Since(start); took < 1500*time.Millisecond || took > 2600*time.Millisecond {
			t.Errorf("noticed after %v", took)
		}
		network.Partition(wan.Whole, []string{"a"}, []string{"b"})
		await(t, "a call after the cut", func() bool { _, err := a.Call(t.Context(), "b@1", 1, nil); return err == nil })
	})
}

// TestBothDialAtOnce: whoever's call is kept, both have the same connection in the end.
func TestBothDialAtOnce(t *testing.T) {
	for _, apart := range []time.Duration{0, time.Millisecond, 9 * time.Millisecond, 11 * time.Millisecond, 25 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			net := newLattice()
			wide(net, wan.Conditions{Delay: 10 * time.Millisecond})
			a, b := echo(t, net, "a", nil), echo(t, net, "b", nil)
			var wait sync.WaitGroup
			keep := func(n *Node, to raft.ServerID, after time.Duration) {
				<-time.After(after)
				await(t, "a call", func() bool { _, err := n.Call(t.Context(), to, 1, nil); return err == nil })
			}
			wait.Go(func() { keep(a, "b@1", apart) })
			wait.Go(func() { keep(b, "a@1", 10*time.Millisecond) })
			wait.Wait()
			<-time.After(5 * time.Second)
			dials := a.Metrics().Dials + b.Metrics().Dials
			if _, err := a.Call(t.Context(), "b@1", 1, nil); err != nil {
				t.Errorf("%v apart: %v", apart, err)
			}
			if _, err := b.Call(t.Context(), "a@1", 1, nil); err != nil {
				t.Errorf("%v apart: %v", apart, err)
			}
			if again := a.Metrics().Dials + b.Metrics().Dials; again != dials || dials > 4 {
				t.Errorf("%v apart: %d dials, then %d", apart, dials, again)
			}
		})
	}
}

// mute accepts one connection, shakes hands and reads nothing more.
func mute(t *testing.T, l *lattice, name string) {
	listener := l.listen(name)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := readEnvelope(bufio.NewReader(conn)); err != nil {
			return
		}
		_, _ = conn.Write(envelope(response{welcome, 1, peerOf(name), name}.encode()))
	}()
}

func TestASlowReaderIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newLattice()
		a := echo(t, net, "a", func(c *Config) {
			c.Timing.Silence, c.Timing.Append = time.Hour, time.Hour
			c.Limits.QueueBytes, c.Limits.WindowBytes = 8<<20, 1<<20
		})
		mute(t, net, "b")
		g, _ := a.Group(1)
		p, err := g.AppendEntriesPipeline("b@1", "b")
		if err != nil {
			t.Fatal(err)
		}
		var sent atomic.Int64
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				entries := []*raft.Log{{Index: 1, Data: make([]byte, 100<<10)}}
				if _, err := p.AppendEntries(&raft.AppendEntriesRequest{Term: 1, Entries: entries}, &raft.AppendEntriesResponse{}); err != nil {
					return
				}
				sent.Add(1)
			}
		}()
		<-time.After(time.Minute)
		if n := sent.Load(); n < 8 || n > 11 {
			t.Errorf("%d appends of 100 KiB are under way in a window of 1 MiB", n)
		}
		var busy error
		for range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, err := a.Call(ctx, "b@1", 1, make([]byte, 1<<20)); errors.Is(err, ErrPeerBusy) {
				busy = err
			}
			cancel()
		}
		if m := a.Metrics(); busy == nil || m.Peers[0].QueueBytes > 8<<20 || m.Dropped == 0 {
			t.Errorf("busy: %v; %v", busy, m)
		}
		_ = p.Close()
		<-stopped
		_ = a.Close()
	})
}

func TestStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := newLattice()
		wide(memory, wan.Conditions{Delay: 5 * time.Millisecond})
		a := echo(t, memory, "a", func(c *Config) { c.Limits.Streams = 2 })
		b := echo(t, memory, "b", func(c *Config) {
			c.OnStream = func(_ context.Context, from Peer, kind byte, head []byte, conn net.Conn) {
				_, _ = fmt.Fprintf(conn, "%s %d %s", from.ServerID(), kind, head)
				_, _ = bufio.NewReader(conn).ReadString('.')
			}
		})
		var open []net.Conn
		for range 2 {
			s, err := a.Stream(t.Context(), "b@1", 9, []byte("file"))
			if err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, len("a@1 9 file"))
			if _, err := bufio.NewReader(s).Read(buf); err != nil || string(buf) != "a@1 9 file" {
				t.Errorf("read %q, %v", buf, err)
			}
			open = append(open, s)
		}
		if _, err := a.Stream(t.Context(), "b@1", 9, nil); !errors.Is(err, ErrPeerBusy) {
			t.Errorf("a third stream: %v", err)
		}
		if n := b.Metrics().Streams; n != 2 {
			t.Errorf("%d streams open there", n)
		}
		for _, s := range open {
			_ = s.Close()
		}
		await(t, "streams to end", func() bool { return b.Metrics().Streams == 0 && a.Metrics().Streams == 0 })
		if s, err := a.Stream(t.Context(), "b@1", 9, nil); err != nil {
			t.Errorf("after closing: %v", err)
		} else {
			_ = s.Close()
		}
	})
}

func TestRTTIsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newLattice()
		wide(net, wan.Conditions{Delay: 15 * time.Millisecond})
		a := echo(t, net, "a", nil)
		echo(t, net, "b", nil)
		if _, ok := a.RTT("b@1"); ok {
			t.Error("a round trip to a stranger is known")
		}
		if _, err := a.Call(t.Context(), "b@1", 1, nil); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		if rtt, ok := a.RTT("b@1"); !ok || rtt < 30*time.Millisecond || rtt > 31*time.Millisecond {
			t.Errorf("rtt %v", rtt)
		}
		if text := a.Metrics().String(); !strings.Contains(text, "peer b@1 connected true, rtt 30ms") {
			t.Error(text)
		}
	})
}
