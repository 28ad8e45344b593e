package demographics

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

// TestNextRegister: what a change removed or replaced becomes history, once, and what
// is only moved or extended does not.
func TestNextRegister(t *testing.T) {
	const before = `{"gender":"male","birthDate":"2000-01-01",
		"name":[{"id":"A","family":"Smith","given":["Jane"]},{"id":"B","family":"Jones","given":["Jane"]}],
		"address":[{"id":"C","line":["1 High St"],"postalCode":"LS1 6AE"}],"telecom":[{"id":"D","value":"01"},{"id":"E","value":"02"}]}`
	for _, c := range []struct {
		says, after                string
		names, addresses, telecoms int
		genders, births            []string
	}{
		{says: "nothing", after: before},
		{says: "everything", after: `{}`, names: 2, addresses: 1, telecoms: 2, genders: []string{"male"}, births: []string{"2000-01-01"}},
		{says: "in another order, with a prefix", after: `{"gender":"male","birthDate":"2000-01-01",
			"name":[{"id":"B","family":"Jones","given":["Jane"],"prefix":["Ms"]},{"id":"A","family":"Smith","given":["Jane"]}],
			"address":[{"id":"C","line":["1 High St"],"postalCode":"LS1 6AE","period":{}}],"telecom":[{"id":"E","value":"02"},{"id":"D","value":"01"}]}`},
		{says: "other values under the same ids", after: `{"gender":"female","birthDate":"2000-01-02",
			"name":[{"id":"A","family":"Smyth","given":["Jane"]},{"id":"B","family":"Jones","given":["Janet"]}],
			"address":[{"id":"C","line":["2 High St"],"postalCode":"LS1 6AE"}],"telecom":[{"id":"D","value":"03"},{"id":"E","value":"02"}]}`,
			names: 2, addresses: 1, telecoms: 1, genders: []string{"male"}, births: []string{"2000-01-01"}},
	} {
		got := nextRegister(Register{}, []byte(before), []byte(c.after)).History
		if len(got.Name) != c.names || len(got.Address) != c.addresses || len(got.Telecom) != c.telecoms ||
			!slices.Equal(got.Gender, c.genders) || !slices.Equal(got.BirthDate, c.births) {
			t.Errorf("%s: %+v", c.says, got)
		}
	}
}

// TestRegisterIsBounded: the oldest goes, and the register that was read is not changed.
func TestRegisterIsBounded(t *testing.T) {
	var r Register
	for i := range MaxFormer + 5 {
		before := fmt.Appendf(nil, `{"gender":"g%d","name":[{"id":"%d","family":"f%d"}]}`, i, i, i)
		next := nextRegister(r, before, []byte(`{}`))
		if i > 0 && len(r.History.Gender) > 0 && r.History.Gender[len(r.History.Gender)-1] != fmt.Sprintf("g%d", i-1) {
			t.Fatal("the register that was read has changed")
		}
		r = next
	}
	var first struct{ Family string }
	if err := json.Unmarshal(r.History.Name[0], &first); err != nil || first.Family != "f5" || len(r.History.Name) != MaxFormer ||
		len(r.History.Gender) != MaxFormer || r.History.Gender[0] != "g5" {
		t.Errorf("%d names from %q, %d genders: %v", len(r.History.Name), first.Family, len(r.History.Gender), err)
	}
}

// TestScoreBounds: rounding makes neither an exact match of a near one nor nothing of a
// poor one.
func TestScoreBounds(t *testing.T) {
	for _, c := range []struct{ fit, penalty, want float64 }{
		{1, 0.5, 1}, {0.999999, 0, 0.9999}, {0.5, 0, 0.5}, {0.5, 0.9, 0.0001},
	} {
		var s score
		s.add(3, c.fit)
		if got := s.value(c.penalty); got != c.want {
			t.Errorf("fit %v less %v: %v, want %v", c.fit, c.penalty, got, c.want)
		}
	}
}
