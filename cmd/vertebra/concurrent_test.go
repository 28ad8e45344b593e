package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/tidwall/gjson"

	"vertebra/bench/people"
)

// TestConcurrentPatches: of several PATCHes made for one version exactly one succeeds
// (contract 1.9.5), and what it wrote is what is found.
func TestConcurrentPatches(t *testing.T) {
	p := startServe(t, builtBinary(t), t.TempDir())
	ledger := &killLedger{made: people.New(1)}
	client := newKillClient(t, p)
	auditor := &killAuditor{t: t, client: client, ledger: ledger}
	batch := ledger.next(killBatch)
	auditor.loadAgain(batch)
	person := batch[0]
	for !ordinary(ledger.made.Person(person.index)) {
		person = batch[person.index+1]
	}
	made := ledger.made.Person(person.index)
	for version := person.version; version < person.version+20; version++ {
		family := patchAtOnce(t, client, string(made.Number), gjson.GetBytes(made.Resource, "name.0.id").String(), version)
		found := auditor.trace(url.Values{"family": {family}, "birthdate": {made.BirthDate}})
		if len(found) != 1 || found[0] != string(made.Number) {
			t.Errorf("version %d: %d people have the name of the one that succeeded", version+1, len(found))
		}
	}
}

// patchAtOnce sends four PATCHes for one version, each with a name of its own, and
// returns the name that was given.
func patchAtOnce(t *testing.T, client *killClient, number, nameID string, version uint64) (given string) {
	t.Helper()
	answers := make([]*killAnswer, 4)
	name := func(i int) string { return "Racer" + strings.Repeat("abcd"[i:i+1], int(version)) }
	var senders sync.WaitGroup
	for i := range answers {
		senders.Go(func() {
			answer, err := client.send(&killWrite{
				method: http.MethodPatch, path: "/Patient/" + number, etag: fmt.Sprintf(`W/"%d"`, version), id: uuid.NewString(),
				body: fmt.Appendf(nil, `{"patches":[{"op":"replace","path":"/name/0/id","value":%q},{"op":"replace","path":"/name/0/family","value":%q}]}`, nameID, name(i)),
			})
			if err != nil {
				t.Error(err)
				answer = &killAnswer{}
			}
			answers[i] = answer
		})
	}
	senders.Wait()
	succeeded := 0
	for i, a := range answers {
		code := gjson.Get(a.body, "issue.0.details.coding.0.code").String()
		switch {
		case a.status == http.StatusOK && a.etag == fmt.Sprintf(`W/"%d"`, version+1):
			succeeded++
			given = name(i)
		case a.status != http.StatusConflict || code != "RESOURCE_VERSION_MISMATCH":
			t.Errorf("version %d: %+v", version, a)
		}
	}
	if succeeded != 1 {
		t.Errorf("version %d: %d of %d succeeded", version, succeeded, len(answers))
	}
	return given
}
