package load

import (
	"bufio"
	"context"
	"errors"
	"io"
	"time"

	vertebrav1 "vertebra/api/proto/vertebra/v1"
)

// batch is a run of lines of the input. It goes to the server as one message, and
// again, with the same id and only what is unanswered, until nothing is.
type batch struct {
	id uint64
	// open are the lines without a final answer. No two are about the same person: a
	// server may carry out one and put off the other.
	open []line
	// bytes counts what was put into open.
	bytes int
	// end and endLine are where the input was behind the batch.
	end, endLine int64
	loaded       int64
	bad          []BadLine
	// attempts counts the answers that put all or some of it off.
	attempts int
	// due is when it is to be sent; zero while an answer is awaited.
	due time.Time
}

// size counts the lines, open and faulty: both bound a batch.
func (b *batch) size() int { return len(b.open) + len(b.bad) }

func (b *batch) has(subject string) bool {
	for i := range b.open {
		if b.open[i].subject == subject && subject != "" {
			return true
		}
	}
	return false
}

func (b *batch) add(l line) {
	b.end, b.endLine = l.end, l.number
	if l.fault != "" {
		b.bad = append(b.bad, BadLine{l.number, l.fault})
		return
	}
	b.open = append(b.open, l)
	b.bytes += len(l.text)
}

// request is the message that carries what is open.
func (b *batch) request() *vertebrav1.StreamRequest {
	operations := make([]*vertebrav1.Operation, len(b.open))
	for i := range b.open {
		operations[i] = &vertebrav1.Operation{Operation: &vertebrav1.Operation_PutPerson{
			PutPerson: &vertebrav1.PutPerson{Json: b.open[i].text},
		}}
	}
	return &vertebrav1.StreamRequest{Id: b.id, Operations: operations}
}

// fits reports whether the line may join the batch.
func (b *batch) fits(l line, o Options) bool {
	return b.size() == 0 || b.size() < o.BatchLines && b.bytes+len(l.text) <= o.BatchBytes && !b.has(l.subject)
}

// readLines hands over the lines of the input until it or ctx ends, and returns the
// input's error, nil at its end.
func readLines(ctx context.Context, input *bufio.Reader, o Options, from Checkpoint, out chan<- line) error {
	defer close(out)
	lines := &lineReader{input: input, limit: o.LineBytes, number: from.Line, offset: from.Offset}
	for {
		l, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case out <- l:
		case <-ctx.Done():
			return nil
		}
	}
}

// cutBatches makes batches of lines until they or ctx end. On a fast input they grow to
// the limits. On a slow one, what there is goes out as soon as somebody takes it.
func cutBatches(ctx context.Context, lines <-chan line, o Options, out chan<- *batch) {
	defer close(out)
	b := &batch{id: 1}
	for {
		l, more := b.grow(ctx, lines, out)
		if b.size() > 0 && !(more && b.fits(l, o)) {
			select {
			case out <- b:
			case <-ctx.Done():
				return
			}
			b = &batch{id: b.id + 1}
		}
		if !more {
			return
		}
		b.add(l)
	}
}

// grow returns the next line. While there is none it offers what the batch holds, and
// empties the batch, with the next id, when that was taken.
func (b *batch) grow(ctx context.Context, lines <-chan line, out chan<- *batch) (l line, more bool) {
	select {
	case l, more = <-lines:
		return l, more
	default:
	}
	offer := out
	if b.size() == 0 {
		offer = nil
	}
	taken := *b
	select {
	case l, more = <-lines:
		return l, more
	case offer <- &taken:
		*b = batch{id: taken.id + 1}
	case <-ctx.Done():
		return line{}, false
	}
	select {
	case l, more = <-lines:
		return l, more
	case <-ctx.Done():
		return line{}, false
	}
}
