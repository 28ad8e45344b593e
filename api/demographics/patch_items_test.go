package demographics_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestPatchNames(t *testing.T) {
	add := func(members string) string { return `{"op":"add","path":"/name/-","value":{` + members + `}}` }
	runPatchRows(t, []patchRow{
		{name: "second usual", patches: add(`"use":"usual","family":"X"`), issue: forbidden("multiple usual names cannot be added")},
		{name: "second nickname", patches: add(`"use":"nickname","family":"X"`), issue: forbidden("multiple nickname names cannot be added")},
		{name: "usual removed", patches: thisName + `{"op":"remove","path":"/name/0"}`, issue: forbidden("not permitted to remove usual name")},
		{name: "another old name", patches: add(`"use":"old","period":{"start":"2019-12-31"},"prefix":["Dr"],"given":["Joe"],"family":"Bloggs"`),
			values: map[string]string{"name.3.family": "Bloggs", "name.3.id": "00000001", "name.3.period.start": "2019-12-31"}},
		{name: "use changed", patches: thisName + `{"op":"replace","path":"/name/0/use","value":"old"}`, issue: invalid("use of an existing name cannot be changed")},
		{name: "unknown use", patches: add(`"use":"official","family":"X"`), issue: badValue("official", "name/3/use")},
		{name: "no use", patches: add(`"family":"X"`), issue: missing("name/3/use")},
		{name: "no family", patches: add(`"use":"old"`), issue: missing("name/3/family")},
		{name: "family removed", patches: thisName + `{"op":"remove","path":"/name/0/family"}`, issue: missing("name/0/family")},
		{name: "backtick", patches: thisName + "{\"op\":\"replace\",\"path\":\"/name/0/given/0\",\"value\":\"A`nne\"}", issue: badValue("A`nne", "name/0/given")},
		{name: "multiplication sign", patches: thisName + `{"op":"replace","path":"/name/0/family","value":"A×B"}`, issue: badValue("A×B", "name/0/family")},
		{name: "all that is allowed", patches: thisName + `{"op":"replace","path":"/name/0/family","value":"O'Ñeill-Ÿ.9 ſ"}`, values: map[string]string{"name.0.family": "O'Ñeill-Ÿ.9 ſ"}},
		{name: "36 characters", patches: thisName + `{"op":"replace","path":"/name/0/family","value":"` + strings.Repeat("x", 36) + `"}`, issue: badValue(strings.Repeat("x", 36), "name/0/family")},
		{name: "six given names", patches: add(`"use":"old","family":"X","given":["A","B","C","D","E","F"]`), issue: "400 TOO_MANY_VALUES_SUBMITTED Too many values submitted - ['A', 'B', 'C', 'D', 'E', 'F'] in field 'name/3/given'"},
		{name: "suffix in lower case", patches: add(`"use":"old","family":"X","suffix":["phD"]`), issue: badValue("phD", "name/3/suffix")},
		{name: "title and full stop", patches: add(`"use":"old","family":"X","prefix":["dr.","Prof.",""],"suffix":[""]`), values: map[string]string{"name.3.prefix": "[Dr Prof]", "name.3.suffix": "-"}},
		{name: "starts tomorrow", patches: add(`"use":"old","family":"X","period":{"start":"2024-05-07"}`), issue: badValue("2024-05-07", "name/3/period/start")},
		{name: "ends before it starts", patches: add(`"use":"old","family":"X","period":{"start":"2024-05-01","end":"2024-04-01"}`), issue: badValue("2024-04-01", "name/3/period/end")},
		{name: "an end without a start", patches: add(`"use":"old","family":"X","period":{"end":"2024-04-01"}`), issue: missing("name/3/period/start")},
		{name: "a day that is none", patches: add(`"use":"old","family":"X","period":{"start":"2024-02-30"}`), issue: badValue("2024-02-30", "name/3/period/start")},
		{name: "period removed", patches: thisName + `{"op":"remove","path":"/name/0/period"}`, issue: missing("name/0/period")},
		{name: "another member", patches: add(`"use":"old","family":"X","text":"X"`), issue: invalid("Additional properties are not allowed ('text' was unexpected)")},
		{name: "given that is no list", patches: thisName + `{"op":"replace","path":"/name/0/given","value":"Anne"}`, issue: badValue("Anne", "name/0/given")},
		{name: "an item that is no object", patches: `{"op":"replace","path":"/name/0","value":"Anne"}`, issue: invalid("no id or url found for path with root /name/0")},
		{name: "whole, without period", patches: `{"op":"replace","path":"/name/1","value":{"id":"NAME0002","use":"nickname","family":"Fernsby","given":["Rosie"]}}`,
			values: map[string]string{"name.1.given.0": "Rosie", "name.1.period.start": "2024-05-06", "name.1.id": "NAME0002"}},
	})
}

