package cluster

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// identity is who a data folder belongs to. The incarnation is made when the
// folder is first used, so that a node whose disk was emptied comes back as another
// raft server: a voter that forgot its vote must not vote again.
type identity struct {
	Node        string `json:"node"`
	Incarnation string `json:"incarnation"`
	// Shards is the number of data shards that the folder was first used with.
	Shards int `json:"shards"`
}

// serverID is the node's name in the raft groups.
func (i identity) serverID() string { return i.Node + "@" + i.Incarnation }

const identityKey = "identity"

// identify reads the folder's identity, or makes one on first use. A folder of
// another node, or with another number of shards, is refused.
func (n *Node) identify() (identity, error) {
	log := n.store.Log(0)
	raw, err := log.Stable(identityKey)
	if err != nil {
		return identity{}, err
	}
	if raw == nil {
		return n.newIdentity()
	}
	var found identity
	if err := json.Unmarshal(raw, &found); err != nil {
		return identity{}, fmt.Errorf("cluster: identity of the data folder: %w", err)
	}
	if found.Node != n.config.NodeID {
		return identity{}, fmt.Errorf("cluster: the data folder belongs to node %q, not to %q", found.Node, n.config.NodeID)
	}
	if found.Shards != n.config.Shards {
		return identity{}, fmt.Errorf("cluster: the data folder has %d shards, not %d: their number is fixed at first start", found.Shards, n.config.Shards)
	}
	return found, nil
}

func (n *Node) newIdentity() (identity, error) {
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return identity{}, err
	}
	made := identity{Node: n.config.NodeID, Incarnation: hex.EncodeToString(random[:]), Shards: n.config.Shards}
	raw, err := json.Marshal(made)
	if err != nil {
		return identity{}, err
	}
	return made, n.store.Log(0).SetStable(identityKey, raw)
}
