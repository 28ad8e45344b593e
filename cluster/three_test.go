package cluster

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"vertebra/index"
	"vertebra/storage/record"
)

// startCluster starts nodes that found a cluster over loopback.
func startCluster(t testing.TB, count int) []*Node {
	t.Helper()
	dir := t.TempDir()
	nodes, errs := make([]*Node, count), make([]error, count)
	gossip := make(chan string, count)
	var starting sync.WaitGroup
	for i := range count {
		peer, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		config := testConfig(filepath.Join(dir, fmt.Sprint("n", i+1)))
		config.NodeID, config.DataCentre = fmt.Sprint("n", i+1), fmt.Sprint("dc", i+1)
		config.Network = &Network{
			Cluster: "test", Peer: peer, PeerAddress: peer.Addr().String(), Gossip: "127.0.0.1:0", Expect: count,
		}
		starting.Go(func() {
			if i == 0 {
				config.Network.OnGossip = func(address string) {
					for range count - 1 {
						gossip <- address
					}
				}
			} else {
				config.Network.Join = []string{<-gossip}
			}
			nodes[i], errs[i] = Start(t.Context(), config)
		})
	}
	starting.Wait()
	for i, n := range nodes {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		t.Cleanup(func() { closeNode(t, n) })
	}
	for _, n := range nodes {
		if err := n.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return nodes
}

// What one node acknowledged every node reads and finds at once, whichever led.
func TestThreeNodesAnswerAsOne(t *testing.T) {
	nodes := startCluster(t, 3)
	for i := range 60 {
		writer := nodes[i%3]
		subject := record.Subject(fmt.Sprint("s", i%20))
		name := fmt.Sprint("name", i)
		decide(t, writer, subject, record.RequestID{}, put(subject, name, "leeds"))
		for k, reader := range nodes {
			if body, version := get(t, reader, subject, Freshness{}); body != name+"|leeds" || version != uint64(i/20+1) {
				t.Fatalf("%d: node %d reads %q version %d", i, k+1, body, version)
			}
			for field, value := range map[index.Field]string{fieldName: name} {
				if of, _ := find(t, reader, field, value, 5); len(of) != 1 {
					t.Fatalf("%d: node %d finds %v", i, k+1, of)
				}
			}
		}
	}
	for k, n := range nodes {
		if of, _ := find(t, n, fieldTown, "leeds", 100); len(of) != 20 {
			t.Errorf("node %d finds %d by town", k+1, len(of))
		}
	}
}

// Writers on every node at the same people: no update is lost, and a repeated
// request gets its first outcome from any node.
func TestThreeNodesLoseNoUpdate(t *testing.T) {
	nodes := startCluster(t, 3)
	var writers sync.WaitGroup
	for w := range 12 {
		writers.Go(func() {
			for i := range 10 {
				subject := record.Subject(fmt.Sprint("s", (w+i)%6))
				if _, err := nodes[w%3].Decide(context.Background(), subject, record.RequestID{}, put(subject, "x", "y")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	for s := range 6 {
		subject := record.Subject(fmt.Sprint("s", s))
		if _, version := get(t, nodes[s%3], subject, Freshness{}); version != 20 {
			t.Errorf("s%d: version %d, want 20", s, version)
		}
	}
	id := record.RequestID{9}
	remembered := func(v *View) (record.Mutation, error) {
		m, err := put("r", "ann", "leeds")(v)
		m.Request, m.Outcome = id, record.Outcome{Status: 200, Version: m.Writes[0].Version, Subject: "r"}
		return m, err
	}
	for k, n := range nodes {
		d := decide(t, n, "r", id, remembered)
		if (d.Replay == nil) != (k == 0) {
			t.Errorf("node %d: replay %+v", k+1, d.Replay)
		}
	}
}

// A node that finds nobody to form a cluster with gives up when it is told to, and
// its folder is free for another try.
func TestStartEndsWithItsContextWhenNobodyComes(t *testing.T) {
	config := testConfig(t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 2 {
		peer, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		config.Network = &Network{
			Cluster: "test", Peer: peer, PeerAddress: peer.Addr().String(), Gossip: "127.0.0.1:0", Expect: 3,
			OnGossip: func(string) { cancel() },
		}
		if n, err := Start(ctx, config); err == nil {
			closeNode(t, n)
			t.Fatal("one of three formed a cluster")
		}
	}
}
