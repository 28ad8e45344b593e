package bench

import (
	"context"
	"errors"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	vertebrav1 "vertebra/api/proto/vertebra/v1"
)

func TestEveryWorkloadIsAnsweredRightly(t *testing.T) {
	s := someSettings()
	node, target := startNode(t, s)
	for _, w := range Workloads() {
		t.Run(w.Name, func(t *testing.T) {
			r, err := Run(t.Context(), target, w, s)
			if err != nil {
				t.Fatal(err)
			}
			if r.Wrong() != 0 || r.Operations < int64(s.Clients*w.Batch) || r.Operations%int64(w.Batch) != 0 {
				t.Errorf("%d operations, faults %v", r.Operations, r.Faults)
			}
			if want := 1e6 / float64(r.Operations); math.Abs(r.CPUPerOperation-want) > want/1e6 {
				t.Errorf("CPU %v µs an operation, want %v: a second in all", r.CPUPerOperation, want)
			}
			h, err := hdrhistogram.Decode([]byte(r.Histogram))
			if err != nil || h.TotalCount() != r.Operations/int64(w.Batch) {
				t.Errorf("histogram of %v calls, error %v; %d operations", h.TotalCount(), err, r.Operations)
			}
			if r.Latency.P50 <= 0 || r.Latency.Max < r.Latency.P999 || r.NodeMemory != 2500000 {
				t.Errorf("latency %+v, memory %d", r.Latency, r.NodeMemory)
			}
		})
	}
	if node.anonymous > 0 {
		t.Errorf("%d requests without the token", node.anonymous)
	}
}

// TestWrongAnswersAreCounted: each thing that a node can do wrong has its name.
func TestWrongAnswersAreCounted(t *testing.T) {
	answering := func(status int, body string) func(*fakeNode) {
		return func(n *fakeNode) {
			n.search = func([]*fakePerson) (int, string) { return status, body }
			n.read = func(string) (int, string) { return status, body }
		}
	}
	const tooMany = `{"resourceType":"OperationOutcome","issue":[{"details":{"coding":[{"code":"TOO_MANY_MATCHES"}]}}]}`
	for _, c := range []struct {
		name, workload string
		plant          func(*fakeNode)
		fault          string
	}{
		{"nobody found", "trace-exact", answering(200, `{"resourceType":"Bundle","total":0}`), faultMissing},
		{"others found", "trace-exact", answering(200, `{"resourceType":"Bundle","entry":[{"resource":{"id":"1"}}]}`), faultMissing},
		{"another outcome", "trace-exact", answering(200, `{"resourceType":"OperationOutcome","issue":[{}]}`), faultMissing},
		{"too many", "trace-exact", answering(200, tooMany), ""},
		{"too many for a read", "read-http", answering(200, tooMany), faultOther},
		{"somebody else", "read-http", answering(200, `{"id":"1"}`), faultOther},
		{"no JSON", "read-http", answering(200, ``), faultOther},
		{"failing", "read-http", answering(500, `{}`), "HTTP 500"},
		{"busy", "trace-year", answering(429, `{}`), "HTTP 429"},
		{"gone over gRPC", "read-grpc", func(n *fakeNode) { clear(n.people) }, "gRPC NotFound"},
		{"gone from the locator", "read-locator", func(n *fakeNode) { clear(n.people) }, "gRPC NotFound"},
		{"gone from the stream", "read-stream", func(n *fakeNode) { clear(n.people) }, "HTTP 404"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := someSettings()
			node, target := startNode(t, s)
			c.plant(node)
			w, err := Select([]string{c.workload})
			if err != nil {
				t.Fatal(err)
			}
			r, err := Run(t.Context(), target, w[0], s)
			if err != nil {
				t.Fatal(err)
			}
			if c.fault == "" {
				if r.Wrong() != 0 || r.TooMany == 0 || r.TooMany != r.Operations {
					t.Errorf("%d operations, %d too many, faults %v", r.Operations, r.TooMany, r.Faults)
				}
				return
			}
			kinds := slices.Collect(maps.Keys(r.Faults))
			if !slices.Equal(kinds, []string{c.fault}) || r.Operations != 0 || r.Latency.Max != 0 {
				t.Errorf("faults %v, %d operations, latency %+v, want only %q", r.Faults, r.Operations, r.Latency, c.fault)
			}
		})
	}
}

