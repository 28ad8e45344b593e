package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/tidwall/gjson"
	"golang.org/x/sync/errgroup"

	vertebrav1 "vertebra/api/proto/vertebra/v1"
	"vertebra/bench/people"
)

// killAuditor compares what a node has with what its clients were told.
type killAuditor struct {
	t        *testing.T
	client   *killClient
	ledger   *killLedger
	faults   atomic.Int64
	searches atomic.Int64
}

// killCounts is what an audit looked at.
type killCounts struct {
	// people and writes were acknowledged before the kill; of the open ones the outcome
	// was unknown, and there is how many of those were there after it.
	people, openPeople, peopleThere int
	writes, openWrites, writesThere int
	searches, faults                int64
}

func (c killCounts) plus(d killCounts) killCounts {
	return killCounts{
		c.people + d.people, c.openPeople + d.openPeople, c.peopleThere + d.peopleThere,
		c.writes + d.writes, c.openWrites + d.openWrites, c.writesThere + d.writesThere,
		c.searches + d.searches, c.faults + d.faults,
	}
}

// String implements fmt.Stringer.
func (c killCounts) String() string {
	return fmt.Sprintf("%d people acknowledged, %d open of whom %d were there; %d writes acknowledged, %d open of which %d were there; %d searches; %d faults",
		c.people, c.openPeople, c.peopleThere, c.writes, c.openWrites, c.writesThere, c.searches, c.faults)
}

func newKillAuditor(t *testing.T, p *process, ledger *killLedger) *killAuditor {
	t.Helper()
	return &killAuditor{t: t, client: newKillClient(t, p), ledger: ledger}
}

// maxKillFaults is how many faults of an audit are told: after the first few the rest
// are seldom news.
const maxKillFaults = 10

func (a *killAuditor) fault(format string, arguments ...any) {
	if a.faults.Add(1) <= maxKillFaults {
		a.t.Errorf(format, arguments...)
		return
	}
	a.t.Fail()
}

// killAuditors is how many requests of an audit are in progress.
const killAuditors = 4

func forEach[T any](list []T, look func(T)) {
	var workers errgroup.Group
	workers.SetLimit(killAuditors)
	for _, one := range list {
		workers.Go(func() error { look(one); return nil })
	}
	_ = workers.Wait() // look tells faults itself
}

// audit looks at everything that was sent in a round. What was acknowledged is looked
// at first, so that nothing which the audit itself sends can repair it.
func (a *killAuditor) audit(round int) (c killCounts) {
	sent := a.ledger.people[round:]
	acked, open := parted(sent, func(p *killPerson) bool { return p.acked })
	answered, unanswered := parted(a.ledger.writes, func(w *killWrite) bool { return w.answer != nil })
	settled, unsettled := parted(acked, func(p *killPerson) bool {
		return !slices.ContainsFunc(unanswered, func(w *killWrite) bool { return w.person == p })
	})
	a.contents(slices.DeleteFunc(slices.Clone(settled), a.astray))
	forEach(settled, a.traced)
	forEach(answered, a.born)
	c.people, c.openPeople, c.writes, c.openWrites = len(acked), len(open), len(answered), len(unanswered)
	c.writesThere, c.peopleThere = a.settleWrites(unanswered), a.settlePeople(open)
	forEach(unsettled, a.traced)
	forEach(a.ledger.writes, a.retried)
	a.contents(sent)
	forEach(a.ledger.writes, a.born)
	c.searches, c.faults = a.searches.Load(), a.faults.Load()
	return c
}

// parted parts a list into those that are and those that are not.
func parted[T any](list []T, is func(T) bool) (are, others []T) {
	for _, one := range list {
		if is(one) {
			are = append(are, one)
		} else {
			others = append(others, one)
		}
	}
	return are, others
}

// astray reports whether a person's number leads to somebody whose load is not settled yet.
func (a *killAuditor) astray(p *killPerson) bool {
	return gjson.GetBytes(a.ledger.made.Person(p.index).PDS, "supersededBy").Exists()
}

// settleWrites finds out what became of writes without an answer, each of which must
// have happened wholly or not at all, and sends them again.
func (a *killAuditor) settleWrites(open []*killWrite) (there int) {
	for _, w := range open {
		happened := a.hadEffect(w)
		if happened {
			there++
		}
		answer, err := a.client.send(w)
		if err != nil || answer.status != w.wanted() {
			a.fault("an open %s, sent again (it had happened: %v): %v %+v", w.method, happened, err, answer)
			continue
		}
		a.ledger.acknowledge(w, answer)
	}
	return there
}

