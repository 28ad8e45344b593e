package access

import (
	"context"
	"strings"
)

// Gateway takes the caller from the headers that an API gateway in front of the
// node sets, having checked the token itself. It believes them: a node uses it
// only where nobody but the gateway can reach it.
//
//	NHSD-Access-Mode                user-restricted, application-restricted, ...: required
//	NHSD-Application-ID             the calling application: required
//	NHSD-Identity-UUID              the user
//	NHSD-User-Role-IDs              the ids of the user's roles, comma between
//	NHSD-User-Roles                 their codes, such as R8000
//	NHSD-NHS-Number                 the patient, in patient access
//	NHSD-Vector-Of-Trust            how the patient's identity was proved
//	NHSD-End-User-Organisation-ODS  the organisation
//	NHSD-Scopes                     the token's scopes, blank between
//	NHSD-Privileged-Source          true for sources that may record a formal death
type Gateway struct{}

// Identify implements Authenticator.
func (Gateway) Identify(_ context.Context, header Headers) (Caller, error) {
	caller := Caller{
		Mode:             Mode(header.Get("NHSD-Access-Mode")),
		Application:      header.Get("NHSD-Application-ID"),
		User:             header.Get("NHSD-Identity-UUID"),
		RoleIDs:          list(header.Get("NHSD-User-Role-IDs"), ","),
		Roles:            list(header.Get("NHSD-User-Roles"), ","),
		Patient:          header.Get("NHSD-NHS-Number"),
		IdentityProofing: header.Get("NHSD-Vector-Of-Trust"),
		Organisation:     header.Get("NHSD-End-User-Organisation-ODS"),
		Scopes:           list(header.Get("NHSD-Scopes"), " "),
		Privileged:       header.Get("NHSD-Privileged-Source") == "true",
	}
	switch {
	case caller.Mode == "":
		return Caller{}, &Refusal{"Missing Authorization header"}
	case !caller.Mode.known() || caller.Application == "" || caller.Mode == Patient && caller.Patient == "":
		return Caller{}, &Refusal{"Invalid Access Token"}
	}
	return caller, nil
}

func (m Mode) known() bool {
	switch m {
	case HealthcareWorker, Application, PrivilegedApplication, Patient:
		return true
	}
	return false
}

// maxListed bounds the roles and scopes that are read of one header.
const maxListed = 100

// list splits a header's value; empty items are left out.
func list(value, separator string) []string {
	var items []string
	for item := range strings.SplitSeq(value, separator) {
		if item = strings.TrimSpace(item); item != "" && len(items) < maxListed {
			items = append(items, item)
		}
	}
	return items
}
