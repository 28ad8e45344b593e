package demographics

import (
	"strings"
	"time"
)

// dateRange is what one or two values of a date parameter ask for: all of them
// hold. Bounds are YYYYMMDD, both inclusive; "" is open.
type dateRange struct{ low, high string }

func (r dateRange) given() bool { return r.low != "" || r.high != "" }

// holds reports whether a date of a document, which may be partial, is in r.
func (r dateRange) holds(date string) bool {
	return date != "" && date >= r.low && (r.high == "" || date <= r.high)
}

// parseDateRange reads [eq|ge|le]YYYY-MM-DD values of parameter name. Without a
// prefix a value means eq.
func parseDateRange(name string, values []string) (dateRange, error) {
	var r dateRange
	for _, text := range values {
		one, ok := parseDateBound(text)
		if !ok {
			return dateRange{}, InvalidValue(text, name)
		}
		r.low = max(r.low, one.low)
		if r.high == "" || one.high != "" && one.high < r.high {
			r.high = one.high
		}
	}
	return r, nil
}

func parseDateBound(text string) (dateRange, bool) {
	prefix, date := "eq", text
	for _, p := range []string{"eq", "ge", "le"} {
		if rest, ok := strings.CutPrefix(text, p); ok {
			prefix, date = p, rest
		}
	}
	if _, err := time.Parse(time.DateOnly, date); err != nil {
		return dateRange{}, false
	}
	day := strings.ReplaceAll(date, "-", "")
	switch prefix {
	case "ge":
		return dateRange{low: day}, true
	case "le":
		return dateRange{high: day}, true
	}
	return dateRange{low: day, high: day}, true
}
