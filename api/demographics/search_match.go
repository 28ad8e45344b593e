package demographics

import (
	"math"
	"strings"
	"unicode/utf8"

	"vertebra/index"
)

// The weights of the criteria in a score. They are fitted to the samples of
// contract 1.6.3, whose algorithm is unpublished: Me* on a name of three letters
// is 0.9259, Sm* on one of five 0.8343, DN17* on a postcode 0.965.
const (
	weightBirth    = 8.0
	weightFamily   = 4.0
	weightGiven    = 3.5
	weightGender   = 2.5
	weightContact  = 1.5
	weightPostcode = 1.3
	weightPractice = 1.0
	weightDeath    = 1.0
)

// unaskedGiven is what each recorded given name that was not asked for takes off
// the score of a fuzzy match that is not exact anyway (0.9317 against 0.9077).
const unaskedGiven = 0.024

// scoreDecimals is the reciprocal of the smallest step of a score.
const scoreDecimals = 10000

// score adds up how well the criteria that were supplied fit: each is from 0 to 1,
// and the score is their weighted mean. It is 1 when each is 1 and only then.
type score struct {
	fit, weight float64
	inexact     bool
}

func (s *score) add(weight, fit float64) {
	s.fit += weight * fit
	s.weight += weight
	s.inexact = s.inexact || fit < 1
}

// value rounds to four decimals within (0, 1), and to 1 for what is exact.
func (s *score) value(penalty float64) float64 {
	if !s.inexact || s.weight == 0 {
		return 1
	}
	v := math.Round((s.fit/s.weight-penalty)*scoreDecimals) / scoreDecimals
	return min(max(v, 1.0/scoreDecimals), 1-1.0/scoreDecimals)
}

// Check decides whether a document is a match of the search, and how good a one.
// It is exact where index.Query.Any is wide, and pure.
func (s Search) Check(d index.Document) (index.Match, bool) {
	return newMatcher(s).check(d)
}

// matcher is a search with what is worked out once for all candidates.
type matcher struct {
	Search
	fuzzyFamily sounded
	fuzzyGiven  []sounded
	// fuzzyFirst is the first given name undivided, which may be a family name such as
	// Jones-Hill given in the wrong place.
	fuzzyFirst sounded
}

func newMatcher(s Search) *matcher {
	m := &matcher{Search: s}
	if s.fuzzy {
		m.fuzzyFamily = newSounded(s.family)
		m.fuzzyGiven = givenWords(s.given)
		if len(s.given) > 0 {
			m.fuzzyFirst = newSounded(s.given[0])
		}
	}
	return m
}

func (m *matcher) check(d index.Document) (index.Match, bool) {
	var total score
	if !m.allowed(d) || !m.filters(d, &total) {
		return index.Match{}, false
	}
	names, place := m.exactNames, m.exactPlace
	if m.fuzzy {
		names, place = m.fuzzyNames, m.fuzzyPlace
	}
	penalty, ok := names(d, &total)
	if !ok || !place(d, &total) {
		return index.Match{}, false
	}
	value := total.value(penalty)
	if m.exact && value < 1 {
		return index.Match{}, false
	}
	return index.Match{Of: d.First(fieldOf), Score: value}, true
}

// allowed refuses documents of nobody, and restricted people when the search would
// tell where they live: whatever else matches (1.6.3).
func (m *matcher) allowed(d index.Document) bool {
	if m.postcode != "" || m.practice != "" {
		return d.First(fieldSecurity) == "" && d.First(fieldOf) != ""
	}
	return d.First(fieldOf) != ""
}

// filters holds the criteria that exclude in every mode.
func (m *matcher) filters(d index.Document, total *score) bool {
	if !m.birth.holds(d.First(fieldBirth)) {
		return false
	}
	total.add(weightBirth, 1)
	for _, c := range []struct {
		asked      string
		field, old index.Field
		weight     float64
	}{
		{m.gender, fieldGender, fieldPastGender, weightGender},
		{m.phone, fieldPhone, fieldPastPhone, weightContact},
		{m.email, fieldEmail, fieldPastEmail, weightContact},
		{m.organisation, fieldOrganisation, fieldOrganisation, weightPractice},
	} {
		if c.asked == "" {
			continue
		}
		if !m.has(d, c.asked, c.field, c.old) {
			return false
		}
		total.add(c.weight, 1)
	}
	return true
}

