package index

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// All terms of a document stand in one field of bleve, each behind its profile,
// its field and its kind. One dictionary per segment instead of forty is what
// makes many small segments cheap to search and to merge.
//
//	profile | field | kind | value

// maxStart is the length in characters of the longest term of TermStart.
const maxStart = 4

// maxTermBytes bounds a term's value; of a longer one the first bytes are the
// term, so that it is still found, as a candidate.
const maxTermBytes = 256

// maxAlternatives bounds the terms that one requirement is made of. Beyond it
// the requirement is dropped: the other ones find the candidates.
const maxAlternatives = 1024

// The kinds as they stand in terms, on disk.
const (
	kindExact     = '='
	kindStart     = '<'
	kindYear      = 'y'
	kindMonth     = 'm'
	kindDay       = 'd'
	kindIrregular = 'x' // of a TermDate field: the value is not a date that the kinds above cover
	kindWord      = 'w'
)

func term(profile uint8, f Field, kind byte, value string) string {
	value = value[:min(len(value), maxTermBytes)]
	return string([]byte{profile, byte(f), kind}) + value
}

// termsOf calls add with every term of the document. Terms may repeat.
func (p *Profile) termsOf(d Document, add func(string)) {
	for f, value := range d.All() {
		for _, t := range p.Terms {
			if t.Field == f {
				t.of(p.Number, value, add)
			}
		}
	}
}

// of calls add with the terms that one value makes.
func (t Term) of(profile uint8, value string, add func(string)) {
	switch t.Kind {
	case TermExact:
		add(term(profile, t.Field, kindExact, value))
	case TermStart:
		for n := 1; n <= maxStart; n++ {
			start := firstCharacters(value, n)
			add(term(profile, t.Field, kindStart, start))
			if len(start) == len(value) {
				return
			}
		}
	case TermDate:
		if !isDate(value) {
			add(term(profile, t.Field, kindIrregular, ""))
			return
		}
		add(term(profile, t.Field, kindYear, value[:4]))
		add(term(profile, t.Field, kindMonth, value[:6]))
		add(term(profile, t.Field, kindDay, value))
	case TermWords:
		for word := range strings.FieldsSeq(value) {
			add(term(profile, t.Field, kindWord, word))
		}
	}
}

// requirement is what a criterion asks of a document's terms: to have one of them.
type requirement []string

// requirements turns a conjunction into requirements that every document for
// which it holds meets. A criterion that no kind of term serves asks for nothing.
func (p *Profile) requirements(all []Criterion) []requirement {
	var needed []requirement
	for i := range all {
		c := &all[i]
		if c.Op == Words && len(c.Values) == 1 {
			for word := range strings.FieldsSeq(c.Values[0]) {
				needed = p.require(needed, &Criterion{Fields: c.Fields, Op: Words, Values: []string{word}})
			}
			continue
		}
		needed = p.require(needed, c)
	}
	// Few terms first: where a segment has none of them the many are not looked up.
	slices.SortStableFunc(needed, func(a, b requirement) int { return len(a) - len(b) })
	return needed
}

func (p *Profile) require(needed []requirement, c *Criterion) []requirement {
	var any requirement
	for _, f := range c.Fields {
		terms, ok := p.termsFor(f, c)
		if !ok || len(any)+len(terms) > maxAlternatives {
			return needed
		}
		any = append(any, terms...)
	}
	slices.Sort(any)
	return append(needed, slices.Compact(any))
}

// termsFor returns terms one of which every document has that satisfies c by the
// field f. It returns false when the field's terms cannot tell. Of several kinds
// the first that can, exact before coarse.
func (p *Profile) termsFor(f Field, c *Criterion) ([]string, bool) {
	for _, kind := range []TermKind{TermExact, TermDate, TermStart, TermWords} {
		if !slices.Contains(p.Terms, Term{Field: f, Kind: kind}) {
			continue
		}
		if terms, ok := (asking{p.Number, f}).terms(kind, c); ok {
			return terms, true
		}
	}
	return nil, false
}

// asking makes terms of one field for a search.
type asking struct {
	profile uint8
	field   Field
}

func (a asking) terms(kind TermKind, c *Criterion) ([]string, bool) {
	switch kind {
	case TermExact:
		return a.exact(c)
	case TermStart:
		return a.starts(c)
	case TermDate:
		return a.dates(c)
	case TermWords:
		return a.words(c)
	}
	return nil, false
}

func (a asking) term(kind byte, value string) string { return term(a.profile, a.field, kind, value) }

func (a asking) exact(c *Criterion) ([]string, bool) {
	if c.Op != Equal {
		return nil, false
	}
	terms := []string{}
	for _, v := range c.Values {
		terms = append(terms, a.term(kindExact, v))
	}
	return terms, true
}

func (a asking) starts(c *Criterion) ([]string, bool) {
	terms := []string{}
	for _, v := range c.Values {
		switch c.Op {
		case Equal, Prefix:
		case Wildcard:
			v = literalStart(v)
		default:
			return nil, false
		}
		if v == "" {
			return nil, false
		}
		terms = append(terms, a.term(kindStart, firstCharacters(v, maxStart)))
	}
	return terms, c.Op != Range && c.Op != Words
}

func (a asking) words(c *Criterion) ([]string, bool) {
	if c.Op != Words && c.Op != Equal {
		return nil, false
	}
	terms := []string{}
	for _, v := range c.Values {
		words := strings.Fields(v)
		if len(words) == 0 {
			return nil, false
		}
		terms = append(terms, a.term(kindWord, longest(words)))
	}
	return terms, true
}

// longest returns the longest word, which is likely the rarest.
func longest(words []string) string {
	return slices.MaxFunc(words, func(a, b string) int {
		return utf8.RuneCountInString(a) - utf8.RuneCountInString(b)
	})
}
