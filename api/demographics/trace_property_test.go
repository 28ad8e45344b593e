package demographics_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"vertebra/api/access"
	"vertebra/api/demographics"
	"vertebra/bench/people"
	"vertebra/index"
	"vertebra/storage/record"
)

// villager is a person in plain words, for a rule that shares no code with the search.
type villager struct {
	number   string
	families []string // the current name, then former ones
	given    []string
	born     string
	genders  []string // current, then former
	places   []string // current, then former
	practice string
	phone    string
	state    string // U, R, or gone
}

func (v villager) seed() string {
	p := resident{number: v.number, names: named("usual", v.families[0], v.given...), birth: v.born, gender: v.genders[0],
		postcode: v.places[0], security: "U"}
	if v.state == "R" {
		p.security = "R"
	}
	p.more = fmt.Sprintf(`,"generalPractitioner":[{"identifier":{"value":%q}}],"telecom":[{"system":"phone","value":%q}]`, v.practice, v.phone)
	var former []string
	for _, f := range v.families[1:] {
		former = append(former, named("usual", f, v.given...))
	}
	var places []string
	for _, place := range v.places[1:] {
		places = append(places, fmt.Sprintf(`{"postalCode":%q}`, place))
	}
	p.pds = fmt.Sprintf(`{"history":{"name":[%s],"address":[%s],"gender":[%s]},"invalidated":%v}`, strings.Join(former, ","),
		strings.Join(places, ","), quoted(v.genders[1:]), v.state == "gone")
	return p.seed()
}

func quoted(texts []string) string {
	var all []string
	for _, t := range texts {
		all = append(all, fmt.Sprintf("%q", t))
	}
	return strings.Join(all, ",")
}

// request is a search in plain words.
type request struct {
	family, first, second, low, high, gender, place, practice, phone string
	history                                                          bool
}

func (r request) values() url.Values {
	v := url.Values{"family": {r.family}, "birthdate": {"ge" + r.low, "le" + r.high}}
	for name, text := range map[string]string{"gender": r.gender, "address-postalcode": r.place, "general-practitioner": r.practice, "phone": r.phone} {
		if text != "" {
			v.Set(name, text)
		}
	}
	for _, given := range []string{r.first, r.second} {
		if given != "" {
			v.Add("given", given)
		}
	}
	if r.history {
		v.Set("_history", "true")
	}
	return v
}

// matches is contract 1.6 without fuzziness, said once more: case by case on the person.
func (r request) matches(v villager) bool {
	known := func(all []string) []string {
		if r.history {
			return all
		}
		return all[:1]
	}
	anyOf := func(all []string, pattern string) bool {
		return slices.ContainsFunc(all, func(s string) bool { return glob(strings.ToLower(pattern), strings.ToLower(s)) })
	}
	switch {
	case v.state == "gone", v.born < r.low, v.born > r.high, !anyOf(known(v.families), r.family),
		r.gender != "" && !anyOf(known(v.genders), r.gender),
		r.place != "" && !anyOf(known(v.places), r.place),
		r.practice != "" && v.practice != r.practice,
		r.phone != "" && v.phone != r.phone,
		(r.place != "" || r.practice != "") && v.state == "R":
		return false
	}
	if r.first != "" && !glob(strings.ToLower(r.first), strings.ToLower(v.given[0])) {
		return false
	}
	rest := v.given
	if r.first != "" {
		rest = v.given[1:]
	}
	return r.second == "" || r.first == "" && glob(strings.ToLower(r.second), strings.ToLower(v.given[0])) || r.first != "" && anyOf(rest, r.second)
}

// glob is the plainest wildcard match there is: try every length for a *.
func glob(pattern, s string) bool {
	if pattern == "" {
		return s == ""
	}
	if pattern[0] == '*' {
		return glob(pattern[1:], s) || s != "" && glob(pattern, s[1:])
	}
	return s != "" && s[0] == pattern[0] && glob(pattern[1:], s[1:])
}

func drawVillager(t *rapid.T, number string) villager {
	names := rapid.SampledFrom([]string{"Smith", "smyth", "Sm?th", "Smithson", "Jones", "O'Neill", "Sm"})
	given := rapid.SampledFrom([]string{"Alan", "Alan Michael", "Michael", "Ann"})
	places := rapid.SampledFrom([]string{"LS16AE", "LS16AF", "DN174AA"})
	return villager{
		number: number, families: rapid.SliceOfN(names, 1, 3).Draw(t, "families"), given: rapid.SliceOfN(given, 1, 3).Draw(t, "given"),
		born:    rapid.SampledFrom([]string{"1999-12-31", "2000-01-01", "2000-06-15", "2001-01-01"}).Draw(t, "born"),
		genders: rapid.SliceOfN(rapid.SampledFrom([]string{"male", "female"}), 1, 2).Draw(t, "genders"),
		places:  rapid.SliceOfN(places, 1, 2).Draw(t, "places"), practice: rapid.SampledFrom([]string{"A1", "B2"}).Draw(t, "practice"),
		phone: rapid.SampledFrom([]string{"01", "02"}).Draw(t, "phone"), state: rapid.SampledFrom([]string{"U", "U", "U", "R", "gone"}).Draw(t, "state"),
	}
}

