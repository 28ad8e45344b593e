package demographics

import (
	"errors"
	"fmt"

	"github.com/tidwall/gjson"

	"vertebra/api/fhir"
)

// ErrCorruptAttributes is returned for a stored person whose attributes do not fit
// its body.
var ErrCorruptAttributes = errors.New("demographics: corrupt attributes")

// Security is a person's confidentiality (contract 1.5).
type Security byte

// The levels of confidentiality, as the letters of the code system.
const (
	Unrestricted   Security = 'U'
	Restricted     Security = 'R'
	VeryRestricted Security = 'V'
)

// attributesFormat is the first byte of a person's attributes; on disk.
const attributesFormat = 1

// attributes is what a read must know of a stored Patient without decoding it. As
// record.Attributes: format, state, security, flags, the superseding number if there
// is one, then the outline.
type attributes struct {
	status   Status
	security Security
	// whole: nothing in the body is hidden from those who may see everything, so that
	// the hot path answers with the stored bytes.
	whole bool
	// internalRemoval: the body has a reason for removal that is not for everybody.
	internalRemoval bool
	outline         []byte
}

// The flags of stored attributes.
const (
	flagWhole           = 1
	flagInternalRemoval = 2
)

const numberLength = 10

// Attributes returns what is stored beside a Patient for reading it: its status,
// confidentiality and the outline that views are cut by. body is valid JSON.
func Attributes(body []byte, status Status) ([]byte, error) {
	b := make([]byte, 0, 128)
	b = append(b, attributesFormat, byte(status.State), byte(securityIn(body)), 0)
	if status.State == Superseded {
		if len(status.By) != numberLength {
			return nil, fmt.Errorf("%w: superseded by no number", ErrCorruptAttributes)
		}
		b = append(b, status.By...)
	}
	hidden := false
	b, err := fhir.AppendOutline(b, body, func(member string, item []byte) (fhir.Class, bool) {
		class, itemised := classify(member, item)
		hidden = hidden || !itemised && !plainView().Has(class)
		return class, itemised
	})
	if err != nil {
		return nil, fmt.Errorf("demographics: outline of a Patient: %w", err)
	}
	if !hidden {
		b[3] |= flagWhole
	}
	if hasInternalRemoval(body) {
		b[3] |= flagInternalRemoval
	}
	return b, nil
}

// securityIn reads the confidentiality of a Patient. None means unrestricted; a code
// that this service does not know is treated as the strictest.
func securityIn(body []byte) Security {
	switch gjson.GetBytes(body, "meta.security.0.code").Str {
	case "U", "":
		return Unrestricted
	case "R":
		return Restricted
	}
	return VeryRestricted
}

// parseAttributes reads what Attributes made, without allocating.
func parseAttributes(b []byte) (attributes, error) {
	if len(b) < 4 || b[0] != attributesFormat {
		return attributes{}, ErrCorruptAttributes
	}
	a := attributes{
		status:   Status{State: State(b[1])},
		security: Security(b[2]),
		outline:  b[4:],

		whole:           b[3]&flagWhole != 0,
		internalRemoval: b[3]&flagInternalRemoval != 0,
	}
	if a.status.State == Superseded {
		if len(a.outline) < numberLength {
			return attributes{}, ErrCorruptAttributes
		}
		a.status.By = fhir.Number(a.outline[:numberLength])
		a.outline = a.outline[numberLength:]
	}
	return a, nil
}
