package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	vertebrav1 "vertebra/api/proto/vertebra/v1"
)

// ErrStalled is returned when nothing was answered for Options.Patience.
var ErrStalled = errors.New("load: no progress")

// maxDoubts is how often a line is tried that the server fails on without
// saying that it is busy: a line that makes the server fail must not hold up the rest.
const maxDoubts = 5

// Run loads the people that input holds, one a line. It returns what it did, also
// beside an error: ErrStalled, ErrOtherInput, a *RefusedError, the input's error or
// that of ctx. After any of them a Run with the same checkpoint goes on.
func Run(ctx context.Context, client vertebrav1.LocatorClient, input io.Reader, o Options) (Summary, error) {
	o = o.withDefaults()
	from, err := startOf(o)
	if err != nil {
		return Summary{}, err
	}
	lines, from, err := inputFrom(input, from)
	if err != nil {
		return Summary{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	l := newLoader(ctx, client, o, from)
	ended := l.startReading(ctx, lines)
	err = l.run(ctx)
	l.closeSession()
	cancel()
	if inputErr := <-ended; err == nil && inputErr != nil {
		err = fmt.Errorf("load: input: %w", inputErr)
	}
	if kept := l.finish(err); err == nil {
		err = kept
	}
	return l.summary(), err
}

func startOf(o Options) (Checkpoint, error) {
	if o.Checkpoint == "" {
		return Checkpoint{}, nil
	}
	return ReadCheckpoint(o.Checkpoint)
}

// loader is the state of a Run. One goroutine owns it: readers, senders and receivers
// talk to it over channels.
type loader struct {
	Options
	client  vertebrav1.LocatorClient
	batches chan *batch
	session *session // nil while there is none

	// window holds the batches that are not done, in the order of the input; held is one
	// that waits because it is about somebody who is in the window.
	window   []*batch
	held     *batch
	subjects map[string]struct{}

	// failures counts broken streams since the last answer; reopen is when to try again.
	failures int
	reopen   time.Time
	wake     *time.Timer
	patience *time.Timer

	started             time.Time
	resumed             Checkpoint
	done                Checkpoint
	written             time.Time
	loadedNow           int64
	retries, reconnects int64
}

func newLoader(ctx context.Context, client vertebrav1.LocatorClient, o Options, from Checkpoint) *loader {
	now := time.Now()
	return &loader{
		Options: o, client: client,
		batches:  make(chan *batch),
		session:  openSession(ctx, client, o.InFlight),
		subjects: map[string]struct{}{},
		wake:     time.NewTimer(time.Hour),
		patience: time.NewTimer(o.Patience),
		started:  now, written: now,
		resumed: from, done: from,
	}
}

func (l *loader) startReading(ctx context.Context, lines *bufio.Reader) <-chan error {
	ended := make(chan error, 1)
	read := make(chan line, l.BatchLines)
	options, from := l.Options, l.done
	go cutBatches(ctx, read, options, l.batches)
	go func() { ended <- readLines(ctx, lines, options, from, read) }()
	return ended
}

// run is the loader's loop; it returns nil when the input has ended and all of it is
// answered.
func (l *loader) run(ctx context.Context) error {
	input := l.batches
	for {
		l.admit()
		l.dispatch(ctx)
		if err := l.settle(); err != nil {
			return err
		}
		if input == nil && l.held == nil && len(l.window) == 0 {
			return ctx.Err() // the reader stops at the end of ctx too, which is not that of the input
		}
		select {
		case b, more := <-l.room(input):
			if l.held = b; !more {
				input = nil
			}
		case answer := <-l.answers():
			if err := l.take(answer); err != nil {
				return err
			}
		case err := <-l.broken():
			if err := l.reconnectLater(ctx, err); err != nil {
				return err
			}
		case <-l.wake.C:
		case <-l.patience.C:
			if len(l.window) > 0 {
				return fmt.Errorf("%w for %v", ErrStalled, l.Patience)
			}
			l.patience.Reset(l.Patience) // it is the input that is slow
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// room returns the input while another batch can be taken in, and nil otherwise.
func (l *loader) room(input chan *batch) chan *batch {
	if l.held != nil || len(l.window) >= l.InFlight {
		return nil
	}
	return input
}

func (l *loader) answers() chan *vertebrav1.StreamResponse {
	if l.session == nil {
		return nil
	}
	return l.session.answers
}

func (l *loader) broken() chan error {
	if l.session == nil {
		return nil
	}
	return l.session.broken
}

// admit moves the held batch into the window unless somebody in it is there already:
// then it waits, so that lines about one person take effect in their order.
func (l *loader) admit() {
	if l.held == nil || slices.ContainsFunc(l.held.open, l.isInWindow) {
		return
	}
	for i := range l.held.open {
		l.subjects[l.held.open[i].subject] = struct{}{}
	}
	l.held.due = time.Now()
	l.window = append(l.window, l.held)
	l.held = nil
}

func (l *loader) isInWindow(line line) bool {
	_, in := l.subjects[line.subject]
	return in && line.subject != ""
}

// dispatch sends what is due, opening a stream first when there is none, and sets the
// timer to what is due next.
func (l *loader) dispatch(ctx context.Context) {
	now := time.Now()
	if l.session == nil {
		if now.Before(l.reopen) {
			l.wake.Reset(l.reopen.Sub(now))
			return
		}
		l.session = openSession(ctx, l.client, l.InFlight)
	}
	next := now.Add(time.Hour)
	for _, b := range l.window {
		switch {
		case len(b.open) == 0 || b.due.IsZero():
		case b.due.After(now):
			next = minTime(next, b.due)
		default:
			b.due = time.Time{}
			l.session.outbox <- b.request() // has room for the whole window
		}
	}
	l.wake.Reset(next.Sub(now))
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// reconnectLater puts the unanswered batches off until another stream is open.
func (l *loader) reconnectLater(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch verdictOf(status.Code(err)) {
	case giveUp, leaveOut:
		return &RefusedError{err}
	}
	l.drain()
	l.closeSession()
	l.failures++
	l.reconnects++
	now := time.Now()
	l.reopen = now.Add(l.backoff(l.failures, 0))
	for _, b := range l.window {
		if b.due.IsZero() {
			b.due = now
		}
	}
	return nil
}

// drain takes the answers that arrived before the stream broke: sending their lines
// again would be safe, but not free. A refusal among them comes again.
func (l *loader) drain() {
	for {
		select {
		case answer := <-l.session.answers:
			_ = l.take(answer)
		default:
			return
		}
	}
}

func (l *loader) closeSession() {
	if l.session != nil {
		l.session.close()
		l.session = nil
	}
}

// take carries out an answer. Answers to what was not asked are ignored: after a
// broken stream an earlier one may be answered twice.
func (l *loader) take(answer *vertebrav1.StreamResponse) error {
	at := slices.IndexFunc(l.window, func(b *batch) bool { return b.id == answer.Id })
	if at < 0 || !l.window[at].due.IsZero() {
		return nil
	}
	b := l.window[at]
	if len(answer.Results) != len(b.open) {
		return &RefusedError{status.Errorf(codes.Internal, "%d answers to %d lines", len(answer.Results), len(b.open))}
	}
	l.failures = 0
	return l.sort(b, answer.Results)
}

// sort parts the lines of a batch into loaded, bad and put off.
func (l *loader) sort(b *batch, results []*vertebrav1.Result) error {
	var again []line
	var asked time.Duration
	b.attempts++
	for i, result := range results {
		failure := result.GetError()
		verdict := verdictOfLine(failure, &b.open[i])
		switch {
		case failure == nil:
			b.loaded++
			l.loadedNow++
		case verdict == giveUp:
			return &RefusedError{status.Error(codes.Code(failure.Code), reasonOf(failure))}
		case verdict == leaveOut:
			b.bad = append(b.bad, BadLine{b.open[i].number, reasonOf(failure)})
		default:
			again = append(again, b.open[i])
			asked = max(asked, failure.GetRetryAfter().AsDuration())
			continue
		}
		delete(l.subjects, b.open[i].subject)
	}
	if len(again) < len(b.open) {
		l.patience.Reset(l.Patience)
	}
	if b.open = again; len(again) > 0 {
		l.retries++
		b.due = time.Now().Add(l.backoff(b.attempts, asked))
	}
	return nil
}

// verdictOfLine is verdictOf one line's failure. A failure that says how long to wait
// may be tried again whatever its code.
func verdictOfLine(failure *vertebrav1.Error, l *line) verdict {
	v := verdictOf(codes.Code(failure.GetCode()))
	if failure.GetRetryAfter() != nil {
		return tryAgain
	}
	if v != tryFewMore {
		return v
	}
	if l.doubts++; l.doubts >= maxDoubts {
		return leaveOut
	}
	return tryAgain
}

// settle counts the batches at the front of the window that are done, tells of it, and
// writes the checkpoint now and then.
func (l *loader) settle() error {
	before := l.done.Line
	for len(l.window) > 0 && len(l.window[0].open) == 0 {
		l.count(l.window[0])
		l.window[0] = nil
		l.window = l.window[1:]
	}
	if l.done.Line == before {
		return nil
	}
	l.OnProgress(l.summary())
	if l.Checkpoint == "" || time.Since(l.written) < l.CheckpointEvery {
		return nil
	}
	l.written = time.Now()
	return l.done.write(l.Checkpoint)
}

func (l *loader) count(b *batch) {
	slices.SortFunc(b.bad, func(x, y BadLine) int { return int(x.Line - y.Line) })
	for _, bad := range b.bad {
		l.OnBad(bad)
	}
	l.done.Offset, l.done.Line = b.end, b.endLine
	l.done.Loaded += b.loaded
	l.done.Bad += int64(len(b.bad))
}

// finish leaves the checkpoint where the Run ended, or removes it when all is loaded.
func (l *loader) finish(failed error) error {
	if l.Checkpoint == "" {
		return nil
	}
	if failed != nil {
		return l.done.write(l.Checkpoint)
	}
	if err := os.Remove(l.Checkpoint); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("load: checkpoint: %w", err)
	}
	return nil
}

func (l *loader) summary() Summary {
	return Summary{
		Line: l.done.Line, Offset: l.done.Offset,
		Loaded: l.done.Loaded, Bad: l.done.Bad,
		ResumedAt: l.resumed.Line, ResumedOffset: l.resumed.Offset,
		LoadedNow: l.loadedNow,
		Elapsed:   time.Since(l.started),
		Retries:   l.retries, Reconnects: l.reconnects,
	}
}
