package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/tidwall/gjson"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	vertebrav1 "vertebra/api/proto/vertebra/v1"
	"vertebra/bench/people"
)

var (
	kills    = flag.Int("kills", 3, "how often TestKill9 kills the node")
	killSeed = flag.Uint64("kill-seed", 1, "what TestKill9 draws people, names and moments from")
)

// TestKill9 kills a real node while people are loaded, patched and created, and starts
// it again on the same folder. Whatever was acknowledged is there then, exactly, and
// found; what was not is there wholly or not at all; and a retry of any request is
// answered as the first was and changes nothing. In the end `vertebra check` has no
// findings.
//
// A round's people are looked at in every way after its own kill, and once more, when
// all kills are over, for their content: to look at everybody each time is quadratic.
func TestKill9(t *testing.T) {
	binary, data := builtBinary(t), t.TempDir()
	moments := rand.New(rand.NewPCG(*killSeed, 9))
	ledger := &killLedger{made: people.New(*killSeed), names: rand.New(rand.NewPCG(*killSeed, 10))}
	p := startServe(t, binary, data)
	var total killCounts
	var slowest time.Duration
	for kill := range *kills {
		round := ledger.begin()
		load := startKillLoad(t, p, ledger)
		load.waitProven(p)
		after := time.Duration(moments.IntN(600)) * time.Millisecond
		<-time.After(after)
		p.kill()
		load.wait()
		began := time.Now()
		p = startServe(t, binary, data)
		ready := time.Since(began).Round(time.Millisecond)
		counts := newKillAuditor(t, p, ledger).audit(round)
		t.Logf("kill %d, %v into the load: ready after %v; %v", kill+1, after, ready, counts)
		total, slowest = total.plus(counts), max(slowest, ready)
	}
	newKillAuditor(t, p, ledger).contents(ledger.people)
	if _, err := p.stop(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	out, err := exec.Command(binary, "check", "--data", data).CombinedOutput()
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), ": 0 findings") {
		t.Errorf("check: %v\n%s", err, out)
	}
	t.Logf("%d kills, ready after %v at most; %v; %s", *kills, slowest, total, bytes.TrimSpace(out))
}

// killLedger is what the clients know: whom they sent, and what they were told.
type killLedger struct {
	made *people.Generator

	mu     sync.Mutex
	names  *rand.Rand
	people []*killPerson // person i of made is the i-th
	writes []*killWrite  // of this round
}

// killPerson is what is known of a person who was sent.
type killPerson struct {
	index int
	// acked: the load, and so much of what came after, was acknowledged.
	acked   bool
	version uint64
	// family is the name that an acknowledged PATCH gave; "" as made.
	family string
}

// killWrite is a PATCH or a POST that was sent.
type killWrite struct {
	method, path, etag, id string
	body                   []byte
	// person is whom a PATCH renames, to family; a POST makes one of that name and date.
	person            *killPerson
	family, birthDate string
	// answer is nil while the outcome is unknown.
	answer *killAnswer
}

// killAnswer is all of an answer that a client can see.
type killAnswer struct {
	status     int
	etag, body string
}

// begin begins a round and returns the first person of it.
func (l *killLedger) begin() int {
	l.writes = nil
	return len(l.people)
}

// next enters so many more people.
func (l *killLedger) next(count int) []*killPerson {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := len(l.people)
	for i := range count {
		l.people = append(l.people, &killPerson{index: from + i})
	}
	return l.people[from:]
}

// coin makes a name that nobody has.
func (l *killLedger) coin() string {
	name := make([]byte, 10)
	for i := range name {
		name[i] = "aeioubdfgklmnprstvz"[l.names.IntN(19)]
	}
	name[0] &^= 0x20
	return string(name)
}

// rename enters a PATCH that gives a person a new name.
func (l *killLedger) rename(p *killPerson) *killWrite {
	made := l.made.Person(p.index)
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &killWrite{
		method: http.MethodPatch, path: "/Patient/" + string(made.Number), etag: fmt.Sprintf(`W/"%d"`, p.version), id: uuid.NewString(),
		person: p, family: l.coin(),
	}
	w.body = fmt.Appendf(nil, `{"patches":[{"op":"replace","path":"/name/0/id","value":%q},{"op":"replace","path":"/name/0/family","value":%q}]}`,
		gjson.GetBytes(made.Resource, "name.0.id").String(), w.family)
	l.writes = append(l.writes, w)
	return w
}

