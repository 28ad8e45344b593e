package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	vertebrav1 "vertebra/api/proto/vertebra/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// quick is small limits and short waits.
func quick() Options {
	return Options{
		BatchLines: 10, InFlight: 3, LineBytes: 1000,
		BackoffMin: time.Millisecond, BackoffMax: 4 * time.Millisecond, Patience: 10 * time.Second,
	}
}

func person(i int) string { return fmt.Sprintf(`{"resourceType":"Patient","id":"p%d"}`, i) }

func people(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(person(i) + "\n")
	}
	return b.String()
}

// bads collects what was left out.
func bads(o *Options) *[]string {
	var list []string
	o.OnBad = func(b BadLine) { list = append(list, fmt.Sprintf("line %d: %s", b.Line, b.Reason)) }
	return &list
}

func TestRunLoadsEveryLine(t *testing.T) {
	server := newFakeLocator()
	input := "\ufeff" + people(1234)
	input = strings.TrimSuffix(strings.ReplaceAll(input, "\n", "\r\n\n"), "\r\n\n")
	summary, err := Run(t.Context(), server.client(t), strings.NewReader(input), quick())
	if err != nil {
		t.Fatal(err)
	}
	if summary.Loaded != 1234 || summary.Bad != 0 || len(server.people) != 1234 {
		t.Errorf("%+v, %d people at the server", summary, len(server.people))
	}
	if summary.Offset != int64(len(input)) {
		t.Errorf("offset %d of %d", summary.Offset, len(input))
	}
	if server.largest > 10 {
		t.Errorf("a batch of %d lines, over the limit of 10", server.largest)
	}
}

func TestRunReportsBadLinesWithoutTheirContent(t *testing.T) {
	server := newFakeLocator()
	server.judge = func(id string, _ int) *vertebrav1.Error {
		switch id {
		case "field":
			return failure(codes.InvalidArgument, `{"issue":[{"details":{"coding":[{"code":"INVALID_VALUE"}]},"diagnostics":"Invalid value - 'secret' in field 'name/0/use'"}]}`)
		case "missing":
			return failure(codes.InvalidArgument, `{"issue":[{"details":{"coding":[{"code":"MISSING_VALUE"}]},"diagnostics":"Missing value - 'name/0/family'"}]}`)
		case "sly":
			return failure(codes.InvalidArgument, `{"issue":[{"details":{"coding":[{"code":"INVALID_VALUE"}]},"diagnostics":"Invalid value - '' in field 'x9000000009'"}]}`)
		case "bare":
			return failure(codes.FailedPrecondition, ``)
		}
		return nil
	}
	input := strings.Join([]string{
		person(1),
		`{"id":"p2"`,
		"{\"id\":\"p3\",\"name\":\"\xff\xfe secret\"}",
		`{"id":"` + strings.Repeat("secret", 100_000) + `"}`,
		`{"id":"field"}`, `{"id":"missing"}`, `{"id":"sly"}`, `{"id":"bare"}`,
		"",
		person(10),
	}, "\n")
	o := quick()
	got := bads(&o)
	summary, err := Run(t.Context(), server.client(t), strings.NewReader(input), o)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"line 2: not JSON", "line 3: not UTF-8", "line 4: over 1000 bytes",
		"line 5: INVALID_VALUE in name/0/use", "line 6: MISSING_VALUE in name/0/family",
		"line 7: INVALID_VALUE", "line 8: FailedPrecondition",
	}
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("bad lines\n%s\nwant\n%s", strings.Join(*got, "\n"), strings.Join(want, "\n"))
	}
	if summary.Loaded != 2 || summary.Bad != 7 || summary.Line != 10 {
		t.Errorf("%+v", summary)
	}
}

func TestRunGoesOnWhenTheStreamBreaks(t *testing.T) {
	for name, broken := range map[string]error{
		"unavailable":  errUnavailable,
		"server ended": errEnd,
		"overloaded":   status.Error(codes.ResourceExhausted, "busy"),
	} {
		t.Run(name, func(t *testing.T) {
			server := newFakeLocator()
			server.breaks = func(batch int) error {
				if batch%7 != 0 {
					return nil
				}
				return broken
			}
			summary, err := Run(t.Context(), server.client(t), strings.NewReader(people(1000)), quick())
			if err != nil {
				t.Fatal(err)
			}
			if summary.Loaded != 1000 || len(server.people) != 1000 || summary.Reconnects == 0 {
				t.Errorf("%+v, %d people at the server", summary, len(server.people))
			}
		})
	}
}

