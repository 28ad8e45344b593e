package demographics

import (
	"unicode/utf8"

	"vertebra/index"
)

// maxSounds bounds the phonetic codes that one conjunction looks for: a name has at
// most three, a name with its nicknames at most these.
const maxSounds = 24

// Query returns the search as the index runs it: the conjunctions that find
// candidates and the exact Check. Every person whom Check lets through fits some
// conjunction, but for mistyped names as findMistyped says.
func (s Search) Query() index.Query {
	any := s.exactCandidates()
	if s.fuzzy {
		any = s.fuzzyCandidates()
	}
	return index.Query{Profile: Profile(), Any: any, Check: newMatcher(s).check, Limit: s.limit}
}

// exactCandidates finds by family name and birth date, current or past. What is
// compared whole narrows it, so that the plan may take a better way.
func (s Search) exactCandidates() [][]index.Criterion {
	find := func(f index.Field) []index.Criterion {
		return append([]index.Criterion{fitsOrEquals(f, s.family), s.bornIn()}, s.narrowing()...)
	}
	any := [][]index.Criterion{find(fieldFamily)}
	if s.history {
		any = append(any, find(fieldPastFamily))
	}
	return any
}

// narrowing returns the criteria beside the name that a composite may serve. With
// history a value may be in either of two fields, which no one composite holds.
func (s Search) narrowing() []index.Criterion {
	if s.history {
		return nil
	}
	var all []index.Criterion
	if s.postcode != "" && !isWildcard(s.postcode) {
		all = append(all, equals(fieldPostcode, s.postcode))
	}
	if s.phone != "" {
		all = append(all, equals(fieldPhone, s.phone))
	}
	if s.email != "" {
		all = append(all, equals(fieldEmail, s.email))
	}
	return all
}

// fuzzyCandidates finds by what sounds or starts like the family name, by the given
// name as family name, by a given name that sounds like it beside a mistyped family
// name, and by postcode: each with the birth date, which is never wrong (1.6.3).
func (s Search) fuzzyCandidates() [][]index.Criterion {
	var any [][]index.Criterion
	find := func(c index.Criterion) {
		if len(c.Values) > 0 {
			any = append(any, []index.Criterion{c, s.bornIn()})
		}
	}
	if s.family != "" {
		s.findSounding(find)
		s.findMistyped(find)
	}
	if words := givenWords(s.given); len(words) > 0 {
		find(equals(fieldGivenSound, soundsOf(words[0].nicknames)...))
		if s.family != "" {
			find(equals(fieldFamilySound, index.Sound(s.given[0])...))
		}
	}
	if s.postcode != "" {
		find(equals(fieldPostcode, s.postcode))
	}
	return any
}

// findSounding finds family names that sound like the asked one; one without a Latin
// letter has no sound and is found as it is written.
func (s Search) findSounding(find func(index.Criterion)) {
	if codes := index.Sound(s.family); len(codes) > 0 {
		find(equals(fieldFamilySound, codes...))
		return
	}
	find(equals(fieldFamily, s.family))
	find(equals(fieldPastFamily, s.family))
}

// findMistyped finds family names that start with the first two letters of the asked
// one. A mistake in those two is found by its sound or by the given name's, or
// not at all: looking at everybody of a birth date cost twenty times as many reads.
func (s Search) findMistyped(find func(index.Criterion)) {
	starts := []string{firstCharacters(s.family, start)}
	if folded := firstCharacters(index.Fold(s.family), start); folded != starts[0] {
		starts = append(starts, folded)
	}
	for _, f := range []index.Field{fieldFamily, fieldPastFamily} {
		for _, letters := range starts {
			if utf8.RuneCountInString(letters) == start {
				find(index.Criterion{Fields: []index.Field{f}, Op: index.Prefix, Values: []string{letters}})
			}
		}
	}
}

// soundsOf returns the phonetic codes of names, without repeats.
func soundsOf(names []string) []string {
	var codes []string
	seen := map[string]bool{}
	for _, name := range names {
		for _, code := range index.Sound(name) {
			if !seen[code] && len(codes) < maxSounds {
				seen[code] = true
				codes = append(codes, code)
			}
		}
	}
	return codes
}

// bornIn is the birth date as a criterion: a day where it is one.
func (s Search) bornIn() index.Criterion {
	if s.birth.low == s.birth.high {
		return equals(fieldBirth, s.birth.low)
	}
	return index.Criterion{
		Fields: []index.Field{fieldBirth}, Op: index.Range, Values: []string{s.birth.low, s.birth.high},
	}
}

func equals(f index.Field, values ...string) index.Criterion {
	return index.Criterion{Fields: []index.Field{f}, Op: index.Equal, Values: values}
}

// fitsOrEquals compares with a name or with a pattern. A question mark is none of
// the contract's wildcards; that the index takes it for one only widens what Check sees.
func fitsOrEquals(f index.Field, pattern string) index.Criterion {
	if !isWildcard(pattern) {
		return equals(f, pattern)
	}
	return index.Criterion{Fields: []index.Field{f}, Op: index.Wildcard, Values: []string{pattern}}
}

func firstCharacters(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
