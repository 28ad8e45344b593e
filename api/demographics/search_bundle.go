package demographics

import (
	"cmp"
	"slices"
	"time"

	"vertebra/api/fhir"
	"vertebra/index"
	"vertebra/storage/record"
)

// PatientURL begins the fullUrl of every Patient: always the public base, wherever
// the node answers (contract 1.1).
const PatientURL = publicBase + "/Patient/"

// Hit is a match with the record of the person whom it stands for, as it is stored
// at the position of the search.
type Hit struct {
	Match  index.Match
	Record record.Record
}

// Bundle answers the search with what was found, best first and equal scores by
// NHS number, or with TOO_MANY_MATCHES and nothing of it (contract 1.6.3). Hits
// may repeat a person, who then counts once with the best score, and may have
// been invalidated or restricted meanwhile: those are left out.
func (s Search) Bundle(hits []Hit, now time.Time) (fhir.Answer, error) {
	shown, err := s.show(hits)
	if err != nil {
		return fhir.Answer{}, err
	}
	if len(shown) > s.limit {
		return fhir.Answer{}, TooManyMatches()
	}
	set := fhir.Searchset{Timestamp: now}
	for _, h := range shown {
		view, err := SearchView(s.caller, h.Record)
		if err != nil {
			return fhir.Answer{}, err
		}
		set.Entries = append(set.Entries, fhir.Entry{
			FullURL: PatientURL + h.Match.Of, Score: h.Match.Score, Resource: view,
		})
	}
	return fhir.Answer{Status: 200, Body: set.JSON()}, nil
}

// show returns the hits that may be answered with, in order, each person once.
func (s Search) show(hits []Hit) ([]Hit, error) {
	ordered := slices.SortedFunc(slices.Values(hits), func(a, b Hit) int {
		return cmp.Or(cmp.Compare(b.Match.Score, a.Match.Score), cmp.Compare(a.Match.Of, b.Match.Of))
	})
	var shown []Hit
	seen := map[string]bool{}
	for _, h := range ordered {
		a, err := parseAttributes(h.Record.Attributes)
		if err != nil {
			return nil, err
		}
		if !seen[h.Match.Of] && s.mayShow(a) {
			seen[h.Match.Of] = true
			shown = append(shown, h)
		}
	}
	return shown, nil
}

// mayShow is asked again of the record itself: a hit may have come from a document
// that was superseded by it, with another confidentiality.
func (s Search) mayShow(a attributes) bool {
	placed := s.postcode != "" || s.practice != ""
	return a.status.State == Live && (a.security == Unrestricted || !placed)
}
