package demographics

import (
	"strconv"
	"unicode/utf8"

	"vertebra/api/fhir"
)

// The business rules (contract 1.9.3) look at what came of the operations, not at
// the operations: a change is judged the same whichever way it was asked for.

// checkRules reports the first rule that the changes break.
func (u *update) checkRules() error {
	if err := u.checkVitals(); err != nil {
		return err
	}
	if err := u.checkCounts(); err != nil {
		return err
	}
	for i := range u.changes {
		if err := u.checkItem(&u.changes[i]); err != nil {
			return err
		}
	}
	return u.checkDeath()
}

func (u *update) checkItem(c *change) error {
	if c.after == nil {
		return u.checkRemoved(c)
	}
	if !isObject(c.after) {
		return InvalidValue(valueText(c.after), c.path)
	}
	if err := c.checkShape(); err != nil {
		return err
	}
	switch c.list {
	case "name":
		return u.checkName(c)
	case "address":
		return u.checkAddress(c)
	case "telecom":
		return u.checkTelecom(c)
	case "contact":
		return u.checkContact(c)
	case "generalPractitioner":
		return u.checkPractice(c)
	}
	return u.checkExtension(c)
}

// checkRemoved: what may not be taken away.
func (u *update) checkRemoved(c *change) error {
	switch c.list {
	case "name":
		if c.before.Get("use").Str() == "usual" {
			return ForbiddenUpdate("not permitted to remove usual name")
		}
	case "generalPractitioner":
		return u.checkPractice(c)
	case "extension":
		return u.checkExtensionRemoved(c)
	}
	return nil
}

// maxItems bounds each base list; no test patient has more than a handful.
const maxItems = 50

// checkCounts: how many there may be of a kind. Only lists that the request changed
// are counted.
func (u *update) checkCounts() error {
	for i := range u.changes {
		c := &u.changes[i]
		if c.after == nil {
			continue
		}
		if c.before == nil && len(u.tree.Get(c.list).Items) > maxItems {
			return InvalidUpdate("more than " + strconv.Itoa(maxItems) + " items in '" + c.list + "'")
		}
		if err := u.checkUnique(c); err != nil {
			return err
		}
	}
	return nil
}

func (u *update) checkUnique(c *change) error {
	use := c.after.Get("use").Str()
	switch c.list {
	case "name":
		if (use == "usual" || use == "nickname") && u.repeats(c, "use") {
			return ForbiddenUpdate("multiple " + use + " names cannot be added")
		}
	case "address":
		if u.repeats(c, "use") {
			return InvalidUpdate("multiple " + shortened(use) + " addresses cannot be added")
		}
	case "telecom":
		if u.repeats(c, "system", "use") {
			return InvalidUpdate("multiple telecoms of the same system and use cannot be added")
		}
	case "generalPractitioner":
		if u.repeats(c) {
			return InvalidUpdate("multiple general practitioners cannot be added")
		}
	case "extension":
		if u.repeats(c, "url") {
			return InvalidUpdate("multiple extensions with url '" + shortened(c.after.Get("url").Str()) + "' cannot be added")
		}
	}
	return nil
}

// repeats reports whether the request made the item like another of its list in the
// given members. Items that were alike already are none of its doing.
func (u *update) repeats(c *change, members ...string) bool {
	alike, touched := 0, c.before == nil
	for _, m := range members {
		touched = touched || c.touched(m)
	}
	for _, item := range u.tree.Get(c.list).List() {
		same := true
		for _, m := range members {
			same = same && fhir.Equal(item.Get(m), c.after.Get(m))
		}
		if same {
			alike++
		}
	}
	return touched && alike > 1
}

// shape is the form of a member's value.
type shape uint8

const (
	noShape shape = iota
	textShape
	textsShape
	objectShape
	objectsShape
)

