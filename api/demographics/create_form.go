package demographics

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"vertebra/api/fhir"
)

// The limits of a new person's lists and texts (contract 1.8; those of lists ours).
const (
	maxGivenNames      = 5
	maxNameCharacters  = 35
	maxLines           = 5
	maxTextCharacters  = 100
	maxListItems       = 10
	minEmailCharacters = 7
	maxEmailCharacters = 89
)

// form is a Patient that somebody filled in, and where in the request it stands.
type form struct {
	patient *fhir.Value
	// at begins the path of every diagnostics: "" or "entry/0/resource/".
	at  string
	now time.Time
}

// check returns what is wrong with the form first, in the order of contract 1.10:
// what is missing, then shapes, gender and date, then what the values say.
func (f form) check() error {
	for _, rule := range []func() error{
		f.checkPresent, f.checkAddressShape, f.checkNameShape, f.checkGender, f.checkBirthDate,
		f.checkName, f.checkAddresses, f.checkTelecom, f.checkAuthority, f.checkMembers,
	} {
		if err := rule(); err != nil {
			return err
		}
	}
	return nil
}

func (f form) missing(path string) error { return MissingValue(f.at + path) }

// invalid names a value: a string as it is, anything else as Python writes it.
func (f form) invalid(v *fhir.Value, path string) error {
	return InvalidValue(valueText(v), f.at+path)
}

func valueText(v *fhir.Value) string {
	if v.Kind == fhir.KindString {
		return v.Text
	}
	return pythonValue(v)
}

// absent reports whether there is nothing: no member, null, or what is empty.
func absent(v *fhir.Value) bool {
	return v == nil || v.Kind == fhir.KindNull ||
		(v.Kind == fhir.KindString && v.Text == "") || (v.Kind == fhir.KindArray && len(v.Items) == 0)
}

// isObject and isArray may be asked of nil.
func isObject(v *fhir.Value) bool { return v != nil && v.Kind == fhir.KindObject }
func isArray(v *fhir.Value) bool  { return v != nil && v.Kind == fhir.KindArray }
func isString(v *fhir.Value) bool { return v != nil && v.Kind == fhir.KindString }

func (f form) checkPresent() error {
	for _, name := range []string{"name", "address", "gender", "birthDate"} {
		if absent(f.patient.Get(name)) {
			return f.missing(name)
		}
	}
	return nil
}

func (f form) checkAddressShape() error {
	list := f.patient.Get("address")
	if !isArray(list) {
		return f.invalid(list, "address")
	}
	for i, address := range list.Items {
		path := "address/" + strconv.Itoa(i)
		if !isObject(address) {
			return f.invalid(address, path)
		}
		if absent(address.Get("period")) {
			return f.missing(path + "/period")
		}
	}
	return nil
}

func (f form) checkNameShape() error {
	list := f.patient.Get("name")
	if !isArray(list) {
		return f.invalid(list, "name")
	}
	if !isObject(list.At(0)) {
		return f.invalid(list.At(0), "name/0")
	}
	for _, member := range []string{"given", "prefix", "suffix"} {
		v := list.At(0).Get(member)
		if v == nil {
			continue
		}
		if !isArray(v) || slices.ContainsFunc(v.Items, func(one *fhir.Value) bool { return !isString(one) }) {
			return f.invalid(v, "name/0/"+member)
		}
	}
	return nil
}

// checkGender refuses what cannot be recorded of a newcomer: other is read only.
func (f form) checkGender() error {
	gender := f.patient.Get("gender")
	switch gender.Str() {
	case "male", "female", "unknown":
		return nil
	}
	return f.invalid(gender, "gender")
}

func (f form) checkBirthDate() error {
	date := f.patient.Get("birthDate")
	day, ok := fhir.ParseDay(date.Str())
	if !ok || day.After(f.now) {
		return f.invalid(date, "birthDate")
	}
	return nil
}

func (f form) checkName() error {
	list := f.patient.Get("name")
	if len(list.Items) > 1 {
		return TooManyValues(pythonValue(list), f.at+"name")
	}
	name := list.At(0)
	if absent(name.Get("use")) {
		return f.missing("name/0/use")
	}
	if name.Get("use").Str() != "usual" {
		return f.invalid(name.Get("use"), "name/0/use")
	}
	if given := name.Get("given"); given != nil && len(given.Items) > maxGivenNames {
		return TooManyValues(pythonValue(given), f.at+"name/0/given")
	}
	if err := f.checkNameTexts(name); err != nil {
		return err
	}
	return f.checkNamePeriod(name.Get("period"))
}

