package storage

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"pgregory.net/rapid"

	"vertebra/storage/record"
)

// The table of keys.
func Example_layout() {
	k := record.Key{Subject: "9000000009", Table: record.RelatedPersons, Rest: "A\x00"}
	p := record.Posting{Field: 7, Value: []byte("smith|1970")}
	for _, row := range []struct {
		name string
		key  []byte
	}{
		{"record", appendVersion(appendRecord(nil, k), 5)},
		{"search record", appendVersion(appendRecord(nil, documentKey(k)), 5)},
		{"posting", appendPosting(nil, 1, p, k)},
		{"bookkeeping", appendSpace(nil, spaceState, 1)},
		{"note", append(appendSpace(nil, spaceLocal, 1), "name"...)},
		{"queue", appendIndexed(nil, spaceQueue, 1, 5, 2)},
		{"garbage", appendIndexed(nil, spaceGarbage, 1, 5, 2)},
		{"expiry", appendIndexed(nil, spaceExpiry, 1, 5, 2)},
		{"event", appendIndexed(nil, spaceEvent, 1, 5, 2)},
	} {
		fmt.Printf("%-13s %s\n", row.name, pebble.DefaultComparer.FormatKey(row.key))
	}
	// Output:
	// record        d\x0a\xb1\x039000000009\x00\x01A\x00\xff\x00\x01\xff\xff\xff\xff\xff\xff\xff\xfa
	// search record d\x0a\xb1\xfa9000000009\x00\x01\x03A\x00\xff\x00\x01\xff\xff\xff\xff\xff\xff\xff\xfa
	// posting       p\x00\x01\x00\x07smith|1970\x00\x01\x0a\xb19000000009\x00\x01\x03A\x00\xff\x00\x01
	// bookkeeping   s\x00\x01
	// note          l\x00\x01name
	// queue         q\x00\x01\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x02
	// garbage       g\x00\x01\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x02
	// expiry        x\x00\x01\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x02
	// event         e\x00\x01\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x02
}

// awkward draws strings of the bytes that keys treat specially.
func awkward(t *rapid.T, label string) string {
	return string(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 'a', 0xfe, 0xff}), 0, 5).Draw(t, label))
}

func awkwardKey(t *rapid.T) record.Key {
	table := rapid.SampledFrom([]record.Table{1, 2, 250, 255}).Draw(t, "table")
	return record.Key{Subject: record.Subject(awkward(t, "subject")), Table: table, Rest: awkward(t, "rest")}
}

func TestKeysReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, index := awkwardKey(t), rapid.Uint64().Draw(t, "index")
		got, at, err := cutRecord(appendVersion(appendRecord(nil, k), index))
		if err != nil || got != k || at != index {
			t.Fatalf("record: %q %d %v", string(got.Subject)+got.Rest, at, err)
		}
		p := record.Posting{Field: rapid.Uint16().Draw(t, "field"), Value: []byte(awkward(t, "value"))}
		field, posting, err := cutPosting(appendPosting(nil, 1, p, k))
		if err != nil || field != p.Field || posting.Key != k || !bytes.Equal(posting.Value, p.Value) {
			t.Fatalf("posting: %d %q %v", field, posting.Value, err)
		}
	})
}

// TestKeysKeepOrder: the order of keys is the order of what they are made of, and
// the comparer keeps what pebble asks of it.
func TestKeysKeepOrder(t *testing.T) {
	c := newComparer()
	rapid.Check(t, func(t *rapid.T) {
		a, b := awkward(t, "a"), awkward(t, "b")
		if got, want := bytes.Compare(appendPart(nil, a), appendPart(nil, b)), bytes.Compare([]byte(a), []byte(b)); got != want {
			t.Fatalf("%q and %q compare as %d, want %d", a, b, got, want)
		}
		ka, kb := appendRecord(nil, awkwardKey(t)), appendRecord(nil, awkwardKey(t))
		va, vb := appendVersion(slices.Clone(ka), 9), appendVersion(slices.Clone(kb), 3)
		if c.Split(va) != len(ka) || c.Split(ka) != len(ka) {
			t.Fatalf("split of %q at %d, want %d", va, c.Split(va), len(ka))
		}
		if !bytes.Equal(ka, kb) && bytes.Compare(ka, kb) != bytes.Compare(va, vb) {
			t.Fatalf("%q and %q are not in the order of their prefixes", va, vb)
		}
		after := c.ImmediateSuccessor(nil, ka)
		if bytes.Compare(after, appendVersion(slices.Clone(ka), 0)) <= 0 {
			t.Fatalf("%q is not behind all versions of %q", after, ka)
		}
		if bytes.Compare(ka, kb) < 0 && bytes.Compare(after, kb) > 0 {
			t.Fatalf("%q is behind the next record %q", after, kb)
		}
	})
}

// TestValueSpan: a span of values takes exactly the values between its ends.
func TestValueSpan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low, value, high := awkward(t, "low"), awkward(t, "value"), awkward(t, "high")
		s := valueSpan(1, 7, []byte(low), []byte(high))
		key := appendPosting(nil, 1, record.Posting{Field: 7, Value: []byte(value)}, awkwardKey(t))
		inside := bytes.Compare(s.low, key) <= 0 && bytes.Compare(key, s.high) < 0
		if want := low <= value && value < high; inside != want {
			t.Fatalf("%q in [%q, %q): %v, want %v", value, low, high, inside, want)
		}
	})
}

// FuzzCutKeys: no bytes make reading a key panic, and what is read is written back equal.
func FuzzCutKeys(f *testing.F) {
	k := record.Key{Subject: "9\x00", Table: 1, Rest: "r"}
	f.Add(appendVersion(appendRecord(nil, k), 5))
	f.Add(appendPosting(nil, 1, record.Posting{Field: 1, Value: []byte("v\x00")}, k))
	f.Add([]byte("d\x00\x00\x01\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if end := recordSplit(b); end < 0 || end > len(b) {
			t.Fatalf("split at %d of %d", end, len(b))
		}
		if k, index, err := cutRecord(b); err == nil && k.Slot() == slotOf(b) {
			if again := appendVersion(appendRecord(nil, k), index); !bytes.Equal(again, b) {
				t.Fatalf("%q read back as %q", b, again)
			}
		}
		cutPosting(b)
		cutIndexed(b)
	})
}
