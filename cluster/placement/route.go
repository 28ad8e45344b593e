package placement

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Route says where a slot is held and how a call that arrives at a node gets there. It
// marshals to JSON for scripts.
type Route struct {
	Slot  uint16  `json:"slot"`
	Shard ShardID `json:"shard"`
	Low   uint16  `json:"low"`
	High  uint16  `json:"high"`
	// Leader is the node that leads, or "" when nobody does.
	Leader string `json:"leader"`
	// From is the node at which the call arrives.
	From     string     `json:"from"`
	Replicas []Standing `json:"replicas"` // by data centre
	// Linearizable, Bounded and Write say the hops of the two kinds of reads and of a write.
	Linearizable string `json:"linearizable"`
	Bounded      string `json:"bounded"`
	Write        string `json:"write"`
}

// Standing is a replica with where it stands.
type Standing struct {
	Node       string `json:"node"`
	DataCentre string `json:"dataCentre"`
	Role       Role   `json:"role"`
	Up         bool   `json:"up"`
}

// Explain returns the route of a slot from a node; not ok means that no shard of the
// placement holds the slot.
func Explain(p Placement, nodes []Node, groups []Group, slot uint16, from string) (_ Route, ok bool) {
	i := slices.IndexFunc(p.Shards, func(s Shard) bool { return s.Low <= slot && slot <= s.High })
	if i < 0 {
		return Route{}, false
	}
	shard := p.Shards[i]
	g := Group{Shard: shard.ID, Servers: p.ReplicasOf(shard.ID)}
	if told := slices.IndexFunc(groups, func(g Group) bool { return g.Shard == shard.ID }); told >= 0 {
		g = groups[told]
	}
	r := Route{Slot: slot, Shard: shard.ID, Low: shard.Low, High: shard.High, Leader: g.Leader.Node, From: from}
	for _, replica := range g.Servers {
		at := slices.IndexFunc(nodes, func(n Node) bool { return n.Server() == replica.Server })
		standing := Standing{Node: replica.Server.Node, Role: replica.Role}
		if at >= 0 {
			standing.DataCentre, standing.Up = nodes[at].DataCentre, nodes[at].live()
		}
		r.Replicas = append(r.Replicas, standing)
	}
	slices.SortStableFunc(r.Replicas, func(a, b Standing) int {
		return cmp.Or(cmp.Compare(a.DataCentre, b.DataCentre), cmp.Compare(a.Node, b.Node))
	})
	r.hops(centreOf(nodes, from))
	return r, true
}

func centreOf(nodes []Node, id string) string {
	i := slices.IndexFunc(nodes, func(n Node) bool { return n.ID == id })
	if i < 0 {
		return ""
	}
	return nodes[i].DataCentre
}

// hops follows the rules of reads and writes: a leader asks a majority for its term, a
// follower asks the leader for V, and what is nowhere near is forwarded once.
func (r *Route) hops(centre string) {
	leader, led := r.standing(r.Leader)
	nearest, held := r.nearest(centre)
	switch {
	case !led:
		r.Linearizable, r.Write = "refused: no leader", "refused: no leader"
	case r.Leader == r.From:
		r.Linearizable = "here, when a majority has said its term"
		r.Write = "here, when a majority has it on disk"
	default:
		r.Linearizable = "at " + nearest.name() + ", when the leader " + leader.name() + " has said V"
		if nearest.Node == r.Leader {
			r.Linearizable = "forwarded to the leader " + leader.name()
		}
		r.Write = "forwarded to the leader " + leader.name()
	}
	switch {
	case !held:
		r.Bounded = "refused: no replica answers"
	case nearest.Node == r.From:
		r.Bounded = "here"
	default:
		r.Bounded = "forwarded to " + nearest.name()
	}
}

func (r *Route) standing(node string) (Standing, bool) {
	i := slices.IndexFunc(r.Replicas, func(s Standing) bool { return s.Node == node && s.Up })
	if i < 0 {
		return Standing{}, false
	}
	return r.Replicas[i], true
}

// nearest is the node itself, or a replica in its data centre, or the leader, or any.
// Routing goes by measured round trips; without them this is the best that can be said.
func (r *Route) nearest(centre string) (best Standing, found bool) {
	rank := func(s Standing) int {
		switch {
		case s.Node == r.From:
			return 0
		case s.DataCentre == centre:
			return 1
		case s.Node == r.Leader:
			return 2
		}
		return 3
	}
	for _, s := range r.Replicas {
		if s.Up && (!found || rank(s) < rank(best)) {
			best, found = s, true
		}
	}
	return best, found
}

func (s Standing) name() string { return fmt.Sprintf("%s (%s)", s.Node, s.DataCentre) }

// Text renders the route for people.
func (r Route) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "slot %d, shard %d (slots %d-%d), leader %s\n\n", r.Slot, r.Shard, r.Low, r.High, orDash(r.Leader))
	table(&b, "DC\tNODE\tROLE\tUP", len(r.Replicas), func(i int) string {
		s := r.Replicas[i]
		return fmt.Sprintf("%s\t%s\t%s\t%s", orDash(s.DataCentre), s.Node, s.Role, yes(s.Up))
	})
	table(&b, "FROM "+orDash(r.From)+"\tHOPS", 3, func(i int) string {
		return [...]string{"linearizable read\t" + r.Linearizable, "bounded read\t" + r.Bounded, "write\t" + r.Write}[i]
	})
	return strings.TrimSuffix(b.String(), "\n")
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
