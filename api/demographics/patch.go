package demographics

import (
	"fmt"
	"strconv"
	"time"

	"vertebra/api/access"
	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// PatchRequest is a PATCH /Patient/{number}.
type PatchRequest struct {
	Caller access.Caller
	// Number is the one to change: that of the path, or the retained one to which it led.
	Number string
	// Requested is the number of the path, by which a patient's access is judged; empty
	// when it is Number.
	Requested   string
	IfMatch     string
	ContentType string
	Body        []byte
	// Now is cluster time.
	Now time.Time
	// RequestID is remembered with the outcome; zero remembers nothing.
	RequestID record.RequestID
	// NewID makes an object id for an added item. It may give one that is taken already.
	NewID func() string
}

// Patch decides an update (contract 1.9): all operations or none, one version on.
//
// Its checks come in the order of contract 1.2: number, If-Match, content type,
// access, existence, patches, version, operations. A client's error is an
// *fhir.Issue. Upon *SupersededError the caller asks again with Number the retained
// one and Requested the original: If-Match then has to name the retained record's
// version, which a client that has read the old number holds; any other gets 409.
func Patch(r Reader, req PatchRequest) (Decision, error) {
	n, err := req.admit()
	if err != nil {
		return Decision{}, err
	}
	rec, a, err := person(r, n)
	if err != nil {
		return Decision{}, err
	}
	patches, err := parsePatches(req.Body)
	if err != nil {
		return Decision{}, err
	}
	if err := checkVersion(req.IfMatch, rec.Version); err != nil {
		return Decision{}, err
	}
	if a.security != Unrestricted && !req.Caller.Privileged {
		return Decision{}, ForbiddenUpdate("updates to a restricted patient are not permitted")
	}
	body, err := patched(rec, patches, req)
	if err != nil {
		return Decision{}, err
	}
	return req.decide(r, n, rec, body)
}

func (req *PatchRequest) admit() (fhir.Number, error) {
	n, ok := fhir.ParseNumber(req.Number)
	if !ok {
		return "", InvalidResourceID()
	}
	if err := checkUpdateHeaders(req.IfMatch, req.ContentType); err != nil {
		return "", err
	}
	requested := req.Requested
	if requested == "" {
		requested = req.Number
	}
	_, err := Asked(OpUpdate, req.Caller, requested)
	return n, err
}

// patched returns the body of the next version of a stored Patient.
func patched(rec record.Record, patches []*fhir.Value, req PatchRequest) ([]byte, error) {
	operations, err := parseOperations(patches)
	if err != nil {
		return nil, err
	}
	tree, err := fhir.ParseJSON(rec.Body)
	if err != nil {
		return nil, fmt.Errorf("demographics: stored Patient: %w", err)
	}
	canonicalURLs(tree)
	u := newUpdate(tree, operations, req)
	if err := u.run(); err != nil {
		return nil, err
	}
	meta := tree.Get("meta")
	if meta == nil {
		meta = fhir.NewObject()
		tree.Set("meta", meta)
	}
	meta.Set("versionId", fhir.NewString(strconv.FormatUint(rec.Version+1, 10)))
	return tree.JSON(), nil
}

// decide turns the new body into the mutation and the answer.
func (req *PatchRequest) decide(r Reader, n fhir.Number, rec record.Record, body []byte) (Decision, error) {
	registerKey := record.Key{Subject: rec.Key.Subject, Table: record.Register}
	stored, found, err := r.Get(registerKey)
	if err != nil {
		return Decision{}, err
	}
	register, err := DecodeRegister(stored.Body)
	if err != nil {
		return Decision{}, err
	}
	next := Person{
		Number: n, Version: rec.Version + 1, Body: body,
		Register: nextRegister(register, rec.Body, body), RegisterStored: found,
	}
	writes, err := PersonWrites(next)
	if err != nil {
		return Decision{}, err
	}
	view, err := View(req.Caller, record.Record{Attributes: writes[0].Attributes, Body: body})
	if err != nil {
		return Decision{}, err
	}
	return Decision{
		Mutation: record.Mutation{
			Subject: rec.Key.Subject,
			Request: req.RequestID,
			Outcome: record.Outcome{Status: 200, Version: next.Version, Subject: rec.Key.Subject},
			Reads:   []record.Read{{Key: rec.Key, Version: rec.Version}, {Key: registerKey, Version: stored.Version}},
			Writes:  writes,
		},
		Answer: fhir.Answer{Status: 200, Version: next.Version, Body: view},
	}, nil
}
