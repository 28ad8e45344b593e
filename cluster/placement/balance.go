package placement

import "slices"

// spread moves a voter out of a data centre that has two more of its shard than
// another could have.
func (d *draft) spread() (change, bool) {
	for _, s := range d.open() {
		if !d.healthy(s.ID, Server{}) {
			continue
		}
		for _, server := range d.with(s.ID, Voter) {
			n, found := d.target(s, server)
			if found && d.crowd(s.ID, n.DataCentre, server) < d.crowd(s.ID, d.centre(server), server) {
				return change{shard: s.ID, add: n.Server(), as: Voter, remove: server, reason: "spread over data centres"}, true
			}
		}
	}
	return change{}, false
}

// hop is a replica of a shard that could stand on another node without standing worse.
type hop struct {
	shard ShardID
	to    int // index of the node
}

// level finds the next hop by which the fullest node gives to an emptier one, maybe
// through others: of nodes with 3, 2 and 1 replicas the first may have no shard that
// the last could take. The last hop of the shortest such way comes first; each
// shortens the way that is left, so it comes to an end.
func (d *draft) level(role Role) (change, bool) {
	hops := d.hops(role)
	order := make([]int, len(d.nodes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return -d.compareHeld(d.nodes[a], d.nodes[b], role) })
	for _, from := range order {
		if c, ok := d.relieve(from, hops, role); ok {
			return c, true
		}
	}
	return change{}, false
}

// relieve looks for the shortest way from a node to one that is emptier by enough.
func (d *draft) relieve(from int, hops [][]hop, role Role) (change, bool) {
	seen := make([]bool, len(d.nodes))
	seen[from] = true
	for queue := []int{from}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for _, h := range hops[at] {
			if seen[h.to] {
				continue
			}
			if d.isEmptier(d.nodes[h.to], d.nodes[from], role) {
				return change{
					shard: h.shard, add: d.nodes[h.to].Server(), as: role,
					remove: d.nodes[at].Server(), reason: "balance",
				}, true
			}
			seen[h.to] = true
			queue = append(queue, h.to)
		}
	}
	return change{}, false
}

// isEmptier: even with one replica more a is less full than b is now.
func (d *draft) isEmptier(a, b Node, role Role) bool {
	return (d.count[role][a.Server()]+1)*b.capacity() < d.count[role][b.Server()]*a.capacity()
}

// compareHeld compares how full two nodes are.
func (d *draft) compareHeld(a, b Node, role Role) int {
	return d.count[role][a.Server()]*b.capacity() - d.count[role][b.Server()]*a.capacity()
}

// hops lists, by node, what could be moved from it.
func (d *draft) hops(role Role) [][]hop {
	hops := make([][]hop, len(d.nodes))
	for _, s := range d.open() {
		if !d.healthy(s.ID, Server{}) || role == Learner && s.Everywhere {
			continue
		}
		for from, n := range d.nodes {
			if d.role(s.ID, n.Server()) != role {
				continue
			}
			for to, m := range d.nodes {
				if d.mayTake(m, s, role) && d.standsAsWell(s, n, m, role) {
					hops[from] = append(hops[from], hop{s.ID, to})
				}
			}
		}
	}
	return hops
}

// standsAsWell: the shard is spread as well with m as with n.
func (d *draft) standsAsWell(s Shard, n, m Node, role Role) bool {
	if role == Learner {
		return n.DataCentre == m.DataCentre
	}
	return d.crowd(s.ID, m.DataCentre, n.Server()) <= d.crowd(s.ID, n.DataCentre, n.Server())
}