func TestPatchAddresses(t *testing.T) {
	add := func(members string) string { return `{"op":"add","path":"/address/-","value":{` + members + `}}` }
	replaceHome := func(members string) string {
		return `{"op":"replace","path":"/address/0","value":{"id":"ADDR0001","use":"home",` + members + `}}`
	}
	paf := func(kind, value string) string {
		return `{"url":"` + uk + `AddressKey","extension":[{"url":"type","valueCoding":{"code":"` + kind + `"}},{"url":"value","valueString":"` + value + `"}]}`
	}
	const lines = `"line":["","2 Quay","","Leeds",""]`
	runPatchRows(t, []patchRow{
		{name: "second home", patches: add(`"use":"home",` + lines), issue: invalid("multiple home addresses cannot be added")},
		{name: "billing", patches: add(`"use":"billing","period":{"start":"2024-01-01","end":"2024-12-31"},` + lines),
			values: map[string]string{"address.3.line": "[2 Quay Leeds]", "address.3.id": "00000001"}},
		{name: "billing without end", patches: add(`"use":"billing","period":{"start":"2024-01-01"},` + lines), issue: missing("address/3/period/end")},
		{name: "billing without period", patches: add(`"use":"billing",` + lines), issue: missing("address/3/period/start")},
		{name: "temp without text", patches: `{"op":"replace","path":"/address/1","value":{"id":"ADDR0002","use":"temp","period":{"start":"2024-01-01","end":"2024-02-01"},` + lines + `}}`, issue: missing("address/1/text")},
		{name: "temp text removed", patches: `{"op":"test","path":"/address/1/id","value":"ADDR0002"},{"op":"remove","path":"/address/1/text"}`, issue: missing("address/1/text")},
		{name: "temp of another kind", patches: `{"op":"test","path":"/address/1/id","value":"ADDR0002"},{"op":"replace","path":"/address/1/text","value":"Castle"}`, issue: badValue("Castle", "address/1/text")},
		{name: "temp postcode only", patches: `{"op":"test","path":"/address/1/id","value":"ADDR0002"},{"op":"replace","path":"/address/1/postalCode","value":"ZE1 1AB"}`, values: map[string]string{"address.1.postalCode": "ZE1 1AB"}},
		{name: "work added", patches: add(`"use":"work",` + lines), issue: invalid("multiple work addresses cannot be added")},
		{name: "work added where there is none", number: bareNumber, patches: add(`"use":"work",` + lines), issue: invalid("a work address can only be removed")},
		{name: "work changed", patches: `{"op":"test","path":"/address/2/id","value":"ADDR0003"},{"op":"replace","path":"/address/2/line/0","value":"x"}`, issue: invalid("a work address can only be removed")},
		{name: "work removed", patches: `{"op":"test","path":"/address/2/id","value":"ADDR0003"},{"op":"remove","path":"/address/2"}`, values: map[string]string{"address.2": "-"}},
		{name: "no use", patches: add(lines), issue: missing("address/3/use")},
		{name: "unknown use", patches: add(`"use":"old",` + lines), issue: badValue("old", "address/3/use")},
		{name: "home with three lines", patches: replaceHome(`"line":["2 Quay","Leeds","West"]`), issue: invalid("address lines 1 and 4 or 2 and 4 must be completed as a minimum")},
		{name: "home with three lines and a key", patches: replaceHome(`"line":["2 Quay","Leeds","West"],"postalCode":"ZE1 1AA","extension":[` + paf("PAF", "9876543") + `]`), values: map[string]string{"address.0.line": "[2 Quay Leeds West]", "address.0.period.start": "2024-05-06"}},
		{name: "home of no fixed abode", patches: replaceHome(`"postalCode":"ZZ99 3VZ"`), values: map[string]string{"address.0.line": "-"}},
		{name: "home without anything", patches: replaceHome(`"period":{"start":"2024-01-01"}`), issue: invalid("address lines 1 and 4 or 2 and 4 must be completed as a minimum")},
		{name: "lines replaced as a whole", patches: thisAddress + `{"op":"replace","path":"/address/0/line","value":["2 Quay","Leeds"]}`, values: map[string]string{"address.0.line": "[2 Quay Leeds]"}},
		{name: "one line", patches: `{"op":"replace","path":"/address/1/id","value":"ADDR0002"},{"op":"replace","path":"/address/1/line/0","value":"2 Beach Row"}`, values: map[string]string{"address.1.line": "[2 Beach Row Seaside]"}},
		{name: "six lines", patches: replaceHome(`"line":["1","2","3","4","5","6"]`), issue: "400 TOO_MANY_VALUES_SUBMITTED Too many values submitted - ['1', '2', '3', '4', '5', '6'] in field 'address/0/line'"},
		{name: "a line that is no text", patches: thisAddress + `{"op":"replace","path":"/address/0/line/0","value":2}`, issue: badValue("[2, 'Upper Hamlet', 'Little Town', 'Exampleshire']", "address/0/line")},
		{name: "key without parts", patches: thisAddress + `{"op":"replace","path":"/address/0/extension","value":[{"url":"` + uk + `AddressKey"}]}`, issue: missing("address/0/extension/0/extension")},
		{name: "key of another type", patches: thisAddress + `{"op":"replace","path":"/address/0/extension","value":[` + paf("GPS", "1") + `]}`, issue: badValue("GPS", "address/0/extension/0/extension/type")},
		{name: "key too long", patches: thisAddress + `{"op":"replace","path":"/address/0/extension","value":[` + paf("PAF", "123456789") + `]}`, issue: badValue("123456789", "address/0/extension/0/extension/value")},
		{name: "key of letters", patches: thisAddress + `{"op":"replace","path":"/address/0/extension","value":[` + paf("UPRN", "12x") + `]}`, issue: badValue("12x", "address/0/extension/0/extension/value")},
		{name: "two of a key", patches: thisAddress + `{"op":"replace","path":"/address/0/extension","value":[` + paf("UPRN", "1") + `,` + paf("UPRN", "2") + `]}`, issue: invalid("multiple address keys of type UPRN cannot be added")},
		{name: "both keys, older prefix", patches: thisAddress + `{"op":"replace","path":"/address/0/extension","value":[` + paf("PAF", "1") + `,` + strings.Replace(paf("UPRN", "123456789012"), uk, oldUK, 1) + `]}`, values: map[string]string{"address.0.extension.1.url": uk + "AddressKey"}},
		{name: "another extension", patches: thisAddress + `{"op":"replace","path":"/address/0/extension","value":[{"url":"x"}]}`, issue: badValue("x", "address/0/extension/0/url")},
		{name: "moved", patches: `{"op":"test","path":"/address/0/id","value":"ADDR0001"},{"op":"remove","path":"/address/0"},` + add(`"use":"home","postalCode":"ZE1 1AA",`+lines),
			values: map[string]string{"address.2.postalCode": "ZE1 1AA", "address.2.id": "00000001"}},
	})
}

