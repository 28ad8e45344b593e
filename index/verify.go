package index

import (
	"context"

	"github.com/blevesearch/bleve/v2/index/scorch"
	"github.com/cespare/xxhash/v2"
)

// TermDigest is a fingerprint of a document's terms as bleve has them: the sum of
// their hashes, so that it can be taken in whatever order they come.
type TermDigest uint64

// Digest is the fingerprint that a document has in bleve when it is indexed right.
func (p *Profile) Digest(shard uint16, d Document) TermDigest {
	terms := newTermSet(len(d))
	terms.add(shardTerm(shard))
	p.termsOf(d, terms.add)
	var sum TermDigest
	for term := range terms.frequencies() {
		sum += TermDigest(xxhash.Sum64String(term))
	}
	return sum
}

// Digests calls visit with every live document that bleve has and the fingerprint
// of its terms, until visit returns false. It walks every posting list once, so it
// is for an offline check: with a million documents it takes seconds and eight bytes
// a document. What is still in the queue is not among them: Flush first.
func (e *Engine) Digests(ctx context.Context, visit func(shard uint16, profile uint8, id string, digest TermDigest) bool) error {
	reader, err := e.index.Reader()
	if err != nil {
		return err
	}
	defer reader.Close()
	more := true
	for _, segment := range reader.(*scorch.IndexSnapshot).Segments() {
		digests, err := segmentDigests(ctx, segment)
		if err != nil {
			return err
		}
		live := segment.DocNumbersLive().Iterator()
		for more && live.HasNext() {
			number := live.Next()
			raw, err := segment.DocID(uint64(number))
			if err != nil {
				return err
			}
			if shard, profile, id, ok := splitID(raw); ok {
				more = visit(shard, profile, id, digests[number])
			}
		}
	}
	return nil
}

// segmentDigests returns the fingerprint of each document of a segment, deleted
// ones included, by its number there.
func segmentDigests(ctx context.Context, segment *scorch.SegmentSnapshot) ([]TermDigest, error) {
	digests := make([]TermDigest, segment.FullSize())
	dictionary, err := segment.Segment().Dictionary(termField)
	if err != nil {
		return nil, err
	}
	terms := dictionary.AutomatonIterator(nil, nil, nil)
	for entry, err := terms.Next(); entry != nil || err != nil; entry, err = terms.Next() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		list, err := dictionary.PostingsList([]byte(entry.Term), nil, nil)
		if err != nil {
			return nil, err
		}
		hash := TermDigest(xxhash.Sum64String(entry.Term))
		for numbers := bitmapOf(list).Iterator(); numbers.HasNext(); {
			digests[numbers.Next()] += hash
		}
	}
	return digests, nil
}
