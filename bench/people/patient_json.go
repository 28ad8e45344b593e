package people

import (
	"strconv"

	"vertebra/api/fhir"
)

// person writes a life down. Members are in the order that the service itself
// stores; everything is appended to one buffer, since a struct and an encoder made
// five times fewer people a second.
func (l *life) person(n fhir.Number) Person {
	p := Person{
		Number: n, Family: l.family, Given: l.given, Gender: l.genderCode(), Postcode: l.address.postcode,
		BirthDate: string(l.born.append(nil)), Live: l.merged == "" && !l.withdrawn,
	}
	b := append(make([]byte, 0, 3072), `{"resourceType":"Patient","id":"`...)
	b = append(b, n...)
	b = append(b, `","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"`...)
	b = append(b, n...)
	b = append(b, `","extension":[{"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus","valueCodeableConcept":{"coding":[{"system":"https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatus","version":"1.0.0","code":"01","display":"Number present and verified"}]}}]}],"meta":{"versionId":"`...)
	b = strconv.AppendInt(b, int64(l.version), 10)
	b = append(b, `","security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"`...)
	b = append(b, l.security)
	b = append(append(b, `","display":"`...), l.securityName()...)
	b = append(b, `"}]},"name":[`...)
	b = append(l.appendName(b, l.family, l.nameSince(), date{}), ']')
	b = append(append(b, `,"gender":"`...), p.Gender...)
	b = append(append(append(b, `","birthDate":"`...), p.BirthDate...), '"')
	b = l.appendVital(b)
	b = l.appendAddresses(b)
	b = l.appendTelecom(b)
	b = l.appendOrganisations(b)
	p.Resource = append(b, '}')
	p.PDS = l.beside()
	return p
}

func (l *life) genderCode() string { return [...]string{"male", "female"}[l.gender] }

func (l *life) securityName() string {
	switch l.security {
	case 'R':
		return "restricted"
	case 'V':
		return "very restricted"
	}
	return "unrestricted"
}

// appendID appends a new object id as the first member of an object.
func (l *life) appendID(b []byte) []byte {
	const figures = "0123456789ABCDEF"
	b = append(b, `{"id":"`...)
	for bits, n := l.ids.pcg.Uint64(), 0; n < 8; n++ {
		b = append(b, figures[bits&15])
		bits >>= 4
	}
	return append(b, '"')
}

func appendPeriod(b []byte, start, end date) []byte {
	b = append(start.append(append(b, `,"period":{"start":"`...)), '"')
	if end != (date{}) {
		b = append(end.append(append(b, `,"end":"`...)), '"')
	}
	return append(b, '}')
}

// nameSince is when the present name began: at birth, or in one's twenties.
func (l *life) nameSince() date {
	if l.formerName != "" {
		return date{min(l.born.year+26, thisYear-1), l.born.month, 14}
	}
	return l.born
}

func (l *life) appendName(b []byte, family string, since, until date) []byte {
	b = append(l.appendID(b), `,"use":"usual"`...)
	b = append(appendPeriod(b, since, until), `,"given":[`...)
	for i, given := range l.given {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), given...), '"')
	}
	b = append(append(append(b, `],"family":"`...), family...), '"')
	if title := l.title(); title != "" {
		b = append(append(append(b, `,"prefix":["`...), title...), `"]`...)
	}
	return append(b, '}')
}

func (l *life) title() string {
	switch {
	case l.born.year > thisYear-18:
		return ""
	case l.gender == male:
		return "Mr"
	case l.formerName != "":
		return "Mrs"
	}
	return "Ms"
}

func (l *life) appendVital(b []byte) []byte {
	if l.order > 0 {
		b = strconv.AppendInt(append(b, `,"multipleBirthInteger":`...), int64(l.order), 10)
	}
	if l.died != (date{}) {
		b = append(l.died.append(append(b, `,"deceasedDateTime":"`...)), `T00:00:00+00:00"`...)
	}
	return b
}

// appendAddresses appends the addresses; somebody very restricted has them too, they
// are just never shown.
func (l *life) appendAddresses(b []byte) []byte {
	b = l.appendAddress(append(b, `,"address":[`...), &l.address, "home", "")
	if l.temporary {
		hall := l.address
		hall.line, hall.key = "Room "+strconv.Itoa(100+l.ids.below(300))+", University Hall", ""
		hall.since = date{thisYear, 9, 20}
		b = l.appendAddress(append(b, ','), &hall, "temp", `,"text":"Student Accommodation"`)
	}
	return append(b, ']')
}

