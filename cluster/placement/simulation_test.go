package placement

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// world carries moves out one step at a time, as raft's groups would, and holds every
// state to the rules.
type world struct {
	t         rapid.TB
	placement Placement
	nodes     []Node
	settings  Settings
	groups    map[ShardID]*Group
	now       time.Time
	moves     int
	// carelessly plants a bug: a way to change steps before they are carried out.
	carelessly func(Step, Move, Group) Step
	broken     string
}

var start = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func newNodes(centres ...string) (nodes []Node) {
	for i, centre := range centres {
		nodes = append(nodes, Node{
			ID: fmt.Sprintf("n%02d", i+1), Incarnation: "a", DataCentre: centre, State: Active, Since: start,
		})
	}
	return nodes
}

func newShards(data int) []Shard {
	shards := []Shard{{ID: 0, Low: 4096, High: 4096, Everywhere: true}}
	for i := range data {
		shards = append(shards, Shard{ID: ShardID(i + 1), Low: uint16(i * 4096 / data), High: uint16((i+1)*4096/data - 1)})
	}
	return shards
}

func newWorld(t rapid.TB, nodes []Node, shards []Shard, settings Settings) *world {
	p, err := Initial(nodes, shards, settings)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, placement: p, nodes: nodes, settings: settings, groups: map[ShardID]*Group{}, now: start}
	for _, s := range p.Shards {
		g := &Group{Shard: s.ID, Index: 1, Servers: p.ReplicasOf(s.ID)}
		for _, r := range g.Servers {
			g.Holding = append(g.Holding, r.Server)
			if r.Role == Learner {
				g.CaughtUp = append(g.CaughtUp, r.Server)
			}
		}
		w.groups[s.ID] = g
	}
	w.elect()
	return w
}

func (w *world) live(s Server) bool {
	return slices.ContainsFunc(w.nodes, func(n Node) bool { return n.Server() == s && n.live() })
}

// elect gives each group that lacks a live leader the first live voter.
func (w *world) elect() {
	for _, g := range w.groups {
		leads := slices.ContainsFunc(g.Servers, func(r Replica) bool {
			return r.Server == g.Leader && r.Role == Voter && w.live(r.Server)
		})
		if leads {
			continue
		}
		g.Leader = Server{}
		for _, r := range g.Servers {
			if r.Role == Voter && w.live(r.Server) {
				g.Leader = r.Server
				break
			}
		}
	}
}

func (w *world) set(id string, edit func(*Node)) {
	w.nodes = slices.Clone(w.nodes)
	for i := range w.nodes {
		if w.nodes[i].ID == id {
			edit(&w.nodes[i])
			w.nodes[i].Since = w.now
		}
	}
	w.elect()
}

// quorate: a majority of the voters is live.
func quorate(g Group, live func(Server) bool) bool {
	voters, alive := 0, 0
	for _, r := range g.Servers {
		if r.Role == Voter {
			voters++
			if live(r.Server) {
				alive++
			}
		}
	}
	return alive >= majority(voters)
}

// step carries out one step of a move, and says whether there was one.
func (w *world) step(m Move) bool {
	g := w.groups[m.Shard]
	step := m.Next(*g, w.nodes)
	if w.carelessly != nil {
		step = w.carelessly(step, m, *g)
	}
	if !quorate(*g, w.live) {
		return false // nobody can change the group
	}
	before := votersOf(*g)
	set := func(s Server, role Role) {
		g.Index++
		g.Servers = slices.DeleteFunc(slices.Clone(g.Servers), func(r Replica) bool { return r.Server == s })
		if role != "" {
			g.Servers = append(g.Servers, Replica{g.Shard, s, role})
		}
		slices.SortFunc(g.Servers, compareReplicas)
	}
	switch step.Kind {
	case AddLearner:
		set(step.Server, Learner)
		g.Holding = append(slices.Clone(g.Holding), step.Server)
	case CatchUp:
		g.CaughtUp = append(slices.Clone(g.CaughtUp), step.Server)
	case Promote:
		set(step.Server, Voter)
	case Demote:
		set(step.Server, Learner)
		g.CaughtUp = append(slices.Clone(g.CaughtUp), step.Server)
	case Remove:
		set(step.Server, "")
		g.CaughtUp = slices.DeleteFunc(slices.Clone(g.CaughtUp), func(s Server) bool { return s == step.Server })
	case Release:
		g.Holding = slices.DeleteFunc(slices.Clone(g.Holding), func(s Server) bool { return s == step.Server })
	case HandOver:
		for _, r := range g.Servers {
			if r.Role == Voter && r.Server != step.Server && w.live(r.Server) {
				g.Leader = r.Server
				break
			}
		}
	}
	if slices.Contains(before, step.Server) && w.live(step.Server) && len(votersOf(*g)) < min(len(before), defaultVoters) {
		w.broken = cmp.Or(w.broken, fmt.Sprintf("shard %d gives up %v, which is live: %v", g.Shard, step.Server, g.Servers))
	}
	w.elect()
	w.check(*g, m)
	return step.Kind != Hold && step.Kind != Done
}