// newborn enters a POST of somebody new.
func (l *killLedger) newborn() *killWrite {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &killWrite{method: http.MethodPost, path: "/Patient", id: uuid.NewString(), family: l.coin(),
		birthDate: time.Date(1950, 1, 1+l.names.IntN(20000), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)}
	w.body = fmt.Appendf(nil, `{"resourceType":"Patient","name":[{"use":"usual","period":{"start":"2020-01-01"},"given":["Nova"],"family":%q}],`+
		`"gender":"female","birthDate":%q,"address":[{"use":"home","period":{"start":"2020-01-01"},"line":["1 Test Street","","","Leeds",""],"postalCode":"LS1 4AP"}],`+
		`"extension":[{"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-RegisteringAuthority","extension":[`+
		`{"url":"registeringAuthorityType","valueCodeableConcept":{"coding":[{"system":"https://fhir.nhs.uk/CodeSystem/UKCore-RegisteringAuthorityType","code":"x"}]}},`+
		`{"url":"organisationIdentifier","valueString":"Y12345"}]}]}`, w.family, w.birthDate)
	l.writes = append(l.writes, w)
	return w
}

// acknowledge enters the answer to a write.
func (l *killLedger) acknowledge(w *killWrite, a *killAnswer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.answer = a
	if w.person != nil {
		w.person.version++
		w.person.family = w.family
	}
}

// ordinary reports whether anybody may see and change all of a person.
func ordinary(made people.Person) bool {
	return made.Live && gjson.GetBytes(made.Resource, "meta.security.0.code").String() == "U"
}

// killClient speaks to one run of the node as a gateway in front of it does.
type killClient struct {
	base    string
	http    *http.Client
	locator vertebrav1.LocatorClient
	ctx     context.Context
}

func gatewayHeaders() map[string]string {
	return map[string]string{"NHSD-Access-Mode": "user-restricted", "NHSD-Application-ID": "kill-test", "NHSD-Scopes": "vertebra:load"}
}

func newKillClient(t *testing.T, p *process) *killClient {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+p.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	c := &killClient{base: p.base() + demographicsPath, locator: vertebrav1.NewLocatorClient(conn), ctx: t.Context(),
		http: &http.Client{Transport: transport, Timeout: 30 * time.Second}}
	for name, value := range gatewayHeaders() {
		c.ctx = metadata.AppendToOutgoingContext(c.ctx, strings.ToLower(name), value)
	}
	return c
}

