package consensus

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/hashicorp/raft"
	"pgregory.net/rapid"
)

// hookedStore is a log store whose hooks write down what they are told, together
// with what was in the log at that moment.
type hookedStore struct {
	*logStore
	disk     *memoryLog
	said     []string
	snapshot uint64
	failures []error
}

func newHookedStore(t testing.TB) *hookedStore {
	h := &hookedStore{disk: newMemoryLog()}
	say := func(format string, args ...any) {
		_, last, _ := h.disk.Bounds()
		h.said = append(h.said, fmt.Sprintf(format, args...)+fmt.Sprintf(" (log ends at %d)", last))
	}
	c := Config{
		LogHooks: LogHooks{
			OnStore:    func(i uint64, f Footprint) { say("store %d %v", i, f.Hashes) },
			OnTruncate: func(from uint64) { say("truncate from %d", from) },
			OnCompact:  func(to uint64) { say("compact to %d", to) },
		},
		OnAppended: func(i, term uint64) { say("appended %d term %d", i, term) },
		Limits:     Limits{CacheEntries: 4, CacheBytes: 1000},
	}
	var err error
	if h.logStore, err = openLogStore(h.disk, c, func() uint64 { return h.snapshot }); err != nil {
		t.Fatal(err)
	}
	h.observe = func(int, int) func() { return noObservation }
	h.appended = func(int, int) {}
	h.broke = func(err error) { h.failures = append(h.failures, err) }
	return h
}

func command(index, term uint64, footprint ...uint64) *raft.Log {
	return &raft.Log{Index: index, Term: term, Data: appendEntry(nil, []Proposal{{Footprint: footprint, Payload: []byte("p")}})}
}

func noop(index, term uint64) *raft.Log {
	return &raft.Log{Index: index, Term: term, Type: raft.LogNoop}
}

func (h *hookedStore) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(h.said, want) {
		t.Errorf("hooks said\n%q\nwant\n%q", h.said, want)
	}
	h.said = nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestHooksTellTruncationFromCompaction(t *testing.T) {
	h := newHookedStore(t)
	must(t, h.StoreLogs([]*raft.Log{noop(1, 1), command(2, 1, 20), command(3, 1, 30), noop(4, 1)}))
	h.expect(t, "store 2 [20] (log ends at 0)", "store 3 [30] (log ends at 0)", "appended 4 term 1 (log ends at 4)")

	// A suffix that conflicts, although nothing was ever applied.
	must(t, h.DeleteRange(3, 4))
	h.expect(t, "truncate from 3 (log ends at 4)")
	must(t, h.StoreLogs([]*raft.Log{command(3, 2, 31), noop(4, 2), command(5, 2, 50)}))
	h.said = nil

	// A prefix that ends with a no-op, which no state machine has ever seen.
	h.snapshot = 4
	must(t, h.DeleteRange(1, 4))
	h.expect(t, "compact to 4 (log ends at 5)")
	if first, _ := h.FirstIndex(); first != 5 {
		t.Errorf("log begins at %d, want 5", first)
	}

	if err := h.DeleteRange(4, 5); !errors.Is(err, ErrFailed) || len(h.failures) != 1 {
		t.Errorf("across the snapshot: %v, failures %v", err, h.failures)
	}
}

func TestFailedAppendEndsTheLog(t *testing.T) {
	h := newHookedStore(t)
	must(t, h.StoreLog(command(1, 1, 1)))
	disk := errors.New("disk full")
	h.disk.failAppend(disk)
	if err := h.StoreLog(command(2, 1, 2)); !errors.Is(err, disk) || !errors.Is(err, ErrFailed) {
		t.Errorf("got %v", err)
	}
	if err := h.StoreLog(command(2, 2, 2)); !errors.Is(err, ErrFailed) {
		t.Errorf("a log that failed once took another entry: %v", err)
	}
	if last, _ := h.LastIndex(); last != 1 || len(h.failures) != 1 {
		t.Errorf("log ends at %d with failures %v", last, h.failures)
	}
	if err := h.GetLog(1, new(raft.Log)); err != nil {
		t.Errorf("what was there cannot be read: %v", err)
	}
}

