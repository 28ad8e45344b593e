package demographics

import (
	"encoding/json"
	"fmt"

	"github.com/tidwall/gjson"

	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// State says whether a person's record may be answered with.
type State uint8

// The states of a record. The numbers are on disk.
const (
	// Live: the record is the person's own.
	Live State = 0
	// Invalidated: the number was withdrawn; nothing is answered for it.
	Invalidated State = 1
	// Superseded: the record was merged into another, whose number is Status.By.
	Superseded State = 2
)

// Status is a record's state, with the retained number of a superseded one.
type Status struct {
	State State
	By    fhir.Number
}

// Person is everything that is stored of one person: what PersonWrites turns
// into writes.
type Person struct {
	Number  fhir.Number
	Version uint64
	// Body is the stored Patient: JSON, with meta.versionId equal to Version.
	Body     []byte
	Register Register
	// RegisterStored: there is a register record now, so that an empty Register deletes it.
	RegisterStored bool
	Status         Status
}

// Register is what is known of a person beside the Patient resource. History is
// matched by a search that asks for it, Hidden by none (contract 1.6.3). Neither
// is ever part of an answer.
type Register struct {
	History Values `json:"history,omitzero"`
	Hidden  Values `json:"hidden,omitzero"`
}

// Values are former or hidden values, as FHIR JSON: HumanName, Address and
// ContactPoint objects, gender codes and dates.
type Values struct {
	Name      []json.RawMessage `json:"name,omitempty"`
	Address   []json.RawMessage `json:"address,omitempty"`
	Telecom   []json.RawMessage `json:"telecom,omitempty"`
	Gender    []string          `json:"gender,omitempty"`
	BirthDate []string          `json:"birthDate,omitempty"`
}

// MaxFormer bounds each list of a Register: the oldest is dropped for a new one.
// No person in the live service has more than a few dozen addresses.
const MaxFormer = 100

// IsZero reports whether there is nothing in v.
func (v Values) IsZero() bool {
	return len(v.Name)+len(v.Address)+len(v.Telecom)+len(v.Gender)+len(v.BirthDate) == 0
}

// IsZero reports whether there is nothing to keep.
func (r Register) IsZero() bool { return r.History.IsZero() && r.Hidden.IsZero() }

// AppendBinary appends the stored form of the register to b: JSON, since it is
// read by people who investigate and decoded on writes only.
func (r Register) AppendBinary(b []byte) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return b, fmt.Errorf("demographics: encode register: %w", err)
	}
	return append(b, text...), nil
}

// DecodeRegister reads what Register.AppendBinary wrote. No bytes are an empty
// register.
func DecodeRegister(b []byte) (Register, error) {
	var r Register
	if len(b) == 0 {
		return r, nil
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return Register{}, fmt.Errorf("demographics: decode register: %w", err)
	}
	return r, nil
}

// PersonWrites returns the writes that store p: the Patient with its attributes,
// search document and postings, and the register where there is one. They belong
// into one mutation, and their order is the Patient first.
//
// It is the one place where a person becomes writes, so that no change of a
// person can leave the person's postings behind.
func PersonWrites(p Person) ([]record.Write, error) {
	attributes, err := Attributes(p.Body, p.Status)
	if err != nil {
		return nil, err
	}
	document := PersonDocument(p)
	writes := make([]record.Write, 1, 2)
	writes[0] = record.Write{
		Key:         record.Key{Subject: record.Subject(p.Number), Table: record.Demographics},
		Version:     p.Version,
		KeepHistory: true,
		Attributes:  attributes,
		Body:        p.Body,
		Document:    document,
		Postings:    personPostings(document),
	}
	register, ok, err := registerWrite(p)
	if ok {
		writes = append(writes, register)
	}
	return writes, err
}

// registerWrite returns the write of p's register. The register has the version
// of the Patient that it was written with: they only ever change together.
func registerWrite(p Person) (record.Write, bool, error) {
	w := record.Write{Key: record.Key{Subject: record.Subject(p.Number), Table: record.Register}}
	if p.Register.IsZero() {
		return w, p.RegisterStored, nil
	}
	body, err := p.Register.AppendBinary(nil)
	w.Version, w.Body = p.Version, body
	return w, err == nil, err
}

// nextRegister returns the register after a change of the stored Patient from
// before to after: each name, address and contact that was removed or got another
// searchable value, and a replaced gender or birth date, becomes history.
//
// Items are told apart by their object id, which is stable across updates.
func nextRegister(old Register, before, after []byte) Register {
	next := old
	h := &next.History
	h.Name = former(old.History.Name, before, after, "name", "family", "given")
	h.Address = former(old.History.Address, before, after, "address", "postalCode", "line")
	h.Telecom = former(old.History.Telecom, before, after, "telecom", "value")
	h.Gender = formerText(old.History.Gender, before, after, "gender")
	h.BirthDate = formerText(old.History.BirthDate, before, after, "birthDate")
	return next
}

// former returns old with the items of list that after no longer has with the
// same values of the given members.
func former(old []json.RawMessage, before, after []byte, list string, members ...string) []json.RawMessage {
	was := gjson.GetBytes(before, list)
	if !was.IsArray() {
		return old
	}
	is := gjson.GetBytes(after, list)
	next := old[:len(old):len(old)]
	for _, item := range was.Array() {
		if item.IsObject() && !holds(is, item, members) {
			next = append(next, json.RawMessage(item.Raw))
		}
	}
	return next[max(0, len(next)-MaxFormer):]
}

func holds(list, item gjson.Result, members []string) bool {
	found := false
	list.ForEach(func(_, other gjson.Result) bool {
		found = other.Get("id").String() == item.Get("id").String() && sameMembers(item, other, members)
		return !found
	})
	return found
}

func sameMembers(a, b gjson.Result, members []string) bool {
	for _, m := range members {
		if a.Get(m).Raw != b.Get(m).Raw {
			return false
		}
	}
	return true
}

func formerText(old []string, before, after []byte, member string) []string {
	was := gjson.GetBytes(before, member).String()
	if was == "" || was == gjson.GetBytes(after, member).String() {
		return old
	}
	next := append(old[:len(old):len(old)], was)
	return next[max(0, len(next)-MaxFormer):]
}
