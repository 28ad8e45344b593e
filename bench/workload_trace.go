package bench

import (
	"math/rand/v2"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"vertebra/bench/people"
)

const dateLayout = "2006-01-02"

func traceExact(p people.Person, _ *rand.Rand) (url.Values, bool) {
	return url.Values{
		"family": {p.Family}, "given": {p.Given[0]}, "gender": {p.Gender}, "birthdate": {"eq" + p.BirthDate},
	}, true
}

func tracePostcode(p people.Person, _ *rand.Rand) (url.Values, bool) {
	return url.Values{"family": {p.Family}, "birthdate": {"eq" + p.BirthDate}, "address-postalcode": {p.Postcode}}, true
}

func tracePrefix(p people.Person, _ *rand.Rand) (url.Values, bool) {
	pattern, ok := prefixPattern(p.Family)
	return url.Values{"family": {pattern}, "birthdate": birthMonth(p.BirthDate)}, ok
}

func traceYear(p people.Person, _ *rand.Rand) (url.Values, bool) {
	return url.Values{"family": {p.Family}, "birthdate": birthYear(p.BirthDate)}, true
}

func traceWildcard(p people.Person, random *rand.Rand) (url.Values, bool) {
	pattern, ok := middlePattern(p.Family, random)
	return url.Values{"family": {pattern}, "birthdate": birthYear(p.BirthDate)}, ok
}

func traceSound(p people.Person, random *rand.Rand) (url.Values, bool) {
	family, ok := soundingAlike(p.Family, random)
	return fuzzy(family, p.Given[0], p.BirthDate), ok
}

func traceTypo(p people.Person, random *rand.Rand) (url.Values, bool) {
	family, ok := mistyped(p.Family, random)
	return fuzzy(family, p.Given[0], p.BirthDate), ok
}

func traceTransposed(p people.Person, _ *rand.Rand) (url.Values, bool) {
	return fuzzy(p.Given[0], p.Family, p.BirthDate), true
}

// fuzzy asks for all three that a fuzzy search wants at least.
func fuzzy(family, given, birthDate string) url.Values {
	return url.Values{"family": {family}, "given": {given}, "birthdate": {"eq" + birthDate}, "_fuzzy-match": {"true"}}
}

// birthMonth is the range of dates of the month that a date is in.
func birthMonth(date string) []string {
	first, err := time.Parse(dateLayout, date[:len("2006-01")]+"-01")
	if err != nil {
		return []string{"eq" + date}
	}
	return []string{"ge" + first.Format(dateLayout), "le" + first.AddDate(0, 1, -1).Format(dateLayout)}
}

// birthYear is the range of dates of the year that a date is in.
func birthYear(date string) []string {
	year := date[:len("2006")]
	return []string{"ge" + year + "-01-01", "le" + year + "-12-31"}
}

// literalStart is how many first characters may not be a wildcard (contract 1.6.1).
const literalStart = 2

// prefixPattern is the first two characters and a wildcard.
func prefixPattern(name string) (string, bool) {
	letters := []rune(name)
	if len(letters) <= literalStart {
		return "", false
	}
	return string(letters[:literalStart]) + "*", true
}

// middlePattern is Sm*t* for Smith: the first two characters and one from behind the
// third, with a wildcard before it and one after.
func middlePattern(name string, random *rand.Rand) (string, bool) {
	letters := []rune(name)
	if len(letters) < literalStart+2 {
		return "", false
	}
	at := literalStart + 1 + random.IntN(len(letters)-literalStart-1)
	return string(letters[:literalStart]) + "*" + string(letters[at]) + "*", true
}

// Below fuzzyLetters a name has too few letters for a mistake to be one.
const fuzzyLetters = 4

// soundingAlike changes one vowel behind the first two letters: what phonetic codes
// do not hear. A name that is not all ASCII is left to the other workloads: what its
// letters fold to is the node's business.
func soundingAlike(name string, random *rand.Rand) (string, bool) {
	const vowels = "aeiou"
	var places []int
	for i := literalStart; i < len(name); i++ {
		if strings.IndexByte(vowels, name[i]) >= 0 {
			places = append(places, i)
		}
	}
	if len(name) < fuzzyLetters || !isASCII(name) || len(places) == 0 {
		return "", false
	}
	changed, at := []byte(name), places[random.IntN(len(places))]
	changed[at] = vowels[(strings.IndexByte(vowels, changed[at])+1+random.IntN(len(vowels)-1))%len(vowels)]
	return string(changed), true
}

// mistyped exchanges two neighbouring letters of a name, the first two included.
func mistyped(name string, random *rand.Rand) (string, bool) {
	if len(name) < fuzzyLetters || !isASCII(name) {
		return "", false
	}
	var places []int
	for i := range len(name) - 1 {
		if isLetter(name[i]) && isLetter(name[i+1]) && name[i]|0x20 != name[i+1]|0x20 {
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		return "", false
	}
	return exchanged(name, places[random.IntN(len(places))]), true
}

func exchanged(name string, at int) string {
	changed := []byte(name)
	changed[at], changed[at+1] = changed[at+1], changed[at]
	return string(changed)
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
