package membership

import (
	"context"
	"testing"
	"time"
)

// three starts three nodes that know each other.
func three(t *testing.T, n *network) (nodes []*Gossip, watchers []*watcher) {
	t.Helper()
	for i := range 3 {
		w := &watcher{}
		config := testConfig(n, i+1)
		config.OnEvent = w.see
		nodes, watchers = append(nodes, startGossip(t, config)), append(watchers, w)
	}
	for _, g := range nodes[1:] {
		if err := g.Join(t.Context(), []string{nodes[0].Address()}); err != nil {
			t.Fatal(err)
		}
	}
	await(t, time.Minute, "all see each other", func() bool {
		for _, g := range nodes {
			for _, id := range []string{"n1", "n2", "n3"} {
				if liveness(g, id) != Alive {
					return false
				}
			}
		}
		return true
	})
	return nodes, watchers
}

func TestNodesFindEachOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNetwork()
		n.delay = 20 * time.Millisecond
		nodes, watchers := three(t, n)
		got := member(nodes[2], "n2")
		if got.DataCentre != "dc2" || got.Peer != "p:1" || got.Incarnation != "inc2" || got.Address != "127.0.0.1:2" {
			t.Errorf("n3 sees %+v", got)
		}
		if len(watchers[2].of(Joined, "n2")) != 1 {
			t.Errorf("n3 was told %v", watchers[2].events)
		}
		await(t, time.Minute, "the round trip is measured", func() bool {
			m := member(nodes[2], "n2")
			return m.RoundTrip >= 40*time.Millisecond && m.RoundTrip < 60*time.Millisecond && !m.Heard.IsZero()
		})
	})
}

func TestLoadIsSpread(t *testing.T) {
	bubble(t, func(t *testing.T) {
		nodes, _ := three(t, newNetwork())
		for number := range uint64(20) {
			nodes[0].SetLoad(Load{WritesPerSecond: number, ReadOnly: number == 19})
		}
		want := Load{WritesPerSecond: 19, ReadOnly: true}
		await(t, time.Minute, "all know the newest load", func() bool {
			return member(nodes[0], "n1").Load == want && member(nodes[1], "n1").Load == want && member(nodes[2], "n1").Load == want
		})
	})
}

func TestDeadAndLeavingNodesAreToldApart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNetwork()
		nodes, watchers := three(t, n)
		if err := nodes[1].Close(); err != nil {
			t.Fatal(err)
		}
		await(t, 10*time.Second, "the goodbye is heard", func() bool { return liveness(nodes[0], "n2") == Gone })
		n.setCut("127.0.0.1:3", true)
		await(t, 3*time.Minute, "the death is noticed", func() bool { return liveness(nodes[0], "n3") == Failed })
		if len(watchers[0].of(Left, "n2")) != 1 || len(watchers[0].of(Lost, "n3")) != 1 || len(watchers[0].of(Lost, "n2")) != 0 {
			t.Errorf("n1 was told %v", watchers[0].events)
		}
	})
}

func TestACutHealsByItself(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNetwork()
		nodes, watchers := three(t, n)
		n.setCut("127.0.0.1:3", true)
		await(t, 5*time.Minute, "both sides notice", func() bool {
			return liveness(nodes[0], "n3") == Failed && liveness(nodes[2], "n1") == Failed && liveness(nodes[2], "n2") == Failed
		})
		pass(time.Hour) // memberlist has long given up
		n.setCut("127.0.0.1:3", false)
		await(t, time.Minute, "all are back", func() bool {
			return liveness(nodes[0], "n3") == Alive && liveness(nodes[2], "n1") == Alive && liveness(nodes[2], "n2") == Alive
		})
		if len(watchers[0].of(Joined, "n3")) != 2 {
			t.Errorf("n1 was told %v", watchers[0].events)
		}
	})
}

