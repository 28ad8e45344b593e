package demographics

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"vertebra/api/access"
	"vertebra/api/fhir"
)

// The names of the search's parameters (contract 1.6.1).
const (
	paramFamily       = "family"
	paramGiven        = "given"
	paramGender       = "gender"
	paramBirth        = "birthdate"
	paramDeath        = "death-date"
	paramPostcode     = "address-postalcode"
	paramPostcodeOld  = "address-postcode"
	paramPractice     = "general-practitioner"
	paramOrganisation = "managing-organization"
	paramEmail        = "email"
	paramPhone        = "phone"
	paramFuzzy        = "_fuzzy-match"
	paramExact        = "_exact-match"
	paramHistory      = "_history"
	paramMaxResults   = "_max-results"
	// paramNoise is accepted and means nothing, as in the public sandbox.
	paramNoise = "history"
)

// The limits of a search.
const (
	// MaxResults is the largest and the default number of people that a search answers with.
	MaxResults = 50
	// maxFamilyCharacters is the contract's; the others are ours.
	maxFamilyCharacters    = 35
	maxCriterionCharacters = 100
	maxGivenValues         = 10
)

// The reasons that are part of an INVALID_SEARCH_DATA answer.
const (
	reasonMinimum      = "No searches were performed as the search criteria did not meet the minimum requirements"
	reasonFuzzyMinimum = "A fuzzy search was requested however the data given did not meet the fuzzy search criteria"
	reasonPostcodes    = "address-postalcode and address-postcode cannot both be supplied"
)

// Search is a valid search for people: what ParseSearch made of a request. It is
// a value and never changes, so one may be used from any number of goroutines.
type Search struct {
	caller access.Caller

	// Texts are as plain makes them.
	family       string
	given        []string
	gender       string
	birth, death dateRange
	postcode     string
	practice     string
	organisation string
	phone, email string

	fuzzy, exact, history bool
	limit                 int
}

// Limit is the largest number of people that the search may answer with.
func (s Search) Limit() int { return s.limit }

// ParseSearch returns the search that a request's parameters ask for, or the
// *fhir.Issue of the first thing that is wrong with them, in the order of
// contract 1.6.2. Who may search at all is looked at before what for.
func ParseSearch(values map[string][]string, caller access.Caller) (Search, error) {
	s := Search{caller: caller}
	p := params{values: values}
	steps := []func(params) error{
		s.parseAccess, checkNames, s.parseDates, checkMultiplicity,
		s.parseSwitches, s.parseText, s.checkMinimum, checkGender,
	}
	for _, step := range steps {
		if err := step(p); err != nil {
			return Search{}, err
		}
	}
	return s, nil
}

// params reads request parameters.
type params struct{ values map[string][]string }

func (p params) first(name string) string {
	if v := p.values[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// plain is the parameter's first value in the form that is compared.
func (p params) plain(name string) string { return plain(p.first(name)) }

// parseAccess refuses patients, and applications that ask for more than one.
func (s *Search) parseAccess(p params) error {
	if err := Allow(OpSearch, s.caller); err != nil {
		return err
	}
	s.limit = MaxResults
	if s.caller.Mode == access.Application || s.caller.Mode == access.PrivilegedApplication {
		s.limit = 1
		if v, ok := p.values[paramMaxResults]; ok && !slices.Equal(v, []string{"1"}) {
			return resultsRefused(s.caller.Mode)
		}
	}
	return nil
}

// resultsRefused refuses an application more than one result: an INVALID_VALUE
// with a status, type and display of its own (contract 1.3).
func resultsRefused(mode access.Mode) *fhir.Issue {
	i := NewIssue(CodeInvalidValue, "Your app has insufficient permissions to perform this search. Please contact support.")
	i.Status, i.Type = 403, "token"
	i.Coding.Display = "Cannot retrieve more than one result with " + string(mode) + " access token"
	return i
}

func checkNames(p params) error {
	if len(p.values) == 0 {
		return UnsupportedService()
	}
	var unknown []string
	for name := range p.values {
		if !knownParam(name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return AdditionalProperties(unknown...)
}

func knownParam(name string) bool {
	switch name {
	case paramFamily, paramGiven, paramGender, paramBirth, paramDeath, paramPostcode, paramPostcodeOld,
		paramPractice, paramOrganisation, paramEmail, paramPhone, paramFuzzy, paramExact, paramHistory,
		paramMaxResults, paramNoise:
		return true
	}
	return false
}

// parseDates reads both kinds of date before it misses a birth date: a malformed
// one is reported first (1.6.2, 3 and 4).
func (s *Search) parseDates(p params) (err error) {
	if s.birth, err = parseDateRange(paramBirth, p.values[paramBirth]); err != nil {
		return err
	}
	if s.death, err = parseDateRange(paramDeath, p.values[paramDeath]); err != nil {
		return err
	}
	// A fuzzy search has minimum combinations of its own, which checkMinimum knows, and
	// their own answer (1.6.1): this one is for the others.
	if fuzzy, _ := p.boolean(paramFuzzy); !s.birth.given() && !fuzzy {
		return MissingValue("birth_date/birth_date_range_start/birth_date_range_end")
	}
	return nil
}

// checkMultiplicity refuses a repeated parameter that can mean one thing only.
func checkMultiplicity(p params) error {
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range p.values {
			if !yield(name) {
				return
			}
		}
	}) {
		most := 1
		switch name {
		case paramBirth, paramDeath:
			most = 2
		case paramGiven:
			most = maxGivenValues
		case paramNoise:
			continue
		}
		if len(p.values[name]) > most {
			return TooManyValues(pythonStrings(p.values[name]), name)
		}
	}
	return nil
}

func (s *Search) parseSwitches(p params) (err error) {
	if s.fuzzy, err = p.boolean(paramFuzzy); err != nil {
		return err
	}
	if s.exact, err = p.boolean(paramExact); err != nil {
		return err
	}
	if s.history, err = p.boolean(paramHistory); err != nil {
		return err
	}
	s.history = s.history || s.fuzzy // a fuzzy search always includes history (1.6.1)
	if text := p.first(paramMaxResults); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > MaxResults {
			return InvalidValue(text, paramMaxResults)
		}
		s.limit = n
	}
	return nil
}

func (p params) boolean(name string) (bool, error) {
	switch text := p.first(name); strings.ToLower(text) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, InvalidValue(text, name)
	}
}

