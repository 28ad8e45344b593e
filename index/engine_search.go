package index

import (
	"cmp"
	"context"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	segments "github.com/blevesearch/scorch_segment_api/v2"
)

// checkEvery is after how many updates of the queue a search looks at its context.
const checkEvery = 1024

// Reading is some shards as they were when Begin was called, and everything
// appended since. It is for one search and one goroutine; Close it.
type Reading struct {
	engine *Engine
	reader *scorch.IndexSnapshot
	shards []uint16
	queues []cursor // of shards, in their order
}

// Begin starts a search over shards. Whoever then opens views of the shards, and calls
// Candidates after that, gets as candidates all documents that match at those
// views: what bleve has here was visible before Begin, so it is not newer than the
// views; what became visible until the views were opened is in the queue.
func (e *Engine) Begin(shards []uint16) (*Reading, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.usable(); err != nil {
		return nil, err
	}
	// Under the lock no batch can leave the queue between the two, so what is not in
	// the reader is behind the cursors.
	reader, err := e.index.Reader()
	if err != nil {
		return nil, err
	}
	r := &Reading{engine: e, reader: reader.(*scorch.IndexSnapshot), shards: shards, queues: make([]cursor, len(shards))}
	for i, id := range shards {
		r.queues[i] = e.shard(id).next
	}
	return r, nil
}

// Close releases what the reading held.
func (r *Reading) Close() error { return r.reader.Close() }

// Candidates is Begin, Reading.Candidates and Close: it yields every document that
// matches at a visible index read before the call. Where several documents change
// together while it runs, it may find some of them new and others old; use a
// Reading where that matters.
func (e *Engine) Candidates(ctx context.Context, q *Query, shards []uint16, yield func(shard uint16, id string) bool) error {
	r, err := e.Begin(shards)
	if err != nil {
		return err
	}
	defer r.Close()
	return r.Candidates(ctx, q, yield)
}

// Candidates calls yield, once for each, with the documents of q.Profile in the
// reading's shards that may match some conjunction of q.Any, until it returns false.
// No document that matches is missing; some that do not are among them: stale ones,
// deleted ones, near ones. It does not call q.Check. Errors are the context's, and
// bleve's when its files cannot be read.
func (r *Reading) Candidates(ctx context.Context, q *Query, yield func(shard uint16, id string) bool) error {
	r.engine.counts.searches.Add(1)
	seen := map[candidate]bool{}
	for i, shard := range r.shards {
		more, err := queued(ctx, q, shard, r.queues[i], seen, yield)
		if !more || err != nil {
			return err
		}
	}
	conjunctions := make([][]requirement, len(q.Any))
	for i, all := range q.Any {
		conjunctions[i] = q.Profile.requirements(all)
	}
	for _, segment := range r.reader.Segments() {
		if err := ctx.Err(); err != nil {
			return err
		}
		more, err := searchSegment(segment, conjunctions, func(raw []byte) bool {
			shard, profile, id, ok := splitID(raw)
			if !ok || profile != q.Profile.Number || !slices.Contains(r.shards, shard) || seen[candidate{shard, id}] {
				return true
			}
			return yield(shard, id)
		})
		if !more || err != nil {
			return err
		}
	}
	return nil
}

// candidate names a document within one profile.
type candidate struct {
	shard uint16
	id    string
}

// queued yields the matching updates of a shard's queue, and notes them in seen.
func queued(ctx context.Context, q *Query, shard uint16, at cursor, seen map[candidate]bool, yield func(uint16, string) bool) (more bool, err error) {
	for n := 1; ; n++ {
		u := at.peek()
		if u == nil {
			return true, nil
		}
		if n%checkEvery == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		at.skip()
		c := candidate{shard, u.ID}
		if len(u.Document) == 0 || u.Profile != q.Profile.Number || seen[c] || !q.Matches(u.Document) {
			continue
		}
		seen[c] = true
		if !yield(shard, u.ID) {
			return false, nil
		}
	}
}

// searchSegment visits the live documents of one segment of bleve's that meet some
// conjunction's requirements.
func searchSegment(segment *scorch.SegmentSnapshot, conjunctions [][]requirement, visit func(raw []byte) bool) (more bool, err error) {
	e := newEvaluation(segment)
	found := roaring.New()
	for _, needed := range conjunctions {
		meeting, err := e.meeting(needed)
		if err != nil {
			return false, err
		}
		found.Or(meeting)
	}
	more = true
	err = eachDocument(segment, found, func(raw []byte) bool {
		more = visit(raw)
		return more
	})
	return more, err
}

// fewTerms is up to how many terms a requirement's posting lists are all opened at
// once, to begin with the shortest. Wider ones, such as date ranges, are only held
// against what the others left.
const fewTerms = 4

