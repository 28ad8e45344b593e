package fhir_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"vertebra/api/fhir"
)

func TestParseJSONKeepsOrderAndNumbers(t *testing.T) {
	const text = `{"z":1.50,"a":[{"y":-0,"b":1e+3},"\u0041\ud83d\ude00","",true,false,null],"m":{},"l":[]}`
	const want = `{"z":1.50,"a":[{"y":-0,"b":1e+3},"A😀","",true,false,null],"m":{},"l":[]}`
	v, err := fhir.ParseJSON([]byte(" \n\t" + text + "\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(v.JSON()); got != want {
		t.Errorf("written as %s\nwant       %s", got, want)
	}
}

func TestParseJSONIsStrict(t *testing.T) {
	deep := strings.Repeat("[", fhir.MaxDepth+1) + strings.Repeat("]", fhir.MaxDepth+1)
	wide := "{" + strings.Repeat(`"x":1,`, 0)
	for i := range fhir.MaxMembers + 1 {
		wide += `"` + strings.Repeat("k", i+1) + `":1,`
	}
	wide = strings.TrimSuffix(wide, ",") + "}"
	for _, c := range []struct{ text, path, reason string }{
		{``, "", "unexpected end"},
		{`{"name":[{"given":["a"],"given":["b"]}]}`, "name/0/given", "duplicate member"},
		{`{"\u0061":1,"a":2}`, "a", "duplicate member"},
		{`{"a":1} {`, "", "unexpected data behind the value"},
		{`{"a":1}x`, "", "unexpected data behind the value"},
		{deep, strings.TrimSuffix(strings.Repeat("0/", fhir.MaxDepth), "/"), "nested too deep"},
		{wide, "", "too many members"},
		{"{\"a\":\"\xff\"}", "a", "invalid UTF-8"},
		{"{\"a\":[1,\"\\n\xc3\"]}", "a/1", "invalid UTF-8"},
		{`{"a":"\ud83d"}`, "a", `bad \u escape`},
		{`{"a":"\ud83d\u0041"}`, "a", `bad \u escape`},
		{`{"a":"\u00g0"}`, "a", `bad \u escape`},
		{`{"a":"\u00"`, "a", `bad \u escape`},
		{`{"a":"\x"}`, "a", "bad escape"},
		{"{\"a\":\"\n\"}", "a", "control character in a string"},
		{"{\"a\":\"\\t\n\"}", "a", "control character in a string"},
		{`{"a":01}`, "", "expected ',' or '}'"},
		{`{"a":-}`, "a", "bad number"},
		{`{"a":1.}`, "a", "bad number"},
		{`{"a":1e}`, "a", "bad number"},
		{`{"a":.5}`, "a", "not a JSON value"},
		{`{"a":nul}`, "a", "not a JSON value"},
		{`{"a" 1}`, "a", "expected ':'"},
		{`{a:1}`, "", "expected a member name"},
		{`{"a":1,}`, "", "expected a member name"},
		{`[1,]`, "1", "not a JSON value"},
		{`[1 2]`, "", "expected ',' or ']'"},
		{`{"a":"b`, "a", "unexpected end"},
		{`{"a":"b\`, "a", "bad escape"},
		{`"`, "", "unexpected end"},
	} {
		_, err := fhir.ParseJSON([]byte(c.text))
		var syntax *fhir.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%.40q: %v, want a SyntaxError", c.text, err)
			continue
		}
		if syntax.Path != c.path || syntax.Reason != c.reason {
			t.Errorf("%.40q: %q in %q, want %q in %q", c.text, syntax.Reason, syntax.Path, c.reason, c.path)
		}
	}
}

func TestSyntaxErrorNamesThePlace(t *testing.T) {
	_, err := fhir.ParseJSON([]byte(`{"a":[x]}`))
	if got, want := err.Error(), "not a JSON value at byte 6 in 'a/0'"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	_, err = fhir.ParseJSON([]byte(`x`))
	if got, want := err.Error(), "not a JSON value at byte 0"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// jsonValue draws a JSON value with the corners that matter: escapes, characters
// outside of ASCII, empty collections.
func jsonValue(depth int) *rapid.Generator[*fhir.Value] {
	return rapid.Custom(func(t *rapid.T) *fhir.Value {
		kinds := 6
		if depth == 0 {
			kinds = 4
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return &fhir.Value{Kind: fhir.KindNull}
		case 1:
			return &fhir.Value{Kind: fhir.KindBool, Text: rapid.SampledFrom([]string{"true", "false"}).Draw(t, "bool")}
		case 2:
			return &fhir.Value{Kind: fhir.KindNumber, Text: rapid.SampledFrom([]string{"0", "-1", "12.50", "1E5", "3e-2"}).Draw(t, "number")}
		case 3:
			return fhir.NewString(rapid.StringOf(rapid.Rune()).Draw(t, "text"))
		case 4:
			return fhir.NewArray(rapid.SliceOfN(jsonValue(depth-1), 0, 4).Draw(t, "items")...)
		}
		o := fhir.NewObject()
		for i, name := range rapid.SliceOfNDistinct(rapid.StringN(0, 6, -1), 0, 4, rapid.ID).Draw(t, "names") {
			o.Set(name, jsonValue(depth-1).Draw(t, "member"+string(rune('0'+i))))
		}
		return o
	})
}

func TestParseJSONReadsWhatAppendJSONWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := jsonValue(4).Draw(t, "value")
		text := v.JSON()
		if !json.Valid(text) {
			t.Fatalf("wrote %q, which is not JSON", text)
		}
		back, err := fhir.ParseJSON(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if !fhir.Equal(v, back) || !bytes.Equal(text, back.JSON()) {
			t.Fatalf("%q was read as %q", text, back.JSON())
		}
		if c := back.Clone(); !bytes.Equal(c.JSON(), text) {
			t.Fatalf("%q was cloned to %q", text, c.JSON())
		}
	})
}

