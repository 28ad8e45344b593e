package demographics

import (
	"vertebra/api/access"
	"vertebra/api/fhir"
)

// Read answers GET /Patient/{number} (contract 1.5). For an unrestricted person the
// body is the stored bytes: nothing is decoded, copied or allocated.
//
// Errors: the issues of 1.4 and 1.5; *SupersededError, upon which the caller calls
// ReadRetained with a Reader of that number.
func Read(r Reader, caller access.Caller, number string) (fhir.Answer, error) {
	n, err := Asked(OpRetrieve, caller, number)
	if err != nil {
		return fhir.Answer{}, err
	}
	return ReadRetained(r, caller, n)
}

// ReadRetained answers with the person of a number to which a superseded one led.
// Whether the caller may ask was decided on the number that was asked for. The
// retained number may be superseded itself; bounding the chain is the caller's.
func ReadRetained(r Reader, caller access.Caller, n fhir.Number) (fhir.Answer, error) {
	rec, a, err := person(r, n)
	if err != nil {
		return fhir.Answer{}, err
	}
	body, err := a.view(rec.Body, viewOf(caller, a.security))
	if err != nil {
		return fhir.Answer{}, err
	}
	return fhir.Answer{Status: 200, Version: rec.Version, Body: body}, nil
}
