package transport

import (
	"testing"
	"testing/synctest"
)

func TestGroupsElectAndReplicate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConclave(t, "a", "b", "c")
		defer c.close()
		c.start(3)
		for g := range uint32(3) {
			leader := c.leader(g + 1)
			c.write(leader, g+1, "one", "two")
			c.has(g+1, 2)
		}
	})
}
