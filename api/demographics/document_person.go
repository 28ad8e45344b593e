package demographics

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tidwall/gjson"
	"golang.org/x/text/unicode/norm"

	"vertebra/index"
	"vertebra/storage/record"
)

// maxValueBytes bounds one value of a search document, and so the key of a posting.
const maxValueBytes = 128

// PersonDocument returns the compact search record of p, about 200 bytes: what
// the search compares and scores by, so that no candidate's JSON is read. It is
// empty for an invalidated person, who is never found. Hidden values never go in.
func PersonDocument(p Person) index.Document {
	if p.Status.State == Invalidated {
		return nil
	}
	d := documentBuilder{document: make(index.Document, 0, 256)}
	of := p.Number
	if p.Status.State == Superseded {
		of = p.Status.By
	}
	d.add(fieldOf, string(of))
	gjson.ParseBytes(p.Body).ForEach(func(member, value gjson.Result) bool {
		d.member(member.Str, value)
		return true
	})
	d.history(p.Register.History)
	return d.document
}

// personPostings returns the index entries of a document.
func personPostings(d index.Document) []record.Posting {
	if len(d) == 0 {
		return nil
	}
	made := Profile().Postings(d)
	postings := make([]record.Posting, len(made))
	for i, p := range made {
		postings[i] = record.Posting{Field: p.Field, Value: p.Value}
	}
	return postings
}

type documentBuilder struct{ document index.Document }

// add adds a value once.
func (d *documentBuilder) add(f index.Field, value string) {
	for have := range d.document.Values(f) {
		if have == value {
			return
		}
	}
	d.document = d.document.With(f, value)
}

// member adds what is searched of one top-level member of a Patient.
func (d *documentBuilder) member(name string, value gjson.Result) {
	switch name {
	case "birthDate":
		d.add(fieldBirth, compactDate(value.String()))
	case "gender":
		d.add(fieldGender, genderLetter(value.String()))
	case "deceasedDateTime":
		d.add(fieldDeath, compactDate(value.String()))
	case "name":
		each(value, d.name)
	case "address":
		each(value, func(a gjson.Result) { d.add(fieldPostcode, plainPostcode(a.Get("postalCode").String())) })
	case "telecom":
		each(value, func(t gjson.Result) { d.telecom(t, fieldPhone, fieldEmail) })
	case "generalPractitioner":
		d.add(fieldPractice, plain(value.Get("0.identifier.value").String()))
	case "managingOrganization":
		d.add(fieldOrganisation, plain(value.Get("identifier.value").String()))
	case "meta":
		d.security(value.Get("security.0.code").String())
	case "extension":
		each(value, d.extension)
	}
}

func (d *documentBuilder) security(code string) {
	if code != "U" {
		d.add(fieldSecurity, plain(code))
	}
}

func (d *documentBuilder) extension(e gjson.Result) {
	if strings.HasSuffix(e.Get("url").String(), "/Extension-UKCore-NominatedPharmacy") {
		d.add(fieldPharmacy, plain(e.Get("valueReference.identifier.value").String()))
	}
}

// name adds one of the Patient's names: old and maiden ones count as history.
func (d *documentBuilder) name(n gjson.Result) {
	switch n.Get("use").String() {
	case "old", "maiden":
		d.names(n, fieldPastFamily, fieldPastGiven)
	default:
		d.names(n, fieldFamily, fieldGiven)
	}
}

func (d *documentBuilder) names(n gjson.Result, familyField, givenField index.Field) {
	family := plain(n.Get("family").String())
	d.add(familyField, family)
	for _, code := range index.Sound(family) {
		d.add(fieldFamilySound, code)
	}
	given := givenNames(n.Get("given"))
	d.add(givenField, clip(strings.Join(given, givenSeparator)))
	if len(given) == 0 {
		return
	}
	for _, code := range index.Sound(firstWord(given[0])) {
		d.add(fieldGivenSound, code)
	}
}

func (d *documentBuilder) telecom(t gjson.Result, phone, email index.Field) {
	switch t.Get("system").String() {
	case "phone":
		d.add(phone, plain(t.Get("value").String()))
	case "email":
		d.add(email, plain(t.Get("value").String()))
	}
}

func (d *documentBuilder) history(h Values) {
	for _, raw := range h.Name {
		d.names(gjson.ParseBytes(raw), fieldPastFamily, fieldPastGiven)
	}
	for _, raw := range h.Address {
		d.add(fieldPastPostcode, plainPostcode(gjson.GetBytes(raw, "postalCode").String()))
	}
	for _, raw := range h.Telecom {
		d.telecom(gjson.ParseBytes(raw), fieldPastPhone, fieldPastEmail)
	}
	for _, gender := range h.Gender {
		d.add(fieldPastGender, genderLetter(gender))
	}
}

func givenNames(list gjson.Result) []string {
	var given []string
	each(list, func(g gjson.Result) {
		if name := plain(g.String()); name != "" {
			given = append(given, name)
		}
	})
	return given
}

// each calls f for every element of a JSON array; for any other value never.
func each(list gjson.Result, f func(gjson.Result)) {
	if !list.IsArray() {
		return
	}
	list.ForEach(func(_, item gjson.Result) bool {
		f(item)
		return true
	})
}

// plain is the form in which values are compared: lower case, composed, without
// control characters and outer space. Diacritics stay, since only a fuzzy search
// may look past them (1.6.3); that one folds what it compares.
func plain(s string) string {
	if ascii(s) {
		return clip(strings.ToLower(strings.TrimSpace(s)))
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
	return clip(strings.TrimSpace(norm.NFC.String(s)))
}

// ascii reports whether s is printable ASCII throughout.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// clip shortens s to maxValueBytes at a character boundary.
func clip(s string) string {
	if len(s) <= maxValueBytes {
		return s
	}
	end := maxValueBytes
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// plainPostcode is plain without any space (1.6.1).
func plainPostcode(s string) string {
	return strings.ReplaceAll(plain(s), " ", "")
}

// compactDate turns the date part of a FHIR date or dateTime into YYYYMMDD, or less of
// it for a partial date.
func compactDate(s string) string {
	date, _, _ := strings.Cut(s, "T")
	return clip(strings.ReplaceAll(plain(date), "-", ""))
}

// genderLetter is the first letter of a gender code: m, f, o or u.
func genderLetter(code string) string {
	code = plain(code)
	return code[:min(1, len(code))]
}

// firstWord returns s up to its first space or hyphen.
func firstWord(s string) string {
	if i := strings.IndexAny(s, " -"); i > 0 {
		return s[:i]
	}
	return s
}
