package bench

import (
	"errors"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"vertebra/bench/people"
	"vertebra/index"
)

func traceNobody(people.Person, *rand.Rand) (url.Values, bool) { return nil, false }

func TestSelect(t *testing.T) {
	all, err := Select(nil)
	if err != nil || len(all) != len(Workloads()) {
		t.Errorf("no name: %d workloads, %v", len(all), err)
	}
	two, err := Select([]string{"trace-year", "read-http"})
	if err != nil || len(two) != 2 || two[0].Name != "read-http" || two[1].Name != "trace-year" {
		t.Errorf("two names: %v, %v", two, err)
	}
	var unknown *UnknownWorkloadError
	if _, err := Select([]string{"read-http", "fly"}); !errors.As(err, &unknown) || unknown.Name != "fly" || !strings.Contains(err.Error(), "trace-exact") {
		t.Errorf("unknown name: %v", err)
	}
}

// TestTracesKeepTheRulesOfSearching: of 1.6.1, for thousands of names.
func TestTracesKeepTheRulesOfSearching(t *testing.T) {
	generator := people.New(2)
	random := randomOf(1, "rules", 0)
	ways := Workloads()
	for _, way := range freshWays() {
		ways = append(ways, Workload{Name: way.name, trace: way.trace})
	}
	for _, w := range ways {
		suited := 0
		for i := range 2000 {
			if w.trace == nil {
				break
			}
			person := generator.Person(i)
			query, ok := w.trace(person, random)
			if !ok {
				continue
			}
			suited++
			if at := strings.Index(query.Get("family"), "*"); at == 0 || at == 1 || query.Get("family") == "" {
				t.Fatalf("%s: family %q", w.Name, query.Get("family"))
			}
			if query.Get("_fuzzy-match") == "true" && (strings.Contains(query.Encode(), "*") || query.Get("given") == "") {
				t.Fatalf("%s: a fuzzy search by %v", w.Name, query)
			}
			checkDates(t, w.Name, query["birthdate"], person.BirthDate)
		}
		if w.trace != nil && suited < 1000 {
			t.Errorf("%s suits %d people of 2,000", w.Name, suited)
		}
	}
}

func checkDates(t *testing.T, name string, dates []string, birth string) {
	t.Helper()
	ok := len(dates) == 1 && dates[0] == "eq"+birth ||
		len(dates) == 2 && dates[0][:2] == "ge" && dates[0][2:] <= birth && dates[1][:2] == "le" && dates[1][2:] >= birth
	if !ok {
		t.Fatalf("%s: dates %v for %s", name, dates, birth)
	}
}

func TestRangesOfDates(t *testing.T) {
	for date, want := range map[string][2]string{
		"2024-02-11": {"ge2024-02-01", "le2024-02-29"},
		"2023-02-28": {"ge2023-02-01", "le2023-02-28"},
		"1999-12-31": {"ge1999-12-01", "le1999-12-31"},
		"1960-04-01": {"ge1960-04-01", "le1960-04-30"},
	} {
		if got := birthMonth(date); !slices.Equal(got, want[:]) {
			t.Errorf("month of %s: %v, want %v", date, got, want)
		}
	}
	if got := birthYear("1960-04-01"); !slices.Equal(got, []string{"ge1960-01-01", "le1960-12-31"}) {
		t.Errorf("year: %v", got)
	}
}

func TestDistortedNames(t *testing.T) {
	generator := people.New(4)
	random := randomOf(1, "names", 0)
	for i := range 3000 {
		name := generator.Person(i).Family
		if other, ok := soundingAlike(name, random); ok && (other == name || !index.SoundsLike(name, other)) {
			t.Errorf("%q does not sound like %q", other, name)
		}
		if other, ok := mistyped(name, random); ok && index.Edits(index.Fold(name), index.Fold(other)) != 1 {
			t.Errorf("%q is not one mistake from %q", other, name)
		}
		if pattern, ok := middlePattern(name, random); ok && !matches(pattern, name) {
			t.Errorf("%q does not match %q", pattern, name)
		}
	}
	for _, short := range []string{"", "Li", "Lee", "Wójcik"} {
		if other, ok := soundingAlike(short, random); ok {
			t.Errorf("%q sounds like %q", other, short)
		}
		if other, ok := mistyped(short, random); ok {
			t.Errorf("%q is %q mistyped", other, short)
		}
	}
	if _, ok := prefixPattern("Li"); ok {
		t.Error("nothing is left for the wildcard of Li")
	}
	if pattern, _ := prefixPattern("Żak"); pattern != "Ża*" {
		t.Errorf("pattern %q", pattern)
	}
}

// matches holds a name against a pattern whose pieces come in order.
func matches(pattern, name string) bool {
	start, rest, _ := strings.Cut(pattern, "*")
	middle := strings.TrimSuffix(rest, "*")
	left, ok := strings.CutPrefix(name, start)
	return ok && strings.Contains(left, middle)
}

func TestCoinedNames(t *testing.T) {
	random := randomOf(1, "coined", 0)
	seen := map[string]bool{}
	for range 2000 {
		name := coined(random)
		if len(name) != 8 || seen[name] {
			t.Fatalf("%q: of another length, or for the second time", name)
		}
		if seen[name] = true; index.Edits(index.Fold(name), index.Fold(exchanged(name, 0))) != 1 {
			t.Fatalf("%q with its first letters exchanged is no mistake", name)
		}
		if other, ok := soundingAlike(name, random); !ok || !index.SoundsLike(name, other) {
			t.Fatalf("%q does not sound like %q", other, name)
		}
	}
}
