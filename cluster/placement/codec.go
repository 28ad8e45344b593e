package placement

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// format is the version of the control group's records that this build writes. A
// build refuses what is newer; the cluster version keeps builds from writing what older
// ones of the cluster cannot read.
const format = 1

// The errors of the codec.
var (
	// ErrFormat: a later build wrote the record.
	ErrFormat = errors.New("placement: record of a later build")
	// ErrMalformed: a record that no build wrote.
	ErrMalformed = errors.New("placement: malformed record")
)

// The records' keys in the control group are these words, behind the prefix of its
// subjects; a node's is followed by its id.
const (
	PlacementKey = "placement"
	SettingsKey  = "placement-settings"
	NodeKey      = "node/"
)

// shardRecord is a shard with its replicas, as it is stored: a thousand shards take
// about 200 kB, which one mutation may have.
type shardRecord struct {
	Shard
	Members  []Server `json:"voters"`
	Learners []Server `json:"learners,omitempty"`
	Leader   string   `json:"leader,omitempty"`
}

type placementRecord struct {
	Format   int           `json:"format"`
	Version  uint64        `json:"version"`
	NextMove uint64        `json:"nextMove"`
	Shards   []shardRecord `json:"shards"`
	Moves    []Move        `json:"moves,omitempty"`
}

type nodeRecord struct {
	Format int `json:"format"`
	Node
}

type settingsRecord struct {
	Format int `json:"format"`
	Settings
}

func (p Placement) record() placementRecord {
	r := placementRecord{Format: format, Version: p.Version, NextMove: p.NextMove, Moves: p.Moves}
	for _, s := range p.Shards {
		shard := shardRecord{Shard: s, Leader: p.Leader(s.ID)}
		for _, replica := range p.ReplicasOf(s.ID) {
			if replica.Role == Voter {
				shard.Members = append(shard.Members, replica.Server)
			} else {
				shard.Learners = append(shard.Learners, replica.Server)
			}
		}
		r.Shards = append(r.Shards, shard)
	}
	return r
}

// EncodePlacement returns the placement as it is stored. The same placement gives the
// same bytes.
func EncodePlacement(p Placement) ([]byte, error) { return json.Marshal(p.record()) }

// DecodePlacement is the inverse of EncodePlacement. The error is ErrFormat or
// ErrMalformed.
func DecodePlacement(body []byte) (Placement, error) {
	var r placementRecord
	if err := decode(body, &r); err != nil {
		return Placement{}, err
	}
	p := Placement{Version: r.Version, NextMove: r.NextMove, Moves: r.Moves}
	known := map[ShardID]bool{}
	for _, s := range r.Shards {
		if known[s.ID] || s.Low > s.High {
			return Placement{}, fmt.Errorf("%w: shard %d", ErrMalformed, s.ID)
		}
		known[s.ID] = true
		p.Shards = append(p.Shards, s.Shard)
		for _, server := range s.Members {
			p.Replicas = append(p.Replicas, Replica{s.ID, server, Voter})
		}
		for _, server := range s.Learners {
			p.Replicas = append(p.Replicas, Replica{s.ID, server, Learner})
		}
		if s.Leader != "" {
			p.Leaders = append(p.Leaders, Leader{s.ID, s.Leader})
		}
	}
	if i := slices.IndexFunc(p.Moves, func(m Move) bool { return !known[m.Shard] }); i >= 0 {
		return Placement{}, fmt.Errorf("%w: a move of shard %d", ErrMalformed, p.Moves[i].Shard)
	}
	slices.SortFunc(p.Replicas, compareReplicas)
	return p, nil
}

// EncodeNode returns a node as it is stored: what the operator and the node said, and
// not what gossip says now.
func EncodeNode(n Node) ([]byte, error) { return json.Marshal(nodeRecord{format, n}) }

// DecodeNode is the inverse of EncodeNode. The error is ErrFormat or ErrMalformed.
func DecodeNode(body []byte) (Node, error) {
	var r nodeRecord
	if err := decode(body, &r); err != nil {
		return Node{}, err
	}
	if r.ID == "" || r.Incarnation == "" || !slices.Contains([]State{Joining, Active, Draining, Lost, Removed}, r.State) {
		return Node{}, fmt.Errorf("%w: node %q is %q", ErrMalformed, r.ID, r.State)
	}
	return r.Node, nil
}

// EncodeSettings returns the settings as they are stored.
func EncodeSettings(s Settings) ([]byte, error) { return json.Marshal(settingsRecord{format, s}) }

// DecodeSettings is the inverse of EncodeSettings. The error is ErrFormat or
// ErrMalformed.
func DecodeSettings(body []byte) (Settings, error) {
	var r settingsRecord
	err := decode(body, &r)
	return r.Settings, err
}

// decode reads the format first: what a later build wrote may look like anything. A
// member that this build does not know is an error, since writing the record again
// would lose it.
func decode(body []byte, into any) error {
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(body, &head); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if head.Format > format {
		return fmt.Errorf("%w: format %d, this build knows %d", ErrFormat, head.Format, format)
	}
	if head.Format < 1 {
		return fmt.Errorf("%w: format %d", ErrMalformed, head.Format)
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}
