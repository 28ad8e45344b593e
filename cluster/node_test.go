package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"vertebra/index"
	"vertebra/storage/record"
)

// The tests keep people as "name|town" in the demographics table, found by name
// (a posting) and by town (bleve).
const (
	fieldName index.Field = iota + 1
	fieldTown
	fieldSelf
)

func testProfile() *index.Profile {
	return &index.Profile{
		Number: 1, Name: "test",
		Composites: []index.Composite{{Number: 1, Parts: []index.Part{{Field: fieldName}}}},
		Terms:      []index.Term{{Field: fieldTown, Kind: index.TermExact}},
	}
}

func testConfig(dir string) Config {
	return Config{NodeID: "n1", Dir: dir, Profiles: map[record.Table]*index.Profile{record.Demographics: testProfile()}}
}

func startNode(t testing.TB, config Config) *Node {
	t.Helper()
	n, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return n
}

func closeNode(t testing.TB, n *Node) {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

func person(subject record.Subject) record.Key {
	return record.Key{Subject: subject, Table: record.Demographics}
}

// put is the rule that writes a person, one version up.
func put(subject record.Subject, name, town string) Rule {
	return func(v *View) (record.Mutation, error) {
		old, _, err := v.Get(person(subject))
		if err != nil {
			return record.Mutation{}, err
		}
		document := index.Document{}.With(fieldName, name).With(fieldTown, town).With(fieldSelf, string(subject))
		write := record.Write{Key: person(subject), Version: old.Version + 1, Body: []byte(name + "|" + town), Document: document}
		for _, p := range testProfile().Postings(document) {
			write.Postings = append(write.Postings, record.Posting{Field: p.Field, Value: p.Value})
		}
		return record.Mutation{
			Reads:  []record.Read{{Key: write.Key, Version: old.Version}},
			Writes: []record.Write{write},
		}, nil
	}
}

func find(t testing.TB, n *Node, field index.Field, value string, limit int) ([]string, bool) {
	t.Helper()
	found, err := n.Search(t.Context(), &index.Query{
		Profile: testProfile(),
		Any:     [][]index.Criterion{{{Fields: []index.Field{field}, Op: index.Equal, Values: []string{value}}}},
		Check:   func(d index.Document) (index.Match, bool) { return index.Match{Of: d.First(fieldSelf), Score: 1}, true },
		Limit:   limit,
	}, Freshness{})
	if err != nil {
		t.Fatal(err)
	}
	var of []string
	for _, m := range found.Matches {
		of = append(of, m.Of)
	}
	return of, found.TooMany
}

func get(t testing.TB, n *Node, subject record.Subject, f Freshness) (string, uint64) {
	t.Helper()
	v, err := n.View(t.Context(), subject, f)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	r, _, err := v.Get(person(subject))
	if err != nil {
		t.Fatal(err)
	}
	return string(r.Body), r.Version
}

func decide(t testing.TB, n *Node, subject record.Subject, id record.RequestID, rule Rule) Decided {
	t.Helper()
	d, err := n.Decide(t.Context(), subject, id, rule)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// What was acknowledged is read, found by posting and by bleve at once, and is
// still there after the node was closed and started again.
func TestNodeServesWhatItAcknowledged(t *testing.T) {
	dir := t.TempDir()
	n := startNode(t, testConfig(dir))
	for i := range 300 {
		subject := record.Subject(fmt.Sprint("s", i))
		decide(t, n, subject, record.RequestID{}, put(subject, fmt.Sprint("name", i), "leeds"))
		if body, version := get(t, n, subject, Freshness{}); body != fmt.Sprintf("name%d|leeds", i) || version != 1 {
			t.Fatalf("%d: read %q version %d", i, body, version)
		}
		if of, _ := find(t, n, fieldName, fmt.Sprint("name", i), 5); len(of) != 1 || of[0] != string(subject) {
			t.Fatalf("%d: found by name %q", i, of)
		}
		if of, _ := find(t, n, fieldTown, "leeds", 1000); len(of) != i+1 {
			t.Fatalf("%d: %d found by town", i, len(of))
		}
	}
	if _, tooMany := find(t, n, fieldTown, "leeds", 299); !tooMany {
		t.Error("300 matches are not too many for a limit of 299")
	}
	closeNode(t, n)
	n = startNode(t, testConfig(dir))
	defer closeNode(t, n)
	if of, _ := find(t, n, fieldTown, "leeds", 1000); len(of) != 300 {
		t.Errorf("after a restart %d are found by town", len(of))
	}
}

// A changed record is found by what it is now and not by what it was, by either
// way of finding.
func TestSearchIsAsFreshAsARead(t *testing.T) {
	n := startNode(t, testConfig(t.TempDir()))
	defer closeNode(t, n)
	for i := range 200 {
		town, before := fmt.Sprint("town", i), fmt.Sprint("town", i-1)
		decide(t, n, "s", record.RequestID{}, put("s", town, town))
		for _, field := range []index.Field{fieldName, fieldTown} {
			if of, _ := find(t, n, field, town, 5); len(of) != 1 {
				t.Fatalf("%d: field %d: new value finds %q", i, field, of)
			}
			if of, _ := find(t, n, field, before, 5); len(of) != 0 {
				t.Fatalf("%d: field %d: old value finds %q", i, field, of)
			}
		}
	}
}

func TestDecideAnswersARetryWithTheFirstOutcome(t *testing.T) {
	n := startNode(t, testConfig(t.TempDir()))
	defer closeNode(t, n)
	id := record.RequestID{7}
	remembered := func(town string) Rule {
		return func(v *View) (record.Mutation, error) {
			m, err := put("s", "ann", town)(v)
			m.Request, m.Outcome = id, record.Outcome{Status: 200, Version: m.Writes[0].Version, Subject: "s"}
			return m, err
		}
	}
	if d := decide(t, n, "s", id, remembered("leeds")); d.Replay != nil {
		t.Fatalf("the first is answered as a retry: %+v", d.Replay)
	}
	decide(t, n, "s", record.RequestID{}, put("s", "ann", "york"))
	d := decide(t, n, "s", id, remembered("hull"))
	if d.Replay == nil || d.Replay.Version != 1 || d.Replay.Status != 200 {
		t.Fatalf("the retry got %+v", d.Replay)
	}
	if body, version := get(t, n, "s", Freshness{Level: Positioned, Position: d.Position}); body != "ann|york" || version != 2 {
		t.Errorf("the retry changed the record: %q version %d", body, version)
	}
}

func TestDecideReturnsTheRulesErrorAndChangesNothing(t *testing.T) {
	n := startNode(t, testConfig(t.TempDir()))
	defer closeNode(t, n)
	refusal := errors.New("refused")
	_, err := n.Decide(t.Context(), "s", record.RequestID{}, func(*View) (record.Mutation, error) { return record.Mutation{}, refusal })
	if err != refusal {
		t.Errorf("got %v", err)
	}
	if _, version := get(t, n, "s", Freshness{}); version != 0 {
		t.Errorf("version %d", version)
	}
}

// Many writers on few people: versions count the acknowledged writes exactly.
func TestDecideLosesNoUpdate(t *testing.T) {
	n := startNode(t, testConfig(t.TempDir()))
	defer closeNode(t, n)
	var writers sync.WaitGroup
	for w := range 40 {
		writers.Go(func() {
			for i := range 25 {
				subject := record.Subject(fmt.Sprint("s", (w+i)%5))
				if _, err := n.Decide(context.Background(), subject, record.RequestID{}, put(subject, "x", "y")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	for s := range 5 {
		if _, version := get(t, n, record.Subject(fmt.Sprint("s", s)), Freshness{}); version != 200 {
			t.Errorf("s%d: version %d, want 200", s, version)
		}
	}
}

func TestViewRefusesAPositionFromElsewhere(t *testing.T) {
	n := startNode(t, testConfig(t.TempDir()))
	defer closeNode(t, n)
	d := decide(t, n, "s", record.RequestID{}, put("s", "ann", "leeds"))
	place := d.Position.Of(n.replicaOf("s").id)
	for _, bad := range []Place{{place.Shard, place.Generation, place.Index + 1_000_000}, {place.Shard, 9, place.Index}} {
		_, err := n.View(t.Context(), "s", Freshness{Level: Positioned, Position: Position{}.With(bad)})
		if !errors.Is(err, ErrBadPosition) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestWipeEmptiesEverythingButWhatIsKept(t *testing.T) {
	n := startNode(t, testConfig(t.TempDir()))
	defer closeNode(t, n)
	token := record.Key{Subject: record.ControlPrefix + "token/1", Table: record.Tokens}
	decide(t, n, token.Subject, record.RequestID{}, func(v *View) (record.Mutation, error) {
		return record.Mutation{Writes: []record.Write{{Key: token, Version: 1, Body: []byte("kept")}}}, nil
	})
	for round := range 3 {
		decide(t, n, "s", record.RequestID{}, put("s", "ann", "leeds"))
		began := time.Now()
		if err := n.Wipe(t.Context(), record.Tokens); err != nil {
			t.Fatal(err)
		}
		t.Logf("wipe %d: %v", round, time.Since(began))
		if _, version := get(t, n, "s", Freshness{}); version != 0 {
			t.Errorf("version %d after a wipe", version)
		}
		for _, field := range []index.Field{fieldName, fieldTown} {
			if of, _ := find(t, n, field, map[index.Field]string{fieldName: "ann", fieldTown: "leeds"}[field], 5); len(of) != 0 {
				t.Errorf("field %d finds %q after a wipe", field, of)
			}
		}
	}
	v, err := n.View(t.Context(), token.Subject, Freshness{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if r, found, err := v.Get(token); !found || err != nil || string(r.Body) != "kept" {
		t.Errorf("the kept table lost its record: %v %v", found, err)
	}
}

func TestTheClusterClockMovesAndIsRemembered(t *testing.T) {
	dir := t.TempDir()
	n := startNode(t, testConfig(dir))
	if err := n.AdvanceClock(t.Context(), 72*time.Hour); err != nil {
		t.Fatal(err)
	}
	if ahead := time.Until(n.Now()); ahead < 71*time.Hour {
		t.Errorf("ahead by %v", ahead)
	}
	closeNode(t, n)
	n = startNode(t, testConfig(dir))
	defer closeNode(t, n)
	if ahead := time.Until(n.Now()); ahead < 71*time.Hour {
		t.Errorf("after a restart ahead by %v", ahead)
	}
	if err := n.ResetClock(t.Context()); err != nil || time.Until(n.Now()) > time.Second {
		t.Errorf("reset: %v, ahead by %v", err, time.Until(n.Now()))
	}
}

func TestStartRefusesAnotherNodesFolder(t *testing.T) {
	dir := t.TempDir()
	closeNode(t, startNode(t, testConfig(dir)))
	for what, change := range map[string]func(*Config){
		"n2":     func(c *Config) { c.NodeID = "n2" },
		"shards": func(c *Config) { c.Shards = 5 },
	} {
		config := testConfig(dir)
		change(&config)
		if n, err := Start(t.Context(), config); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v, %v", what, n, err)
		}
	}
}