func TestRunTriesAgainWhatIsPutOff(t *testing.T) {
	server := newFakeLocator()
	server.judge = func(id string, attempt int) *vertebrav1.Error {
		switch {
		case strings.HasSuffix(id, "3") && attempt <= 2:
			return failure(codes.ResourceExhausted, "")
		case strings.HasSuffix(id, "5") && attempt <= 8:
			return &vertebrav1.Error{Code: int32(codes.Internal), RetryAfter: durationpb.New(time.Microsecond)}
		case strings.HasSuffix(id, "7") && attempt < maxDoubts:
			return failure(codes.Internal, "")
		}
		return nil
	}
	summary, err := Run(t.Context(), server.client(t), strings.NewReader(people(200)), quick())
	if err != nil {
		t.Fatal(err)
	}
	if summary.Loaded != 200 || summary.Bad != 0 || summary.Retries == 0 {
		t.Errorf("%+v", summary)
	}
	if server.attempts["p1"] != 1 {
		t.Errorf("a line that was answered was sent %d times", server.attempts["p1"])
	}
}

// A line that makes the server fail must not hold up the rest for ever.
func TestRunLeavesOutALineThatTheServerKeepsFailingOn(t *testing.T) {
	server := newFakeLocator()
	server.judge = func(id string, _ int) *vertebrav1.Error {
		if id == "p5" {
			return failure(codes.Internal, "")
		}
		return nil
	}
	o := quick()
	got := bads(&o)
	summary, err := Run(t.Context(), server.client(t), strings.NewReader(people(100)), o)
	if err != nil {
		t.Fatal(err)
	}
	if summary.Loaded != 99 || !reflect.DeepEqual(*got, []string{"line 6: Internal"}) {
		t.Errorf("%+v, bad lines %v", summary, *got)
	}
}

// Lines about one person take effect in the order of the input, whatever is put off.
func TestRunKeepsTheOrderOfOnePerson(t *testing.T) {
	server := newFakeLocator()
	server.judge = func(id string, attempt int) *vertebrav1.Error {
		if attempt%3 == 1 {
			return failure(codes.Unavailable, "")
		}
		return nil
	}
	var input strings.Builder
	const versions = 40
	for v := range versions {
		for i := range 4 {
			fmt.Fprintf(&input, `{"id":"p%d","v":%d}`+"\n", i, v)
		}
		fmt.Fprintf(&input, `{"resource":{"id":"q%d"},"id":"q%d"}`+"\n", v, v)
	}
	summary, err := Run(t.Context(), server.client(t), strings.NewReader(input.String()), quick())
	if err != nil {
		t.Fatal(err)
	}
	if summary.Loaded != versions*5 {
		t.Errorf("%+v", summary)
	}
	for i := range 4 {
		id := fmt.Sprintf("p%d", i)
		for v, text := range server.order[id] {
			if want := fmt.Sprintf(`{"id":"%s","v":%d}`, id, v); text != want || len(server.order[id]) != versions {
				t.Fatalf("%s: change %d of %d is %s, want %s", id, v, len(server.order[id]), text, want)
			}
		}
	}
}

