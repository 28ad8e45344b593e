package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vertebra/api"
	vertebrav1 "vertebra/api/proto/vertebra/v1"
	"vertebra/cluster"
	"vertebra/storage/record"
)

const fhirBase = "/personal-demographics/FHIR/R4"

// ask sends a request with an X-Request-ID and returns status, header and body.
func ask(t testing.TB, base, method, path, body string, header ...string) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, base+fhirBase+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Request-ID", "60E0B220-8136-4CA5-AE46-1D97EF59D068")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Error(err)
		return 0, nil, ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Error(err)
	}
	return answer.StatusCode, answer.Header, string(text)
}

// TestLimits: what is over a limit is refused with an OperationOutcome, and the
// request's id comes back.
func TestLimits(t *testing.T) {
	base := newRig(t, api.Limits{BodyBytes: 1000, QueryBytes: 500}).serve(t).URL
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{http.MethodPost, "/Patient", strings.Repeat("x", 1001), 413},
		{http.MethodPost, "/Patient", strings.Repeat("x", 1000), 400},
		{http.MethodGet, "/Patient?family=" + strings.Repeat("x", 500), "", 414},
		{http.MethodGet, "/Patient?family=%zz", "", 400},
	} {
		status, header, body := ask(t, base, c.method, c.path, c.body)
		if status != c.status || header.Get("X-Request-Id") == "" || !strings.Contains(body, "OperationOutcome") {
			t.Errorf("%s of %d bytes: %d %s", c.method, len(c.body), status, body)
		}
	}
}

// TestConcurrency: one call more than the limit is told to come back, and there is
// room again afterwards.
func TestConcurrency(t *testing.T) {
	r := newRig(t, api.Limits{Concurrent: 1})
	r.load(t, "testdata/people.ndjson")
	base := r.serve(t).URL
	entered, leave := make(chan struct{}), make(chan struct{})
	var once sync.Once
	r.cluster.Before = func(context.Context, string) error {
		once.Do(func() { close(entered); <-leave })
		return nil
	}
	first := make(chan int)
	go func() {
		status, _, _ := ask(t, base, http.MethodGet, "/Patient/9000000009", "")
		first <- status
	}()
	<-entered
	status, header, body := ask(t, base, http.MethodGet, "/Patient/9000000009", "")
	if status != 429 || header.Get("Retry-After") != "1" || !strings.Contains(body, "TOO_MANY_REQUESTS") {
		t.Error(status, header, body)
	}
	close(leave)
	if status := <-first; status != 200 {
		t.Error(status)
	}
	if status, _, _ := ask(t, base, http.MethodGet, "/Patient/9000000009", ""); status != 200 {
		t.Error("no room afterwards:", status)
	}
}

// TestDeadline: X-Sync-Wait ends a call that the cluster does not answer, as an
// unknown outcome that the same request id asks for again.
func TestDeadline(t *testing.T) {
	r := newRig(t, api.Limits{})
	r.cluster.Before = func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
	status, header, body := ask(t, r.serve(t).URL, http.MethodGet, "/Patient/9000000009", "", "X-Sync-Wait", "0.25")
	if status != 503 || header.Get("Retry-After") != "5" || !strings.Contains(body, "SERVICE_UNAVAILABLE") {
		t.Error(status, header, body)
	}
}

// TestPanic: a defect is answered as an unknown error with an id; the log line has
// the id and where it was, and not what.
func TestPanic(t *testing.T) {
	r := newRig(t, api.Limits{})
	r.cluster.Before = func(context.Context, string) error { panic("Smith 9000000009") }
	status, _, body := ask(t, r.serve(t).URL, http.MethodGet, "/Patient/9000000009", "")
	id := regexp.MustCompile(`Message ID: (\w{16})`).FindStringSubmatch(body)
	if status != 500 || id == nil || !strings.Contains(body, "UNKNOWN_ERROR") {
		t.Fatal(status, body)
	}
	log := r.log.String()
	if !strings.Contains(log, id[1]) || !strings.Contains(log, "panic of type string") || strings.Contains(log, "9000000009") || strings.Contains(log, "Smith") {
		t.Error(log)
	}
	if got := r.counted(t, "ReadPatient", "500"); got != 1 {
		t.Error("requests counted:", got)
	}
}