// Bytes that are no UTF-8 can come from nowhere but a bug; they are not sent on.
func TestAppendStringReplacesInvalidUTF8(t *testing.T) {
	if got, want := string(fhir.AppendString(nil, "a\xffb\x01\n\t\"\\")), "\"a\uFFFDb\\u0001\\n\\t\\\"\\\\\""; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`{"a":1,"b":[1,2]}`, `{"b":[1,2],"a":1}`, true},
		{`{"a":1,"suffix":[]}`, `{"a":1}`, true},
		{`{"a":1}`, `{"a":1,"b":2}`, false},
		{`{"a":1,"b":2}`, `{"a":1}`, false},
		{`[1,2]`, `[2,1]`, false},
		{`[1]`, `[1,2]`, false},
		{`1`, `1.0`, false},
		{`"1"`, `1`, false},
		{`"a"`, `"b"`, false},
		{`null`, `null`, true},
		{`true`, `false`, false},
	} {
		a, b := parse(t, c.a), parse(t, c.b)
		if got := fhir.Equal(a, b); got != c.want {
			t.Errorf("Equal(%s, %s) = %v", c.a, c.b, got)
		}
	}
	if !fhir.Equal(nil, fhir.NewArray()) || !fhir.Equal(nil, nil) || fhir.Equal(nil, fhir.NewString("")) {
		t.Error("absent is like an empty array and like nothing else")
	}
}

func TestValueAccessors(t *testing.T) {
	v := parse(t, `{"a":[{"b":"x"}],"c":1}`)
	if got := v.Get("a").At(0).Get("b").Str(); got != "x" {
		t.Errorf("a/0/b = %q", got)
	}
	for _, missing := range []*fhir.Value{v.Get("z"), v.Get("a").At(1), v.Get("a").At(-1), v.Get("c").Get("d"), v.Get("z").Get("z").At(0)} {
		if missing != nil || missing.Str() != "" || missing.List() != nil || missing.Clone() != nil {
			t.Error("what is not there must be nil and harmless")
		}
	}
	v.SetFirst("id", fhir.NewString("1"))
	v.SetFirst("c", fhir.NewString("2"))
	v.Set("d", fhir.NewArray())
	if v.Delete("nothing") || !v.Delete("a") {
		t.Error("Delete reports what was there")
	}
	if got, want := string(v.JSON()), `{"id":"1","c":"2","d":[]}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func parse(t testing.TB, text string) *fhir.Value {
	t.Helper()
	v, err := fhir.ParseJSON([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func FuzzStrictJSON(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,"b",null,true,{"c":-1.5e3}]}`, `"\ud83d\ude00"`, `{"a":1,"a":2}`, "\"\xff\"", `[[[[]]]]`, `{"a":`, ` 0 `,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := fhir.ParseJSON(body)
		if err != nil {
			var syntax *fhir.SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset > len(body) {
				t.Fatalf("%v is no SyntaxError within the input", err)
			}
			return
		}
		if !json.Valid(body) {
			t.Fatalf("took %q, which is not JSON", body)
		}
		text := v.JSON()
		back, err := fhir.ParseJSON(text)
		if err != nil || !bytes.Equal(back.JSON(), text) {
			t.Fatalf("%q was written as %q and read back as %v, %v", body, text, back, err)
		}
	})
}

func BenchmarkParseJSON(b *testing.B) {
	body := samplePatient()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fhir.ParseJSON(body); err != nil {
			b.Fatal(err)
		}
	}
}