func drawRequest(t *rapid.T) request {
	maybe := func(of ...string) string { return rapid.SampledFrom(append(of, "", "")).Draw(t, of[0]) }
	r := request{
		family: rapid.SampledFrom([]string{"SMITH", "Smyth", "Sm*", "Sm*th", "smi*s*n", "Jo*s", "o'neill", "O'N*", "Sm**", "Sm*x"}).Draw(t, "family"),
		low:    rapid.SampledFrom([]string{"1999-01-01", "2000-01-01", "2000-06-15"}).Draw(t, "low"),
		high:   rapid.SampledFrom([]string{"2000-06-15", "2001-12-31"}).Draw(t, "high"),
		gender: maybe("male", "female"), place: maybe("LS16AE", "LS1*", "LS16A*"), practice: maybe("A1"), phone: maybe("01"),
		first: maybe("alan", "Ala*", "Alan Michael", "Mic*"), history: rapid.Bool().Draw(t, "history"),
	}
	if r.first != "" {
		r.second = maybe("Michael", "An*")
	}
	return r
}

// TestSearchEqualsRule: candidates and Check together find exactly whom the plain rule
// finds; a score is 1 without a wildcard and under 1 with one.
func TestSearchEqualsRule(t *testing.T) {
	numbers := []string{jane, jayne, merged, retained, hidden, joseph, anne, moved}
	rapid.Check(t, func(t *rapid.T) {
		s, village := newShelf(), make([]villager, len(numbers))
		for i, number := range numbers {
			village[i] = drawVillager(t, number)
			seed, err := demographics.ParseSeed([]byte(village[i].seed()))
			if err != nil {
				t.Fatal(diagnostics(err), village[i].seed())
			}
			d, err := demographics.Load(s, seed)
			if err != nil || !s.apply(d.Mutation) {
				t.Fatal(err)
			}
		}
		r := drawRequest(t)
		search, err := demographics.ParseSearch(r.values(), access.Caller{Mode: access.HealthcareWorker})
		if err != nil {
			t.Fatal(diagnostics(err))
		}
		q := search.Query()
		scores := map[string]float64{}
		for _, m := range s.find(q) {
			scores[m.Of] = m.Score
		}
		wild := strings.Contains(r.values().Encode(), "%2A")
		for _, v := range village {
			got, found := scores[v.number]
			if want := r.matches(v); found != want {
				t.Fatalf("%+v\nfinds %+v: %v, want %v", r, v, found, want)
			}
			if found && (got <= 0 || got > 1 || (got == 1) == wild) {
				t.Fatalf("%+v scores %v for %+v", r, got, v)
			}
			if _, checked := q.Check(s.documents[record.Subject(v.number)]); checked && !q.Matches(s.documents[record.Subject(v.number)]) {
				t.Fatalf("%+v checks somebody who is no candidate: %+v", r, v)
			}
		}
	})
}

// TestSearchesArePlanned: every search but a fuzzy one is served by postings alone.
func TestSearchesArePlanned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		search, err := demographics.ParseSearch(r.values(), access.Caller{Mode: access.HealthcareWorker})
		if err != nil {
			t.Fatal(diagnostics(err))
		}
		q := search.Query()
		for _, all := range q.Any {
			if _, ok := q.Profile.Plan(all); !ok {
				t.Fatalf("no plan for %+v: %+v", r, all)
			}
		}
	})
}

