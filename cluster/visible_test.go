package cluster

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestVisibleIndexWakesExactlyWhoMaySee(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var v visibleIndex
		woken := map[uint64]bool{}
		for _, index := range []uint64{0, 3, 5, 9} {
			go func() {
				if v.wait(t.Context(), index) == nil {
					woken[index] = true
				}
			}()
			synctest.Wait()
		}
		for _, step := range []struct {
			raise uint64
			want  int
		}{{0, 1}, {4, 2}, {2, 2}, {5, 3}, {8, 3}, {20, 4}} {
			v.raise(step.raise)
			synctest.Wait()
			if len(woken) != step.want {
				t.Errorf("after raise(%d): woken %v", step.raise, woken)
			}
		}
		if len(v.waiters) != 0 {
			t.Errorf("%d waiters left behind", len(v.waiters))
		}
	})
}

func TestVisibleIndexForgetsWhoLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var v visibleIndex
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() { result <- v.wait(ctx, 7) }()
		synctest.Wait()
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) || len(v.waiters) != 0 {
			t.Errorf("%v, %d waiters", err, len(v.waiters))
		}
	})
}
