package placement

import "slices"

const (
	// nearMargin is the share of a shard's writes that a data centre may have less of than
	// the best and still count as near. Leaders are evenly spread among near voters.
	nearMargin = 0.25
	// stayMargin is for the data centre where the leader is: shares that go up and down
	// around one border must not make it wander.
	stayMargin = 0.4
)

// leaders says where each shard's leader is preferred. It begins with who is preferred
// now and shifts as few as it must.
func (d *draft) leaders(p Placement) []Leader {
	near := make([][]int, len(d.shards))
	chosen := make([]int, len(d.shards))
	led := make([]int, len(d.nodes))
	for i, s := range d.shards {
		near[i] = d.nearVoters(p, s.ID)
		chosen[i] = slices.IndexFunc(d.nodes, func(n Node) bool { return n.ID == p.Leader(s.ID) })
		if !slices.Contains(near[i], chosen[i]) {
			chosen[i] = leastLed(near[i], led)
		}
		if chosen[i] >= 0 {
			led[chosen[i]]++
		}
	}
	for d.shiftLeader(near, chosen, led) {
	}
	var leaders []Leader
	for i, s := range d.shards {
		if chosen[i] >= 0 {
			leaders = append(leaders, Leader{s.ID, d.nodes[chosen[i]].ID})
		}
	}
	return leaders
}

func leastLed(among, led []int) int {
	if len(among) == 0 {
		return -1
	}
	return slices.MinFunc(among, func(a, b int) int { return led[a] - led[b] })
}

// nearVoters lists the nodes that may lead the shard and stand near its writers.
func (d *draft) nearVoters(p Placement, shard ShardID) (near []int) {
	leaving := Server{}
	if m, under := p.MoveOf(shard); under && !m.Abandoned {
		leaving = m.Remove
	}
	may := map[int]float64{}
	best := 0.0
	for i, n := range d.nodes {
		if n.takes() && n.Server() != leaving && slices.Contains(p.Replicas, Replica{shard, n.Server(), Voter}) {
			may[i] = d.writesFrom(shard, n.DataCentre)
			best = max(best, may[i])
		}
	}
	for i, n := range d.nodes {
		margin := nearMargin
		if n.ID == p.Leader(shard) {
			margin = stayMargin
		}
		if share, ok := may[i]; ok && best-share < margin {
			near = append(near, i)
		}
	}
	return near
}

// writesFrom is the share of a shard's writes that came from a data centre, 0 to 1.
func (d *draft) writesFrom(shard ShardID, centre string) float64 {
	var sum float64
	for _, writes := range d.settings.Origins[shard] {
		sum += writes
	}
	if sum <= 0 {
		return 0
	}
	return d.settings.Origins[shard][centre] / sum
}

// shiftLeader shifts leaders along the shortest way from a node that leads at least
// two more than another. Without such a way no other choice is more even.
func (d *draft) shiftLeader(near [][]int, chosen, led []int) bool {
	order := make([]int, len(led))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return led[b] - led[a] })
	for _, from := range order {
		if way, to := shorterLed(from, near, chosen, led); way != nil {
			led[from]--
			led[to]++
			for at := to; at != from; {
				shard := way[at]
				at, chosen[shard] = chosen[shard], at
			}
			return true
		}
	}
	return false
}

// shorterLed returns, for each node on the way, the shard that comes to it.
func shorterLed(from int, near [][]int, chosen, led []int) (way map[int]int, to int) {
	way = map[int]int{}
	for queue := []int{from}; len(queue) > 0; queue = queue[1:] {
		for shard, leader := range chosen {
			if leader != queue[0] {
				continue
			}
			for _, next := range near[shard] {
				if _, seen := way[next]; seen || next == from {
					continue
				}
				way[next] = shard
				if led[next]+2 <= led[from] {
					return way, next
				}
				queue = append(queue, next)
			}
		}
	}
	return nil, 0
}

// HandOver returns to whom the leader of the group should hand leadership now, if
// anybody: the preferred node, when it is another live voter.
func (p Placement) HandOver(g Group, nodes []Node) (Server, bool) {
	v := viewGroup(g, nodes)
	for _, r := range g.Servers {
		if r.Server.Node == p.Leader(g.Shard) && r.Role == Voter && v.live[r.Server] {
			return r.Server, r.Server != g.Leader
		}
	}
	return Server{}, false
}
