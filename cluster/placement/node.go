package placement

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// State says what may be done with a node. It is the operator's word, or the
// control group's, and it is stored; whether the node answers now is Node.Down.
type State string

// The states of a node.
const (
	// Joining: known, and not yet ready to be given shards.
	Joining State = "joining"
	// Active: may hold shards and lead them.
	Active State = "active"
	// Draining: keeps what it holds until others have it, and leads nothing.
	Draining State = "draining"
	// Lost: was not heard from. It keeps its place for Settings.Grace since Node.Since.
	Lost State = "lost"
	// Removed: never comes back under its incarnation; what it held is replaced at once.
	Removed State = "removed"
)

// Addresses is where a node is reached, each "host:port".
type Addresses struct {
	HTTP   string `json:"http,omitempty"`
	GRPC   string `json:"grpc,omitempty"`
	Peer   string `json:"peer,omitempty"`
	Gossip string `json:"gossip,omitempty"`
}

// Load is how busy a node said it is when it was last heard.
type Load struct {
	WritesPerSecond float64 `json:"writesPerSecond,omitempty"`
	ReadsPerSecond  float64 `json:"readsPerSecond,omitempty"`
	// CPU is the share of the node's cores in use, 0 to 1.
	CPU           float64 `json:"cpu,omitempty"`
	DiskUsedBytes uint64  `json:"diskUsedBytes,omitempty"`
	DiskFreeBytes uint64  `json:"diskFreeBytes,omitempty"`
	// ReadOnly: the disk is full or failing. The node is given nothing and leads nothing.
	ReadOnly bool `json:"readOnly,omitempty"`
}

// Node is one process as the control group knows it.
type Node struct {
	ID          string    `json:"id"`
	Incarnation string    `json:"incarnation"`
	DataCentre  string    `json:"dataCentre"`
	Addresses   Addresses `json:"addresses"`
	State       State     `json:"state"`
	// Since is when State began, in cluster time.
	Since time.Time `json:"since"`
	// Capacity is the node's share of shards relative to others; 0 counts as 1.
	Capacity int `json:"capacity,omitempty"`
	// Version is the build that the node runs.
	Version string `json:"version,omitempty"`
	// Load is gossip's; it is not stored.
	Load Load `json:"-"`
	// Down: the node does not answer now. It is gossip's word and is not stored.
	Down bool `json:"-"`
}

// Server returns the node's name in raft's groups.
func (n Node) Server() Server { return Server{n.ID, n.Incarnation} }

func (n Node) capacity() int { return max(n.Capacity, 1) }

// live: the node's vote counts now.
func (n Node) live() bool { return !n.Down && n.State != Removed && n.State != Lost }

// takes reports whether the node may be given a shard.
func (n Node) takes() bool { return n.State == Active && !n.Down && !n.Load.ReadOnly }

// gone reports whether what the node held must be replaced now.
func (n Node) gone(grace time.Duration, now time.Time) bool {
	return n.State == Removed || n.State == Lost && now.Sub(n.Since) >= grace
}

// Witness returns the node with what gossip says about it: an active node that is
// down becomes lost, a lost one that answers under its own incarnation active again.
// Other states are the operator's and stay.
func (n Node) Witness(down bool, now time.Time) (_ Node, changed bool) {
	n.Down = down
	switch {
	case down && n.State == Active:
		n.State, n.Since, changed = Lost, now, true
	case !down && n.State == Lost:
		n.State, n.Since, changed = Active, now, true
	}
	return n, changed
}

// Server is a node under one incarnation: what raft calls a server. A node whose
// disk was emptied comes back as another one.
type Server struct {
	Node        string
	Incarnation string
}

// ErrServer: a text that is no server's name.
var ErrServer = errors.New("placement: want node@incarnation")

// ParseServer is the inverse of Server.String.
func ParseServer(text string) (Server, error) {
	node, incarnation, ok := strings.Cut(text, "@")
	if !ok || node == "" || incarnation == "" || strings.Contains(incarnation, "@") {
		return Server{}, fmt.Errorf("%w, not %q", ErrServer, text)
	}
	return Server{node, incarnation}, nil
}

// String returns node@incarnation, raft's server id.
func (s Server) String() string {
	if s == (Server{}) {
		return ""
	}
	return s.Node + "@" + s.Incarnation
}

// MarshalText implements encoding.TextMarshaler.
func (s Server) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. The empty text is no server.
func (s *Server) UnmarshalText(text []byte) (err error) {
	*s = Server{}
	if len(text) > 0 {
		*s, err = ParseServer(string(text))
	}
	return err
}

func (s Server) compare(t Server) int {
	return cmp.Or(cmp.Compare(s.Node, t.Node), cmp.Compare(s.Incarnation, t.Incarnation))
}

// sortedNodes returns a copy in the order of ids: decisions must not depend on the
// order in which nodes are listed.
func sortedNodes(nodes []Node) []Node {
	sorted := slices.Clone(nodes)
	slices.SortFunc(sorted, func(a, b Node) int { return cmp.Compare(a.ID, b.ID) })
	return sorted
}
