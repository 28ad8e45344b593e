package membership

import (
	"context"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestLoopback runs three nodes over real sockets, and leaves nothing behind.
func TestLoopback(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	founded := make(chan string, 3)
	events := make(chan Event, 1000)
	var nodes []*Gossip
	for i := range 3 {
		config := Config{
			Node: Node{ID: fmt.Sprintf("n%d", i+1), Incarnation: "a"}, Keys: [][]byte{testKey}, Expect: 3,
			Bind: "127.0.0.1:0", Profile: Loopback, Cluster: "test",
		}
		if i == 0 {
			config.OnEvent = func(e Event) { events <- e }
		}
		g, err := Start(config)
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, g)
		if err := g.Join(ctx, []string{nodes[0].Address()}); err != nil {
			t.Fatal(err)
		}
		go func() {
			founders, err := g.WaitForExpected(ctx, 3)
			founded <- fmt.Sprint(len(founders), err)
		}()
	}
	for range nodes {
		if got := <-founded; got != "3 <nil>" {
			t.Errorf("founded: %s", got)
		}
	}
	for i := 2; i >= 0; i-- {
		if err := nodes[i].Close(); err != nil {
			t.Error(err)
		}
		if i > 0 {
			awaitEvent(ctx, t, events, Left, nodes[i].config.Node.ID)
		}
	}
	if err := nodes[0].Join(ctx, []string{nodes[1].Address()}); err == nil {
		t.Error("a closed node joined")
	}
}

func awaitEvent(ctx context.Context, t *testing.T, events <-chan Event, kind EventKind, id string) {
	t.Helper()
	for {
		select {
		case e := <-events:
			if e.Kind == kind && e.Member.ID == id {
				return
			}
		case <-ctx.Done():
			t.Fatalf("%s was not told to have %s", id, kind)
		}
	}
}
