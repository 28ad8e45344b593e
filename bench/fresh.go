package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"time"

	"github.com/tidwall/gjson"
	"golang.org/x/sync/errgroup"

	"vertebra/bench/people"
)

// freshWay is one way in which somebody is looked for who was renamed a moment ago.
type freshWay struct {
	name, says string
	trace      func(people.Person, *rand.Rand) (url.Values, bool)
}

// freshWays go through all that has to be current: the postings of names and of
// sounds, those that wildcards scan, and the index with the queue of what it does not
// have yet.
func freshWays() []freshWay {
	return []freshWay{
		{"fresh-exact", "the new family name, given, gender, birth date", traceExact},
		{"fresh-sound", "fuzzy: a family name that sounds like the new one", traceSound},
		{"fresh-typo", "fuzzy: the new family name with its first letters exchanged", traceFalseStart},
		{"fresh-wildcard", "Sm*t* of the new family name, birth date", traceWildcardDay},
	}
}

// freshWrite is the name of the writes' own result.
const freshWrite = "fresh-write"

// traceFalseStart mistypes the first two letters: nothing that begins alike or sounds
// alike is the name, so that only a given name beside it leads there.
func traceFalseStart(p people.Person, _ *rand.Rand) (url.Values, bool) {
	return fuzzy(exchanged(p.Family, 0), p.Given[0], p.BirthDate), true
}

func traceWildcardDay(p people.Person, random *rand.Rand) (url.Values, bool) {
	pattern, ok := middlePattern(p.Family, random)
	return url.Values{"family": {pattern}, "birthdate": {"eq" + p.BirthDate}}, ok
}

// Fresh renames so many people by PATCH and traces each at once, in every way that
// must find it. The first result is of the writes, then one of each way: its
// operations are those who were found in the version just written, its faults those
// who were not. Each person gets the old name back, even when ctx ends. The clients
// rename different people at the same time.
func Fresh(ctx context.Context, t Target, s Settings, count int) ([]Result, error) {
	writers := make([]*writer, min(s.Clients, count))
	group, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for i := range writers {
		w := newWriter(t, s, i, len(writers))
		writers[i] = w
		group.Go(func() error {
			defer w.session.close()
			return w.renameAll(ctx, (count-i+len(writers)-1)/len(writers))
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return freshResults(writers, time.Since(began))
}

// freshResults adds the writers up.
func freshResults(writers []*writer, elapsed time.Duration) (results []Result, err error) {
	rows := []Workload{{Name: freshWrite, Says: "PATCH of the usual family name", Protocol: HTTP, Batch: 1}}
	for _, way := range freshWays() {
		rows = append(rows, Workload{Name: way.name, Says: way.says, Protocol: HTTP, Batch: 1})
	}
	for i, row := range rows {
		all := newTally()
		for _, w := range writers {
			all.add(w.tallies[i])
		}
		r, err := newResult(row, len(writers), all, elapsed, usage{}, usage{})
		if err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	return results, nil
}

// writer is one client that renames people, those of its own part.
type writer struct {
	session *httpSession
	people  population
	// choice says who is renamed, names how.
	choice, names *rand.Rand
	// tallies are of the writes, then of each way.
	tallies []*tally
}

func newWriter(t Target, s Settings, i, of int) *writer {
	w := &writer{
		session: newHTTPSession(t), people: newPopulation(s).of(i, of),
		choice: randomOf(s.Seed, freshWrite, i), names: randomOf(s.Nonce, freshWrite, i),
	}
	for range len(freshWays()) + 1 {
		w.tallies = append(w.tallies, newTally())
	}
	return w
}

func (w *writer) renameAll(ctx context.Context, count int) error {
	for range count {
		person, err := w.people.any(w.choice)
		if err != nil {
			return err
		}
		if err := w.renameOne(ctx, person); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// renameOne gives a person a new name for each way, traces, and gives the old one back.
func (w *writer) renameOne(ctx context.Context, person people.Person) error {
	name, err := w.usualName(ctx, string(person.Number))
	if errors.Is(err, errNotRenamed) {
		w.tallies[0].fault(faultOther, 1)
		return nil
	}
	if err != nil {
		return err
	}
	old := person.Family
	for i, way := range freshWays() {
		person.Family = coined(w.names)
		if !w.rename(ctx, &name, person.Family) {
			break
		}
		w.find(ctx, way, w.tallies[i+1], person, name.version)
	}
	w.rename(context.WithoutCancel(ctx), &name, old)
	return ctx.Err()
}

// storedName is where a person's usual name stands in the record, and its version.
type storedName struct {
	number, version, id string
	at                  int
}

// errNotRenamed: the record has no usual name that could be changed.
var errNotRenamed = errors.New("bench: no usual name")

func (w *writer) usualName(ctx context.Context, number string) (storedName, error) {
	answers, err := w.session.ask(ctx, question{numbers: []string{number}})
	if err != nil {
		return storedName{}, err
	}
	n := storedName{number: number, version: gjson.GetBytes(answers[0].body, "meta.versionId").Str, at: -1}
	for i, name := range gjson.GetBytes(answers[0].body, "name").Array() {
		if name.Get("use").Str == "usual" {
			n.at, n.id = i, name.Get("id").Str
		}
	}
	if n.at < 0 || gjson.GetBytes(answers[0].body, "id").Str != number {
		return storedName{}, errNotRenamed
	}
	return n, nil
}

// rename writes the family name and moves n to the version that this made.
func (w *writer) rename(ctx context.Context, n *storedName, family string) bool {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	// A field of an item changes only beside a test of the item's id (contract 1.9.2).
	body := fmt.Appendf(nil, `{"patches":[{"op":"test","path":"/name/%d/id","value":%q},{"op":"replace","path":"/name/%d/family","value":%q}]}`,
		n.at, n.id, n.at, family)
	began := time.Now()
	a, err := w.session.patch(ctx, n.number, n.version, body)
	took := time.Since(began)
	if err != nil {
		a.fault = faultOf(err)
	}
	if a.fault != "" {
		w.tallies[0].fault(a.fault, 1)
		return false
	}
	n.version = gjson.GetBytes(a.body, "meta.versionId").Str
	w.tallies[0].operations++
	w.tallies[0].took(took)
	return true
}

// find traces the person once: what is not found now was not found at once.
func (w *writer) find(ctx context.Context, way freshWay, t *tally, person people.Person, version string) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	query, ok := way.trace(person, w.names)
	if !ok {
		return // a coined name suits every way
	}
	began := time.Now()
	answers, err := w.session.ask(ctx, question{[]string{string(person.Number)}, query})
	took := time.Since(began)
	if err != nil {
		t.fault(faultOf(err), 1)
		return
	}
	if fault := judgeFresh(answers[0], string(person.Number), version); fault != "" {
		t.fault(fault, 1)
		return
	}
	t.operations++
	t.took(took)
}

func judgeFresh(a answer, number, version string) string {
	if a.fault != "" {
		return a.fault
	}
	switch found, ok := foundIn(a.body, number); {
	case !ok:
		return faultMissing
	case found != version:
		return faultStale
	}
	return ""
}

// coined makes a family name of eight letters that nobody has: long enough for a
// fuzzy search to allow it two mistakes, and never two vowels or consonants together, so
// that its first two letters are not the same.
func coined(random *rand.Rand) string {
	const consonants, vowels = "bdfgklmnprstvz", "aeiou"
	name := make([]byte, 0, 8)
	for range 4 {
		name = append(name, consonants[random.IntN(len(consonants))], vowels[random.IntN(len(vowels))])
	}
	name[0] -= 'a' - 'A'
	return string(name)
}
