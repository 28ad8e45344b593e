package fhir

import (
	"strconv"
	"time"
)

// timestampLayout is FHIR's instant as the services write it: seconds, and the
// offset in figures even where it is none.
const timestampLayout = "2006-01-02T15:04:05-07:00"

// AppendTimestamp appends t as 2019-12-25T12:00:00+00:00.
func AppendTimestamp(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, timestampLayout)
}

// Entry is one entry of a Bundle.
type Entry struct {
	FullURL string
	// Score is search.score, over 0 and at most 1; 0 leaves search out.
	Score float64
	// Resource is JSON and goes out as it is.
	Resource []byte
}

// Searchset is a Bundle of what was found, or of what there is. It has no entry
// member when there is none.
type Searchset struct {
	Timestamp time.Time
	// VersionID is meta.versionId; 0 leaves meta out.
	VersionID uint64
	Entries   []Entry
}

// JSON returns the Bundle.
func (s Searchset) JSON() []byte {
	size := 160
	for i := range s.Entries {
		size += len(s.Entries[i].Resource) + len(s.Entries[i].FullURL) + 64
	}
	b := make([]byte, 0, size)
	b = append(b, `{"resourceType":"Bundle","type":"searchset"`...)
	if s.VersionID > 0 {
		b = append(b, `,"meta":{"versionId":"`...)
		b = append(strconv.AppendUint(b, s.VersionID, 10), '"', '}')
	}
	b = append(AppendTimestamp(append(b, `,"timestamp":"`...), s.Timestamp), `","total":`...)
	b = strconv.AppendInt(b, int64(len(s.Entries)), 10)
	if len(s.Entries) > 0 {
		b = append(b, `,"entry":`...)
		for i := range s.Entries {
			b = append(b, "[,"[min(i, 1)])
			b = s.Entries[i].appendJSON(b)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func (e *Entry) appendJSON(b []byte) []byte {
	b = appendText(append(b, '{'), "fullUrl", e.FullURL)
	if e.Score > 0 {
		b = append(appendName(b, "search"), `{"score":`...)
		b = append(appendScore(b, e.Score), '}')
	}
	b = append(appendName(b, "resource"), e.Resource...)
	return append(b, '}')
}

// appendScore writes at most four decimals, none that say nothing, and 1 for an
// exact match only: what is under 1 is never rounded up to it, nor down to 0.
func appendScore(b []byte, score float64) []byte {
	const unit = 10000
	n := int64(score*unit + 0.5)
	if score < 1 {
		n = min(max(n, 1), unit-1)
	}
	return strconv.AppendFloat(b, float64(n)/unit, 'f', -1, 64)
}
