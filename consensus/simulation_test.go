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
)

// simulation is three nodes, writers, readers and somebody who breaks things, for
// some seconds of the bubble's time. Goroutines make it unrepeatable in detail: a
// seed says what is broken when, not what happens then.
type simulation struct {
	net  *network
	stop chan struct{}
	work sync.WaitGroup

	mu           sync.Mutex
	acknowledged []string
	refused      []string
	wrong        error
	reads        int
}

func (s *simulation) blame(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wrong == nil {
		s.wrong = fmt.Errorf(format, args...)
	}
}

// write proposes at one node, whoever leads, and remembers what it was promised.
func (s *simulation) write(r *replica) {
	for i := 0; ; i++ {
		select {
		case <-s.stop:
			return
		case <-time.After(7 * time.Millisecond):
		}
		payload := fmt.Sprintf("%s%d", r.name, i)
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		g, _ := r.now()
		_, err := g.Propose(ctx, Proposal{Payload: []byte(payload)})
		cancel()
		s.mu.Lock()
		switch {
		case err == nil:
			s.acknowledged = append(s.acknowledged, payload)
		case !errors.Is(err, ErrOutcomeUnknown):
			s.refused = append(s.refused, payload)
		}
		s.mu.Unlock()
	}
}

// read proves leadership at one node and then expects everything there that had
// been acknowledged, by whomever, when the proof began.
func (s *simulation) read(r *replica) {
	for {
		select {
		case <-s.stop:
			return
		case <-time.After(3 * time.Millisecond):
		}
		s.mu.Lock()
		before := slices.Clone(s.acknowledged)
		s.mu.Unlock()
		g, machine := r.now()
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		_, err := g.ProveLeader(ctx)
		cancel()
		if err != nil {
			continue
		}
		s.mu.Lock()
		s.reads++
		s.mu.Unlock()
		lines := machine.all()
		for _, line := range before[max(0, len(before)-20):] {
			if !slices.Contains(lines, line) {
				s.blame("%s proved that it leads without %s", r.name, line)
			}
		}
	}
}

// disturb breaks something, waits, and mends it.
func (s *simulation) disturb(random *rand.Rand) {
	name := s.net.names[random.IntN(3)]
	pause := func() { <-time.After(time.Duration(50+random.IntN(1500)) * time.Millisecond) }
	switch random.IntN(5) {
	case 0:
		s.net.setCut(name, true)
		pause()
		s.net.setCut(name, false)
	case 1: // stuck in its disk as well: a leader then does not notice that it is alone
		g := s.net.leader()
		g.log.slow(4 * time.Second)
		s.net.setCut(g.name, true)
		<-time.After(3 * time.Second)
		g.log.slow(0)
		s.net.setCut(g.name, false)
	case 2:
		g, _ := s.net.nodes[name].now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_ = g.Transfer(ctx, "")
		cancel()
	case 3:
		s.net.nodes[name].crash()
	case 4: // all at once
		var down sync.WaitGroup
		for _, name := range s.net.names {
			down.Go(func() { s.net.nodes[name].close() })
		}
		down.Wait()
		for _, name := range s.net.names {
			s.net.nodes[name].crash()
		}
	}
	pause()
}

// simulate returns how many reads were proved and what was wrong, nil for nothing.
func simulate(t *testing.T, seed uint64, plant func(*network)) (reads int, wrong error) {
	random := rand.New(rand.NewPCG(seed, 2))
	s := &simulation{stop: make(chan struct{})}
	s.net = newNetwork(t, Limits{SnapshotEntries: 100, TrailingEntries: 10}, "a", "b", "c")
	plant(s.net)
	s.net.leader()
	for _, r := range s.net.nodes {
		s.work.Go(func() { s.write(r) })
		s.work.Go(func() { s.read(r) })
	}
	for range 12 {
		s.disturb(random)
	}
	close(s.stop)
	s.work.Wait()
	s.net.settle()
	s.audit()
	s.net.close()
	return s.reads, s.wrong
}

// audit compares the nodes, when all is mended, with each other and with what was
// promised.
func (s *simulation) audit() {
	want := s.net.nodes["a"].machine.all()
	for name, r := range s.net.nodes {
		if got := r.machine.all(); !slices.Equal(got, want) {
			s.blame("%s and a differ", name)
		}
		if err := checkLedger(r.machine, s.acknowledged); err != nil {
			s.blame("%s: %w", name, err)
		}
	}
	for _, line := range s.refused {
		if slices.Contains(want, line) {
			s.blame("%s was refused and is there", line)
		}
	}
}

func TestSimulation(t *testing.T) {
	seeds := uint64(8)
	if testing.Short() {
		seeds = 4
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			reads, wrong := simulate(t, seed, func(*network) {})
			if wrong != nil {
				t.Errorf("seed %d: %v", seed, wrong)
			}
			if reads < 100 {
				t.Errorf("seed %d: only %d reads were proved", seed, reads)
			}
		})
	}
}

// TestSimulationFindsAPlantedBug shows that the test above can fail: here a leader
// takes its own word for it. (A log that is not synced is planted in crash_test.go.)
func TestSimulationFindsAPlantedBug(t *testing.T) {
	takeOwnWord := func(n *network) {
		n.liar = func(asker string) uint64 { g, _ := n.nodes[asker].now(); return g.Term() }
	}
	for seed := range uint64(20) {
		var found error
		synctest.Test(t, func(t *testing.T) { _, found = simulate(t, seed, takeOwnWord) })
		if found != nil {
			t.Logf("seed %d: %v", seed, found)
			return
		}
	}
	t.Error("not found")
}
