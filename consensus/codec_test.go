package consensus

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"pgregory.net/rapid"
)

func proposalsOf() *rapid.Generator[[]Proposal] {
	one := rapid.Custom(func(t *rapid.T) Proposal {
		return Proposal{
			Footprint: rapid.SliceOfN(rapid.Uint64(), 0, 5).Draw(t, "footprint"),
			Payload:   rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "payload"),
		}
	})
	return rapid.SliceOfN(one, 0, 20)
}

func TestEntryRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		proposals := proposalsOf().Draw(t, "proposals")
		size := entryHeaderSize
		var want Footprint
		for _, p := range proposals {
			size += p.size()
			want.Whole = want.Whole || len(p.Footprint) == 0
			want.Hashes = append(want.Hashes, p.Footprint...)
		}
		data := appendEntry(nil, proposals)
		if len(data) > size {
			t.Fatalf("%d bytes, promised at most %d", len(data), size)
		}
		got, err := EntryFootprint(data)
		if err != nil || got.Whole != want.Whole || !slices.Equal(got.Hashes, want.Hashes) {
			t.Fatalf("footprint %v (%v), want %v", got, err, want)
		}
		payloads, err := EntryPayloads(nil, data)
		if err != nil || len(payloads) != len(proposals) {
			t.Fatalf("%d payloads of %d: %v", len(payloads), len(proposals), err)
		}
		for i, p := range payloads {
			if !bytes.Equal(p, proposals[i].Payload) {
				t.Fatalf("payload %d differs", i)
			}
		}
		cut := rapid.IntRange(0, len(data)-1).Draw(t, "cut")
		if _, err := EntryPayloads(nil, data[:cut]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut at %d of %d: %v", cut, len(data), err)
		}
	})
}

func TestTooManyHashesTouchTheWholeGroup(t *testing.T) {
	data := appendEntry(nil, []Proposal{{Footprint: []uint64{1}}, {Footprint: make([]uint64, maxFootprint+1)}})
	if f, err := EntryFootprint(data); err != nil || !f.Whole || !slices.Equal(f.Hashes, []uint64{1}) {
		t.Errorf("got %v, %v", f, err)
	}
	marker := appendEntry(nil, nil)
	if f, err := EntryFootprint(marker); err != nil || f.Whole || f.Hashes != nil {
		t.Errorf("a marker touches %v, %v", f, err)
	}
}

func TestLogEntryRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := raft.Log{
			Index:      rapid.Uint64().Draw(t, "index"),
			Term:       rapid.Uint64().Draw(t, "term"),
			Type:       raft.LogType(rapid.Byte().Draw(t, "type")),
			Data:       rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(t, "data"),
			Extensions: rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(t, "extensions"),
		}
		if at := rapid.Int64().Draw(t, "at"); at != 0 {
			want.AppendedAt = time.Unix(0, at)
		}
		data := appendLogEntry(nil, &want)
		if len(data) > logEntrySize(&want) {
			t.Fatalf("%d bytes, promised at most %d", len(data), logEntrySize(&want))
		}
		var got raft.Log
		if err := decodeLogEntry(data, want.Index, &got); err != nil {
			t.Fatal(err)
		}
		if got.Index != want.Index || got.Term != want.Term || got.Type != want.Type || !got.AppendedAt.Equal(want.AppendedAt) ||
			!bytes.Equal(got.Data, want.Data) || !bytes.Equal(got.Extensions, want.Extensions) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		if err := decodeLogEntry(data, want.Index+1, &got); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("found at the wrong index: %v", err)
		}
	})
}

// FuzzEntry: whatever comes over the wire is decoded or refused, never more, and
// what is decoded is the same when it is encoded again.
func FuzzEntry(f *testing.F) {
	f.Add(appendEntry(nil, nil))
	f.Add(appendEntry(nil, []Proposal{{Payload: []byte("x")}}))
	f.Add(appendEntry(nil, []Proposal{{Footprint: []uint64{1, 2}, Payload: []byte("xy")}, {Payload: nil}}))
	f.Add([]byte{1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{1, 1, 0, 0x80, 0x80, 0x80, 0x80, 0x10})
	f.Fuzz(func(t *testing.T, data []byte) {
		footprint, err := EntryFootprint(data)
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
		payloads, err := EntryPayloads(nil, data)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		proposals := make([]Proposal, len(payloads))
		for i, p := range payloads {
			proposals[i].Payload = p
		}
		again, err := EntryPayloads(nil, appendEntry(nil, proposals))
		if err != nil || !slices.EqualFunc(again, payloads, bytes.Equal) {
			t.Fatalf("payloads of %x changed: %v; footprint %v", data, err, footprint)
		}
	})
}

// FuzzLogEntry: what a disk gives back is decoded or refused.
func FuzzLogEntry(f *testing.F) {
	f.Add(appendLogEntry(nil, &raft.Log{Index: 1, Term: 1, Data: []byte("x")}), uint64(1))
	f.Add(appendLogEntry(nil, &raft.Log{Index: 2, Extensions: []byte("e"), AppendedAt: time.Unix(1, 2)}), uint64(2))
	f.Add([]byte{1}, uint64(0))
	f.Fuzz(func(t *testing.T, data []byte, index uint64) {
		var l raft.Log
		if err := decodeLogEntry(data, index, &l); err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		var again raft.Log
		if err := decodeLogEntry(appendLogEntry(nil, &l), index, &again); err != nil || again.Term != l.Term ||
			!bytes.Equal(again.Data, l.Data) || !bytes.Equal(again.Extensions, l.Extensions) {
			t.Fatalf("%+v became %+v: %v", l, again, err)
		}
	})
}

func TestSnapshotDataRoundTrip(t *testing.T) {
	applied, meta, err := decodeSnapshotData(encodeSnapshotData(77, []byte("meta")))
	if err != nil || applied != 77 || string(meta) != "meta" {
		t.Errorf("got %d, %q, %v", applied, meta, err)
	}
	if _, _, err := decodeSnapshotData([]byte("short")); !errors.Is(err, ErrCorrupt) {
		t.Errorf("short data: %v", err)
	}
}
