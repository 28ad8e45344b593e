package fhir

import "time"

// Precision says how much of a date was given.
type Precision uint8

// The precisions of FHIR's date and dateTime.
const (
	ToYear Precision = iota + 1
	ToMonth
	ToDay
	ToSecond
)

// Date is a FHIR date or dateTime.
type Date struct {
	// Time is the moment, or the first one of the year, month or day, in UTC.
	Time      time.Time
	Precision Precision
	// Offset is the time zone as it was written: "", "Z", "+01:00".
	Offset string
}

// ParseDate reads a FHIR date: 2010, 2010-10 or 2010-10-22. The day must exist.
func ParseDate(s string) (Date, bool) {
	for _, form := range [...]struct {
		layout    string
		precision Precision
	}{{"2006", ToYear}, {"2006-01", ToMonth}, {"2006-01-02", ToDay}} {
		if len(s) == len(form.layout) {
			t, err := time.Parse(form.layout, s)
			return Date{Time: t, Precision: form.precision}, err == nil
		}
	}
	return Date{}, false
}

// ParseDay reads a full date, 2010-10-22, and nothing less.
func ParseDay(s string) (time.Time, bool) {
	d, ok := ParseDate(s)
	return d.Time, ok && d.Precision == ToDay
}

// ParseDateTime reads a FHIR date or dateTime. A time has seconds; its offset may
// be left out, as the demographics service does (contract 1.9.3), and is then none.
func ParseDateTime(s string) (Date, bool) {
	const local = "2006-01-02T15:04:05"
	if len(s) < len(local) {
		return ParseDate(s)
	}
	d := Date{Precision: ToSecond, Offset: s[len(local):]}
	layout := local
	if d.Offset != "" {
		layout += "Z07:00"
	}
	t, err := time.Parse(layout, s)
	d.Time = t.UTC()
	// time.Parse takes fractions of a second that no layout asked for; they would end up
	// in Offset.
	ok := err == nil && (d.Offset == "" || d.Offset[0] != '.' && d.Offset[0] != ',')
	return d, ok
}