func TestANodeThatIsNotThereIsAFault(t *testing.T) {
	s := someSettings()
	closed := Target{HTTP: "127.0.0.1:1", GRPC: "127.0.0.1:1"}
	for name, fault := range map[string]string{"read-http": faultNoAnswer, "read-grpc": "gRPC Unavailable", "read-stream": "gRPC Unavailable"} {
		w, err := Select([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		r, err := Run(t.Context(), closed, w[0], s)
		if err != nil || r.Faults[fault] == 0 || len(r.Faults) != 1 || r.CPUPerOperation != 0 {
			t.Errorf("%s: %v, faults %v, want %q", name, err, r.Faults, fault)
		}
	}
	err := Check(t.Context(), closed, s)
	if err == nil || strings.Contains(err.Error(), "999") || strings.Contains(err.Error(), "Patient") {
		t.Errorf("Check: %v; want an error without a number", err)
	}
}

func TestCheckKnowsThePeople(t *testing.T) {
	s := someSettings()
	node, target := startNode(t, s)
	if err := Check(t.Context(), target, s); err != nil {
		t.Errorf("these people: %v", err)
	}
	more := s
	more.Patients = 5000
	if err := Check(t.Context(), target, more); !errors.Is(err, ErrOtherPeople) {
		t.Errorf("more people than there are: %v", err)
	}
	other := s
	other.Seed++
	if err := Check(t.Context(), target, other); !errors.Is(err, ErrOtherPeople) {
		t.Errorf("people of another seed: %v", err)
	}
	node.read = func(string) (int, string) { return http.StatusServiceUnavailable, "" }
	if err := Check(t.Context(), target, s); err == nil || errors.Is(err, ErrOtherPeople) || !strings.Contains(err.Error(), "HTTP 503") {
		t.Errorf("a node that is not ready: %v", err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	s := someSettings()
	s.Measure = time.Hour
	node, target := startNode(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	node.read = func(string) (int, string) { cancel(); return http.StatusOK, "{}" }
	if _, err := Run(ctx, target, Workloads()[0], s); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestTheSameSeedAsksTheSame: whichever other workloads or clients there are.
func TestTheSameSeedAsksTheSame(t *testing.T) {
	s := someSettings()
	ask := func(seed uint64, name string, client int) (asked []string) {
		w, err := Select([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		random := randomOf(seed, name, client)
		for range 20 {
			q, err := newPopulation(s).draw(w[0], random)
			if err != nil {
				t.Fatal(err)
			}
			asked = append(asked, strings.Join(q.numbers, " ")+q.query.Encode())
		}
		return asked
	}
	for _, w := range Workloads() {
		if !slices.Equal(ask(1, w.Name, 0), ask(1, w.Name, 0)) {
			t.Errorf("%s asks something else the second time", w.Name)
		}
		if slices.Equal(ask(1, w.Name, 0), ask(1, w.Name, 1)) || slices.Equal(ask(1, w.Name, 0), ask(2, w.Name, 0)) {
			t.Errorf("%s: another client or seed asks the same", w.Name)
		}
	}
}

func TestNobodySuits(t *testing.T) {
	s := someSettings()
	s.Patients = 1
	population := newPopulation(s)
	refused := Workload{Name: "refused", Batch: 1, trace: traceExact}
	if _, err := population.draw(refused, randomOf(1, "", 0)); err != nil {
		t.Fatalf("one person: %v", err)
	}
	refused.trace = traceNobody
	if _, err := population.draw(refused, randomOf(1, "", 0)); !errors.Is(err, errNobody) {
		t.Errorf("error %v", err)
	}
}

func TestPartsHaveNobodyInCommon(t *testing.T) {
	s := someSettings()
	s.Patients = 11
	total := 0
	owner := map[string]int{}
	for part := range 3 {
		p := newPopulation(s).of(part, 3)
		total += p.size()
		random := randomOf(1, "", part)
		for range 200 {
			person, err := p.any(random)
			if err != nil {
				t.Fatal(err)
			}
			if other, seen := owner[string(person.Number)]; seen && other != part {
				t.Fatalf("parts %d and %d share somebody", other, part)
			}
			owner[string(person.Number)] = part
		}
	}
	if total != s.Patients {
		t.Errorf("the parts have %d people of %d", total, s.Patients)
	}
}

// TestTheWarmUpIsNotCounted: each client asks once at least before anything counts.
func TestTheWarmUpIsNotCounted(t *testing.T) {
	s := someSettings()
	node, target := startNode(t, s)
	r, err := Run(t.Context(), target, Workloads()[0], s)
	if err != nil {
		t.Fatal(err)
	}
	if asked := int64(len(node.requests)); asked < r.Operations+int64(s.Clients) {
		t.Errorf("%d operations counted of %d that were asked", r.Operations, asked)
	}
}

// TestAResultTooFewIsAFault: the batch is answered, but not all of it.
func TestAResultTooFewIsAFault(t *testing.T) {
	response := &vertebrav1.StreamResponse{Results: []*vertebrav1.Result{{Result: &vertebrav1.Result_Held{Held: heldOf([]byte(`{"id":"1"}`))}}}}
	q := question{numbers: []string{"1", "2"}}
	all := newTally()
	all.count(q, answersOf(response, 2), time.Millisecond)
	if all.operations != 1 || all.faults[faultNoAnswer] != 1 || all.latencies.TotalCount() != 0 {
		t.Errorf("%d right, faults %v, %d latencies", all.operations, all.faults, all.latencies.TotalCount())
	}
}
