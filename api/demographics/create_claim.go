package demographics

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"vertebra/api/fhir"
	"vertebra/storage/record"
)

// ClaimHold is how long a claim keeps others from creating the same person.
const ClaimHold = 60 * time.Second

// ErrNumberTaken is returned when the allocated number has a record or was refused:
// the caller allocates another and takes the claim again.
var ErrNumberTaken = errors.New("demographics: number is taken")

// ErrCorruptClaim is returned for a stored claim that TakeClaim did not write.
var ErrCorruptClaim = errors.New("demographics: corrupt claim")

// ClaimHeldError is returned while another request creates the same person.
type ClaimHeldError struct{ Until time.Time }

// Error implements error. It names nobody.
func (*ClaimHeldError) Error() string {
	return "demographics: the identity is claimed by another request"
}

// Claim is a hold on an identity while its person is created.
type Claim struct {
	// Number is what the person gets. A request that comes again gets the same.
	Number fhir.Number
	// Request is whose claim it is.
	Request record.RequestID
	// Until is when others may take it over; zero when it was released.
	Until time.Time
	// Repeated: this request held the claim before, so that it may have created the person.
	Repeated bool
	// Displaced is the number of the expired claim that this one took over; "" if none. Its
	// creation may still be under way: refuse it (RefuseNumber) before searching.
	Displaced fhir.Number
}

// Claim is the subject that stands for the newcomer's identity: a hash of family
// name, gender, birth date and postcode, so that two requests for one person meet
// in one shard and one queue.
func (n Newcomer) Claim() record.Subject {
	h := sha256.New()
	for _, part := range []string{n.family, n.gender, n.birth, n.postcode} {
		io.WriteString(h, part)
		h.Write([]byte{0})
	}
	return record.Subject("claim/" + hex.EncodeToString(h.Sum(nil)[:16]))
}

// TakeClaim takes the newcomer's claim for a request, holding number. The same
// request gets its own claim again, with the number that it had; an expired claim
// is taken over. Somebody else's live one gives *ClaimHeldError.
//
// taken are the numbers that Create said are taken: a claim does not get one of them
// again. The caller proposes the Decision, then searches, creates and releases: see
// DESIGN.md.
func TakeClaim(r Reader, n Newcomer, number fhir.Number, request record.RequestID, now time.Time, taken ...fhir.Number) (Claim, Decision, error) {
	old, version, err := readClaim(r, n.Claim())
	if err != nil {
		return Claim{}, Decision{}, err
	}
	next := Claim{Number: number, Request: request, Until: now.Add(ClaimHold)}
	switch {
	case version == 0:
	case old.Request == request:
		if !slices.Contains(taken, old.Number) {
			next.Number, next.Repeated = old.Number, true
		}
	case old.Until.After(now):
		return Claim{}, Decision{}, &ClaimHeldError{Until: old.Until}
	case !old.Until.IsZero():
		next.Displaced = old.Number
	}
	return next, writeClaim(n.Claim(), next, version), nil
}

// Release ends the claim once the person is created, or is not to be. The record
// stays, expired, so that a repeated request is led to the number that it created.
// A claim that another took over meanwhile is left alone.
func Release(r Reader, n Newcomer, c Claim) (Decision, error) {
	held, version, err := readClaim(r, n.Claim())
	if err != nil || version == 0 || held.Request != c.Request {
		return Decision{}, err
	}
	held.Until = time.Time{}
	return writeClaim(n.Claim(), held, version), nil
}

// RefuseNumber forbids the creation of a person under the number of a claim that was
// taken over: CreatePerson is conditional on there being no refusal. Where the person
// was created already it changes nothing, and the search that follows finds the person.
func RefuseNumber(r Reader, number fhir.Number) (Decision, error) {
	subject := record.Subject(number)
	patient := record.Key{Subject: subject, Table: record.Demographics}
	refusal := originKey(number)
	for _, key := range []record.Key{patient, refusal} {
		if _, found, err := r.Get(key); err != nil || found {
			return Decision{}, err
		}
	}
	return Decision{Mutation: record.Mutation{
		Subject: subject,
		Reads:   []record.Read{{Key: patient}, {Key: refusal}},
		Writes:  []record.Write{{Key: refusal, Version: 1}},
	}}, nil
}

