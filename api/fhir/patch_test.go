package fhir_test

import (
	"errors"
	"testing"

	"vertebra/api/fhir"
)

func operation(t testing.TB, op, path, value string) fhir.PatchOperation {
	t.Helper()
	p, ok := fhir.ParsePointer(path)
	if !ok {
		t.Fatalf("%q is no pointer", path)
	}
	o := fhir.PatchOperation{Op: fhir.PatchOp(op), Path: p}
	if value != "" {
		o.Value = parse(t, value)
	}
	return o
}

func TestPatchApplies(t *testing.T) {
	const before = `{"a":{"b":[1,2,3]},"t~/":"x"}`
	for _, c := range []struct{ op, path, value, want string }{
		{"add", "/a/b/-", "4", `{"a":{"b":[1,2,3,4]},"t~/":"x"}`},
		{"add", "/a/b/0", "0", `{"a":{"b":[0,1,2,3]},"t~/":"x"}`},
		{"add", "/a/b/3", "4", `{"a":{"b":[1,2,3,4]},"t~/":"x"}`},
		{"add", "/a/c", "4", `{"a":{"b":[1,2,3],"c":4},"t~/":"x"}`},
		{"add", "/a", "4", `{"a":4,"t~/":"x"}`},
		{"replace", "/a/b/1", "9", `{"a":{"b":[1,9,3]},"t~/":"x"}`},
		{"replace", "/t~0~1", `"y"`, `{"a":{"b":[1,2,3]},"t~/":"y"}`},
		{"remove", "/a/b/0", "", `{"a":{"b":[2,3]},"t~/":"x"}`},
		{"remove", "/a", "", `{"t~/":"x"}`},
		{"test", "/a/b", "[1,2,3]", before},
		{"test", "/a/none", "[]", before},
		{"test", "", before, before},
	} {
		root := parse(t, before)
		o := operation(t, c.op, c.path, c.value)
		if err := o.Apply(root); err != nil {
			t.Errorf("%s %s: %s", c.op, c.path, reason(err))
			continue
		}
		if got := string(root.JSON()); got != c.want {
			t.Errorf("%s %s gave %s, want %s", c.op, c.path, got, c.want)
		}
	}
}

// The wording is python-jsonpatch's, where clients compare with it.
func TestPatchFails(t *testing.T) {
	const before = `{"a":{"b":[1,2,3]},"n":{"given":["Anne"],"live":true}}`
	for _, c := range []struct{ op, path, value, want string }{
		{"replace", "/a/b/3", "1", "index '3' is out of bounds"},
		{"test", "/a/b/3", "1", "index '3' is out of bounds"},
		{"add", "/a/b/4", "1", "index '4' is out of bounds"},
		{"replace", "/a/b/7/x", "1", "index '7' is out of bounds"},
		{"remove", "/a/b/3", "", "can't remove non-existent object '3'"},
		{"remove", "/a/line", "", "can't remove non-existent object 'line'"},
		{"replace", "/a/line", "[]", "can't replace non-existent object 'line'"},
		{"replace", "/a/x/y", "1", "member 'x' not found"},
		{"replace", "/a/b/-", "1", "'-' is not a valid sequence index"},
		{"replace", "/a/b/01", "1", "'01' is not a valid sequence index"},
		{"replace", "/a/b/+1", "1", "'+1' is not a valid sequence index"},
		{"replace", "/a/b/9999999", "1", "'9999999' is not a valid sequence index"},
		{"add", "/a/b/0/c", "1", "can't index into a value with 'c'"},
		{"add", "/a/b/0/c/d", "1", "can't index into a value with 'c'"},
		{"add", "/a/b/x/c", "1", "'x' is not a valid sequence index"},
		{"remove", "", "", "can't remove the whole document"},
		{"test", "/a/x", "1", "member 'x' not found"},
		{"test", "/n", `{"given":["O'Anne"]}`, `{'given': ['Anne'], 'live': True} (<class 'dict'>) is not equal to tested value {'given': ["O'Anne"]} (<class 'dict'>)`},
		{"test", "/a/b/0", `"1"`, `1 (<class 'int'>) is not equal to tested value '1' (<class 'str'>)`},
	} {
		root := parse(t, before)
		o := operation(t, c.op, c.path, c.value)
		if err := o.Apply(root); reason(err) != c.want {
			t.Errorf("%s %s: %q, want %q", c.op, c.path, reason(err), c.want)
		}
		if got := string(root.JSON()); got != before {
			t.Errorf("%s %s failed and left %s", c.op, c.path, got)
		}
	}
}

func reason(err error) string {
	var failed *fhir.PatchError
	if !errors.As(err, &failed) {
		return ""
	}
	return failed.Reason
}

func TestPointer(t *testing.T) {
	for _, s := range []string{"", "/", "/a", "/a/0/b~1c~0d", "//"} {
		p, ok := fhir.ParsePointer(s)
		if !ok || p.String() != s {
			t.Errorf("%q was read as %q, %v", s, p, ok)
		}
	}
	for _, s := range []string{"a", "a/b", "/a~", "/a~2"} {
		if _, ok := fhir.ParsePointer(s); ok {
			t.Errorf("%q is no pointer", s)
		}
	}
}
