package index

import (
	bleve "github.com/blevesearch/bleve_index_api"
)

// The names of bleve's fields: the document's id, which bleve demands, and the
// one that all terms stand in.
const (
	idField   = "_id"
	termField = "t"
)

// bleveDocument is a document as bleve's index takes it, its terms already made:
// bleve's mapping and analysis would make the same and cost half of the indexing.
// Nothing is stored but the id; there are no doc values, positions or norms.
type bleveDocument struct {
	id     string
	fields [2]bleveField
}

// newBleveDocument makes the bleve document of one record.
func newBleveDocument(id string, shard uint16, p *Profile, d Document) *bleveDocument {
	terms := newTermSet(len(d))
	terms.add(shardTerm(shard))
	p.termsOf(d, terms.add)
	return &bleveDocument{id: id, fields: [2]bleveField{
		{name: termField, options: bleve.IndexField | bleve.SkipFreqNorm, terms: terms.frequencies()},
		{name: idField, options: bleve.IndexField | bleve.StoreField | bleve.SkipFreqNorm, value: []byte(id)},
	}}
}

// termSet collects a document's terms without repeats. All of them lie in one
// piece of memory, since a batch makes a hundred thousand.
type termSet struct {
	bytes []byte
	ends  []int
}

func newTermSet(size int) *termSet {
	return &termSet{bytes: make([]byte, 0, 6*size), ends: make([]int, 0, 48)}
}

func (s *termSet) add(term string) {
	s.bytes = append(s.bytes, term...)
	s.ends = append(s.ends, len(s.bytes))
}

func (s *termSet) frequencies() bleve.TokenFrequencies {
	all, start := string(s.bytes), 0
	counts := make([]bleve.TokenFreq, 0, len(s.ends))
	terms := make(bleve.TokenFrequencies, len(s.ends))
	for _, end := range s.ends {
		term := all[start:end]
		if terms[term] == nil {
			counts = append(counts, bleve.TokenFreq{Term: s.bytes[start:end:end]})
			once := &counts[len(counts)-1]
			once.SetFrequency(1)
			terms[term] = once
		}
		start = end
	}
	return terms
}

// ID implements bleve's Document.
func (d *bleveDocument) ID() string { return d.id }

// Size implements bleve's Document.
func (d *bleveDocument) Size() int { return len(d.id) + 64*len(d.fields[0].terms) }

// VisitFields implements bleve's Document.
func (d *bleveDocument) VisitFields(visit bleve.FieldVisitor) {
	for i := range d.fields {
		visit(&d.fields[i])
	}
}

// VisitComposite implements bleve's Document.
func (d *bleveDocument) VisitComposite(bleve.CompositeFieldVisitor) {}

// HasComposite implements bleve's Document.
func (d *bleveDocument) HasComposite() bool { return false }

// NumPlainTextBytes implements bleve's Document.
func (d *bleveDocument) NumPlainTextBytes() uint64 { return 0 }

// AddIDField implements bleve's Document: the id is there from the start.
func (d *bleveDocument) AddIDField() {
	id := bleve.TokenFreq{Term: d.fields[1].value}
	id.SetFrequency(1)
	d.fields[1].terms = bleve.TokenFrequencies{d.id: &id}
}

// StoredFieldsBytes implements bleve's Document.
func (d *bleveDocument) StoredFieldsBytes() uint64 { return uint64(len(d.id)) }

// Indexed implements bleve's Document.
func (d *bleveDocument) Indexed() bool { return true }

// bleveField is one of the two fields of a bleveDocument.
type bleveField struct {
	name    string
	options bleve.FieldIndexingOptions
	value   []byte
	terms   bleve.TokenFrequencies
}

// Name implements bleve's Field.
func (f *bleveField) Name() string { return f.name }

// Value implements bleve's Field.
func (f *bleveField) Value() []byte { return f.value }

// ArrayPositions implements bleve's Field.
func (f *bleveField) ArrayPositions() []uint64 { return nil }

// EncodedFieldType implements bleve's Field: text.
func (f *bleveField) EncodedFieldType() byte { return 't' }

// Analyze implements bleve's Field: the terms are made already.
func (f *bleveField) Analyze() {}

// Options implements bleve's Field.
func (f *bleveField) Options() bleve.FieldIndexingOptions { return f.options }

// AnalyzedLength implements bleve's Field. It is the same for every document, so
// that a term of one document can be kept in the dictionary itself.
func (f *bleveField) AnalyzedLength() int { return 1 }

// AnalyzedTokenFrequencies implements bleve's Field.
func (f *bleveField) AnalyzedTokenFrequencies() bleve.TokenFrequencies { return f.terms }

// NumPlainTextBytes implements bleve's Field.
func (f *bleveField) NumPlainTextBytes() uint64 { return 0 }
