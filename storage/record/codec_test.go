package record

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func drawBytes(t *rapid.T, label string) []byte {
	if b := rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, label); len(b) > 0 {
		return b
	}
	return nil // which is what an empty one is read back as
}

func drawKey(t *rapid.T) Key {
	return Key{
		Subject: Subject(rapid.String().Draw(t, "subject")),
		Table:   Table(rapid.Byte().Draw(t, "table")),
		Rest:    string(drawBytes(t, "rest")),
	}
}

func drawList[T any](t *rapid.T, label string, one func() T) (list []T) {
	for range rapid.IntRange(0, 3).Draw(t, label) {
		list = append(list, one())
	}
	return list
}

func drawMutation(t *rapid.T) Mutation {
	m := Mutation{
		Subject: Subject(rapid.StringN(0, 20, MaxSubjectBytes).Draw(t, "subject")),
		Time:    rapid.Int64().Draw(t, "time"),
		Reads:   drawList(t, "reads", func() Read { return Read{Key: drawKey(t), Version: rapid.Uint64().Draw(t, "version")} }),
		Writes: drawList(t, "writes", func() Write {
			return Write{
				Key: drawKey(t), Version: rapid.Uint64().Draw(t, "version"), KeepHistory: rapid.Bool().Draw(t, "keep"),
				Attributes: drawBytes(t, "attributes"), Body: drawBytes(t, "body"), Document: drawBytes(t, "document"),
				Postings: drawList(t, "postings", func() Posting {
					return Posting{Field: rapid.Uint16().Draw(t, "field"), Value: drawBytes(t, "value")}
				}),
			}
		}),
		Appends: drawList(t, "appends", func() Append { return Append{Key: drawKey(t), Body: drawBytes(t, "body")} }),
		Events: drawList(t, "events", func() Event {
			return Event{Type: rapid.String().Draw(t, "type"), Subject: drawKey(t).Subject, Body: drawBytes(t, "body")}
		}),
	}
	if id := rapid.Byte().Draw(t, "request"); id > 0 {
		m.Request = RequestID{id}
		m.Outcome = Outcome{
			Status: rapid.Uint16().Draw(t, "status"), Version: rapid.Uint64().Draw(t, "version"),
			Subject: drawKey(t).Subject, Note: drawBytes(t, "note"),
		}
	}
	return m
}

func drawCommand(t *rapid.T) Command {
	c := Command{Kind: Kind(rapid.IntRange(int(KindMarker), int(KindWipe)).Draw(t, "kind"))}
	switch c.Kind {
	case KindMutation:
		c.Mutation = drawMutation(t)
	case KindCollect:
		c.Floor = rapid.Uint64().Draw(t, "floor")
	case KindWipe:
		c.Keep = drawList(t, "keep", func() Table { return Table(rapid.Byte().Draw(t, "table")) })
	}
	return c
}

// TestCommandReadsBack: what is written reads back equal, and nothing shorter or
// longer reads at all.
func TestCommandReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawCommand(t)
		b, err := want.AppendBinary([]byte("before"))
		if errors.Is(err, ErrTooLarge) {
			t.Skip("a subject over the limit")
		}
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(b, []byte("before")) {
			t.Fatal("what was there is gone")
		}
		b = b[len("before"):]
		got, err := DecodeCommand(b)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%#v reads back as %#v, %v", want, got, err)
		}
		cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
		if _, err := DecodeCommand(b[:cut]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%d of %d bytes read: %v", cut, len(b), err)
		}
		if _, err := DecodeCommand(append(b, 0)); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("a byte too many read: %v", err)
		}
	})
}

func TestOutcomeReadsBack(t *testing.T) {
	want := Outcome{Status: 201, Version: 7, Subject: "9000000009", Note: []byte("id")}
	got, err := DecodeOutcome(want.AppendBinary(nil))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%#v, %v", got, err)
	}
	if _, err := DecodeOutcome(nil); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("nothing read: %v", err)
	}
}

