package demographics

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"vertebra/api/fhir"
)

// The extensions that a new person's form may have and that mean something here.
const (
	extensionAuthority   = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-RegisteringAuthority"
	extensionAddressKey  = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-AddressKey"
	extensionNHSLanguage = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSCommunication"
	extensionPreference  = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-ContactPreference"
	extensionBirthPlace  = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
	extensionDeath       = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeathNotificationStatus"
)

const reasonLines = "address lines 1 and 4 or 2 and 4 must be completed as a minimum"

func (f form) checkAddresses() error {
	for i, address := range f.patient.Get("address").List() {
		if err := f.checkAddress(address, "address/"+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	return nil
}

func (f form) checkAddress(address *fhir.Value, path string) error {
	switch use := address.Get("use"); use.Str() {
	case "home", "temp", "billing":
	case "":
		return f.missing(path + "/use")
	default:
		return f.invalid(use, path+"/use")
	}
	if err := f.checkPeriod(address.Get("period"), path+"/period", false); err != nil {
		return err
	}
	if code := address.Get("postalCode"); code != nil && (!isString(code) || utf8.RuneCountInString(code.Text) > 8) {
		return f.invalid(code, path+"/postalCode")
	}
	if err := f.checkLines(address, path); err != nil {
		return err
	}
	return f.checkAddressKeys(address, path)
}

func (f form) checkLines(address *fhir.Value, path string) error {
	lines := address.Get("line")
	if lines != nil && (!isArray(lines) || slices.ContainsFunc(lines.Items, badLine)) {
		return f.invalid(lines, path+"/line")
	}
	if len(lines.List()) > maxLines {
		return TooManyValues(pythonValue(lines), f.at+path+"/line")
	}
	if linesComplete(lines) || addressedByKey(address) {
		return nil
	}
	return InvalidCreate(reasonLines)
}

func badLine(line *fhir.Value) bool {
	return line.Kind != fhir.KindNull &&
		(!isString(line) || utf8.RuneCountInString(line.Text) > maxTextCharacters)
}

// linesComplete: line 1 or 2 says which house, line 4 which town.
func linesComplete(lines *fhir.Value) bool {
	filled := func(n int) bool { return strings.TrimSpace(lines.At(n-1).Str()) != "" }
	return (filled(1) || filled(2)) && filled(4)
}

// addressedByKey: a postcode with a postal address key, or a pseudo postcode such as
// that of no fixed abode, stands for the lines (contract 1.9.3).
func addressedByKey(address *fhir.Value) bool {
	code := plainPostcode(address.Get("postalCode").Str())
	if strings.HasPrefix(code, "zz99") {
		return true
	}
	for _, e := range address.Get("extension").List() {
		for _, part := range e.Get("extension").List() {
			if part.Get("valueCoding").Get("code").Str() == "PAF" && code != "" {
				return true
			}
		}
	}
	return false
}

func (f form) checkAddressKeys(address *fhir.Value, path string) error {
	for i, e := range address.Get("extension").List() {
		at := path + "/extension/" + strconv.Itoa(i)
		if !isObject(e) {
			return f.invalid(e, at)
		}
		if absent(e.Get("extension")) {
			return f.missing(at + "/extension")
		}
	}
	return nil
}

// checkAuthority requires who registers the person (contract 1.10).
func (f form) checkAuthority() error {
	for i, e := range f.patient.Get("extension").List() {
		if e.Get("url").Str() == extensionAuthority {
			return f.checkAuthorityParts(e, "extension/"+strconv.Itoa(i)+"/extension")
		}
	}
	return f.missing("extension")
}

func (f form) checkAuthorityParts(e *fhir.Value, path string) error {
	kind, organisation := "", ""
	for _, part := range e.Get("extension").List() {
		switch part.Get("url").Str() {
		case "registeringAuthorityType":
			kind = part.Get("valueCodeableConcept").Get("coding").At(0).Get("code").Str()
		case "organisationIdentifier":
			organisation = part.Get("valueString").Str()
		}
	}
	switch {
	case kind == "":
		return f.missing(path + "/registeringAuthorityType")
	case kind != "1" && (len(kind) != 1 || kind[0] < 'a' || kind[0] > 'x'):
		return InvalidValue(kind, f.at+path+"/registeringAuthorityType")
	case organisation == "":
		return f.missing(path + "/organisationIdentifier")
	case len(organisation) < 2 || len(organisation) > 15:
		return InvalidValue(organisation, f.at+path+"/organisationIdentifier")
	}
	return nil
}

// checkMembers refuses members that no Patient has. It comes last: they do not
// pre-empt what is missing.
func (f form) checkMembers() error {
	var unknown []string
	for _, p := range f.patient.Properties {
		if !patientMember(strings.TrimPrefix(p.Name, "_")) {
			unknown = append(unknown, shortened(p.Name))
		}
	}
	if len(unknown) > 0 {
		return AdditionalProperties(unknown[:min(len(unknown), maxListItems)]...)
	}
	return nil
}

// patientMember reports whether FHIR's Patient has that member.
func patientMember(name string) bool {
	switch name {
	case "resourceType", "id", "meta", "implicitRules", "language", "text", "contained", "extension",
		"modifierExtension", "identifier", "active", "name", "telecom", "gender", "birthDate",
		"deceasedBoolean", "deceasedDateTime", "address", "maritalStatus", "multipleBirthBoolean",
		"multipleBirthInteger", "photo", "contact", "communication", "generalPractitioner",
		"managingOrganization", "link":
		return true
	}
	return false
}