// TestFuzzyRecall distorts real-looking people in the ways that contract 1.6.3 lists,
// and counts who is still found.
func TestFuzzyRecall(t *testing.T) {
	const n = 800
	g, s := people.New(23), newShelf()
	var living []people.Person
	for i := range n {
		p := g.Person(i)
		d, err := demographics.Load(s, seedOf(t, g, i))
		if err != nil || !s.apply(d.Mutation) {
			t.Fatal(err)
		}
		if p.Live {
			living = append(living, p)
		}
	}
	for _, c := range []struct {
		says    string
		distort func(people.Person) (family, given string)
		least   float64 // of those found
	}{
		{"nothing", func(p people.Person) (string, string) { return p.Family, p.Given[0] }, 1},
		{"transposed", func(p people.Person) (string, string) { return p.Given[0], p.Family }, 1},
		{"diacritics lost", func(p people.Person) (string, string) { return index.Fold(p.Family), index.Fold(p.Given[0]) }, 1},
		{"all given names in one", func(p people.Person) (string, string) { return p.Family, strings.Join(p.Given, " ") }, 1},
		{"an initial", func(p people.Person) (string, string) { return p.Family, string([]rune(p.Given[0])[:1]) }, 1},
		{"letters exchanged", func(p people.Person) (string, string) { return exchanged(p.Family, 2), p.Given[0] }, 0.97},
		{"first letters exchanged", func(p people.Person) (string, string) { return exchanged(p.Family, 0), p.Given[0] }, 0.95},
		{"a letter left out", func(p people.Person) (string, string) { return leftOut(p.Family), p.Given[0] }, 0.95},
		{"y for i, ph for f", func(p people.Person) (string, string) {
			return strings.NewReplacer("i", "y", "f", "ph").Replace(p.Family), p.Given[0]
		}, 0.97},
	} {
		found, asked := 0, 0
		for _, p := range living[:300] {
			if len([]rune(p.Family)) < 5 {
				continue // a mistake in a short name makes another name
			}
			family, given := c.distort(p)
			asked++
			search, err := demographics.ParseSearch(url.Values{"_fuzzy-match": {"true"}, "family": {family}, "given": {given},
				"birthdate": {p.BirthDate}, "gender": {p.Gender}}, access.Caller{Mode: access.HealthcareWorker})
			if err != nil {
				t.Fatal(diagnostics(err))
			}
			if slices.ContainsFunc(s.find(search.Query()), func(m index.Match) bool { return m.Of == string(p.Number) }) {
				found++
			}
		}
		share := float64(found) / float64(asked)
		t.Logf("%s: %d of %d", c.says, found, asked)
		if share < c.least {
			t.Errorf("%s: found %.3f, want %.3f", c.says, share, c.least)
		}
	}
}

// exchanged is s with two neighbouring letters the other way round.
func exchanged(s string, at int) string {
	r := []rune(s)
	if at+1 >= len(r) {
		return s
	}
	r[at], r[at+1] = r[at+1], r[at]
	return string(r)
}

func leftOut(s string) string {
	r := []rune(s)
	return string(r[:2]) + string(r[3:])
}

// TestFuzzyPrecision: somebody with neither name alike is nobody's match.
func TestFuzzyPrecision(t *testing.T) {
	const n = 2000
	documents := documentsOf(t, n)
	g := people.New(11)
	wrong, pairs := 0, 0
	for i := range 200 {
		p := g.Person(i)
		search, err := demographics.ParseSearch(url.Values{"_fuzzy-match": {"true"}, "family": {p.Family}, "given": {p.Given[0]},
			"birthdate": {"ge1900-01-01"}}, access.Caller{Mode: access.HealthcareWorker})
		if err != nil {
			t.Fatal(diagnostics(err))
		}
		q := search.Query()
		for _, d := range documents {
			pairs++
			if m, ok := q.Check(d); ok && m.Of != string(p.Number) {
				wrong++
			}
		}
	}
	t.Logf("%d of %d pairs, whatever their dates of birth", wrong, pairs)
	if wrong*10_000 > pairs*20 {
		t.Errorf("%d of %d pairs of people match by name alone", wrong, pairs)
	}
}

// FuzzParseSearch: whatever is sent gives a search or an issue, and a search gives
// an answer for any document.
func FuzzParseSearch(f *testing.F) {
	for _, query := range []string{
		"family=Smith&birthdate=eq2010-10-22", "family=Sm*t*&given=J*&birthdate=ge2010-01-01&birthdate=le2011-01-01&address-postalcode=LS1*",
		"_fuzzy-match=true&family=ATTS%C3%96N&given=Anne+Marie+J&birthdate=1960-07-14", "_max-results=50&_history=true&_exact-match=true",
		"family=%00%1f&given=%1f&birthdate=2000-01-01", "family=***&birthdate=2000-01-01", "_fuzzy-match=true&family=-&given=-&birthdate=ge1900-01-01", "_fuzzy-match=true&given=%CC%81&gender=male&address-postalcode=*&birthdate=2000-01-01",
	} {
		f.Add(query)
	}
	documents := documentsOf(f, 24)
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		search, err := demographics.ParseSearch(values, access.Caller{Mode: access.HealthcareWorker})
		if err != nil {
			if strings.HasPrefix(diagnostics(err), "no issue") {
				t.Fatal(err)
			}
			return
		}
		q := search.Query()
		if len(q.Any) == 0 || q.Limit < 1 || q.Limit > demographics.MaxResults {
			t.Fatalf("a query of %d conjunctions and limit %d", len(q.Any), q.Limit)
		}
		for _, d := range documents {
			q.Matches(d)
			if m, ok := q.Check(d); ok && (m.Score <= 0 || m.Score > 1 || m.Of == "") {
				t.Fatalf("match %v", m.Score)
			}
		}
	})
}
