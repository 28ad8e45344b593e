package index

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/blevesearch/bleve/v2/index/scorch"
)

func TestAdmitWaitsForRoomThenRefuses(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		e, err := Open(Options{Dir: dir, Profiles: []*Profile{person()}, QueueLimit: 2, AdmitWait: 3 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		for i := range uint64(3) {
			// Not advanced: above the visible index, so it has to stay in the queue.
			if err := e.Append([]Update{{Shard: 1, Index: i + 1, ID: "a", Profile: 1, Document: named("smith", "19700314")}}); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		err = e.Admit(t.Context())
		var full *QueueFullError
		if !errors.Is(err, ErrQueueFull) || !errors.As(err, &full) || full.Queued != 3 || full.RetryAfter <= 0 {
			t.Errorf("Admit: %v", err)
		}
		if waited := time.Since(start); waited != 3*time.Second {
			t.Errorf("refused after %v, want 3s", waited)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := e.Admit(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Admit when cancelled: %v", err)
		}
		e.Advance(1, 3)
		if err := e.Admit(t.Context()); err != nil {
			t.Errorf("Admit when there is room again: %v", err)
		}
		if m := e.Metrics(); m.Held != 3 || m.Refused != 1 {
			t.Errorf("held %d, refused %d, want 3 and 1", m.Held, m.Refused)
		}
	})
}

func TestWhatIsNotVisibleStaysInTheQueue(t *testing.T) {
	e := open(t, Options{BatchInterval: time.Hour})
	feed(t, e, Update{Shard: 1, Index: 1, ID: "a", Profile: 1, Document: named("smith", "19700314")})
	if err := e.Append([]Update{{Shard: 1, Index: 2, ID: "a", Profile: 1, Document: named("jones", "19700314")}}); err != nil {
		t.Fatal(err)
	}
	flush(t, e)
	wantFound(t, found(t, e, []uint16{1}, is(family, "smith")), "1/a")
	wantFound(t, found(t, e, []uint16{1}, is(family, "jones")), "1/a")
	if got := e.Indexed(1); got != 1 {
		t.Errorf("indexed %d, want 1", got)
	}
}

func TestRefusals(t *testing.T) {
	e := open(t, Options{})
	u := Update{Shard: 1, Index: 5, ID: "a", Profile: 1, Document: named("smith", "19700314")}
	unknown := u
	unknown.Profile = 9
	if err := e.Append([]Update{unknown}); !errors.Is(err, ErrUnknownProfile) {
		t.Errorf("unknown profile: %v", err)
	}
	earlier := u
	earlier.Index = 4
	if err := e.Append([]Update{u, earlier}); !errors.Is(err, ErrOutOfOrder) {
		t.Errorf("out of order: %v", err)
	}
	if _, err := Open(Options{Dir: t.TempDir(), Profiles: []*Profile{person(), person()}}); err == nil {
		t.Error("two profiles with one number were taken")
	}
	e.fail(scorch.NewScorchError("merger", "disk full", scorch.ErrPersist))
	if err := e.Admit(t.Context()); err != nil {
		t.Errorf("after an error that bleve tries again: %v", err)
	}
	e.fail(scorch.NewScorchError("merger", "panic", scorch.ErrAsyncPanic))
	if err := e.Append([]Update{u}); !errors.Is(err, ErrFailed) {
		t.Errorf("append after a panic: %v", err)
	}
	if _, err := e.Begin(nil); !errors.Is(err, ErrFailed) {
		t.Errorf("search after a panic: %v", err)
	}
}

func TestClosed(t *testing.T) {
	e := open(t, Options{})
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Append(nil); !errors.Is(err, ErrClosed) {
		t.Errorf("append: %v", err)
	}
	if err := e.Flush(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("flush: %v", err)
	}
}
