package fhir_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"vertebra/api/fhir"
)

// The classes of the tests: everything, a list's items by their first letter.
func classify(member string, item []byte) (fhir.Class, bool) {
	switch {
	case member == "list" && item == nil:
		return 0, true
	case member == "list":
		use := fhir.MemberText(item, "use")
		if use == "" || use[0] < 'a' || use[0] > 'f' {
			return 3, false
		}
		return fhir.Class(use[0]-'a') + 4, false
	case member == "secret":
		return 1, false
	}
	return 2, false
}

func outline(t testing.TB, body string) []byte {
	t.Helper()
	b, err := fhir.AppendOutline(nil, []byte(body), classify)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return b
}

func TestSplice(t *testing.T) {
	const body = `{"id" : "1", "secret":{"a":"}"}, "list":[{"use":"a"}, {"n":1,"use":"b"},{"use":"\"a"}],"end":[1, 2]}`
	for _, c := range []struct {
		name  string
		shown fhir.Classes
		want  string
	}{
		{"everything", ^fhir.Classes(0), `{"id" : "1","secret":{"a":"}"},"list":[{"use":"a"}, {"n":1,"use":"b"},{"use":"\"a"}],"end":[1, 2]}`},
		{"nothing", 0, `{}`},
		{"no secret, no list", fhir.ClassesOf(2), `{"id" : "1","end":[1, 2]}`},
		{"one item", fhir.ClassesOf(2, 5), `{"id" : "1","list":[{"n":1,"use":"b"}],"end":[1, 2]}`},
		{"two items alone", fhir.ClassesOf(4, 5), `{"list":[{"use":"a"},{"n":1,"use":"b"}]}`},
	} {
		got, ok := fhir.Splice([]byte("before "), []byte(body), outline(t, body), c.shown)
		if !ok || string(got) != "before "+c.want {
			t.Errorf("%s: %s, %v\nwant %s", c.name, got, ok, c.want)
		}
	}
}

func TestSpliceOfEmptyAndScalarLists(t *testing.T) {
	for body, want := range map[string]string{
		`{}`:                   `{}`,
		`{"list":[]}`:          `{"list":[]}`,
		`{"list":null,"id":1}`: `{"id":1}`,
	} {
		got, ok := fhir.Splice(nil, []byte(body), outline(t, body), fhir.ClassesOf(2, 3))
		if !ok || string(got) != want {
			t.Errorf("%s: %s, %v; want %s", body, got, ok, want)
		}
	}
}

func TestAppendOutlineRefusesWhatIsNoObject(t *testing.T) {
	for _, body := range []string{``, `[]`, `{`, `{"a"`, `{"a":`, `{"list":[`, `{"list":[1`, `{,}`, `{]`, `{"list":[}]}`} {
		if _, err := fhir.AppendOutline(nil, []byte(body), classify); err == nil {
			t.Errorf("%q got an outline", body)
		}
	}
}

// Splicing says the same as decoding, filtering and encoding does.
func TestSpliceIsFiltering(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := fhir.NewObject()
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"id", "secret", "list", "end", "x"}), 0, 5, rapid.ID).Draw(t, "names") {
			member := jsonValue(2).Draw(t, name)
			if name == "list" {
				member = fhir.NewArray(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *fhir.Value {
					o := fhir.NewObject(fhir.Property{Name: "x", Value: jsonValue(1).Draw(t, "x")})
					o.Set("use", fhir.NewString(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "use")))
					return o
				}), 1, 4).Draw(t, "items")...)
			}
			v.Set(name, member)
		}
		shown := fhir.Classes(rapid.Uint32().Draw(t, "shown"))
		body := v.JSON()
		outline, err := fhir.AppendOutline(nil, body, classify)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := fhir.Splice(nil, body, outline, shown)
		if want := string(filtered(v, shown).JSON()); !ok || string(got) != want {
			t.Fatalf("spliced  %s\nfiltered %s", got, want)
		}
	})
}

func filtered(v *fhir.Value, shown fhir.Classes) *fhir.Value {
	out := fhir.NewObject()
	for _, p := range v.Properties {
		if p.Name != "list" {
			if class, _ := classify(p.Name, nil); shown.Has(class) {
				out.Set(p.Name, p.Value)
			}
			continue
		}
		list := fhir.NewArray()
		for _, item := range p.Value.Items {
			if class, _ := classify("list", item.JSON()); shown.Has(class) {
				list.Items = append(list.Items, item)
			}
		}
		if len(list.Items) > 0 {
			out.Set("list", list)
		}
	}
	return out
}

// A damaged outline, or one of another body, may give a wrong view but no panic; one
// that points outside is refused, and dst is as it was.
func TestSpliceSurvivesAnyOutline(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		outline := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "outline")
		body := []byte(rapid.StringN(0, 60, 60).Draw(t, "body"))
		dst, ok := fhir.Splice([]byte("x"), body, outline, ^fhir.Classes(0))
		if !ok && string(dst) != "x" {
			t.Fatalf("refused, and left %q", dst)
		}
	})
}

func TestMemberText(t *testing.T) {
	for body, want := range map[string]string{
		`{"a":{"use":"no"},"use":"yes"}`: "yes",
		`{"use":1}`:                      "",
		`{"a":1}`:                        "",
		`["use"]`:                        "",
		`{"use":"`:                       "",
	} {
		if got := fhir.MemberText([]byte(body), "use"); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

// samplePatient is about as large as a Patient gets: 6 KB.
func samplePatient() []byte {
	item := `{"id":"ABCD1234","use":"home","period":{"start":"2020-01-01"},"line":["1 Example Street","Example Town"],"postalCode":"ZZ99 3VZ"}`
	return []byte(`{"resourceType":"Patient","id":"9000000009","list":[` + strings.Repeat(item+",", 45) + item + `]}`)
}

func BenchmarkSplice(b *testing.B) {
	body := samplePatient()
	o := outline(b, string(body))
	shown := fhir.ClassesOf(2)
	dst := make([]byte, 0, len(body))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := fhir.Splice(dst, body, o, shown); !ok {
			b.Fatal("refused")
		}
	}
}

func BenchmarkAppendOutline(b *testing.B) {
	body := samplePatient()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fhir.AppendOutline(nil, body, classify); err != nil {
			b.Fatal(err)
		}
	}
}
