package index

// Profile declares what one kind of record is found by. A service fills one in
// as a value; everything else in this package is written once for all of them.
type Profile struct {
	// Number tells profiles apart in the search index of a node; on disk.
	Number uint8
	// Name is for people and metrics.
	Name string
	// Composites are the look-ups designed in advance, each a posting list.
	Composites []Composite
	// Terms are what bleve indexes of a document.
	Terms []Term
}

// Composite is a posting list over one or more fields: a key for every
// combination of the parts' values, in part order, so that equality on the
// leading parts and a prefix or range on the next one is one contiguous scan.
type Composite struct {
	// Number is the posting's field on disk: never reused, unique among all profiles.
	Number uint16
	Parts  []Part
}

// Part is one field of a composite.
type Part struct {
	Field Field
	// First keeps only the first so many characters of a value; 0 keeps all.
	First int
}

// Term says how bleve indexes a field.
type Term struct {
	Field Field
	Kind  TermKind
}

// TermKind is a way of making terms from a value.
type TermKind uint8

// The kinds of term.
const (
	// TermExact: the value itself.
	TermExact TermKind = iota + 1
	// TermStart: the first one to four characters, so that a wildcard's literal start is
	// one term and never expanded.
	TermStart
	// TermDate: coarse date terms, year, month and day, so that a range is a few terms.
	TermDate
	// TermWords: folded words of free text.
	TermWords
)
