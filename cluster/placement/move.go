package placement

import (
	"slices"
	"time"
)

// Move is one change of a shard's replicas that is under way: a replica added, one
// taken away, or the first in place of the second. It says what shall be; how far it
// has come is read from raft's configuration.
type Move struct {
	ID    uint64  `json:"id"`
	Shard ShardID `json:"shard"`
	// Add is the server that gets a replica, or no server.
	Add Server `json:"add,omitzero"`
	// As is the role that Add ends with.
	As Role `json:"as,omitempty"`
	// Remove is the server that gives its replica up, or no server.
	Remove Server `json:"remove,omitzero"`
	// Demote: Remove stays as a learner.
	Demote bool `json:"demote,omitempty"`
	// Keep: Add followed the shard before the move, and does so still if it is abandoned.
	Keep bool `json:"keep,omitempty"`
	// Reason is shown to operators.
	Reason string `json:"reason"`
	// Abandoned: what was added is taken away again, unless it has arrived.
	Abandoned bool `json:"abandoned,omitempty"`
	// Started is when the move was planned, in cluster time.
	Started time.Time `json:"started"`
}

// Group is what is known of a shard's raft group, as its leader has it.
type Group struct {
	Shard ShardID
	// Index is the log index of the configuration that Servers is.
	Index   uint64
	Servers []Replica
	Leader  Server
	// CaughtUp are the learners that have nearly everything: a promotion of one of them
	// does not make writes wait.
	CaughtUp []Server
	// Holding are the servers, in the group or not, that say they still have data of it.
	Holding []Server
}

// StepKind is what a step does.
type StepKind string

// The steps of a move. Each may be carried out twice.
const (
	// AddLearner: have the server erase what it may still hold of an earlier stay and open
	// an empty replica, then add it to the group as a learner.
	AddLearner StepKind = "add learner"
	// CatchUp: wait until the learner has nearly everything.
	CatchUp StepKind = "catch up"
	// Promote: make the learner a voter.
	Promote StepKind = "promote"
	// HandOver: the leader is about to leave; another voter must lead first.
	HandOver StepKind = "hand over"
	// Demote: make the voter a learner.
	Demote StepKind = "demote"
	// Remove: take the server out of the group.
	Remove StepKind = "remove"
	// Release: wait until the server has erased its copy.
	Release StepKind = "release"
	// Hold: a step now could cost the shard its majority, or the new server is away; wait
	// for nodes to come back.
	Hold StepKind = "hold"
	// Done: nothing is left to do; the move may be forgotten.
	Done StepKind = "done"
)

// Step is what a move needs now.
type Step struct {
	Kind StepKind `json:"kind"`
	// Server is whom it is done to.
	Server Server `json:"server,omitzero"`
}

// Next returns the step that the move needs now. It depends on the group and the
// nodes alone, so it may be asked again at any time, by anybody.
//
// A dead voter is removed before its successor is promoted, and a live one after:
// with voters a, b and the dead c, promoting d makes a majority of three out of a, b
// and d, and the death of d would lose it; without c first, it would not.
func (m Move) Next(g Group, nodes []Node) Step {
	v := viewGroup(g, nodes)
	switch {
	case m.Add == Server{}:
		return m.retire(v)
	case v.role(m.Add) == m.As:
		return m.arrived(v)
	case m.Abandoned:
		return m.undo(v)
	case !v.live[m.Add]:
		return Step{Hold, m.Add} // a restart must not cost what was copied; Plan gives up in time
	default:
		return m.advance(v)
	}
}

// advance brings the new replica on its way.
func (m Move) advance(v groupView) Step {
	switch {
	case v.role(m.Add) == "":
		return Step{AddLearner, m.Add}
	case !v.caughtUp(m.Add):
		return Step{CatchUp, m.Add}
	case v.role(m.Remove) == Voter && !v.live[m.Remove]:
		return m.retire(v)
	case !v.survivesPromotion():
		return Step{Hold, m.Add}
	default:
		return Step{Promote, m.Add}
	}
}

