package demographics

import (
	"strconv"
	"strings"
	"time"

	"vertebra/api/fhir"
	"vertebra/index"
	"vertebra/storage/record"
)

// MaxCreateBytes bounds the body of a create and of a birth notification.
const MaxCreateBytes = 256 << 10

// Newcomer is a person who is to be created: validated, and not yet anybody.
type Newcomer struct {
	// patient is what will be stored, without what makes it somebody: id, identifier,
	// meta and object ids.
	patient *fhir.Value
	// The identity, in the form that documents have: given is all given names of the name.
	family, given, gender, birth, postcode string
	// newborn: the duplicates are told as those of a birth are; mother is then known.
	newborn, ignorePotential bool
	mother                   fhir.Number
}

// ParseCreate reads the body of POST /Patient. now is cluster time: nobody is born
// after it. Errors are the issues of contract 1.10, in its order.
func ParseCreate(body []byte, now time.Time) (Newcomer, error) {
	v, err := parseCreateBody(body)
	if err != nil {
		return Newcomer{}, err
	}
	f := form{patient: v, now: now}
	if err := f.check(); err != nil {
		return Newcomer{}, err
	}
	return newNewcomer(f, extensionNHSLanguage, extensionPreference), nil
}

// parseCreateBody reads JSON that has to be an object.
func parseCreateBody(body []byte) (*fhir.Value, error) {
	if len(body) > MaxCreateBytes {
		return nil, InvalidCreate("the body is too large")
	}
	v, err := fhir.ParseJSON(body)
	if err != nil {
		return nil, InvalidCreate("the body is not valid JSON: " + err.Error())
	}
	if !isObject(v) {
		return nil, InvalidCreate("the body is not a JSON object")
	}
	return v, nil
}

// newNewcomer makes what will be stored of a checked form: only what contract 1.10
// says is kept, and those extensions of the given urls.
func newNewcomer(f form, extensions ...string) Newcomer {
	name := f.patient.Get("name").At(0)
	n := Newcomer{
		patient:  storedForm(f, extensions),
		family:   plain(name.Get("family").Str()),
		gender:   genderLetter(f.patient.Get("gender").Str()),
		birth:    compactDate(f.patient.Get("birthDate").Str()),
		postcode: newcomerPostcode(f.patient),
	}
	var given []string
	for _, g := range name.Get("given").List() {
		if g := plain(g.Str()); g != "" {
			given = append(given, g)
		}
	}
	n.given = clip(strings.Join(given, givenSeparator))
	return n
}

// newcomerPostcode is that of the home address, else of the first one.
func newcomerPostcode(patient *fhir.Value) string {
	addresses := patient.Get("address").List()
	for _, a := range addresses {
		if a.Get("use").Str() == "home" {
			return plainPostcode(a.Get("postalCode").Str())
		}
	}
	return plainPostcode(addresses[0].Get("postalCode").Str())
}

func storedForm(f form, extensions []string) *fhir.Value {
	stored := fhir.NewObject()
	today := f.now.UTC().Format(time.DateOnly)
	stored.Set("name", cleanList(f.patient.Get("name"), today, "use", "period", "given", "family", "prefix", "suffix"))
	stored.Set("gender", f.patient.Get("gender"))
	stored.Set("birthDate", f.patient.Get("birthDate"))
	if order := f.patient.Get("multipleBirthInteger"); order != nil {
		stored.Set("multipleBirthInteger", order)
	}
	stored.Set("address", cleanList(f.patient.Get("address"), today, "use", "period", "text", "line", "postalCode", "extension"))
	for _, list := range []struct {
		name    string
		members []string
	}{
		{"telecom", []string{"period", "system", "value", "use", "extension"}},
		{"contact", []string{"period", "relationship", "telecom"}},
	} {
		if items := cleanList(f.patient.Get(list.name), today, list.members...); len(items.Items) > 0 {
			stored.Set(list.name, items)
		}
	}
	if kept := keptExtensions(f.patient, extensions); len(kept.Items) > 0 {
		stored.Set("extension", kept)
	}
	return stored
}

// cleanList copies the members of each item that are kept, without blank strings
// and empty lists, and with a period that starts today where there is none.
func cleanList(list *fhir.Value, today string, members ...string) *fhir.Value {
	kept := &fhir.Value{Kind: fhir.KindArray}
	for _, item := range list.List() {
		one := fhir.NewObject()
		for _, m := range members {
			if v := cleanValue(item.Get(m)); v != nil {
				one.Set(m, v)
			}
		}
		if one.Get("period") == nil {
			one.Set("period", fhir.NewObject(fhir.Property{Name: "start", Value: fhir.NewString(today)}))
		}
		kept.Items = append(kept.Items, one)
	}
	return kept
}

