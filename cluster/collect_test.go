package cluster

import (
	"fmt"
	"testing"
	"time"

	"vertebra/storage/record"
)

func TestCollectorCollectsWhatWasReplacedAMinuteAgoAndThenRests(t *testing.T) {
	var c collector
	start := time.Unix(0, 0)
	for _, step := range []struct {
		after            time.Duration
		visible, changes uint64
		want             uint64
	}{
		{0, 10, 3, 0},
		{30 * time.Second, 20, 5, 0},
		{60 * time.Second, 20, 5, 10},
		{70 * time.Second, 21, 5, 0}, // the collection itself moved V: no reason for another
		{90 * time.Second, 21, 5, 20},
		{10 * time.Minute, 22, 5, 0},
		{11 * time.Minute, 23, 6, 0},
		{12 * time.Minute, 23, 6, 23},
	} {
		if got := c.floor(start.Add(step.after), step.visible, step.changes); got != step.want {
			t.Errorf("after %v: floor %d, want %d", step.after, got, step.want)
		}
	}
}

// A collection leaves the newest versions, and readers that come while it is
// applied and not yet visible are not refused.
func TestCollectionIsInvisible(t *testing.T) {
	n := startNode(t, testConfig(t.TempDir()))
	defer closeNode(t, n)
	for i := range 100 {
		subject := record.Subject(fmt.Sprint("s", i%10))
		decide(t, n, subject, record.RequestID{}, put(subject, fmt.Sprint("name", i), "leeds"))
	}
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			v, err := n.View(t.Context(), "s3", Freshness{})
			if err != nil {
				done <- err
				return
			}
			v.Close()
		}
	}()
	for _, r := range n.replicas[1:] {
		for range 20 {
			if err := r.collect(t.Context(), r.visible.load()); err != nil {
				t.Fatal(err)
			}
		}
		if r.state.Floor() == 0 {
			t.Errorf("shard %d collected nothing", r.id)
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
	for i := range 10 {
		subject := record.Subject(fmt.Sprint("s", i))
		if body, version := get(t, n, subject, Freshness{}); version != 10 || body != fmt.Sprintf("name%d|leeds", 90+i) {
			t.Errorf("%d: %q version %d", i, body, version)
		}
		if of, _ := find(t, n, fieldName, fmt.Sprint("name", i), 5); len(of) != 0 {
			t.Errorf("%d: a collected version is found: %v", i, of)
		}
	}
	if report, lines := checked(t, n); report.Findings != 0 {
		t.Errorf("%v", lines)
	}
}
