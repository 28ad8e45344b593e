package index

import "fmt"

// The years that date terms cover; a date outside is irregular, so that an open
// range is a bounded number of terms.
const (
	firstYear = 1850
	lastYear  = 2149
)

// isDate reports whether value is YYYYMMDD with a year that date terms cover.
// Whether the day exists does not matter here: text order is what counts.
func isDate(value string) bool {
	if len(value) != 8 {
		return false
	}
	for i := range len(value) {
		if value[i] < '0' || value[i] > '9' {
			return false
		}
	}
	return number(value[4:6]) >= 1 && number(value[4:6]) <= 12 &&
		number(value[:4]) >= firstYear && number(value[:4]) <= lastYear
}

// number reads decimal digits.
func number(digits string) int {
	n := 0
	for i := range len(digits) {
		n = n*10 + int(digits[i]-'0')
	}
	return n
}

// dates returns the date terms for a criterion. Values that are not dates carry the
// irregular term, so it is always among those that a range or prefix asks for.
func (a asking) dates(c *Criterion) ([]string, bool) {
	irregular := a.term(kindIrregular, "")
	switch c.Op {
	case Equal:
		terms := []string{}
		for _, v := range c.Values {
			if isDate(v) {
				terms = append(terms, a.term(kindDay, v))
			} else {
				terms = append(terms, irregular)
			}
		}
		return terms, true
	case Prefix:
		terms := []string{irregular}
		for _, v := range c.Values {
			switch {
			case len(v) >= 8:
				terms = append(terms, a.term(kindDay, v[:8]))
			case len(v) >= 6:
				terms = append(terms, a.term(kindMonth, v[:6]))
			case len(v) >= 4:
				terms = append(terms, a.term(kindYear, v[:4]))
			default:
				return nil, false
			}
		}
		return terms, true
	case Range:
		cover, ok := a.cover(c.Values)
		return append(cover, irregular), ok
	}
	return nil, false
}

// cover returns the years, months and days that hold every date of a range: whole
// years and, at its ends, months; days only within one month, since a month's worth
// too many of candidates is cheaper than thirty more terms in every segment.
func (a asking) cover(bounds []string) ([]string, bool) {
	if len(bounds) != 2 {
		return nil, false
	}
	low, high := bounds[0], bounds[1]
	if low == "" {
		low = fmt.Sprintf("%04d0101", firstYear)
	}
	if high == "" {
		high = fmt.Sprintf("%04d1231", lastYear)
	}
	if !isDate(low) || !isDate(high) {
		return nil, false
	}
	if low[:6] == high[:6] {
		return a.days(low, high), true
	}
	return a.months(low, high), true
}

func (a asking) days(low, high string) (terms []string) {
	for day := number(low[6:]); day <= number(high[6:]); day++ {
		terms = append(terms, a.term(kindDay, fmt.Sprintf("%s%02d", low[:6], day)))
	}
	return terms
}

func (a asking) months(low, high string) (terms []string) {
	from, to := monthNumber(low), monthNumber(high)
	for month := from; month <= to; {
		if month%12 == 0 && month+11 <= to {
			terms = append(terms, a.term(kindYear, fmt.Sprintf("%04d", month/12)))
			month += 12
			continue
		}
		terms = append(terms, a.term(kindMonth, fmt.Sprintf("%04d%02d", month/12, month%12+1)))
		month++
	}
	return terms
}

// monthNumber counts months from year 0.
func monthNumber(date string) int { return number(date[:4])*12 + number(date[4:6]) - 1 }
