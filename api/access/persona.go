package access

import "strings"

// Fixtures of the sandbox (sandbox.md, Access in the sandbox).
const (
	sandboxUser         = "555254239107"
	sandboxRoleID       = "555254240100"
	sandboxPatient      = "9000000009"
	sandboxOrganisation = "A83008"
	sandboxApplication  = "sandbox"
)

// LoadScope allows a caller to create or replace records as they are, past the rules
// that bind clients: what `vertebra load` needs.
const LoadScope = "vertebra:load"

// healthcareWorker is who calls when nobody says otherwise. In the sandbox that
// caller may load, so that a sandbox can be filled without further ado.
func healthcareWorker() Caller {
	return Caller{Mode: HealthcareWorker, Application: sandboxApplication, User: sandboxUser,
		RoleIDs: []string{sandboxRoleID}, Roles: []string{"R8000"}, Organisation: sandboxOrganisation,
		Scopes: []string{LoadScope}}
}

func application(name string, scopes ...string) Caller {
	return Caller{Mode: Application, Application: name, Organisation: sandboxOrganisation, Scopes: scopes}
}

// PersonaCaller returns the caller whom a persona of the sandbox stands for, or
// false for a word that is none. An argument stands behind a colon.
//
// The modes and identities are what the demographics rules read. Scopes name what
// the sandbox's table says a persona may do; the services that read them come
// with their own contracts.
func PersonaCaller(persona string) (Caller, bool) {
	if caller, ok := plainPersona(persona); ok {
		return caller, true
	}
	kind, argument, _ := strings.Cut(persona, ":")
	if argument == "" {
		return Caller{}, false
	}
	switch kind {
	case "patient-access":
		return patient(argument), true
	case "la":
		caller := application("sandbox-local-authority", "cpis:local-authority")
		caller.Organisation = argument
		return caller, true
	case "nems":
		caller := application("sandbox-nems", "nems")
		caller.Organisation = argument
		return caller, true
	}
	return Caller{}, false
}

func plainPersona(persona string) (Caller, bool) {
	switch persona {
	case "healthcare-worker", "user:clinician":
		return healthcareWorker(), true
	case "user:prescriber":
		return worker("R8000"), true
	case "user:dispenser":
		return worker("R8003"), true
	case "user:ndop":
		return worker("R8010"), true
	case "application-restricted", "app":
		return application("sandbox-application"), true
	case "privileged-application-restricted":
		caller := application("sandbox-privileged-application")
		caller.Mode, caller.Privileged = PrivilegedApplication, true
		return caller, true
	case "patient-access":
		return patient(sandboxPatient), true
	case "app:dispensing":
		return application("sandbox-dispensing", "eps:dispensing"), true
	case "app:mns":
		return application("sandbox-mns", "mns:subscribe"), true
	case "app:mns2":
		return application("sandbox-mns-2", "mns:subscribe"), true
	case "app:publisher":
		return application("sandbox-publisher", "mns:publish:pds-*", "mns:publish:gpreg-*"), true
	case "app:deid":
		return application("sandbox-deid", "de-id:dars-0001", "de-id:dars-0002"), true
	case "app:reid":
		return application("sandbox-reid", "re-id:dars-0001", "re-id:dars-0002"), true
	}
	return Caller{}, false
}

func worker(role string) Caller {
	caller := healthcareWorker()
	caller.Roles = []string{role}
	return caller
}

func patient(number string) Caller {
	return Caller{Mode: Patient, Application: "sandbox-patient-access", Patient: number, IdentityProofing: "P9.Cp.Cd"}
}
