package storage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

func openLog(t *testing.T, fs FS, skipSync bool) *Store {
	t.Helper()
	s, err := Open("data", Options{FS: fs, CacheBytes: 1 << 20, UnsafeSkipLogSync: skipSync})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func entryFor(group uint32, index uint64) []byte {
	return bytes.Repeat(binary.BigEndian.AppendUint64(nil, index*7+uint64(group)), int(index%60)+1)
}

func entriesFor(group uint32, first uint64, n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = entryFor(group, first+uint64(i))
	}
	return out
}

func TestLog(t *testing.T) {
	s := openLog(t, NewMemFS(), false)
	defer func() { s.Close() }()
	a, b := s.Log(1), s.Log(2)
	expectBounds(t, a, 0, 0)
	must(t, a.Append(5, entriesFor(1, 5, 10)))
	must(t, b.Append(1, entriesFor(2, 1, 1)))
	expectBounds(t, a, 5, 14)
	expectBounds(t, b, 1, 1)
	must(t, a.DeleteRange(5, 7)) // compaction
	expectBounds(t, a, 8, 14)
	must(t, a.DeleteRange(13, 99)) // truncation
	expectBounds(t, a, 8, 12)
	must(t, a.Append(13, [][]byte{{}}))
	expectBounds(t, a, 8, 13)
	if got, err := a.Get(13); err != nil || got == nil || len(got) != 0 {
		t.Fatalf("an empty entry is %v, %v", got, err)
	}
	if got, err := a.Get(7); err != nil || got != nil {
		t.Fatalf("a deleted entry is %v, %v", got, err)
	}
	if got, err := a.Get(8); err != nil || !bytes.Equal(got, entryFor(1, 8)) {
		t.Fatalf("entry 8 is %v, %v", got, err)
	}
	must(t, a.DeleteRange(0, 1<<64-1))
	expectBounds(t, a, 0, 0)
	expectBounds(t, b, 1, 1)
	must(t, a.SetStable("vote", []byte("x")))
	if got, err := b.Stable("vote"); err != nil || got != nil {
		t.Fatalf("another group's value is %v, %v", got, err)
	}
	if err := a.Append(0, entriesFor(1, 0, 1)); err == nil {
		t.Fatal("index 0 was taken")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func expectBounds(t *testing.T, l *Log, first, last uint64) {
	t.Helper()
	if f, n, err := l.Bounds(); err != nil || f != first || n != last {
		t.Fatalf("bounds are %d, %d, %v, want %d, %d", f, n, err, first, last)
	}
}

const crashSeeds = 200

// TestLogCrash: whatever a log has acknowledged is there after a loss of power.
func TestLogCrash(t *testing.T) {
	if bad := crashLogs(t, false); len(bad) > 0 {
		t.Fatalf("%d of %d seeds: %s", len(bad), crashSeeds, bad[0])
	}
}

// TestLogCrashFindsSkippedSync plants the bug that TestLogCrash is there for.
func TestLogCrashFindsSkippedSync(t *testing.T) {
	bad := crashLogs(t, true)
	if len(bad) < crashSeeds/2 {
		t.Fatalf("a log that does not sync was found in %d of %d seeds only", len(bad), crashSeeds)
	}
	t.Logf("found in %d of %d seeds, such as: %s", len(bad), crashSeeds, bad[0])
}

func crashLogs(t *testing.T, skipSync bool) (bad []string) {
	for seed := range uint64(crashSeeds) {
		if lost := crashLog(t, seed, skipSync); lost != "" {
			bad = append(bad, fmt.Sprintf("seed %d: %s", seed, lost))
		}
	}
	return bad
}

// crashLog has two groups append, truncate and vote at the same time, pulls the plug
// at the end of all acknowledged work, twice over, and says what is missing.
func crashLog(t *testing.T, seed uint64, skipSync bool) (lost string) {
	fs := NewCrashableMemFS()
	s := openLog(t, fs, skipSync)
	for life := range uint64(2) {
		var wg sync.WaitGroup
		for group := range uint32(2) {
			wg.Go(func() { writeLog(t, s.Log(group), rand.New(rand.NewPCG(seed, life*2+uint64(group))), group, life) })
		}
		wg.Wait()
		type found struct{ first, last uint64 }
		var want [2]found
		for group := range uint32(2) {
			want[group].first, want[group].last, _ = s.Log(group).Bounds()
		}
		after := CrashClone(fs, int(seed%3)*50, seed)
		s.Close()
		fs, s = after, openLog(t, after, skipSync)
		for group := range uint32(2) {
			l := s.Log(group)
			first, last, err := l.Bounds()
			if err != nil || first != want[group].first || last != want[group].last {
				lost = fmt.Sprintf("group %d: %d to %d, %v, want %d to %d", group, first, last, err, want[group].first, want[group].last)
			}
			for i := first; i <= last && i > 0; i++ {
				if got, err := l.Get(i); err != nil || !bytes.Equal(got, entryFor(group, i)) {
					lost = fmt.Sprintf("group %d: entry %d is %d bytes, %v", group, i, len(got), err)
				}
			}
			if vote, err := l.Stable("vote"); err != nil || len(vote) != 1 || vote[0] != byte(life) {
				lost = fmt.Sprintf("group %d: vote %v, %v", group, vote, err)
			}
		}
	}
	s.Close()
	return lost
}

func writeLog(t *testing.T, l *Log, r *rand.Rand, group uint32, life uint64) {
	steps := []func() error{
		func() error { return l.SetStable("vote", []byte{byte(life)}) },
	}
	for range 3 + r.IntN(5) {
		steps = append(steps, func() error {
			first, last, err := l.Bounds()
			switch n := r.IntN(6); {
			case err != nil:
				return err
			case n == 0 && last > first+2:
				return l.DeleteRange(last-r.Uint64N(2), last)
			case n == 1 && last > first+2:
				return l.DeleteRange(first, first+r.Uint64N(2))
			}
			return l.Append(last+1, entriesFor(group, last+1, 1+r.IntN(20)))
		})
	}
	for _, step := range steps {
		if err := step(); err != nil {
			t.Error(err)
		}
	}
}
