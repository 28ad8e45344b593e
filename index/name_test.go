package index

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSoundsLike(t *testing.T) {
	for _, pair := range [][2]string{
		{"Smith", "Smythe"}, {"Justen", "Justin"}, {"Knight", "Night"}, {"Catherine", "Kathryn"},
		{"Philip", "Filip"}, {"Attsön", "Attison"}, {"O'Brien", "OBrian"}, {"Stephen", "Steven"}, {"MacDonald", "McDonald"},
	} {
		if !SoundsLike(pair[0], pair[1]) {
			t.Errorf("%s %q does not sound like %s %q", pair[0], Sound(pair[0]), pair[1], Sound(pair[1]))
		}
	}
	for _, pair := range [][2]string{{"Smith", "Jones"}, {"Taylor", "Brown"}, {"", ""}, {"Anna", ""}} {
		if SoundsLike(pair[0], pair[1]) {
			t.Errorf("%q sounds like %q", pair[0], pair[1])
		}
	}
}

func TestSoundTakesAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes := Sound(rapid.String().Draw(t, "name"))
		if len(codes) > 3 || slices.Contains(codes, "") {
			t.Fatalf("codes %q", codes)
		}
	})
}

func TestNicknames(t *testing.T) {
	for _, pair := range [][2]string{{"Joe", "JOSEPH"}, {"Bill", "William"}, {"Liz", "Elizabeth"}, {"Alex", "Alexandra"}, {"Alex", "Alexander"}, {"Zoë", "Zoe"}} {
		if !SameNickname(pair[0], pair[1]) || !SameNickname(pair[1], pair[0]) {
			t.Errorf("%s is not %s: %q", pair[0], pair[1], Nicknames(pair[0]))
		}
	}
	if SameNickname("Alexandra", "Alexander") || SameNickname("Joe", "Ann") {
		t.Error("two full names were joined")
	}
	if got := Nicknames("Xanthippe"); !slices.Equal(got, []string{"xanthippe"}) {
		t.Errorf("a name without a group: %q", got)
	}
	if got := Nicknames(" "); got != nil {
		t.Errorf("no name: %q", got)
	}
}

func TestNicknameTable(t *testing.T) {
	groups := 0
	for line := range strings.Lines(nicknameTable) {
		names := strings.Fields(line)
		if len(names) == 0 {
			continue
		}
		groups++
		for i, name := range names {
			if name != Fold(name) || slices.Contains(names[:i], name) {
				t.Errorf("%q in %q", name, strings.TrimSpace(line))
			}
		}
		if len(names) == 1 {
			t.Errorf("a group of one: %q", names)
		}
	}
	if groups < 250 {
		t.Errorf("%d groups", groups)
	}
}

func TestEdits(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"smith", "smith", 0}, {"smith", "smyth", 1}, {"smith", "smtih", 1}, {"smith", "smit", 1}, {"smith", "smiths", 1},
		{"smith", "smythe", 2}, {"smith", "jones", 3}, {"", "ab", 2}, {"", "abc", 3}, {"ab", "ba", 1}, {"abcd", "badc", 2},
		{strings.Repeat("a", 65), strings.Repeat("a", 64), 3},
	} {
		if got, back := Edits(c.a, c.b), Edits(c.b, c.a); got != c.want || back != c.want {
			t.Errorf("Edits(%q, %q) = %d and %d, want %d", c.a, c.b, got, back, c.want)
		}
	}
}

func TestOneMistakeIsOneEdit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := []byte(rapid.StringMatching(`[a-c]{2,20}`).Draw(t, "name"))
		b, at := slices.Clone(a), rapid.IntRange(0, len(a)-2).Draw(t, "at")
		switch rapid.IntRange(0, 3).Draw(t, "mistake") {
		case 0:
			b = slices.Delete(b, at, at+1)
		case 1:
			b = slices.Insert(b, at, 'd')
		case 2:
			b[at] = 'd'
		default:
			b[at], b[at+1] = b[at+1], b[at]
		}
		want := 1
		if string(a) == string(b) {
			want = 0
		}
		if got := Edits(string(a), string(b)); got != want {
			t.Fatalf("Edits(%q, %q) = %d, want %d", a, b, got, want)
		}
	})
}

func TestSimilarity(t *testing.T) {
	if got := Similarity("smith", "smith"); got != 1 {
		t.Errorf("equal: %v", got)
	}
	near, far := Similarity("smith", "smithe"), Similarity("smith", "jones")
	if near <= 0.9 || near >= 1 || far >= near || far < 0 {
		t.Errorf("near %v, far %v", near, far)
	}
}