func TestPatchContacts(t *testing.T) {
	add := func(list, members string) string {
		return `{"op":"add","path":"/` + list + `/-","value":{` + members + `}}`
	}
	const emergency = `"relationship":[{"coding":[{"code":"C"}]}]`
	runPatchRows(t, []patchRow{
		{name: "second home phone", patches: add("telecom", `"system":"phone","use":"home","value":"1"`), issue: invalid("multiple telecoms of the same system and use cannot be added")},
		{name: "work phone", patches: add("telecom", `"system":"phone","use":"work","value":"01632960003"`), values: map[string]string{"telecom.3.value": "01632960003", "telecom.3.period.start": "2024-05-06"}},
		{name: "system changed", patches: `{"op":"test","path":"/telecom/0/id","value":"TELE0001"},{"op":"replace","path":"/telecom/0/system","value":"fax"}`, issue: invalid("system and use of an existing telecom cannot be changed")},
		{name: "use changed", patches: `{"op":"test","path":"/telecom/0/id","value":"TELE0001"},{"op":"replace","path":"/telecom/0/use","value":"work"}`, issue: invalid("system and use of an existing telecom cannot be changed")},
		{name: "value changed", patches: `{"op":"test","path":"/telecom/0/id","value":"TELE0001"},{"op":"replace","path":"/telecom/0/value","value":"2"}`, values: map[string]string{"telecom.0.value": "2"}},
		{name: "unknown system", patches: add("telecom", `"system":"sms","use":"work","value":"1"`), issue: badValue("sms", "telecom/3/system")},
		{name: "unknown use", patches: add("telecom", `"system":"phone","use":"old","value":"1"`), issue: badValue("old", "telecom/3/use")},
		{name: "no value", patches: add("telecom", `"system":"phone","use":"work"`), issue: missing("telecom/3/value")},
		{name: "bad email", patches: add("telecom", `"system":"email","use":"work","value":"not an email"`), issue: badValue("not an email", "telecom/3/value")},
		{name: "short email", patches: add("telecom", `"system":"email","use":"work","value":"a@b.uk"`), issue: badValue("a@b.uk", "telecom/3/value")},
		{name: "starts tomorrow", patches: add("telecom", `"system":"phone","use":"work","value":"1","period":{"start":"2024-05-07"}`), issue: badValue("2024-05-07", "telecom/3/period/start")},

		{name: "another contact", patches: add("contact", emergency+`,"telecom":[{"system":"phone","value":"1"}]`), values: map[string]string{"contact.1.id": "00000001", "contact.1.telecom.0.value": "1", "contact.1.period.start": "2024-05-06"}},
		{name: "a friend", patches: add("contact", `"relationship":[{"coding":[{"code":"N"}]}],"telecom":[{"system":"phone","value":"1"}]`), issue: badValue("N", "contact/1/relationship/0/coding/0/code")},
		{name: "a contact without relationship", patches: add("contact", `"telecom":[{"system":"phone","value":"1"}]`), issue: missing("contact/1/relationship")},
		{name: "a contact without number", patches: add("contact", emergency), issue: missing("contact/1/telecom")},
		{name: "a contact's use", patches: add("contact", emergency+`,"telecom":[{"system":"phone","value":"1","use":"home"}]`), issue: invalid("Additional properties are not allowed ('use' was unexpected)")},
		{name: "a contact's fax", patches: add("contact", emergency+`,"telecom":[{"system":"fax","value":"1"}]`), issue: badValue("fax", "contact/1/telecom/0/system")},
		{name: "a contact's empty number", patches: add("contact", emergency+`,"telecom":[{"system":"phone"}]`), issue: missing("contact/1/telecom/0/value")},

		{name: "practice", patches: `{"op":"replace","path":"/generalPractitioner/0/id","value":"GPRA0001"},{"op":"replace","path":"/generalPractitioner/0/identifier/value","value":"Y99903"}`,
			issue: forbidden("source not permitted to update 'generalPractitioner'")},
		{name: "practice by a privileged source", caller: registrar, patches: `{"op":"replace","path":"/generalPractitioner/0/id","value":"GPRA0001"},{"op":"replace","path":"/generalPractitioner/0/identifier/value","value":"Y99903"}`,
			values: map[string]string{"generalPractitioner.0.identifier.value": "Y99903"}},
		{name: "practice removed", patches: `{"op":"test","path":"/generalPractitioner/0/id","value":"GPRA0001"},{"op":"remove","path":"/generalPractitioner/0"}`, issue: forbidden("source not permitted to update 'generalPractitioner'")},
		{name: "practice removed by a privileged source", caller: registrar, patches: `{"op":"test","path":"/generalPractitioner/0/id","value":"GPRA0001"},{"op":"remove","path":"/generalPractitioner/0"}`, values: map[string]string{"generalPractitioner": "-"}},
		{name: "practice without a code", caller: registrar, number: bareNumber, patches: add("generalPractitioner", `"type":"Organization"`), issue: missing("generalPractitioner/0/identifier")},
		{name: "practice that is a person", caller: registrar, number: bareNumber, patches: add("generalPractitioner", `"type":"Practitioner","identifier":{"value":"Y1234"}`), issue: badValue("Practitioner", "generalPractitioner/0/type")},
		{name: "first practice", caller: registrar, number: bareNumber, patches: add("generalPractitioner", `"type":"Organization","identifier":{"value":"Y1234"}`), values: map[string]string{"generalPractitioner.0.id": "00000001"}},
		{name: "second practice", caller: registrar, patches: add("generalPractitioner", `"type":"Organization","identifier":{"value":"Y1234"}`), issue: invalid("multiple general practitioners cannot be added")},
		{name: "practice with an end", caller: registrar, patches: `{"op":"replace","path":"/generalPractitioner/0/id","value":"GPRA0001"},{"op":"add","path":"/generalPractitioner/0/identifier/period/end","value":"2024-01-01"}`, issue: invalid("an end date can not be provided on a general practitioner")},
		{name: "no code of a practice", caller: registrar, number: bareNumber, patches: add("generalPractitioner", `"type":"Organization","identifier":{"value":"?"}`), issue: badValue("?", "generalPractitioner/0/identifier/value")},
	})
}

