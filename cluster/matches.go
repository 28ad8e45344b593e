package cluster

import (
	"sync"

	"github.com/hashicorp/raft"
)

// matches is how far each peer has this node's log, as its leader knows it from
// what the peer acknowledged. It is what a nudge may lean on.
type matches struct {
	mu sync.Mutex
	at map[raft.ServerID]match
}

// match: the peer has the log of the leader of a term through an index.
type match struct{ term, index uint64 }

// note takes over what a peer has acknowledged and returns the index that was known
// of it before; 0 when that was of another term.
func (m *matches) note(peer raft.ServerID, term, index uint64) (before uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at == nil {
		m.at = map[raft.ServerID]match{}
	}
	have := m.at[peer]
	if term > have.term || term == have.term && index > have.index {
		m.at[peer] = match{term, index}
	}
	if have.term != term {
		return 0
	}
	return have.index
}

// in returns through which index the peer has the log of the leader of a term; 0
// when nothing of that term is known.
func (m *matches) in(term uint64, peer raft.ServerID) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if have := m.at[peer]; have.term == term {
		return have.index
	}
	return 0
}
