package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	vertebrav1 "vertebra/api/proto/vertebra/v1"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

const token = "secret1"

// fakeNode holds the people of a seed in a map. It finds everybody with a birth date
// in the range, which is more than was asked for and never fewer.
type fakeNode struct {
	vertebrav1.UnimplementedDemographicsServer
	vertebrav1.UnimplementedLocatorServer

	mu     sync.Mutex
	people map[string]*fakePerson
	// search, when set, answers searches instead.
	search func(found []*fakePerson) (status int, body string)
	// read, when set, answers reads over HTTP instead.
	read      func(number string) (status int, body string)
	scrapes   int
	requests  map[string]bool
	anonymous int
	patches   int
}

type fakePerson struct {
	number, family, birth string
	version               int
	// last is the version before.
	last int
}

func (p *fakePerson) json(version int) string {
	return fmt.Sprintf(`{"resourceType":"Patient","id":%q,"meta":{"versionId":"%d"},"name":[{"id":"old","use":"maiden","family":"Before"},{"id":"now","use":"usual","family":%q}]}`,
		p.number, version, p.family)
}

func bundle(people []*fakePerson, version func(*fakePerson) int) string {
	var entries []string
	for _, p := range people {
		entries = append(entries, `{"resource":`+p.json(version(p))+`}`)
	}
	return `{"resourceType":"Bundle","total":` + strconv.Itoa(len(people)) + `,"entry":[` + strings.Join(entries, ",") + `]}`
}

func current(p *fakePerson) int { return p.version }

// startNode serves the people that the settings know.
func startNode(t *testing.T, s Settings) (*fakeNode, Target) {
	t.Helper()
	n := &fakeNode{people: map[string]*fakePerson{}, requests: map[string]bool{}}
	generator := newPopulation(s).generator
	for i := range s.Patients {
		if p := generator.Person(i); p.Live {
			n.people[string(p.Number)] = &fakePerson{number: string(p.Number), family: p.Family, birth: p.BirthDate, version: 1}
		}
	}
	web := httptest.NewServer(http.HandlerFunc(n.serveHTTP))
	t.Cleanup(web.Close)
	admin := httptest.NewServer(http.HandlerFunc(n.metrics))
	t.Cleanup(admin.Close)
	return n, Target{HTTP: web.Listener.Addr().String(), GRPC: n.startGRPC(t), Admin: admin.Listener.Addr().String(), Token: token}
}

func (n *fakeNode) startGRPC(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	vertebrav1.RegisterDemographicsServer(server, n)
	vertebrav1.RegisterLocatorServer(server, n)
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); <-served })
	return listener.Addr().String()
}

// metrics uses a second of CPU between two looks at it.
func (n *fakeNode) metrics(w http.ResponseWriter, _ *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.scrapes++
	fmt.Fprintf(w, "# HELP %s x\n%s %d\nother{a=\"b\"} 3\n%s 2.5e+06\n", metricCPU, metricCPU, n.scrapes, metricMemory)
}

func (n *fakeNode) serveHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	id := r.Header.Get("X-Request-ID")
	if r.Header.Get("Authorization") != "Bearer "+token {
		n.anonymous++
	}
	if id == "" || n.requests[id] {
		http.Error(w, "request id missing or used before", http.StatusBadRequest)
		return
	}
	n.requests[id] = true
	number, isRead := strings.CutPrefix(r.URL.Path, demographicsPath+"/Patient/")
	status, body := http.StatusOK, ""
	switch {
	case r.Method == http.MethodPatch:
		status, body = n.patch(number, r)
	case !isRead:
		status, body = n.found(r.URL.Query())
	case n.read != nil:
		status, body = n.read(number)
	default:
		status, body = n.get(number)
	}
	w.WriteHeader(status)
	fmt.Fprint(w, body)
}

func (n *fakeNode) get(number string) (int, string) {
	p := n.people[number]
	if p == nil {
		return http.StatusNotFound, "{}"
	}
	return http.StatusOK, p.json(p.version)
}