// TestCommandLimits: whatever is over a limit is refused, and leaves the buffer as it was.
func TestCommandLimits(t *testing.T) {
	long := Subject(strings.Repeat("9", MaxSubjectBytes+1))
	rest := strings.Repeat("r", MaxRestBytes+1)
	for name, m := range map[string]Mutation{
		"subject": {Subject: long},
		"read":    {Reads: []Read{{Key: Key{Subject: long}}}},
		"write":   {Writes: []Write{{Key: Key{Rest: rest}}}},
		"append":  {Appends: []Append{{Key: Key{Rest: rest}}}},
		"whole":   {Writes: []Write{{Body: make([]byte, MaxMutationBytes)}}},
		"posting": {Writes: []Write{{Postings: []Posting{{Value: make([]byte, MaxPostingBytes+1)}}}}},
	} {
		c := Command{Kind: KindMutation, Mutation: m}
		b, err := c.AppendBinary([]byte("x"))
		if !errors.Is(err, ErrTooLarge) || string(b) != "x" {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
}

func TestUnknownKind(t *testing.T) {
	c := Command{Kind: 99}
	if _, err := c.AppendBinary(nil); err == nil {
		t.Fatal("a kind that nobody knows was written")
	}
	for _, b := range [][]byte{nil, {format}, {format, 99}, {format + 1, byte(KindMarker)}} {
		if _, err := DecodeCommand(b); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%v: %v", b, err)
		}
	}
}

// TestDecodeAllocates: a short input cannot make the reader allocate much, whatever
// counts it claims.
func TestDecodeAllocates(t *testing.T) {
	b := append([]byte{format, byte(KindMutation), 0, 0, 0}, bytes.Repeat([]byte{0x7f}, 200)...)
	if n := testing.AllocsPerRun(10, func() { DecodeCommand(b) }); n > 64 {
		t.Fatalf("%v allocations for %d bytes", n, len(b))
	}
}

// FuzzDecodeCommand: no bytes make the reader panic, and what it takes for a command
// is one: written again it reads back equal.
func FuzzDecodeCommand(f *testing.F) {
	for _, c := range seeds() {
		b, err := c.AppendBinary(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := DecodeCommand(b)
		if err != nil {
			return
		}
		again, err := c.AppendBinary(nil)
		if errors.Is(err, ErrTooLarge) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeCommand(again)
		if err != nil || !reflect.DeepEqual(back, c) {
			t.Fatalf("%#v reads back as %#v, %v", c, back, err)
		}
	})
}

func seeds() []Command {
	k := Key{Subject: "9000000009", Table: Demographics, Rest: "r\x00"}
	return []Command{
		{Kind: KindMarker},
		{Kind: KindCollect, Floor: 1 << 40},
		{Kind: KindWipe, Keep: []Table{Applications, Tokens}},
		{Kind: KindMutation, Mutation: Mutation{
			Subject: k.Subject, Time: -1, Request: RequestID{1}, Outcome: Outcome{Status: 200, Version: 2, Subject: k.Subject},
			Reads: []Read{{Key: k, Version: 1}},
			Writes: []Write{{
				Key: k, Version: 2, KeepHistory: true, Attributes: []byte{1}, Body: []byte("{}"), Document: []byte("d"),
				Postings: []Posting{{Field: 300, Value: []byte("smith")}},
			}},
			Appends: []Append{{Key: k, Body: []byte("line")}},
			Events:  []Event{{Type: "changed", Subject: k.Subject, Body: []byte("fact")}},
		}},
	}
}

// TestSubjectNeverPrints: whatever prints a subject, or what holds one, prints its
// short hash.
func TestSubjectNeverPrints(t *testing.T) {
	const number = "9000000009"
	k := Key{Subject: number, Table: Demographics}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{Subject(number), k, &k, []Key{k}, Mutation{Subject: number}} {
			if out := fmt.Sprintf(verb, v); strings.Contains(out, number) || strings.Contains(out, fmt.Sprintf("%x", number)) {
				t.Errorf("%s prints %s", verb, out)
			}
		}
	}
}

func TestSlots(t *testing.T) {
	if s := Subject(ControlPrefix + "clock").Slot(); s != ControlSlot {
		t.Errorf("the control group's subject is in slot %d", s)
	}
	used := map[Slot]bool{}
	for i := range 100_000 {
		s := Subject(fmt.Sprint("9", i)).Slot()
		if s >= Slots {
			t.Fatalf("slot %d", s)
		}
		used[s] = true
	}
	if len(used) != Slots {
		t.Errorf("%d of %d slots in use", len(used), Slots)
	}
}

func BenchmarkDecodeCommand(b *testing.B) {
	all := seeds()
	c := all[len(all)-1]
	c.Mutation.Writes[0].Body = make([]byte, 2500)
	data, err := c.AppendBinary(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := DecodeCommand(data); err != nil {
			b.Fatal(err)
		}
	}
}
