package index

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestDocumentKeepsItsValues(t *testing.T) {
	type pair struct {
		f Field
		v string
	}
	rapid.Check(t, func(t *rapid.T) {
		var d Document
		var want []pair
		for range rapid.IntRange(0, 8).Draw(t, "values") {
			p := pair{Field(rapid.Byte().Draw(t, "field")), rapid.StringMatching(`[a-zé]{1,200}`).Draw(t, "value")}
			d = d.With(p.f, p.v).With(p.f, "").With(p.f, "a\x00b")
			want = append(want, p)
		}
		var got []pair
		for f, v := range d.All() {
			got = append(got, pair{f, v})
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		if err := d.Check(); err != nil {
			t.Fatal(err)
		}
		if len(d) > 0 && !errors.Is(d[:len(d)-1].Check(), ErrCorruptDocument) {
			t.Fatalf("%q cut short was not found corrupt", d)
		}
	})
}

func FuzzDocument(f *testing.F) {
	f.Add([]byte(named("smith", "19700314")))
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Add([]byte{1, 0x85, 0x00, 'a', 'b', 'c', 'd', 'e'})
	p := person()
	f.Fuzz(func(t *testing.T, raw []byte) {
		d := Document(raw)
		var again Document
		for field, v := range d.All() {
			again = append(again, Document(nil).With(field, v)...)
		}
		p.Postings(d)
		p.termsOf(d, func(string) {})
		if d.Check() == nil && again.Check() != nil {
			t.Fatalf("%q is whole, its copy is not", raw)
		}
	})
}

func TestPostings(t *testing.T) {
	d := named("smith", "19700314").With(given, "ann").With(given, "jane").With(given, "ann")
	want := []string{
		`1 "smith\x0019700314"`, `3 "sm\x0019700314"`,
		`6 "ann\x00\x0019700314"`, `6 "jane\x00\x0019700314"`,
	}
	var got []string
	for _, p := range person().Postings(d) {
		got = append(got, fmt.Sprintf("%d %q", p.Field, p.Value))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("postings %q, want %q", got, want)
	}
}

func TestPostingsAreBounded(t *testing.T) {
	var d Document
	for i := range 1000 {
		d = d.With(given, fmt.Sprint("g", i)).With(past, fmt.Sprint("p", i))
	}
	if got := len((&Profile{Composites: person().Composites[5:]}).Postings(d)); got != maxPostings {
		t.Errorf("%d postings, want %d", got, maxPostings)
	}
}