// cleanValue copies v without nulls and blank strings in lists; nil when nothing is left.
func cleanValue(v *fhir.Value) *fhir.Value {
	if absent(v) {
		return nil
	}
	if v.Kind != fhir.KindArray {
		return v.Clone()
	}
	kept := &fhir.Value{Kind: fhir.KindArray}
	for _, item := range v.Items {
		if blank := item.Kind == fhir.KindString && strings.TrimSpace(item.Text) == ""; blank || absent(item) {
			continue
		}
		kept.Items = append(kept.Items, item.Clone())
	}
	if len(kept.Items) == 0 {
		return nil
	}
	return kept
}

func keptExtensions(patient *fhir.Value, urls []string) *fhir.Value {
	kept := &fhir.Value{Kind: fhir.KindArray}
	for _, url := range urls {
		for _, e := range patient.Get("extension").List() {
			if e.Get("url").Str() == url {
				kept.Items = append(kept.Items, e.Clone())
				break
			}
		}
	}
	return kept
}

// DuplicateQuery finds the people whom the newcomer may be: same family name,
// gender, birth date and postcode (contract 1.10). A score of 1 is that; a birth
// finds more, see potentialFit.
func (n Newcomer) DuplicateQuery() index.Query {
	s := Search{family: n.family, birth: dateRange{n.birth, n.birth}}
	any := s.exactCandidates()
	if n.newborn {
		s.fuzzy = true
		any = s.fuzzyCandidates()
	}
	return index.Query{Profile: Profile(), Any: any, Check: n.duplicateCheck(), Limit: 2}
}

func (n Newcomer) duplicateCheck() func(index.Document) (index.Match, bool) {
	asked := newSounded(n.family)
	return func(d index.Document) (index.Match, bool) {
		if d.First(fieldBirth) != n.birth || !hasValue(d, fieldGender, n.gender) || !n.livesWhere(d) {
			return index.Match{}, false
		}
		fit := 0.0
		for family := range d.Values(fieldFamily) {
			fit = max(fit, n.potentialFit(d, family, &asked))
		}
		return index.Match{Of: d.First(fieldOf), Score: fit}, fit > 0
	}
}

// potentialFit is 1 for the same family name. Of a newborn it is 1 only when the given
// names are the same too, since twins share all the rest; what is like a birth
// otherwise, or sounds alike, is a potential match that a caller may ignore.
func (n Newcomer) potentialFit(d index.Document, family string, asked *sounded) float64 {
	switch {
	case family == n.family && (!n.newborn || hasValue(d, fieldGiven, n.given)):
		return 1
	case !n.newborn || n.ignorePotential:
		return 0
	}
	return min(asked.fits(family, index.Fold(family)), fitFolded)
}

func (n Newcomer) livesWhere(d index.Document) bool { return hasValue(d, fieldPostcode, n.postcode) }

// hasValue reports whether the field has that value, or none when value is "".
func hasValue(d index.Document, f index.Field, value string) bool {
	if value == "" {
		return d.First(f) == ""
	}
	for v := range d.Values(f) {
		if v == value {
			return true
		}
	}
	return false
}

// Duplicates returns the issue that answers a create whose search found somebody
// (SINGLE_MATCH or MULTIPLE_MATCHES), or nil. The claim's own number is nobody else:
// an earlier attempt of the same request created it.
func Duplicates(hits []index.Match, claim Claim) error {
	others := map[string]bool{}
	for _, h := range hits {
		if h.Of != string(claim.Number) {
			others[h.Of] = true
		}
	}
	switch len(others) {
	case 0:
		return nil
	case 1:
		for number := range others {
			return NewIssue(CodeSingleMatch, "Unable to create new patient. NHS number "+number+" found for supplied demographic data.")
		}
	}
	return NewIssue(CodeMultipleMatches, "Unable to create new patient. Multiple matches found for supplied demographic data.")
}

// Creation is how a person is created, beyond who it is.
type Creation struct {
	Claim   Claim
	Request record.RequestID
	// Now is cluster time.
	Now time.Time
	// NewID makes object ids: eight upper-case hexadecimal digits. It may repeat itself.
	NewID func() string
	// NotificationID is the UUID that answers a birth notification; unused otherwise.
	NotificationID string
}

// createBefore is the part of ClaimHold in which the person may be created; the rest
// is for the mutation to be applied before anybody takes the claim over.
const createBefore = ClaimHold / 2