// check: the group has a majority, and would have one after one death of a node of the
// move, if it has lost nobody else.
func (w *world) check(g Group, m Move) {
	if !quorate(g, w.live) {
		w.broken = cmp.Or(w.broken, fmt.Sprintf("shard %d has no majority: %v", g.Shard, g.Servers))
	}
	if len(votersOf(g)) < 3 || !w.healthy(g, m.Remove) {
		return // two voters survive no death, whatever is done, and three no second one
	}
	for _, dead := range []Server{m.Add, m.Remove} {
		if !w.live(dead) {
			continue
		}
		if !quorate(g, func(s Server) bool { return s != dead && w.live(s) }) {
			w.broken = cmp.Or(w.broken, fmt.Sprintf("shard %d would lose its majority with %v: %v", g.Shard, dead, g.Servers))
		}
	}
}

// healthy: all voters are live but for one that may be dead.
func (w *world) healthy(g Group, but Server) bool {
	return !slices.ContainsFunc(votersOf(g), func(s Server) bool { return s != but && !w.live(s) })
}

func votersOf(g Group) (voters []Server) {
	for _, r := range g.Servers {
		if r.Role == Voter {
			voters = append(voters, r.Server)
		}
	}
	return voters
}

// round plans, carries out one step of each move and tells the control group.
func (w *world) round() (quiet bool) {
	d := Plan(w.placement, w.nodes, w.settings, w.now)
	again := Plan(w.placement, w.nodes, w.settings, w.now)
	if !reflect.DeepEqual(d, again) {
		w.t.Fatalf("not deterministic:\n%v\n%v", d, again)
	}
	w.moves += len(d.New)
	w.placement = d.Placement
	quiet = !d.Changed
	shards := map[ShardID]bool{}
	for _, m := range w.placement.Moves {
		if shards[m.Shard] {
			w.t.Fatalf("two moves of shard %d", m.Shard)
		}
		shards[m.Shard] = true
		stepped := w.step(m)
		var changed bool
		w.placement, changed = w.placement.Observe(*w.groups[m.Shard], w.nodes)
		quiet = quiet && !changed && !stepped
	}
	return quiet
}

// settle goes on until nothing changes any more.
func (w *world) settle() {
	w.t.Helper()
	const limit = 3000
	for range limit {
		if w.round() {
			return
		}
		if w.broken != "" {
			return
		}
	}
	w.t.Fatalf("not at rest after %d rounds: %v", limit, w.placement.Moves)
}

func (w *world) sound() {
	w.t.Helper()
	if w.broken != "" {
		w.t.Fatal(w.broken)
	}
}

// votes counts the voters of each node.
func votes(p Placement) map[string]int {
	count := map[string]int{}
	for _, r := range p.Replicas {
		if r.Role == Voter {
			count[r.Server.Node]++
		}
	}
	return count
}

// spreadOut: no data centre has two more of a shard's voters than another with a node
// to spare has.
func spreadOut(t rapid.TB, w *world) {
	t.Helper()
	for _, s := range w.placement.Shards {
		crowd, free := map[string]int{}, map[string]int{}
		for _, n := range w.nodes {
			switch {
			case slices.Contains(w.placement.Replicas, Replica{s.ID, n.Server(), Voter}):
				crowd[n.DataCentre]++
			case n.takes() && !slices.Contains(w.settings.ReadingCentres, n.DataCentre):
				free[n.DataCentre]++
			}
		}
		for many, a := range crowd {
			for few := range free {
				if a > crowd[few]+1 {
					t.Fatalf("shard %d: %d voters in %s, %d in %s, which has room", s.ID, a, many, crowd[few], few)
				}
			}
		}
	}
}

