package placement

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// evenCentres draws data centres with the same number of nodes each.
func evenCentres(t *rapid.T) (centres []string) {
	count := rapid.IntRange(1, 5).Draw(t, "centres")
	for i := range count * rapid.IntRange(max(1, 4-count), 4).Draw(t, "nodes each") {
		centres = append(centres, fmt.Sprintf("dc%d", i%count))
	}
	return centres
}

func TestInitialIsEvenAndSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := newNodes(evenCentres(t)...)
		w := newWorld(t, nodes, newShards(rapid.IntRange(1, 30).Draw(t, "shards")), Settings{})
		spreadOut(t, w)
		evenBy(t, "votes", votes(w.placement), nodes)
		if p := Plan(w.placement, nodes, w.settings, start); p.Changed || len(p.Blocked) > 0 {
			t.Fatalf("a new cluster is not left alone: %v %v", p.New, p.Blocked)
		}
	})
}

// TestScaleOutMovesLittle: a new data centre or node takes its share, and no replica
// moves between old nodes for it.
func TestScaleOutMovesLittle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := newNodes(evenCentres(t)...)
		w := newWorld(t, nodes, newShards(rapid.IntRange(3, 20).Draw(t, "shards")), Settings{})
		added := newNodes("dc0", "dc1", "dc2", "dc3", "dc4")[rapid.IntRange(0, 4).Draw(t, "where")]
		added.ID = "new"
		w.nodes = append(slices.Clone(w.nodes), added)
		before := votes(w.placement)
		w.settle()
		w.sound()
		spreadOut(t, w)
		after := votes(w.placement)
		least := after["new"]
		if followed := 1; w.moves > 2*least+followed {
			t.Fatalf("%d moves to give the new node %d: %v -> %v", w.moves, least, before, after)
		}
	})
}

// TestPlantedSteps: the simulation sees each way of changing a group that costs it its
// majority.
func TestPlantedSteps(t *testing.T) {
	plants := map[string]func(Step, Move, Group) Step{
		"removes before it promotes": func(s Step, m Move, g Group) Step {
			if s.Kind == CatchUp && slices.Contains(votersOf(g), m.Remove) && m.As == Voter {
				return Step{Remove, m.Remove}
			}
			return s
		},
		"promotes before it removes the dead": func(s Step, m Move, g Group) Step {
			if s.Kind == Remove && s.Server == m.Remove && !slices.Contains(votersOf(g), m.Add) && slices.Contains(g.CaughtUp, m.Add) {
				return Step{Promote, m.Add}
			}
			return s
		},
	}
	for name, plant := range plants {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, newNodes("a", "a", "b", "b", "c", "c"), newShards(4), Settings{Moves: 4})
			w.carelessly = plant
			w.set("n01", func(n *Node) { n.State = Draining })
			for range 40 {
				w.round()
			}
			w.set("n02", func(n *Node) { n.State, n.Down = Removed, true })
			for range 40 {
				w.round()
			}
			if w.broken == "" {
				t.Error("nobody noticed")
			}
		})
	}
}

func TestALostNodeKeepsItsPlaceForTheGrace(t *testing.T) {
	w := newWorld(t, newNodes("a", "b", "c", "c"), newShards(2), Settings{})
	w.set("n01", func(n *Node) { *n, _ = n.Witness(true, w.now) })
	w.settle()
	if w.moves != 0 {
		t.Fatalf("moved at once: %v", w.placement.Moves)
	}
	w.now = w.now.Add(defaultGrace)
	w.settle()
	w.sound()
	if votes(w.placement)["n01"] != 0 || w.moves == 0 {
		t.Errorf("after the grace: %v", votes(w.placement))
	}
}

