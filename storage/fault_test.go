package storage

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"vertebra/storage/record"
)

// faults is a file system that fails what it is told to, while it is told to.
type faults struct {
	on    atomic.Bool
	count atomic.Int64
	hit   func(errorfs.Op) bool
}

func (f *faults) fs() FS {
	return errorfs.Wrap(NewMemFS(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if !f.on.Load() || !f.hit(op) {
			return nil
		}
		f.count.Add(1)
		return errorfs.ErrInjected
	}))
}

func isWrite(op errorfs.Op) bool {
	return op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpCreate
}

func faultyShard(t *testing.T, f *faults, e Events) (*Store, *Shard) {
	t.Helper()
	s, err := Open("data", Options{FS: f.fs(), CacheBytes: 1, Events: e})
	must(t, err)
	shard, err := s.Shard(1, 0, record.Slots-1)
	must(t, err)
	_, err = shard.ApplyBatch(changes(1, 50))
	must(t, err)
	return s, shard
}

// TestFlushOutlivesFaults: a disk that fails for a while delays a flush and loses nothing.
func TestFlushOutlivesFaults(t *testing.T) {
	f := &faults{hit: func(op errorfs.Op) bool { return isWrite(op) && strings.HasSuffix(op.Path, ".sst") }}
	seen := make(chan error, 64)
	s, shard := faultyShard(t, f, Events{BackgroundError: func(err error) {
		if f.count.Load() >= 3 {
			f.on.Store(false)
		}
		select {
		case seen <- err:
		default:
		}
	}})
	f.on.Store(true)
	must(t, shard.Flush())
	if err := <-seen; !errors.Is(err, errorfs.ErrInjected) {
		t.Fatalf("told of %v", err)
	}
	if shard.DurableIndex() != 50 {
		t.Fatalf("durable %d after a flush", shard.DurableIndex())
	}
	must(t, s.Close())
}

// TestLogFaultIsFatal: an append whose sync fails is never acknowledged: the store
// stops, since nobody can know what is on disk.
func TestLogFaultIsFatal(t *testing.T) {
	f := &faults{hit: func(op errorfs.Op) bool {
		return isWrite(op) && strings.Contains(op.Path, "log/") && strings.HasSuffix(op.Path, ".log")
	}}
	// The panic is in one of pebble's goroutines, where no test could recover it: Fatal
	// keeps the first word and does not return.
	told := make(chan error, 1)
	s, _ := faultyShard(t, f, Events{Fatal: func(err error) {
		select {
		case told <- err:
		default:
		}
		select {}
	}})
	acknowledged := make(chan error, 1)
	f.on.Store(true)
	go func() { acknowledged <- s.Log(1).Append(1, entriesFor(1, 1, 1)) }()
	select {
	case err := <-told:
		if !strings.Contains(err.Error(), "injected") {
			t.Fatalf("told of %v", err)
		}
	case err := <-acknowledged:
		if err == nil {
			t.Fatal("an append whose sync failed was acknowledged")
		}
	}
}

// TestReadFaults: a block that cannot be read is an error of the read, and of no other.
func TestReadFaults(t *testing.T) {
	f := &faults{hit: func(op errorfs.Op) bool {
		return op.Kind == errorfs.OpFileReadAt && strings.HasSuffix(op.Path, ".sst")
	}}
	s, shard := faultyShard(t, f, Events{})
	must(t, shard.Flush())
	k := change(50).Mutation.Writes[0].Key
	read := func() []error {
		v, err := shard.View(50)
		if err != nil {
			return []error{err}
		}
		defer v.Close()
		_, _, got := v.Get(k)
		_, _, document := v.Document(k)
		all := []error{got, document}
		for _, err := range v.Scan(k.Subject, k.Table) {
			all = append(all, err)
		}
		for _, err := range v.Postings(1, nil, nil) {
			all = append(all, err)
		}
		_, err = v.Checksum(0, record.Slots)
		return append(all, err)
	}
	f.on.Store(true)
	for i, err := range read() {
		if !errors.Is(err, errorfs.ErrInjected) {
			t.Errorf("read %d of a broken disk: %v", i, err)
		}
	}
	f.on.Store(false)
	for i, err := range read() {
		if err != nil {
			t.Errorf("read %d of a sound disk: %v", i, err)
		}
	}
	must(t, s.Close())
}

