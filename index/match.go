package index

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// matchesAll reports whether every criterion holds for the document.
func matchesAll(all []Criterion, d Document) bool {
	for i := range all {
		if !all[i].matches(d) {
			return false
		}
	}
	return true
}

// matches reports whether any value of any of the criterion's fields fits.
func (c *Criterion) matches(d Document) bool {
	for f, v := range d.All() {
		if slices.Contains(c.Fields, f) && c.fits(v) {
			return true
		}
	}
	return false
}

// fits reports whether one value of a document satisfies the criterion.
func (c *Criterion) fits(value string) bool {
	switch c.Op {
	case Equal:
		return slices.Contains(c.Values, value)
	case Range:
		return inRange(value, c.Values)
	}
	for _, asked := range c.Values {
		switch c.Op {
		case Prefix:
			if strings.HasPrefix(value, asked) {
				return true
			}
		case Wildcard:
			if wildcardFits(asked, value) {
				return true
			}
		case Words:
			return hasWords(value, asked)
		}
	}
	return false
}

// inRange reports whether bounds[0] <= value <= bounds[1]; "" is open. A
// criterion without its two bounds holds for nothing.
func inRange(value string, bounds []string) bool {
	return len(bounds) == 2 &&
		bounds[0] <= value && (bounds[1] == "" || value <= bounds[1])
}

// wildcardFits reports whether the whole value fits the pattern, in which *
// stands for any run of characters and ? for exactly one.
//
// It remembers only the last star: an earlier one never needs to give up more,
// so the cost is bounded by pattern times value and no pattern is exponential,
// as it is with the recursive form.
func wildcardFits(pattern, value string) bool {
	p, v := 0, 0
	star, resume := -1, 0
	for v < len(value) {
		_, size := utf8.DecodeRuneInString(value[v:])
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, v
			p++
		case p < len(pattern) && pattern[p] == '?':
			p++
			v += size
		case p < len(pattern) && strings.HasPrefix(pattern[p:], value[v:v+size]):
			p += size
			v += size
		case star >= 0:
			_, size := utf8.DecodeRuneInString(value[resume:])
			resume += size
			p, v = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// literalStart returns the part of a wildcard pattern before its first * or ?.
func literalStart(pattern string) string {
	if at := strings.IndexAny(pattern, "*?"); at >= 0 {
		return pattern[:at]
	}
	return pattern
}

// hasWords reports whether text holds every word of asked, whole. Asking for no
// word at all holds for nothing: it would otherwise find every document.
func hasWords(text, asked string) bool {
	some := false
	for word := range strings.FieldsSeq(asked) {
		some = true
		if !hasWord(text, word) {
			return false
		}
	}
	return some
}

func hasWord(text, word string) bool {
	for w := range strings.FieldsSeq(text) {
		if w == word {
			return true
		}
	}
	return false
}
