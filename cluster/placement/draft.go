package placement

import (
	"cmp"
	"slices"
	"time"
)

// draft is a placement as it will be when all moves that are under way are done; the
// planner changes it step by step.
type draft struct {
	settings Settings
	now      time.Time
	nodes    []Node // by id
	shards   []Shard
	replicas map[ShardID][]Replica
	// count is how many replicas of each role a server will have; learners of a shard that
	// is everywhere do not count, nobody can choose them.
	count map[Role]map[Server]int
	// settled are the shards that get no further move in this plan.
	settled map[ShardID]bool
}

// change is a move before it has a number.
type change struct {
	shard       ShardID
	add, remove Server
	as          Role
	reason      string
}

// Blocked is something that ought to be done and cannot be now.
type Blocked struct {
	Shard  ShardID `json:"shard"`
	Server Server  `json:"server,omitzero"`
	Reason string  `json:"reason"`
}

func newDraft(shards []Shard, replicas []Replica, nodes []Node, settings Settings, now time.Time) *draft {
	d := &draft{
		settings: settings.withDefaults(), now: now, nodes: sortedNodes(nodes),
		shards:   slices.Clone(shards),
		replicas: map[ShardID][]Replica{},
		count:    map[Role]map[Server]int{Voter: {}, Learner: {}},
		settled:  map[ShardID]bool{},
	}
	slices.SortFunc(d.shards, func(a, b Shard) int { return cmp.Compare(a.ID, b.ID) })
	for _, r := range replicas {
		if s, known := d.shard(r.Shard); known {
			d.set(s, r.Server, r.Role)
		}
	}
	return d
}

func (d *draft) shard(id ShardID) (Shard, bool) {
	i, known := slices.BinarySearchFunc(d.shards, id, func(s Shard, id ShardID) int { return cmp.Compare(s.ID, id) })
	if !known {
		return Shard{}, false
	}
	return d.shards[i], true
}

// set gives a server a role in a shard; the empty role takes its replica away.
func (d *draft) set(s Shard, server Server, role Role) {
	old := d.role(s.ID, server)
	d.replicas[s.ID] = slices.DeleteFunc(d.replicas[s.ID], func(r Replica) bool { return r.Server == server })
	if role != "" {
		d.replicas[s.ID] = append(d.replicas[s.ID], Replica{s.ID, server, role})
		slices.SortFunc(d.replicas[s.ID], compareReplicas)
	}
	d.tally(s, server, old, -1)
	d.tally(s, server, role, 1)
}

func (d *draft) tally(s Shard, server Server, role Role, by int) {
	if role == Voter || role == Learner && !s.Everywhere {
		d.count[role][server] += by
	}
}

func (d *draft) role(shard ShardID, server Server) Role {
	for _, r := range d.replicas[shard] {
		if r.Server == server {
			return r.Role
		}
	}
	return ""
}

// apply makes a change as if it were done already.
func (d *draft) apply(c change) {
	s, known := d.shard(c.shard)
	if !known {
		return
	}
	if c.add != (Server{}) {
		d.set(s, c.add, c.as)
	}
	if c.remove != (Server{}) {
		left := Role("")
		if d.demotes(s, c.remove) && d.role(s.ID, c.remove) == Voter {
			left = Learner
		}
		d.set(s, c.remove, left)
	}
}

// demotes: who leaves the voters of a shard that is everywhere still follows it.
func (d *draft) demotes(s Shard, server Server) bool { return s.Everywhere && !d.gone(server) }

// node returns the node that runs as the server now.
func (d *draft) node(server Server) (Node, bool) {
	i, found := slices.BinarySearchFunc(d.nodes, server.Node, func(n Node, id string) int { return cmp.Compare(n.ID, id) })
	if !found || d.nodes[i].Incarnation != server.Incarnation {
		return Node{}, false
	}
	return d.nodes[i], true
}

// gone: the server never comes back, or has been away for too long. A node that came
// back under another incarnation has left its old replicas behind.
func (d *draft) gone(server Server) bool {
	n, known := d.node(server)
	return !known || n.gone(d.settings.Grace, d.now)
}

func (d *draft) draining(server Server) bool {
	n, known := d.node(server)
	return known && n.State == Draining
}

// dead: the server's vote does not count now.
func (d *draft) dead(server Server) bool {
	n, known := d.node(server)
	return !known || !n.live()
}

func (d *draft) centre(server Server) string {
	n, _ := d.node(server)
	return n.DataCentre
}

func (d *draft) onlyReads(centre string) bool {
	return slices.Contains(d.settings.ReadingCentres, centre)
}

// with lists a shard's servers of one role.
func (d *draft) with(shard ShardID, role Role) (servers []Server) {
	for _, r := range d.replicas[shard] {
		if r.Role == role {
			servers = append(servers, r.Server)
		}
	}
	return servers
}

func (d *draft) wanted(s Shard) int { return cmp.Or(s.Voters, d.settings.Voters) }

// healthy: every voter of the shard answers, but for one that may be dead. A shard that
// lacks another is repaired, and moved for nothing less: a promotion would have to wait
// anyway.
func (d *draft) healthy(shard ShardID, but Server) bool {
	for _, server := range d.with(shard, Voter) {
		if server != but && d.dead(server) {
			return false
		}
	}
	return true
}

// crowd is how many voters of the shard stand in a data centre, one server left out.
func (d *draft) crowd(shard ShardID, centre string, without Server) (voters int) {
	for _, server := range d.with(shard, Voter) {
		if server != without && d.centre(server) == centre {
			voters++
		}
	}
	return voters
}

// mayTake reports whether a node can be given a replica of the shard.
func (d *draft) mayTake(n Node, s Shard, role Role) bool {
	if !n.takes() || d.onlyReads(n.DataCentre) != (role == Learner) {
		return false
	}
	has := d.role(s.ID, n.Server())
	return has == "" || has == Learner && s.Everywhere && role == Voter
}

// target finds the node for a voter of the shard in place of another: where fewest
// voters of the shard stand, then where fewest replicas are for the node's capacity.
func (d *draft) target(s Shard, without Server) (best Node, found bool) {
	for _, n := range d.nodes {
		if !d.mayTake(n, s, Voter) {
			continue
		}
		if !found || cmp.Or(
			cmp.Compare(d.crowd(s.ID, n.DataCentre, without), d.crowd(s.ID, best.DataCentre, without)),
			d.compareFill(n, best, Voter)) < 0 {
			best, found = n, true
		}
	}
	return best, found
}

// learnerTarget finds the node for a learner of the shard in a data centre.
func (d *draft) learnerTarget(s Shard, centre string) (best Node, found bool) {
	for _, n := range d.nodes {
		if n.DataCentre == centre && d.mayTake(n, s, Learner) && (!found || d.compareFill(n, best, Learner) < 0) {
			best, found = n, true
		}
	}
	return best, found
}

// compareFill compares how full two nodes would be with one replica more each.
func (d *draft) compareFill(a, b Node, role Role) int {
	return cmp.Compare((d.count[role][a.Server()]+1)*b.capacity(), (d.count[role][b.Server()]+1)*a.capacity())
}
