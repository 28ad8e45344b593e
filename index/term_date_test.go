package index

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Every value in a range has one of the terms that the range asks for, dates and
// what only looks like one.
func TestDateTermsCoverTheirRange(t *testing.T) {
	date := rapid.OneOf(rapid.StringMatching(`19(69|7[0-3])(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])`), dateValue())
	ask := asking{profile: 1, field: birth}
	rapid.Check(t, func(t *rapid.T) {
		value, bounds := date.Draw(t, "value"), []string{date.Draw(t, "low"), date.Draw(t, "high")}
		terms, ok := ask.dates(&Criterion{Op: Range, Values: bounds})
		if !ok || !inRange(value, bounds) {
			return
		}
		if len(terms) > 3*12+lastYear-firstYear {
			t.Fatalf("%d terms", len(terms))
		}
		has := false
		Term{birth, TermDate}.of(1, value, func(term string) { has = has || slices.Contains(terms, term) })
		if !has {
			t.Fatalf("%s in %s to %s: none of %q", value, bounds[0], bounds[1], terms)
		}
	})
}
