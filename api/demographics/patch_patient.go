package demographics

import (
	"vertebra/api/access"
	"vertebra/api/fhir"
)

// What a patient may change of the own record (contract 1.4): address, language and
// interpreter, emergency contact, pharmacies, place of birth, mobile and email.

// notPermitted is one text for everything that a patient may not change.
func notPermitted() error {
	return InvalidUpdate("This user does not have permission to update the fields in the patches provided.")
}

// checkPatientMay looks at the paths. Extensions and telecom come as whole objects,
// so that a patient cannot turn one kind into another piece by piece; parts may be
// removed.
func (u *update) checkPatientMay() error {
	if u.req.Caller.Mode != access.Patient {
		return nil
	}
	for _, o := range u.operations {
		if o.Op == fhir.PatchTest {
			continue
		}
		_, naming := suppliedID(o)
		switch o.Path[0] {
		case "address", "contact":
		case "telecom", "extension":
			if len(o.Path) > 2 && o.Op != fhir.PatchRemove && !naming {
				return notPermitted()
			}
		default:
			return notPermitted()
		}
	}
	return nil
}

// checkPatientChanges looks at what kind of item came of it.
func (u *update) checkPatientChanges() error {
	if u.req.Caller.Mode != access.Patient {
		return nil
	}
	for _, c := range u.changes {
		for _, item := range [...]*fhir.Value{c.before, c.after} {
			if item != nil && !patientsOwn(c.list, item) {
				return notPermitted()
			}
		}
	}
	return nil
}

func patientsOwn(list string, item *fhir.Value) bool {
	switch list {
	case "address", "contact":
		return true
	case "telecom":
		system := item.Get("system").Str()
		return system == "email" || system == "phone" && item.Get("use").Str() == "mobile"
	case "extension":
		switch item.Get("url").Str() {
		case extensionNominatedPharmacy, extensionPreferredDispenser, extensionApplianceSupplier,
			extensionNHSLanguage, extensionBirthPlace:
			return true
		}
	}
	return false
}
