package demographics

import (
	"strings"

	"vertebra/api/access"
	"vertebra/api/fhir"
)

// Headers are the request headers that the service has rules about (contract 1.2).
type Headers struct {
	// RequestID is X-Request-ID; empty counts as missing.
	RequestID string
	// SessionRole is NHSD-Session-URID.
	SessionRole string
	// IfMatch is If-Match.
	IfMatch string
	// ContentType is Content-Type.
	ContentType string
}

// Identify says who the caller is, or with which issue the token is refused.
type Identify func() (access.Caller, error)

// Admit checks the headers of a request and who makes it, in the order that
// contract 1.2 gives each operation, and returns the caller. number is what the
// path says, for the operations on one person. What is in order here can still be
// refused by the rule itself, which knows the record.
func Admit(op Operation, h Headers, number string, identify Identify) (access.Caller, error) {
	if op == OpUpdate {
		if _, ok := fhir.ParseNumber(number); !ok {
			return access.Caller{}, InvalidResourceID()
		}
		if err := checkUpdateHeaders(h.IfMatch, h.ContentType); err != nil {
			return access.Caller{}, err
		}
	}
	if err := checkRequestID(h.RequestID); err != nil {
		return access.Caller{}, err
	}
	caller, err := identify()
	if err != nil {
		return access.Caller{}, err
	}
	if err := checkSessionRole(caller, h.SessionRole); err != nil {
		return access.Caller{}, err
	}
	if err := Allow(op, caller); err != nil {
		return access.Caller{}, err
	}
	switch op {
	case OpRetrieve, OpUpdate, OpRelatedPersons:
		_, err = Asked(op, caller, number)
	case OpReplaceCoverage:
		err = checkIfMatch(h.IfMatch)
	}
	return caller, err
}

// IsRequestID reports whether s is a UUID, as X-Request-ID must be.
func IsRequestID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || !dash && !hexadecimal(s[i]) {
			return false
		}
	}
	return true
}

func hexadecimal(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// checkRequestID: an empty header is a missing one, as in the sandbox; the live
// gateway calls it an invalid value.
func checkRequestID(id string) error {
	switch {
	case id == "":
		return NewIssue(CodeMissingValue, "Invalid request with error - X-Request-ID header must be supplied to access this resource")
	case !IsRequestID(id):
		return InvalidHeader(id, "X-Request-ID")
	}
	return nil
}

// checkSessionRole: a user with several roles says which; what is said is one of the
// user's. Other modes have no roles and the header is ignored.
func checkSessionRole(caller access.Caller, role string) error {
	if caller.Mode != access.HealthcareWorker {
		return nil
	}
	if role == "" && len(caller.RoleIDs) <= 1 {
		return nil
	}
	for _, held := range caller.RoleIDs {
		if role == held {
			return nil
		}
	}
	i := InvalidHeader(role, "NHSD-Session-URID")
	i.Diagnostics += ". Refer to the guidance for this header in our API Specification " +
		"https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir"
	return i
}

func checkUpdateHeaders(ifMatch, contentType string) error {
	if err := checkIfMatch(ifMatch); err != nil {
		return err
	}
	if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(contentType)), "application/json") {
		return UnsupportedService()
	}
	return nil
}

func checkIfMatch(ifMatch string) error {
	if ifMatch == "" {
		return PreconditionFailed()
	}
	return nil
}

// checkVersion: anything but the ETag of the current version is a mismatch, a header
// that is no ETag too (contract 1.9.1, where the mock and the specification differ).
func checkVersion(ifMatch string, current uint64) error {
	if v, ok := fhir.ParseETag(strings.TrimSpace(ifMatch)); !ok || v != current {
		return VersionMismatch()
	}
	return nil
}