// TestApplyStopsAtMisplacedKeys: what can only be a bug above is refused for good.
func TestApplyStopsAtMisplacedKeys(t *testing.T) {
	for name, k := range map[string]record.Key{
		"slot":  {Subject: "control/clock", Table: record.Settings},
		"table": {Subject: "9000000009", Table: record.Documents, Rest: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			r := openReplica(t, NewCrashableMemFS())
			defer r.close(t)
			m := record.Mutation{Subject: "9000000009", Writes: []record.Write{{Key: k, Version: 1}}}
			if err := r.shard.Accepts(&m); !errors.Is(err, ErrMisplaced) {
				t.Fatalf("accepted: %v", err)
			}
			bad := []record.Command{{Kind: record.KindMutation, Mutation: m}}
			if _, err := r.shard.Apply(1, 1, bad); !errors.Is(err, ErrMisplaced) {
				t.Fatalf("applied: %v", err)
			}
			if _, err := r.shard.Apply(2, 1, nil); !errors.Is(err, ErrMisplaced) {
				t.Fatalf("went on: %v", err)
			}
			if r.shard.AppliedIndex() != 0 {
				t.Fatalf("applied index %d", r.shard.AppliedIndex())
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	fs := NewMemFS()
	s, err := Open("data", Options{FS: fs})
	must(t, err)
	shard, err := s.Shard(1, 0, 99)
	must(t, err)
	if again, err := s.Shard(1, 0, 99); again != shard || err != nil {
		t.Fatalf("another shard, %v", err)
	}
	for _, r := range [][3]record.Slot{{1, 0, 50}, {2, 99, 120}, {2, 5, 4}, {2, 200, record.ControlSlot + 1}} {
		if _, err := s.Shard(ShardID(r[0]), r[1], r[2]); !errors.Is(err, ErrShardRange) {
			t.Errorf("shard %v: %v", r, err)
		}
	}
	if _, err := shard.Apply(3, 1, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := shard.Apply(3, 1, nil); !errors.Is(err, ErrOutOfOrder) {
		t.Errorf("an entry twice: %v", err)
	}
	must(t, shard.SetLocal("indexed", []byte("7")))
	must(t, s.Checkpoint("copy"))
	must(t, s.Close())
	for _, dir := range []string{"data", "copy"} {
		s, err = Open(dir, Options{FS: fs})
		must(t, err)
		if _, err := s.Shard(1, 0, 98); !errors.Is(err, ErrShardRange) {
			t.Errorf("other slots than on disk: %v", err)
		}
		shard, err = s.Shard(1, 0, 99)
		must(t, err)
		if note, err := shard.Local("indexed"); string(note) != "7" || err != nil || shard.AppliedIndex() != 3 {
			t.Errorf("note %q, %v, applied %d", note, err, shard.AppliedIndex())
		}
		must(t, s.Close())
	}
}

// TestCollectIsBounded: one command does so much and no more, and what it leaves the
// next one finds.
func TestCollectIsBounded(t *testing.T) {
	r := openReplica(t, NewCrashableMemFS())
	defer r.close(t)
	const n = collectSteps * 2
	var entries []Entry
	for i := uint64(1); i <= n; i++ {
		w := record.Write{Key: record.Key{Subject: "9000000009", Table: record.Demographics}, Version: i}
		m := record.Mutation{Subject: w.Key.Subject, Writes: []record.Write{w}}
		entries = append(entries, Entry{Index: i, Term: 1, Commands: []record.Command{{Kind: record.KindMutation, Mutation: m}}})
	}
	_, err := r.shard.ApplyBatch(entries)
	must(t, err)
	rounds := 0
	for more := true; more; rounds++ {
		_, err := r.shard.Apply(n+1+uint64(rounds), 1, []record.Command{{Kind: record.KindCollect, Floor: n}})
		must(t, err)
		more, err = r.shard.Collectable()
		must(t, err)
	}
	if rounds != 2 {
		t.Fatalf("collected %d versions in %d rounds", n, rounds)
	}
	r.check(t)
}
