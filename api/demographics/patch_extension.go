package demographics

import (
	"slices"
	"unicode/utf8"

	"vertebra/api/fhir"
)

// The extensions that only a pharmacy or a dispensing doctor is named by.
const (
	extensionNominatedPharmacy  = ukCore + "NominatedPharmacy"
	extensionPreferredDispenser = ukCore + "PreferredDispenserOrganization"
	extensionApplianceSupplier  = ukCore + "MedicalApplianceSupplier"
)

// subExtension returns the extension within e that has the url.
func subExtension(e *fhir.Value, url string) *fhir.Value {
	return itemWithKey(e.Get("extension"), "url", url)
}

// codeOf returns valueCodeableConcept.coding[0].code.
func codeOf(e *fhir.Value) *fhir.Value {
	return e.Get("valueCodeableConcept").Get("coding").At(0).Get("code")
}

// checkExtension checks an extension of the Patient that was added or changed.
// One that is not named here is read only, or unknown.
func (u *update) checkExtension(c *change) error {
	switch url := c.after.Get("url"); url.Str() {
	case extensionNominatedPharmacy, extensionPreferredDispenser, extensionApplianceSupplier:
		code := c.after.Get("valueReference").Get("identifier").Get("value")
		if !isODSCode(code.Str()) {
			return invalidOrMissing(code, c.at("valueReference/identifier/value"))
		}
		return nil
	case extensionBirthPlace:
		return c.checkBirthPlace()
	case extensionNHSLanguage:
		return c.checkCommunication()
	case extensionPreference:
		return c.checkContactPreference()
	case extensionDeath:
		return u.checkDeathNotification(c)
	default:
		return invalidOrMissing(url, c.at("url"))
	}
}

// checkExtensionRemoved: extensions that cannot be changed cannot be removed either.
func (u *update) checkExtensionRemoved(c *change) error {
	switch c.before.Get("url").Str() {
	case extensionDeath:
		return ForbiddenUpdate("source not permitted to remove 'deathNotificationStatus'")
	case extensionNominatedPharmacy, extensionPreferredDispenser, extensionApplianceSupplier,
		extensionBirthPlace, extensionNHSLanguage, extensionPreference:
		return nil
	}
	return ForbiddenUpdate("source not permitted to remove '" + shortened(c.before.Get("url").Str()) + "'")
}

// checkBirthPlace: at least one of three fields, and a coded country.
func (c *change) checkBirthPlace() error {
	place := c.after.Get("valueAddress")
	if place == nil || len(place.Properties) == 0 {
		return MissingValue(c.at("valueAddress"))
	}
	for _, p := range place.Properties {
		known := p.Name == "city" || p.Name == "district" || p.Name == "country"
		if !known || !isText(p.Value) || p.Value.Text == "" {
			return InvalidValue(valueText(p.Value), c.at("valueAddress/"+shortened(p.Name)))
		}
	}
	if country := place.Get("country"); country != nil && !isCountry(country.Text) {
		return InvalidValue(country.Text, c.at("valueAddress/country"))
	}
	return nil
}

// isCountry: three letters of ISO 3166, or a number of the service's own.
func isCountry(s string) bool {
	switch s {
	case "1", "2", "3", "4", "7", "9", "10":
		return true
	}
	return len(s) == 3 && !slices.ContainsFunc([]byte(s), func(b byte) bool { return b < 'A' || b > 'Z' })
}

// checkCommunication: a language other than English; whether an interpreter is needed
// cannot be left open again once it was said.
func (c *change) checkCommunication() error {
	language := codeOf(subExtension(c.after, "language"))
	if !isLanguage(language.Str()) {
		return invalidOrMissing(language, c.at("language"))
	}
	required := subExtension(c.after, "interpreterRequired")
	if required == nil {
		if subExtension(c.before, "interpreterRequired") != nil {
			return InvalidUpdate("interpreterRequired cannot be removed")
		}
		return nil
	}
	if v := required.Get("valueBoolean"); v == nil || v.Kind != fhir.KindBool {
		return invalidOrMissing(v, c.at("interpreterRequired"))
	}
	return nil
}

// isLanguage: two letters of ISO 639-1, or q1 to q5 for signed ones and Braille.
func isLanguage(s string) bool {
	if len(s) != 2 || s == "en" {
		return false
	}
	if s[0] == 'q' && s[1] >= '1' && s[1] <= '5' {
		return true
	}
	return s[0] >= 'a' && s[0] <= 'z' && s[1] >= 'a' && s[1] <= 'z'
}

const maxContactTimesCharacters = 40

// checkContactPreference: coded format and method, and times only of a method.
func (c *change) checkContactPreference() error {
	format := subExtension(c.after, "PreferredWrittenCommunicationFormat")
	method := subExtension(c.after, "PreferredContactMethod")
	times := subExtension(c.after, "PreferredContactTimes")
	if format == nil && method == nil && times == nil {
		return MissingValue(c.at("extension"))
	}
	if code := codeOf(format); format != nil && !slices.Contains([]string{"11", "12", "13"}, code.Str()) {
		return invalidOrMissing(code, c.at("PreferredWrittenCommunicationFormat"))
	}
	if code := codeOf(method); method != nil && (len(code.Str()) != 1 || code.Text < "1" || code.Text > "8") {
		return invalidOrMissing(code, c.at("PreferredContactMethod"))
	}
	if times == nil {
		return nil
	}
	if method == nil {
		return InvalidUpdate("a PreferredContactTimes requires a PreferredContactMethod")
	}
	text := times.Get("valueString")
	if absent(text) || !isString(text) || utf8.RuneCountInString(text.Text) > maxContactTimesCharacters {
		return invalidOrMissing(text, c.at("PreferredContactTimes"))
	}
	return nil
}

// checkDeathNotification: informal from anybody, formal from privileged sources. When
// it took effect here is said by the server.
func (u *update) checkDeathNotification(c *change) error {
	status := codeOf(subExtension(c.after, "deathNotificationStatus"))
	switch status.Str() {
	case "1":
	case deathFormal:
		if !u.req.Caller.Privileged && deathCode(c.before) != deathFormal {
			return ForbiddenUpdate("source not permitted to record a formal death notification")
		}
	case deathRemoved:
		return UnsupportedValue(deathRemoved, c.at("deathNotificationStatus"))
	default:
		return invalidOrMissing(status, c.at("deathNotificationStatus"))
	}
	if subExtension(c.after, "systemEffectiveDate") == nil {
		parts := c.after.Get("extension")
		parts.Items = append(parts.Items, fhir.NewObject(
			fhir.Property{Name: "url", Value: fhir.NewString("systemEffectiveDate")},
			fhir.Property{Name: "valueDateTime", Value: fhir.NewString(string(fhir.AppendTimestamp(nil, u.req.Now)))},
		))
	}
	return nil
}
