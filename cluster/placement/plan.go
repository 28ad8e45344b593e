package placement

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrNoNodes: no node can hold a voter.
var ErrNoNodes = errors.New("placement: no node can take a shard")

// Decision is what Plan found.
type Decision struct {
	// Placement is the one that was given, with the moves and the preferred leaders that it
	// gets now; store it if Changed.
	Placement Placement
	// New are the moves that were added.
	New []Move
	// Blocked is what ought to be done and cannot be.
	Blocked []Blocked
	// Changed: Placement differs from what was given.
	Changed bool
}

// Initial places shards on nodes that hold nothing yet. Plan has no moves for what it
// returns.
func Initial(nodes []Node, shards []Shard, settings Settings) (Placement, error) {
	d := newDraft(shards, nil, nodes, settings, time.Time{})
	for c, ok := d.next(); ok; c, ok = d.next() {
		d.apply(c)
	}
	p := Placement{Version: 1, Shards: d.shards, NextMove: 1}
	for _, s := range d.shards {
		if len(d.with(s.ID, Voter)) == 0 {
			return Placement{}, fmt.Errorf("%w: shard %d", ErrNoNodes, s.ID)
		}
		p.Replicas = append(p.Replicas, d.replicas[s.ID]...)
	}
	p.Leaders = d.leaders(p)
	return p, nil
}

// Plan says which moves come next and where leaders are preferred. It adds moves until
// as many are under way as the settings allow; call it again when one is done or a node
// changed. What matters more comes first: a dead voter, a missing one, a node that
// drains, learners, spread over data centres, balance.
func Plan(p Placement, nodes []Node, settings Settings, now time.Time) Decision {
	d := newDraft(p.Shards, p.Replicas, nodes, settings, now)
	next := p.clone()
	changed := d.abandon(next.Moves)
	incoming := map[string]int{}
	for _, m := range next.Moves {
		incoming[m.Add.Node]++
		d.settled[m.Shard] = true
		if !m.Abandoned {
			d.apply(change{shard: m.Shard, add: m.Add, remove: m.Remove, as: m.As})
		}
	}
	decision := Decision{}
	for len(next.Moves) < d.settings.Moves {
		c, ok := d.next()
		if !ok {
			break
		}
		d.settled[c.shard] = true
		if c.add != (Server{}) && incoming[c.add.Node] >= d.settings.MovesPerNode {
			continue // it shall have just this node, and waits for it
		}
		move := d.move(c, next.NextMove)
		d.apply(c)
		incoming[c.add.Node]++
		next.NextMove++
		next.Moves = append(next.Moves, move)
		decision.New = append(decision.New, move)
	}
	next.Leaders = d.leaders(next)
	decision.Changed = changed || len(decision.New) > 0 || !slices.Equal(next.Leaders, p.Leaders)
	if decision.Changed {
		next.Version++
	}
	decision.Placement, decision.Blocked = next, d.unmet()
	return decision
}

func (d *draft) move(c change, id uint64) Move {
	s, _ := d.shard(c.shard) // changes are of shards that there are
	return Move{
		ID: id, Shard: c.shard, Add: c.add, As: c.as, Remove: c.remove, Reason: c.reason, Started: d.now,
		Demote: c.remove != (Server{}) && d.role(s.ID, c.remove) == Voter && d.demotes(s, c.remove),
		Keep:   d.role(s.ID, c.add) == Learner,
	}
}

// abandon gives up moves that stand in the way of a repair: with a voter of the shard
// gone for good, another's replacement may never be safe.
func (d *draft) abandon(moves []Move) (changed bool) {
	for i := range moves {
		m := &moves[i]
		if m.Abandoned || m.Add == (Server{}) || d.role(m.Shard, m.Add) == m.As {
			continue
		}
		stuck := slices.ContainsFunc(d.with(m.Shard, Voter), func(s Server) bool {
			return s != m.Remove && (d.gone(s) || d.draining(s) && d.dead(s))
		})
		if stuck && d.role(m.Shard, m.Remove) == Voter && !d.gone(m.Remove) || !d.mayStillTake(m.Add) {
			m.Abandoned, changed = true, true
		}
	}
	return changed
}

