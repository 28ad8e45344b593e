package cluster

import "time"

// Level says how fresh a read has to be.
type Level uint8

// The levels of freshness.
const (
	// Linearizable: every write acknowledged before the read began is seen. The default.
	Linearizable Level = iota
	// Bounded: what was visible at most Freshness.MaxAge ago.
	Bounded
	// Positioned: at least Freshness.Position, and nothing more is promised.
	Positioned
)

// Freshness is what a reader asks for. The zero value is linearizable. A
// Position holds at every level: a Bounded read with one is at least that
// position and at most MaxAge old.
type Freshness struct {
	Level    Level
	MaxAge   time.Duration
	Position Position
}