func (a *killAuditor) hadEffect(w *killWrite) bool {
	if w.person == nil {
		ids := a.trace(url.Values{"family": {w.family}, "birthdate": {w.birthDate}})
		if len(ids) > 1 {
			a.fault("an open POST made %d people", len(ids))
		}
		return len(ids) == 1
	}
	renamed := *w.person
	renamed.family, renamed.version = w.family, w.person.version+1
	before, _ := a.expected(w.person)
	after, _ := a.expected(&renamed)
	got := a.read(string(a.ledger.made.Person(w.person.index).Number))
	if !reflect.DeepEqual(got, before) && !reflect.DeepEqual(got, after) {
		a.fault("person %d is neither as before an open PATCH nor as after it: %v", w.person.index, got)
	}
	return reflect.DeepEqual(got, after)
}

// settlePeople finds out what became of people whose load has no answer, each of whom
// must be there wholly, and be found, or not at all; and loads them again.
func (a *killAuditor) settlePeople(open []*killPerson) (there int) {
	for batch := range slices.Chunk(open, killBatch) {
		var found []*killPerson
		for i, r := range a.getMany(batch) {
			if made := a.ledger.made.Person(batch[i].index); made.Live && codeOf(r) != "RESOURCE_NOT_FOUND" {
				batch[i].version = gjson.GetBytes(made.Resource, "meta.versionId").Uint()
				found = append(found, batch[i])
			}
		}
		there += len(found)
		a.contents(found)
		forEach(found, a.traced)
		a.loadAgain(batch)
	}
	return there
}

// loadAgain loads people once more: a load that had happened is the same load.
func (a *killAuditor) loadAgain(batch []*killPerson) {
	stream, err := a.client.locator.Stream(a.client.ctx)
	if err == nil {
		err = stream.Send(a.ledger.putAll(1, batch))
	}
	if err == nil {
		err = stream.CloseSend()
	}
	if err != nil {
		a.fault("load again: %v", err)
		return
	}
	response, err := stream.Recv()
	if err != nil {
		a.fault("load again: %v", err)
		return
	}
	for i, r := range response.GetResults() {
		made := gjson.GetBytes(a.ledger.made.Person(batch[i].index).Resource, "meta.versionId").Uint()
		if r.GetError() != nil || len(r.GetHeld().GetRecords()) != 1 || r.GetHeld().GetRecords()[0].GetVersion() != made {
			a.fault("person %d of version %d, loaded again: %v", batch[i].index, made, r)
			continue
		}
		batch[i].acked, batch[i].version = true, made
	}
}

// expected is the Patient whom a read of the person's number must show, or the code of
// the error instead.
func (a *killAuditor) expected(p *killPerson) (patient map[string]any, code string) {
	made := a.ledger.made.Person(p.index)
	switch {
	case gjson.GetBytes(made.PDS, "invalidated").Bool():
		return nil, "INVALIDATED_RESOURCE"
	case !made.Live: // merged into the one before
		return a.expected(a.ledger.people[p.index-1])
	}
	if err := json.Unmarshal(made.Resource, &patient); err != nil {
		a.fault("person %d: %v", p.index, err)
	}
	if p.family != "" {
		patient["name"].([]any)[0].(map[string]any)["family"] = p.family
		patient["meta"].(map[string]any)["versionId"] = strconv.FormatUint(p.version, 10)
	}
	return shown(patient), ""
}

// shown leaves out what a reader does not see of somebody restricted, and of somebody
// very restricted (contract 1.4 and 1.5).
func shown(patient map[string]any) map[string]any {
	hidden := []string{"address", "telecom", "contact", "generalPractitioner", "extension"}
	switch patient["meta"].(map[string]any)["security"].([]any)[0].(map[string]any)["code"] {
	case "U":
		return patient
	case "V":
		hidden = append(hidden, "name", "gender", "birthDate", "deceasedDateTime", "multipleBirthInteger")
	}
	for _, name := range hidden {
		delete(patient, name)
	}
	return patient
}

// contents compares what is held about each person with what must be.
func (a *killAuditor) contents(list []*killPerson) {
	forEach(slices.Collect(slices.Chunk(list, killBatch)), func(batch []*killPerson) {
		for i, r := range a.getMany(batch) {
			a.content(batch[i], r)
		}
	})
}

func (a *killAuditor) content(p *killPerson, r *vertebrav1.Result) {
	want, code := a.expected(p)
	if e := r.GetError(); e != nil {
		if codeOf(r) != code {
			a.fault("person %d: %s", p.index, e.GetOutcome())
		}
		return
	}
	records := r.GetHeld().GetRecords()
	if code != "" || len(records) != 1 {
		a.fault("person %d: %d records, want %q", p.index, len(records), code)
		return
	}
	if a.ledger.made.Person(p.index).Live && records[0].GetVersion() != p.version {
		a.fault("person %d: version %d, acknowledged %d", p.index, records[0].GetVersion(), p.version)
	}
	if got := a.patient(records[0].GetJson()); !reflect.DeepEqual(got, want) {
		a.fault("person %d:\n%v\nwant\n%v", p.index, got, want)
	}
}