// TestFaultsAreLoggedWithoutTheirText: a foreign error may quote what it choked on.
func TestFaultsAreLoggedWithoutTheirText(t *testing.T) {
	r := newRig(t, api.Limits{})
	r.cluster.Before = func(context.Context, string) error {
		return fmt.Errorf("decode %q: %w", "9000000009", record.ErrCorrupt)
	}
	status, _, _ := ask(t, r.serve(t).URL, http.MethodGet, "/Patient/9000000009", "")
	if log := r.log.String(); status != 500 || !strings.Contains(log, "record.ErrCorrupt") || strings.Contains(log, "9000000009") {
		t.Error(status, log)
	}
}

// TestAge: the age of an answer is in whole seconds, rounded up, and only where the
// client allowed one; a position is handed on.
func TestAge(t *testing.T) {
	r := newRig(t, api.Limits{})
	r.load(t, "testdata/people.ndjson")
	r.cluster.Stale = 1200 * time.Millisecond
	base := r.serve(t).URL
	position := cluster.Position{}.With(cluster.Place{Shard: 1, Index: 1}).String()
	for _, c := range []struct{ control, position, age string }{
		{"", "", ""}, {"no-cache", "", ""}, {"max-age=0", "", ""}, {"max-age=5", "", "2"}, {"", position, "2"}, {"no-cache", position, ""},
		{"max-age=5, no-cache", "", ""}, {"max-age=x", "", ""}, {"private, max-age=5", position, "2"},
	} {
		_, header, _ := ask(t, base, http.MethodGet, "/Patient/9000000009", "", "Cache-Control", c.control, "Vertebra-Position", c.position)
		if got := header.Get("Age"); got != c.age || header.Get("Vertebra-Position") == "" {
			t.Errorf("%+v: Age %q", c, got)
		}
	}
}

const newcomer = `{"resourceType":"Patient","name":[{"use":"usual","given":["Jayne"],"family":"Newcomer","period":{"start":"2020-01-01"}}],"gender":"female","birthDate":"2001-02-03","address":[{"use":"home","period":{"start":"2020-01-01"},"line":["1 High Street","","","LEEDS",""],"postalCode":"LS1 6AE"}],"extension":[{"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-RegisteringAuthority","extension":[{"url":"registeringAuthorityType","valueCodeableConcept":{"coding":[{"system":"https://fhir.nhs.uk/CodeSystem/UKCore-RegisteringAuthorityType","code":"x"}]}},{"url":"organisationIdentifier","valueString":"A83008"}]}]}`