func (f form) checkNameTexts(name *fhir.Value) error {
	family := name.Get("family")
	if absent(family) {
		return f.missing("name/0/family")
	}
	if !nameText(family) {
		return f.invalid(family, "name/0/family")
	}
	for _, given := range name.Get("given").List() {
		if !nameText(given) {
			return f.invalid(given, "name/0/given")
		}
	}
	return nil
}

func nameText(v *fhir.Value) bool {
	return isString(v) && utf8.RuneCountInString(v.Text) <= maxNameCharacters &&
		!strings.ContainsFunc(v.Text, func(r rune) bool { return !nameCharacter(r) })
}

// nameCharacter reports whether a name may hold r: the code points of contract 1.9.3.
func nameCharacter(r rune) bool {
	switch {
	case r == ' ', r == '\'', r == '-', r == '.',
		'0' <= r && r <= '9', 'A' <= r && r <= 'Z', 'a' <= r && r <= 'z',
		192 <= r && r <= 214, 216 <= r && r <= 246, 248 <= r && r <= 383:
		return true
	}
	return false
}

func (f form) checkNamePeriod(period *fhir.Value) error {
	if period == nil {
		return nil
	}
	if !isObject(period) {
		return f.invalid(period, "name/0/period")
	}
	if !absent(period.Get("end")) {
		return InvalidCreate("An end date can not be provided on usual name")
	}
	return f.checkPeriod(period, "name/0/period", true)
}

// checkPeriod reads a period: a start, and an end not before it. A start that is
// yet to come is right for an address only (contract 1.9.3).
func (f form) checkPeriod(period *fhir.Value, path string, begun bool) error {
	if !isObject(period) {
		return f.invalid(period, path)
	}
	start, end := period.Get("start"), period.Get("end")
	if absent(start) {
		return f.missing(path + "/start")
	}
	from, ok := fhir.ParseDateTime(start.Str())
	if !ok || begun && from.Time.After(f.now) {
		return f.invalid(start, path+"/start")
	}
	if absent(end) {
		return nil
	}
	to, ok := fhir.ParseDateTime(end.Str())
	if !ok || to.Time.Before(from.Time) {
		return f.invalid(end, path+"/end")
	}
	return nil
}

func (f form) checkTelecom() error {
	for _, name := range []string{"telecom", "contact", "address"} {
		if list := f.patient.Get(name); list != nil {
			if !isArray(list) {
				return f.invalid(list, name)
			}
			if len(list.Items) > maxListItems {
				return TooManyValues(pythonValue(list), f.at+name)
			}
		}
	}
	for i, t := range f.patient.Get("telecom").List() {
		if err := f.checkContactPoint(t, "telecom/"+strconv.Itoa(i)); err != nil {
			return err
		}
	}
	for i, c := range f.patient.Get("contact").List() {
		if !isObject(c) {
			return f.invalid(c, "contact/"+strconv.Itoa(i))
		}
	}
	return nil
}

func (f form) checkContactPoint(t *fhir.Value, path string) error {
	if !isObject(t) {
		return f.invalid(t, path)
	}
	system, value := t.Get("system"), t.Get("value")
	switch system.Str() {
	case "phone", "fax", "email", "other":
	case "":
		return f.missing(path + "/system")
	default:
		return f.invalid(system, path+"/system")
	}
	if absent(value) {
		return f.missing(path + "/value")
	}
	if !isString(value) || utf8.RuneCountInString(value.Text) > maxTextCharacters {
		return f.invalid(value, path+"/value")
	}
	if system.Str() == "email" && !isEmail(value.Str()) {
		return InvalidCreate("email format is invalid")
	}
	return nil
}

// isEmail asks for what every address has: one @, something before it, a dotted
// domain behind it, no space. Stricter forms refused addresses that people have.
func isEmail(s string) bool {
	name, domain, found := strings.Cut(s, "@")
	dot := strings.LastIndexByte(domain, '.')
	return found && name != "" && dot > 0 && dot < len(domain)-1 && !strings.ContainsAny(s, " \t\r\n,;") &&
		!strings.Contains(domain, "@") && minEmailCharacters <= len(s) && len(s) <= maxEmailCharacters
}

// pythonValue writes a JSON value as the service's error texts do, clipped to what
// an answer may repeat.
func pythonValue(v *fhir.Value) string { return shortened(fhir.Python(v)) }

// pythonStrings is pythonValue of a list of strings.
func pythonStrings(values []string) string {
	list := fhir.NewArray()
	for _, v := range values {
		list.Items = append(list.Items, fhir.NewString(v))
	}
	return pythonValue(list)
}
