package cluster

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"vertebra/storage"
)

// Identity is who a data folder belongs to. The incarnation is made when the
// folder is first used, so that a node whose disk was emptied comes back as another
// raft server: a voter that forgot its vote must not vote again.
type Identity struct {
	// Node is the node's id.
	Node string `json:"node"`
	// Incarnation is made when the folder is first used.
	Incarnation string `json:"incarnation"`
	// Shards is the number of data shards that the folder was first used with.
	Shards int `json:"shards"`
}

// serverID is the node's name in the raft groups.
func (i Identity) serverID() string { return i.Node + "@" + i.Incarnation }

const identityKey = "identity"

// ErrNoNode: the folder is not a node's.
var ErrNoNode = errors.New("cluster: not a node's data folder")

// ReadIdentity returns who a data folder belongs to. No node may run on it. It
// makes nothing: a folder that holds no store is ErrNoNode.
func ReadIdentity(dir string) (found Identity, err error) {
	store, err := storage.Open(dir, storage.Options{ReadOnly: true})
	if err != nil {
		return Identity{}, errors.Join(ErrNoNode, err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	raw, err := store.Log(0).Stable(identityKey)
	if err != nil || raw == nil {
		return Identity{}, errors.Join(ErrNoNode, err)
	}
	return found, json.Unmarshal(raw, &found)
}

// identify reads the folder's identity, or makes one on first use. A folder of
// another node, or with another number of shards, is refused.
func (n *Node) identify() (Identity, error) {
	log := n.store.Log(0)
	raw, err := log.Stable(identityKey)
	if err != nil {
		return Identity{}, err
	}
	if raw == nil {
		return n.newIdentity()
	}
	var found Identity
	if err := json.Unmarshal(raw, &found); err != nil {
		return Identity{}, fmt.Errorf("cluster: identity of the data folder: %w", err)
	}
	if found.Node != n.config.NodeID {
		return Identity{}, fmt.Errorf("cluster: the data folder belongs to node %q, not to %q", found.Node, n.config.NodeID)
	}
	if found.Shards != n.config.Shards {
		return Identity{}, fmt.Errorf("cluster: the data folder has %d shards, not %d: their number is fixed at first start", found.Shards, n.config.Shards)
	}
	return found, nil
}

func (n *Node) newIdentity() (Identity, error) {
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return Identity{}, err
	}
	made := Identity{Node: n.config.NodeID, Incarnation: hex.EncodeToString(random[:]), Shards: n.config.Shards}
	raw, err := json.Marshal(made)
	if err != nil {
		return Identity{}, err
	}
	return made, n.store.Log(0).SetStable(identityKey, raw)
}
