package load

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/tidwall/gjson"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	vertebrav1 "vertebra/api/proto/vertebra/v1"
)

// fakeLocator is a Locator that keeps people in a map and fails as it is told.
type fakeLocator struct {
	vertebrav1.UnimplementedLocatorServer
	// judge answers one line; nil takes it. attempt counts from 1 for each person.
	judge func(id string, attempt int) *vertebrav1.Error
	// breaks says whether the stream breaks at this batch; before or after it was carried
	// out is the fake's choice by turns, since a client cannot tell.
	breaks func(batch int) error

	mu       sync.Mutex
	people   map[string]string
	order    map[string][]string // the texts that each person had
	attempts map[string]int
	batches  int
	largest  int
}

func newFakeLocator() *fakeLocator {
	return &fakeLocator{people: map[string]string{}, order: map[string][]string{}, attempts: map[string]int{}}
}

// Stream implements the server.
func (f *fakeLocator) Stream(stream vertebrav1.Locator_StreamServer) error {
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		response, err := f.answer(request)
		if errors.Is(err, errEnd) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(response); err != nil {
			return err
		}
	}
}

func (f *fakeLocator) answer(request *vertebrav1.StreamRequest) (*vertebrav1.StreamResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batches++
	f.largest = max(f.largest, len(request.Operations))
	var broken error
	if f.breaks != nil {
		broken = f.breaks(f.batches)
	}
	if broken != nil && f.batches%2 == 0 {
		return nil, broken
	}
	response := &vertebrav1.StreamResponse{Id: request.Id}
	for _, operation := range request.Operations {
		response.Results = append(response.Results, f.put(operation.GetPutPerson().GetJson()))
	}
	return response, broken
}

func (f *fakeLocator) put(text []byte) *vertebrav1.Result {
	id := gjson.GetBytes(text, "id").String()
	f.attempts[id]++
	if f.judge != nil {
		if failure := f.judge(id, f.attempts[id]); failure != nil {
			return &vertebrav1.Result{Result: &vertebrav1.Result_Error{Error: failure}}
		}
	}
	if f.people[id] != string(text) {
		f.people[id] = string(text)
		f.order[id] = append(f.order[id], string(text))
	}
	return &vertebrav1.Result{Result: &vertebrav1.Result_Held{Held: &vertebrav1.Held{Records: []*vertebrav1.Record{{Version: 1}}}}}
}

// client serves the fake in memory for as long as the test runs.
func (f *fakeLocator) client(t *testing.T) vertebrav1.LocatorClient {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	vertebrav1.RegisterLocatorServer(server, f)
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := server.Serve(listener); err != nil {
			t.Errorf("serve: %v", err)
		}
	}()
	conn, err := grpc.NewClient("passthrough:fake",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		<-served
	})
	return vertebrav1.NewLocatorClient(conn)
}

func failure(code codes.Code, outcome string) *vertebrav1.Error {
	return &vertebrav1.Error{Code: int32(code), Outcome: []byte(outcome)}
}

// errEnd makes the fake end the stream as if it had nothing more to say.
var errEnd = errors.New("end")

var errUnavailable = status.Error(codes.Unavailable, "gone")
