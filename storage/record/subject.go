package record

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// Slots is the number of hash buckets that subjects fall into. It never
// changes for the life of a cluster: a shard is a range of slots, so splitting
// a shard rewrites no record.
const Slots = 4096

// MaxSubjectBytes bounds a subject's length.
const MaxSubjectBytes = 128

// Slot is a fixed bucket of subjects, 0 to Slots-1, or ControlSlot.
type Slot uint16

// ControlSlot is the one slot of the control group (shard 0), behind those of
// people. No data shard holds it.
const ControlSlot Slot = Slots

// ControlPrefix begins every subject that belongs to the control group, such as
// an application or a setting of the cluster. An NHS number cannot begin so.
const ControlPrefix = "control/"

// Subject is whom, or what, a record is about: opaque below api. A person's
// subject is the NHS number.
//
// A Subject prints as a short hash and never as itself, whatever verb or
// logger is used, so that no log line can carry an NHS number by accident. Use
// string(s) where the value itself is needed.
type Subject string

// Slot says which bucket the subject falls into.
func (s Subject) Slot() Slot {
	if strings.HasPrefix(string(s), ControlPrefix) {
		return ControlSlot
	}
	return Slot(xxhash.Sum64String(string(s)) % Slots)
}

// Redacted is what stands for the subject in logs: five hexadecimal digits.
//
// Twenty bits are enough to follow one person through an incident's log and too
// few to find the person again: about a thousand NHS numbers share each value.
// A longer hash was rejected, since all 10^9 numbers can be hashed in seconds.
func (s Subject) Redacted() string {
	return fmt.Sprintf("subject#%05x", xxhash.Sum64String("log:"+string(s))>>44)
}

// Format implements fmt.Formatter: every verb prints Redacted.
func (s Subject) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.Redacted()) }

// LogValue implements slog.LogValuer.
func (s Subject) LogValue() slog.Value { return slog.StringValue(s.Redacted()) }

// MarshalText implements encoding.TextMarshaler, so that JSON logs are redacted too.
func (s Subject) MarshalText() ([]byte, error) { return []byte(s.Redacted()), nil }

var (
	_ fmt.Formatter  = Subject("")
	_ slog.LogValuer = Subject("")
)