// evenBy: the most and the least among the nodes differ by one at most.
func evenBy(t rapid.TB, what string, count map[string]int, nodes []Node) {
	t.Helper()
	least, most := 1<<30, 0
	for _, n := range nodes {
		if n.takes() {
			least, most = min(least, count[n.ID]), max(most, count[n.ID])
		}
	}
	if most > least+1 {
		t.Fatalf("%s differ by %d: %v", what, most-least, count)
	}
}

func drawCentres(t *rapid.T) (centres []string) {
	count := rapid.IntRange(1, 5).Draw(t, "centres")
	each := rapid.IntRange(1, 4).Draw(t, "nodes each")
	for i := range max(count*each, 4) {
		centres = append(centres, fmt.Sprintf("dc%d", i%count))
	}
	return centres
}

func TestPlanCompletesWhatHappensToNodes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := newNodes(drawCentres(t)...)
		shards := newShards(rapid.IntRange(1, 12).Draw(t, "shards"))
		settings := Settings{Moves: rapid.IntRange(1, 4).Draw(t, "moves"), MovesPerNode: rapid.IntRange(1, 2).Draw(t, "per node")}
		w := newWorld(t, nodes, shards, settings)
		if !w.round() || w.moves > 0 {
			t.Fatalf("a new cluster is not left alone: %v", w.placement.Moves)
		}
		for range rapid.IntRange(1, 4).Draw(t, "events") {
			w.happen(t)
			for range rapid.IntRange(0, 12).Draw(t, "rounds") {
				w.round()
			}
			w.sound()
		}
		w.now = w.now.Add(time.Hour)
		w.settle()
		w.sound()
		w.bare()
		spreadOut(t, w)
		evenBy(t, "leaders", leads(w.placement), leadable(w))
	})
}

// happen lets one thing happen that leaves every group its majority.
func (w *world) happen(t *rapid.T) {
	id := rapid.SampledFrom(w.nodes).Draw(t, "node").ID
	switch rapid.SampledFrom([]string{"add", "drain", "remove", "die", "back", "wiped"}).Draw(t, "event") {
	case "add":
		added := newNodes("dc0")[0]
		added.ID = fmt.Sprintf("n%02d", len(w.nodes)+1)
		w.nodes = append(slices.Clone(w.nodes), added)
	case "drain":
		w.unlessFatal(id, func(n *Node) {
			if n.State == Active {
				n.State = Draining
			}
		})
	case "remove":
		w.unlessFatal(id, func(n *Node) { n.State = Removed })
	case "die":
		w.unlessFatal(id, func(n *Node) { *n, _ = n.Witness(true, w.now) })
	case "back":
		w.set(id, func(n *Node) { *n, _ = n.Witness(false, w.now) })
	case "wiped":
		w.unlessFatal(id, func(n *Node) {
			n.Incarnation += "a"
			n.Down = false
			if n.State == Lost {
				n.State = Active
			}
		})
	}
}

// unlessFatal undoes what would take a group's majority: no placement can help then.
func (w *world) unlessFatal(id string, edit func(*Node)) {
	before := w.nodes
	w.set(id, edit)
	for _, g := range w.groups {
		if !quorate(*g, w.live) {
			w.nodes = before
			w.elect()
			return
		}
	}
}

// bare: what drains or is gone holds no vote, as far as there are nodes for it.
func (w *world) bare() {
	for _, g := range w.groups {
		room := 0
		for _, n := range w.nodes {
			if n.takes() && !slices.Contains(g.Servers, Replica{g.Shard, n.Server(), Voter}) {
				room++
			}
		}
		for _, s := range votersOf(*g) {
			i := slices.IndexFunc(w.nodes, func(n Node) bool { return n.Server() == s })
			bad := i < 0 || w.nodes[i].State != Active && w.nodes[i].State != Joining
			if bad && room > 0 && w.healthy(*g, s) {
				w.t.Fatalf("shard %d: %v still votes, and there is room: %v", g.Shard, s, w.placement.Moves)
			}
		}
	}
}

func leads(p Placement) map[string]int {
	count := map[string]int{}
	for _, l := range p.Leaders {
		count[l.Node]++
	}
	return count
}

// leadable are the nodes that could lead anything, if that is all shards for each.
func leadable(w *world) (nodes []Node) {
	for _, n := range w.nodes {
		all := true
		for _, s := range w.placement.Shards {
			all = all && slices.Contains(w.placement.Replicas, Replica{s.ID, n.Server(), Voter})
		}
		if all {
			nodes = append(nodes, n)
		}
	}
	return nodes
}
