package fhir

// Number is a valid NHS number: ten digits of which the last is the modulus-11
// check digit of the others. Make one with ParseNumber or NumberFor.
type Number string

// ParseNumber returns s as an NHS number, or false when it is not ten digits
// with the right check digit.
//
// The rule: the sum of digit i (1 to 9) times (11-i), modulo 11, subtracted from
// 11; 11 becomes 0, and where it is 10 there is no such number. (NHS Data
// Dictionary, NHS NUMBER; demographics contract 1.5.)
func ParseNumber(s string) (Number, bool) {
	if len(s) != 10 {
		return "", false
	}
	for i := range 10 {
		if s[i] < '0' || s[i] > '9' {
			return "", false
		}
	}
	check, ok := checkDigit(s[:9])
	if !ok || s[9] != check {
		return "", false
	}
	return Number(s), true
}

// NumberFor returns the NHS number with the given nine leading digits. One in
// eleven has no check digit; ok is then false.
func NumberFor(nine string) (n Number, ok bool) {
	if len(nine) != 9 {
		return "", false
	}
	for i := range 9 {
		if nine[i] < '0' || nine[i] > '9' {
			return "", false
		}
	}
	check, ok := checkDigit(nine)
	if !ok {
		return "", false
	}
	return Number(nine + string(check)), true
}

func checkDigit(nine string) (byte, bool) {
	sum := 0
	for i := range 9 {
		sum += int(nine[i]-'0') * (10 - i)
	}
	check := (11 - sum%11) % 11
	return byte('0' + check), check != 10
}
