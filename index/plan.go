package index

import (
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// maxScans bounds the scans of one plan. Beyond it many short scans cost more than the
	// engine's intersection.
	maxScans = 64
	// maxSplit bounds the criteria over several fields that a plan takes apart.
	maxSplit = 4
)

// Scan is one contiguous run of a composite's postings: Low <= value < High. A
// nil bound is open.
type Scan struct {
	// Field is the composite's number.
	Field     uint16
	Low, High []byte

	tests []partTest
}

// partTest is a criterion that a part of a posting's value can be held against.
type partTest struct {
	part      int
	criterion Criterion
}

// Admits reports whether the document behind a posting with this value, which
// lies within the scan, may fit the conjunction that the scan was planned for. What
// the key itself rules out need not be read: of a pattern such as Sm*t* that is
// nearly every candidate.
func (s *Scan) Admits(value []byte) bool {
	if len(s.tests) == 0 {
		return true
	}
	test, part := 0, 0
	for rest, more := string(value), true; more; part++ {
		var one string
		one, rest, more = strings.Cut(rest, string(rune(separator)))
		for ; test < len(s.tests) && s.tests[test].part == part; test++ {
			if !s.tests[test].criterion.fits(one) {
				return false
			}
		}
	}
	return true
}

// Plan turns a conjunction into scans over posting lists that together hold every
// document for which the conjunction holds, and maybe others: the caller checks.
// It returns false when no composite serves it, and the engine does.
//
// Of the composites it takes the one that most criteria narrow: equality on the
// leading parts, then a prefix or range on the next. Several values, and several
// fields of one criterion, multiply the scans. A conjunction that can hold for
// nothing has a plan without scans.
func (p *Profile) Plan(all []Criterion) ([]Scan, bool) {
	var several []int
	for i := range all {
		if len(all[i].Fields) > 1 && len(several) < maxSplit {
			several = append(several, i)
		}
	}
	best := plan{}
	for split := range 1 << len(several) {
		chosen := slices.DeleteFunc(slices.Clone(several), func(i int) bool {
			return split&(1<<slices.Index(several, i)) == 0
		})
		if candidate := p.planSplit(all, chosen); candidate.betterThan(best) {
			best = candidate
		}
	}
	return best.scans, best.narrowed > 0
}

// plan is a way of answering a conjunction.
type plan struct {
	scans []Scan
	// narrowed counts half parts: two for a part with equality, one for a part with a prefix
	// or range. 0: no plan.
	narrowed int
}

func (a plan) betterThan(b plan) bool {
	return a.narrowed > b.narrowed || a.narrowed == b.narrowed && len(a.scans) < len(b.scans)
}

// planSplit plans the conjunction with the criteria at split taken apart: for every
// choice of one field for each of them there must be a composite.
func (p *Profile) planSplit(all []Criterion, split []int) plan {
	if len(split) == 0 {
		return p.planComposite(all)
	}
	whole := plan{}
	for i, field := range all[split[0]].Fields {
		choice := slices.Clone(all)
		choice[split[0]].Fields = []Field{field}
		part := p.planSplit(choice, split[1:])
		if part.narrowed == 0 || len(whole.scans)+len(part.scans) > maxScans {
			return plan{}
		}
		if i == 0 || part.narrowed < whole.narrowed {
			whole.narrowed = part.narrowed
		}
		whole.scans = append(whole.scans, part.scans...)
	}
	return whole
}

// planComposite returns the best plan over one composite, using only criteria on a
// single field.
func (p *Profile) planComposite(all []Criterion) plan {
	best := plan{}
	for i := range p.Composites {
		candidate := p.Composites[i].plan(all)
		if candidate.narrowed < 2 && len(p.Terms) > 0 {
			continue // a lone prefix or range: the engine's intersection is narrower
		}
		if candidate.betterThan(best) {
			best = candidate
		}
	}
	return best
}

// plan covers the composite's parts from the left as far as criteria reach, and
// tests what they leave on the parts themselves.
func (c *Composite) plan(all []Criterion) plan {
	covered := c.cover(all)
	tests := c.tests(all)
	for i := range covered.scans {
		covered.scans[i].tests = tests
	}
	return covered
}

// tests lists what the criteria on one field ask of the parts that hold that field
// whole. A document that fits has for each choice of its parts' values a posting,
// so one that has all the asked values at once.
func (c *Composite) tests(all []Criterion) []partTest {
	var tests []partTest
	for i, part := range c.Parts {
		for _, asked := range all {
			if part.First == 0 && len(asked.Fields) == 1 && asked.Fields[0] == part.Field && asked.Op != Words {
				tests = append(tests, partTest{i, asked})
			}
		}
	}
	return tests
}

func (c *Composite) cover(all []Criterion) plan {
	heads, narrowed := [][]byte{nil}, 0
	for i, part := range c.Parts {
		last := i == len(c.Parts)-1
		if values, ok := part.equalTo(all); ok {
			heads = extend(heads, values, last)
			if narrowed += 2; len(heads) > maxScans {
				return plan{}
			}
			continue
		}
		spans := part.spans(all, last)
		if spans == nil && narrowed == 0 || len(heads)*len(spans) > maxScans {
			return plan{}
		}
		if spans == nil {
			return plan{c.scans(heads, nil), narrowed}
		}
		return plan{c.scans(heads, spans), narrowed + 1}
	}
	return plan{c.exactScans(heads), narrowed}
}

