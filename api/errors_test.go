package api

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"vertebra/api/access"
	"vertebra/api/demographics"
	"vertebra/api/fhir"
	"vertebra/cluster"
	"vertebra/index"
	"vertebra/storage/record"
)

// TestEveryErrorHasARow reads the packages whose errors can reach the edge and
// looks for each exported one in the table.
func TestEveryErrorHasARow(t *testing.T) {
	rows := map[string]bool{}
	for _, r := range errorTable() {
		if rows[r.name] {
			t.Errorf("%s has two rows", r.name)
		}
		rows[r.name] = true
	}
	found := 0
	for dir, pkg := range map[string]string{
		".": "api", "access": "access", "fhir": "fhir", "demographics": "demographics",
		"../cluster": "cluster", "../index": "index", "../storage/record": "record",
	} {
		for _, name := range exportedErrors(t, dir) {
			found++
			// A Failure is what rows are turned into.
			if full := pkg + "." + name; !rows[full] && full != "api.Failure" {
				t.Errorf("%s has no row in errorTable", full)
			}
		}
	}
	if found < 30 {
		t.Errorf("only %d errors found: is this test looking in the right place?", found)
	}
}

// exportedErrors returns the names of a package's exported error values, those
// named Err..., and error types, those with an Error method.
func exportedErrors(t *testing.T, dir string) []string {
	t.Helper()
	names := map[string]bool{}
	entries, err := fs.Glob(os.DirFS(dir), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.HasSuffix(entry, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), dir+"/"+entry, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			noteErrors(d, names)
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func noteErrors(d ast.Decl, names map[string]bool) {
	switch d := d.(type) {
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			value, ok := spec.(*ast.ValueSpec)
			if !ok || d.Tok != token.VAR {
				continue
			}
			for _, name := range value.Names {
				if rest, ok := strings.CutPrefix(name.Name, "Err"); ok && ast.IsExported(rest) {
					names[name.Name] = true
				}
			}
		}
	case *ast.FuncDecl:
		if d.Name.Name != "Error" || d.Recv == nil {
			return
		}
		receiver := d.Recv.List[0].Type
		if star, ok := receiver.(*ast.StarExpr); ok {
			receiver = star.X
		}
		if name, ok := receiver.(*ast.Ident); ok && name.IsExported() {
			names[name.Name] = true
		}
	}
}

// TestErrorAnswers: what HTTP and gRPC answer for every error that an error value
// can be made of, wrapped as callers wrap them.
func TestErrorAnswers(t *testing.T) {
	f := &failer{errorTable(), zeros{}}
	for _, c := range []struct {
		err    error
		status int
		code   codes.Code
		issue  string
		retry  time.Duration
	}{
		{demographics.ResourceNotFound(), 404, codes.NotFound, "RESOURCE_NOT_FOUND", 0},
		{demographics.PreconditionFailed(), 412, codes.FailedPrecondition, "PRECONDITION_FAILED", 0},
		{demographics.VersionMismatch(), 409, codes.Aborted, "RESOURCE_VERSION_MISMATCH", 0},
		{&access.Refusal{Reason: "Missing access token"}, 401, codes.Unauthenticated, "ACCESS_DENIED", 0},
		{ErrMayNotLoad, 403, codes.PermissionDenied, "ACCESS_DENIED", 0},
		{&UnsupportedPathError{"/x"}, 400, codes.InvalidArgument, "UNSUPPORTED_REQUEST", 0},
		{ErrUnsupportedMethod, 400, codes.InvalidArgument, "UNSUPPORTED_SERVICE", 0},
		{ErrTooManyCalls, 429, codes.ResourceExhausted, "TOO_MANY_REQUESTS", time.Second},
		{ErrBodyTooLarge, 413, codes.ResourceExhausted, "INVALID_VALUE", 0},
		{ErrQueryTooLong, 414, codes.InvalidArgument, "INVALID_VALUE", 0},
		{ErrEncodedBody, 415, codes.InvalidArgument, "UNSUPPORTED_SERVICE", 0},
		{cluster.ErrOverloaded, 429, codes.ResourceExhausted, "TOO_MANY_REQUESTS", time.Second},
		{&cluster.RetryError{Err: cluster.ErrOverloaded, After: 3 * time.Second}, 429, codes.ResourceExhausted, "TOO_MANY_REQUESTS", 3 * time.Second},
		{&cluster.RetryError{Err: cluster.ErrUnavailable, After: 2 * time.Second}, 503, codes.Unavailable, "SERVICE_UNAVAILABLE", 2 * time.Second},
		{cluster.ErrOutcomeUnknown, 503, codes.Unavailable, "SERVICE_UNAVAILABLE", 5 * time.Second},
		{cluster.ErrContended, 503, codes.Aborted, "SERVICE_UNAVAILABLE", time.Second},
		{cluster.ErrTooBroad, 200, codes.InvalidArgument, "TOO_MANY_MATCHES", 0},
		{cluster.ErrBadPosition, 400, codes.InvalidArgument, "INVALID_VALUE", 0},
		{index.ErrQueueFull, 429, codes.ResourceExhausted, "TOO_MANY_REQUESTS", time.Second},
		{context.DeadlineExceeded, 503, codes.DeadlineExceeded, "SERVICE_UNAVAILABLE", 5 * time.Second},
		{context.Canceled, 503, codes.Canceled, "SERVICE_UNAVAILABLE", 5 * time.Second},
		{record.ErrTooLarge, 413, codes.ResourceExhausted, "INVALID_VALUE", 0},
		{record.ErrCorrupt, 500, codes.DataLoss, "UNKNOWN_ERROR", 0},
		{&demographics.SupersededError{}, 500, codes.Internal, "UNKNOWN_ERROR", 0},
		{ErrPanic, 500, codes.Internal, "UNKNOWN_ERROR", 0},
		{errors.New("open /secret: 9000000009"), 500, codes.Internal, "UNKNOWN_ERROR", 0},
	} {
		got := f.fail(fmt.Errorf("wrapped: %w", c.err))
		if got.Status != c.status || got.Code != c.code || got.Issue.Coding.Code != c.issue || got.RetryAfter != c.retry {
			t.Errorf("%v: %d %v %s %v", c.err, got.Status, got.Code, got.Issue.Coding.Code, got.RetryAfter)
		}
		if got.Fault != (c.status == 500) || strings.Contains(string(got.outcome()), "9000000009") {
			t.Errorf("%v: fault %v, %s", c.err, got.Fault, got.outcome())
		}
		checkStatus(t, got)
	}
}

// checkStatus: over gRPC the OperationOutcome travels as the status's detail.
func checkStatus(t *testing.T, f *Failure) {
	t.Helper()
	s, ok := status.FromError(f)
	if !ok || s.Code() != f.Code || len(s.Details()) != 1 {
		t.Errorf("%s: status %v", f.Name, s)
		return
	}
	detail, ok := s.Details()[0].(*httpbody.HttpBody)
	if !ok || string(detail.GetData()) != string(fhir.OutcomeJSON(f.Issue)) {
		t.Errorf("%s: detail %v", f.Name, s.Details()[0])
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// FuzzFreshness: whatever the headers say, there is an answer, and what cannot be
// read is never taken for leave to be stale.
func FuzzFreshness(f *testing.F) {
	for _, seed := range []string{"", "no-cache", "max-age=5", "max-age=5, no-cache", `max-age="3"`, "max-age=-1", "max-age=99999999999", "max-stale, max-age=0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, control string) {
		age := maxAge(control)
		if age < 0 || age > maxAgeMost {
			t.Errorf("%q: %v", control, age)
		}
		if age > 0 && !strings.Contains(strings.ToLower(control), "max-age") {
			t.Errorf("%q: %v", control, age)
		}
	})
}

// TestSyncWait: the range of X-Sync-Wait, and what is outside of it.
func TestSyncWait(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 10 * time.Second, "0.25": 250 * time.Millisecond, "29": 29 * time.Second, "1.5": 1500 * time.Millisecond,
		"0.2": 10 * time.Second, "29.1": 10 * time.Second, "-1": 10 * time.Second, "NaN": 10 * time.Second, "1e300": 10 * time.Second, "x": 10 * time.Second,
	} {
		if got := syncWait(value, 10*time.Second); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}
