package index

import (
	"slices"
	"unicode/utf8"
)

// maxPostings bounds the postings that one composite makes of one document, so
// that a record with hundreds of names cannot fill a log entry. A combination
// over the bound is left out; the first values are the ones that stay.
const maxPostings = 256

// separator stands between the parts of a posting's value. Being the lowest byte
// it keeps the order of a composite that of its parts; values in a Document never hold it.
const separator = 0x00

// Posting is one (field, value) of a document: a key in the state store.
type Posting struct {
	// Field is the composite's number.
	Field uint16
	// Value is the composite's parts joined by 0x00.
	Value []byte
}

// Postings returns what the document is found by without the search engine: for
// each composite every combination of its parts' values, without repeats, in
// composite order. Without a value of a composite's first part it makes none; a
// later part without a value is empty, since a search need not name it.
func (p *Profile) Postings(d Document) []Posting {
	var all []Posting
	for i := range p.Composites {
		c := &p.Composites[i]
		for _, value := range c.combinations(d) {
			all = append(all, Posting{Field: c.Number, Value: []byte(value)})
		}
	}
	return all
}

// combinations returns the composite's values for d, at most maxPostings.
func (c *Composite) combinations(d Document) []string {
	if len(c.Parts) == 0 {
		return nil
	}
	values := c.Parts[0].values(d)
	for _, part := range c.Parts[1:] {
		tails := part.values(d)
		if len(tails) == 0 {
			tails = []string{""}
		}
		values = pairs(values, tails)
	}
	return values
}

// values returns what the part keeps of the document's values, without repeats.
func (p Part) values(d Document) (values []string) {
	for v := range d.Values(p.Field) {
		if v = p.cut(v); len(values) < maxPostings && !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	return values
}

// pairs joins each head with each tail.
func pairs(heads, tails []string) []string {
	joined := make([]string, 0, min(len(heads)*len(tails), maxPostings))
	for _, head := range heads {
		for _, tail := range tails {
			if len(joined) == maxPostings {
				return joined
			}
			joined = append(joined, head+string(rune(separator))+tail)
		}
	}
	return joined
}

// cut returns what the part keeps of a value.
func (p Part) cut(value string) string {
	if p.First == 0 {
		return value
	}
	return firstCharacters(value, p.First)
}

// firstCharacters returns the first n characters of s, or all of a shorter s.
func firstCharacters(s string, n int) string {
	at := 0
	for ; n > 0 && at < len(s); n-- {
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return s[:at]
}
