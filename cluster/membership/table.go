package membership

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// maxMembers bounds the nodes that are remembered, dead ones included.
	maxMembers = 1024
	// maxEvents bounds the events that wait for OnEvent.
	maxEvents = 4096
	// roundTripWeight is the weight of the newest measurement, one part in so many.
	roundTripWeight = 4
)

// Liveness is what gossip thinks of a node.
type Liveness string

// How alive a node is.
const (
	Alive  Liveness = "alive"
	Failed Liveness = "failed"
	Gone   Liveness = "left"
)

// Member is a node as this one sees it.
type Member struct {
	Node
	// Address is where it gossips, "ip:port".
	Address  string
	Liveness Liveness
	// Since is when Liveness began here.
	Since time.Time
	// RoundTrip is measured, and smoothed; 0 until it was.
	RoundTrip time.Duration
	// Heard is when the node last answered this one; zero until it did.
	Heard time.Time
}

// EventKind is what happened.
type EventKind string

// The kinds of events.
const (
	// Joined: a node is there, for the first time or again.
	Joined EventKind = "joined"
	// Updated: a node says something else about itself. Another incarnation in Was is an
	// emptied disk.
	Updated EventKind = "updated"
	// Left: a node said goodbye.
	Left EventKind = "left"
	// Lost: a node does not answer, and did not say goodbye.
	Lost EventKind = "lost"
	// Conflict: two processes use one node id, a copied folder for instance, and both answer.
	// Member is who has the id here, Was the other one.
	Conflict EventKind = "conflict"
	// Overrun: events were dropped; take a new snapshot.
	Overrun EventKind = "overrun"
)

// Event is one change.
type Event struct {
	Kind   EventKind
	Member Member
	// Was is the node before an update, and in a conflict the other one.
	Was Node
	// WasAddress is where the other one of a conflict gossips.
	WasAddress string
	// Self: the event is about this node. In a conflict the one that started later must stop.
	Self bool
}

// table is what gossip has said. Its lock is never held while anything else is called.
type table struct {
	mu      sync.Mutex
	self    string
	now     func() time.Time
	members map[string]Member
	plans   map[string]founding
	reports map[string]report
	// conflicts are those that were reported, so that each is told once.
	conflicts map[conflict]bool
	events    []Event
	overrun   bool
	waiting   chan struct{} // has one token when events wait
	changed   chan struct{} // closed and replaced when members or plans change
}

type conflict struct {
	id, address, incarnation string
	started                  int64
}

func newTable(self string, now func() time.Time) *table {
	return &table{
		self: self, now: now, members: map[string]Member{}, plans: map[string]founding{}, reports: map[string]report{},
		conflicts: map[conflict]bool{}, waiting: make(chan struct{}, 1), changed: make(chan struct{}),
	}
}

// heard takes what a live node says about itself.
func (t *table) heard(c card, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old, known := t.members[c.node.ID]
	if !known && len(t.members) >= maxMembers {
		t.forget()
	}
	m := old
	m.Node, m.Address = c.node, address
	if r, ok := t.reports[m.ID]; ok && r.started == m.Started.UnixMilli() {
		m.Load = r.load
	}
	kind := Updated
	if !known || old.Liveness != Alive {
		kind, m.Liveness, m.Since = Joined, Alive, t.now()
	}
	t.members[m.ID], t.plans[m.ID] = m, c.founding
	if kind == Joined || !sameButLoad(old.Node, m.Node) {
		t.emit(Event{Kind: kind, Member: m, Was: old.Node})
	}
	t.wake()
}

func sameButLoad(a, b Node) bool {
	a.Load, b.Load = Load{}, Load{}
	return a == b
}

// parted takes that a node is dead or has left.
func (t *table) parted(id string, said bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m, known := t.members[id]
	if !known || m.Liveness != Alive {
		return
	}
	kind := Lost
	m.Liveness, m.Since = Failed, t.now()
	if said {
		kind, m.Liveness = Left, Gone
	}
	t.members[id] = m
	delete(t.plans, id)
	t.emit(Event{Kind: kind, Member: m})
	t.wake()
}

// clash takes that somebody else uses the id of a node.
func (t *table) clash(other card, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := conflict{other.node.ID, address, other.node.Incarnation, other.node.Started.UnixMilli()}
	if t.conflicts[c] {
		return
	}
	if len(t.conflicts) >= maxMembers {
		clear(t.conflicts) // told twice is better than not at all
	}
	t.conflicts[c] = true
	t.emit(Event{Kind: Conflict, Member: t.members[c.id], Was: other.node, WasAddress: address})
}

// forgive forgets a conflict that was none: one of the two does not answer. Should it
// come up again it is looked at again.
func (t *table) forgive(e Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.conflicts, conflict{e.Was.ID, e.WasAddress, e.Was.Incarnation, e.Was.Started.UnixMilli()})
}

// measured takes an answer of a node.
func (t *table) measured(id string, roundTrip time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m, known := t.members[id]
	if !known {
		return
	}
	if m.RoundTrip == 0 {
		m.RoundTrip = roundTrip
	}
	m.RoundTrip += (roundTrip - m.RoundTrip) / roundTripWeight
	m.Heard = t.now()
	t.members[id] = m
}

// reported takes a node's load and says whether it was news.
func (t *table) reported(r report) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	old, known := t.reports[r.id]
	if known && !r.newer(old) || !known && len(t.reports) >= maxMembers {
		return false
	}
	t.reports[r.id] = r
	if m, ok := t.members[r.id]; ok && m.Started.UnixMilli() == r.started {
		m.Load = r.load
		t.members[r.id] = m
	}
	return true
}

func (t *table) allReports() []report {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Values(t.reports))
}

// snapshot lists the members by id, with a channel that is closed at the next change.
func (t *table) snapshot() ([]Member, map[string]founding, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	members := slices.SortedFunc(maps.Values(t.members), func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	return members, maps.Clone(t.plans), t.changed
}

func (t *table) live() (count int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range t.members {
		if m.Liveness == Alive {
			count++
		}
	}
	return count
}

// forget makes room: the node that has been dead longest is not remembered.
func (t *table) forget() {
	oldest := ""
	for id, m := range t.members {
		if m.Liveness != Alive && (oldest == "" || m.Since.Before(t.members[oldest].Since)) {
			oldest = id
		}
	}
	delete(t.members, oldest)
	delete(t.reports, oldest)
}

func (t *table) wake() {
	close(t.changed)
	t.changed = make(chan struct{})
}

func (t *table) emit(e Event) {
	e.Self = e.Member.ID == t.self
	if len(t.events) >= maxEvents {
		t.overrun = true
		return
	}
	t.events = append(t.events, e)
	select {
	case t.waiting <- struct{}{}:
	default:
	}
}

// take returns the events that wait, in order.
func (t *table) take() []Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	events := t.events
	if t.overrun {
		events = append(events, Event{Kind: Overrun})
	}
	t.events, t.overrun = nil, false
	return events
}