func TestLeadersStandNearTheirWriters(t *testing.T) {
	nodes := newNodes("a", "a", "b", "c")
	settings := Settings{Origins: map[ShardID]map[string]float64{}}
	for id := range ShardID(9) {
		settings.Origins[id] = map[string]float64{"a": 80, "b": 10, "c": 10}
	}
	w := newWorld(t, nodes, newShards(8), settings)
	if got := leads(w.placement); got["n01"]+got["n02"] != 9 || got["n01"] < 4 || got["n02"] < 4 {
		t.Errorf("writers in a: %v", got)
	}
	w.settings.Origins = nil
	w.settle()
	evenBy(t, "leaders", leads(w.placement), nodes)
	w.set("n03", func(n *Node) { n.Load.ReadOnly = true })
	w.settle()
	if got := leads(w.placement); got["n03"] != 0 || votes(w.placement)["n03"] == 0 {
		t.Errorf("a full disk leads %d", got["n03"])
	}
}

// TestLeadersDoNotWander: shares that go up and down around a border shift nobody.
func TestLeadersDoNotWander(t *testing.T) {
	w := newWorld(t, newNodes("a", "b", "c"), newShards(5), Settings{})
	w.settle()
	var first []Leader
	for i := range 20 {
		noise := float64(i%3) * 6
		w.settings.Origins = map[ShardID]map[string]float64{1: {"a": 40 + noise, "b": 60 - noise}, 2: {"a": 60 - noise, "b": 40 + noise}}
		w.settle()
		if i == 2 {
			first = w.placement.Leaders
		}
	}
	if !slices.Equal(first, w.placement.Leaders) {
		t.Errorf("%v became %v", first, w.placement.Leaders)
	}
}

func TestReadingCentresHaveLearners(t *testing.T) {
	nodes := newNodes("a", "b", "c", "r", "r")
	settings := Settings{ReadingCentres: []string{"r"}}
	w := newWorld(t, nodes, newShards(4), settings)
	count := func() (learners int) {
		for _, r := range w.placement.Replicas {
			if r.Shard != 0 && r.Role == Learner {
				learners++
			}
		}
		return learners
	}
	if got := votes(w.placement); count() != 4 || got["n04"]+got["n05"] != 0 {
		t.Fatalf("learners %d, votes %v", count(), got)
	}
	w.set("n04", func(n *Node) { n.State = Draining })
	w.settle()
	w.sound()
	for _, r := range w.placement.Holds(Server{"n04", "a"}) {
		if r.Shard != 0 {
			t.Errorf("a drained node still has %v", r)
		}
	}
	if count() != 4 {
		t.Errorf("learners %d", count())
	}
	w.settings.ReadingCentres = nil
	w.settle()
	w.sound()
	if count() != 0 {
		t.Errorf("learners %d where none is wanted", count())
	}
}

func TestTheControlGroupIsFollowedByAll(t *testing.T) {
	w := newWorld(t, newNodes("a", "b", "c", "a", "b"), newShards(2), Settings{})
	w.set("n01", func(n *Node) { n.State = Draining })
	w.settle()
	w.sound()
	if got := len(w.placement.ReplicasOf(0)); got != 5 {
		t.Fatalf("%d follow: %v", got, w.placement.ReplicasOf(0))
	}
	if slices.Contains(w.placement.ReplicasOf(0), Replica{0, Server{"n01", "a"}, Voter}) {
		t.Error("a drained node still votes")
	}
	w.set("n01", func(n *Node) { n.State = Removed })
	w.settle()
	if got := len(w.placement.ReplicasOf(0)); got != 4 {
		t.Errorf("%d follow", got)
	}
}

func TestWhatCannotBeDoneIsSaid(t *testing.T) {
	w := newWorld(t, newNodes("a", "b", "c"), newShards(1), Settings{})
	w.set("n03", func(n *Node) { n.State = Draining })
	d := Plan(w.placement, w.nodes, w.settings, w.now)
	if len(d.New) != 0 || len(d.Blocked) != 2 || !strings.Contains(d.Blocked[1].Reason, "no node can take its place") {
		t.Errorf("%v", d.Blocked)
	}
	if _, err := Initial(nil, newShards(1), Settings{}); !errors.Is(err, ErrNoNodes) {
		t.Errorf("placed on nobody: %v", err)
	}
}
