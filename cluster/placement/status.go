package placement

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Status is all that an operator is shown of a cluster. It marshals to JSON for
// scripts.
type Status struct {
	// At is when it was taken, in cluster time.
	At      time.Time     `json:"at"`
	Version uint64        `json:"placementVersion"`
	Nodes   []NodeStatus  `json:"nodes"`
	Shards  []ShardStatus `json:"shards"`
	Moves   []MoveStatus  `json:"moves"`
	Blocked []Blocked     `json:"blocked"`
	Healthy bool          `json:"healthy"`
}

// NodeStatus is a node with what it holds.
type NodeStatus struct {
	Node
	Up     bool `json:"up"`
	Leads  int  `json:"leads"`
	Votes  int  `json:"votes"`
	Learns int  `json:"learns"`
	Busy   Load `json:"load"`
}

// ShardStatus is a shard with its replicas.
type ShardStatus struct {
	Shard
	// Leader is the node that leads, or "" when nobody does.
	Leader string `json:"leader"`
	// Preferred is the node that should lead.
	Preferred string   `json:"preferred"`
	VoterIDs  []string `json:"voterNodes"`
	Learners  []string `json:"learnerNodes,omitempty"`
	// Alive is how many voters answer.
	Alive int `json:"alive"`
}

// MoveStatus is a move with what it needs now.
type MoveStatus struct {
	Move
	Step Step `json:"step"`
}

// Describe makes the status of a placement. Groups are what the shards' leaders say; a
// shard without one is shown as the placement has it.
func Describe(p Placement, nodes []Node, groups []Group, settings Settings, now time.Time) Status {
	d := Plan(p, nodes, settings, now)
	s := Status{At: now, Version: p.Version, Blocked: d.Blocked, Healthy: len(d.Blocked) == 0}
	byShard := map[ShardID]Group{}
	for _, g := range groups {
		byShard[g.Shard] = g
	}
	leads := map[string]int{}
	for _, shard := range p.Shards {
		g, told := byShard[shard.ID]
		if !told {
			g = Group{Shard: shard.ID, Servers: p.ReplicasOf(shard.ID)}
		}
		described := describeShard(shard, g, p, nodes)
		leads[described.Leader]++
		s.Healthy = s.Healthy && described.Leader != "" && described.Alive == len(described.VoterIDs)
		s.Shards = append(s.Shards, described)
		if m, under := p.MoveOf(shard.ID); under {
			s.Moves = append(s.Moves, MoveStatus{m, m.Next(g, nodes)})
		}
	}
	slices.SortFunc(s.Moves, func(a, b MoveStatus) int { return cmp.Compare(a.ID, b.ID) })
	for _, n := range sortedNodes(nodes) {
		s.Nodes = append(s.Nodes, describeNode(n, p, leads[n.ID]))
	}
	return s
}

func describeNode(n Node, p Placement, leads int) NodeStatus {
	s := NodeStatus{Node: n, Up: !n.Down, Leads: leads, Busy: n.Load}
	for _, r := range p.Holds(n.Server()) {
		if r.Role == Voter {
			s.Votes++
		} else {
			s.Learns++
		}
	}
	return s
}

func describeShard(shard Shard, g Group, p Placement, nodes []Node) ShardStatus {
	v := viewGroup(g, nodes)
	s := ShardStatus{Shard: shard, Leader: g.Leader.Node, Preferred: p.Leader(shard.ID), Alive: v.alive}
	for _, r := range g.Servers {
		name := r.Server.Node
		if !v.live[r.Server] {
			name += "!"
		}
		if r.Role == Voter {
			s.VoterIDs = append(s.VoterIDs, name)
		} else {
			s.Learners = append(s.Learners, name)
		}
	}
	return s
}

// Text renders the status for people, in fixed columns. A node's name with ! does not
// answer; a leader with * is not where it is preferred.
func (s Status) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "placement %d at %s: %s, %s in %s, %s, %s under way\n\n", s.Version, s.At.UTC().Format(time.DateTime),
		s.health(), count(len(s.Nodes), "node"), count(s.centres(), "data centre"), count(len(s.Shards), "shard"), count(len(s.Moves), "move"))
	table(&b, "NODE\tDC\tSTATE\tUP\tLEADS\tVOTES\tLEARNS\tWRITES/S\tREADS/S\tCPU\tFREE\tVERSION", len(s.Nodes), func(i int) string { return s.Nodes[i].row() })
	table(&b, "SHARD\tSLOTS\tLEADER\tVOTERS\tLEARNERS", len(s.Shards), func(i int) string { return s.Shards[i].row() })
	if len(s.Moves) > 0 {
		table(&b, "MOVE\tSHARD\tFROM\tTO\tNOW\tFOR\tWHY", len(s.Moves), func(i int) string { return s.Moves[i].row(s.At) })
	}
	if len(s.Blocked) > 0 {
		table(&b, "BLOCKED\tNODE\tWHY", len(s.Blocked), func(i int) string {
			return fmt.Sprintf("shard %d\t%s\t%s", s.Blocked[i].Shard, orDash(s.Blocked[i].Server.Node), s.Blocked[i].Reason)
		})
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (s Status) health() string {
	if s.Healthy {
		return "healthy"
	}
	return "degraded"
}

func (s Status) centres() int {
	seen := map[string]bool{}
	for _, n := range s.Nodes {
		seen[n.DataCentre] = true
	}
	return len(seen)
}

func (n NodeStatus) row() string {
	free := size(n.Busy.DiskFreeBytes)
	if n.Busy.ReadOnly {
		free += " read-only"
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%d\t%d\t%d\t%.0f\t%.0f\t%.0f%%\t%s\t%s", n.ID, n.DataCentre, n.State, yes(n.Up), n.Leads, n.Votes, n.Learns,
		n.Busy.WritesPerSecond, n.Busy.ReadsPerSecond, 100*n.Busy.CPU, free, orDash(n.Version))
}

func (s ShardStatus) row() string {
	leader := orDash(s.Leader)
	if s.Leader != "" && s.Preferred != "" && s.Leader != s.Preferred {
		leader += "*"
	}
	slots := fmt.Sprintf("%d-%d", s.Low, s.High)
	if s.ID == 0 {
		slots = "control"
	}
	return fmt.Sprintf("%d\t%s\t%s\t%s\t%s", s.ID, slots, leader, orDash(strings.Join(s.VoterIDs, " ")), orDash(strings.Join(s.Learners, " ")))
}

func (m MoveStatus) row(now time.Time) string {
	step := string(m.Step.Kind)
	if m.Step.Server != (Server{}) {
		step += " " + m.Step.Server.Node
	}
	reason := m.Reason
	if m.Abandoned {
		reason += ", given up"
	}
	return fmt.Sprintf("%d\t%d\t%s\t%s\t%s\t%s\t%s", m.ID, m.Shard, orDash(m.Remove.Node), orDash(m.Add.Node), step,
		now.Sub(m.Started).Truncate(time.Second), reason)
}

func table(b *strings.Builder, head string, rows int, row func(int) string) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, head) // a strings.Builder takes everything
	for i := range rows {
		_, _ = fmt.Fprintln(w, row(i))
	}
	_ = w.Flush()
	b.WriteByte('\n')
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func orDash(text string) string { return cmp.Or(text, "-") }

// size renders bytes for people.
func size(bytes uint64) string {
	const unit = 1024
	value, units := float64(bytes), "BKMGTP"
	for len(units) > 1 && value >= unit {
		value, units = value/unit, units[1:]
	}
	return fmt.Sprintf("%.0f%c", value, units[0])
}