func TestACopiedFolderIsAConflict(t *testing.T) {
	for name, incarnation := range map[string]string{"copied": "inc2", "emptied": "other"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				n := newNetwork()
				nodes, watchers := three(t, n)
				pass(time.Second)
				w := &watcher{}
				second := testConfig(n, 9)
				second.Node.ID, second.Node.Incarnation, second.OnEvent = "n2", incarnation, w.see
				g := startGossip(t, second)
				_ = g.Join(t.Context(), []string{nodes[0].Address()}) // whether it succeeds does not matter
				await(t, time.Minute, "the conflict is told", func() bool {
					return len(watchers[0].of(Conflict, "n2")) > 0 && len(w.of(Conflict, "n2")) > 0
				})
				told, own := watchers[0].of(Conflict, "n2")[0], w.of(Conflict, "n2")[0]
				if told.Was.Incarnation != incarnation || told.Self || told.Member.Incarnation != "inc2" || !told.Was.Started.After(told.Member.Started) {
					t.Errorf("n1 was told %+v", told)
				}
				if !own.Self || !own.Member.Started.After(own.Was.Started) {
					t.Errorf("the second n2 was told %+v", own)
				}
				pass(10 * time.Minute)
				if got := member(nodes[0], "n2"); got.Address != "127.0.0.1:2" || len(watchers[0].of(Conflict, "n2")) != 1 {
					t.Errorf("n2 is %+v, conflicts %v", got, watchers[0].of(Conflict, "n2"))
				}
			})
		})
	}
}

// TestANodeComesBackAtAnotherAddress before the others know that it was away: that is no
// conflict, since the old address does not answer.
func TestANodeComesBackAtAnotherAddress(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNetwork()
		nodes, watchers := three(t, n)
		n.setCut("127.0.0.1:2", true) // it is dead, and said nothing
		w := &watcher{}
		again := testConfig(n, 8)
		again.Node.ID, again.Node.Incarnation, again.OnEvent = "n2", "inc2", w.see
		g := startGossip(t, again)
		if err := g.Join(t.Context(), []string{nodes[0].Address()}); err != nil {
			t.Fatal(err)
		}
		defer func() {
			for _, w := range append(watchers, w) {
				if told := w.of(Conflict, "n2"); len(told) > 0 && told[0].WasAddress != "" && w != watchers[1] {
					t.Errorf("a conflict: %+v", told)
				}
			}
		}()
		await(t, 10*time.Minute, "it is known at its new address", func() bool {
			return member(nodes[2], "n2").Address == "127.0.0.1:8" && liveness(nodes[2], "n2") == Alive
		})
	})
}

func TestJoinTriesAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNetwork()
		first := startGossip(t, testConfig(n, 1))
		n.setCut("127.0.0.1:1", true)
		second := startGossip(t, testConfig(n, 2))
		time.AfterFunc(30*time.Second, func() { n.setCut("127.0.0.1:1", false) })
		began := time.Now()
		if err := second.Join(t.Context(), []string{"127.0.0.1:7", first.Address()}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 30*time.Second || took > 45*time.Second {
			t.Errorf("joined after %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := second.Join(ctx, []string{"127.0.0.1:7"}); err == nil {
			t.Error("joined nobody without an error")
		}
	})
}

func TestKeysKeepStrangersOutAndRotate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNetwork()
		nodes, _ := three(t, n)
		next := []byte("fedcba9876543210fedcba9876543210")
		strange := testConfig(n, 9)
		strange.Keys = [][]byte{next}
		stranger := startGossip(t, strange)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := stranger.Join(ctx, []string{nodes[0].Address()}); err == nil {
			t.Fatal("a node with another key joined")
		}
		for _, keys := range [][][]byte{{testKey, next}, {next, testKey}, {next}} {
			for _, g := range nodes {
				if err := g.Rotate(keys); err != nil {
					t.Fatal(err)
				}
			}
			pass(10 * time.Minute)
			for _, g := range nodes {
				if liveness(g, "n1") != Alive || liveness(g, "n2") != Alive || liveness(g, "n3") != Alive {
					t.Fatalf("a node was lost with %d keys: %+v", len(keys), g.Members())
				}
			}
		}
		if err := stranger.Join(t.Context(), []string{nodes[0].Address()}); err != nil {
			t.Fatalf("with the new key: %v", err)
		}
	})
}
