package fhir

import (
	"strconv"
	"strings"
)

// ETag returns the weak ETag of a version: W/"3".
func ETag(version uint64) string {
	return `W/"` + strconv.FormatUint(version, 10) + `"`
}

// ParseETag returns the version that an If-Match header names. Only what ETag
// writes is accepted, so that one version has one ETag.
func ParseETag(s string) (uint64, bool) {
	digits, ok := strings.CutPrefix(s, `W/"`)
	if !ok {
		return 0, false
	}
	digits, ok = strings.CutSuffix(digits, `"`)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && strconv.FormatUint(n, 10) == digits
}