// has reports whether a current value, or with history a past one, is the asked one.
func (m *matcher) has(d index.Document, asked string, current, past index.Field) bool {
	for f, v := range d.All() {
		if m.looksAt(f, current, past) && v == asked {
			return true
		}
	}
	return false
}

func (m *matcher) looksAt(f, current, past index.Field) bool {
	return f == current || m.history && f == past
}

// best returns the best fit of any of the values that the search may look at.
func (m *matcher) best(d index.Document, current, past index.Field, fit func(string) float64) float64 {
	best := 0.0
	for f, v := range d.All() {
		if m.looksAt(f, current, past) {
			best = max(best, fit(v))
		}
	}
	return best
}

// exactNames compares names as a search that is not fuzzy does. Family and given
// names may stand in different names of the person: a nickname's given name with
// the usual family name is how people are asked for.
func (m *matcher) exactNames(d index.Document, total *score) (float64, bool) {
	fit := m.best(d, fieldFamily, fieldPastFamily, func(v string) float64 { return patternFit(m.family, v) })
	if fit == 0 {
		return 0, false
	}
	total.add(weightFamily, fit)
	if len(m.given) == 0 {
		return 0, true
	}
	fit = m.best(d, fieldGiven, fieldPastGiven, func(v string) float64 { return givenFit(m.given, v) })
	total.add(weightGiven, fit)
	return 0, fit > 0
}

// exactPlace compares what else a search that is not fuzzy may name.
func (m *matcher) exactPlace(d index.Document, total *score) bool {
	if m.postcode != "" {
		fit := m.postcodeFit(d)
		if fit == 0 {
			return false
		}
		total.add(weightPostcode, fit)
	}
	if m.practice != "" {
		if d.First(fieldPractice) != m.practice {
			return false
		}
		total.add(weightPractice, 1)
	}
	if m.death.given() {
		total.add(weightDeath, 1)
		return m.death.holds(d.First(fieldDeath))
	}
	return true
}

func (m *matcher) postcodeFit(d index.Document) float64 {
	return m.best(d, fieldPostcode, fieldPastPostcode, func(v string) float64 { return patternFit(m.postcode, v) })
}

// givenFit compares asked given names with those of one name, in order: the first
// with the first, each further one with a later one than the one before it.
// Names that were not asked for may stand between (1.6.1: fewer names match).
func givenFit(asked []string, names string) float64 {
	sum, rest, first := 0.0, names, true
	for _, want := range asked {
		fit := 0.0
		for rest != "" && fit == 0 {
			var have string
			have, rest, _ = strings.Cut(rest, givenSeparator)
			fit = patternFit(want, have)
			if first {
				break
			}
		}
		if fit == 0 {
			return 0
		}
		first = false
		sum += fit
	}
	return sum / float64(len(asked))
}

// patternFit is 1 for equal values; for a pattern that fits, the part of the value
// that the pattern spells out, always under 1; else 0.
func patternFit(pattern, value string) float64 {
	if !isWildcard(pattern) {
		if pattern == value {
			return 1
		}
		return 0
	}
	if !patternMatches(pattern, value) {
		return 0
	}
	literal := float64(utf8.RuneCountInString(pattern) - strings.Count(pattern, "*"))
	length := float64(utf8.RuneCountInString(value))
	// A bare * would fit everything with 0, and spelling all of it out is still no equality.
	return max(literal, 0.5) / max(length, literal+1)
}

// patternMatches reports whether value fits pattern, in which * stands for any run
// of characters. A * in the value is never special.
func patternMatches(pattern, value string) bool {
	head, rest, found := strings.Cut(pattern, "*")
	if !found || !strings.HasPrefix(value, head) {
		return pattern == value
	}
	value = value[len(head):]
	for {
		var part string
		part, rest, found = strings.Cut(rest, "*")
		if !found {
			return strings.HasSuffix(value, part)
		}
		at := strings.Index(value, part)
		if at < 0 {
			return false
		}
		value = value[at+len(part):]
	}
}