func TestPatchVitals(t *testing.T) {
	set := func(member, value string) string {
		return `{"op":"replace","path":"/` + member + `","value":"` + value + `"}`
	}
	died := func(when string) string {
		return addExtension(deathURL, deathMembers("1")) + `,{"op":"add","path":"/deceasedDateTime","value":"` + when + `"}`
	}
	runPatchRows(t, []patchRow{
		{name: "gender", patches: set("gender", "male"), values: map[string]string{"gender": "male"}},
		{name: "gender other", patches: set("gender", "other"), issue: badValue("other", "gender")},
		{name: "gender removed", patches: `{"op":"remove","path":"/gender"}`, issue: forbidden("source not permitted to remove 'gender'")},
		{name: "gender that is not there", number: bareNumber, patches: set("gender", "male"), issue: invalid("Invalid patch - can't replace non-existent object 'gender'")},
		{name: "birth date removed", patches: `{"op":"remove","path":"/birthDate"}`, issue: forbidden("source not permitted to remove 'birthDate'")},
		{name: "birth date", patches: set("birthDate", "1980-05-07"), values: map[string]string{"birthDate": "1980-05-07"}},
		{name: "birth tomorrow", patches: set("birthDate", "2024-05-07"), issue: invalid("birthDate cannot be in the future")},
		{name: "birth in a year", patches: set("birthDate", "1980"), issue: badValue("1980", "birthDate")},
		{name: "birth after death", number: deceasedNumber, patches: set("birthDate", "2020-01-01"), issue: invalid("birthDate cannot be after deceasedDateTime")},
		{name: "multiple birth", patches: `{"op":"replace","path":"/multipleBirthInteger","value":2}`, values: map[string]string{"multipleBirthInteger": "2"}},
		{name: "multiple birth of ten", patches: `{"op":"replace","path":"/multipleBirthInteger","value":10}`, issue: badValue("10", "multipleBirthInteger")},
		{name: "multiple birth of text", patches: `{"op":"replace","path":"/multipleBirthInteger","value":"2"}`, issue: badValue("2", "multipleBirthInteger")},

		{name: "death", patches: died("2024-05-01T00:00:00+00:00"), values: map[string]string{"deceasedDateTime": "2024-05-01T00:00:00+00:00", "extension.5.extension.1.valueDateTime": "2024-05-06T12:00:00+00:00"}},
		{name: "death, older prefix, no offset", patches: strings.ReplaceAll(died("2024-05-01T00:00:00"), uk, oldUK), values: map[string]string{"deceasedDateTime": "2024-05-01T00:00:00", "extension.5.url": deathURL}},
		{name: "death, date only, today", patches: died("2024-05-06"), values: map[string]string{"deceasedDateTime": "2024-05-06"}},
		{name: "death in another zone", patches: died("2024-01-05T00:00:00+01:00"), issue: badValue("2024-01-05T00:00:00+01:00", "deceasedDateTime")},
		{name: "death in another zone, alone", patches: `{"op":"add","path":"/deceasedDateTime","value":"2024-01-05T00:00:00+01:00"}`, issue: badValue("2024-01-05T00:00:00+01:00", "deceasedDateTime")},
		{name: "death in a month", patches: died("2024-01"), issue: badValue("2024-01", "deceasedDateTime")},
		{name: "death tomorrow", patches: died("2024-05-07"), issue: invalid("deceasedDateTime cannot be in the future")},
		{name: "death before birth", patches: died("1980-05-05"), issue: invalid("deceasedDateTime cannot be before birthDate")},
		{name: "death on the day of birth", patches: died("1980-05-06T00:00:00+00:00"), values: map[string]string{"deceasedDateTime": "1980-05-06T00:00:00+00:00"}},
		{name: "date alone", patches: `{"op":"add","path":"/deceasedDateTime","value":"2024-05-01"}`, issue: invalid("deceasedDateTime and death notification must be added in the same request")},
		{name: "notification alone", patches: addExtension(deathURL, deathMembers("1")), issue: invalid("deceasedDateTime and death notification must be added in the same request")},
		{name: "formal from anybody", patches: addExtension(deathURL, deathMembers("2")) + `,{"op":"add","path":"/deceasedDateTime","value":"2024-05-01"}`, issue: forbidden("source not permitted to record a formal death notification")},
		{name: "formal from a registrar", caller: registrar, patches: addExtension(deathURL, deathMembers("2")) + `,{"op":"add","path":"/deceasedDateTime","value":"2024-05-01"}`, values: map[string]string{"deceasedDateTime": "2024-05-01"}},
		{name: "removed", patches: addExtension(deathURL, deathMembers("U")) + `,{"op":"add","path":"/deceasedDateTime","value":"2024-05-01"}`, issue: "400 UNSUPPORTED_VALUE Unsupported value - 'U' in field 'extension/5/deathNotificationStatus'"},
		{name: "unknown status", patches: addExtension(deathURL, deathMembers("7")) + `,{"op":"add","path":"/deceasedDateTime","value":"2024-05-01"}`, issue: badValue("7", "extension/5/deathNotificationStatus")},
		{name: "formal death replaced", number: deceasedNumber, patches: set("deceasedDateTime", "2019-04-04"), issue: forbidden("source not permitted to replace 'deceasedDateTime'")},
		{name: "death removed", number: deceasedNumber, patches: `{"op":"remove","path":"/deceasedDateTime"}`, issue: forbidden("source not permitted to remove 'deceasedDateTime'")},
		{name: "notification removed", number: deceasedNumber, patches: `{"op":"test","path":"/extension/0/url","value":"` + deathURL + `"},{"op":"remove","path":"/extension/0"}`, issue: forbidden("source not permitted to remove 'deathNotificationStatus'")},
		{name: "notification made informal", number: deceasedNumber, patches: `{"op":"replace","path":"/extension/0","value":{"url":"` + deathURL + `",` + deathMembers("1") + `}}`, values: map[string]string{"extension.0.extension.0.valueCodeableConcept.coding.0.code": "1"}},
	})
}