// arrived goes on with the old replica, unless the new server died while the old one
// is there: then the new one goes again.
func (m Move) arrived(v groupView) Step {
	switch {
	case m.As == Voter && !v.live[m.Add] && v.role(m.Remove) == Voter && v.live[m.Remove]:
		return v.leave(m.Add, Remove)
	case m.As == Learner && v.live[m.Add] && !v.caughtUp(m.Add):
		return Step{CatchUp, m.Add}
	default:
		return m.retire(v)
	}
}

// undo takes away what the move added and nobody counts on yet.
func (m Move) undo(v groupView) Step {
	if v.role(m.Add) == Learner && !m.Keep {
		return v.leave(m.Add, Remove)
	}
	return m.end(v, m.Add)
}

// retire takes the old replica away, or makes it a learner.
func (m Move) retire(v groupView) Step {
	if v.role(m.Remove) == "" {
		return m.end(v, m.Remove)
	}
	if m.Demote {
		if v.role(m.Remove) == Learner {
			return Step{Kind: Done}
		}
		return v.leave(m.Remove, Demote)
	}
	return v.leave(m.Remove, Remove)
}

// end waits until a live server has erased what it has no right to hold any more.
func (m Move) end(v groupView, left Server) Step {
	if v.role(left) == "" && v.live[left] && slices.Contains(v.group.Holding, left) {
		return Step{Release, left}
	}
	return Step{Kind: Done}
}

// groupView is a group with what the nodes say about its servers.
type groupView struct {
	group         Group
	live          map[Server]bool
	voters, alive int
}

func viewGroup(g Group, nodes []Node) groupView {
	v := groupView{group: g, live: map[Server]bool{}}
	for _, n := range nodes {
		v.live[n.Server()] = n.live()
	}
	for _, r := range g.Servers {
		if r.Role == Voter {
			v.voters++
			if v.live[r.Server] {
				v.alive++
			}
		}
	}
	return v
}

func (v groupView) role(s Server) Role {
	for _, r := range v.group.Servers {
		if r.Server == s {
			return r.Role
		}
	}
	return ""
}

func (v groupView) caughtUp(s Server) bool { return slices.Contains(v.group.CaughtUp, s) }

func majority(voters int) int { return voters/2 + 1 }

// survivesPromotion: one more voter, and then the death of a node of the move, leave
// a majority. A lone voter can only grow by taking the risk.
func (v groupView) survivesPromotion() bool {
	return v.alive >= majority(v.voters+1) || v.voters == 1 && v.alive == 1
}

// leave is a step that takes a vote away, if that may be done now.
func (v groupView) leave(s Server, kind StepKind) Step {
	if v.role(s) == Voter && !v.survivesLeaving(s) {
		return Step{Hold, s}
	}
	if v.group.Leader == s {
		return Step{HandOver, s}
	}
	return Step{kind, s}
}

// survivesLeaving: the voters that stay have a live majority, now to agree to the
// change and afterwards without the one that left.
func (v groupView) survivesLeaving(s Server) bool {
	stay := v.alive
	if v.live[s] {
		stay--
	}
	return v.voters > 1 && v.alive >= majority(v.voters) && stay >= majority(v.voters-1)
}

// Observe returns the placement with what a group's leader says about it: raft's
// configuration is the truth, and a move that is done is forgotten. What is older than
// is known changes nothing.
func (p Placement) Observe(g Group, nodes []Node) (_ Placement, changed bool) {
	i := slices.IndexFunc(p.Shards, func(s Shard) bool { return s.ID == g.Shard })
	if i < 0 || g.Index < p.Shards[i].Configured {
		return p, false
	}
	next := p.clone()
	next.Shards[i].Configured = g.Index
	next.Replicas = slices.DeleteFunc(next.Replicas, func(r Replica) bool { return r.Shard == g.Shard })
	for _, r := range g.Servers {
		next.Replicas = append(next.Replicas, Replica{g.Shard, r.Server, r.Role})
	}
	slices.SortFunc(next.Replicas, compareReplicas)
	next.Moves = slices.DeleteFunc(next.Moves, func(m Move) bool {
		return m.Shard == g.Shard && m.Next(g, nodes).Kind == Done
	})
	if slices.Equal(next.Replicas, p.Replicas) && len(next.Moves) == len(p.Moves) {
		return p, false // a later index of the same servers is not worth a write
	}
	next.Version++
	return next, true
}