// Create decides the creation of the newcomer under the claim's number, after the
// search for duplicates found nobody. It answers 201 with the Patient.
//
// Errors: ErrNumberTaken when the number is somebody's or was refused;
// *ClaimHeldError when the claim has too little time left, upon which it is taken
// again. When an earlier attempt of the same request created the person, the answer
// is that person and the mutation is empty.
func Create(r Reader, n Newcomer, c Creation) (Decision, error) {
	if c.Claim.Until.Sub(c.Now) < createBefore {
		return Decision{}, &ClaimHeldError{Until: c.Claim.Until}
	}
	subject := record.Subject(c.Claim.Number)
	patient := record.Key{Subject: subject, Table: record.Demographics}
	mark, marked, err := r.Get(originKey(c.Claim.Number))
	if err != nil {
		return Decision{}, err
	}
	if rec, found, err := r.Get(patient); err != nil || found || marked {
		return n.createdBefore(rec, mark, c, err)
	}
	body := n.body(c)
	writes, err := PersonWrites(Person{Number: c.Claim.Number, Version: 1, Body: body})
	if err != nil {
		return Decision{}, err
	}
	writes = append(writes, record.Write{Key: originKey(c.Claim.Number), Version: 1, Body: n.origin(c).encode()})
	if n.mother != "" {
		writes = append(writes, n.motherWrite(c))
	}
	return Decision{
		Mutation: record.Mutation{
			Subject: subject, Request: c.Request,
			Outcome: record.Outcome{Status: 201, Version: 1, Subject: subject, Note: []byte(n.origin(c).notification)},
			Reads:   []record.Read{{Key: patient}, {Key: originKey(c.Claim.Number)}},
			Writes:  writes,
		},
		Answer: n.answer(c, body),
	}, nil
}

// createdBefore answers for a number that has a record: the request's own, or taken.
func (n Newcomer) createdBefore(rec, mark record.Record, c Creation, err error) (Decision, error) {
	if err != nil {
		return Decision{}, err
	}
	made, ok := decodeOrigin(mark.Body)
	if !ok || made.request != c.Request || len(rec.Body) == 0 {
		return Decision{}, ErrNumberTaken
	}
	c.NotificationID = made.notification
	answer := n.answer(c, rec.Body)
	answer.Version = rec.Version
	return Decision{Mutation: record.Mutation{Subject: record.Subject(c.Claim.Number)}, Answer: answer}, nil
}

func (n Newcomer) origin(c Creation) origin {
	o := origin{request: c.Request}
	if n.newborn {
		o.notification = c.NotificationID
	}
	return o
}

func (n Newcomer) answer(c Creation, body []byte) fhir.Answer {
	a := fhir.Answer{Status: 201, Version: 1, Body: body}
	if n.newborn {
		a.Header = map[string]string{NotificationHeader: c.NotificationID}
	}
	return a
}

// body is the stored Patient: the newcomer with a number and ids.
func (n Newcomer) body(c Creation) []byte {
	ids := objectIDs{next: c.NewID, used: map[string]bool{}}
	p := fhir.NewObject()
	text := func(name, value string) fhir.Property {
		return fhir.Property{Name: name, Value: fhir.NewString(value)}
	}
	p.Set("resourceType", fhir.NewString("Patient"))
	p.Set("id", fhir.NewString(string(c.Claim.Number)))
	p.Set("identifier", fhir.NewArray(verifiedNumber(c.Claim.Number)))
	p.Set("meta", fhir.NewObject(text("versionId", "1"), fhir.Property{Name: "security", Value: fhir.NewArray(fhir.NewObject(
		text("system", "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"), text("code", "U"), text("display", "unrestricted")))}))
	for _, m := range n.patient.Clone().Properties {
		switch m.Name {
		case "name", "address", "telecom", "contact":
			for _, item := range m.Value.Items {
				item.SetFirst("id", fhir.NewString(ids.make()))
			}
		}
		p.Set(m.Name, m.Value)
	}
	return p.JSON()
}

// verifiedNumber is the identifier of a Patient: the NHS number, present and verified.
func verifiedNumber(number fhir.Number) *fhir.Value {
	const status = "UKCore-NHSNumberVerificationStatus"
	text := func(name, value string) fhir.Property {
		return fhir.Property{Name: name, Value: fhir.NewString(value)}
	}
	coding := fhir.NewObject(text("system", "https://fhir.hl7.org.uk/CodeSystem/"+status),
		text("version", "1.0.0"), text("code", "01"), text("display", "Number present and verified"))
	concept := fhir.NewObject(fhir.Property{Name: "coding", Value: fhir.NewArray(coding)})
	return fhir.NewObject(text("system", "https://fhir.nhs.uk/Id/nhs-number"), text("value", string(number)),
		fhir.Property{Name: "extension", Value: fhir.NewArray(fhir.NewObject(
			text("url", "https://fhir.hl7.org.uk/StructureDefinition/Extension-"+status),
			fhir.Property{Name: "valueCodeableConcept", Value: concept}))})
}

// objectIDs makes ids that are unique within one patient.
type objectIDs struct {
	next func() string
	used map[string]bool
	made int
}

// make draws an id; a source that only repeats itself is helped out by counting.
func (ids *objectIDs) make() string {
	const draws = 8
	id := ids.next()
	for n := 0; ids.used[id] && n < draws; n++ {
		id = ids.next()
	}
	for ids.used[id] {
		ids.made++
		id = strings.ToUpper(strconv.FormatUint(0x10000000+uint64(ids.made), 16))
	}
	ids.used[id] = true
	return id
}
