package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tidwall/gjson"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	vertebrav1 "vertebra/api/proto/vertebra/v1"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

// testProgram is a program whose node is a fake and whose output is kept.
type testProgram struct {
	program
	out, err lockedBuffer
	node     *fakeNode
}

func newTestProgram(environ ...string) *testProgram {
	p := &testProgram{node: &fakeNode{people: map[string]string{}}}
	p.program = program{
		stdout: &p.out, stderr: &p.err, stdin: strings.NewReader(""),
		environ:   environ,
		startNode: p.node.start,
		people:    numberedPeople,
		check:     func(context.Context, string) (checkReport, error) { return checkReport{}, nil },
	}
	return p
}

// lockedBuffer may be read while a command writes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// numberedPeople makes people of whom the first is restricted and the second dead.
func numberedPeople(seed uint64) personMaker {
	return func(i int, line []byte) []byte {
		security, death := "U", ""
		if i == 0 {
			security = "R"
		}
		if i == 1 {
			death = `,"deceasedDateTime":"2020-01-01"`
		}
		return fmt.Appendf(line, `{"resource":{"resourceType":"Patient","id":"99%d%07d","meta":{"versionId":"3","security":[{"code":%q}]},`+
			`"name":[{"use":"usual","family":"O'Hara %d"}],"gender":"female","birthDate":"1980-01-02"%s}}`, seed%10, i, security, i, death)
	}
}

// fakeNode is a node as far as the commands see one: two ports, and people in a map.
type fakeNode struct {
	vertebrav1.UnimplementedLocatorServer
	settings settings
	failed   chan error
	stopped  bool
	refuse   error

	mu     sync.Mutex
	people map[string]string
}

func (f *fakeNode) start(_ context.Context, s settings, parts parts) (*running, error) {
	if f.refuse != nil {
		return nil, f.refuse
	}
	f.settings = s
	f.failed = make(chan error, 1)
	listener, err := net.Listen("tcp", s.GRPC)
	if err != nil {
		return nil, err
	}
	server := grpc.NewServer()
	vertebrav1.RegisterLocatorServer(server, f)
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(listener) }()
	web := httptest.NewServer(http.HandlerFunc(f.read))
	return &running{
		httpAddress: strings.TrimPrefix(web.URL, "http://"),
		grpcAddress: listener.Addr().String(),
		operator:    http.NotFoundHandler(),
		failed:      f.failed,
		stop: func(context.Context) error {
			f.stopped = true
			server.Stop()
			<-served
			web.Close()
			return nil
		},
	}, nil
}

func (f *fakeNode) read(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	text, ok := f.people[strings.TrimPrefix(r.URL.Path, demographicsPath+"/Patient/")]
	if !ok || r.Header.Get("X-Request-ID") == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", `W/"3"`)
	fmt.Fprint(w, gjson.Get(text, "resource").Raw)
}

// Stream implements the server.
func (f *fakeNode) Stream(stream vertebrav1.Locator_StreamServer) error {
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		response := &vertebrav1.StreamResponse{Id: request.Id}
		for _, o := range request.Operations {
			text := string(o.GetPutPerson().Json)
			f.mu.Lock()
			f.people[numberOf([]byte(text))] = text
			f.mu.Unlock()
			response.Results = append(response.Results, &vertebrav1.Result{Result: &vertebrav1.Result_Held{Held: &vertebrav1.Held{}}})
		}
		if err := stream.Send(response); err != nil {
			return err
		}
	}
}
