package demographics

import (
	"strconv"

	"vertebra/api/fhir"
)

func indexed(list string, i int) string { return list + "/" + strconv.Itoa(i) }

func (u *update) checkTelecom(c *change) error {
	if c.before != nil && (c.touched("system") || c.touched("use")) {
		return InvalidUpdate("system and use of an existing telecom cannot be changed")
	}
	if err := c.missing("system", "value", "use"); err != nil {
		return err
	}
	if err := c.checkCode("system", "phone", "fax", "email", "other"); err != nil {
		return err
	}
	if err := c.checkCode("use", "home", "work", "temp", "mobile"); err != nil {
		return err
	}
	if c.touched("value") && c.after.Get("system").Str() == "email" && !isEmail(c.after.Get("value").Str()) {
		return InvalidValue(c.after.Get("value").Str(), c.at("value"))
	}
	return u.checkPeriod(c, true)
}

// checkContact: contacts are emergency contacts, with contact points that have no use.
func (u *update) checkContact(c *change) error {
	if err := c.missing("relationship", "telecom"); err != nil {
		return err
	}
	if c.touched("relationship") {
		codings := c.after.Get("relationship").At(0).Get("coding")
		code := codings.At(0).Get("code")
		if len(c.after.Get("relationship").Items) != 1 || len(codings.List()) != 1 || code.Str() != "C" {
			return invalidOrMissing(code, c.at("relationship/0/coding/0/code"))
		}
	}
	if c.touched("telecom") {
		for i, point := range c.after.Get("telecom").List() {
			if err := checkContactPoint(point, c.at(indexed("telecom", i))); err != nil {
				return err
			}
		}
	}
	return u.checkPeriod(c, false)
}

func checkContactPoint(point *fhir.Value, at string) error {
	for _, p := range point.Properties {
		if p.Name != "system" && p.Name != "value" && p.Name != "extension" {
			return InvalidUpdate("Additional properties are not allowed ('" + shortened(p.Name) + "' was unexpected)")
		}
	}
	switch system := point.Get("system"); system.Str() {
	case "phone", "email", "other":
	default:
		return invalidOrMissing(system, at+"/system")
	}
	value := point.Get("value")
	if absent(value) || !isText(value) || point.Get("system").Str() == "email" && !isEmail(value.Text) {
		return invalidOrMissing(value, at+"/value")
	}
	return nil
}

// checkPractice: where somebody is registered is said by privileged sources only.
func (u *update) checkPractice(c *change) error {
	if !u.req.Caller.Privileged {
		return ForbiddenUpdate("source not permitted to update 'generalPractitioner'")
	}
	if c.after == nil {
		return nil
	}
	if err := c.missing("type", "identifier"); err != nil {
		return err
	}
	if err := c.checkCode("type", "Organization"); err != nil {
		return err
	}
	identifier := c.after.Get("identifier")
	if code := identifier.Get("value"); !isODSCode(code.Str()) {
		return invalidOrMissing(code, c.at("identifier/value"))
	}
	if identifier.Get("period").Get("end") != nil {
		return InvalidUpdate("an end date can not be provided on a general practitioner")
	}
	return nil
}

// isODSCode: three to ten letters and digits (contract 1.8).
func isODSCode(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return len(s) >= 3 && len(s) <= 10
}
