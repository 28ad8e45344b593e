package demographics

import (
	"strconv"
	"time"

	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// NotificationHeader is the response header of a birth that names the notification.
const NotificationHeader = "notification-id"

// The places of a birth notification's entries, which its diagnostics name (1.10).
const (
	entryBaby = iota
	entryWeight
	entryStillbirth
	entryGestation
	entryFoetuses
	entryAbnormality
	entryRelation
	entryMother
	entryOrganization
	entryLocation
	entryCareTeam
	entryPractitioner
	birthEntries
)

// tooLong stands for the Bundle in the diagnostics of one that lacks an entry.
const tooLong = "<json too long to display>"

// ParseBirth reads the body of POST /Patient/$process-birth-details: a transaction
// Bundle. With ignorePotential only an exact duplicate keeps the newborn from being
// created. Errors are the issues of contract 1.10.
//
// The newborn is kept as a Patient with the place of birth, and the mother as a
// related person; the notification's observations and carers are for other services
// and are checked, not stored.
func ParseBirth(body []byte, ignorePotential bool, now time.Time) (Newcomer, error) {
	v, err := parseCreateBody(body)
	if err != nil {
		return Newcomer{}, err
	}
	b, err := newBirth(v, now)
	if err != nil {
		return Newcomer{}, err
	}
	for _, rule := range []func() error{b.checkNameUse, b.baby.check, b.checkOrder, b.checkObservations, b.checkMother, b.checkDeath} {
		if err := rule(); err != nil {
			return Newcomer{}, err
		}
	}
	n := newNewcomer(b.baby, extensionNHSLanguage, extensionPreference, extensionBirthPlace)
	n.newborn, n.ignorePotential = true, ignorePotential
	n.mother, _ = fhir.ParseNumber(b.motherNumber().Str())
	return n, nil
}

// birth is a birth notification: its resources by what they are.
type birth struct {
	baby    form
	entries [birthEntries]birthEntry
}

// birthEntry is one resource and the place where it stands in this Bundle.
type birthEntry struct {
	resource *fhir.Value
	at       string
}

func newBirth(bundle *fhir.Value, now time.Time) (*birth, error) {
	b := &birth{}
	for i, e := range bundle.Get("entry").List() {
		resource := e.Get("resource")
		if place, ok := b.placeOf(resource); ok {
			b.entries[place] = birthEntry{resource, "entry/" + strconv.Itoa(i) + "/resource/"}
		}
	}
	for _, e := range b.entries {
		if e.resource == nil {
			return nil, TooFewValues(tooLong, "entry")
		}
	}
	b.baby = form{patient: b.entries[entryBaby].resource, at: b.entries[entryBaby].at, now: now}
	return b, nil
}

// placeOf says which entry of a notification a resource is. The first Patient is the
// baby and the second the mother.
func (b *birth) placeOf(resource *fhir.Value) (int, bool) {
	switch resource.Get("resourceType").Str() {
	case "Patient":
		if b.entries[entryBaby].resource == nil {
			return entryBaby, true
		}
		return entryMother, true
	case "Observation":
		return observationPlace(resource.Get("code").Get("coding").At(0).Get("code").Str())
	case "RelatedPerson":
		return entryRelation, true
	case "Organization":
		return entryOrganization, true
	case "Location":
		return entryLocation, true
	case "CareTeam":
		return entryCareTeam, true
	case "Practitioner":
		return entryPractitioner, true
	}
	return 0, false
}

func observationPlace(snomed string) (int, bool) {
	switch snomed {
	case "364589006":
		return entryWeight, true
	case "237364002":
		return entryStillbirth, true
	case "268477000":
		return entryGestation, true
	case "246435002":
		return entryFoetuses, true
	case "66091009":
		return entryAbnormality, true
	}
	return 0, false
}

// checkNameUse comes first of all that may be missing, as the contract lists it.
func (b *birth) checkNameUse() error {
	name := b.baby.patient.Get("name").At(0)
	if isObject(name) && absent(name.Get("use")) {
		return b.baby.missing("name/0/use")
	}
	return nil
}

// checkOrder reads the order of birth: 1 to 7, 8 not applicable, 9 not known.
func (b *birth) checkOrder() error {
	order := b.baby.patient.Get("multipleBirthInteger")
	if order == nil || wholeBetween(order, 1, 9) {
		return nil
	}
	return b.baby.invalid(order, "multipleBirthInteger")
}

func wholeBetween(v *fhir.Value, low, high int) bool {
	n, err := strconv.Atoi(v.Text)
	return v.Kind == fhir.KindNumber && err == nil && low <= n && n <= high
}

func (b *birth) checkObservations() error {
	for _, rule := range []struct{ place, low, high int }{
		{entryWeight, 1000, 9999}, {entryGestation, 1, 99},
	} {
		e := b.entries[rule.place]
		value := e.resource.Get("valueQuantity").Get("value")
		if absent(value) {
			return MissingValue(e.at + "valueQuantity/value")
		}
		if !wholeBetween(value, rule.low, rule.high) {
			return InvalidValue(valueText(value), e.at+"valueQuantity/value")
		}
	}
	return b.checkStillbirth()
}

func (b *birth) checkStillbirth() error {
	e := b.entries[entryStillbirth]
	const path = "valueCodeableConcept/coding/0/code"
	switch code := b.stillbirth(); code {
	case "1", "2", "3", "4":
		return nil
	case "":
		return MissingValue(e.at + path)
	default:
		return InvalidValue(code, e.at+path)
	}
}

func (b *birth) stillbirth() string {
	return b.entries[entryStillbirth].resource.Get("valueCodeableConcept").Get("coding").At(0).Get("code").Str()
}

func (b *birth) motherNumber() *fhir.Value {
	return b.entries[entryMother].resource.Get("identifier").At(0).Get("value")
}

func (b *birth) checkMother() error {
	e := b.entries[entryMother]
	value := b.motherNumber()
	if absent(value) {
		return MissingValue(e.at + "identifier/0/value")
	}
	if _, ok := fhir.ParseNumber(value.Str()); !ok {
		return InvalidValue(valueText(value), e.at+"identifier/0/value")
	}
	if date := e.resource.Get("birthDate"); date != nil {
		if _, ok := fhir.ParseDate(date.Str()); !ok {
			return InvalidValue(valueText(date), e.at+"birthDate")
		}
	}
	return nil
}

// checkDeath refuses a formal death of a child that was born alive: the registrar
// knows of no death before the birth.
func (b *birth) checkDeath() error {
	for _, e := range b.baby.patient.Get("extension").List() {
		if e.Get("url").Str() != extensionDeath {
			continue
		}
		for _, part := range e.Get("extension").List() {
			formal := part.Get("valueCodeableConcept").Get("coding").At(0).Get("code").Str() == "2"
			if part.Get("url").Str() == "deathNotificationStatus" && formal && b.stillbirth() == "1" {
				return NewIssue(CodeBirthDeathInconsistent, "Insert Birth - Death Status Inconsistent")
			}
		}
	}
	return nil
}

// motherWrite is the newborn's related person: a reference to the mother's own
// record, from the day of birth (contract 1.7, reference only).
func (n Newcomer) motherWrite(c Creation) record.Write {
	id := c.NewID()
	text := func(name, value string) fhir.Property {
		return fhir.Property{Name: name, Value: fhir.NewString(value)}
	}
	object := func(name string, properties ...fhir.Property) fhir.Property {
		return fhir.Property{Name: name, Value: fhir.NewObject(properties...)}
	}
	coding := fhir.NewObject(text("system", "http://hl7.org/fhir/ValueSet/relatedperson-relationshiptype"),
		text("code", "MTH"), text("display", "mother"))
	mother := fhir.NewObject(
		text("resourceType", "RelatedPerson"), text("id", id),
		object("patient", object("identifier", text("system", "https://fhir.nhs.uk/Id/nhs-number"), text("value", string(n.mother)))),
		fhir.Property{Name: "active", Value: &fhir.Value{Kind: fhir.KindBool, Text: "true"}},
		object("period", fhir.Property{Name: "start", Value: n.patient.Get("birthDate")}),
		fhir.Property{Name: "relationship", Value: fhir.NewArray(fhir.NewObject(fhir.Property{Name: "coding", Value: fhir.NewArray(coding)}))},
	)
	return record.Write{
		Key:     record.Key{Subject: record.Subject(c.Claim.Number), Table: record.RelatedPersons, Rest: id},
		Version: 1, KeepHistory: true, Body: mother.JSON(),
	}
}