func TestRunStops(t *testing.T) {
	refusing := func(code codes.Code) *fakeLocator {
		f := newFakeLocator()
		f.judge = func(string, int) *vertebrav1.Error { return failure(code, "") }
		return f
	}
	t.Run("at a refusal of the load", func(t *testing.T) {
		_, err := Run(t.Context(), refusing(codes.PermissionDenied).client(t), strings.NewReader(people(5)), quick())
		if !errors.As(err, new(*RefusedError)) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("at a stream that is refused", func(t *testing.T) {
		f := newFakeLocator()
		f.breaks = func(int) error { return status.Error(codes.Unauthenticated, "who?") }
		_, err := Run(t.Context(), f.client(t), strings.NewReader(people(5)), quick())
		if !errors.As(err, new(*RefusedError)) || status.Code(errors.Unwrap(err)) == codes.OK {
			t.Errorf("got %v", err)
		}
	})
	t.Run("without progress", func(t *testing.T) {
		o := quick()
		o.Patience = 30 * time.Millisecond
		_, err := Run(t.Context(), refusing(codes.Unavailable).client(t), strings.NewReader(people(5)), o)
		if !errors.Is(err, ErrStalled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("at an input that fails", func(t *testing.T) {
		lost := errors.New("disk lost")
		input := io.MultiReader(strings.NewReader(people(50)), failingReader{lost})
		_, err := Run(t.Context(), newFakeLocator().client(t), input, quick())
		if !errors.Is(err, lost) {
			t.Errorf("got %v", err)
		}
	})
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

// An interrupted load goes on where all lines were answered, counts each line once, and
// leaves no checkpoint behind when it is done.
func TestRunResumes(t *testing.T) {
	const n = 2000
	server := newFakeLocator()
	client := server.client(t)
	o := quick()
	o.Checkpoint = filepath.Join(t.TempDir(), "people.ndjson.resume")
	o.CheckpointEvery = time.Nanosecond
	input := strings.Replace(people(n), person(3), "broken", 1)

	var last Summary
	for run := 0; ; run++ {
		if run > n {
			t.Fatal("never ends")
		}
		ctx, cancel := context.WithCancel(t.Context())
		o.OnProgress = func(s Summary) {
			if s.LoadedNow > 300 {
				cancel()
			}
		}
		summary, err := Run(ctx, client, bytes.NewReader([]byte(input)), o)
		cancel()
		if summary.ResumedAt != last.Line {
			t.Fatalf("run %d began behind line %d, the last one ended at %d", run, summary.ResumedAt, last.Line)
		}
		last = summary
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if last.Loaded != n-1 || last.Bad != 1 || len(server.people) != n-1 || last.ResumedAt == 0 {
		t.Errorf("%+v, %d people at the server", last, len(server.people))
	}
	if _, err := os.Stat(o.Checkpoint); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the checkpoint is still there: %v", err)
	}
	for id, times := range server.attempts {
		if times > 12 {
			t.Errorf("%s was sent %d times", id, times)
		}
	}
}

// The end of ctx ends the reader too, which must not be taken for the end of the input.
func TestRunThatIsStoppedIsNeverDone(t *testing.T) {
	client := newFakeLocator().client(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 200 {
		if _, err := Run(ctx, client, strings.NewReader(people(30)), quick()); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	}
}

func TestRunRefusesACheckpointOfAnotherInput(t *testing.T) {
	server := newFakeLocator()
	client := server.client(t)
	o := quick()
	o.Checkpoint = filepath.Join(t.TempDir(), "resume")
	_, head, err := inputFrom(strings.NewReader(people(20)), Checkpoint{})
	if err != nil {
		t.Fatal(err)
	}
	head.Offset, head.Line = 400, 10
	if err := head.write(o.Checkpoint); err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]string{"other": "x" + people(20), "shorter": people(2)} {
		if _, err := Run(t.Context(), client, strings.NewReader(other), o); !errors.Is(err, ErrOtherInput) {
			t.Errorf("%s input: got %v", name, err)
		}
	}
	if err := os.WriteFile(o.Checkpoint, []byte(`{"format":9}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), client, strings.NewReader(people(20)), o); err == nil {
		t.Error("a checkpoint of an unknown format was taken")
	}
	if len(server.people) != 0 {
		t.Errorf("%d people were loaded", len(server.people))
	}
}

// A slow input is not made to wait until a batch is full.
func TestRunSendsWhatThereIsOnASlowInput(t *testing.T) {
	server := newFakeLocator()
	in, out := io.Pipe()
	o := quick()
	loaded := make(chan int64, 100)
	o.OnProgress = func(s Summary) { loaded <- s.Loaded }
	ended := make(chan error, 1)
	client := server.client(t)
	go func() {
		_, err := Run(t.Context(), client, in, o)
		ended <- err
	}()
	// inputFrom looks at the first 4 KiB; only what comes later is slow.
	fmt.Fprint(out, people(200))
	for n := int64(0); n < 190; {
		n = <-loaded
	}
	fmt.Fprintln(out, person(500))
	for n := int64(0); n < 201; {
		n = <-loaded
	}
	_ = out.Close()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}
