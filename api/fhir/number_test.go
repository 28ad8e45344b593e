package fhir_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"vertebra/api/fhir"
)

func TestParseNumber(t *testing.T) {
	for _, s := range []string{"9000000009", "9000000017", "9000000025", "9990000018", "4010232137"} {
		if n, ok := fhir.ParseNumber(s); !ok || string(n) != s {
			t.Errorf("ParseNumber(%q) = %q, %v; it is valid", s, string(n), ok)
		}
	}
	for _, s := range []string{
		"", "900000000", "90000000090", "9000000000", "9000000008", "900000000a", " 900000000",
		"9000000009 ", "９０００００００００９", "4010232138", "-000000009",
	} {
		if _, ok := fhir.ParseNumber(s); ok {
			t.Errorf("ParseNumber(%q) took it", s)
		}
	}
}

// One in eleven nine-digit strings has no check digit, all others exactly one.
func TestNumberForAgreesWithParseNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nine := fmt.Sprintf("%09d", rapid.IntRange(0, 999_999_999).Draw(t, "nine"))
		made, ok := fhir.NumberFor(nine)
		valid := 0
		for check := range 10 {
			if n, is := fhir.ParseNumber(fmt.Sprint(nine, check)); is {
				valid++
				if n != made {
					t.Fatalf("ParseNumber takes %s, NumberFor made another", string(n))
				}
			}
		}
		if ok != (valid == 1) || valid > 1 {
			t.Fatalf("%s: NumberFor ok = %v, valid check digits: %d", nine, ok, valid)
		}
	})
	if _, ok := fhir.NumberFor("12345678"); ok {
		t.Error("NumberFor took eight digits")
	}
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"9000000009", "9000000000", "", "900000000x", "\x00\xff900000009"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := fhir.ParseNumber(s)
		if !ok {
			return
		}
		if string(n) != s || len(s) != 10 || strings.Trim(s, "0123456789") != "" {
			t.Fatalf("took %q", s)
		}
		sum := 0
		for i := range 10 {
			sum += int(s[i]-'0') * (10 - i)
		}
		if sum%11 != 0 {
			t.Fatalf("%q: weighted sum %d is not divisible by 11", s, sum)
		}
	})
}
