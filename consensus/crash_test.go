package consensus

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// crashRun starts a lone voter, loses power at random moments under load, and
// returns what was wrong after a restart: an acknowledged payload gone or there
// twice, or a start refused because the log lost something.
func crashRun(t *testing.T, seed uint64, plant func(*memoryLog, *ledger)) (found error) {
	random := rand.New(rand.NewPCG(seed, 1))
	log, machine := newMemoryLog(), &ledger{alone: true}
	plant(log, machine)
	var mu sync.Mutex
	var acknowledged []string
	for life := range 5 {
		c := loneConfig(log, machine)
		c.Limits = Limits{SnapshotEntries: 8, TrailingEntries: 2}
		g, err := Open(c)
		if err != nil {
			return err
		}
		err = errors.Join(g.AwaitLeadership(timeout(t)), checkLedger(machine, acknowledged))
		if err != nil {
			closeGroup(t, g)
			return err
		}
		var load sync.WaitGroup
		for client := range 4 {
			load.Go(func() {
				for i := range 6 {
					payload := fmt.Sprintf("%d/%d/%d", life, client, i)
					if _, err := g.Propose(context.Background(), Proposal{Payload: []byte(payload)}); err == nil {
						mu.Lock()
						acknowledged = append(acknowledged, payload)
						mu.Unlock()
					}
					<-time.After(time.Millisecond)
				}
			})
		}
		<-time.After(time.Duration(1+random.IntN(8)) * time.Millisecond)
		// What the disk has now is what the next life finds; what this life acknowledged
		// until now must be there. The lock orders the two: nothing is acknowledged between.
		mu.Lock()
		promised := slices.Clone(acknowledged)
		nextLog, nextMachine := crashTogether(log, machine)
		mu.Unlock()
		closeGroup(t, g)
		load.Wait()
		log, machine, acknowledged = nextLog, nextMachine, promised
	}
	return nil
}

// crashTogether loses power for both at one moment. One after the other would make
// up what cannot be: a snapshot in the log whose state was not yet flushed.
func crashTogether(log *memoryLog, machine *ledger) (*memoryLog, *ledger) {
	log.mu.Lock()
	defer log.mu.Unlock()
	machine.mu.Lock()
	defer machine.mu.Unlock()
	return log.crashLocked(), machine.crashLocked()
}

func checkLedger(m *ledger, acknowledged []string) error {
	lines := m.all()
	seen := map[string]int{}
	for _, line := range lines {
		seen[line]++
	}
	for line, count := range seen {
		if count > 1 {
			return fmt.Errorf("%s is there %d times", line, count)
		}
	}
	for _, line := range acknowledged {
		if seen[line] != 1 {
			return fmt.Errorf("%s was acknowledged and is gone", line)
		}
	}
	return m.order
}

const crashSeeds = 60

func TestNothingAcknowledgedIsLostInACrash(t *testing.T) {
	for seed := range uint64(crashSeeds) {
		synctest.Test(t, func(t *testing.T) {
			if err := crashRun(t, seed, func(*memoryLog, *ledger) {}); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
		})
	}
}

// TestCrashRunFindsPlantedBugs shows that the test above can fail.
func TestCrashRunFindsPlantedBugs(t *testing.T) {
	for name, plant := range map[string]func(*memoryLog, *ledger){
		"the log is not synced":      func(l *memoryLog, _ *ledger) { l.skipSync = true },
		"the state is not made safe": func(_ *memoryLog, m *ledger) { m.skipFlush = true },
	} {
		found := 0
		for seed := range uint64(10) {
			synctest.Test(t, func(t *testing.T) {
				if crashRun(t, seed, plant) != nil {
					found++
				}
			})
		}
		if found < 9 {
			t.Errorf("%s: found in %d of 10 seeds", name, found)
		}
	}
}

// TestCrashWhileBootstrapping: raft sets the term first and appends second.
func TestCrashWhileBootstrapping(t *testing.T) {
	log, machine := newMemoryLog(), &ledger{}
	must(t, stableStore{log}.SetUint64([]byte(raftCurrentTerm), 1))
	g := openLone(t, loneConfig(log.crash(), machine))
	propose(t, g, "alive")
}

// TestCrashBetweenSnapshotAndRestore: raft stores an installed snapshot before it
// restores it, and never restores it again.
func TestCrashBetweenSnapshotAndRestore(t *testing.T) {
	log, machine := newMemoryLog(), &ledger{}
	g := openLone(t, loneConfig(log, machine))
	propose(t, g, "one")
	must(t, g.Snapshot())
	closeGroup(t, g)
	behind := &ledger{} // as if the snapshot had come from elsewhere
	g = openLone(t, loneConfig(log.crash(), behind))
	propose(t, g, "two")
	if got := behind.all(); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("the state is %q", got)
	}
}

func TestOpenRefusesALogThatLostEntries(t *testing.T) {
	log, machine := newMemoryLog(), &ledger{}
	g := openLone(t, loneConfig(log, machine))
	last := propose(t, g, "one")
	must(t, machine.Flush())
	closeGroup(t, g)

	short := log.crash()
	must(t, short.DeleteRange(last.Index, last.Index))
	if _, err := Open(loneConfig(short, machine.crash())); !errors.Is(err, ErrLogLost) {
		t.Errorf("the log ends before the state: %v", err)
	}
	holed := log.crash()
	must(t, holed.DeleteRange(1, 2))
	if _, err := Open(loneConfig(holed, &ledger{})); !errors.Is(err, ErrLogLost) {
		t.Errorf("the log begins after the snapshot: %v", err)
	}
}

func TestLogDoesNotGrowWithoutBound(t *testing.T) {
	for name, limits := range map[string]Limits{
		"by entries": {SnapshotEntries: 20, TrailingEntries: 5},
		"by bytes":   {SnapshotBytes: 20_000, TrailingBytes: 5_000},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := loneConfig(newMemoryLog(), &ledger{})
			c.Limits = limits
			g := openLone(t, c)
			for range 100 {
				propose(t, g, string(make([]byte, 1000)))
				synctest.Wait()
				s := g.Stats()
				if held := s.LastIndex - s.FirstIndex + 1; held > 30 {
					t.Fatalf("%s: %v", name, s)
				}
			}
			if s := g.Stats(); s.SnapshotIndex < 70 {
				t.Errorf("%s: %v", name, s)
			}
			closeGroup(t, g)
		})
	}
}

func TestRestartAppliesWhatIsNewAndNothingTwice(t *testing.T) {
	log, machine := newMemoryLog(), &ledger{}
	g := openLone(t, loneConfig(log, machine))
	propose(t, g, "one")
	must(t, machine.Flush())
	last := propose(t, g, "two")
	closeGroup(t, g)
	after := machine.crash()
	g = openLone(t, loneConfig(log.crash(), after))
	must(t, g.WaitApplied(timeout(t), last.Index))
	if got := after.all(); !slices.Equal(got, []string{"one", "two"}) || after.order != nil {
		t.Errorf("the state is %q, %v", got, after.order)
	}
}

func TestBootstrapDoesNotChangeAGroupThatExists(t *testing.T) {
	log, machine := newMemoryLog(), &ledger{}
	g := openLone(t, loneConfig(log, machine))
	closeGroup(t, g)
	c := loneConfig(log, machine)
	c.Bootstrap = append(c.Bootstrap, raft.Server{ID: "b", Address: "b:1"})
	g = openLone(t, c)
	if got := g.Configuration(); len(got) != 1 {
		t.Errorf("servers are %v", got)
	}
}
