package index

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold returns the form in which names and other text are compared: lower case,
// letters without their diacritics, apostrophes and full stops left out, every
// other run of what is neither letter nor digit one space, none at the ends. So
// "O’Brien" and "OBRIEN" are the same, as are "Anne-Marie" and "anne marie", and
// "ATTSÖN" and "attson".
//
// It is called above the log only: the folded values are part of the mutation,
// so that replicas of two builds cannot disagree. Fold(Fold(s)) == Fold(s).
func Fold(s string) string { return fold(s, "") }

// FoldPattern folds a wildcard pattern so that whatever text t fits the pattern,
// Fold(t) fits the folded pattern. A ? becomes *, since one character may fold
// to none (an apostrophe) or two (ß), and separators beside a * are left out,
// since Fold drops those at the ends of a text. The folded pattern is therefore
// wider than the pattern; use it to find candidates.
func FoldPattern(pattern string) string {
	folded := fold(strings.ReplaceAll(pattern, "?", "*"), "*")
	folded = strings.ReplaceAll(folded, " *", "*")
	return strings.ReplaceAll(folded, "* ", "*")
}

// fold is Fold but for the characters in keep, which stay as they are.
func fold(s, keep string) string {
	if isFolded(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range norm.NFKD.String(s) {
		folded, together := foldRune(r)
		if strings.ContainsRune(keep, r) {
			folded = string(r)
		}
		if folded == "" {
			space = space || !together
			continue
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteString(folded)
	}
	return b.String()
}

// isFolded reports whether s is plainly folded already: most values that arrive
// are compared again and again.
func isFolded(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// foldRune returns what a decomposed character folds to. With "" it says whether
// the characters beside it stay together, as they do around an apostrophe.
func foldRune(r rune) (folded string, together bool) {
	r = unicode.ToLower(r)
	switch {
	case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
		return string(r), true
	case r < utf8.RuneSelf:
		return "", r == '\'' || r == '`' || r == '.'
	}
	if spelled := spelledOut(r); spelled != "" {
		return spelled, true
	}
	switch {
	case unicode.IsLetter(r), unicode.IsDigit(r):
		return string(r), true
	case unicode.Is(unicode.M, r):
		return "", true
	}
	return "", isApostrophe(r)
}

func isApostrophe(r rune) bool {
	switch r {
	case '\u2018', '\u2019', '\u201b', '\u02bc', '\u02b9', '\u00b4', '\u2032', '\u00b7':
		return true
	}
	return false
}

// spelledOut returns the base letters of those Latin letters that Unicode does
// not decompose.
func spelledOut(r rune) string {
	switch r {
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'ß':
		return "ss"
	case 'þ':
		return "th"
	case 'ø':
		return "o"
	case 'ł', 'ŀ':
		return "l"
	case 'đ', 'ð':
		return "d"
	case 'ħ':
		return "h"
	case 'ı':
		return "i"
	case 'ŋ', 'ŉ':
		return "n"
	case 'ŧ':
		return "t"
	case 'ĸ':
		return "k"
	case 'ſ':
		return "s"
	case 'ƒ':
		return "f"
	}
	return ""
}
