package demographics

import (
	"vertebra/api/access"
	"vertebra/api/fhir"
)

// Operation is one of the service's operations, for the rules of who may do what.
type Operation uint8

// The operations (contract 1.1).
const (
	OpSearch Operation = iota + 1
	OpRetrieve
	OpUpdate
	OpCreate
	OpCreateAtBirth
	OpRelatedPersons
	OpReadCoverage
	OpReplaceCoverage
)

// verdict says whether an operation is open to a mode of access.
type verdict uint8

const (
	// denied is the zero value: what no line of the table names is refused.
	denied verdict = iota
	allowed
	// ownOnly: a patient, about the patient.
	ownOnly
	// patientDenied, methodDenied and coverageDenied are refusals, each with its own text.
	patientDenied
	methodDenied
	coverageDenied
)

// verdictOn is the table of contract 1.1 and 1.4.
func verdictOn(op Operation, mode access.Mode) verdict {
	type line struct{ worker, application, privileged, patient verdict }
	var l line
	switch op {
	case OpSearch:
		l = line{allowed, allowed, allowed, patientDenied}
	case OpRetrieve, OpRelatedPersons:
		l = line{allowed, allowed, allowed, ownOnly}
	case OpUpdate:
		l = line{allowed, methodDenied, methodDenied, ownOnly}
	case OpCreate, OpCreateAtBirth:
		l = line{allowed, methodDenied, methodDenied, methodDenied}
	case OpReadCoverage, OpReplaceCoverage:
		l = line{coverageDenied, coverageDenied, coverageDenied, ownOnly}
	}
	switch mode {
	case access.HealthcareWorker:
		return l.worker
	case access.Application:
		return l.application
	case access.PrivilegedApplication:
		return l.privileged
	case access.Patient:
		return l.patient
	}
	return denied
}

// Allow reports, as an error, that the caller may not use the operation at all.
// Whose record a patient asks for is looked at by Asked, once the number is known.
func Allow(op Operation, caller access.Caller) error {
	switch verdictOn(op, caller.Mode) {
	case allowed:
		return nil
	case ownOnly:
		if !proofed(caller.IdentityProofing) {
			return issuePatientDenied()
		}
		return nil
	case methodDenied:
		return methodRefused(op, caller.Mode)
	case coverageDenied:
		return coverageRefused(op, caller.Mode)
	}
	return issuePatientDenied()
}

// Asked reads the NHS number of a request and reports, as an error, that it is none
// or that the caller may not ask about it.
func Asked(op Operation, caller access.Caller, number string) (fhir.Number, error) {
	if err := Allow(op, caller); err != nil {
		return "", err
	}
	n, ok := fhir.ParseNumber(number)
	if !ok {
		return "", InvalidResourceID()
	}
	if verdictOn(op, caller.Mode) == ownOnly && caller.Patient != number {
		return "", issuePatientDenied()
	}
	return n, nil
}

// proofed reports whether a patient's identity was proved well enough: level P9 in
// one of the ways that contract 1.4 lists.
func proofed(vectorOfTrust string) bool {
	switch vectorOfTrust {
	case "P9.Cp.Cd", "P9.Cp.Ck", "P9.Cm":
		return true
	}
	return false
}

func refused(display, diagnostics string) *fhir.Issue {
	i := NewIssue(CodeUnauthorised, diagnostics)
	i.Status, i.Coding.Display = 403, display
	return i
}

func issuePatientDenied() *fhir.Issue {
	return refused("Patient cannot perform this action",
		"Your access token has insufficient permissions. See documentation regarding Patient access restrictions "+
			"https://digital.nhs.uk/developer/api-catalogue/personal-demographics-service-fhir")
}

func methodRefused(op Operation, mode access.Mode) *fhir.Issue {
	verb := "create"
	if op == OpUpdate {
		verb = "update"
	}
	i := NewIssue(CodeInvalidMethod, "Your app has insufficient permissions to use this method. Please contact support.")
	i.Coding.Display = "Cannot " + verb + " resource with " + string(mode) + " access token"
	return i
}

func coverageRefused(op Operation, mode access.Mode) *fhir.Issue {
	method := "GET"
	if op == OpReplaceCoverage {
		method = "POST"
	}
	return refused("Cannot "+method+" resource with "+string(mode)+" access token",
		"Your app has insufficient permissions to use this operation. Please contact support.")
}