func TestPatchExtensions(t *testing.T) {
	codes := func(members ...string) string { return `"extension":[` + strings.Join(members, ",") + `]` }
	coded := func(url, code string) string {
		return `{"url":"` + url + `","valueCodeableConcept":{"coding":[{"code":"` + code + `"}]}}`
	}
	const birthPlace = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
	named := func(i int, url string) string {
		return fmt.Sprintf(`{"op":"test","path":"/extension/%d/url","value":"%s"},`, i, url)
	}
	rows := []patchRow{
		{name: "dispenser, older prefix", patches: addExtension(oldUK+"PreferredDispenserOrganization", pharmacyMembers("FQ003")), values: map[string]string{"extension.5.url": uk + "PreferredDispenserOrganization", "extension.5.id": "-"}},
		{name: "second pharmacy", patches: addExtension(uk+"NominatedPharmacy", pharmacyMembers("FQ003")), issue: invalid("multiple extensions with url '" + uk + "NominatedPharmacy' cannot be added")},
		{name: "no ODS code", patches: addExtension(uk+"MedicalApplianceSupplier", pharmacyMembers("F?")), issue: badValue("F?", "extension/5/valueReference/identifier/value")},
		{name: "unknown extension", patches: addExtension("https://example.org/x", `"valueString":"x"`), issue: invalid("Additional properties are not allowed ('valueString' was unexpected)")},
		{name: "unknown extension without value", patches: addExtension("https://example.org/x", `"extension":[]`), issue: badValue("https://example.org/x", "extension/5/url")},
		{name: "no url", patches: `{"op":"add","path":"/extension/-","value":{"extension":[]}}`, issue: missing("extension/5/url")},
		{name: "read-only extension", patches: named(4, "https://fhir.nhs.uk/StructureDefinition/Extension-PDS-RemovalFromRegistration") + `{"op":"replace","path":"/extension/4/extension/0/valueCodeableConcept/coding/0/code","value":"DEA"}`,
			issue: badValue("https://fhir.nhs.uk/StructureDefinition/Extension-PDS-RemovalFromRegistration", "extension/4/url")},
		{name: "read-only extension removed", patches: named(4, "https://fhir.nhs.uk/StructureDefinition/Extension-PDS-RemovalFromRegistration") + `{"op":"remove","path":"/extension/4"}`,
			issue: forbidden("source not permitted to remove 'https://fhir.nhs.uk/StructureDefinition/Extension-PDS-RemovalFromRegistration'")},

		{name: "interpreter removed", patches: named(1, uk+"NHSCommunication") + `{"op":"remove","path":"/extension/1/extension/1"}`, issue: invalid("interpreterRequired cannot be removed")},
		{name: "communication removed", patches: named(1, uk+"NHSCommunication") + `{"op":"remove","path":"/extension/1"}`, values: map[string]string{"extension.1.url": uk + "ContactPreference"}},
		{name: "language removed", patches: named(1, uk+"NHSCommunication") + `{"op":"remove","path":"/extension/1/extension/0"}`, issue: missing("extension/1/language")},
		{name: "English", number: bareNumber, patches: addExtension(uk+"NHSCommunication", codes(coded("language", "en"))), issue: badValue("en", "extension/0/language")},
		{name: "no language", number: bareNumber, patches: addExtension(uk+"NHSCommunication", codes(coded("language", "Welsh"))), issue: badValue("Welsh", "extension/0/language")},
		{name: "British Sign Language", number: bareNumber, patches: addExtension(uk+"NHSCommunication", codes(coded("language", "q4"), `{"url":"interpreterRequired","valueBoolean":false}`)), values: map[string]string{"extension.0.extension.1.valueBoolean": "false"}},
		{name: "q6", number: bareNumber, patches: addExtension(uk+"NHSCommunication", codes(coded("language", "q6"))), issue: badValue("q6", "extension/0/language")},
		{name: "interpreter perhaps", number: bareNumber, patches: addExtension(uk+"NHSCommunication", codes(coded("language", "fr"), `{"url":"interpreterRequired","valueBoolean":"perhaps"}`)), issue: badValue("perhaps", "extension/0/interpreterRequired")},

		{name: "times without method", patches: named(2, uk+"ContactPreference") + `{"op":"remove","path":"/extension/2/extension/0"}`, issue: invalid("a PreferredContactTimes requires a PreferredContactMethod")},
		{name: "format", number: bareNumber, patches: addExtension(uk+"ContactPreference", codes(coded("PreferredWrittenCommunicationFormat", "12"))), values: map[string]string{"extension.0.url": uk + "ContactPreference"}},
		{name: "unknown format", number: bareNumber, patches: addExtension(uk+"ContactPreference", codes(coded("PreferredWrittenCommunicationFormat", "14"))), issue: badValue("14", "extension/0/PreferredWrittenCommunicationFormat")},
		{name: "unknown method", number: bareNumber, patches: addExtension(uk+"ContactPreference", codes(coded("PreferredContactMethod", "9"))), issue: badValue("9", "extension/0/PreferredContactMethod")},
		{name: "long times", number: bareNumber, patches: addExtension(uk+"ContactPreference", codes(coded("PreferredContactMethod", "8"), `{"url":"PreferredContactTimes","valueString":"`+strings.Repeat("x", 41)+`"}`)), issue: badValue(strings.Repeat("x", 41), "extension/0/PreferredContactTimes")},
		{name: "preference of nothing", number: bareNumber, patches: addExtension(uk+"ContactPreference", codes()), issue: missing("extension/0/extension")},

		{name: "place of birth", number: bareNumber, patches: addExtension(birthPlace, `"valueAddress":{"district":"Shire"}`), values: map[string]string{"extension.0.valueAddress.district": "Shire"}},
		{name: "place of birth nowhere", number: bareNumber, patches: addExtension(birthPlace, `"valueAddress":{}`), issue: missing("extension/0/valueAddress")},
		{name: "place of birth in a country", number: bareNumber, patches: addExtension(birthPlace, `"valueAddress":{"country":"England"}`), issue: badValue("England", "extension/0/valueAddress/country")},
		{name: "place of birth in Sark", number: bareNumber, patches: addExtension(birthPlace, `"valueAddress":{"country":"7"}`)},
		{name: "place of birth with a street", number: bareNumber, patches: addExtension(birthPlace, `"valueAddress":{"line":"1 Street"}`), issue: badValue("1 Street", "extension/0/valueAddress/line")},
	}
	runPatchRows(t, rows)
}
