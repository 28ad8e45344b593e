package demographics

import (
	"vertebra/api/fhir"
)

func (u *update) checkAddress(c *change) error {
	use := c.after.Get("use").Str()
	if err := c.missing("use"); err != nil {
		return err
	}
	if use == "work" {
		return InvalidUpdate("a work address can only be removed")
	}
	if err := c.checkCode("use", "home", "temp", "billing"); err != nil {
		return err
	}
	if err := c.checkCode("text", "Second Home", "Student Accommodation", "Respite Care Address",
		"Temporary Residence Address", "Convalescence Home", "Mobile Home", "Holiday Home"); err != nil {
		return err
	}
	if err := c.checkStay(use); err != nil {
		return err
	}
	if err := u.checkPeriod(c, false); err != nil {
		return err
	}
	if err := u.checkLines(c); err != nil {
		return err
	}
	return c.checkAddressKeys()
}

// checkStay: a temporary or billing address says from when to when it holds, and a
// temporary one what it is. How long that may be is only suggested (contract 1.9.3),
// so no length is refused.
func (c *change) checkStay(use string) error {
	if use == "home" {
		return nil
	}
	if c.whole || c.touched("use") || c.touched("period") {
		period := c.after.Get("period")
		for _, bound := range [...]string{"start", "end"} {
			if absent(period.Get(bound)) {
				return MissingValue(c.at("period/" + bound))
			}
		}
	}
	if use == "temp" && (c.whole || c.touched("use") || c.touched("text")) {
		return c.missing("text")
	}
	return nil
}

// checkLines: lines 1 or 2, and 4, are filled in, when the request gives all lines.
// What is stored has no blank lines, so which line is which is not known any more
// when only one of them is changed: then there just has to be something left.
func (u *update) checkLines(c *change) error {
	lines := c.after.Get("line")
	if !c.touched("line") && !c.whole {
		return nil
	}
	if len(lines.List()) > maxLines {
		return TooManyValues(pythonValue(lines), c.at("line"))
	}
	_, stored := u.origins[lines]
	complete := linesComplete(lines)
	tidyTexts(c.after, "line")
	if stored {
		complete = c.after.Get("line") != nil
	}
	if !complete && !addressedByKey(c.after) {
		return InvalidUpdate(reasonLines)
	}
	return nil
}

// checkAddressKeys: at most one postal address key and one property reference, each
// of digits.
func (c *change) checkAddressKeys() error {
	if !c.touched("extension") {
		return nil
	}
	seen := map[string]bool{}
	for i, e := range c.after.Get("extension").List() {
		at := c.at(indexed("extension", i))
		if url := e.Get("url"); url.Str() != extensionAddressKey {
			return invalidOrMissing(url, at+"/url")
		}
		if absent(e.Get("extension")) {
			return MissingValue(at + "/extension")
		}
		kind := subExtension(e, "type").Get("valueCoding").Get("code")
		value := subExtension(e, "value").Get("valueString")
		switch {
		case kind.Str() != "PAF" && kind.Str() != "UPRN":
			return invalidOrMissing(kind, at+"/extension/type")
		case !isDigits(value.Str(), map[string]int{"PAF": 8, "UPRN": 12}[kind.Str()]):
			return invalidOrMissing(value, at+"/extension/value")
		case seen[kind.Str()]:
			return InvalidUpdate("multiple address keys of type " + kind.Str() + " cannot be added")
		}
		seen[kind.Str()] = true
	}
	return nil
}

// invalidOrMissing says that a value is not one of those that can be, or is not there.
func invalidOrMissing(v *fhir.Value, at string) error {
	if absent(v) {
		return MissingValue(at)
	}
	return InvalidValue(valueText(v), at)
}

// isDigits: the contract's own example has a postal address key of seven digits of
// the eight, so fewer are no error.
func isDigits(s string, most int) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != "" && len(s) <= most
}