// TestCreatedOnce: of many requests for one new person, sent at once, one creates
// and the others are told who it is. The first search waits until the others have
// asked for the claim several times over: whoever does not wait for it does not get
// through.
func TestCreatedOnce(t *testing.T) {
	const requests = 8
	r := newRig(t, api.Limits{})
	var asked atomic.Int32
	all := make(chan struct{})
	r.cluster.Before = func(ctx context.Context, name string) error {
		if name == "Decide" && asked.Add(1) == 3*requests {
			close(all)
		}
		if name != "Search" {
			return nil
		}
		select {
		case <-all:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	base := r.serve(t).URL
	statuses := make(chan int, requests)
	for i := range requests {
		go func() {
			status, _, _ := ask(t, base, http.MethodPost, "/Patient", newcomer, "X-Sync-Wait", "5", "X-Request-ID", fmt.Sprintf("60E0B220-8136-4CA5-AE46-1D97EF59D0%02d", i))
			statuses <- status
		}()
	}
	created, known := 0, 0
	for range requests {
		switch <-statuses {
		case 201:
			created++
		case 200:
			known++
		}
	}
	if created != 1 || known != requests-1 {
		t.Errorf("%d created, %d told", created, known)
	}
}

// TestNumberTaken: an allocated number that is somebody's is exchanged for another.
func TestNumberTaken(t *testing.T) {
	r := newRig(t, api.Limits{})
	base := r.serve(t).URL
	stream, err := vertebrav1.NewLocatorClient(r.dial(t)).Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	batch := &vertebrav1.StreamRequest{Operations: []*vertebrav1.Operation{put("9990000018", "First"), put("9990000026", "Second")}}
	if err := stream.Send(batch); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"id":"9990000034"`, `"id":"9990000034"`} {
		if status, _, body := ask(t, base, http.MethodPost, "/Patient", newcomer); status != 201 || !strings.Contains(body, want) {
			t.Error(status, body)
		}
	}
}

// TestCreateResumes: wherever a creation is cut off, the same request sent again
// ends with one person, the one that the first made where it had.
func TestCreateResumes(t *testing.T) {
	for cut := 1; ; cut++ {
		r := newRig(t, api.Limits{})
		calls := 0
		r.cluster.Applied = func(record.Mutation) error {
			if calls++; calls == cut {
				return cluster.ErrOutcomeUnknown // made, and nobody was told
			}
			return nil
		}
		base := r.serve(t).URL
		first, _, _ := ask(t, base, http.MethodPost, "/Patient", newcomer)
		if calls < cut {
			if first != 201 || cut < 4 {
				t.Errorf("%d steps, answered %d", calls, first)
			}
			return // all steps have been tried: claim, create and release at the least
		}
		again, _, body := ask(t, base, http.MethodPost, "/Patient", newcomer)
		if again != 201 {
			t.Fatalf("cut at %d: %d, then %d %s", cut, first, again, body)
		}
		status, _, _ := ask(t, base, http.MethodPost, "/Patient", newcomer, "X-Request-ID", "60E0B220-8136-4CA5-AE46-1D97EF59D001")
		_, _, found := ask(t, base, http.MethodGet, "/Patient?family=Newcomer&birthdate=2001-02-03", "")
		if status != 200 || !strings.Contains(found, `"total":1`) {
			t.Errorf("cut at %d: %d %s", cut, status, found)
		}
		if first != 503 && first != 201 {
			t.Errorf("cut at %d: first answer %d", cut, first)
		}
	}
}

// TestRoutesAreDescribed walks the OpenAPI description: each operation answers at
// its path, and no other method does.
func TestRoutesAreDescribed(t *testing.T) {
	var description struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		} `json:"paths"`
	}
	if err := json.Unmarshal([]byte(vertebrav1.OpenAPI()), &description); err != nil {
		t.Fatal(err)
	}
	base := newRig(t, api.Limits{}).serve(t).URL
	count := 0
	for path, operations := range description.Paths {
		target, ok := strings.CutPrefix(strings.ReplaceAll(path, "{nhsNumber}", "9000000009"), fhirBase)
		if !ok {
			t.Errorf("%s is outside of the service", path)
		}
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			_, described := operations[strings.ToLower(method)]
			_, _, body := ask(t, base, method, target, "", "X-Request-ID", "not a UUID", "If-Match", `W/"1"`, "Content-Type", "application/json")
			// Every operation checks the request id; nothing else gets as far.
			if reached := strings.Contains(body, "X-Request-ID"); reached != described && (method != "GET" || !strings.Contains(path, "$")) {
				t.Errorf("%s %s: described %v, answered %s", method, path, described, body)
			}
			if described {
				count++
			}
		}
	}
	if want := len(vertebrav1.Demographics_ServiceDesc.Methods); count != want {
		t.Errorf("%d operations described, the service has %d", count, want)
	}
}