func (a *killAuditor) getMany(batch []*killPerson) []*vertebrav1.Result {
	request := &vertebrav1.GetManyRequest{}
	for _, p := range batch {
		request.Selections = append(request.Selections, &vertebrav1.Selection{
			NhsNumber: string(a.ledger.made.Number(p.index)), Kinds: []vertebrav1.Kind{vertebrav1.Kind_KIND_PATIENT}})
	}
	response, err := a.client.locator.GetMany(a.client.ctx, request)
	if err != nil {
		a.fault("GetMany: %v", err)
		return nil
	}
	return response.GetResults()
}

// codeOf is the code of a result's error, "" when it has none.
func codeOf(r *vertebrav1.Result) string {
	return gjson.GetBytes(r.GetError().GetOutcome(), "issue.0.details.coding.0.code").String()
}

// read reads a Patient over HTTP.
func (a *killAuditor) read(number string) map[string]any {
	answer, err := a.client.send(&killWrite{method: http.MethodGet, path: "/Patient/" + number, id: uuid.NewString()})
	if err != nil || answer.status != http.StatusOK {
		a.fault("read: %v %+v", err, answer)
		return nil
	}
	return a.patient([]byte(answer.body))
}

func (a *killAuditor) patient(text []byte) (patient map[string]any) {
	if err := json.Unmarshal(text, &patient); err != nil {
		a.fault("%v: %s", err, text)
		return nil
	}
	return shown(patient)
}

// traced looks for a person by the name that was acknowledged last: exactly, by a
// wildcard in the middle and a year, and fuzzily. By a name that a PATCH took away
// nobody is found. Whether postings or the search index answer is the node's choice;
// that both have everything is what check says in the end.
func (a *killAuditor) traced(p *killPerson) {
	made := a.ledger.made.Person(p.index)
	if !made.Live {
		return
	}
	number, before := string(made.Number), made.Family
	if p.family != "" {
		made.Family = p.family
	}
	for way, query := range killTraces(made) {
		if !slices.Contains(a.trace(query), number) {
			a.fault("person %d, renamed %v, is not found: %s", p.index, p.family != "", way)
		}
	}
	if p.family == "" {
		return
	}
	made.Family = before
	if slices.Contains(a.trace(killTraces(made)["exact"]), number) {
		a.fault("person %d is found by a name that was taken away", p.index)
	}
}

func killTraces(p people.Person) map[string]url.Values {
	traces := map[string]url.Values{
		"exact": {"family": {p.Family}, "given": {p.Given[0]}, "gender": {p.Gender}, "birthdate": {p.BirthDate}},
		"fuzzy": {"family": {p.Family}, "given": {p.Given[0]}, "birthdate": {p.BirthDate}, "_fuzzy-match": {"true"}},
	}
	if letters := []rune(p.Family); len(letters) > 3 {
		pattern := string(letters[:2]) + "*" + string(letters[3]) + "*"
		year := p.BirthDate[:len("2006")]
		// The given name keeps the answer small: by the pattern and the year alone a full
		// folder has more than a search returns.
		traces["wildcard"] = url.Values{
			"family": {pattern}, "given": {p.Given[0]}, "gender": {p.Gender},
			"birthdate": {"ge" + year + "-01-01", "le" + year + "-12-31"},
		}
	}
	return traces
}

// trace returns the numbers that a search finds.
func (a *killAuditor) trace(query url.Values) (numbers []string) {
	a.searches.Add(1)
	answer, err := a.client.send(&killWrite{method: http.MethodGet, path: "/Patient?" + query.Encode(), id: uuid.NewString()})
	if err != nil || answer.status != http.StatusOK || gjson.Get(answer.body, "resourceType").String() != "Bundle" {
		a.fault("search: %v %+v", err, answer)
		return nil
	}
	for _, id := range gjson.Get(answer.body, "entry.#.resource.id").Array() {
		numbers = append(numbers, id.String())
	}
	return numbers
}

// retried sends a write again: it must be answered as the first time.
func (a *killAuditor) retried(w *killWrite) {
	if w.answer == nil {
		return // settling it failed, and that was told
	}
	again, err := a.client.send(w)
	if err != nil || *again != *w.answer {
		a.fault("%s again: %v %+v, first %+v", w.method, err, again, w.answer)
	}
}

// born looks for whom an acknowledged POST made: exactly one, as answered.
func (a *killAuditor) born(w *killWrite) {
	if w.person != nil || w.answer == nil {
		return
	}
	number := gjson.Get(w.answer.body, "id").String()
	for way, query := range killTraces(people.Person{Family: w.family, Given: []string{"Nova"}, Gender: "female", BirthDate: w.birthDate}) {
		if ids := a.trace(query); !slices.Contains(ids, number) || way == "exact" && len(ids) != 1 {
			a.fault("a POST made one person, and %d are found: %s", len(ids), way)
		}
	}
	if got, want := a.read(number), a.patient([]byte(w.answer.body)); !reflect.DeepEqual(got, want) {
		a.fault("a POST made\n%v\nbut answered\n%v", got, want)
	}
}
