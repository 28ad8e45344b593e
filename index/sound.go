package index

import (
	"slices"
	"strings"

	"github.com/antzucaro/matchr"
)

// maxSoundBytes bounds how much of a name is listened to. Codes have four
// characters, and no name needs more than this to fill them.
const maxSoundBytes = 64

// Sound returns the codes of how a name sounds, at most three: its Double
// Metaphone codes in lower case, then its Soundex code. Two names sound alike
// when they share a code.
//
// Both are there because each finds what the other misses: Double Metaphone
// knows that Knight and Night, or Catherine and Kathryn, begin alike; Soundex is
// what the contract's "homophones" are (Smith and Smythe, Justen and Justin).
// The two kinds do not meet: a Soundex code is a letter and three digits, and the
// only digit of Double Metaphone is its 0 for th. A name without a Latin letter has
// no sound.
func Sound(name string) []string {
	letters := latinLetters(name)
	if letters == "" {
		return nil
	}
	primary, alternate := matchr.DoubleMetaphone(letters)
	var codes []string
	for _, code := range []string{primary, alternate, matchr.Soundex(letters)} {
		code = strings.ToLower(code)
		if code != "" && !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	return codes
}

// SoundsLike reports whether two names share a code of Sound.
func SoundsLike(a, b string) bool {
	codes := Sound(b)
	return slices.ContainsFunc(Sound(a), func(code string) bool { return slices.Contains(codes, code) })
}

// latinLetters returns the first letters a to z of the folded name, in upper case.
func latinLetters(name string) string {
	letters := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return -1
	}, Fold(name))
	return letters[:min(len(letters), maxSoundBytes)]
}
