package membership

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/memberlist"
)

// maxKeys bounds the keys that are tried on each message.
const maxKeys = 8

// ErrKeys: not gossip keys.
var ErrKeys = errors.New("membership: want 1 to 8 keys of 16, 24 or 32 bytes in base64, one a line")

// ParseKeys reads a file of keys: one a line in base64, the first is written with and
// all are read with. Empty lines and those that begin with # are skipped. Errors do not
// show what is in the file.
func ParseKeys(file []byte) (keys [][]byte, err error) {
	for number, line := range bytes.Split(file, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(string(line))
		if err != nil || memberlist.ValidateKey(key) != nil {
			return nil, fmt.Errorf("%w: line %d", ErrKeys, number+1)
		}
		keys = append(keys, key)
	}
	return keys, checkKeys(keys)
}

func checkKeys(keys [][]byte) error {
	if len(keys) == 0 || len(keys) > maxKeys {
		return ErrKeys
	}
	for _, key := range keys {
		if memberlist.ValidateKey(key) != nil {
			return ErrKeys
		}
	}
	return nil
}

// Rotate replaces the keys while the node runs. To change a key without a gap, give
// every node [old, new], then [new, old], then [new]. A node that gossips without
// encryption refuses.
func (g *Gossip) Rotate(keys [][]byte) error {
	if err := checkKeys(keys); err != nil {
		return err
	}
	if g.ring == nil {
		return fmt.Errorf("%w: this node gossips in the open", ErrKeys)
	}
	g.rotating.Lock()
	defer g.rotating.Unlock()
	for _, key := range keys {
		if err := g.ring.AddKey(bytes.Clone(key)); err != nil {
			return err
		}
	}
	if err := g.ring.UseKey(keys[0]); err != nil {
		return err
	}
	for _, old := range g.ring.GetKeys() {
		if !slices.ContainsFunc(keys, func(key []byte) bool { return bytes.Equal(key, old) }) {
			if err := g.ring.RemoveKey(old); err != nil {
				return err
			}
		}
	}
	return nil
}
