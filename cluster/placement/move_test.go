package placement

import (
	"fmt"
	"slices"
	"testing"
)

// steps carries a move out and writes down its steps, to its end or until it waits.
func steps(w *world, m Move) (transcript []string) {
	for range 20 {
		step := m.Next(*w.groups[m.Shard], w.nodes)
		transcript = append(transcript, fmt.Sprint(step.Kind, " ", step.Server.Node))
		if step.Kind == Done || step.Kind == Hold {
			break
		}
		w.step(m)
	}
	return transcript
}

func TestMoveSteps(t *testing.T) {
	n := func(i int) Server { return Server{fmt.Sprintf("n%02d", i), "a"} }
	die := func(w *world, i int) {
		w.set(n(i).Node, func(n *Node) { *n, _ = n.Witness(true, w.now) })
	}
	replace := Move{ID: 1, Shard: 1, Add: n(4), As: Voter, Remove: n(1)}
	abandoned := replace
	abandoned.Abandoned = true
	for name, test := range map[string]struct {
		move  Move
		begin func(*world)
		want  []string
	}{
		"a live voter goes last": {replace, nil, []string{
			"add learner n04", "catch up n04", "promote n04", "hand over n01", "remove n01", "release n01", "done ",
		}},
		"a dead voter goes first": {replace, func(w *world) { die(w, 1) }, []string{
			"add learner n04", "catch up n04", "remove n01", "promote n04", "done ",
		}},
		"another voter is dead": {replace, func(w *world) { die(w, 2) }, []string{
			"add learner n04", "catch up n04", "hold n04",
		}},
		"the new server is away": {replace, func(w *world) { w.step(replace); die(w, 4) }, []string{"hold n04"}},
		"given up": {abandoned, func(w *world) { w.step(replace) }, []string{
			"remove n04", "release n04", "done ",
		}},
		"given up before it began": {abandoned, nil, []string{"done "}},
		"given up too late": {abandoned, func(w *world) { w.step(replace); w.step(replace); w.step(replace) }, []string{
			"hand over n01", "remove n01", "release n01", "done ",
		}},
		"the new voter dies": {replace, func(w *world) {
			w.step(replace)
			w.step(replace)
			w.step(replace)
			die(w, 4)
		}, []string{"remove n04", "hold n04"}},
		"only away":  {Move{Shard: 1, Remove: n(3)}, nil, []string{"remove n03", "release n03", "done "}},
		"only here":  {Move{Shard: 1, Add: n(4), As: Learner}, nil, []string{"add learner n04", "catch up n04", "done "}},
		"demoted":    {Move{Shard: 1, Remove: n(3), Demote: true}, nil, []string{"demote n03", "done "}},
		"no quorum":  {Move{Shard: 1, Remove: n(3)}, func(w *world) { die(w, 1); die(w, 2) }, []string{"hold n03"}},
		"last voter": {Move{Shard: 1, Remove: n(3)}, func(w *world) { die(w, 1) }, []string{"hold n03"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, newNodes("a", "b", "c", "d"), []Shard{{ID: 1, High: 4095}}, Settings{})
			if test.begin != nil {
				test.begin(w)
			}
			if got := steps(w, test.move); !slices.Equal(got, test.want) {
				t.Errorf("\n got %q\nwant %q", got, test.want)
			}
		})
	}
}

// TestObserveDoesNotGoBack: a leader that was, and tells late, changes nothing.
func TestObserveDoesNotGoBack(t *testing.T) {
	w := newWorld(t, newNodes("a", "b", "c"), newShards(1), Settings{})
	g := *w.groups[1]
	g.Index, g.Servers = 9, g.Servers[:2]
	now, changed := w.placement.Observe(g, w.nodes)
	if !changed || len(now.ReplicasOf(1)) != 2 || now.Version != w.placement.Version+1 {
		t.Fatalf("not observed: %v", now.ReplicasOf(1))
	}
	if back, changed := now.Observe(*w.groups[1], w.nodes); changed || len(back.ReplicasOf(1)) != 2 {
		t.Errorf("went back to %v", back.ReplicasOf(1))
	}
	if _, changed := now.Observe(Group{Shard: 99}, w.nodes); changed {
		t.Error("observed a shard that there is not")
	}
}

func TestServerText(t *testing.T) {
	for _, text := range []string{"", "n1", "@a", "n1@", "n1@a@b"} {
		if got, err := ParseServer(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
	if got, err := ParseServer("n1@a"); err != nil || got != (Server{"n1", "a"}) || got.String() != "n1@a" {
		t.Errorf("%v %v", got, err)
	}
}

func BenchmarkPlan(b *testing.B) {
	var centres []string
	for i := range 30 {
		centres = append(centres, fmt.Sprintf("dc%d", i%3))
	}
	nodes := newNodes(centres...)
	p, err := Initial(nodes, newShards(120), Settings{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if Plan(p, nodes, Settings{}, start).Changed {
			b.Fatal("not at rest")
		}
	}
}