// shapeOf returns the form of a member of an item; noShape for one it does not have.
func shapeOf(list, member string) shape {
	switch member {
	case "id":
		if list != "extension" {
			return textShape
		}
	case "period":
		if list != "extension" && list != "generalPractitioner" {
			return objectShape
		}
	case "extension":
		if list == "extension" || list == "address" || list == "telecom" {
			return objectsShape
		}
	case "use":
		if list == "name" || list == "address" || list == "telecom" {
			return textShape
		}
	}
	switch list + "." + member {
	case "name.family", "address.text", "address.postalCode", "telecom.system", "telecom.value",
		"generalPractitioner.type", "extension.url":
		return textShape
	case "name.given", "name.prefix", "name.suffix", "address.line":
		return textsShape
	case "generalPractitioner.identifier", "extension.valueReference", "extension.valueAddress":
		return objectShape
	case "contact.relationship", "contact.telecom":
		return objectsShape
	}
	return noShape
}

// checkShape: each member that the request touched is one that the item may have,
// in its form and within bounds.
func (c *change) checkShape() error {
	for _, p := range c.after.Properties {
		if !c.touched(p.Name) {
			continue
		}
		form := shapeOf(c.list, p.Name)
		if form == noShape {
			return InvalidUpdate("Additional properties are not allowed ('" + shortened(p.Name) + "' was unexpected)")
		}
		if !form.fits(p.Value) {
			return InvalidValue(valueText(p.Value), c.at(p.Name))
		}
	}
	return nil
}

func (s shape) fits(v *fhir.Value) bool {
	switch s {
	case textShape:
		return isText(v)
	case textsShape:
		return all(v, isText)
	case objectShape:
		return isObject(v)
	}
	return all(v, isObject)
}

func isText(v *fhir.Value) bool {
	return isString(v) && utf8.RuneCountInString(v.Text) <= maxTextCharacters
}

// all reports whether v is an array of at most maxListItems that fit.
func all(v *fhir.Value, fits func(*fhir.Value) bool) bool {
	if !isArray(v) || len(v.Items) > maxListItems {
		return false
	}
	for _, item := range v.Items {
		if !fits(item) {
			return false
		}
	}
	return true
}

// missing reports the first of the members that c's item lacks, by the request's
// doing.
func (c *change) missing(members ...string) error {
	for _, m := range members {
		if absent(c.after.Get(m)) && (c.whole || c.touched(m)) {
			return MissingValue(c.at(m))
		}
	}
	return nil
}

// checkCode: a member that the request touched has one of the codes.
func (c *change) checkCode(member string, codes ...string) error {
	v := c.after.Get(member)
	if v == nil || !c.touched(member) {
		return nil
	}
	for _, code := range codes {
		if v.Str() == code {
			return nil
		}
	}
	return InvalidValue(valueText(v), c.at(member))
}

// checkPeriod: a period starts, and does not end before. begun: it has started
// already. An item that came whole without one starts today (contract 1.9.3).
func (u *update) checkPeriod(c *change, begun bool) error {
	if c.whole && c.after.Get("period") == nil {
		c.after.Set("period", fhir.NewObject(fhir.Property{
			Name: "start", Value: fhir.NewString(u.today.Format("2006-01-02")),
		}))
		return nil
	}
	if !c.touched("period") {
		return nil
	}
	period := c.after.Get("period")
	if period == nil {
		return MissingValue(c.at("period"))
	}
	start, end := period.Get("start"), period.Get("end")
	if absent(start) {
		return MissingValue(c.at("period/start"))
	}
	from, ok := fhir.ParseDateTime(start.Str())
	if !ok || begun && from.Time.After(u.req.Now) {
		return InvalidValue(valueText(start), c.at("period/start"))
	}
	if end == nil {
		return nil
	}
	if to, ok := fhir.ParseDateTime(end.Str()); !ok || to.Time.Before(from.Time) {
		return InvalidValue(valueText(end), c.at("period/end"))
	}
	return nil
}