func (s *Search) parseText(p params) error {
	if err := checkLengths(p); err != nil {
		return err
	}
	if len(p.values[paramPostcode]) > 0 && len(p.values[paramPostcodeOld]) > 0 {
		return InvalidSearchData(reasonPostcodes)
	}
	s.family = p.plain(paramFamily)
	s.postcode = plainPostcode(p.first(paramPostcode) + p.first(paramPostcodeOld))
	s.practice, s.organisation = p.plain(paramPractice), p.plain(paramOrganisation)
	s.email, s.phone = p.plain(paramEmail), p.plain(paramPhone)
	s.gender = genderLetter(p.first(paramGender))
	for _, v := range p.values[paramGiven] {
		if name := plain(v); name != "" {
			s.given = append(s.given, name)
		}
	}
	return nil
}

// checkLengths bounds every value that is compared with a stored one.
func checkLengths(p params) error {
	for _, name := range []string{paramFamily, paramGiven, paramPostcode, paramPostcodeOld,
		paramPractice, paramOrganisation, paramEmail, paramPhone} {
		most := maxCriterionCharacters
		if name == paramFamily {
			most = maxFamilyCharacters
		}
		for _, v := range p.values[name] {
			if utf8.RuneCountInString(v) > most || !utf8.ValidString(v) {
				return InvalidValue(v, name)
			}
		}
	}
	return nil
}

// checkMinimum refuses a search that is not narrow enough, and a wildcard where
// none may stand: both are answered alike (1.6.1, 1.6.2).
func (s *Search) checkMinimum(params) error {
	if s.fuzzy {
		return s.checkFuzzyMinimum()
	}
	if s.family == "" || wildcardTooEarly(s.family) || wildcardTooEarly(s.postcode) {
		return InvalidSearchData(reasonMinimum)
	}
	return nil
}

func (s *Search) checkFuzzyMinimum() error {
	family, given := s.family != "", len(s.given) > 0
	place := s.gender != "" && s.postcode != ""
	enough := family && given || family && place || given && place
	if !enough || !s.birth.given() || s.hasWildcard() {
		return InvalidSearchData(reasonFuzzyMinimum)
	}
	return nil
}

func (s *Search) hasWildcard() bool {
	return isWildcard(s.family) || isWildcard(s.postcode) || slices.ContainsFunc(s.given, isWildcard)
}

func isWildcard(s string) bool { return strings.Contains(s, "*") }

// wildcardTooEarly reports whether a wildcard is among the first two characters.
func wildcardTooEarly(s string) bool {
	before, _, found := strings.Cut(s, "*")
	return found && utf8.RuneCountInString(before) < start
}

// checkGender comes last of all (1.6.2).
func checkGender(p params) error {
	if text := p.first(paramGender); text != "" && !isGender(text) {
		return InvalidValue(text, paramGender)
	}
	return nil
}