// originKey names the record beside a Patient that says which request created it
// (origin), or, without a body, that none may.
func originKey(number fhir.Number) record.Key {
	return record.Key{Subject: record.Subject(number), Table: record.Claims}
}

// origin is the request that created a person, with the notification's id of a birth.
// The outcome of the request is kept for a day; this tells for good that a number
// is its own, so that nobody is ever answered with another's record.
type origin struct {
	request      record.RequestID
	notification string
}

func (o origin) encode() []byte { return append(o.request[:], o.notification...) }

func decodeOrigin(b []byte) (o origin, ok bool) {
	if len(b) < len(o.request) {
		return origin{}, false
	}
	o.notification = string(b[copy(o.request[:], b):])
	return o, true
}

func readClaim(r Reader, subject record.Subject) (c Claim, version uint64, err error) {
	rec, found, err := r.Get(record.Key{Subject: subject, Table: record.Claims})
	if err != nil || !found {
		return Claim{}, 0, err
	}
	c, err = decodeClaim(rec.Body)
	return c, rec.Version, err
}

func writeClaim(subject record.Subject, c Claim, version uint64) Decision {
	key := record.Key{Subject: subject, Table: record.Claims}
	return Decision{Mutation: record.Mutation{
		Subject: subject,
		Reads:   []record.Read{{Key: key, Version: version}},
		Writes:  []record.Write{{Key: key, Version: version + 1, Body: encodeClaim(c)}},
	}}
}

// claimBytes is the length of a stored claim: request, end in microseconds, number.
const claimBytes = len(record.RequestID{}) + 8 + numberLength

func encodeClaim(c Claim) []byte {
	b := append(make([]byte, 0, claimBytes), c.Request[:]...)
	until := int64(0)
	if !c.Until.IsZero() {
		until = c.Until.UnixMicro()
	}
	b = binary.BigEndian.AppendUint64(b, uint64(until))
	return append(b, c.Number...)
}

func decodeClaim(b []byte) (Claim, error) {
	var c Claim
	if len(b) != claimBytes {
		return c, ErrCorruptClaim
	}
	rest := b[copy(c.Request[:], b):]
	if until := int64(binary.BigEndian.Uint64(rest)); until != 0 {
		c.Until = time.UnixMicro(until).UTC()
	}
	c.Number = fhir.Number(rest[8:])
	return c, nil
}

// NumberRange is a range of NHS numbers by their nine leading digits, both ends
// included.
type NumberRange struct{ First, Last uint32 }

// TestNumbers is the range that the national services keep for tests: 999.
func TestNumbers() NumberRange { return NumberRange{First: 999_000_000, Last: 999_999_999} }

// ErrNoNumber is returned when a range has no NHS number.
var ErrNoNumber = errors.New("demographics: no NHS number in the range")

// Allocate draws an NHS number of the range. It may be taken: CreatePerson says so.
// Drawn numbers, unlike counted ones, need no agreement and tell nobody how many
// people were created. One in eleven draws has no check digit and is drawn again.
func Allocate(random io.Reader, from NumberRange) (fhir.Number, error) {
	var seed [32]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return "", fmt.Errorf("demographics: allocate: %w", err)
	}
	if from.Last < from.First || from.Last > 999_999_999 {
		return "", ErrNoNumber
	}
	draw := rand.New(rand.NewChaCha8(seed))
	const tries = 100 // all fail once in 11^100 for a wide range
	for range tries {
		nine := from.First + draw.Uint32N(from.Last-from.First+1)
		if n, ok := fhir.NumberFor(fmt.Sprintf("%09d", nine)); ok {
			return n, nil
		}
	}
	return "", ErrNoNumber
}