func (d *draft) mayStillTake(server Server) bool {
	n, known := d.node(server)
	return known && (n.State == Active || n.State == Joining || n.State == Lost && !d.gone(server))
}

// next finds the change that matters most.
func (d *draft) next() (change, bool) {
	for _, find := range []func() (change, bool){
		d.replaceDead, d.addVoter, d.replaceDraining, d.dropVoter, d.tendLearners, d.spread,
		func() (change, bool) { return d.level(Voter) },
		func() (change, bool) { return d.level(Learner) },
	} {
		if c, ok := find(); ok {
			return c, true
		}
	}
	return change{}, false
}

// open lists the shards that may get a move.
func (d *draft) open() (shards []Shard) {
	for _, s := range d.shards {
		if !d.settled[s.ID] {
			shards = append(shards, s)
		}
	}
	return shards
}

func (d *draft) replaceDead() (change, bool) {
	return d.replaceVoter(d.gone, func(server Server) string { return server.Node + " is lost" })
}

// replaceDraining also clears data centres that have come to only read.
func (d *draft) replaceDraining() (change, bool) {
	leaves := func(server Server) bool { return d.draining(server) || d.onlyReads(d.centre(server)) }
	return d.replaceVoter(leaves, func(server Server) string {
		if d.draining(server) {
			return "draining " + server.Node
		}
		return d.centre(server) + " only reads"
	})
}

// replaceVoter finds a voter that must go, and the node that gets its place. A shard
// that has voters to spare only loses it.
func (d *draft) replaceVoter(must func(Server) bool, reason func(Server) string) (change, bool) {
	for _, s := range d.open() {
		voters := d.with(s.ID, Voter)
		for _, server := range voters {
			if !must(server) {
				continue
			}
			c := change{shard: s.ID, remove: server, reason: reason(server)}
			if len(voters) > d.wanted(s) {
				return c, true
			}
			if !d.gone(server) && !d.healthy(s.ID, server) {
				continue
			}
			if n, found := d.target(s, server); found {
				c.add, c.as = n.Server(), Voter
				return c, true
			}
		}
	}
	return change{}, false
}

func (d *draft) addVoter() (change, bool) {
	for _, s := range d.open() {
		if len(d.with(s.ID, Voter)) >= d.wanted(s) || !d.healthy(s.ID, Server{}) {
			continue
		}
		if n, found := d.target(s, Server{}); found {
			return change{shard: s.ID, add: n.Server(), as: Voter, reason: "too few voters"}, true
		}
	}
	return change{}, false
}

// dropVoter takes a voter too many from the data centre that has most, there from the
// fullest node.
func (d *draft) dropVoter() (change, bool) {
	for _, s := range d.open() {
		voters := d.with(s.ID, Voter)
		if len(voters) <= d.wanted(s) {
			continue
		}
		worst := slices.MaxFunc(voters, func(a, b Server) int {
			byCrowd := d.crowd(s.ID, d.centre(a), Server{}) - d.crowd(s.ID, d.centre(b), Server{})
			if byCrowd != 0 {
				return byCrowd
			}
			na, _ := d.node(a)
			nb, _ := d.node(b)
			return d.compareFill(na, nb, Voter)
		})
		return change{shard: s.ID, remove: worst, reason: "too many voters"}, true
	}
	return change{}, false
}

// unmet says what is wanted of the shards and cannot be had from these nodes.
func (d *draft) unmet() (blocked []Blocked) {
	for _, s := range d.shards {
		voters := d.with(s.ID, Voter)
		if len(voters) < d.wanted(s) {
			blocked = append(blocked, Blocked{Shard: s.ID, Reason: fmt.Sprintf("%d of %d voters", len(voters), d.wanted(s))})
		}
		for _, server := range voters {
			_, free := d.target(s, server)
			switch {
			case d.gone(server) && !free:
				blocked = append(blocked, Blocked{s.ID, server, "lost, and no node can take its place"})
			case d.draining(server) && !free:
				blocked = append(blocked, Blocked{s.ID, server, "draining, and no node can take its place"})
			case d.draining(server) && !d.healthy(s.ID, server):
				blocked = append(blocked, Blocked{s.ID, server, "draining, and waits until the shard's voters all answer"})
			}
		}
	}
	return blocked
}
