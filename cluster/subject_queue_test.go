package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vertebra/storage/record"
)

// Many callers on few subjects, some of whom give up: nobody shares a subject's
// turn, everybody who stays gets one, and nothing is left behind.
func TestSubjectQueueLetsOneInAtATime(t *testing.T) {
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			q := newSubjectQueue(1000, 1000)
			var mu sync.Mutex
			inside, served, gaveUp := map[record.Subject]int{}, 0, 0
			var all sync.WaitGroup
			for range 200 {
				subject := record.Subject(fmt.Sprint(random.IntN(3)))
				patience := time.Duration(random.IntN(400)) * time.Millisecond
				work := time.Duration(random.IntN(10)) * time.Millisecond
				all.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					if err := q.enter(ctx, subject); err != nil {
						mu.Lock()
						gaveUp++
						mu.Unlock()
						return
					}
					mu.Lock()
					inside[subject]++
					if inside[subject] != 1 {
						t.Errorf("seed %d: %d callers inside", seed, inside[subject])
					}
					mu.Unlock()
					time.Sleep(work) // the bubble's clock: this is how long the decision takes
					mu.Lock()
					inside[subject]--
					served++
					mu.Unlock()
					q.leave(subject)
				})
			}
			all.Wait()
			if served+gaveUp != 200 || served < 100 || gaveUp == 0 {
				t.Errorf("seed %d: %d served, %d gave up", seed, served, gaveUp)
			}
			if q.inside != 0 || len(q.lines) != 0 {
				t.Errorf("seed %d: left behind: %d inside, %d lines", seed, q.inside, len(q.lines))
			}
		})
	}
}

func TestSubjectQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newSubjectQueue(2, 4)
		ctx, cancel := context.WithCancel(t.Context())
		for _, s := range []record.Subject{"a", "b"} {
			if err := q.enter(ctx, s); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			go q.enter(ctx, "a")
		}
		synctest.Wait()
		if err := q.enter(ctx, "c"); !errors.Is(err, ErrOverloaded) {
			t.Errorf("a fifth caller in all: %v", err)
		}
		q.leave("b")
		if err := q.enter(ctx, "a"); !errors.Is(err, ErrOverloaded) {
			t.Errorf("a third in one line: %v", err)
		}
		cancel()
		synctest.Wait()
		q.leave("a")
		if q.inside != 0 || len(q.lines) != 0 {
			t.Errorf("left behind: %d inside, %d lines", q.inside, len(q.lines))
		}
	})
}