// extend appends each value, and the separator unless it is the last part's, to each head.
func extend(heads [][]byte, values []string, last bool) [][]byte {
	var longer [][]byte
	for _, head := range heads {
		for _, value := range values {
			key := append(slices.Clone(head), value...)
			if !last {
				key = append(key, separator)
			}
			longer = append(longer, key)
		}
	}
	return longer
}

// span is a run of values of one part.
type span struct{ low, high []byte } // high nil: to the end of the head

// scans returns the scans of spans under each head; without spans, all under each head.
func (c *Composite) scans(heads [][]byte, spans []span) []Scan {
	if spans == nil {
		spans = []span{{}}
	}
	var scans []Scan
	for _, head := range heads {
		for _, s := range spans {
			scan := Scan{Field: c.Number, Low: append(slices.Clone(head), s.low...), High: successor(head)}
			if s.high != nil {
				scan.High = append(slices.Clone(head), s.high...)
			}
			scans = append(scans, scan)
		}
	}
	return scans
}

// exactScans returns the scans for keys that are whole values.
func (c *Composite) exactScans(keys [][]byte) []Scan {
	scans := make([]Scan, 0, len(keys))
	for _, key := range keys {
		scans = append(scans, Scan{Field: c.Number, Low: key, High: append(slices.Clone(key), 0)})
	}
	return scans
}

// successor returns the least string that is greater than every string that starts
// with prefix; nil when there is none.
func successor(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			next := slices.Clone(prefix[:i+1])
			next[i]++
			return next
		}
	}
	return nil
}

// equalTo returns the values that the part must have one of, if a criterion says so.
func (p Part) equalTo(all []Criterion) ([]string, bool) {
	for i := range all {
		c := &all[i]
		if len(c.Fields) != 1 || c.Fields[0] != p.Field {
			continue
		}
		if values, ok := p.equalBy(c); ok {
			return values, true
		}
	}
	return nil, false
}

func (p Part) equalBy(c *Criterion) ([]string, bool) {
	values := []string{}
	if c.Op == Range && (len(c.Values) != 2 || c.Values[0] != c.Values[1] || c.Values[0] == "") {
		return nil, false
	}
	for _, v := range c.Values {
		switch c.Op {
		case Equal, Range: // a range of one value
		case Prefix:
			if !p.decidedBy(v) {
				return nil, false
			}
		case Wildcard:
			start := literalStart(v)
			if start != v && !p.decidedBy(start) {
				return nil, false
			}
			v = start
		default:
			return nil, false
		}
		if v = p.cut(v); v != "" && !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	return values, true
}

// decidedBy reports whether every value that starts so is cut to the same.
func (p Part) decidedBy(start string) bool {
	return p.First > 0 && utf8.RuneCountInString(start) >= p.First
}

// spans returns the runs of the part's values that a criterion leaves, or nil when
// none does.
func (p Part) spans(all []Criterion, last bool) []span {
	for i := range all {
		c := &all[i]
		if len(c.Fields) != 1 || c.Fields[0] != p.Field {
			continue
		}
		if spans := p.spansBy(c, last); spans != nil {
			return spans
		}
	}
	return nil
}

func (p Part) spansBy(c *Criterion, last bool) []span {
	switch c.Op {
	case Range:
		return p.rangeSpan(c.Values, last)
	case Prefix, Wildcard:
		var spans []span
		for _, start := range c.Values {
			if c.Op == Wildcard {
				start = literalStart(start)
			}
			if start = p.cut(start); start == "" {
				return nil
			}
			spans = append(spans, span{[]byte(start), successor([]byte(start))})
		}
		return withoutCovered(spans)
	}
	return nil
}

// withoutCovered leaves out spans of prefixes that another one's prefix starts.
func withoutCovered(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return strings.Compare(string(a.low), string(b.low)) })
	kept := spans[:0]
	for _, s := range spans {
		if len(kept) == 0 || !strings.HasPrefix(string(s.low), string(kept[len(kept)-1].low)) {
			kept = append(kept, s)
		}
	}
	return kept
}

// rangeSpan returns the run of values between two bounds, both included. Behind a
// part that is not the last stands the separator, so the end is just above it. Bounds
// the wrong way round leave no run.
func (p Part) rangeSpan(bounds []string, last bool) []span {
	if len(bounds) != 2 || bounds[0] == "" && bounds[1] == "" {
		return nil
	}
	if bounds[1] != "" && bounds[1] < bounds[0] {
		return []span{}
	}
	s := span{low: []byte(p.cut(bounds[0]))}
	if bounds[1] != "" {
		end := byte(separator + 1)
		if last {
			end = separator
		}
		s.high = append([]byte(p.cut(bounds[1])), end)
	}
	return []span{s}
}
