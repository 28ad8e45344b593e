package consensus

import (
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/raft"
)

// compactor counts what was appended since the log was last compacted, and says
// when it is time again. Raft can count entries only; a bulk load would let the log
// grow by gigabytes before sixteen thousand of its entries have gone by.
type compactor struct {
	due chan struct{} // room for one

	mu             sync.Mutex
	entries, bytes uint64
}

func (c *compactor) count(entries, bytes int, limits Limits) {
	c.mu.Lock()
	c.entries += uint64(entries)
	c.bytes += uint64(bytes)
	over := c.entries >= limits.SnapshotEntries || c.bytes >= limits.SnapshotBytes
	c.mu.Unlock()
	if over {
		select {
		case c.due <- struct{}{}:
		default:
		}
	}
}

// begin starts the count anew and returns how many entries to leave behind: as
// many as the limits allow, by number and, going by the average, by bytes.
func (c *compactor) begin(limits Limits) (trailing uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	trailing = limits.TrailingEntries
	if c.entries > 0 && c.bytes > 0 {
		average := max(1, c.bytes/c.entries)
		trailing = min(trailing, limits.TrailingBytes/average)
	}
	c.entries, c.bytes = 0, 0
	return trailing
}

// again makes the next try come after half of the usual growth.
func (c *compactor) again(limits Limits) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries += limits.SnapshotEntries / 2
	c.bytes += limits.SnapshotBytes / 2
}

func (g *Group) compactWhenDue() {
	for {
		select {
		case <-g.compactor.due:
		case <-g.closing:
			return
		}
		if err := g.Snapshot(); err != nil {
			g.compactor.again(g.limits)
			g.logger.Info("log not compacted", "error", err)
		}
	}
}

// Snapshot makes the state durable and deletes the log that it no longer needs,
// but for what slow followers may still ask for. It is called by itself when the log
// has grown by Limits.SnapshotEntries or SnapshotBytes. Nothing new to snapshot is
// no error.
func (g *Group) Snapshot() error {
	if err := g.over(); err != nil {
		return err
	}
	settings := g.raft.ReloadableConfig()
	settings.TrailingLogs = g.compactor.begin(g.limits)
	if err := g.raft.ReloadConfig(settings); err != nil {
		return fmt.Errorf("consensus: configuring raft: %w", err)
	}
	if err := g.raft.Snapshot().Error(); err != nil && !errors.Is(err, raft.ErrNothingNewToSnapshot) {
		return fmt.Errorf("consensus: snapshot: %w", err)
	}
	return nil
}
