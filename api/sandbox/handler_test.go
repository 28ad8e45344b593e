package sandbox_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"vertebra/api/access"
	"vertebra/api/apitest"
	"vertebra/api/fhir"
	"vertebra/api/sandbox"
	"vertebra/cluster"
	"vertebra/storage/record"
)

// world is everything that a sandbox works on, in memory.
type world struct {
	cluster  apitest.Cluster
	steps    []string
	advanced time.Duration
	tokens   map[string]access.Caller
	kept     map[string]string
}

func (w *world) Reset(context.Context) error   { w.steps = append(w.steps, "reset"); return nil }
func (w *world) Settled(context.Context) error { w.steps = append(w.steps, "settled"); return nil }
func (w *world) PutToken(_ context.Context, id string, c access.Caller) error {
	w.tokens[id] = c
	return nil
}
func (w *world) Token(_ context.Context, id string) (access.Caller, bool, error) {
	c, ok := w.tokens[id]
	return c, ok, nil
}

type clock struct{ *world }

func (c clock) Advance(_ context.Context, d time.Duration) error { c.advanced += d; return nil }
func (c clock) Reset(context.Context) error                      { c.steps = append(c.steps, "clock reset"); return nil }
func (c clock) Now() time.Time                                   { return time.Unix(0, 0) }

func newWorld() (*world, http.Handler) {
	w := &world{tokens: map[string]access.Caller{}, kept: map[string]string{}}
	return w, sandbox.Handler(sandbox.Config{
		Cluster: &w.cluster, Store: w, Clock: clock{w}, Tokens: w, Random: rand.Reader,
		Adult: func(n fhir.Number) []byte {
			return fmt.Appendf(nil, `{"resourceType":"Patient","id":%q,"name":[{"use":"usual","family":"Made","given":["Up"]}],"birthDate":"1980-01-01"}`, n)
		},
		Keep: func(_ context.Context, member string, value json.RawMessage) error {
			w.kept[member] = string(value)
			return nil
		},
	})
}

func post(h http.Handler, call, body string) (int, string) {
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, sandbox.Prefix+call, strings.NewReader(body)))
	return answer.Code, strings.TrimSpace(answer.Body.String())
}

// TestSeed: what was loaded is there, the stores were emptied before and settled
// after, and what belongs to other services was kept.
func TestSeed(t *testing.T) {
	w, h := newWorld()
	code, body := post(h, "seed", `{"reset":true,"seed":{
		"patients":[{"resource":{"resourceType":"Patient","id":"9000000009","name":[{"use":"usual","family":"Smith"}],"birthDate":"2010-10-22","meta":{"versionId":"7"}}},"9000000025"],
		"relatedPersons":{"9000000009":[{"resourceType":"RelatedPerson","id":"R1"}]},
		"organisations":[{"ods":"A83008","asids":["200000000115"],"mailbox":"X26ABC1","roles":[]}],
		"nrlPermissions":[{"appId":"app","odsCode":"X26.1","pointerTypes":["http://snomed.info/sct|736253002"]}],
		"mailboxes":"fixtures"}}`)
	if code != 200 {
		t.Fatal(code, body)
	}
	if got := strings.Join(w.steps, ","); got != "reset,settled" {
		t.Error("steps:", got)
	}
	view, _ := w.cluster.View(t.Context(), "", cluster.Freshness{})
	for number, version := range map[string]uint64{"9000000009": 7, "9000000025": 1} {
		rec, ok, _ := view.Get(record.Key{Subject: record.Subject(number), Table: record.Demographics})
		if !ok || rec.Version != version {
			t.Errorf("%s: %v, version %d", number, ok, rec.Version)
		}
	}
	if _, ok, _ := view.Get(record.Key{Subject: "9000000009", Table: record.RelatedPersons, Rest: "R1"}); !ok {
		t.Error("no related person")
	}
	if len(w.kept) != 3 || w.kept["mailboxes"] != `"fixtures"` {
		t.Error("kept:", w.kept)
	}
}

// TestRefusals: a request that is wrong changes nothing and is told where.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		call, body string
		code       int
		says       string
	}{
		{"seed", `{"sed":{}}`, 400, "sed"},
		{"seed", `{"seed":{},"seed":{}}`, 400, "seed"},
		{"seed", `{"seed":{"patients":["9000000000"]}}`, 400, "seed.patients[0]"},
		{"seed", `{"reset":true,"seed":{"patients":["9000000009",{"resourceType":"Patient"}]}}`, 400, "seed.patients[1]"},
		{"seed", `{"seed":{"patients":{}}}`, 400, "seed.patients"},
		{"seed", `{"seed":{"mailboxes":"all"}}`, 400, "seed.mailboxes"},
		{"seed", `{"seed":{"organisations":[{"mailbox":"X"}]}}`, 400, "organisations[0].ods"},
		{"seed", `{"seed":{"nrlPermissions":[{"appId":"a"}]}}`, 400, "nrlPermissions[0]"},
		{"seed", `{"seed":{"relatedPersons":{"1":[]}}}`, 400, "relatedPersons"},
		{"seed", `{"seed":{}} x`, 400, "byte"},
		{"clock", `{"advance":"72 hours"}`, 400, "72 hours"},
		{"clock", `{"advance":"P1M"}`, 400, "P1M"},
		{"clock", `{"advance":"PT"}`, 400, "PT"},
		{"clock", `{"advance":72}`, 400, "PT72H"},
		{"clock", `{"advance":"P99999999D"}`, 400, "hundred"},
		{"token", `{"persona":"king"}`, 400, "persona"},
		{"fault", `{"node":"n2","kind":"stop"}`, 501, "not have"},
		{"applications", `{}`, 501, "not have"},
		{"tokens", `{}`, 404, "no such call"},
	} {
		w, h := newWorld()
		code, body := post(h, c.call, c.body)
		if code != c.code || !strings.Contains(body, c.says) || !strings.Contains(body, `{"error":`) {
			t.Errorf("%s %s: %d %s", c.call, c.body, code, body)
		}
		if w.cluster.Writes() != 0 || len(w.steps) != 0 || w.advanced != 0 {
			t.Errorf("%s %s changed something", c.call, c.body)
		}
	}
}

// TestClock: durations are ISO 8601, and a reset empties before time starts afresh.
func TestClock(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"PT72H": 72 * time.Hour, "P200D": 200 * 24 * time.Hour, "P1DT2H3M4.5S": 26*time.Hour + 3*time.Minute + 4500*time.Millisecond, "P2W": 336 * time.Hour,
	} {
		w, h := newWorld()
		if code, body := post(h, "clock", `{"advance":"`+text+`"}`); code != 200 || w.advanced != want {
			t.Error(text, code, body, w.advanced)
		}
	}
	w, h := newWorld()
	if code, body := post(h, "clock", `{"reset":true}`); code != 200 || strings.Join(w.steps, ",") != "reset,clock reset,settled" {
		t.Error(code, body, w.steps)
	}
}

// TestToken: the token that is given out stands for the persona, as overridden.
func TestToken(t *testing.T) {
	w, h := newWorld()
	code, body := post(h, "token", `{"persona":"user:prescriber","ods":"RX1","roles":["R8001"],"scopes":["a"]}`)
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || code != 200 {
		t.Fatal(code, body)
	}
	caller := w.tokens[access.TokenID(answer.Token)]
	if caller.Mode != access.HealthcareWorker || caller.Organisation != "RX1" || caller.Roles[0] != "R8001" || caller.Scopes[0] != "a" {
		t.Errorf("%+v", caller)
	}
}
