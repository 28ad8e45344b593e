package cluster

import (
	"sync/atomic"
	"time"
)

// Clock tells the time and makes timers. It is injected so that tests can run at
// their own pace; durations are always taken from one clock's own readings.
type Clock interface {
	Now() time.Time
	// After is time.After.
	After(d time.Duration) <-chan time.Time
}

// SystemClock is the machine's clock.
type SystemClock struct{}

// Now implements Clock.
func (SystemClock) Now() time.Time { return time.Now() }

// After implements Clock.
func (SystemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// clusterClock is a node's clock moved by the offset that the control group
// keeps: what every time in a record is taken from. Only the sandbox moves it.
type clusterClock struct {
	base   Clock
	offset atomic.Int64 // nanoseconds
}

func (c *clusterClock) Now() time.Time {
	return c.base.Now().Add(time.Duration(c.offset.Load())).UTC()
}
