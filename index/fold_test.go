package index

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"":                   "",
		"SMITH":              "smith",
		"ATTSÖN":             "attson",
		"attisón":            "attison",
		"O’Brien":            "obrien",
		"O'BRIEN":            "obrien",
		"Anne-Marie":         "anne marie",
		"  St. John  Smythe": "st john smythe",
		"Łukasz Þórr":        "lukasz thorr",
		"Strauß":             "strauss",
		"Æthelred Cœur":      "aethelred coeur",
		"Đặng Nguyễn":        "dang nguyen",
		"Iſaac":              "isaac",
		"İpek Işık":          "ipek isik",
		"ﬁona":               "fiona",
		"e\u0301":            "e",
		"Ștefan Ħ. Ŋ":        "stefan h n",
		"DN17 2AB":           "dn17 2ab",
	} {
		if got := Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}

// nameText draws text with the letters that names are written with, and others.
func nameText() *rapid.Generator[string] {
	return rapid.StringOfN(rapid.OneOf(
		rapid.SampledFrom([]rune("abEOßÖøÆœłĐ'’.- \u0301ŉ")),
		rapid.Rune()), 0, 12, -1)
}

func TestFoldTwiceIsFoldOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := nameText().Draw(t, "text")
		once := Fold(s)
		if twice := Fold(once); twice != once {
			t.Fatalf("Fold(%q) = %q, folded again %q", s, once, twice)
		}
		if strings.IndexByte(once, separator) >= 0 || once != strings.TrimSpace(once) {
			t.Fatalf("Fold(%q) = %q", s, once)
		}
	})
}

func TestFoldedPatternIsWiderThanThePattern(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := nameText().Filter(func(s string) bool { return !strings.ContainsAny(s, "*?") }).Draw(t, "text")
		pattern, rest := "", []rune(text)
		for len(rest) > 0 {
			n := rapid.IntRange(1, len(rest)).Draw(t, "run")
			switch rapid.IntRange(0, 2).Draw(t, "as") {
			case 0:
				pattern += "*"
			case 1:
				pattern, n = pattern+"?", 1
			default:
				pattern += string(rest[:n])
			}
			rest = rest[n:]
		}
		if !wildcardFits(pattern, text) {
			t.Fatalf("%q does not fit %q", text, pattern)
		}
		if folded := FoldPattern(pattern); !wildcardFits(folded, Fold(text)) {
			t.Fatalf("%q fits %q, but %q does not fit %q", text, pattern, Fold(text), folded)
		}
	})
}