func TestStoreRefusesWhatDoesNotFollow(t *testing.T) {
	h := newHookedStore(t)
	if err := h.StoreLogs([]*raft.Log{noop(1, 1), noop(3, 1)}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a gap within one append: %v", err)
	}
	if err := h.StoreLog(&raft.Log{Index: 1, Data: []byte("rubbish")}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("an entry that is none: %v", err)
	}
	if err := h.GetLog(1, new(raft.Log)); !errors.Is(err, raft.ErrLogNotFound) {
		t.Errorf("absent entry: %v", err)
	}
}

// TestLogStoreAgainstModel: whatever raft does, the store answers as a plain map
// would, from its cache or not, and the cache stays within its bounds.
func TestLogStoreAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newHookedStore(t)
		model := map[uint64]uint64{} // index to term
		last := uint64(0)
		for step := range rapid.IntRange(1, 40).Draw(rt, "steps") {
			switch rapid.IntRange(0, 5).Draw(rt, "what") {
			case 0: // truncate, as a new leader of a later term makes a follower do
				if last > h.snapshot {
					from := rapid.Uint64Range(h.snapshot+1, last).Draw(rt, "from")
					must(t, h.DeleteRange(from, last))
					for i := from; i <= last; i++ {
						delete(model, i)
					}
					last = from - 1
				}
			case 1: // compact
				if last > h.snapshot {
					first, _ := h.FirstIndex()
					h.snapshot = rapid.Uint64Range(h.snapshot+1, last).Draw(rt, "to")
					must(t, h.DeleteRange(first, h.snapshot))
					for i := range h.snapshot + 1 {
						delete(model, i)
					}
				}
			default:
				var logs []*raft.Log
				for range rapid.IntRange(1, 6).Draw(rt, "entries") {
					last++
					l := command(last, uint64(step+1))
					l.Extensions = make([]byte, rapid.IntRange(0, 400).Draw(rt, "size"))
					logs = append(logs, l)
					model[last] = l.Term
				}
				must(t, h.StoreLogs(logs))
			}
			h.compare(rt, model, last)
		}
	})
}

func (h *hookedStore) compare(t *rapid.T, model map[uint64]uint64, last uint64) {
	for i := uint64(1); i <= last+2; i++ {
		var l raft.Log
		err := h.GetLog(i, &l)
		if term, ok := model[i]; ok != (err == nil) || l.Term != term {
			t.Fatalf("entry %d: term %d (%v), want %d (%v)", i, l.Term, err, term, ok)
		}
	}
	first, _ := h.FirstIndex()
	end, _ := h.LastIndex()
	if len(model) > 0 && (end != last || first != last-uint64(len(model))+1) || len(model) == 0 && end != 0 {
		t.Fatalf("bounds %d..%d with %d entries up to %d", first, end, len(model), last)
	}
	if c := &h.cache; len(c.logs) > c.maxEntries || c.bytes > c.maxBytes || c.bytes < 0 || (len(c.logs) == 0) != (c.bytes == 0) {
		t.Fatalf("cache holds %d entries, %d bytes", len(c.logs), c.bytes)
	}
}

func TestSnapshotStoreKeepsTheNewest(t *testing.T) {
	disk := newMemoryLog()
	s, err := openSnapshotStore(disk)
	must(t, err)
	write := func(index uint64, data string) error {
		sink, err := s.Create(1, index, 3, raft.Configuration{Servers: []raft.Server{{ID: "a", Address: "a:1"}}}, 1, nil)
		must(t, err)
		if _, err := sink.Write([]byte(data)); err != nil {
			return errors.Join(err, sink.Cancel())
		}
		return sink.Close()
	}
	must(t, write(10, "ten"))
	if err := write(9, "nine"); err == nil {
		t.Error("an older snapshot replaced a newer one")
	}
	if err := write(11, string(make([]byte, maxSnapshotMeta+1))); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a huge one: %v", err)
	}
	s, err = openSnapshotStore(disk.crash())
	must(t, err)
	list, err := s.List()
	must(t, err)
	if len(list) != 1 || list[0].Index != 10 || list[0].Term != 3 || list[0].Size != 3 || list[0].Configuration.Servers[0].ID != "a" {
		t.Errorf("after a crash: %+v", list)
	}
	if _, _, err := s.Open("other"); err == nil {
		t.Error("opened a snapshot that is not there")
	}
}
