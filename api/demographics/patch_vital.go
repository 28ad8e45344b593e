package demographics

import (
	"time"

	"vertebra/api/fhir"
)

func (u *update) touched(member string) bool {
	return !fhir.Equal(u.before.Get(member), u.tree.Get(member))
}

// checkVitals: gender, birth and multiple birth.
func (u *update) checkVitals() error {
	for _, member := range [...]string{"birthDate", "gender", "deceasedDateTime"} {
		if u.before.Get(member) != nil && u.tree.Get(member) == nil {
			return ForbiddenUpdate("source not permitted to remove '" + member + "'")
		}
	}
	if gender := u.tree.Get("gender"); u.touched("gender") {
		switch gender.Str() {
		case "male", "female", "unknown":
		default:
			return InvalidValue(valueText(gender), "gender")
		}
	}
	if order := u.tree.Get("multipleBirthInteger"); u.touched("multipleBirthInteger") && order != nil {
		if order.Kind != fhir.KindNumber || len(order.Text) != 1 || order.Text == "0" {
			return InvalidValue(valueText(order), "multipleBirthInteger")
		}
	}
	if err := u.checkDeathFormat(); err != nil {
		return err
	}
	return u.checkBirthDate()
}

// checkDeathFormat: a date, or a time without an offset or with none to speak of. It
// comes before what the date means.
func (u *update) checkDeathFormat() error {
	death := u.tree.Get("deceasedDateTime")
	d, ok := fhir.ParseDateTime(death.Str())
	utc := d.Offset == "" || d.Offset == "+00:00" || d.Offset == "Z"
	if u.touched("deceasedDateTime") && (!ok || d.Precision < fhir.ToDay || !utc) {
		return InvalidValue(valueText(death), "deceasedDateTime")
	}
	return nil
}

func (u *update) checkBirthDate() error {
	if !u.touched("birthDate") {
		return nil
	}
	birth := u.tree.Get("birthDate")
	day, ok := fhir.ParseDay(birth.Str())
	if !ok {
		return InvalidValue(valueText(birth), "birthDate")
	}
	if day.After(u.today) {
		return InvalidUpdate("birthDate cannot be in the future")
	}
	if death, ok := fhir.ParseDateTime(u.tree.Get("deceasedDateTime").Str()); ok && day.After(death.Time) {
		return InvalidUpdate("birthDate cannot be after deceasedDateTime")
	}
	return nil
}

// The codes of a death notification.
const (
	deathFormal  = "2"
	deathRemoved = "U"
)

// checkDeath: a death is a date and a notification, and both come in one request.
func (u *update) checkDeath() error {
	was, is := deathNotification(u.before), deathNotification(u.tree)
	added := u.before.Get("deceasedDateTime") == nil && u.tree.Get("deceasedDateTime") != nil
	if added && is == nil || was == nil && is != nil && u.tree.Get("deceasedDateTime") == nil {
		return InvalidUpdate("deceasedDateTime and death notification must be added in the same request")
	}
	if !u.touched("deceasedDateTime") {
		return nil
	}
	if !added && deathCode(was) == deathFormal {
		return ForbiddenUpdate("source not permitted to replace 'deceasedDateTime'")
	}
	return u.checkDateOfDeath()
}

func (u *update) checkDateOfDeath() error {
	d, _ := fhir.ParseDateTime(u.tree.Get("deceasedDateTime").Str())
	if d.Time.After(u.req.Now) {
		return InvalidUpdate("deceasedDateTime cannot be in the future")
	}
	birth, ok := fhir.ParseDate(u.tree.Get("birthDate").Str())
	if ok && d.Time.Truncate(24*time.Hour).Before(birth.Time) {
		return InvalidUpdate("deceasedDateTime cannot be before birthDate")
	}
	return nil
}

func deathNotification(patient *fhir.Value) *fhir.Value {
	return itemWithKey(patient.Get("extension"), "url", extensionDeath)
}

func deathCode(notification *fhir.Value) string {
	return codeOf(subExtension(notification, "deathNotificationStatus")).Str()
}
