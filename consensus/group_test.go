package consensus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// loneConfig is a group of one voter over log and machine.
func loneConfig(log *memoryLog, machine *ledger) Config {
	return Config{
		Group: 7, ServerID: "a", Address: "a:1", Log: log, Machine: machine,
		Bootstrap: []raft.Server{{ID: "a", Address: "a:1"}},
	}
}

func openLone(t testing.TB, c Config) *Group {
	t.Helper()
	g, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeGroup(t, g) })
	if err := g.AwaitLeadership(timeout(t)); err != nil {
		t.Fatal(err)
	}
	return g
}

func timeout(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func closeGroup(t testing.TB, g *Group) {
	t.Helper()
	if err := g.Close(timeout(t)); err != nil {
		t.Error(err)
	}
}

func propose(t testing.TB, g *Group, payload string) Applied {
	t.Helper()
	a, err := g.Propose(timeout(t), Proposal{Payload: []byte(payload)})
	if err != nil {
		t.Fatalf("proposing %q: %v", payload, err)
	}
	return a
}

func TestLoneVoterLeadsAtOnceAndApplies(t *testing.T) {
	machine := &ledger{}
	start := time.Now()
	g := openLone(t, loneConfig(newMemoryLog(), machine))
	if took := time.Since(start); took > 500*time.Millisecond {
		t.Errorf("a lone voter waited %v for a leader that cannot exist", took)
	}
	a := propose(t, g, "one")
	b := propose(t, g, "two")
	if a.Result != 0 || b.Result != 1 || b.Index <= a.Index || a.Ordinal != 0 {
		t.Errorf("got %+v then %+v", a, b)
	}
	if g.AppliedIndex() != machine.AppliedIndex() || g.AppliedIndex() != b.Index {
		t.Errorf("applied %d here, %d in the machine, proposed at %d", g.AppliedIndex(), machine.AppliedIndex(), b.Index)
	}
	term, err := g.ProveLeader(timeout(t))
	if err != nil || term != b.Term || term != g.Term() {
		t.Errorf("proved term %d: %v; want %d", term, err, b.Term)
	}
	_, marker, ok := g.Tenure()
	if !ok || marker >= a.Index || machine.markers != 1 {
		t.Errorf("marker at %d (%v), %d markers; want one before %d", marker, ok, machine.markers, a.Index)
	}
}

func TestConcurrentProposalsShareEntries(t *testing.T) {
	machine := &ledger{}
	c := loneConfig(newMemoryLog(), machine)
	log := c.Log.(*memoryLog)
	log.fsync = 2 * time.Millisecond
	g := openLone(t, c)
	const clients = 200
	var mu sync.Mutex
	results, indexes := map[any]bool{}, map[uint64]bool{}
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			a, err := g.Propose(timeout(t), Proposal{Payload: fmt.Append(nil, i), Footprint: []uint64{uint64(i)}})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			results[a.Result], indexes[a.Index] = true, true
			if got := machine.all()[a.Result.(int)]; got != fmt.Sprint(i) {
				t.Errorf("client %d got the answer to %q", i, got)
			}
		})
	}
	all.Wait()
	if len(results) != clients {
		t.Errorf("%d different answers for %d clients", len(results), clients)
	}
	if len(indexes) > clients/4 {
		t.Errorf("%d clients took %d entries", clients, len(indexes))
	}
}

func TestErrorsBeforeProposingAreDefinite(t *testing.T) {
	c := loneConfig(newMemoryLog(), &ledger{})
	c.Limits.EntryBytes = 100
	g := openLone(t, c)
	if _, err := g.Propose(timeout(t), Proposal{Payload: make([]byte, 100)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := g.Propose(done, Proposal{}); !errors.Is(err, context.Canceled) || errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("cancelled before: %v", err)
	}
	closeGroup(t, g)
	if _, err := g.Propose(timeout(t), Proposal{}); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if _, err := g.ProveLeader(timeout(t)); !errors.Is(err, ErrClosed) {
		t.Errorf("proof when closed: %v", err)
	}
}
