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
// composite order. A composite with a part that the document has no value of
// makes none.
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
	values := []string{""}
	for i, part := range c.Parts {
		var longer []string
		for _, head := range values {
			for v := range d.Values(part.Field) {
				value := head + part.cut(v)
				if i > 0 {
					value = head + string(rune(separator)) + part.cut(v)
				}
				if len(longer) < maxPostings && !slices.Contains(longer, value) {
					longer = append(longer, value)
				}
			}
		}
		values = longer
	}
	return values
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
