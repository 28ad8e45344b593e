package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"vertebra/api/fhir"
)

// decode reads JSON strictly: valid, no member twice, none that is not known. The
// error names the member, below field.
func decode(field string, body []byte, value any) error {
	if _, err := fhir.ParseJSON(body); err != nil {
		return &badRequest{field, err.Error()}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(value)
	var kind *json.UnmarshalTypeError
	var bad *badRequest
	switch {
	case err == nil:
		return nil
	case errors.As(err, &bad):
		return bad
	case errors.As(err, &kind):
		return &badRequest{join(field, kind.Field), "cannot be a " + kind.Value}
	}
	return &badRequest{field, strings.TrimPrefix(err.Error(), "json: ")}
}

func join(field, rest string) string {
	if field == "" || rest == "" {
		return field + rest
	}
	return field + "." + rest
}

// Duration is an ISO 8601 duration of weeks, days, hours, minutes and seconds.
// Years and months are refused: they have no length of their own.
type Duration time.Duration

// longest is the most that a clock is moved at a time: a hundred years.
const longest = 100 * 365 * 24 * time.Hour

// UnmarshalJSON implements json.Unmarshaler.
func (d *Duration) UnmarshalJSON(b []byte) error {
	text, err := strconv.Unquote(string(b))
	if err != nil {
		return &badRequest{"", "a duration is a text such as PT72H"}
	}
	parsed, err := parseDuration(text)
	*d = Duration(parsed)
	return err
}

// parseDuration reads P1W, P3DT4H or PT0.5S. The pattern is compiled at each call:
// a clock is moved a few times a minute at most.
func parseDuration(text string) (time.Duration, error) {
	form := regexp.MustCompile(`^P(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?$`)
	parts := form.FindStringSubmatch(text)
	bad := &badRequest{"", fmt.Sprintf("%.40q is not an ISO 8601 duration such as PT72H", text)}
	if parts == nil || strings.HasSuffix(text, "T") || text == "P" {
		return 0, bad
	}
	units := [...]time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second}
	total := 0.0
	for i, unit := range units {
		if parts[i+1] == "" {
			continue
		}
		n, err := strconv.ParseFloat(parts[i+1], 64)
		if err != nil {
			return 0, bad
		}
		total += n * float64(unit)
	}
	if total > float64(longest) {
		return 0, &badRequest{"", "a duration of over a hundred years"}
	}
	return time.Duration(total), nil
}
