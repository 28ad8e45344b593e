package consensus

import "github.com/hashicorp/raft"

// logCache keeps the last entries of the log, without a gap, so that the leader's
// replication and the state machine's feed do not read back what was just
// written. It is bounded by entries and by bytes. Not safe for concurrent use.
//
// raft.LogCache is not used: it is bounded by entries only, which at a mebibyte each
// is no bound, and it keeps the proposer's whole future alive.
type logCache struct {
	maxEntries, maxBytes int

	logs  []raft.Log // consecutive indexes
	bytes int
}

func (c *logCache) get(index uint64, l *raft.Log) bool {
	if len(c.logs) == 0 || index < c.logs[0].Index || index > c.logs[len(c.logs)-1].Index {
		return false
	}
	*l = c.logs[index-c.logs[0].Index]
	return true
}

// add takes the log's new last entries, after what they replace was truncated.
func (c *logCache) add(logs []*raft.Log) {
	if n := len(c.logs); n > 0 && c.logs[n-1].Index+1 != logs[0].Index {
		c.reset()
	}
	for _, l := range logs {
		c.logs = append(c.logs, *l)
		c.bytes += logEntrySize(l)
	}
	c.evict()
}

// evict drops the oldest entries over the bounds. What they leave in front of the
// slice goes when append next outgrows its array.
func (c *logCache) evict() {
	drop := 0
	for len(c.logs)-drop > c.maxEntries || (c.bytes > c.maxBytes && drop < len(c.logs)) {
		c.bytes -= logEntrySize(&c.logs[drop])
		c.logs[drop] = raft.Log{}
		drop++
	}
	c.logs = c.logs[drop:]
}

// truncate forgets everything at or above from.
func (c *logCache) truncate(from uint64) {
	for n := len(c.logs); n > 0 && c.logs[n-1].Index >= from; n = len(c.logs) {
		c.bytes -= logEntrySize(&c.logs[n-1])
		c.logs[n-1] = raft.Log{}
		c.logs = c.logs[:n-1]
	}
}

// compact forgets everything at or below to.
func (c *logCache) compact(to uint64) {
	for len(c.logs) > 0 && c.logs[0].Index <= to {
		c.bytes -= logEntrySize(&c.logs[0])
		c.logs[0] = raft.Log{}
		c.logs = c.logs[1:]
	}
}

func (c *logCache) reset() { c.logs, c.bytes = nil, 0 }
