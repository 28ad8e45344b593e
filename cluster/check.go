package cluster

import (
	"context"
	"fmt"

	"vertebra/index"
	"vertebra/storage"
	"vertebra/storage/record"
)

// CheckReport sums up what a check compared.
type CheckReport struct {
	storage.CheckReport
	// Indexed counts the documents in bleve.
	Indexed uint64
}

// CheckOptions say how to report what a check finds.
type CheckOptions struct {
	// Found is told of each finding, one line without anything about a person; may be nil.
	Found func(string)
	// MaxFindings bounds how many findings are reported; the report counts them all. 0
	// means storage.DefaultFindings.
	MaxFindings int
	// Progress is told now and then how many keys were looked at; may be nil.
	Progress func(keys uint64)
}

// Check compares all that the node holds: records, search records and postings
// in the store, the logs, and bleve. Nothing may be decided meanwhile: it is for a
// node that serves nobody.
//
// The node has replayed its logs by then, so that what the check sees is what
// clients would be served: comparing the files as a crash left them was tried, and
// says of every crash that bleve and state are not at the same index, which is
// neither wrong nor of use.
func (n *Node) Check(ctx context.Context, o CheckOptions) (CheckReport, error) {
	if o.MaxFindings == 0 {
		o.MaxFindings = storage.DefaultFindings
	}
	if o.Found == nil {
		o.Found = func(string) {}
	}
	stored, err := n.store.Check(storage.CheckOptions{
		MaxFindings: o.MaxFindings, Progress: o.Progress,
		Found: func(f storage.Finding) { o.Found(f.String()) },
	})
	report := CheckReport{CheckReport: stored}
	if err != nil {
		return report, err
	}
	if err := n.index.Flush(ctx); err != nil {
		return report, fromIndex(err)
	}
	c := &indexCheck{options: o, report: &report, expected: map[indexedID]index.TermDigest{}}
	if err := n.compareIndex(ctx, c); err != nil {
		return report, err
	}
	return report, nil
}

// indexedID names a document in bleve.
type indexedID struct {
	shard   uint16
	profile uint8
	id      string
}

// indexCheck compares bleve with the documents that state has. It holds a
// fingerprint for each document: a hundred bytes a person.
type indexCheck struct {
	options  CheckOptions
	report   *CheckReport
	expected map[indexedID]index.TermDigest
}

func (n *Node) compareIndex(ctx context.Context, c *indexCheck) error {
	for _, r := range n.replicas[1:] {
		if err := r.expected(ctx, c); err != nil {
			return err
		}
	}
	err := n.index.Digests(ctx, func(shard uint16, profile uint8, id string, digest index.TermDigest) bool {
		c.report.Indexed++
		at := indexedID{shard, profile, id}
		want, found := c.expected[at]
		switch delete(c.expected, at); {
		case !found:
			c.find(at, "bleve has a document that state does not have, or has it twice")
		case want != digest:
			c.find(at, "bleve has other terms than the search record")
		}
		return true
	})
	for at := range c.expected {
		c.find(at, "bleve lacks a document")
	}
	return err
}

// expected notes what bleve should have of the replica.
func (r *replica) expected(ctx context.Context, c *indexCheck) error {
	view, err := r.view(ctx)
	if err != nil {
		return err
	}
	defer view.Close()
	low, high := r.state.Slots()
	for table, profile := range r.profiles {
		for found, err := range view.Records(table, low, high) {
			if err != nil {
				return err
			}
			document, _, err := view.Document(found.Key)
			if err != nil {
				return err
			}
			if len(document) > 0 {
				at := indexedID{uint16(r.id), profile.Number, documentID(found.Key)}
				c.expected[at] = profile.Digest(uint16(r.id), document)
			}
		}
	}
	return nil
}

func (c *indexCheck) find(at indexedID, problem string) {
	c.report.Findings++
	if c.report.Findings > uint64(c.options.MaxFindings) {
		return
	}
	var subject record.Subject
	if key, ok := documentKey(at.id); ok {
		subject = key.Subject
	}
	c.options.Found(fmt.Sprintf("shard %d %v: %s", at.shard, subject, problem))
}