// evaluation intersects posting lists within one segment. It works on bleve's
// bitmaps themselves, the rarest requirement first: bleve's own query objects
// merge iterators document by document and took four times as long.
type evaluation struct {
	segment    *scorch.SegmentSnapshot
	dictionary segments.TermDictionary
	// Used again from term to term by narrow.
	list     segments.PostingsList
	iterator segments.PostingsIterator
}

func newEvaluation(segment *scorch.SegmentSnapshot) *evaluation {
	return &evaluation{segment: segment}
}

// meeting returns the live documents that meet all requirements, which come with
// the fewest terms first; every live document when there are none.
func (e *evaluation) meeting(needed []requirement) (*roaring.Bitmap, error) {
	if len(needed) == 0 {
		return e.segment.DocNumbersLive(), nil
	}
	if err := e.openDictionary(); err != nil {
		return nil, err
	}
	few := 1
	for few < len(needed) && len(needed[few]) <= fewTerms {
		few++
	}
	found, err := e.intersect(needed[:few])
	for _, wide := range needed[few:] {
		if err != nil || found.IsEmpty() {
			return found, err
		}
		found, err = e.narrow(found, wide)
	}
	if deleted := e.segment.Deleted(); deleted != nil && err == nil {
		found.AndNot(deleted)
	}
	return found, err
}

func (e *evaluation) openDictionary() (err error) {
	if e.dictionary == nil {
		e.dictionary, err = e.segment.Segment().Dictionary(termField)
	}
	return err
}

// intersect returns the documents that meet all of the requirements, the rarest first.
func (e *evaluation) intersect(needed []requirement) (*roaring.Bitmap, error) {
	lists := make([]postings, len(needed))
	for i, r := range needed {
		list, err := e.postings(r)
		if err != nil || list.count == 0 {
			return roaring.New(), err
		}
		lists[i] = list
	}
	slices.SortFunc(lists, func(a, b postings) int { return cmp.Compare(a.count, b.count) })
	found := lists[0].union()
	for _, list := range lists[1:] {
		if found = list.within(found); found.IsEmpty() {
			break
		}
	}
	return found, nil
}

// narrow returns those of found that meet r, one posting list at a time, in memory
// that is used again.
func (e *evaluation) narrow(found *roaring.Bitmap, r requirement) (*roaring.Bitmap, error) {
	kept := roaring.New()
	for _, term := range r {
		list, err := e.dictionary.PostingsList([]byte(term), nil, e.list)
		if err != nil {
			return nil, err
		}
		e.list = list
		if list.Count() > 0 {
			e.iterator = list.Iterator(false, false, false, e.iterator)
			kept.Or(roaring.And(found, bitmapLeft(e.iterator)))
		}
	}
	return kept, nil
}

// holding returns the live documents that meet one requirement.
func (e *evaluation) holding(r requirement) (*roaring.Bitmap, error) {
	return e.meeting([]requirement{r})
}

// postings are the posting lists of one requirement's terms.
type postings struct {
	lists []*roaring.Bitmap // not to be changed: they lie in bleve's files
	count uint64            // their sizes together
}

// postings looks up a requirement's terms.
func (e *evaluation) postings(r requirement) (postings, error) {
	var found postings
	for _, term := range r {
		list, err := e.dictionary.PostingsList([]byte(term), nil, nil)
		if err != nil {
			return postings{}, err
		}
		if n := list.Count(); n > 0 {
			found.lists = append(found.lists, bitmapOf(list))
			found.count += n
		}
	}
	return found, nil
}

// bitmapOf returns a posting list as a bitmap, which is not to be changed.
func bitmapOf(list segments.PostingsList) *roaring.Bitmap {
	return bitmapLeft(list.Iterator(false, false, false, nil))
}

// bitmapLeft returns what is left of an iterator as a bitmap, without a copy where
// bleve has it as one.
func bitmapLeft(iterator segments.PostingsIterator) *roaring.Bitmap {
	if direct, ok := iterator.(segments.OptimizablePostingsIterator); ok {
		if bitmap := direct.ActualBitmap(); bitmap != nil {
			return bitmap
		}
		if number, ok := direct.DocNum1Hit(); ok {
			return roaring.BitmapOf(uint32(number))
		}
	}
	bitmap := roaring.New()
	for {
		posting, err := iterator.Next()
		if err != nil || posting == nil {
			return bitmap
		}
		bitmap.Add(uint32(posting.Number()))
	}
}

// union returns the documents on any of the lists.
func (p postings) union() *roaring.Bitmap {
	if len(p.lists) == 1 {
		return p.lists[0].Clone()
	}
	return roaring.FastOr(p.lists...)
}

// within returns those of set that are on any of the lists. Intersecting first keeps
// the work as small as set is, however long the lists.
func (p postings) within(set *roaring.Bitmap) *roaring.Bitmap {
	if len(p.lists) == 1 {
		return roaring.And(set, p.lists[0])
	}
	found := roaring.New()
	for _, list := range p.lists {
		found.Or(roaring.And(set, list))
	}
	return found
}