func (n *fakeNode) found(query url.Values) (int, string) {
	var found []*fakePerson
	for _, p := range n.people {
		inRange := func(bound string) bool {
			switch prefix, date := bound[:2], bound[2:]; prefix {
			case "ge":
				return p.birth >= date
			case "le":
				return p.birth <= date
			default:
				return p.birth == date
			}
		}
		if dates := query["birthdate"]; len(dates) > 0 && !slices.ContainsFunc(dates, func(b string) bool { return !inRange(b) }) {
			found = append(found, p)
		}
	}
	if n.search != nil {
		return n.search(found)
	}
	return http.StatusOK, bundle(found, current)
}

// patch takes what the contract takes: the version, and a test of the item's id.
func (n *fakeNode) patch(number string, r *http.Request) (int, string) {
	var body struct {
		Patches []struct{ Op, Path, Value string }
	}
	text, _ := io.ReadAll(r.Body)
	p := n.people[number]
	if err := json.Unmarshal(text, &body); err != nil || p == nil || len(body.Patches) != 2 || body.Patches[0].Value != "now" ||
		body.Patches[0].Path != "/name/1/id" || body.Patches[1].Path != "/name/1/family" || r.Header.Get("Content-Type") != "application/json-patch+json" {
		return http.StatusBadRequest, "{}"
	}
	if r.Header.Get("If-Match") != fmt.Sprintf(`W/"%d"`, p.version) {
		return http.StatusConflict, "{}"
	}
	n.patches++
	p.family, p.last, p.version = body.Patches[1].Value, p.version, p.version+1
	return http.StatusOK, p.json(p.version)
}

// patient answers gRPC, to whom gives the token and, where it is asked for, a request id.
func (n *fakeNode) patient(ctx context.Context, number string) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if md, _ := metadata.FromIncomingContext(ctx); !slices.Equal(md.Get("authorization"), []string{"Bearer " + token}) {
		return nil, status.Error(codes.Unauthenticated, "who?")
	}
	code, body := n.get(number)
	if code != http.StatusOK {
		return nil, status.Error(codes.NotFound, "nobody")
	}
	return []byte(body), nil
}

// ReadPatient implements the server.
func (n *fakeNode) ReadPatient(ctx context.Context, r *vertebrav1.ReadPatientRequest) (*httpbody.HttpBody, error) {
	if md, _ := metadata.FromIncomingContext(ctx); len(md.Get("x-request-id")) != 1 {
		return nil, status.Error(codes.InvalidArgument, "no request id")
	}
	body, err := n.patient(ctx, r.NhsNumber)
	return &httpbody.HttpBody{Data: body}, err
}

// Get implements the server.
func (n *fakeNode) Get(ctx context.Context, r *vertebrav1.GetRequest) (*vertebrav1.GetResponse, error) {
	body, err := n.patient(ctx, r.Selection.NhsNumber)
	return &vertebrav1.GetResponse{Held: heldOf(body)}, err
}

func heldOf(body []byte) *vertebrav1.Held {
	return &vertebrav1.Held{Records: []*vertebrav1.Record{{Kind: vertebrav1.Kind_KIND_COVERAGE}, {Kind: vertebrav1.Kind_KIND_PATIENT, Json: body}}}
}

// Stream implements the server.
func (n *fakeNode) Stream(stream vertebrav1.Locator_StreamServer) error {
	for {
		batch, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		response := &vertebrav1.StreamResponse{Id: batch.Id}
		for _, o := range batch.Operations {
			body, err := n.patient(stream.Context(), o.GetGet().NhsNumber)
			result := &vertebrav1.Result{Result: &vertebrav1.Result_Held{Held: heldOf(body)}}
			if err != nil {
				result.Result = &vertebrav1.Result_Error{Error: &vertebrav1.Error{HttpStatus: http.StatusNotFound}}
			}
			response.Results = append(response.Results, result)
		}
		if err := stream.Send(response); err != nil {
			return err
		}
	}
}

// someSettings are short: what is asserted is counted, never timed.
func someSettings() Settings {
	return Settings{Patients: 80, Seed: 3, Clients: 3, Measure: 10 * time.Millisecond, Nonce: 5}
}