// send sends a request over HTTP. net/http itself repeats neither PATCH nor POST.
func (c *killClient) send(w *killWrite) (*killAnswer, error) {
	request, err := http.NewRequestWithContext(c.ctx, w.method, c.base+w.path, bytes.NewReader(w.body))
	if err != nil {
		return nil, err
	}
	for name, value := range gatewayHeaders() {
		request.Header.Set(name, value)
	}
	request.Header.Set("X-Request-ID", w.id)
	switch w.method {
	case http.MethodPatch:
		request.Header.Set("If-Match", w.etag)
		request.Header.Set("Content-Type", "application/json-patch+json")
	case http.MethodPost:
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return &killAnswer{response.StatusCode, response.Header.Get("ETag"), string(body)}, err
}

// wanted is the status of a write that is carried out.
func (w *killWrite) wanted() int {
	if w.method == http.MethodPost {
		return http.StatusCreated
	}
	return http.StatusOK
}

// killLoad is everything that goes on while the node is killed.
type killLoad struct {
	t      *testing.T
	client *killClient
	ledger *killLedger
	// loaded hands people to those who rename them.
	loaded  chan *killPerson
	workers sync.WaitGroup
	// proven is closed by kind when the first of the kind was acknowledged.
	proven [3]chan struct{}
	first  [3]sync.Once
}

const (
	killBatch    = 64
	killInFlight = 8
	killPatchers = 4
	killPosters  = 2
	killLoads    = 0
	killPatches  = 1
	killPosts    = 2
)

func startKillLoad(t *testing.T, p *process, ledger *killLedger) *killLoad {
	l := &killLoad{t: t, client: newKillClient(t, p), ledger: ledger, loaded: make(chan *killPerson, killPatchers)}
	for i := range l.proven {
		l.proven[i] = make(chan struct{})
	}
	l.workers.Go(l.load)
	for range killPatchers {
		l.workers.Go(l.patch)
	}
	for range killPosters {
		l.workers.Go(func() {
			for l.write(ledger.newborn(), killPosts) {
			}
		})
	}
	return l
}

func (l *killLoad) wait() { l.workers.Wait() }

func (l *killLoad) seen(kind int) { l.first[kind].Do(func() { close(l.proven[kind]) }) }

// waitProven waits until something of each kind was acknowledged, so that what is
// killed is known to be at work.
func (l *killLoad) waitProven(p *process) {
	l.t.Helper()
	limit := time.After(30 * time.Second)
	for kind, seen := range l.proven {
		select {
		case <-seen:
		case <-p.done:
			l.wait()
			l.t.Fatalf("the node ended by itself: %v\n%s", p.err, p.log.String())
		case <-limit:
			p.kill()
			l.wait()
			l.t.Fatalf("nothing of kind %d was acknowledged\n%s", kind, p.log.String())
		}
	}
}

// load streams people until the node is gone.
func (l *killLoad) load() {
	defer close(l.loaded)
	stream, err := l.client.locator.Stream(l.client.ctx)
	if err != nil {
		l.t.Errorf("stream: %v", err)
		return
	}
	places := make(chan struct{}, killInFlight)
	gone := make(chan struct{})
	var batches sync.Map
	go func() {
		defer close(gone)
		for {
			response, err := stream.Recv()
			if err != nil {
				return
			}
			sent, _ := batches.LoadAndDelete(response.GetId())
			l.loadedAll(sent.([]*killPerson), response.GetResults())
			<-places
		}
	}()
	for id := uint64(1); ; id++ {
		select {
		case places <- struct{}{}:
		case <-gone:
			return
		}
		batch := l.ledger.next(killBatch)
		batches.Store(id, batch)
		if stream.Send(l.ledger.putAll(id, batch)) != nil {
			<-gone
			return
		}
	}
}

// putAll is the batch that loads people as they are made.
func (l *killLedger) putAll(id uint64, batch []*killPerson) *vertebrav1.StreamRequest {
	request := &vertebrav1.StreamRequest{Id: id}
	for _, p := range batch {
		put := &vertebrav1.PutPerson{Json: l.made.Person(p.index).AppendLine(nil)}
		request.Operations = append(request.Operations, &vertebrav1.Operation{Operation: &vertebrav1.Operation_PutPerson{PutPerson: put}})
	}
	return request
}

// loadedAll enters the answers to a batch, and offers some of its people for renaming.
func (l *killLoad) loadedAll(batch []*killPerson, results []*vertebrav1.Result) {
	for i, r := range results {
		if r.GetError() != nil {
			// The node may say so of what it was doing when it was killed; nothing else is refused.
			if r.GetError().GetRetryAfter() == nil {
				l.t.Errorf("person %d: %s", batch[i].index, r.GetError().GetOutcome())
			}
			continue
		}
		l.ledger.mu.Lock()
		batch[i].acked, batch[i].version = true, r.GetHeld().GetRecords()[0].GetVersion()
		l.ledger.mu.Unlock()
		l.seen(killLoads)
		if ordinary(l.ledger.made.Person(batch[i].index)) {
			select {
			case l.loaded <- batch[i]:
			default:
			}
		}
	}
}

// patch renames people, each twice, until the node is gone.
func (l *killLoad) patch() {
	for p := range l.loaded {
		for range 2 {
			if !l.write(l.ledger.rename(p), killPatches) {
				break
			}
		}
	}
}

// write sends a write and enters its answer; false when there was none.
func (l *killLoad) write(w *killWrite, kind int) bool {
	answer, err := l.client.send(w)
	if err != nil {
		return false
	}
	switch answer.status {
	case w.wanted():
		l.ledger.acknowledge(w, answer)
		l.seen(kind)
		return true
	case http.StatusServiceUnavailable:
	default:
		l.t.Errorf("%s %s: %d %s", w.method, w.path, answer.status, answer.body)
	}
	return false
}
