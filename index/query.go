package index

// Op says how a criterion compares.
type Op uint8

// The comparisons. All work on folded values, byte by byte.
const (
	// Equal: the field has one of Values.
	Equal Op = iota + 1
	// Prefix: a value of the field starts with one of Values.
	Prefix
	// Range: a value v of the field has Values[0] <= v <= Values[1]; an empty bound is
	// open. Dates are YYYYMMDD, so that text order is date order.
	Range
	// Wildcard: a value of the field fits one of the patterns in Values, where * stands
	// for any run of characters and ? for exactly one. A pattern starts with a literal.
	Wildcard
	// Words: the field's text holds every word of Values[0].
	Words
)

// Criterion is one condition on a document: any of Fields, by Op, any of Values.
type Criterion struct {
	Fields []Field
	Op     Op
	Values []string
}

// Match is a document that Query.Check let through.
type Match struct {
	// Of is the subject that the hit stands for. It is not always the document's own: a
	// superseded number stands for the one that is retained.
	Of string
	// Score is over 0 and at most 1, where 1 is a match of everything that was asked.
	Score float64
}

// Query asks for the documents for which at least one conjunction of Any holds
// and which Check lets through.
//
// Any is what finds candidates and may be wider than what is wanted; Check is
// exact and is called on the document as it is at the visible index. Both are
// pure, so that the same query gives the same answer from a posting, from bleve
// and from the queue of what bleve has not yet indexed.
type Query struct {
	Profile *Profile
	Any     [][]Criterion
	Check   func(Document) (Match, bool)
	// Limit is how many distinct matches are wanted; a search stops when it has one more.
	Limit int
}

// Matches reports whether some conjunction of q.Any holds for the document.
// It does not call Check.
func (q *Query) Matches(d Document) bool {
	for _, all := range q.Any {
		if matchesAll(all, d) {
			return true
		}
	}
	return false
}
