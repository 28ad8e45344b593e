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

// readBatches cuts the input into batches and hands them over until the input or ctx
// ends. It returns the input's error, nil at its end. Batches begin small on a slow
// input and grow to the limits on a fast one: whenever reading would block, what there
// is goes out if somebody is waiting for it.
func readBatches(ctx context.Context, input *bufio.Reader, o Options, from Checkpoint, out chan<- *batch) error {
	defer close(out)
	lines := &lineReader{input: input, limit: o.LineBytes, number: from.Line, offset: from.Offset}
	b := &batch{id: 1}
	hand := func() error {
		select {
		case out <- b:
			b = &batch{id: b.id + 1}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for {
		if input.Buffered() == 0 && b.size() > 0 {
			select {
			case out <- b:
				b = &batch{id: b.id + 1}
			default:
			}
		}
		l, err := lines.next()
		if errors.Is(err, io.EOF) && b.size() == 0 {
			return nil
		}
		if errors.Is(err, io.EOF) {
			return hand()
		}
		if err != nil {
			return err
		}
		if b.size() > 0 && (b.size() >= o.BatchLines || b.bytes+len(l.text) > o.BatchBytes || b.has(l.subject)) {
			if err := hand(); err != nil {
				return err
			}
		}
		b.add(l)
	}
}
