package placement

import (
	"cmp"
	"slices"
	"time"
)

// ShardID names a shard; 0 is the control group.
type ShardID uint32

// Shard is a range of slots, both ends included, and the settings of its group.
type Shard struct {
	ID         ShardID `json:"id"`
	Generation uint32  `json:"generation"`
	Low        uint16  `json:"low"`
	High       uint16  `json:"high"`
	// Voters is how many voters the shard shall have; 0 means Settings.Voters.
	Voters int `json:"voters,omitempty"`
	// Everywhere: every node that is no voter follows the shard as a learner. The control
	// group is such a shard.
	Everywhere bool `json:"everywhere,omitempty"`
	// Configured is the log index of the configuration that the replicas were last taken
	// from: an older one, told late, is not believed.
	Configured uint64 `json:"configured,omitempty"`
}

// Role is what a replica does in its group.
type Role string

// The roles of a replica.
const (
	// Voter counts for the majority.
	Voter Role = "voter"
	// Learner follows and does not count.
	Learner Role = "learner"
)

// Replica is one server's copy of a shard.
type Replica struct {
	Shard  ShardID
	Server Server
	Role   Role
}

// Leader is where a shard's leader is preferred: a hint, never a proof.
type Leader struct {
	Shard ShardID `json:"shard"`
	Node  string  `json:"node"`
}

// Placement is which servers hold which shards, as raft's configurations had it
// when the control group was last told, and the moves that are under way.
type Placement struct {
	// Version counts the changes of the record.
	Version  uint64
	Shards   []Shard
	Replicas []Replica // by shard, voters first, then by server
	Leaders  []Leader  // by shard
	Moves    []Move    // by id
	// NextMove is the id that the next move gets.
	NextMove uint64
}

// Shard returns a shard by its id.
func (p Placement) Shard(id ShardID) (Shard, bool) {
	i := slices.IndexFunc(p.Shards, func(s Shard) bool { return s.ID == id })
	if i < 0 {
		return Shard{}, false
	}
	return p.Shards[i], true
}

// ReplicasOf lists the replicas of a shard, voters first.
func (p Placement) ReplicasOf(id ShardID) (found []Replica) {
	for _, r := range p.Replicas {
		if r.Shard == id {
			found = append(found, r)
		}
	}
	return found
}

// Holds lists the replicas that a server has.
func (p Placement) Holds(server Server) (held []Replica) {
	for _, r := range p.Replicas {
		if r.Server == server {
			held = append(held, r)
		}
	}
	return held
}

// Leader returns the node that is preferred as leader of a shard, or "".
func (p Placement) Leader(id ShardID) string {
	i := slices.IndexFunc(p.Leaders, func(l Leader) bool { return l.Shard == id })
	if i < 0 {
		return ""
	}
	return p.Leaders[i].Node
}

// MoveOf returns the move of a shard that is under way.
func (p Placement) MoveOf(id ShardID) (Move, bool) {
	i := slices.IndexFunc(p.Moves, func(m Move) bool { return m.Shard == id })
	if i < 0 {
		return Move{}, false
	}
	return p.Moves[i], true
}

func (p Placement) clone() Placement {
	p.Shards = slices.Clone(p.Shards)
	p.Replicas = slices.Clone(p.Replicas)
	p.Leaders = slices.Clone(p.Leaders)
	p.Moves = slices.Clone(p.Moves)
	return p
}

func compareReplicas(a, b Replica) int {
	return cmp.Or(cmp.Compare(a.Shard, b.Shard), -cmp.Compare(a.Role, b.Role), a.Server.compare(b.Server))
}

// Settings is what an operator may say about placement. The zero value of a member
// is a sensible default.
type Settings struct {
	// Voters of a shard that does not say; 0 means 3.
	Voters int `json:"voters,omitempty"`
	// ReadingCentres are data centres that only read: they get learners and no voters.
	ReadingCentres []string `json:"readingCentres,omitempty"`
	// LearnersPerCentre of each shard in each of them; 0 means 1.
	LearnersPerCentre int `json:"learnersPerCentre,omitempty"`
	// Moves is how many may be under way at once; 0 means 2.
	Moves int `json:"moves,omitempty"`
	// MovesPerNode is how many of them may bring a shard to one node; 0 means 1.
	MovesPerNode int `json:"movesPerNode,omitempty"`
	// Grace is how long a lost node keeps its place; 0 means ten minutes.
	Grace time.Duration `json:"grace,omitempty"`
	// Origins says where each shard's writes came from lately: any unit, as long as it is
	// the same for all data centres of a shard. It is measured and not stored.
	Origins map[ShardID]map[string]float64 `json:"-"`
}

const (
	defaultVoters       = 3
	defaultMoves        = 2
	defaultMovesPerNode = 1
	defaultGrace        = 10 * time.Minute
)

func (s Settings) withDefaults() Settings {
	s.Voters = cmp.Or(s.Voters, defaultVoters)
	s.LearnersPerCentre = cmp.Or(s.LearnersPerCentre, 1)
	s.Moves = cmp.Or(s.Moves, defaultMoves)
	s.MovesPerNode = cmp.Or(s.MovesPerNode, defaultMovesPerNode)
	s.Grace = cmp.Or(s.Grace, defaultGrace)
	return s
}
