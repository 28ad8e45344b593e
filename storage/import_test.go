package storage

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"vertebra/storage/record"
)

// blackout is a file system that takes what a loss of power would leave, once, at one
// of the operations on it.
type blackout struct {
	fs   *CrashableFS
	seed uint64
	left atomic.Int64 // operations until then; negative before it is armed and after
	dark atomic.Pointer[CrashableFS]
}

func newBlackout(seed uint64) *blackout {
	b := &blackout{fs: NewCrashableMemFS(), seed: seed}
	b.left.Store(-1)
	return b
}

func (b *blackout) wrapped() FS {
	return errorfs.Wrap(b.fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if b.left.Load() >= 0 && op.Kind.ReadOrWrite() == errorfs.OpIsWrite && b.left.Add(-1) == -1 {
			b.strike()
		}
		return nil
	}))
}

func (b *blackout) strike() { b.dark.Store(CrashClone(b.fs, int(b.seed*37%101), b.seed)) }

func openOn(t failer, fs FS) *replica {
	t.Helper()
	s, err := Open("data", Options{FS: fs, CacheBytes: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	shard, err := s.Shard(1, 0, record.Slots-1)
	if err != nil {
		t.Fatal(err)
	}
	return &replica{store: s, shard: shard}
}

// TestImportCrash: wherever power is lost in an import, the shard is found as it was
// after some entry of its old state, or as the snapshot was; once Commit has returned,
// as the snapshot was. The import then goes on with the parts that are there.
func TestImportCrash(t *testing.T) {
	const last = 40
	operations := int64(1 << 40) // that an import takes, as the first seed finds
	from := openReplica(t, NewCrashableMemFS())
	defer from.close(t)
	_, err := from.shard.ApplyBatch(changes(1, last))
	must(t, err)
	want := sharedContents(t, from)
	old := olderContents(t, last)
	var before, after, kept int
	for seed := range uint64(crashSeeds) {
		r := rand.New(rand.NewPCG(seed, 5))
		b := newBlackout(seed)
		to := openOn(t, b.wrapped())
		had := r.Uint64N(last)
		_, err := to.shard.ApplyBatch(changes(1, had))
		must(t, err)
		must(t, to.shard.SetLocal("note", []byte("old")))
		if r.IntN(2) == 0 {
			to.flush(t)
		}
		snapshot := snapshotOf(t, from.shard)
		moment := r.Int64N(operations)
		if seed%3 == 0 {
			moment = operations - 1 - moment/10 // most happens at the end
		}
		b.left.Store(moment)
		transferNoting(t, snapshot, to.store)
		left := b.left.Swap(-1)
		done := left >= 0
		if done {
			operations = min(operations, moment-left+5)
			b.strike() // Commit has returned: all of it must be there
		}
		to.close(t)

		to = openReplica(t, b.dark.Load())
		got := sharedContents(t, to)
		switch found := to.shard.AppliedIndex(); {
		case found == last:
			after++
			sameContents(t, got, want)
			if note, err := to.shard.Local("note"); err != nil || string(note) != "new" {
				t.Fatalf("seed %d: the note is %q, %v", seed, note, err)
			}
		case done:
			t.Fatalf("seed %d: Commit returned, and the shard is found at %d", seed, found)
		case found > had:
			t.Fatalf("seed %d: found at %d, was at %d", seed, found, had)
		default:
			before++
			sameContents(t, got, old[found])
		}
		kept += transferNoting(t, snapshot, to.store)
		sameContents(t, sharedContents(t, to), want)
		to.check(t)
		sameContents(t, sharedContents(t, to), want)
		to.close(t)
		must(t, snapshot.Close())
	}
	t.Logf("found old %d times, new %d times; %d parts did not have to be sent again", before, after, kept)
	if before < crashSeeds/10 || after < crashSeeds/10 || kept == 0 {
		t.Fatal("power was not lost at telling moments")
	}
}

// transferNoting returns how many parts were there before it.
func transferNoting(t failer, from *Snapshot, to *Store) (kept int) {
	t.Helper()
	i := begin(t, from, to)
	missing := i.Missing()
	for _, n := range missing {
		pull(t, from, i, n)
	}
	if _, err := i.Commit(map[string][]byte{"note": []byte("new")}); err != nil {
		t.Fatal(err)
	}
	return len(i.have) - len(missing)
}

// olderContents is what a shard holds after each entry.
func olderContents(t *testing.T, last uint64) (all []map[string]string) {
	r := openReplica(t, NewCrashableMemFS())
	defer r.close(t)
	for i := range last {
		all = append(all, sharedContents(t, r))
		_, err := r.shard.ApplyBatch(changes(i+1, i+1))
		must(t, err)
	}
	return all
}

// filled is a replica with entries and a snapshot of it in several parts.
func filled(t *testing.T) (*replica, *Snapshot, Manifest) {
	r := openReplica(t, NewCrashableMemFS())
	_, err := r.shard.ApplyBatch(changes(1, 40))
	must(t, err)
	snapshot := snapshotOf(t, r.shard)
	m, err := snapshot.Manifest()
	must(t, err)
	if len(m.Parts) < 8 || m.Index != 40 {
		t.Fatalf("%d parts at %d", len(m.Parts), m.Index)
	}
	t.Cleanup(func() {
		must(t, snapshot.Close())
		r.close(t)
	})
	return r, snapshot, m
}

// TestPartRefused: no byte of a part can change, no part stand for another, and no
// manifest say what its parts do not.
func TestPartRefused(t *testing.T) {
	_, snapshot, m := filled(t)
	to := openReplica(t, NewCrashableMemFS())
	defer to.close(t)
	i := begin(t, snapshot, to.store)
	part, err := snapshot.Part(1)
	must(t, err)
	r := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		bad := bytes.Clone(part)
		bad[r.IntN(len(bad))] ^= byte(1 + r.IntN(255))
		if err := i.Add(1, bad); !errors.Is(err, ErrPart) {
			t.Fatalf("a damaged part: %v", err)
		}
	}
	for name, bad := range map[string][]byte{
		"cut": part[:len(part)-9], "empty": nil, "no table": seal([]byte("table")), "nothing": seal(nil),
	} {
		if err := i.Add(1, bad); !errors.Is(err, ErrPart) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, n := range []int{-1, 0, 2, len(m.Parts)} {
		if err := i.Add(n, part); !errors.Is(err, ErrPart) {
			t.Errorf("part 1 as %d: %v", n, err)
		}
	}
	if _, err := i.Commit(nil); !errors.Is(err, ErrPart) {
		t.Errorf("committed without its parts: %v", err)
	}
	if to.shard.AppliedIndex() != 0 {
		t.Error("something was imported")
	}
}

// TestManifestRefused: a part left out, or out of place, is seen before one is sent;
// an applied index that is not that of the parts when they come.
func TestManifestRefused(t *testing.T) {
	_, snapshot, m := filled(t)
	for n := range m.Parts {
		bad := m
		bad.Parts = slices.Delete(slices.Clone(m.Parts), n, n+1)
		if _, err := DecodeManifest(bad.AppendBinary(nil)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("without part %d: %v", n, err)
		}
		bad.Parts = append(slices.Clone(m.Parts), m.Parts[n])
		if _, err := DecodeManifest(bad.AppendBinary(nil)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("with part %d twice: %v", n, err)
		}
	}
	b := m.AppendBinary(nil)
	for n := range b {
		if _, err := DecodeManifest(b[:n]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%d of %d bytes: %v", n, len(b), err)
		}
	}
	for name, index := range map[string]uint64{"ahead": m.Index + 1, "behind": m.Index - 1} {
		to := openReplica(t, NewCrashableMemFS())
		bad := m
		bad.Index = index
		i, err := to.store.Import(bad)
		must(t, err)
		refused := 0
		for n := range m.Parts {
			part, err := snapshot.Part(n)
			must(t, err)
			if err := i.Add(n, part); errors.Is(err, ErrPart) {
				refused++
			}
		}
		if refused == 0 {
			t.Errorf("an applied index %s of the parts was taken", name)
		}
		to.close(t)
	}
}

// TestPartsAreMadeAgain: a part is the same however often it is asked for, whatever is
// applied, collected, wiped and compacted meanwhile.
func TestPartsAreMadeAgain(t *testing.T) {
	r, snapshot, m := filled(t)
	want := sharedContents(t, r)
	var first [][]byte
	for n := range m.Parts {
		part, err := snapshot.Part(n)
		must(t, err)
		first = append(first, part)
	}
	_, err := r.shard.ApplyBatch(changes(41, 60))
	must(t, err)
	_, err = r.shard.Apply(61, 1, []record.Command{{Kind: record.KindWipe}})
	must(t, err)
	r.flush(t)
	must(t, r.store.state.Compact(t.Context(), []byte{0}, []byte{0xff}, false))
	for n := range m.Parts {
		part, err := snapshot.Part(n)
		must(t, err)
		if !bytes.Equal(part, first[n]) {
			t.Fatalf("part %d is another", n)
		}
	}
	to := openReplica(t, NewCrashableMemFS())
	defer to.close(t)
	transfer(t, snapshot, to.store)
	sameContents(t, sharedContents(t, to), want)
}

// TestImportOverOpenShard: views made before go on seeing what they saw, new ones see
// the new state, older ones than its floor are refused; an older snapshot is.
func TestImportOverOpenShard(t *testing.T) {
	from, snapshot, m := filled(t)
	to := openReplica(t, NewCrashableMemFS())
	defer to.close(t)
	_, err := to.shard.ApplyBatch(changes(1, 6))
	must(t, err)
	v, err := to.shard.View(6)
	must(t, err)
	before := readAll(t, v)
	if got := transfer(t, snapshot, to.store); got != to.shard || got.AppliedIndex() != 40 || got.DurableIndex() != 40 {
		t.Fatalf("applied %d, durable %d", got.AppliedIndex(), got.DurableIndex())
	}
	if after := readAll(t, v); !reflect.DeepEqual(after, before) {
		t.Fatalf("the view saw %v, sees %v", before, after)
	}
	v.Close()
	if _, err := to.shard.View(6); !errors.Is(err, ErrCollected) {
		t.Fatalf("a view below the floor: %v", err)
	}
	for q, err := range to.shard.Queue(0, 99) {
		t.Fatalf("in the queue: %v, %v", q.Index, err)
	}
	for _, r := range []*replica{from, to} {
		_, err := r.shard.ApplyBatch(changes(41, 50))
		must(t, err)
	}
	equalChecksums(t, from.shard, to.shard)
	if _, err := to.store.Import(m); !errors.Is(err, ErrOutOfOrder) {
		t.Fatalf("an older snapshot: %v", err)
	}
}

// TestImportResumes: parts that came before a restart are kept for the same manifest,
// and forgotten for another.
func TestImportResumes(t *testing.T) {
	r, snapshot, m := filled(t)
	to := openReplica(t, NewCrashableMemFS())
	i := begin(t, snapshot, to.store)
	for n := range 3 {
		pull(t, snapshot, i, n*2)
	}
	pull(t, snapshot, i, 4) // once more
	to.close(t)
	to = openReplica(t, to.fs)
	defer func() { to.close(t) }()
	i = begin(t, snapshot, to.store)
	if got := len(i.Missing()); got != len(m.Parts)-3 || slices.Contains(i.Missing(), 4) {
		t.Fatalf("%d of %d parts are missing", got, len(m.Parts))
	}
	_, err := r.shard.ApplyBatch(changes(41, 50))
	must(t, err)
	next := snapshotOf(t, r.shard)
	defer next.Close()
	i = begin(t, next, to.store)
	if nm, _ := next.Manifest(); len(i.Missing()) != len(nm.Parts) {
		t.Fatal("parts of another snapshot were kept")
	}
	if got := transfer(t, next, to.store); got.AppliedIndex() != 50 {
		t.Fatalf("applied %d", got.AppliedIndex())
	}
	if left, _ := to.fs.List("data/import"); len(left) != 0 {
		t.Fatalf("left over: %v", left)
	}
}

// TestSnapshotBesideApply: a shard is exported while it is applied to. Run with -race too.
func TestSnapshotBesideApply(t *testing.T) {
	r := openReplica(t, NewCrashableMemFS())
	defer r.close(t)
	_, err := r.shard.ApplyBatch(changes(1, 20))
	must(t, err)
	done := make(chan error, 1)
	go func() {
		for next := uint64(21); next <= 400; next++ {
			if _, err := r.shard.ApplyBatch(changes(next, next)); err != nil {
				done <- err
				return
			}
		}
		done <- r.shard.Flush()
	}()
	for applying := true; applying; {
		select {
		case err := <-done:
			must(t, err)
			applying = false
		default:
		}
		snapshot := snapshotOf(t, r.shard)
		to := openReplica(t, NewCrashableMemFS())
		transfer(t, snapshot, to.store)
		alone := openReplica(t, NewCrashableMemFS())
		_, err := alone.shard.ApplyBatch(changes(1, snapshot.Index()))
		must(t, err)
		sameContents(t, sharedContents(t, to), sharedContents(t, alone))
		must(t, snapshot.Close())
		to.close(t)
		alone.close(t)
	}
}

// TestPace: the caller says how fast a snapshot is read, and can end it.
func TestPace(t *testing.T) {
	r := openReplica(t, NewCrashableMemFS())
	defer r.close(t)
	for i := range uint64(100) {
		w := record.Write{Key: record.Key{Subject: benchSubject(int(i)), Table: record.Demographics}, Version: 1, Body: make([]byte, 20_000)}
		m := record.Mutation{Subject: w.Key.Subject, Writes: []record.Write{w}}
		_, err := r.shard.Apply(i+1, 1, []record.Command{{Kind: record.KindMutation, Mutation: m}})
		must(t, err)
	}
	snapshot, err := r.shard.Snapshot()
	must(t, err)
	defer snapshot.Close()
	read := 0
	snapshot.Pace = func(n int) error { read += n; return nil }
	m, err := snapshot.Manifest()
	must(t, err)
	if all := int(m.Bytes()); all < 2_000_000 || read > all || read < all-300_000 {
		t.Fatalf("told of %d of %d bytes", read, all)
	}
	enough := errors.New("enough")
	snapshot.Pace = func(int) error { return enough }
	if _, err := snapshot.Part(0); !errors.Is(err, enough) {
		t.Fatalf("ended with %v", err)
	}
}

func TestSnapshotOfNothing(t *testing.T) {
	r := openReplica(t, NewCrashableMemFS())
	defer r.close(t)
	if _, err := r.shard.Snapshot(); !errors.Is(err, ErrNotApplied) {
		t.Fatalf("%v", err)
	}
}

// TestImportRange: other slots than the shard has, or than are free, are refused.
func TestImportRange(t *testing.T) {
	_, _, m := filled(t)
	for _, slots := range [][2]record.Slot{{0, 99}, {99, 200}} {
		s, err := Open("data", Options{FS: NewMemFS()})
		must(t, err)
		_, err = s.Shard(ShardID(1+slots[0]/99), slots[0], slots[1])
		must(t, err)
		if _, err := s.Import(m); !errors.Is(err, ErrShardRange) {
			t.Errorf("slots %v: %v", slots, err)
		}
		must(t, s.Close())
	}
}

// TestNeighbour: an import and a drop leave the other shards of the store alone.
func TestNeighbour(t *testing.T) {
	const half = record.Slots / 2
	fs := NewCrashableMemFS()
	s, err := Open("data", Options{FS: fs})
	must(t, err)
	shards := make([]*Shard, 2)
	for id := range shards {
		low := record.Slot(id) * half
		shards[id], err = s.Shard(ShardID(id), low, low+half-1)
		must(t, err)
	}
	for i := range 200 {
		c := benchMutation(i, 0, 1)
		shard := shards[c.Mutation.Subject.Slot()/half]
		_, err := shard.Apply(shard.AppliedIndex()+1, 1, []record.Command{c})
		must(t, err)
	}
	others := func() map[string]string {
		out := make(map[string]string)
		for kv, err := range scan(s.state, span{}) {
			must(t, err)
			if !holds(shards[1], kv.key) {
				out[string(kv.key)] = string(kv.value)
			}
		}
		return out
	}
	before := others()
	snapshot := snapshotOf(t, shards[1])
	transfer(t, snapshot, s)
	must(t, snapshot.Close())
	sameContents(t, others(), before)
	must(t, s.DropShard(1))
	sameContents(t, others(), before)
	must(t, s.Close())
}

// holds says whether a key is of the shard.
func holds(s *Shard, key []byte) bool {
	return slices.ContainsFunc(append(sharedSpans(s.id, s.low, s.high), ownSpans(s.id)...), func(r span) bool {
		return bytes.Compare(r.low, key) <= 0 && bytes.Compare(key, r.high) < 0
	})
}

// TestDropShard: nothing is left of a shard that was dropped, and it comes back new.
func TestDropShard(t *testing.T) {
	r, snapshot, _ := filled(t)
	s, log := r.store, r.store.Log(1)
	must(t, log.Append(1, entriesFor(1, 1, 9)))
	must(t, log.SetStable("vote", []byte("x")))
	must(t, s.Log(2).SetStable("vote", []byte("y")))
	must(t, r.shard.SetLocal("note", []byte("old")))
	must(t, s.DropShard(1))
	if _, err := r.shard.View(3); !errors.Is(err, ErrDropped) {
		t.Errorf("a view: %v", err)
	}
	if _, err := r.shard.Snapshot(); !errors.Is(err, ErrDropped) {
		t.Errorf("a snapshot: %v", err)
	}
	if _, err := r.shard.Apply(99, 1, nil); !errors.Is(err, ErrDropped) {
		t.Errorf("applied: %v", err)
	}
	if err := r.shard.SetLocal("note", nil); !errors.Is(err, ErrDropped) {
		t.Errorf("noted: %v", err)
	}
	expectGone(t, s)
	if vote, err := s.Log(2).Stable("vote"); err != nil || string(vote) != "y" {
		t.Errorf("the other log's vote is %q, %v", vote, err)
	}
	shard, err := s.Shard(1, 0, 99) // other slots, even
	must(t, err)
	if shard.AppliedIndex() != 0 {
		t.Errorf("applied %d", shard.AppliedIndex())
	}
	must(t, log.Append(100, entriesFor(1, 100, 1)))
	expectBounds(t, log, 100, 100)
	must(t, s.DropShard(1))
	transfer(t, snapshot, s) // the snapshot outlived the shard
	report, err := s.Check(CheckOptions{})
	if err != nil || report.Findings != 0 || report.Shards != 1 {
		t.Fatalf("check: %+v, %v", report, err)
	}
}

func expectGone(t *testing.T, s *Store) {
	t.Helper()
	for kv, err := range scan(s.state, span{}) {
		if err != nil || kv.key[0] != spaceMeta {
			t.Fatalf("left in the state: %q, %v", kv.key[:1], err)
		}
	}
	for kv, err := range scan(s.logs, within(s.Log(1).key(logEntry)[:4])) {
		t.Fatalf("left in the log: %q, %v", kv.key, err)
	}
}

// TestDropCrash: a shard is found whole or gone, never its state without its log or
// the other way round.
func TestDropCrash(t *testing.T) {
	const operations = 24
	var whole, gone int
	for seed := range uint64(crashSeeds) {
		r := rand.New(rand.NewPCG(seed, 6))
		b := newBlackout(seed)
		a := openOn(t, b.wrapped())
		_, err := a.shard.ApplyBatch(changes(1, 20))
		must(t, err)
		a.flush(t)
		must(t, a.store.Log(1).Append(1, entriesFor(1, 1, 20)))
		must(t, a.store.Log(1).SetStable("vote", []byte("x")))
		b.left.Store(r.Int64N(operations))
		must(t, a.store.DropShard(1))
		done := b.left.Swap(-1) >= 0
		if done {
			b.strike()
		}
		a.close(t)
		s, err := Open("data", Options{FS: b.dark.Load()})
		must(t, err)
		shard, err := s.Shard(1, 0, record.Slots-1)
		must(t, err)
		vote, err := s.Log(1).Stable("vote")
		must(t, err)
		switch _, last, err := s.Log(1).Bounds(); {
		case err != nil:
			t.Fatal(err)
		case shard.AppliedIndex() == 20 && last == 20 && string(vote) == "x" && !done:
			whole++
		case shard.AppliedIndex() == 0 && last == 0 && vote == nil:
			gone++
			expectGone(t, s)
		default:
			t.Fatalf("seed %d: applied %d, log to %d, vote %q, dropped %v", seed, shard.AppliedIndex(), last, vote, done)
		}
		must(t, s.Close())
	}
	t.Logf("found whole %d times, gone %d times", whole, gone)
	if whole == 0 || gone < crashSeeds/4 {
		t.Fatal("power was not lost at telling moments")
	}
}
