package people

import "vertebra/api/fhir"

const (
	// bandPeople is how many people have numbers with the same first three digits: for each
	// of 100,000 first eight digits, nine of the nine or ten last but one that have a
	// check digit.
	bandPeople = 900_000
	// MaxPeople bounds i: 100 bands, 999 down to 900. Person repeats numbers beyond it.
	MaxPeople = 100 * bandPeople
	// stride has no factor in common with bandPeople, so that it visits all of a band.
	stride = 611_953
)

// Number returns the NHS number of person i without making the person: another one for
// every i below MaxPeople. Within a band they are strewn, since numbers in order
// would all be new at the end of every index.
func (g *Generator) Number(i int) fhir.Number {
	band := i / bandPeople % 100
	at := (i%bandPeople*stride + int(g.seed%bandPeople)) % bandPeople
	var nine [9]byte
	digits(nine[:3], 999-band)
	digits(nine[3:8], at/9)
	nine[8] = '0' + byte(at%9)
	if nine[8] >= withoutCheck(nine) {
		nine[8]++
	}
	n, _ := fhir.NumberFor(string(nine[:]))
	return n
}

// withoutCheck returns the ninth digit for which there is no check digit, or ':' when
// all ten have one: the weighted sum must not be 1 modulo 11 (NHS Data Dictionary).
func withoutCheck(nine [9]byte) byte {
	sum := 0
	for i := range 8 {
		sum += int(nine[i]-'0') * (10 - i)
	}
	// 2*d = 1-sum modulo 11, and 6 is the inverse of 2.
	return '0' + byte(6*(12-sum%11)%11)
}

// digits writes n into b, with leading zeros.
func digits(b []byte, n int) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = '0' + byte(n%10)
		n /= 10
	}
}
