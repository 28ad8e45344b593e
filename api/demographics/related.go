package demographics

import (
	"time"

	"vertebra/api/access"
	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// publicBase is what every fullUrl begins with, whatever the address by which the
// service was reached (contract 1.1).
const publicBase = "https://api.service.nhs.uk/personal-demographics/FHIR/R4"

// RelatedPersons answers GET /Patient/{number}/RelatedPerson (contract 1.7). A
// person whose whereabouts are restricted has none for the caller, since a
// relative's address is often the person's own.
//
// Errors as Read's; upon *SupersededError the caller calls RetainedRelatedPersons.
func RelatedPersons(r Reader, caller access.Caller, number string, now time.Time) (fhir.Answer, error) {
	n, err := Asked(OpRelatedPersons, caller, number)
	if err != nil {
		return fhir.Answer{}, err
	}
	return RetainedRelatedPersons(r, caller, n, now)
}

// RetainedRelatedPersons is to RelatedPersons what ReadRetained is to Read.
func RetainedRelatedPersons(r Reader, caller access.Caller, n fhir.Number, now time.Time) (fhir.Answer, error) {
	_, a, err := person(r, n)
	if err != nil {
		return fhir.Answer{}, err
	}
	set := fhir.Searchset{Timestamp: now}
	if viewOf(caller, a.security) == plainView() {
		set.Entries, err = relatedEntries(r, n)
	}
	return fhir.Answer{Status: 200, Body: set.JSON()}, err
}

func relatedEntries(r Reader, n fhir.Number) ([]fhir.Entry, error) {
	var entries []fhir.Entry
	for rec, err := range r.Scan(record.Subject(n), record.RelatedPersons) {
		if err != nil {
			return nil, err
		}
		entries = append(entries, fhir.Entry{
			FullURL:  publicBase + "/Patient/" + string(n) + "/RelatedPerson/" + rec.Key.Rest,
			Resource: rec.Body,
		})
	}
	return entries, nil
}