func (l *life) appendAddress(b []byte, a *address, use, text string) []byte {
	b = append(append(l.appendID(b), `,"use":"`...), use...)
	until := date{}
	if text != "" {
		until = date{thisYear, 12, 15}
	}
	b = append(appendPeriod(append(b, '"'), a.since, until), text...)
	b = append(append(b, `,"line":["`...), a.line...)
	for _, line := range [...]string{a.district, a.town, a.county} {
		if line != "" {
			b = append(append(b, `","`...), line...)
		}
	}
	b = append(append(append(b, `"],"postalCode":"`...), a.postcode...), '"')
	if a.key != "" {
		b = append(b, `,"extension":[{"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-AddressKey","extension":[{"url":"type","valueCoding":{"system":"https://fhir.hl7.org.uk/CodeSystem/UKCore-AddressKeyType","code":"PAF"}},{"url":"value","valueString":"`...)
		b = append(append(b, a.key...), `"}]}]`...)
	}
	return append(b, '}')
}

func (l *life) appendTelecom(b []byte) []byte {
	open := `,"telecom":[`
	for _, t := range [...]struct{ system, use, value string }{
		{"phone", "home", l.household.phone}, {"phone", "mobile", l.mobile}, {"email", "home", l.email},
	} {
		if t.value == "" || l.born.year > thisYear-12 {
			continue
		}
		b = append(l.appendID(append(b, open...)), `,"period":{"start":"2020-01-01"},"system":"`...)
		b = append(append(append(b, t.system...), `","use":"`...), t.use...)
		b = append(append(append(b, `","value":"`...), t.value...), `"}`...)
		open = ","
	}
	if open == "," {
		b = append(b, ']')
	}
	return b
}

func (l *life) appendOrganisations(b []byte) []byte {
	if l.died == (date{}) {
		b = append(l.appendID(append(b, `,"generalPractitioner":[`...)), `,"type":"Organization","identifier":{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"`...)
		b = append(append(b, l.household.practice...), `"`...)
		b = append(appendPeriod(b, l.address.since, date{}), `}}]`...)
	}
	open := `,"extension":[`
	if l.nominates {
		b = append(append(b, open...), `{"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NominatedPharmacy","valueReference":{"identifier":{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"`...)
		b = append(append(b, l.household.pharmacy...), `"}}}`...)
		open = ","
	}
	if l.died != (date{}) {
		b = append(append(b, open...), `{"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeathNotificationStatus","extension":[{"url":"deathNotificationStatus","valueCodeableConcept":{"coding":[{"system":"https://fhir.hl7.org.uk/CodeSystem/UKCore-DeathNotificationStatus","version":"1.0.0","code":"2","display":"Formal - death notice received from Registrar of Deaths"}]}},{"url":"systemEffectiveDate","valueDateTime":"`...)
		b = append(l.died.append(b), `T00:00:00+00:00"}]}`...)
		open = ","
	}
	if open == "," {
		b = append(b, ']')
	}
	return b
}

// beside returns what stands beside the Patient in the seed form, nil when nothing does.
func (l *life) beside() []byte {
	b := l.appendHistory(nil)
	if l.merged != "" {
		b = append(append(append(b, `,"supersededBy":"`...), l.merged...), '"')
	}
	if l.withdrawn {
		b = append(b, `,"invalidated":true`...)
	}
	if b == nil {
		return nil
	}
	b[0] = '{' // in the place of the first comma
	return append(b, '}')
}

func (l *life) appendHistory(b []byte) []byte {
	if l.formerName == "" && l.formerAddress == nil {
		return b
	}
	b = append(b, `,"history":{`...)
	if l.formerName != "" {
		b = append(l.appendName(append(b, `"name":[`...), l.formerName, l.born, l.nameSince()), ']')
	}
	if l.formerAddress != nil {
		if l.formerName != "" {
			b = append(b, ',')
		}
		b = append(l.appendAddress(append(b, `"address":[`...), l.formerAddress, "home", ""), ']')
	}
	return append(b, '}')
}
