package demographics

import (
	"strings"

	"vertebra/api/access"
	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// The classes of what is in a Patient, as far as somebody may be kept from seeing
// it. They are in stored outlines: never reused, never renumbered.
const (
	// classOther: members that the contract does not name.
	classOther fhir.Class = 0
	// classBase: resourceType, id, identifier and meta.
	classBase fhir.Class = 1
	// className: usual, nickname and temp names; classFormerName all others.
	className       fhir.Class = 2
	classFormerName fhir.Class = 3
	classBirthDate  fhir.Class = 4
	// classVital: gender, multiple birth and death.
	classVital        fhir.Class = 5
	classHomeAddress  fhir.Class = 6
	classOtherAddress fhir.Class = 7
	// classContact: telecom and emergency contacts.
	classContact fhir.Class = 8
	// classPractice: the general practitioner.
	classPractice fhir.Class = 9
	// classManaging: the managing organisation.
	classManaging fhir.Class = 10
	// classDeathNotification: that extension.
	classDeathNotification fhir.Class = 11
	// classPlace: extensions that say where somebody goes or comes from: pharmacies and
	// the place of birth.
	classPlace fhir.Class = 12
	// classConsent: for applications with that attribute only, of which there are none yet.
	classConsent fhir.Class = 13
	// classExtension: all other extensions.
	classExtension fhir.Class = 14
)

// classify gives a part of a Patient its class.
func classify(member string, item []byte) (class fhir.Class, itemised bool) {
	switch member {
	case "resourceType", "id", "identifier", "meta":
		return classBase, false
	case "birthDate":
		return classBirthDate, false
	case "gender", "multipleBirthInteger", "deceasedDateTime":
		return classVital, false
	case "telecom", "contact":
		return classContact, false
	case "generalPractitioner":
		return classPractice, false
	case "managingOrganization":
		return classManaging, false
	case "name", "address", "extension":
		if item == nil {
			return classOther, true
		}
		return classifyItem(member, item), false
	}
	return classOther, false
}

func classifyItem(member string, item []byte) fhir.Class {
	switch member {
	case "name":
		switch fhir.MemberText(item, "use") {
		case "usual", "nickname", "temp":
			return className
		}
		return classFormerName
	case "address":
		if fhir.MemberText(item, "use") == "home" {
			return classHomeAddress
		}
		return classOtherAddress
	}
	url := fhir.MemberText(item, "url")
	switch url[strings.LastIndexByte(url, '/')+1:] {
	case "Extension-UKCore-DeathNotificationStatus":
		return classDeathNotification
	case "Extension-UKCore-NominatedPharmacy", "Extension-UKCore-PreferredDispenserOrganization",
		"Extension-UKCore-MedicalApplianceSupplier", "patient-birthPlace":
		return classPlace
	case "consent.html":
		return classConsent
	}
	return classExtension
}

// plainView is what is seen of an unrestricted person.
func plainView() fhir.Classes { return ^fhir.ClassesOf(classConsent) }

// restrictedView is what is seen of a restricted person: nothing that says where the
// person is. It lists what is shown, so that a new class is hidden until somebody
// decides; the managing organisation is hidden though contract 1.5 does not name it,
// since it is a place.
func restrictedView() fhir.Classes {
	return fhir.ClassesOf(classBase, className, classFormerName, classBirthDate, classVital,
		classDeathNotification, classExtension)
}

// veryRestrictedView is what anybody sees of a very restricted person: that there is
// one (contract 1.4).
func veryRestrictedView() fhir.Classes { return fhir.ClassesOf(classBase) }

// searchView is what a search returns of a person (contract 1.6.3).
func searchView() fhir.Classes {
	return fhir.ClassesOf(classBase, className, classBirthDate, classVital, classHomeAddress,
		classContact, classPractice, classDeathNotification)
}

// viewOf is what the caller sees of a person of that confidentiality.
func viewOf(caller access.Caller, s Security) fhir.Classes {
	switch s {
	case Unrestricted:
		return plainView()
	case Restricted:
		if caller.Mode == access.PrivilegedApplication {
			return plainView()
		}
		return restrictedView()
	}
	return veryRestrictedView()
}

// searchViewOf is what the caller sees of a person in a search. Restricted people are
// reduced for everybody; privileged applications get no address and no practice.
func searchViewOf(caller access.Caller, s Security) fhir.Classes {
	shown := searchView()
	switch s {
	case Unrestricted:
	case Restricted:
		shown &= restrictedView()
	default:
		shown &= veryRestrictedView()
	}
	if caller.Mode == access.PrivilegedApplication {
		shown &^= fhir.ClassesOf(classHomeAddress, classOtherAddress, classPractice)
	}
	return shown
}

// View returns a stored Patient as the caller may see it. The bytes are the stored
// ones when nothing is hidden; do not change them.
func View(caller access.Caller, rec record.Record) ([]byte, error) {
	a, err := parseAttributes(rec.Attributes)
	if err != nil {
		return nil, err
	}
	return a.view(rec.Body, viewOf(caller, a.security))
}

// SearchView returns a stored Patient as a search shows it to the caller.
func SearchView(caller access.Caller, rec record.Record) ([]byte, error) {
	a, err := parseAttributes(rec.Attributes)
	if err != nil {
		return nil, err
	}
	return a.view(rec.Body, searchViewOf(caller, a.security))
}

func (a *attributes) view(body []byte, shown fhir.Classes) ([]byte, error) {
	if !a.whole || shown != plainView() {
		spliced, ok := fhir.Splice(make([]byte, 0, len(body)), body, a.outline, shown)
		if !ok {
			return nil, ErrCorruptAttributes
		}
		body = spliced
	}
	if a.internalRemoval {
		return withPublicRemoval(body)
	}
	return body, nil
}
